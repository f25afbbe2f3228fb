"""How sentences are written before anything is done with them."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.corpus.pairs import SentencePair, clean, cleaned


def test_one_way_to_write_each_thing():
    assert clean("  It’s\u00a0a “cafe\u0301”…\u200b\n") == 'It\'s a "café"...'


def test_control_characters_part_words():
    assert clean("a\tb\x07c\r\nd") == "a b c d"


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_cleaning_is_done_once_for_all(text):
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert "  " not in once


def test_an_inverted_question_mark_an_emoji_and_guillemets_stay():
    assert clean("¿Qué? ¡Sí! «no» 😀") == "¿Qué? ¡Sí! «no» 😀"


def test_pairs_come_once_and_none_is_half_empty():
    pairs = [("A", "B"), ("A ", "B"), ("A", "\u200b"), ("A", "C")]
    assert cleaned(SentencePair(*pair) for pair in pairs) == [("A", "B"), ("A", "C")]
