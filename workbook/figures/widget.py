"""Live figures: controls above a picture that is drawn again whenever one of them changes."""

import html
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from workbook.figures.picture import Picture

_STAGE = '<div role="{role}" aria-live="polite" style="line-height:1.4">{content}</div>'


class Explorer(ipywidgets.VBox):
    """Controls and the picture that follows them, with a still picture for everywhere else.

    The output carries the live view, and beside it an image and a text, so that a page without
    a kernel (GitHub, an exported notebook) shows the same thing. Every view has the
    alternative text. An error inside `draw` becomes a sentence in the picture's place.

    Args:
        draw: gets the value of each control by its name and returns a `Picture`.
        controls: any widget with a `value`, by the name of `draw`'s parameter.
        still: the picture for pages that are not live; by default `draw` at the first values.
        arranged: the controls as they should stand on the page; by default in a row that wraps.

    Attributes:
        controls: the widgets by name. Setting a `value` draws the picture again.
        picture: what is shown now, or None while `draw` fails.
        problem: the sentence that stands in its place, or None.
    """

    def __init__(
        self,
        draw: Callable[..., Picture],
        controls: Mapping[str, ipywidgets.Widget],
        still: Callable[[], Picture] | None = None,
        arranged: ipywidgets.Widget | None = None,
    ) -> None:
        self._draw = draw
        self._still = still
        self.controls = dict(controls)
        self.picture: Picture | None = None
        self.problem: str | None = None
        self._stage = ipywidgets.HTML()
        row = ipywidgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="4px 20px")
        panel = arranged or ipywidgets.Box(list(self.controls.values()), layout=row)
        super().__init__([panel, self._stage])
        for control in self.controls.values():
            control.observe(self._redraw, names="value")
        self._redraw()
        self._at_first = self.picture, self.problem

    def _redraw(self, change: object = None) -> None:
        values = {name: control.value for name, control in self.controls.items()}
        self.picture, self.problem = _attempt(lambda: self._draw(**values))
        if self.picture is not None:
            content, role = self.picture.image_tag(), "group"
        else:
            content, role = html.escape(self.problem or ""), "alert"
        self._stage.value = _STAGE.format(role=role, content=content)

    def still(self) -> tuple[Picture | None, str]:
        """The picture for pages that are not live, and its text; None and a sentence on failure."""
        picture, problem = self._at_first if self._still is None else _attempt(self._still)
        return picture, picture.alt if picture is not None else problem or ""

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None, **keywords: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        data = dict(super()._repr_mimebundle_(**keywords) or {})
        picture, text = self.still()
        data["text/plain"] = text
        metadata: dict[str, Any] = {}
        if picture is not None:
            views, metadata = picture._repr_mimebundle_()
            data.update(views)
        return data, metadata


def _attempt(draw: Callable[[], Picture]) -> tuple[Picture | None, str | None]:
    try:
        picture = draw()
        if isinstance(picture, Picture):
            # Rendering can fail as well, so it belongs inside the attempt.
            _ = picture.png
            return picture, None
        return None, (
            "There is no picture: the drawing function should return a Picture, "
            f"but it returned a {type(picture).__name__}."
        )
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return None, (
            f"The picture could not be drawn. {said.rstrip('.')}. "
            f"(It was raised in {place.name}, line {place.lineno}.) "
            "Mend the code it comes from, then run this cell again."
        )
