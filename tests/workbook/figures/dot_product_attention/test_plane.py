import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.figures import similarity_plane
from workbook.figures.dot_product_attention.plane import _spread

WORDS = ["cat", "lion", "car"]
KEYS = torch.tensor([[2.0, 0.6], [2.4, 2.0], [-1.5, 1.6]])
QUERY = torch.tensor([1.2, 1.0])
WEIGHTS = (KEYS @ QUERY).softmax(-1)


def plane(**changed):
    given = {
        "query": QUERY,
        "keys": KEYS,
        "weights": WEIGHTS,
        "words": WORDS,
        "query_word": "tiger",
        "axis_names": ("is it alive?", "how large is it?"),
    }
    return similarity_plane(**given | changed)


def test_a_discs_area_is_proportional_to_its_weight_and_it_stands_at_its_key():
    axes = plane().figure.axes[0]
    (discs,) = axes.collections
    np.testing.assert_allclose(discs.get_offsets(), KEYS.numpy())
    areas = discs.get_sizes()
    np.testing.assert_allclose(areas / areas.sum(), WEIGHTS.numpy(), rtol=1e-5)


def test_one_inch_is_the_same_length_in_both_directions():
    axes = plane().figure.axes[0]
    box = axes.get_position()
    width, height = axes.figure.get_size_inches()
    across = np.diff(axes.get_xlim())[0] / (box.width * width)
    up = np.diff(axes.get_ylim())[0] / (box.height * height)
    assert across == pytest.approx(up)


def test_words_axes_and_the_strongest_key_are_named():
    picture = plane()
    axes = picture.figure.axes[0]
    assert axes.get_xlabel() == "is it alive?"
    assert axes.get_ylabel() == "how large is it?"
    shown = [text.get_text() for text in axes.texts]
    assert f"lion {WEIGHTS[1]:.2f}" in shown
    assert "query: tiger" in shown
    assert "“tiger” looks at “lion”" in picture.figure.texts[0].get_text()
    assert "lion at (2.4, 2), score 4.88" in picture.alt


def test_vectors_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"keys should have the shape \(n, 2\)"):
        plane(keys=torch.zeros(3, 3))


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=2, max_size=7))
def test_labels_are_pushed_apart_until_none_lies_over_another(points):
    texts = [f"word {i}" for i in range(len(points))]
    spots = _spread(np.array(points), texts, [0.1] * len(points))
    for position, one in enumerate(spots):
        for other in spots[position + 1 :]:
            over_x = min(one.right, other.right) - max(one.left, other.left)
            over_y = min(one.top, other.top) - max(one.bottom, other.bottom)
            assert over_x <= 0 or over_y < 0.02
