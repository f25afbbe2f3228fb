import numpy as np
import pytest
import torch

from workbook.figures import base_explorer, position_picture
from workbook.figures.positional_encoding.features import FEATURE_MAP
from workbook.figures.positional_encoding.sinusoids import likeness
from workbook.pieces import sinusoidal_encoding


def pictures(picture):
    return [axes.images[0].get_array() for axes in picture.figure.axes if axes.images]


def test_the_picture_shows_every_number_on_a_scale_from_minus_one_to_one():
    table = sinusoidal_encoding(10, 64)
    picture = position_picture(table, "Left columns turn fast")
    axes = picture.figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), table.numpy(), atol=1e-7)
    assert axes.images[0].get_clim() == (-1, 1)
    assert axes.images[0].get_cmap().name == FEATURE_MAP
    assert [text.get_text() for text in axes.get_yticklabels()] == [str(n) for n in range(10)]
    assert "column" in axes.get_xlabel()
    assert axes.get_ylabel() == "position"


def test_the_text_gives_numbers_and_says_how_much_stands_still():
    alt = position_picture(sinusoidal_encoding(10, 64), "Left columns turn fast").alt
    assert "10 positions by 64 columns. Position 9, the first four columns: 0.41, −0.91" in alt
    assert "In 36 of the 64 columns" in alt


def test_rows_may_have_names():
    picture = position_picture(sinusoidal_encoding(2, 4), "Two words", ["this", "cat"])
    shown = [text.get_text() for text in picture.figure.axes[0].get_yticklabels()]
    assert shown == ["this", "cat"]
    with pytest.raises(ValueError, match="labels should name 2 words"):
        position_picture(sinusoidal_encoding(2, 4), "Two words", ["this"])


def test_what_is_no_sine_is_refused():
    with pytest.raises(ValueError, match="between -1 and 1, but one number is 3"):
        position_picture(torch.full((2, 4), 3.0), "Too large")


def test_likeness_is_the_cosine_of_the_angle_between_rows():
    rows = np.array([[1.0, 0.0], [2.0, 2.0], [0.0, 3.0]])
    assert likeness(rows) == pytest.approx([1, 0.5**0.5, 0])
    assert likeness(rows, at=2) == pytest.approx([0, 0.5**0.5, 1])


def test_the_slider_draws_the_readers_own_encoding_with_that_base():
    asked = []

    def recorded(length, d_model, base):
        asked.append(base)
        return sinusoidal_encoding(length, d_model, base)

    explorer = base_explorer(recorded)
    explorer.controls["base"].value = 100
    assert asked == [10_000, 100]
    np.testing.assert_allclose(
        pictures(explorer.picture)[0], sinusoidal_encoding(100, 64, 100.0).numpy(), atol=1e-7
    )
    curve = explorer.picture.figure.axes[1].lines[0].get_ydata()
    assert curve[0] == pytest.approx(1)
    assert curve[1] == pytest.approx(0.94, abs=0.005)
    assert "Base 100: cosine to position 0 is 0.94 at position 1" in explorer.picture.alt


def test_the_still_picture_compares_three_bases():
    picture, alt = base_explorer(sinusoidal_encoding).still()
    titles = [axes.get_title(loc="left") for axes in picture.figure.axes]
    assert [title for title in titles if title.startswith("base")] == [
        "base 2",
        "base 100",
        "base 10,000",
    ]
    assert all(f"Base {base}: cosine" in alt for base in ("2", "100", "10,000"))


def test_an_encoding_that_fails_is_told_in_the_pictures_place():
    def unfinished(length, d_model, base):
        raise NotImplementedError("write the encoding first")

    assert "write the encoding first" in base_explorer(unfinished).problem
