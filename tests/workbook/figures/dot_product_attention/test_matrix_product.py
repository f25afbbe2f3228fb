import pytest

from workbook.figures import all_words_at_once


def outlines(picture):
    return [
        (patch.get_width(), patch.get_height())
        for patch in picture.figure.axes[0].patches
        if patch.get_facecolor()[3] == 0 and not patch.get_hatch()
    ]


def test_the_rectangles_have_the_proportions_of_the_matrices():
    found = outlines(all_words_at_once(length=6, d_k=4, d_v=3))
    unit = found[0][0] / 4
    sizes = [(round(width / unit), round(height / unit)) for width, height in found]
    assert sizes == [(4, 6), (6, 4), (6, 6), (6, 6), (3, 6), (3, 6)]


def test_the_sizes_are_printed_and_said():
    picture = all_words_at_once(length=5, d_k=7, d_v=2)
    shown = [text.get_text() for text in picture.figure.axes[0].texts]
    assert shown.count("5 \N{MULTIPLICATION SIGN} 5") == 2
    assert "7 \N{MULTIPLICATION SIGN} 5" in shown
    assert "scores of 5 by 5" in picture.alt


def test_one_row_is_marked_from_query_to_output():
    picture = all_words_at_once()
    marked = [patch for patch in picture.figure.axes[0].patches if patch.get_hatch()]
    assert len(marked) == 4
    assert len({round(patch.get_y(), 6) for patch in marked}) == 1


@pytest.mark.parametrize("sizes", [{"length": 0}, {"d_k": 17}, {"d_v": -1}])
def test_sizes_that_cannot_be_drawn_are_refused(sizes):
    with pytest.raises(ValueError, match="from 1 to 16"):
        all_words_at_once(**sizes)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (16, 16, 16), (2, 16, 1)])
def test_any_size_fits_the_page(sizes):
    picture = all_words_at_once(*sizes)
    right = max(patch.get_extents().x1 for patch in picture.figure.axes[0].patches)
    assert right < picture.figure.bbox.x1
