"""What a lesson's cell returns to show a figure: an image and the words that stand in for it."""

import base64
import html
import io
from functools import cached_property
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

from workbook.figures.style import PIXELS_PER_INCH, SHARPNESS, course_style

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class Picture:
    """A finished figure with its alternative text; the last expression of a cell shows it.

    The output carries three views of the same thing:

    - `text/html`, an `<img>` with the alternative text. JupyterLab 4 and nbconvert's default
      template prefer it; neither puts a text on an image that comes as bare `image/png`.
    - `image/png`, with the alternative text in its metadata, where nbconvert's classic template
      (nbgrader's grading page and feedback) reads it. GitHub shows this one.
    - `text/plain`, the alternative text.

    Equal figures give equal bytes: the image holds no date and no version.

    Args:
        figure: made with `matplotlib.figure.Figure`, not with pyplot, which would show it twice.
        alt: what a reader who cannot see the picture should know, key numbers included.

    Raises:
        TypeError: `figure` is not a matplotlib figure.
        ValueError: `alt` is empty.
    """

    def __init__(self, figure: Figure, alt: str) -> None:
        if not isinstance(figure, Figure):
            raise TypeError(
                f"a Picture shows a matplotlib Figure, but it was given a {type(figure).__name__}; "
                "draw on a Sheet and pass its .figure"
            )
        if not isinstance(alt, str) or not alt.strip():
            raise ValueError(
                "a Picture needs an alternative text, but it came with "
                f"{alt!r}; say in a sentence or two what the picture shows, with its key numbers"
            )
        self.figure = figure
        self.alt = " ".join(alt.split())

    @cached_property
    def png(self) -> bytes:
        """The image, `SHARPNESS` pixels for each CSS pixel."""
        return _render(self.figure, SHARPNESS)

    @property
    def width(self) -> int:
        """CSS pixels on the page."""
        return round(self.figure.get_figwidth() * PIXELS_PER_INCH)

    def image_tag(self) -> str:
        """An HTML `<img>` with the picture inside it and its alternative text.

        It can be reached with the keyboard, and it never grows wider than its place.
        """
        data = base64.b64encode(self.png).decode("ascii")
        return (
            f'<img tabindex="0" width="{self.width}" style="max-width:100%;height:auto" '
            f'alt="{html.escape(self.alt)}" src="data:image/png;base64,{data}">'
        )

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, dict[str, str | int]]]:
        data = {
            "text/html": self.image_tag(),
            "image/png": base64.b64encode(self.png).decode("ascii"),
            "text/plain": self.alt,
        }
        return data, {"image/png": {"alt": self.alt, "width": self.width}}

    def __repr__(self) -> str:
        return f"Picture({self.alt!r})"


def stored(output: dict[str, Any]) -> dict[str, Any]:
    """A notebook output as it should be kept on disk: the still image and its words.

    The live view of a widget goes (there is no kernel behind a stored notebook, and nbconvert would
    ask a CDN for it), and so does the HTML view of a picture, which repeats the image. Outputs
    that hold no picture with an alternative text only lose a widget's view. The argument stays
    as it was.
    """
    if "data" not in output:
        return output
    is_picture = "alt" in output.get("metadata", {}).get("image/png", {})
    left_out = {WIDGET_VIEW, "text/html"} if is_picture else {WIDGET_VIEW}
    data = {kind: view for kind, view in output["data"].items() if kind not in left_out}
    return {**output, "data": data}


def _render(figure: Figure, sharpness: float) -> bytes:
    buffer = io.BytesIO()
    with course_style():
        figure.savefig(
            buffer,
            format="png",
            dpi=PIXELS_PER_INCH * sharpness,
            metadata={"Software": None},
        )
    # Drawings have few colours: a palette makes a stored notebook a third of the size.
    palette = Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small = io.BytesIO()
    palette.save(small, format="png", optimize=True)
    return small.getvalue()
