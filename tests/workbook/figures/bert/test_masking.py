import pytest

from workbook.figures import masked_sentence

TOKENS = "[CLS] the cat sat [SEP]".split()
INPUTS = "[CLS] [MASK] cat ran [SEP]".split()
LABELS = [None, "the", "cat", "sat", None]


def test_the_three_fates_are_told_apart_by_what_went_in():
    texts = [
        text.get_text() for text in masked_sentence(TOKENS, INPUTS, LABELS).figure.axes[0].texts
    ]
    assert texts[-5:] == ["", "masked", "unchanged", "another token", ""]
    assert texts.count("−100") == 2
    assert texts.count("[MASK]") == 1


def test_the_alternative_text_says_what_became_of_each():
    alt = masked_sentence(TOKENS, INPUTS, LABELS).alt
    assert "3 of 5 tokens are chosen" in alt
    assert "“the” is masked; “cat” is unchanged; “sat” is another token (“ran”)" in alt


def test_nothing_chosen_is_said():
    assert "None is chosen" in masked_sentence(TOKENS, TOKENS, [None] * 5).alt


def test_counts_that_differ_are_refused():
    with pytest.raises(ValueError, match="inputs should name 5"):
        masked_sentence(TOKENS, INPUTS[:-1], LABELS)
    with pytest.raises(ValueError, match="labels should have 5 entries"):
        masked_sentence(TOKENS, INPUTS, LABELS[:-1])
