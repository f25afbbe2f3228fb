"""Curves of training runs."""

import pytest

from workbook.figures import learning_curves

RUNS = {
    "scaled": [[0.1, 0.5, 0.9, 1.0], [0.2, 0.6, 0.8, 1.0]],
    "not scaled": [[0.1, 0.1, 0.2, 0.3]],
}


def test_each_run_is_a_line_and_each_kind_is_named_once():
    axes = learning_curves(RUNS, 10, "Scaled runs learn faster").figure.axes[0]
    assert [line.get_ydata().tolist() for line in axes.lines] == [
        *RUNS["scaled"],
        *RUNS["not scaled"],
    ]
    assert all(list(line.get_xdata()) == [0, 10, 20, 30] for line in axes.lines)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(RUNS)
    assert axes.get_xlabel() == "training step"


def test_kinds_differ_in_more_than_hue():
    lines = learning_curves(RUNS, 10, "Scaled runs learn faster").figure.axes[0].lines
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == 2


def test_the_alternative_text_gives_the_numbers():
    alt = learning_curves(RUNS, 10, "Scaled runs learn faster").alt
    assert "at step 10, scaled: 50%, 60%; not scaled: 10%" in alt


@pytest.mark.parametrize("runs", [{}, {"a": []}, {"a": [[]]}, {name: [[1.0]] for name in "abcde"}])
def test_what_cannot_be_drawn_is_refused(runs):
    with pytest.raises(ValueError, match="run"):
        learning_curves(runs, 10, "Nothing")
