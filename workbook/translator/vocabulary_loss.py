"""The loss over a vocabulary, straight from hidden states: logits are made, used and forgotten.

Of a training step as lesson 09 writes it, half the time goes into one line: cross-entropy with
label smoothing, which reads and writes a table of all positions by all tokens a dozen times. The
same loss and the same gradients take one softmax and three matrix products. With

    z = h W^T,   p = softmax(z),   q = (1 - e) [target] + e / V

the mean of -q . log p over N positions has the gradients (p - q) W / N and (p - q)^T h / N, and
what q adds to either is a few rows and a mean.

Source: Szegedy et al., "Rethinking the Inception architecture" (2016), for label smoothing.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbook.translator.text import Batch

_ROWS = 512  # positions whose logits exist at a time; more of them leave a processor's cache


class _SmoothedLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, smoothing: float
    ) -> Tensor:
        # Products in the surrounding precision, sums of many in at least float32.
        kind = hidden.device.type
        autocast = torch.is_autocast_enabled(kind)
        half = torch.get_autocast_dtype(kind) if autocast else hidden.dtype
        with torch.autocast(kind, enabled=False):
            count, (size, _) = hidden.size(0), weight.shape
            narrow = weight.to(half)
            mean = weight.mean(0)
            surprise = torch.zeros((), dtype=weight.dtype, device=weight.device)
            smoothed = torch.zeros_like(surprise)
            to_hidden = torch.empty(hidden.shape, dtype=weight.dtype, device=weight.device)
            to_weight = torch.zeros_like(weight)
            for start in range(0, count, _ROWS):
                rows = slice(start, start + _ROWS)
                h, t = hidden[rows].to(half), targets[rows]
                wide, at_target = h.to(weight.dtype), weight[t]
                z = h @ narrow.T
                p = z.softmax(-1)
                # -q . log p, with log p = z - log sum exp z at the target and on average.
                surprise -= p.gather(1, t.unsqueeze(1)).to(weight.dtype).log().sum()
                smoothed += ((wide * at_target).sum(-1) - wide @ mean).sum()
                to_hidden[rows] = (p @ narrow).to(weight.dtype)
                to_hidden[rows] -= (1 - smoothing) * at_target + smoothing * mean
                to_weight += (p.T @ h).to(weight.dtype)
                to_weight.index_add_(0, t, wide, alpha=smoothing - 1)
                to_weight -= wide.sum(0) * (smoothing / size)
            if surprise.isinf():  # some p was too small to be told from 0, and z isn't
                surprise = _surprise(hidden.to(half), narrow, targets)
            loss = surprise + smoothing * smoothed
            ctx.save_for_backward(to_hidden.to(hidden.dtype) / count, to_weight / count)
            return loss / count

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        to_hidden, to_weight = ctx.saved_tensors
        return to_hidden * gradient.to(to_hidden.dtype), to_weight * gradient, None, None


def _surprise(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """The sum of -log p at the targets, however small p is; it takes one more pass over z."""
    kind = torch.promote_types(weight.dtype, torch.float32)
    whole = torch.zeros((), dtype=kind, device=weight.device)
    for h, t in zip(hidden.split(_ROWS), targets.split(_ROWS), strict=True):
        whole += F.cross_entropy((h @ weight.T).to(kind), t, reduction="sum")
    return whole


def smoothed_loss(
    hidden: Tensor, weight: Tensor, targets: Tensor, smoothing: float = 0.1
) -> Tensor:
    """`label_smoothing_loss` of the logits `hidden @ weight.T`.

    hidden (N, d_model), weight (vocab_size, d_model), targets (N,), none of them padding -> scalar.
    Under autocast the products are made in its precision, and the loss is rounded with them.
    """
    return _SmoothedLoss.apply(hidden, weight, targets, smoothing)


def train_step(
    model: nn.Module,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    scheduler: Any = None,
    smoothing: float = 0.1,
    max_norm: float = 1.0,
) -> tuple[float, int]:
    """Lesson 09's `train_step`, with the same loss and the same gradients in less time.

    model: `Transformer`, or any other that ends in a `head` without bias and names its `pad_id`.
    """
    real = batch.target_out != model.pad_id
    head = model.head
    optimizer.zero_grad()
    model.head = nn.Identity()  # so that the model gives the hidden states that the head would get
    try:
        hidden = model(batch.source, batch.target_in)
    finally:
        model.head = head
    loss = smoothed_loss(hidden[real], head.weight, batch.target_out[real], smoothing)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return loss.item(), int(real.sum())
