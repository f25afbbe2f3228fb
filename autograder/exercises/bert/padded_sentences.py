"""Padded sentences with segments, as the model and the classifier are asked about them."""

from collections.abc import Callable
from typing import Any

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    agree,
    beside,
)
from autograder.exercises.bert.token_ids import PAD
from workbook import pieces


def model_case(draw: Draw, **more: Any) -> Case:
    """Padded sentences with segments and their mask; every size is another one. One layer, because
    a diagnosis builds many of them; `deep_case` has two."""
    batch, length, num_heads, d_ff, vocab = draw.sizes(5, low=2, high=7)
    construct = {
        "vocab_size": vocab + 8,
        "d_model": 4 * num_heads,
        "num_heads": num_heads,
        "num_layers": 1,
        "d_ff": d_ff + 3,
        "max_length": length + 4,
        "dropout": 0.3,
    }
    tokens = draw.tokens(batch, length + 2, low=1, high=vocab + 7)
    tokens[0, -2:] = PAD
    segments = draw.tokens(batch, length + 2, low=0, high=1)
    segments[:, 0], segments[:, 1] = 0, 1
    mask = pieces.padding_mask(tokens, PAD)
    return Case((tokens, segments, mask), {}, construct | more)


def deep_case(draw: Draw) -> Case:
    """The same with two layers."""
    return model_case(draw, num_layers=2)


def segments_and_mask_are_optional(
    exercise: Exercise, cases: Callable[[Draw], Case], names: tuple, points: float
):
    """Segments and mask may be left out."""

    def holds(piece: Piece, draw: Draw) -> None:
        """Without segments every token is of segment 0, and without a mask every token may be
        attended to. A batch may hold one sentence."""
        case = cases(draw)
        asked, oracle = beside(exercise, piece, case, draw)
        tokens = case.args[0]
        agree(asked(tokens), oracle(tokens), names)
        agree(asked(tokens[:1]), oracle(tokens[:1]), names)

    exercise.property("segments and mask may be left out", points)(holds)


def padding_is_silent(exercise: Exercise, cases: Callable[[Draw], Case], points: float) -> None:
    """What stands where the mask is False changes nothing elsewhere."""

    def holds(piece: Piece, draw: Draw) -> None:
        """What stands in the padding should change nothing: the mask hides it."""
        case = cases(draw)
        asked, _ = beside(exercise, piece, case, draw)
        tokens, segments, mask = case.args
        real = mask[:, 0, 0]
        other = torch.where(real, tokens, case.construct["vocab_size"] - 1)
        found = []
        for each in (tokens, other):
            value = asked(each, segments, mask)
            value = value[0] if isinstance(value, (tuple, list)) and value else value
            expect.tensor(value, "What comes back")
            found.append(value[real] if value.dim() == 3 else value)
        moved = (found[0] - found[1]).abs().max()
        expect.that(bool(moved < 1e-9), "Other padding tokens gave other results.")

    exercise.property("padding changes nothing", points, repeatable=False)(holds)
