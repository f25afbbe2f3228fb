"""The sentences of the phrasebook, as one grammar: constructions over the lexicon, by topic."""

from functools import cache

from workbook.corpus.phrasebook.constructions import (
    adverbials,
    auxiliaries,
    banks,
    clock_and_calendar,
    commands,
    comparison,
    complements,
    compound_sentences,
    everyday,
    favorites,
    noun_phrases,
    plain_it,
    predicates,
    questions,
    relative_clauses,
    reported_speech,
    statements,
    tenses,
    weather,
    what_it_is,
)
from workbook.corpus.phrasebook.grammar import Grammar

KINDS = ("statement", "question", "command", "exclamation")
_PARTS = (
    noun_phrases,
    adverbials,
    auxiliaries,
    predicates,
    complements,
    tenses,
    statements,
    compound_sentences,
    reported_speech,
    comparison,
    questions,
    commands,
    everyday,
    weather,
    clock_and_calendar,
    relative_clauses,
    favorites,
    plain_it,
    banks,
    what_it_is,
)


@cache
def phrasebook_grammar() -> Grammar:
    """The whole grammar, built once; its top symbols are `KINDS`."""
    grammar = Grammar()
    for part in _PARTS:
        part.add(grammar)
    return grammar
