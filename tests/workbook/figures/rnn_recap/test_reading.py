import pytest

from workbook.figures import unrolled_network

WORDS = "this cat is very large".split()


def texts(picture):
    return [text.get_text() for text in picture.figure.axes[0].texts]


def test_every_word_has_a_box_a_state_and_a_step():
    shown = texts(unrolled_network(WORDS))
    for number, word in enumerate(WORDS, start=1):
        assert {word, f"$h_{{{number}}}$", f"step {number}"} <= set(shown)
    assert "last" in shown
    assert "zeros" in shown


def test_the_title_says_who_waits():
    assert unrolled_network(WORDS).figure.texts[0].get_text().startswith("One step, 5 times over")


def test_the_alternative_text_names_the_words():
    assert "this, cat, is, very, large" in unrolled_network(WORDS).alt


@pytest.mark.parametrize("words", [["alone"], list("abcdefghijk")])
def test_too_few_or_too_many_words_are_refused(words):
    with pytest.raises(ValueError, match="2 to 10 words"):
        unrolled_network(words)
