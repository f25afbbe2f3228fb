"""Ids with a meaning of their own, and sentences that end in padding."""

import torch

from autograder.checks.draw import Draw

BOS, EOS = 1, 2


def padded_ids(draw: Draw, batch: int, length: int, vocab: int, pad_id: int) -> torch.Tensor:
    """Token ids (batch, length): each row but the first ends in padding of another length."""
    tokens = draw.tokens(batch, length, low=4, high=vocab - 1)
    for row in range(1, batch):
        tokens[row, max(1, length - row) :] = pad_id
    return tokens


PAD = 3
