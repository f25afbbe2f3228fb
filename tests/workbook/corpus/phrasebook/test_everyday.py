"""The everyday sentences are the grammar's blind spot on purpose: it writes none of them."""

import unicodedata

from workbook.corpus import phrasebook
from workbook.corpus.phrasebook import SPLITS, normalise, parses

EVERYDAY = phrasebook.load_everyday()


def test_there_are_two_hundred_with_one_to_three_references():
    assert len(EVERYDAY) == 200
    assert len({normalise(sentence.english) for sentence in EVERYDAY}) == 200
    for sentence in EVERYDAY:
        assert 1 <= len(sentence.references) <= 3
        assert len(set(sentence.references)) == len(sentence.references)


def test_the_grammar_derives_none_of_them_whole_or_plain():
    for sentence in EVERYDAY:
        english = sentence.english
        assert not parses(english), english
        assert not parses(english[0].lower() + english[1:].rstrip(".?!")), english
        assert not parses(english.rstrip(".?!")), english


def test_none_of_them_is_in_a_shipped_file():
    shipped = [phrasebook.load_phrasebook(split) for split in (*SPLITS, "famous")]
    shipped += [[probe.pair for probe in phrasebook.load_probes(name)] for name in ("bank", "it")]
    english = {normalise(pair.english) for pairs in shipped for pair in pairs}
    spanish = {normalise(pair.spanish) for pairs in shipped for pair in pairs}
    for sentence in EVERYDAY:
        assert normalise(sentence.english) not in english
        assert all(normalise(reference) not in spanish for reference in sentence.references)


def test_their_spanish_is_clean_and_keeps_its_marks():
    for sentence in EVERYDAY:
        for text in (sentence.english, *sentence.references):
            assert text == unicodedata.normalize("NFC", text).strip()
            assert text[-1] in ".?!"
        for reference in sentence.references:
            assert reference.count("¿") == reference.count("?")
            assert reference.count("¡") == reference.count("!")
            assert sentence.english[-1] == reference[-1]
