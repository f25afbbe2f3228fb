import pytest

from workbook.figures import positions_compared

LEARNING = {"none": [[0.5, 0.5], [0.4, 0.5]], "rotary": [[0.5, 1.0]]}
BY_LENGTH = {"none": [[0.5, 0.45], [0.5, 0.55]], "rotary": [[1.0, 0.9]]}


def compared(learning=LEARNING, by_length=BY_LENGTH):
    return positions_compared(learning, 25, by_length, 1, "A coin without positions")


def named(axes):
    return [line for line in axes.lines if len(line.get_xdata()) and line.get_marker() != "None"]


def test_each_run_is_a_line_in_both_panels():
    left, right = compared().figure.axes
    assert [list(line.get_ydata()) for line in named(left)] == [
        *LEARNING["none"],
        *LEARNING["rotary"],
    ]
    assert [list(line.get_ydata()) for line in named(right)] == [
        *BY_LENGTH["none"],
        *BY_LENGTH["rotary"],
    ]
    assert list(named(left)[0].get_xdata()) == [0, 25]
    assert list(named(right)[0].get_xdata()) == [1, 2]


def test_the_trained_lengths_are_shaded_and_a_coin_is_marked():
    left, right = compared().figure.axes
    assert "lengths seen in training" in [text.get_text() for text in right.texts]
    assert "a coin" in [text.get_text() for text in left.get_yticklabels()]


def test_five_kinds_differ_in_more_than_hue():
    kinds = {name: [[0.5, 0.9]] for name in "abcde"}
    left, _ = compared(kinds, kinds).figure.axes
    assert len({(line.get_marker(), line.get_linestyle()) for line in named(left)}) == 5


def test_the_text_gives_the_means():
    assert "none: 50% at 1, 50% at 2; rotary: 100% at 1, 90% at 2" in compared().alt


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="same kinds"):
        compared(by_length={"none": [[0.5]]})
    six = {name: [[0.5]] for name in "abcdef"}
    with pytest.raises(ValueError, match="styles for 5"):
        compared(six, six)
