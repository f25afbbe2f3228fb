"""Two ways to write one mask."""

import numpy as np
import pytest
import torch

from workbook.figures import mask_conventions

TOKENS = ["the", "cat", "was", "tired", "<pad>"]


def mask():
    allowed = torch.ones(5, 5).tril().bool()
    allowed[:, 4] = False
    return allowed


def letters(axes):
    shown = [text.get_text() for text in axes.texts]
    return np.array(shown).reshape(5, 5)


def test_the_two_panels_say_the_opposite_everywhere():
    _, ours, theirs, _ = mask_conventions(mask(), TOKENS).figure.axes
    np.testing.assert_array_equal(letters(ours) == "T", mask().numpy())
    np.testing.assert_array_equal(letters(theirs) == "T", ~mask().numpy())


def test_the_looks_are_those_that_the_courses_mask_allows():
    looks = mask_conventions(mask(), TOKENS).figure.axes[3]
    shown = np.asarray(looks.images[0].get_array())
    np.testing.assert_array_equal(shown > 0, mask().numpy())
    np.testing.assert_allclose(shown.sum(axis=1), 1)


def test_tokens_stand_on_both_axes_of_every_panel():
    for axes in mask_conventions(mask(), TOKENS).figure.axes[1:]:
        assert [label.get_text() for label in axes.get_xticklabels()] == TOKENS
        assert [label.get_text() for label in axes.get_yticklabels()] == TOKENS


def test_the_text_tells_both_conventions_and_an_empty_row():
    empty = mask()
    empty[1] = False
    alt = mask_conventions(empty, TOKENS).alt
    assert "In this course and in F.scaled_dot_product_attention True means “may attend”" in alt
    assert "In nn.MultiheadAttention True means “hidden”" in alt
    assert "“cat” at nothing" in alt


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="mask should have the shape"):
        mask_conventions(mask()[:4], TOKENS)
