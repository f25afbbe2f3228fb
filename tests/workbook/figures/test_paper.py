import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.figures.paper import sheet, text_width, wrap
from workbook.figures.style import PAPER, TITLE_SIZE, course_style, ink_on


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.lists(st.text("abcdefgh", min_size=1, max_size=9), min_size=1, max_size=12))
def test_wrapping_keeps_every_word_in_order_and_every_line_within_the_width(words):
    lines = wrap(" ".join(words), 1.5)
    assert " ".join(lines).split() == words
    assert all(text_width(line) <= 1.5 for line in lines if " " in line)


def test_a_longer_title_makes_the_figure_higher_and_not_the_room_for_drawing():
    with (
        sheet(3, 2, "Short") as one,
        sheet(3, 2, "A title that needs two lines or more here") as two,
    ):
        pass
    assert two.figure.get_figheight() > one.figure.get_figheight()
    assert one.height == two.height == 2


def test_axes_stand_where_they_were_asked_for_in_inches():
    with sheet(4, 3, "Title") as page:
        axes = page.axes(0.5, 0.25, 2, 1)
    box = axes.get_position()
    width, height = page.figure.get_size_inches()
    assert (box.x0 * width, box.y0 * height) == pytest.approx((0.5, 0.25))
    assert (box.width * width, box.height * height) == pytest.approx((2, 1))


def test_one_unit_of_a_board_is_one_inch():
    with sheet(4, 3, "Title") as page:
        board = page.board()
    box = board.get_position()
    width, height = page.figure.get_size_inches()
    assert box.width * width == pytest.approx(board.get_xlim()[1])
    assert box.height * height == pytest.approx(board.get_ylim()[1])


def test_the_title_fits_the_figure():
    with sheet(3, 1, "Every word of this title has to be seen, and it is long") as page:
        pass
    (title,) = page.figure.texts
    lines = title.get_text().split("\n")
    assert len(lines) > 1
    assert max(text_width(line, TITLE_SIZE, "bold") for line in lines) < 3


@pytest.mark.parametrize(("background", "expected"), [((0, 0, 0.2), PAPER), ((1, 1, 0.9), "ink")])
def test_the_ink_stands_out_from_its_background(background, expected):
    ink = ink_on(background)
    assert (ink == PAPER) is (expected == PAPER)


def test_settings_come_back_when_drawing_fails():
    import matplotlib

    before = matplotlib.rcParams["axes.spines.top"]
    with pytest.raises(RuntimeError, match="oops"), course_style():
        raise RuntimeError("oops")
    assert matplotlib.rcParams["axes.spines.top"] == before
