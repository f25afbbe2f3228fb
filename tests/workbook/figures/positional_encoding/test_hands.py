import math

import numpy as np
import pytest
import torch
from matplotlib.patches import Circle, Polygon

from workbook.figures import clock_hands, shift_explorer
from workbook.pieces import shift_matrix, sinusoidal_encoding


def tips(picture):
    """Where each arrow's tip is, from the middle of its clock, in radii."""
    board = picture.figure.axes[0]
    faces = [p for p in board.patches if isinstance(p, Circle) and p.get_gid() != "moved"]
    heads = [p.get_xy()[0] for p in board.patches if isinstance(p, Polygon)]
    found = []
    for head in heads:
        face = min(faces, key=lambda f: math.dist(f.center, head))
        found.append((np.array(head) - face.center) / face.radius)
    return found


def test_a_hands_tip_is_at_sine_and_cosine():
    positions = [0, 1, 7]
    table = sinusoidal_encoding(8, 8)
    drawn = tips(clock_hands(positions, "Clocks"))
    wanted = table[positions].view(-1, 2).numpy()
    np.testing.assert_allclose(drawn, wanted, atol=1e-5)


def test_positions_and_columns_are_named_and_told():
    picture = clock_hands([0, 10], "Clocks", d_model=4)
    shown = [text.get_text() for text in picture.figure.axes[0].texts]
    assert {"position 0", "position 10", "columns 0 and 1", "columns 2 and 3"} <= set(shown)
    assert "position 10: 213°, 5.7°" in picture.alt


@pytest.mark.parametrize(("positions", "d_model"), [([], 8), ([1], 7)])
def test_what_cannot_be_drawn_is_refused(positions, d_model):
    with pytest.raises(ValueError, match=r"position|columns"):
        clock_hands(positions, "Clocks", d_model=d_model)


def test_the_sliders_move_the_hands():
    explorer = shift_explorer(sinusoidal_encoding, shift_matrix)
    explorer.controls["start"].value = 5
    explorer.controls["offset"].value = 4
    table = sinusoidal_encoding(10, 8)
    wanted = torch.stack([table[5].view(4, 2), table[9].view(4, 2)], 1).view(-1, 2)
    np.testing.assert_allclose(tips(explorer.picture), wanted.numpy(), atol=1e-5)
    assert "from 5 to 9" in explorer.picture.alt


def test_the_ring_is_where_the_readers_matrix_puts_the_hand():
    right = shift_explorer(sinusoidal_encoding, shift_matrix)
    wrong = shift_explorer(sinusoidal_encoding, lambda offset, d: shift_matrix(offset, d).T)
    assert "hits every hand" in right.picture.alt
    assert "misses" in wrong.picture.alt
    rings = [p for p in wrong.picture.figure.axes[0].patches if p.get_gid() == "moved"]
    assert len(rings) == 4


def test_the_still_picture_starts_at_three_places():
    picture, alt = shift_explorer(sinusoidal_encoding, shift_matrix).still()
    shown = [text.get_text() for text in picture.figure.axes[0].texts]
    assert shown.count("171.9°") == 3
    assert all(f"from {start} to {start + 3}" in alt for start in (0, 7, 40))


def test_a_matrix_that_fails_is_told_in_the_pictures_place():
    def unfinished(offset, d_model):
        raise NotImplementedError("write the matrix first")

    assert "write the matrix first" in shift_explorer(sinusoidal_encoding, unfinished).problem
