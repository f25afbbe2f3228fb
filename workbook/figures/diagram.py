"""Boxes and arrows: what the course's diagrams are drawn with, on a board measured in inches."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle
from matplotlib.text import Text

from workbook.figures.style import INK, LINE, MUTED, PAPER, TEXT_SIZE

_HEAD_LENGTH = 0.085
_HEAD_HALF_WIDTH = 0.042


class Place(NamedTuple):
    """A rectangle on a board, in inches from the lower left corner."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def top(self) -> float:
        return self.bottom + self.height

    @property
    def middle(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.bottom + self.height / 2

    def grown(self, margin: float) -> "Place":
        """The same rectangle with a margin around it."""
        return Place(
            self.left - margin,
            self.bottom - margin,
            self.width + 2 * margin,
            self.height + 2 * margin,
        )


def centred(x: float, bottom: float, width: float, height: float) -> Place:
    """A place whose vertical middle line is at `x`."""
    return Place(x - width / 2, bottom, width, height)


def block(
    board: Axes,
    place: Place,
    text: str = "",
    *,
    fill: str = PAPER,
    edge: str = MUTED,
    line: float = 1.0,
    dashed: bool = False,
    rounding: float = 0.06,
    hatch: str | None = None,
    ink: str = INK,
    size: float = TEXT_SIZE,
    weight: str = "normal",
    shift: float = 0.0,
    level: float = 2.0,
) -> FancyBboxPatch:
    """A rounded box with a text in its middle (moved right by `shift` inches)."""
    patch = FancyBboxPatch(
        (place.left + rounding, place.bottom + rounding),
        place.width - 2 * rounding,
        place.height - 2 * rounding,
        boxstyle=f"round,pad={rounding},rounding_size={rounding}",
        facecolor=fill,
        edgecolor=edge,
        linewidth=line,
        linestyle=(0, (4, 3)) if dashed else "-",
        hatch=hatch,
        zorder=level,
    )
    board.add_patch(patch)
    if text:
        x, y = place.middle
        label(board, x + shift, y, text, size=size, color=ink, weight=weight, zorder=level + 1)
    return patch


def part_fill(
    board: Axes, outline: FancyBboxPatch, place: Place, share: float, fill: str
) -> Rectangle:
    """Fill a box from the left up to this share of its width."""
    patch = Rectangle(
        (place.left, place.bottom),
        place.width * share,
        place.height,
        facecolor=fill,
        edgecolor="none",
        zorder=outline.get_zorder() + 0.1,
    )
    board.add_patch(patch)
    patch.set_clip_path(outline)
    return patch


def label(board: Axes, x: float, y: float, text: str, **keywords: object) -> Text:
    """A text centred on this point, unless the keywords say otherwise.

    One line stands on a baseline that depends on its size alone, so that words beside each other
    are level whether or not their letters reach below the line.
    """
    settings: dict[str, object] = {"ha": "center", "va": "center", "zorder": 5, "linespacing": 1.15}
    settings |= {"size": TEXT_SIZE} | keywords
    if settings["va"] == "center" and "\n" not in text and not settings.get("rotation"):
        settings["va"] = "baseline"
        y -= 0.36 * float(settings["size"]) / 72
    return board.text(x, y, text, **settings)


def arrow(
    board: Axes,
    *points: tuple[float, float],
    color: str = INK,
    line: float = 1.2,
    dashed: bool = False,
    head: bool = True,
    level: float = 1.5,
) -> None:
    """A line through these points whose head's tip is exactly the last one."""
    path = [tuple(map(float, point)) for point in points]
    (x, y), (tip_x, tip_y) = path[-2], path[-1]
    length = ((tip_x - x) ** 2 + (tip_y - y) ** 2) ** 0.5
    if head and length > 0:
        along = ((tip_x - x) / length, (tip_y - y) / length)
        neck = (tip_x - along[0] * _HEAD_LENGTH, tip_y - along[1] * _HEAD_LENGTH)
        aside = (-along[1] * _HEAD_HALF_WIDTH, along[0] * _HEAD_HALF_WIDTH)
        corners = [
            (tip_x, tip_y),
            (neck[0] + aside[0], neck[1] + aside[1]),
            (neck[0] - aside[0], neck[1] - aside[1]),
        ]
        board.add_patch(Polygon(corners, facecolor=color, edgecolor="none", zorder=level))
        path[-1] = (tip_x - along[0] * _HEAD_LENGTH * 0.6, tip_y - along[1] * _HEAD_LENGTH * 0.6)
    board.plot(
        [point[0] for point in path],
        [point[1] for point in path],
        color=color,
        linewidth=line,
        linestyle=(0, (3, 2.5)) if dashed else "-",
        solid_joinstyle="round",
        solid_capstyle="butt",
        zorder=level,
    )


def junction(board: Axes, x: float, y: float, sign: str = "+", color: str = INK) -> Circle:
    """A small circle with a sign in it, where two streams meet."""
    circle = Circle((x, y), 0.1, facecolor=PAPER, edgecolor=color, linewidth=1.1, zorder=3)
    board.add_patch(circle)
    if sign == "+":
        board.plot([x - 0.06, x + 0.06], [y, y], color=color, linewidth=1.1, zorder=4)
        board.plot([x, x], [y - 0.06, y + 0.06], color=color, linewidth=1.1, zorder=4)
    else:
        label(board, x, y, sign, size=TEXT_SIZE, color=color)
    return circle


def row_of_words(
    board: Axes,
    words: Sequence[str],
    place: Place,
    *,
    gap: float = 0.06,
    size: float = TEXT_SIZE,
    fill: str = PAPER,
) -> list[Place]:
    """Words in boxes of equal width that share a place from left to right; where each one is."""
    width = (place.width - gap * (len(words) - 1)) / len(words)
    places = []
    for position, word in enumerate(words):
        spot = Place(place.left + position * (width + gap), place.bottom, width, place.height)
        block(board, spot, word, fill=fill, edge=LINE, size=size, rounding=0.04)
        places.append(spot)
    return places
