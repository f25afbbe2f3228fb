"""What both modules are asked that add a table of positions to the words."""

import re

import torch

from autograder.channel.piece import Piece, PieceRaised
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    beside,
)


def sentence_case(draw: Draw) -> Case:
    """x (batch, length, d_model), and a table with room for more words, and for the batch: who
    counts along the wrong axis should see wrong numbers and not an error of their own making."""
    batch, length, d_model = draw.sizes(3, low=3)
    construct = {"d_model": d_model, "max_length": length + batch, "dropout": 0.3}
    return Case((draw.normal(batch, length, d_model),), {}, construct)


def refuses_too_long(exercise: Exercise, points: float) -> None:
    """A sentence past the table's end is refused, and one that reaches it is not."""

    def holds(piece: Piece, draw: Draw) -> None:
        """A sentence of max_length words should pass, one word more should raise a ValueError that
        names both lengths."""
        batch, d_model = draw.sizes(2, low=3)
        length = draw.integer(11, 30)  # no other size is the one that the ValueError should name
        instance = piece.construct(d_model=d_model, max_length=length).eval()
        try:
            full = instance(draw.normal(batch, length, d_model, dtype=torch.float32))
        except PieceRaised as raised:
            if not raised.is_a(ValueError):
                raise
            refused = f"A sentence of exactly max_length words, here {length}, was refused."
            raise expect.Mismatch(refused) from None
        expect.shape(full, (batch, length, d_model), "The result for a sentence of max_length")
        longer = draw.normal(batch, length + 1, d_model, dtype=torch.float32)
        says = f"With max_length {length}, a sentence of {length + 1} words should be refused."
        try:
            back = instance(longer)
        except PieceRaised as raised:
            if not raised.is_a(ValueError):
                other = f"{says} It raised {raised.error['type']} instead."
                raise expect.Mismatch(other) from None
            said = raised.error["message"]
        else:
            came = f"What came back is {expect.describe(back)}."
            raise expect.Mismatch(f"{says} It raised nothing. {came}")
        if not {str(length), str(length + 1)} <= set(re.findall(r"\d+", said)):
            raise expect.Mismatch(
                f"The ValueError for a sentence of {length + 1} words and a table of {length} rows "
                f"should name both numbers; it says {said!r}.",
                kind="lengths not named",
            )

    # Not repeatable: the words of a ValueError are everyone's own.
    exercise.property("too long a sentence", points, repeatable=False)(holds)


def dropout_acts_on_the_sum(exercise: Exercise, points: float) -> None:
    """In training, dropout acts on the sum."""

    def holds(piece: Piece, draw: Draw) -> None:
        """In training, dropout acts on the sum of word and position: each number becomes 0 with the
        probability dropout, or is divided by 1 − dropout."""
        batch, length, d_model = draw.sizes(3, low=10, high=13)
        rate = draw.uniform(0.35, 0.6)
        construct = {"d_model": d_model, "max_length": length + 3, "dropout": rate}
        x = draw.normal(batch, length, d_model, dtype=torch.float32)
        case = Case((x,), {}, construct)
        instance, oracle = beside(exercise, piece, case, draw, torch.float32)
        instance.train()
        piece.seed(draw.integer(0, 10_000))  # however many random numbers its birth has used up
        found = expect.shape(instance(x), x.shape, "The result")
        whole = oracle(x).detach()
        dropped = float((found == 0).float().mean())
        expect.that(
            abs(dropped - rate) < 0.08,
            f"With dropout={rate:.2f}, {dropped:.0%} of the numbers became 0.",
        )
        kept = torch.where(found == 0, 0.0, whole / (1 - rate))
        expect.close(found, kept, "What dropout left", tolerance=1e-4)

    exercise.property("dropout on the sum", points)(holds)


def refuse_more(words: int, rows: int) -> None:
    """ValueError, with both numbers, for more words than there are rows."""
    if words > rows:
        raise ValueError(f"{words} words, and {rows} positions")


def rows_for(table: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The rows of the table for the words of x, ValueError past its end."""
    refuse_more(x.shape[1], table.shape[0])
    return table[: x.shape[1]]
