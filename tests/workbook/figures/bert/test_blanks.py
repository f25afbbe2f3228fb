import pytest

from workbook.figures import blank_explorer, filled_blank

WORDS = "the cat sat".split()
GUESSES = [("ran", 0.6), ("sat", 0.3), ("ate", 0.1)]


def test_bars_are_as_long_as_the_model_is_sure_and_the_word_that_stood_there_has_a_tick():
    board = filled_blank(WORDS, 2, GUESSES).figure.axes[0]
    bars = [patch.get_bbox().width for patch in board.patches[len(WORDS) :]]
    assert [bar / bars[0] for bar in bars] == pytest.approx([1, 0.5, 1 / 6], rel=0.01)
    texts = [text.get_text() for text in board.texts]
    assert texts[: len(WORDS)] == ["the", "cat", "?"]
    assert "sat ✓" in texts


def test_title_and_alternative_text_say_whether_the_guess_is_right():
    assert "“ran” (60%), and it was “sat”" in filled_blank(WORDS, 2, GUESSES).alt
    right = filled_blank(WORDS, 2, GUESSES[1:]).alt
    assert "“sat” (30%), the word that stood there" in right
    assert "“the cat ___”: “sat” 30%, “ate” 10%" in right


def test_the_explorer_asks_for_the_word_that_is_hidden():
    asked = []

    def guess(words, place):
        asked.append((words, place))
        return GUESSES

    explorer = blank_explorer(guess, ["the cat sat", "a dog"], place=1)
    explorer.controls["word"].value = 3
    assert asked[-1] == (WORDS, 2)
    explorer.controls["sentence"].value = "a dog"
    assert asked[-1] == (["a", "dog"], 1)  # there is no third word
    assert explorer.problem is None
    assert "the ___ sat" in explorer.still()[1]


def test_a_word_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="word 3 should be hidden"):
        blank_explorer(lambda words, place: GUESSES, ["the cat sat"], place=3)
