import numpy as np
import pytest
import torch

from workbook.figures.arrays import as_array, as_labels, short


def test_a_tensor_that_needs_gradients_becomes_numbers():
    tensor = torch.tensor([[1.0, 2.0]], requires_grad=True, dtype=torch.bfloat16)
    assert as_array(tensor, "x", 1, "any").tolist() == [[1, 2]]


def test_a_wrong_shape_is_answered_with_both_shapes():
    with pytest.raises(
        ValueError, match=r"weights should have the shape \(queries, keys\).*\(2, 3, 4\)"
    ):
        as_array(np.zeros((2, 3, 4)), "weights", "queries", "keys")
    with pytest.raises(ValueError, match=r"\(3,\), but it came with \(4,\)"):
        as_array([1, 2, 3, 4], "query", 3)


def test_what_is_not_a_grid_of_numbers_is_refused():
    with pytest.raises(TypeError, match="regular grid"):
        as_array([[1, 2], [3]], "keys", "n", "d")
    with pytest.raises(TypeError, match="numbers"):
        as_array([["a"]], "keys", "n", "d")


def test_labels_are_counted_and_a_bare_string_is_not_a_list_of_words():
    assert as_labels([1, "a"], "words", 2) == ["1", "a"]
    with pytest.raises(ValueError, match=r"name 3 words.*there are 2"):
        as_labels(["a", "b"], "words", 3)
    with pytest.raises(TypeError, match="a string came: 'cat'"):
        as_labels("cat", "words", 3)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.6, "0.6"),
        (2, "2"),
        (-0.001, "0"),
        (-1.5, "−1.5"),
        (1 / 3, "0.33"),
        (100, "100"),
        (float("nan"), "nan"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers_are_printed_without_noise(value, text):
    assert short(value) == text
