"""One matrix, any number of heads."""

import pytest

from workbook.figures import shared_columns


def strips(picture, count):
    patches = picture.figure.axes[0].patches
    return [patch for patch in patches if str(patch.get_gid()).endswith(f" of {count}")]


def test_the_strips_of_every_drawing_cover_the_same_square():
    picture = shared_columns(8, (1, 2, 4))
    areas = []
    for count in (1, 2, 4):
        drawn = strips(picture, count)
        assert len(drawn) == count
        areas.append(sum(patch.get_width() * patch.get_height() for patch in drawn))
    assert areas == pytest.approx([areas[0]] * 3)


def test_the_number_is_said_for_every_drawing():
    picture = shared_columns(8, (1, 2, 4))
    said = [text.get_text() for text in picture.figure.axes[0].texts]
    assert {"8 × 8 = 64", "2 × (8 × 4) = 64", "4 × (8 × 2) = 64"} <= set(said)
    assert "64 each time" in picture.alt


def test_neighbouring_heads_differ_by_more_than_their_hue():
    first, second = strips(shared_columns(8, (2,)), 2)
    assert first.get_hatch() != second.get_hatch()


@pytest.mark.parametrize(("d_model", "heads"), [(8, (3,)), (8, (0,)), (32, (1,)), (8, ())])
def test_what_cannot_be_drawn_is_refused(d_model, heads):
    with pytest.raises(ValueError, match=r"shared out|should be"):
        shared_columns(d_model, heads)
