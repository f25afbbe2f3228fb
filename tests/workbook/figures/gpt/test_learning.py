import pytest

from workbook.figures import loss_curve


def test_the_curve_and_the_line_of_ignorance():
    picture = loss_curve([6.0, 3.0, 2.0], 10, 6.5, "It learns")
    (axes,) = picture.figure.axes
    curve, line = axes.lines
    assert list(curve.get_ydata()) == [6.0, 3.0, 2.0]
    assert list(curve.get_xdata()) == [5.0, 15.0, 25.0]
    assert set(line.get_ydata()) == {6.5}
    assert "from 6.00 to 2.00 in 30 steps; equal probabilities give 6.50" in picture.alt


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        loss_curve([], 10, 6.5, "Empty")
