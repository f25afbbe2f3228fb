"""A sentence being written, step by step."""

import pytest
import torch

from workbook.figures import Step, writing_explorer, writing_step

SOURCE = "this cat is large".split()
STEPS = [
    Step(["<bos>"], torch.tensor([0.7, 0.1, 0.1, 0.1]), {"este": 0.8, "esta": 0.2}),
    Step(["<bos>", "este"], torch.tensor([0.1, 0.6, 0.2, 0.1]), {"gato": 0.55, "perro": 0.25}),
]


def test_bars_show_the_probabilities_the_best_on_top():
    bars = writing_step(SOURCE, STEPS[1]).figure.axes[1]
    assert [patch.get_width() for patch in bars.patches] == [0.55, 0.25]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["gato", "perro"]
    low, high = bars.get_ylim()
    assert low > high  # the first bar is the upper one


def test_source_words_carry_their_weights():
    said = [text.get_text() for text in writing_step(SOURCE, STEPS[1]).figure.axes[0].texts]
    assert {"this\n0.10", "cat\n0.60", "is\n0.20", "large\n0.10"} <= set(said)


def test_the_text_says_all_of_it():
    alt = writing_step(SOURCE, STEPS[0]).alt
    assert alt.startswith("After “<bos>”: most probably “este”, 80%.")
    assert "Next word: “este” 80%, “esta” 20%." in alt
    assert "“this” 0.70" in alt


def test_the_slider_goes_through_the_steps_and_the_still_picture_is_the_first():
    explorer = writing_explorer(SOURCE, STEPS, start=1)
    assert "“gato”, 55%" in explorer.picture.alt
    explorer.controls["word"].value = 1
    assert "“este”, 80%" in explorer.picture.alt
    assert "“gato”, 55%" in explorer.still()[1]
    assert explorer.controls["word"].max == 2


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (Step(["<bos>"], [0.5, 0.5], {"a": 1.0}), "looks should have the shape"),
        (Step(["<bos>"], [0.25] * 4, {}), "at least one probable word"),
        (Step([], [0.25] * 4, {"a": 1.0}), "can be drawn"),
    ],
)
def test_what_cannot_be_drawn_is_refused(step, says):
    with pytest.raises(ValueError, match=says):
        writing_step(SOURCE, step)


@pytest.mark.parametrize("start", [-1, 2])
def test_a_start_outside_of_the_steps_is_refused(start):
    with pytest.raises(ValueError, match="one of the 2 steps"):
        writing_explorer(SOURCE, STEPS, start)
