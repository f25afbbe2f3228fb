"""The Phrasebook: a grammar of our own that writes true English–Spanish pairs with tags.

    from workbook.corpus import phrasebook

    pairs = phrasebook.load_phrasebook("train")          # the shipped files
    more = phrasebook.generate(100_000, seed=1)          # fresh pairs, lazily
    phrasebook.parses("this cat is very large")          # is it a sentence of the grammar?

A reader starts at `lexicon` (the words), `constructions` (the sentences, as templates over them)
and `grammar` (the engine that writes, enumerates and reads them); `realise`, `spanish_verbs`,
`spanish_nouns`, `english_forms` and `numbers` know the forms; `splits` and `shipping` make the
files.
"""

from workbook.corpus.phrasebook.sentences import Pair, Sentence, every_sentence, parse, parses
from workbook.corpus.phrasebook.shipping import (
    Everyday,
    Probe,
    generate,
    load_everyday,
    load_phrasebook,
    load_probes,
    write_phrasebook,
)
from workbook.corpus.phrasebook.splits import FAMOUS, SPLITS, split_of
from workbook.corpus.phrasebook.tokens import TAGS, join, normalise, tokenise, words_of_both

__all__ = [
    "FAMOUS",
    "SPLITS",
    "TAGS",
    "Everyday",
    "Pair",
    "Probe",
    "Sentence",
    "every_sentence",
    "generate",
    "join",
    "load_everyday",
    "load_phrasebook",
    "load_probes",
    "normalise",
    "parse",
    "parses",
    "split_of",
    "tokenise",
    "words_of_both",
    "write_phrasebook",
]
