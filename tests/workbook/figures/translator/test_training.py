"""Lesson 09's pictures of targets, rates and paths: what is plotted, and what is said."""

import pytest

from workbook.figures import sentence_paths, smoothed_targets, warmup_rates
from workbook.pieces import warmup_rate


def test_the_bars_are_the_targets():
    picture = smoothed_targets(["gato", "perro", "muy", "es"], 0, 0.1)
    plain, smooth = picture.figure.axes
    assert [bar.get_height() for bar in plain.patches] == [1, 0, 0, 0]
    heights = [bar.get_height() for bar in smooth.patches]
    assert heights == pytest.approx([0.925, 0.025, 0.025, 0.025])
    assert [tick.get_text() for tick in smooth.get_xticklabels()] == ["gato", "perro", "muy", "es"]
    assert "gato 0.925, perro 0.025" in picture.alt
    assert "0.025 each" in picture.alt


@pytest.mark.parametrize(("target", "smoothing"), [(4, 0.1), (-1, 0.1), (0, 1.5)])
def test_a_target_that_is_no_word_is_refused(target, smoothing):
    with pytest.raises(ValueError, match="target should be"):
        smoothed_targets(["a", "b", "c", "d"], target, smoothing)


def test_the_lines_are_the_rates_with_their_peaks_marked():
    rates = {f"warm-up {w}": [warmup_rate(step, 64, w) for step in range(1, 101)] for w in (10, 40)}
    picture = warmup_rates(rates, {"warm-up 10": 10, "warm-up 40": 40})
    lines = picture.figure.axes[0].lines
    assert list(lines[0].get_ydata()) == rates["warm-up 10"]
    assert list(lines[1].get_xdata()) == [10]
    assert list(lines[1].get_ydata()) == [max(rates["warm-up 10"])]
    assert "warm-up 40: largest, 0.02, at step 40" in picture.alt


def test_too_many_curves_are_refused():
    with pytest.raises(ValueError, match="styles for"):
        warmup_rates({}, {})


def test_paths_are_written_with_their_products():
    picture = sentence_paths(
        [([("el", 0.6), ("gato", 0.3)], "greedy"), ([("este", 0.4), ("gato", 0.9)], "better")],
        "Greedy misses the better sentence",
    )
    texts = [text.get_text() for text in picture.figure.axes[0].texts]
    assert "este" in texts
    assert "= 0.360  better" in texts
    assert "el gato 0.180 (greedy); este gato 0.360 (better)" in picture.alt
    with pytest.raises(ValueError, match="at least one"):
        sentence_paths([], "nothing")
