"""Splitting by hand: the right numbers in the right head, and what a bare view does."""

import pytest
import torch

from workbook.figures import splitting_heads
from workbook.pieces import split_heads

X = torch.tensor([[10.0 * word + feature for feature in range(1, 7)] for word in range(1, 5)])


def picture():
    return splitting_heads(X, split_heads(X[None], 3)[0], X.view(3, 4, 2))


def test_every_number_is_printed_three_times():
    shown = [text.get_text() for text in picture().figure.axes[0].texts]
    for number in X.flatten().tolist():
        assert shown.count(f"{number:.0f}") == 3


def test_the_text_tells_both_ways_head_by_head():
    alt = picture().alt
    assert "Split, then swapped: head 1 holds 11 12 | 21 22 | 31 32 | 41 42" in alt
    assert "A bare view: head 1 holds 11 12 | 13 14 | 15 16 | 21 22" in alt


@pytest.mark.parametrize(
    ("x", "right", "view"),
    [
        (X, X.view(3, 4, 2), X.view(2, 4, 3)),
        (X, torch.zeros(2, 4, 2), torch.zeros(2, 4, 2)),
        (torch.zeros(4, 10), torch.zeros(5, 4, 2), torch.zeros(5, 4, 2)),
    ],
)
def test_what_does_not_fit_is_refused(x, right, view):
    with pytest.raises(ValueError, match=r"shape|make|at most"):
        splitting_heads(x, right, view)
