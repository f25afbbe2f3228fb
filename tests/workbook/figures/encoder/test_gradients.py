import pytest
import torch

from workbook.figures import gradient_by_depth, gradient_layers_explorer

PANELS = {"with": {"pre": [2.0, 3.0], "post": [2.0, 1.0]}, "without": {"neither": [1.0, 1e-6]}}


def test_each_kind_is_a_line_in_its_panel():
    left, right = gradient_by_depth([1, 32], PANELS, "It vanishes").figure.axes
    assert [line.get_label() for line in left.lines] == ["pre", "post"]
    assert list(right.lines[0].get_ydata()) == [1.0, 1e-6]
    assert list(left.lines[0].get_xdata()) == [1, 32]
    assert left.get_yscale() == right.get_yscale() == "log"
    assert (left.get_title(loc="left"), right.get_title(loc="left")) == ("with", "without")


def test_a_small_difference_does_not_fill_the_axis():
    left, _ = gradient_by_depth([1, 32], PANELS, "It vanishes").figure.axes
    low, high = left.get_ylim()
    assert high / low >= 1e4


def test_the_text_has_both_ends():
    alt = gradient_by_depth([1, 32], PANELS, "It vanishes").alt
    assert "without, neither: 1 with 1, 1e-06 with 32" in alt


@pytest.mark.parametrize(
    "panels", [{}, {"a": {}}, {"a": {"b": [1.0]}}, {"a": {kind: [1.0, 2.0] for kind in "abcde"}}]
)
def test_what_cannot_be_drawn_is_refused(panels):
    with pytest.raises(ValueError, match=r"panel|curves|shape"):
        gradient_by_depth([1, 2], panels, "Nothing")


def test_depth_and_kind_can_be_picked_and_are_measured_once():
    asked = []

    def norms_of(kind, depth):
        asked.append((kind, depth))
        return torch.arange(1.0, depth + 1)

    explorer = gradient_layers_explorer(norms_of, ["pre", "post"], (2, 4), 4)
    assert asked == [("pre", 4), ("post", 4)]
    explorer.controls["kind"].value = "post"
    assert len(asked) == 2
    (line,) = explorer.picture.figure.axes[0].lines
    assert list(line.get_ydata()) == [1, 2, 3, 4]
    explorer.controls["depth"].value = 2
    assert asked[2:] == [("post", 2)]
    assert "post: 1 at the first layer, 2 at the last" in explorer.picture.alt


def test_a_kind_keeps_its_style_when_it_is_alone():
    explorer = gradient_layers_explorer(lambda kind, depth: [1.0] * depth, ["a", "b"], (2,), 2)
    together = explorer.picture.figure.axes[0].lines[1].get_color()
    explorer.controls["kind"].value = "b"
    assert explorer.picture.figure.axes[0].lines[0].get_color() == together
