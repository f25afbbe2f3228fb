import numpy as np
import pytest
import torch

from workbook.figures import sampled_shares, sampling_explorer
from workbook.pieces import sample_next

WORDS = [f"word{n}" for n in range(30)]
LOGITS = torch.linspace(4, -4, 30)


def bars(axes):
    return [patch.get_width() for patch in axes.patches]


def test_each_setting_has_a_panel_with_the_models_outline_and_its_shares():
    picture = sampled_shares(
        ["cat", "dog"], [0.7, 0.3], {"cold": [0.9, 0.1], "hot": [0.6, 0.4]}, "Colder is surer"
    )
    cold, hot = [axes for axes in picture.figure.axes if axes.get_title(loc="left")]
    assert bars(cold) == [0.7, 0.3, 0.9, 0.1]
    assert bars(hot) == [0.7, 0.3, 0.6, 0.4]
    assert [text.get_text() for text in cold.texts] == ["90%", "10%"]
    assert [label.get_text() for label in cold.get_yticklabels()] == ["cat", "dog"]
    assert "hot: cat 60%, dog 40%" in picture.alt


@pytest.mark.parametrize("count", [0, 5])
def test_only_a_few_settings_fit(count):
    with pytest.raises(ValueError, match=str(count)):
        sampled_shares(["a"], [1.0], {str(n): [1.0] for n in range(count)}, "Too many")


def test_the_explorer_shows_what_the_readers_function_draws():
    explorer = sampling_explorer(WORDS, LOGITS, sample_next)
    explorer.controls["temperature"].value = 0.0
    assert "“word0” comes in 100%" in explorer.picture.alt
    explorer.controls["temperature"].value = 1.0
    explorer.controls["top_k"].value = 2
    told = explorer.picture.alt
    assert "words not shown in 0%" in told
    assert "word2 0%" in told.split("draws:")[1]
    assert explorer.problem is None


def test_a_readers_error_becomes_a_sentence():
    def broken(*_):
        raise RuntimeError("no luck today")

    explorer = sampling_explorer(WORDS, LOGITS, broken)
    assert explorer.picture is None
    assert "no luck today" in explorer.problem


def test_the_still_picture_has_four_settings_side_by_side():
    picture, text = sampling_explorer(WORDS, LOGITS, sample_next).still()
    titles = [axes.get_title(loc="left") for axes in picture.figure.axes]
    assert [title for title in titles if title] == [
        "as it is",
        "temperature 0.5",
        "temperature 2",
        "top-p 0.8",
    ]
    widths = {
        axes.get_title(loc="left"): bars(axes)[12]
        for axes in picture.figure.axes
        if axes.get_title(loc="left")
    }
    assert widths["temperature 0.5"] > widths["as it is"] > widths["temperature 2"]
    assert np.isclose(bars(picture.figure.axes[0])[0], LOGITS.softmax(0)[0])
    assert "word0" in text
