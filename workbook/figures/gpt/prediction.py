"""What a decoder-only model is asked: every position for the token after it."""

from collections.abc import Sequence
from itertools import pairwise

from workbook.figures.diagram import Place, arrow, block, label, row_of_words
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import KEY, KEY_TINT, MUTED, PAGE_WIDTH, QUERY_TINT, SMALL_SIZE


def next_token_targets(tokens: Sequence[str], padding: str = "") -> Picture:
    """One sentence as input, and the same one shifted by a place as what should come out.

    Args:
        tokens: 3 to 10 of them, the marks of beginning, end and padding among them.
        padding: the token that is no target; its positions are drawn dashed.

    Raises:
        ValueError: too few or too many tokens to be drawn.
    """
    if not 3 <= len(tokens) <= 10:
        raise ValueError(f"3 to 10 tokens can be drawn, not {len(tokens)}")
    asked = sum(token != padding for token in tokens[1:])
    title = f"{len(tokens)} tokens in a row are {asked} exercises: each position says what is next"
    with sheet(PAGE_WIDTH, 2.5, title) as page:
        board = page.board()
        left = 1.15
        places = row_of_words(
            board, tokens, Place(left, 0.3, PAGE_WIDTH - left - 0.25, 0.36), fill=KEY_TINT
        )
        body = Place(left, 0.98, places[-1].right - left, 0.44)
        block(board, body, "GPT: each position sees itself and what is on its left", line=1.3)
        for place, target in zip(places, [*tokens[1:], ""], strict=True):
            x = place.middle[0]
            arrow(board, (x, place.top + 0.02), (x, body.bottom - 0.02), color=KEY)
            spot = Place(place.left, 1.78, place.width, 0.36)
            left_out = not target or target == padding
            block(
                board,
                spot,
                target or "(none)",
                fill="#ffffff" if left_out else QUERY_TINT,
                dashed=left_out,
                rounding=0.04,
                ink=MUTED if left_out else "#1b1b1b",
            )
            if not left_out:
                arrow(board, (x, body.top + 0.02), (x, spot.bottom - 0.02), color=KEY)
        for y, name in ((0.48, "input"), (1.96, "should say")):
            label(board, left - 0.12, y, name, ha="right", weight="bold", size=SMALL_SIZE)
        label(
            board,
            left,
            2.32,
            "dashed: nothing to say, left out of the loss",
            ha="left",
            size=SMALL_SIZE,
            color=MUTED,
        )
    told = "; ".join(
        f"at {token}: {target}" for token, target in pairwise(tokens) if target != padding
    )
    return Picture(page.figure, f"{title}. What each position should say, {told}.")
