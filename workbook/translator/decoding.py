"""Writing a sentence with the key–value cache: greedily, or along several beginnings at once.

Both give what `greedy_decode` and `beam_search` of lesson 09 give, which read the whole beginning
again for every token. Here each token costs one position, and sentences that are finished leave
the batch.

Sources: Vaswani et al., "Attention is all you need" (2017), section 6.1; Wu et al., "Google's
neural machine translation system" (2016), for the length penalty.
"""

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from workbook.pieces import decode_step as course_decode_step


class Model(Protocol):
    """What can be decoded: `Transformer`, or a student's, in the course's names."""

    pad_id: int
    decoder: nn.Module

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor | None]: ...


class RowCache:
    """Keys and values as `KVCache` has them, whose rows can be chosen and put in another order."""

    def __init__(self, num_layers: int) -> None:
        self._kept: list[tuple[Tensor, Tensor] | None] = [None] * num_layers

    @property
    def length(self) -> int:
        """The positions read so far, as the first layer has them."""
        return 0 if self._kept[0] is None else self._kept[0][0].size(-2)

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """key and value (rows, num_heads, new, d_head) -> all of the layer's, the new ones last."""
        kept = self._kept[layer]
        if kept is not None:
            key, value = torch.cat([kept[0], key], -2), torch.cat([kept[1], value], -2)
        self._kept[layer] = key, value
        return key, value

    def take(self, rows: Tensor) -> None:
        """Go on with these rows, in this order; a row may come several times."""
        self._kept = [
            kept and (kept[0].index_select(0, rows), kept[1].index_select(0, rows))
            for kept in self._kept
        ]


