import math

import numpy as np
import pytest
from matplotlib.patches import Circle, Polygon

from workbook.figures import rotary_explorer
from workbook.figures.positional_encoding.rotary import KEY_VECTOR, QUERY_VECTOR
from workbook.pieces import apply_rotary


def tips(picture):
    """Where the arrows point, query before key, in radii."""
    board = picture.figure.axes[0]
    circles = [patch for patch in board.patches if isinstance(patch, Circle)]
    heads = [patch.get_xy()[0] for patch in board.patches if isinstance(patch, Polygon)]
    return [
        (np.array(head) - circles[number // 2].center) / circles[number // 2].radius
        for number, head in enumerate(heads)
    ]


def turned(vector, angle):
    x, y = vector
    return [x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)]


def test_the_arrows_are_turned_by_their_positions():
    explorer = rotary_explorer(apply_rotary)
    explorer.controls["query_at"].value = 5
    explorer.controls["key_at"].value = 4
    query, key = tips(explorer.picture)
    assert query == pytest.approx(turned(QUERY_VECTOR, 5))
    assert key == pytest.approx(turned(KEY_VECTOR, 4))


def test_the_score_is_told_and_depends_on_the_distance_alone():
    explorer = rotary_explorer(apply_rotary)
    first = explorer.picture.alt
    assert "distance 1, score 0.94" in first
    explorer.controls["query_at"].value = 9
    explorer.controls["key_at"].value = 8
    assert "distance 1, score 0.94" in explorer.picture.alt
    explorer.controls["key_at"].value = 6
    assert "distance 3, score −0.71" in explorer.picture.alt


def test_the_still_picture_has_one_distance_twice_and_another_once():
    picture, alt = rotary_explorer(apply_rotary).still()
    assert len(tips(picture)) == 6
    assert alt.count("score 0.94") == 2
    assert "score −0.71" in alt


def test_a_function_that_fails_is_told_in_the_pictures_place():
    def unfinished(x, positions):
        raise NotImplementedError("write apply_rotary first")

    assert "write apply_rotary first" in rotary_explorer(unfinished).problem
