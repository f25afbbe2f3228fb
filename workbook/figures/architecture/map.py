"""The map at the top of every lesson: where you are, and which pieces are yours already."""

from collections.abc import Collection

from matplotlib.axes import Axes

from workbook.figures.architecture.insets import INSETS
from workbook.figures.architecture.marks import HERE, TICK, YOURS, piece_box, rim
from workbook.figures.architecture.plan import HEIGHT, SPOTS, WIDTH
from workbook.figures.architecture.stacks import draw_stacks, said
from workbook.figures.diagram import Place, block, label, part_fill
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import INK, KEY, LINE, MUTED, PAGE_WIDTH, SMALL_SIZE
from workbook.syllabus import LESSONS, PIECES, Lesson
from workbook.syllabus import lesson as find_lesson

_PANEL = Place(WIDTH + 0.14, 0.1, PAGE_WIDTH - WIDTH - 0.26, HEIGHT - 0.14)
_PADDING = 0.16
_LINE = 0.205


def transformer_map(lesson: str | int, passed: Collection[str] | None = None) -> Picture:
    """The whole Transformer with today's place marked and the student's own pieces filled in.

    Args:
        lesson: its number or its folder's name.
        passed: the names of the pieces that are the student's own; by default the toolbox is
            asked.

    Raises:
        KeyError: there is no such lesson.
        TypeError: `passed` is a string.
        ValueError: `passed` holds a name that is no piece of the course.
    """
    today = find_lesson(lesson)
    if passed is None:
        from workbook import toolbox

        passed = toolbox.passed()
    if isinstance(passed, str):
        raise TypeError(f"passed should be a collection of names, such as {{{passed!r}}}")
    strangers = sorted(set(passed) - set(PIECES))
    if strangers:
        raise ValueError(f"not a piece of the course: {', '.join(strangers)}")
    spot = SPOTS[today.number]
    title = f"You are here: lesson {today.number:02d}, {_lower(today.title)}"
    with sheet(PAGE_WIDTH, HEIGHT + 0.04, title, count(today, passed)) as page:
        board = page.board()
        draw_stacks(board, spot, passed)
        _legend(board, bool(spot.absent))
        _panel(board, today, passed)
    return Picture(page.figure, _alternative(today, passed))


def count(today: Lesson, passed: Collection[str]) -> str:
    """The sentence under the map's title."""
    whole = sum(piece in passed for piece in PIECES)
    here = sum(piece in passed for piece in today.pieces)
    return (
        f"{whole} of {len(PIECES)} pieces are yours; "
        f"{here} of the {len(today.pieces)} that this lesson asks for."
    )


def _panel(board: Axes, today: Lesson, passed: Collection[str]) -> None:
    block(board, _PANEL, fill="none", edge=LINE, rounding=0.1, level=0.6)
    left, width = _PANEL.left + _PADDING, _PANEL.width - 2 * _PADDING
    inset = INSETS[today.number]
    label(board, left, _PANEL.top - 0.22, inset.heading, ha="left", weight="bold")
    lessons = _PANEL.bottom + _PADDING
    _lessons(board, Place(left, lessons, width, 0.5), today, passed)
    checklist = lessons + 0.5 + 0.22
    above = _checklist(board, left, checklist, today, passed)
    board.plot([left, left + width], [above + 0.1] * 2, color=LINE, linewidth=0.8)
    room = _PANEL.top - 0.36 - (above + 0.1)
    bottom = above + 0.1 + (room - inset.height) / 2
    inset.draw(board, Place(left, bottom, width, inset.height), passed)


def _checklist(
    board: Axes, left: float, bottom: float, today: Lesson, passed: Collection[str]
) -> float:
    """Today's pieces, each ticked or open; returns the height at which the list ends."""
    for position, piece in enumerate(reversed(today.pieces)):
        y = bottom + _LINE * (position + 0.5)
        done = piece in passed
        square = Place(left, y - 0.07, 0.14, 0.14)
        block(board, square, fill=YOURS if done else "none", edge=INK, line=0.8, rounding=0.02)
        if done:
            label(board, *square.middle, TICK, size=SMALL_SIZE, color=KEY, weight="bold")
        text = label(board, left + 0.24, y, piece, ha="left", size=SMALL_SIZE)
        text.set_gid(f"{'done' if done else 'open'} {piece}")
    top = bottom + _LINE * len(today.pieces)
    label(board, left, top + 0.12, "You write", ha="left", size=SMALL_SIZE, color=MUTED)
    return top + 0.24


def _lessons(board: Axes, place: Place, today: Lesson, passed: Collection[str]) -> None:
    """Ten small boxes, filled by the share of each lesson's pieces that have passed."""
    label(board, place.left, place.top - 0.06, "Lessons", ha="left", size=SMALL_SIZE, color=MUTED)
    gap = 0.05
    width = (place.width - gap * (len(LESSONS) - 1)) / len(LESSONS)
    for position, one in enumerate(LESSONS):
        spot = Place(place.left + position * (width + gap), place.bottom, width, 0.3)
        done = sum(piece in passed for piece in one.pieces)
        patch = block(board, spot, rounding=0.03, line=0)
        part_fill(board, patch, spot, done / len(one.pieces), YOURS)
        here = one.number == today.number
        outline = block(
            board,
            spot,
            fill="none",
            edge=HERE if here else INK if done else LINE,
            line=2.0 if here else 1.0,
            rounding=0.03,
            level=2.5,
        )
        outline.set_gid(f"lesson {one.number}")
        label(
            board,
            *spot.middle,
            f"{one.number:02d}",
            size=SMALL_SIZE,
            weight="bold" if here else "normal",
        )


def _legend(board: Axes, with_absent: bool) -> None:
    entries = ["you are here", "yours", "partly yours", "still to come"]
    entries += ["not in this model"] if with_absent else []
    for position, entry in enumerate(entries):
        place = Place(0.2, HEIGHT - 0.42 - 0.3 * position, 0.42, 0.18)
        if entry == "you are here":
            rim(board, place.grown(-0.05))
        elif entry == "yours":
            piece_box(board, place, "", ("one",), ("one",), size=SMALL_SIZE)
        elif entry == "partly yours":
            piece_box(board, place, "", ("one", "two"), ("one",), size=SMALL_SIZE)
        else:
            piece_box(board, place, "", (), (), absent=entry == "not in this model")
        label(board, place.right + 0.12, place.middle[1], entry, ha="left", size=SMALL_SIZE)


def _alternative(today: Lesson, passed: Collection[str]) -> str:
    spot = SPOTS[today.number]
    own = [piece for piece in today.pieces if piece in passed]
    return (
        "Map of the Transformer, the encoder stack on the left and the decoder stack on the right. "
        f"Lesson {today.number:02d}, {_lower(today.title)}, is marked on {spot.spoken}. "
        f"{said(passed, spot.absent)} "
        f"{count(today, passed)} "
        f"Yours from this lesson: {', '.join(own) if own else 'none yet'}. "
        f"Beside the map: {INSETS[today.number].heading}."
    )


def _lower(title: str) -> str:
    return title[0].lower() + title[1:]
