"""The sheet a figure is drawn on: a title that says what to notice, and room below it, in inches.

Places are given in inches from the lower left corner, so nothing moves when a label changes and
no layout engine has to search for a solution: a figure is drawn in one pass.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from matplotlib.axes import Axes
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from workbook.figures.style import (
    FONT,
    MUTED,
    PAPER,
    TEXT_SIZE,
    TITLE_SIZE,
    course_style,
)

_MARGIN = 0.12
_LINE = 1.35


class Sheet:
    """A figure under construction; `sheet` makes it.

    Attributes:
        figure: the matplotlib figure, ready for a `Picture` when the drawing is done.
        width, height: of the room below the title, in inches.
    """

    def __init__(self, width: float, height: float, title: str, note: str = "") -> None:
        room = width - 2 * _MARGIN
        lines = wrap(title, room, TITLE_SIZE, "bold")
        small = wrap(note, room, TEXT_SIZE) if note else []
        head = len(lines) * TITLE_SIZE + len(small) * TEXT_SIZE
        head = _MARGIN + head * _LINE / 72 + (0.06 if small else 0) + 0.08
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height + head), facecolor=PAPER)
        top = height + head - _MARGIN
        self._write("\n".join(lines), top, size=TITLE_SIZE, weight="bold")
        if small:
            top -= len(lines) * TITLE_SIZE * _LINE / 72 + 0.06
            self._write("\n".join(small), top, size=TEXT_SIZE, color=MUTED)

    def _write(self, text: str, top: float, **keywords: object) -> None:
        width, height = self.figure.get_size_inches()
        self.figure.text(
            _MARGIN / width, top / height, text, va="top", ha="left", linespacing=_LINE, **keywords
        )

    def axes(self, left: float, bottom: float, width: float, height: float, **kw: object) -> Axes:
        """Axes at this place, in inches from the lower left corner of the sheet."""
        across, up = self.figure.get_size_inches()
        return self.figure.add_axes(
            (left / across, bottom / up, width / across, height / up),
            **kw,
        )

    def board(self) -> Axes:
        """Invisible axes over the whole room below the title, whose units are inches."""
        board = self.axes(0, 0, self.width, self.height)
        board.set(xlim=(0, self.width), ylim=(0, self.height))
        board.axis("off")
        return board


@contextmanager
def sheet(width: float, height: float, title: str, note: str = "") -> Iterator[Sheet]:
    """Draw a figure in the course's style.

    Args:
        width: of the figure, in inches.
        height: of the room below the title, in inches; the title's own height comes on top.
        title: what to notice, wrapped to the width.
        note: a quieter line under the title: how the numbers came about, how to read the marks.
    """
    with course_style():
        yield Sheet(width, height, title, note)


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = TEXT_SIZE, weight: str = "normal") -> float:
    """How wide one line of text is, in inches."""
    with course_style():
        font = FontProperties(family=FONT, size=size, weight=weight)
        width, _, _ = text_to_path.get_text_width_height_descent(
            text, font, ismath=bool(is_math_text(text))
        )
    return float(width) / 72


def wrap(text: str, width: float, size: float = TEXT_SIZE, weight: str = "normal") -> list[str]:
    """The text in lines no wider than `width` inches; a longer word keeps a line to itself."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, weight) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
