"""Sentences of several lengths, as both networks are asked about them."""

import torch

from autograder.checks.draw import Draw
from autograder.checks.probes import (
    Case,
)


def sequences(draw: Draw) -> Case:
    """Sequences that are all as long as the batch is wide."""
    batch, length, inputs, hidden = draw.sizes(4, low=3)
    return Case(
        (draw.normal(batch, length, inputs),),
        {},
        {"input_size": inputs, "hidden_size": hidden},
    )


def padded_sequences(draw: Draw, fill: float = 1.0) -> Case:
    """Sequences of different lengths, one of them whole, with numbers of no meaning behind their
    ends."""
    case = sequences(draw)
    batch, length, _ = case.args[0].shape
    lengths = torch.tensor([draw.integer(1, length - 1) for _ in range(batch)])
    lengths[draw.integer(0, batch - 1)] = length
    return Case(case.args, {"lengths": lengths}, case.construct)


def all_padded_sequences(draw: Draw) -> Case:
    """Every sequence is shorter than the batch is wide."""
    case = sequences(draw)
    batch, length, _ = case.args[0].shape
    lengths = torch.tensor([draw.integer(1, length - 1) for _ in range(batch)])
    return Case(case.args, {"lengths": lengths}, case.construct)


def past_the_end(case: Case) -> torch.Tensor:
    """(batch, length, 1), True for padding."""
    steps = torch.arange(case.args[0].shape[1])
    return (steps >= case.kwargs["lengths"][:, None])[..., None]


def real_steps(x, lengths):
    """(batch, length, 1), True where a sequence hasn't ended."""
    return (torch.arange(x.shape[1], device=x.device) < lengths.to(x.device)[:, None])[..., None]
