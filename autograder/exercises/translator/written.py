"""What both ways of writing are asked: models whose best translation is known."""

from itertools import pairwise
from typing import Any

import torch
from torch.nn import functional as F

from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.exercises.translator.token_ids import BOS, EOS, PAD, padded_ids


def table_case(draw: Draw, vocab: int, positions: int, endless: bool = False) -> dict[str, Any]:
    """What a `Table` is made of; an endless one never writes eos."""
    mix = draw.normal(positions, vocab, vocab, scale=3.0)
    return {"mix": mix, "never": [BOS, PAD, *([EOS] if endless else [])], "pad_id": PAD}


def source_ids(draw: Draw, rows: int, vocab: int = 12) -> torch.Tensor:
    """Sources of several lengths whose first tokens differ by more than these."""
    source = padded_ids(draw, rows, draw.integer(rows, rows + 2), vocab, PAD)
    source[:, 0] = 4 + 3 * torch.arange(rows)
    return source


def chain_case(draw: Draw, lengths: list[int]) -> tuple[dict[str, Any], torch.Tensor]:
    """A `Chain` in which the most likely sentence of source r has lengths[r] tokens, eos included,
    and whose most likely token after eos is a word again; and the sources, one token each."""
    vocab = 6 + max(lengths)
    logits = draw.normal(len(lengths), vocab, vocab)
    for row, length in enumerate(lengths):
        words = (4 + torch.randperm(vocab - 4, generator=_generator(draw))).tolist()
        path = [BOS, *words[: length - 1], EOS, words[-1], words[-2]]
        for before, after in pairwise(path):
            logits[row, before, after] += 9
    return {"logits": logits, "pad_id": PAD}, torch.arange(len(lengths))[:, None]


def _generator(draw: Draw) -> torch.Generator:
    return torch.Generator().manual_seed(draw.integer(0, 2**31))


def expect_written(found: Any, wanted: torch.Tensor, what: str) -> None:
    """Tokens as they should be; columns of nothing but padding at the end don't matter."""
    expect.tensor(found, what)
    whole = found.ndim == 2 and not found.is_floating_point() and len(found) == len(wanted)
    if not whole:
        expect.that(
            False,
            f"{what} should hold token ids, {len(wanted)} rows of them; what comes back is a "
            f"tensor of shape {tuple(found.shape)}, {found.dtype}.",
        )
    width = max(found.size(1), wanted.size(1))
    found, wanted = (
        F.pad(each.long(), (0, width - each.size(1)), value=PAD) for each in (found, wanted)
    )
    expect.close(found, wanted, f"{what}, [row, position],")
