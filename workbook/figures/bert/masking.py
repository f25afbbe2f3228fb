"""One sentence, masked: what goes in, and what is to be guessed."""

from collections.abc import Sequence

from workbook.figures.arrays import as_labels
from workbook.figures.diagram import Place, block, label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    INK,
    LINE,
    MUTED,
    PAGE_WIDTH,
    PAPER,
    QUERY,
    QUERY_TINT,
    SMALL_SIZE,
    VALUE_TINT,
)

_LEFT, _TALL = 1.0, 0.34
FATES = ("masked", "another token", "unchanged")


def masked_sentence(
    tokens: Sequence[str], inputs: Sequence[str], labels: Sequence[str | None], mask: str = "[MASK]"
) -> Picture:
    """Tokens, inputs and labels in three rows; under each chosen token, its fate in words.

    Args:
        tokens, inputs: words, before and after.
        labels: the word to guess at each place, None where nothing was chosen.
        mask: how the mask is written.

    Raises:
        ValueError: another number of inputs or labels than of tokens.
    """
    words = as_labels(tokens, "tokens", len(tokens))
    given = as_labels(inputs, "inputs", len(words))
    if len(labels) != len(words):
        raise ValueError(f"labels should have {len(words)} entries, one a token; got {len(labels)}")
    chosen = [label_ is not None for label_ in labels]
    fates = [
        "" if not picked else FATES[0] if now == mask else FATES[2] if now == was else FATES[1]
        for picked, was, now in zip(chosen, words, given, strict=True)
    ]
    title = f"{sum(chosen)} of {len(words)} tokens are chosen; only they have a label"
    answers = [str(each) if each is not None else "−100" for each in labels]
    tall = 2.25
    each = (PAGE_WIDTH - _LEFT - 0.15) / len(words)
    with sheet(PAGE_WIDTH, tall, title) as page:
        board = page.board()
        rows = (("tokens", words), ("inputs", given), ("labels", answers))
        for number, (name, entries) in enumerate(rows):
            y = tall - 0.6 * number - _TALL - 0.1
            label(board, 0.12, y + _TALL / 2, name, ha="left", weight="bold")
            for place, (entry, picked) in enumerate(zip(entries, chosen, strict=True)):
                spot = Place(_LEFT + each * place + 0.03, y, each - 0.06, _TALL)
                fill = {"tokens": PAPER, "inputs": QUERY_TINT, "labels": VALUE_TINT}[name]
                quiet = name == "labels" and not picked
                block(
                    board,
                    spot,
                    entry,
                    fill=fill if picked else PAPER,
                    edge=QUERY if picked and name != "tokens" else LINE,
                    line=1.8 if picked and name != "tokens" else 1.0,
                    ink=MUTED if quiet else INK,
                    size=SMALL_SIZE,
                    rounding=0.04,
                    weight="bold" if picked else "normal",
                )
        for place, fate in enumerate(fates):
            label(board, _LEFT + each * (place + 0.5), 0.3, fate, size=SMALL_SIZE, color=QUERY)
    told = "; ".join(
        f"“{was}” is {fate}" + (f" (“{now}”)" if fate == FATES[1] else "")
        for was, now, fate in zip(words, given, fates, strict=True)
        if fate
    )
    return Picture(page.figure, f"{title}. {told or 'None is chosen'}. All others are −100.")
