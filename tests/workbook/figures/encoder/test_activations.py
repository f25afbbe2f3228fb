import numpy as np
import pytest
import torch

from workbook.figures import activation_curves

X = torch.linspace(-2, 2, 9)


def test_each_function_is_a_curve_over_the_same_numbers():
    axes = activation_curves({"relu": torch.relu, "double": lambda x: 2 * x}, X, "Two").figure.axes[
        0
    ]
    named = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    np.testing.assert_allclose(named["relu"].get_ydata(), torch.relu(X))
    np.testing.assert_allclose(named["double"].get_xdata(), X)


def test_the_text_gives_the_lowest_point():
    alt = activation_curves({"square": lambda x: (x + 1) ** 2}, X, "One").alt
    assert alt == "One. square is lowest at -1.0, 0.00."


def test_more_functions_than_styles_are_refused():
    with pytest.raises(ValueError, match="styles"):
        activation_curves(dict.fromkeys("abcde", torch.relu), X, "Five")
