"""Wrong modules: all but one thing is the right module's, its signature too."""

import inspect

import torch
from torch import nn

from autograder.checks.wrong_module import (
    wrong_arguments,
    wrong_constructor,
    wrong_forward,
    wrong_method,
)


class Right(nn.Module):
    """Scales x and adds its features."""

    def __init__(self, size, scale=2.0, *, bias=True):
        super().__init__()
        self.scale = scale
        self.shift = nn.Parameter(torch.full((size,), float(bias)))

    def scaled(self, x, by=1.0):
        return x * self.scale * by

    def forward(self, x, mask=None):
        return self.scaled(x) + self.shift


ONES = torch.ones(3)


def test_a_wrong_forward_gets_every_argument_in_order_with_the_defaults_filled_in():
    @wrong_forward(Right)
    def wrong(self, x, mask):
        """Nothing is scaled."""
        return x, mask

    x, mask = wrong(3)(x=ONES)
    assert x is ONES
    assert mask is None
    assert wrong.__doc__ == "Nothing is scaled."
    assert issubclass(wrong, Right)


def test_a_wrong_method_is_what_the_others_call():
    @wrong_method(Right, "scaled")
    def wrong(self, x, by):
        return x + self.scale + by

    assert torch.equal(wrong(3, bias=False)(ONES), ONES + 2 + 1)


def test_a_wrong_constructor_comes_after_the_right_one_and_gets_what_it_names():
    @wrong_constructor(Right)
    def wrong(self, scale, size):
        self.scale = scale + size

    assert wrong(3).scale == 5
    assert wrong(size=3, scale=1.0, bias=False).scale == 4
    assert torch.equal(wrong(3, bias=False).shift, torch.zeros(3))


def test_wrong_arguments_are_given_instead_of_the_right_ones():
    @wrong_arguments(Right)
    def wrong(scale):
        return {"scale": -scale, "bias": False}

    assert torch.equal(wrong(3)(ONES), -2 * ONES)


def test_the_signature_is_the_right_one():
    for decorator in (wrong_forward, wrong_constructor, wrong_arguments):
        wrong = decorator(Right)(lambda: {})
        assert inspect.signature(wrong) == inspect.signature(Right)
        assert inspect.signature(wrong.forward) == inspect.signature(Right.forward)
