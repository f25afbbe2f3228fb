import numpy as np
import pytest
import torch

from workbook.figures import gradient_reach_curves, gradient_reach_explorer
from workbook.figures.rnn_recap.reach import FLOOR


def powers(radius, length=21):
    """The reach of a linear chain, the first word first."""
    return torch.tensor([radius ** (length - 1 - t) for t in range(length)], dtype=torch.float64)


def test_a_curve_starts_at_the_nearest_word():
    panels = {"vanilla": {"half": powers(0.5), "one": powers(1.0)}, "gated": {"open": powers(0.9)}}
    first, second = gradient_reach_curves(panels, "It vanishes").figure.axes
    assert [line.get_label() for line in first.lines] == ["half", "one"]
    np.testing.assert_allclose(first.lines[0].get_ydata(), 0.5 ** np.arange(21))
    np.testing.assert_allclose(second.lines[0].get_ydata(), 0.9 ** np.arange(21))
    assert first.get_yscale() == "log"
    assert first.get_title(loc="left") == "vanilla"


def test_what_has_vanished_altogether_is_drawn_at_the_floor():
    reach = torch.tensor([0.0, 1e-30, 1.0])
    axes = gradient_reach_curves({"": {"a": reach}}, "Gone").figure.axes[0]
    assert axes.lines[0].get_ydata().tolist() == [1.0, FLOOR, FLOOR]


def test_the_alternative_text_has_numbers_near_and_far():
    alt = gradient_reach_curves({"": {"half": powers(0.5)}}, "It vanishes").alt
    assert "half: 1 at distance 0, 0.001 at distance 10, 1e-06 at distance 20" in alt


def test_the_slider_moves_the_curve_and_the_title():
    asked = []

    def reach_at(radius):
        asked.append(radius)
        return powers(radius)

    explorer = gradient_reach_explorer(reach_at)
    assert "about as large" in explorer.picture.figure.texts[0].get_text()
    explorer.controls["radius"].value = 0.5
    assert asked == [1.0, 0.5]
    title = explorer.picture.figure.texts[0].get_text()
    assert title == "Spectral radius 0.5: after 20 words the gradient is $10^{6}$ times smaller"
    (line,) = [each for each in explorer.picture.figure.axes[0].lines if len(each.get_xdata()) > 2]
    np.testing.assert_allclose(line.get_ydata(), 0.5 ** np.arange(21))
    explorer.controls["radius"].value = 1.2
    assert "after 20 words the gradient is 40 times" in explorer.picture.figure.texts[0].get_text()
    assert "larger" in explorer.picture.figure.texts[0].get_text()


def test_nothing_left_is_told():
    explorer = gradient_reach_explorer(lambda radius: torch.tensor([0.0, 1.0]))
    assert "nothing is left after 1 words" in explorer.picture.figure.texts[0].get_text()


def test_the_still_picture_shows_three_radii():
    picture, alt = gradient_reach_explorer(powers).still()
    assert len(picture.figure.axes[0].lines) == 3
    assert "radius 0.5: 1 at distance 0" in alt
    assert "radius 2: 1 at distance 0, 1e+03 at distance 10, 1e+06 at distance 20" in alt


def test_a_piece_that_fails_is_told_in_the_pictures_place():
    def unfinished(radius):
        raise NotImplementedError("write gradient_reach first")

    assert "write gradient_reach first" in gradient_reach_explorer(unfinished).problem


@pytest.mark.parametrize("panels", [{}, {"a": {}}, {"a": {n: [1.0] for n in "abcde"}}])
def test_what_cannot_be_drawn_is_refused(panels):
    with pytest.raises(ValueError, match="panel"):
        gradient_reach_curves(panels, "Nothing")
