"""Softmax in its steps."""

import math

import pytest
import torch

from workbook.figures import softmax_steps

WORDS = ["animal", "cross", "street", "tired"]
SCORES = torch.tensor([math.log(6), 0.0, math.log(2), 0.0])


def test_the_bars_are_scores_powers_and_shares():
    panels = softmax_steps(SCORES, WORDS).figure.axes
    heights = [[bar.get_height() for bar in panel.patches] for panel in panels]
    assert heights[0] == pytest.approx(SCORES.tolist())
    assert heights[1] == pytest.approx([6, 1, 2, 1])
    assert heights[2] == pytest.approx([0.6, 0.1, 0.2, 0.1])
    assert [label.get_text() for label in panels[0].get_xticklabels()] == WORDS


def test_the_alternative_text_gives_the_numbers():
    assert "0.6, 0.1, 0.2, 0.1" in softmax_steps(SCORES, WORDS).alt


@pytest.mark.parametrize(("scores", "words"), [([1.0, 2.0], ["one"]), ([1000.0], ["one"])])
def test_what_cannot_be_drawn_is_refused(scores, words):
    with pytest.raises(ValueError, match=r"words|infinite"):
        softmax_steps(torch.tensor(scores, dtype=torch.float64), words)
