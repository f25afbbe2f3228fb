"""The vocabulary is for real positions: logits of padding are never looked at, so never computed.

The projection to the vocabulary and its softmax are a third of a training step. Batches of mixed
lengths are half padding, so half of that third would be for nothing.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from workbook.translator.text import Batch

Step = Callable[..., tuple[float, int]]


def real_positions_only(step: Step) -> Step:
    """The same training step, with the same loss, its model's `head` fed real positions alone.

    step: as the course's `train_step`, for a model with `head` and `pad_id` as `Transformer` has
    them. What it sees is one row: logits (1, N, vocab_size) and `target_out` (1, N), of the N
    tokens that are not padding; the logits are float32 whatever precision they were made in.
    """

    def one_step(
        model: nn.Module, batch: Batch, optimizer: torch.optim.Optimizer, *more: Any, **options: Any
    ) -> tuple[float, int]:
        real = batch.target_out != model.pad_id

        def choose(head: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            hidden, *rest = given
            return hidden[real].unsqueeze(0), *rest

        def precise(head: nn.Module, given: tuple[Tensor, ...], logits: Tensor) -> Tensor:
            return logits.float() if logits.dtype == torch.bfloat16 else logits

        hooks = [
            model.head.register_forward_pre_hook(choose),
            model.head.register_forward_hook(precise),
        ]
        try:
            seen = Batch(batch.source, batch.target_in, batch.target_out[real].unsqueeze(0))
            return step(model, seen, optimizer, *more, **options)
        finally:
            for hook in hooks:
                hook.remove()

    return one_step
