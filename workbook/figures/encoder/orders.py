"""Pre-norm and post-norm: where the norm stands on the road past a sublayer."""

from matplotlib.axes import Axes

from workbook.figures.diagram import Place, arrow, block, junction, label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import INK, KEY_TINT, PAGE_WIDTH, QUERY, SMALL_SIZE, VALUE_TINT

_ROAD = 2.6
"""Points: the road is drawn thicker than what branches off."""


def norm_orders() -> Picture:
    """The two orders of residual, side by side, from left to right; the road is the thick line."""
    title = "Pre-norm leaves the road free, post-norm puts a norm on it"
    with sheet(PAGE_WIDTH, 2.0, title) as page:
        board = page.board()
        for place, (name, draw) in enumerate((("pre-norm", _pre), ("post-norm", _post))):
            left = 0.35 + place * (PAGE_WIDTH / 2 + 0.02)
            label(board, left, 1.83, name, ha="left", weight="bold")
            draw(board, left)
    alt = (
        f"{title}. Pre-norm: x branches off through norm, sublayer and dropout and is added to x, "
        "which comes straight along the road: x + dropout(sublayer(norm(x))). Post-norm: x "
        "branches off through sublayer and dropout, is added to x, and the sum goes through norm: "
        "norm(x + dropout(sublayer(x)))."
    )
    return Picture(page.figure, alt)


def _pre(board: Axes, left: float) -> None:
    road, branch = 0.6, 1.3
    start, plus, end = left + 0.25, left + 3.6, left + 4.1
    label(board, left + 0.1, road, "$x$")
    arrow(board, (start, road), (plus - 0.1, road), color=QUERY, line=_ROAD)
    arrow(board, (plus + 0.1, road), (end, road), color=QUERY, line=_ROAD)
    fork = left + 0.45
    norm = Place(left + 0.62, branch - 0.17, 0.7, 0.34)
    inner = Place(left + 1.5, branch - 0.17, 0.85, 0.34)
    drop = Place(left + 2.53, branch - 0.17, 0.8, 0.34)
    arrow(board, (fork, road), (fork, branch), (norm.left, branch))
    _boxes(board, norm, inner, drop)
    arrow(board, (norm.right, branch), (inner.left, branch))
    arrow(board, (inner.right, branch), (drop.left, branch))
    arrow(board, (drop.right, branch), (plus, branch), (plus, road + 0.1))
    junction(board, plus, road)
    _caption(board, left, "$x$ + dropout(sublayer(norm($x$)))")


def _post(board: Axes, left: float) -> None:
    road, branch = 0.6, 1.3
    start, plus, end = left + 0.25, left + 2.75, left + 4.1
    label(board, left + 0.1, road, "$x$")
    norm = Place(left + 3.05, road - 0.17, 0.7, 0.34)
    arrow(board, (start, road), (plus - 0.1, road), color=QUERY, line=_ROAD)
    arrow(board, (plus + 0.1, road), (norm.left, road), color=QUERY, line=_ROAD)
    arrow(board, (norm.right, road), (end, road), color=QUERY, line=_ROAD)
    fork = left + 0.45
    inner = Place(left + 0.62, branch - 0.17, 0.85, 0.34)
    drop = Place(left + 1.7, branch - 0.17, 0.8, 0.34)
    arrow(board, (fork, road), (fork, branch), (inner.left, branch))
    _boxes(board, norm, inner, drop)
    arrow(board, (inner.right, branch), (drop.left, branch))
    arrow(board, (drop.right, branch), (plus, branch), (plus, road + 0.1))
    junction(board, plus, road)
    _caption(board, left, "norm($x$ + dropout(sublayer($x$)))")


def _boxes(board: Axes, norm: Place, inner: Place, drop: Place) -> None:
    block(board, norm, "norm", fill=VALUE_TINT)
    block(board, inner, "sublayer", fill=KEY_TINT)
    block(board, drop, "dropout")


def _caption(board: Axes, left: float, text: str) -> None:
    label(board, left + 0.25, 0.16, text, ha="left", size=SMALL_SIZE, color=INK)
