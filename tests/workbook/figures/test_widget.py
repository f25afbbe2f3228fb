import base64

import ipywidgets
import pytest
from matplotlib.patches import Rectangle

from workbook.figures import Explorer, Picture, sheet
from workbook.figures.picture import WIDGET_VIEW, stored


def bar(height, name="bar"):
    with sheet(2, 1, "A bar") as page:
        page.axes(0.3, 0.2, 1.4, 0.7).bar([1], [height])
    return Picture(page.figure, f"A {name} of height {height}.")


def slider(value=1):
    return ipywidgets.IntSlider(value, 0, 9, description="height")


def height_of(picture):
    (patch,) = [p for p in picture.figure.axes[0].patches if isinstance(p, Rectangle)]
    return patch.get_height()


def shown(explorer):
    return explorer.children[-1].value


def test_moving_a_control_draws_the_picture_again():
    explorer = Explorer(bar, {"height": slider(2)})
    assert height_of(explorer.picture) == 2
    explorer.controls["height"].value = 7
    assert height_of(explorer.picture) == 7
    assert explorer.picture.alt == "A bar of height 7."
    assert 'alt="A bar of height 7."' in shown(explorer)
    assert base64.b64encode(explorer.picture.png).decode() in shown(explorer)


def test_every_control_reaches_its_parameter():
    name = ipywidgets.Text("tower")
    explorer = Explorer(bar, {"height": slider(3), "name": name})
    assert explorer.picture.alt == "A tower of height 3."
    name.value = "tree"
    assert explorer.picture.alt == "A tree of height 3."


def test_the_output_carries_the_live_view_a_still_image_and_the_words():
    explorer = Explorer(bar, {"height": slider(2)})
    explorer.controls["height"].value = 5
    data, metadata = explorer._repr_mimebundle_()
    assert data[WIDGET_VIEW]["model_id"] == explorer.model_id
    assert data["text/plain"] == "A bar of height 2.", "the still picture is the first one"
    assert base64.b64decode(data["image/png"]) == bar(2).png
    assert metadata["image/png"]["alt"] == "A bar of height 2."
    kept = stored({"output_type": "display_data", "data": data, "metadata": metadata})
    assert set(kept["data"]) == {"image/png", "text/plain"}


def test_a_still_picture_of_its_own_can_be_given():
    explorer = Explorer(bar, {"height": slider()}, still=lambda: bar(9, "still"))
    data, _ = explorer._repr_mimebundle_()
    assert data["text/plain"] == "A still of height 9."


def test_the_picture_can_be_reached_with_the_keyboard_and_changes_are_announced():
    explorer = Explorer(bar, {"height": slider()})
    assert 'tabindex="0"' in shown(explorer)
    assert 'aria-live="polite"' in shown(explorer)


def test_a_failing_draw_shows_a_sentence_and_writes_nothing(capfd):
    def draw(height):
        if height > 4:
            raise ValueError("too <high>")
        return bar(height)

    explorer = Explorer(draw, {"height": slider(2)})
    explorer.controls["height"].value = 6
    assert explorer.picture is None
    assert "ValueError: too <high>." in explorer.problem
    assert "draw, line" in explorer.problem
    assert "too &lt;high&gt;" in shown(explorer)
    assert 'role="alert"' in shown(explorer)
    explorer.controls["height"].value = 3
    assert explorer.problem is None
    assert explorer.picture.alt == "A bar of height 3."
    assert capfd.readouterr() == ("", "")


def test_a_draw_that_fails_from_the_start_still_gives_an_output_with_words():
    def draw(height):
        raise NotImplementedError

    data, metadata = Explorer(draw, {"height": slider()})._repr_mimebundle_()
    assert "NotImplementedError" in data["text/plain"]
    assert "image/png" not in data
    assert metadata == {}


def test_a_draw_that_returns_something_else_is_told_what_was_expected():
    explorer = Explorer(lambda height: height, {"height": slider()})
    assert "should return a Picture, but it returned a int" in explorer.problem


def test_stopping_the_kernel_is_not_an_error_of_the_drawing():
    def draw(height):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Explorer(draw, {"height": slider()})