class _Writer:
    """A model in the middle of writing: the newest tokens in, the next ones' logits out."""

    def __init__(
        self, model: Model, source: Tensor, copies: int, step: Callable[..., Tensor]
    ) -> None:
        self._model = model
        self._step = step
        memory, mask = model.encode(source)
        self._memory = memory.repeat_interleave(copies, 0) if copies > 1 else memory
        self._mask = mask.repeat_interleave(copies, 0) if mask is not None and copies > 1 else mask
        self._cache = RowCache(len(model.decoder.layers))

    def logits(self, tokens: Tensor) -> Tensor:
        """tokens (rows,) -> (rows, vocab_size)."""
        return self._step(self._model, tokens, self._memory, self._mask, self._cache)

    def reorder(self, rows: Tensor) -> None:
        """Rows of the same sentences in another order: their memory is the same one."""
        self._cache.take(rows)

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the sentences."""
        self._cache.take(rows)
        self._memory = self._memory[rows]
        self._mask = self._mask[rows] if self._mask is not None else None


@torch.no_grad()
def greedy(
    model: Model,
    source: Tensor,
    max_length: int,
    bos_id: int,
    eos_id: int,
    step: Callable[..., Tensor] = course_decode_step,
) -> Tensor:
    """The most likely next token until each sentence ends: as `greedy_decode`, with the cache.

    model: in eval mode. source (B, S) -> (B, at most max_length), without `bos_id`, padded after
    `eos_id`. step: `decode_step`, the course's or a student's.
    """
    pad_id = getattr(model, "pad_id", 0)
    written = source.new_full((source.size(0), max_length), pad_id)
    alive = torch.arange(source.size(0), device=source.device)  # rows of `written` still growing
    tokens = source.new_full((source.size(0),), bos_id)
    writer = _Writer(model, source, 1, step)
    longest = 0
    for position in range(max_length):
        tokens = writer.logits(tokens).argmax(-1)
        written[alive, position] = tokens
        longest = position + 1
        going_on = (tokens != eos_id).nonzero().squeeze(1)
        if going_on.numel() == 0:
            break
        if going_on.numel() < alive.numel():
            alive, tokens = alive[going_on], tokens[going_on]
            writer.keep(going_on)
    return written[:, :longest]


@torch.no_grad()
def beam(
    model: Model,
    source: Tensor,
    max_length: int,
    bos_id: int,
    eos_id: int,
    beam_size: int = 4,
    length_penalty: float = 0.6,
    step: Callable[..., Tensor] = course_decode_step,
) -> tuple[Tensor, Tensor]:
    """The best sentence among `beam_size` beginnings followed at once: as `beam_search`, with the
    cache.

    model: in eval mode. source (B, S) -> tokens (B, at most max_length), padded after `eos_id`, and
    scores (B,): log-probability over ((5 + len) / 6)^length_penalty, len counting `eos_id`. The
    rules are those in `beam_search`'s docstring; where two beginnings score exactly the same,
    either may win. Raises ValueError for a beam of 0.
    """
    if beam_size < 1:
        raise ValueError(f"a beam holds at least 1 beginning; got {beam_size}")
    device, batch, width = source.device, source.size(0), beam_size
    pad_id = getattr(model, "pad_id", 0)
    best = source.new_full((batch, max_length), pad_id)
    best_scores = torch.full((batch,), -math.inf, device=device)
    best_lengths = source.new_zeros(batch)
    found = source.new_zeros(batch)
    alive = torch.arange(batch, device=device)  # rows of `best` that may still improve
    beginnings = source.new_full((batch, width, 0), pad_id)
    tokens = source.new_full((batch * width,), bos_id)
    # All beginnings are still the same one, so only the first of each sentence may go on.
    sums = torch.full((batch, width), -math.inf, device=device)
    sums[:, 0] = 0.0
    writer = _Writer(model, source, width, step)
    for length in range(1, max_length + 1):
        logs = writer.logits(tokens).log_softmax(-1).unflatten(0, (-1, width))  # (A, K, V)
        best_scores = best_scores.to(logs.dtype)
        ranked, parent, token = _ranked(sums, logs, 2 * width)  # (A, C), best first

        ends = token == eos_id
        complete = (ends | (length == max_length)) & ranked.isfinite()
        complete[:, width:] = False
        found[alive] += complete.sum(1)
        scores = ranked.masked_fill(~complete, -math.inf) / _penalty(length, length_penalty)
        score, which = scores.max(1)
        better = (score > best_scores[alive]).nonzero().squeeze(1)
        if better.numel():
            rows, winner = alive[better], which[better]
            from_beginning = parent[better, winner]
            best[rows, : length - 1] = beginnings[better, from_beginning]
            best[rows, length - 1] = token[better, winner]
            best[rows, length:] = pad_id
            best_scores[rows], best_lengths[rows] = score[better], length

        ranked = ranked.masked_fill(ends, -math.inf)
        sums, chosen = ranked.topk(width, dim=1)
        parent, token = parent.gather(1, chosen), token.gather(1, chosen)
        beginnings = torch.cat([_rows(beginnings, parent), token.unsqueeze(-1)], -1)
        # Log-probabilities only fall, so the largest penalty to come bounds what is still possible.
        largest = max(_penalty(n, length_penalty) for n in (length + 1, max_length))
        open_ = (found[alive] < width) & (best_scores[alive] < sums[:, 0] / largest)
        going_on = open_.nonzero().squeeze(1)
        if going_on.numel() == 0:
            break
        offsets = torch.arange(alive.numel(), device=device).unsqueeze(1) * width
        flat = parent + offsets  # (A, K), the rows that the new beginnings come from
        if going_on.numel() < alive.numel():
            alive, sums, beginnings = alive[going_on], sums[going_on], beginnings[going_on]
            flat, token = flat[going_on], token[going_on]
            writer.keep(flat.flatten())
        else:
            writer.reorder(flat.flatten())
        tokens = token.flatten()
    return best[:, : int(best_lengths.max())], best_scores


def _ranked(sums: Tensor, logs: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The best continuations of each sentence: sums (A, K), logs (A, K, V) -> their sums, which
    beginning each continues, and with which token; (A, C) each."""
    # The best of all are among the best of each beginning, which is a smaller sort.
    each, token = logs.topk(min(count, logs.size(-1)), dim=-1)  # (A, K, C)
    total = (sums.unsqueeze(-1) + each).flatten(1)
    ranked, index = total.topk(min(count, total.size(1)), dim=1)
    return ranked, index // each.size(-1), token.flatten(1).gather(1, index)


def _rows(beginnings: Tensor, parent: Tensor) -> Tensor:
    """beginnings (A, K, t), parent (A, K) -> the parents' beginnings, (A, K, t)."""
    index = parent.unsqueeze(-1).expand(-1, -1, beginnings.size(-1))
    return beginnings.gather(1, index)


def _penalty(length: int, alpha: float) -> float:
    return ((5 + length) / 6) ** alpha
