"""Lesson 09: the pieces assemble.

Sources: Vaswani et al., "Attention is all you need" (2017); Szegedy et al., "Rethinking the
Inception architecture" (2016), for label smoothing; Wu et al., "Google's neural machine translation
system" (2016), for the length penalty; Papineni et al., "BLEU" (2002); Post, "A call for clarity in
reporting BLEU scores" (2018).
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbook.pieces.decoder import Decoder, DecoderLayer, OutputHead, causal_mask
from workbook.pieces.dot_product_attention import scaled_dot_product_attention
from workbook.pieces.encoder import Encoder, padding_mask, residual
from workbook.pieces.gpt import KVCache, cached_attention
from workbook.pieces.multi_head_attention import heads_of, merge_heads, split_heads
from workbook.pieces.positional_encoding import PositionalEncoding
from workbook.pieces.rnn_recap import clip_gradients_


class Transformer(nn.Module):
    """The whole of the paper's figure 1.

    `source_embedding`, `target_embedding`, `positions` (sinusoids, for both sides), `encoder`,
    `decoder`, `head`, whose weight is the target embedding's. Embeddings start normal with
    deviation 1/sqrt(d_model) and are scaled by sqrt(d_model); all other matrices start
    Xavier-uniform and all other biases at zero.

    `share_embeddings` makes source and target embedding one. Raises ValueError where that is asked
    of vocabularies of two sizes.
    """

    def __init__(
        self,
        source_vocab: int,
        target_vocab: int,
        d_model: int,
        num_heads: int,
        num_layers: int,
        d_ff: int,
        dropout: float = 0.1,
        norm_first: bool = True,
        activation: str = "relu",
        share_embeddings: bool = False,
        pad_id: int = 0,
        max_length: int = 512,
    ) -> None:
        super().__init__()
        if share_embeddings and source_vocab != target_vocab:
            raise ValueError(
                "share_embeddings takes one vocabulary for both sides; got "
                f"{source_vocab} source and {target_vocab} target tokens"
            )
        self.pad_id = pad_id
        self.scale = math.sqrt(d_model)
        stack = (num_layers, d_model, num_heads, d_ff, dropout, norm_first, activation)
        self.source_embedding = nn.Embedding(source_vocab, d_model)
        self.target_embedding = (
            self.source_embedding if share_embeddings else nn.Embedding(target_vocab, d_model)
        )
        self.positions = PositionalEncoding(d_model, max_length, dropout)
        self.encoder = Encoder(*stack)
        self.decoder = Decoder(*stack)
        self.head = OutputHead(d_model, target_vocab)
        self.head.weight = self.target_embedding.weight
        for embedding in (self.source_embedding, self.target_embedding):
            nn.init.normal_(embedding.weight, std=1 / self.scale)

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """source (B, S) -> memory (B, S, d_model), memory_mask (B, 1, 1, S), True at real tokens.

        Raises ValueError past max_length.
        """
        memory_mask = padding_mask(source, self.pad_id)
        x = self.positions(self.source_embedding(source) * self.scale)
        return self.encoder(x, memory_mask), memory_mask

    def decode(self, target_in: Tensor, memory: Tensor, memory_mask: Tensor | None) -> Tensor:
        """target_in (B, T), what `encode` returned -> logits (B, T, target_vocab).

        Only the causal mask hides target tokens: padding comes after a sentence's end, where no
        real position looks. Raises ValueError past max_length.
        """
        x = self.positions(self.target_embedding(target_in) * self.scale)
        self_mask = causal_mask(target_in.size(1)).to(x.device)
        return self.head(self.decoder(x, memory, self_mask, memory_mask))

    def forward(self, source: Tensor, target_in: Tensor) -> Tensor:
        """source (B, S), target_in (B, T) -> logits (B, T, target_vocab)."""
        return self.decode(target_in, *self.encode(source))


def label_smoothing_loss(
    logits: Tensor, targets: Tensor, pad_id: int, smoothing: float = 0.1
) -> Tensor:
    """Cross-entropy with targets that give `smoothing` of their weight to the whole vocabulary.

    logits (..., vocab_size), targets (...) -> scalar, the mean over the targets that are not
    padding; as `F.cross_entropy`, NaN where there are none.
    """
    return F.cross_entropy(
        logits.flatten(0, -2), targets.flatten(), ignore_index=pad_id, label_smoothing=smoothing
    )


def warmup_rate(step: int, d_model: int, warmup: int) -> float:
    """d_model^-0.5 min(step^-0.5, step warmup^-1.5), the paper's equation 3; step 0 counts as 1."""
    step = max(step, 1)
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


def train_step(
    model: Transformer,
    batch: Any,
    optimizer: torch.optim.Optimizer,
    scheduler: Any = None,
    smoothing: float = 0.1,
    max_norm: float = 1.0,
) -> tuple[float, int]:
    """One step of training: forward, loss, backward, clip, update, then the learning rate.

    batch: `source` (B, S), `target_in` and `target_out` (B, T), padded with `model.pad_id`.
    -> the mean loss of a real target token, and how many of them there were. The model stays in
    the mode it is in.
    """
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_in)
    loss = label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)
    loss.backward()
    clip_gradients_(model.parameters(), max_norm)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return loss.item(), int((batch.target_out != model.pad_id).sum())


@torch.no_grad()
def greedy_decode(
    model: Transformer, source: Tensor, max_length: int, bos_id: int, eos_id: int
) -> Tensor:
    """Write the most likely next token until the sentence ends.

    model: anything with `encode` and `decode` as `Transformer` has them, in eval mode. source
    (batch, S) -> tokens (batch, at most max_length), without `bos_id`; a row stops after its own
    `eos_id` and is padded with `model.pad_id` (0 for a model that names none). Writing ends when
    all rows have.
    """
    memory, memory_mask = model.encode(source)
    pad_id = getattr(model, "pad_id", 0)
    tokens = source.new_full((source.size(0), 1), bos_id)
    running = torch.ones(source.size(0), dtype=torch.bool, device=source.device)
    for _ in range(max_length):
        best = model.decode(tokens, memory, memory_mask)[:, -1].argmax(-1)
        tokens = torch.cat([tokens, best.where(running, pad_id).unsqueeze(1)], dim=1)
        running = running & (best != eos_id)
        if not running.any():
            break
    return tokens[:, 1:]


@torch.no_grad()
def beam_search(
    model: Transformer,
    source: Tensor,
    max_length: int,
    bos_id: int,
    eos_id: int,
    beam_size: int = 4,
    length_penalty: float = 0.6,
) -> tuple[Tensor, Tensor]:
    """Follow the `beam_size` best beginnings at once, and return the best sentence found.

    model: anything with `encode` and `decode` as `Transformer` has them, in eval mode. source
    (batch, S) -> tokens (batch, at most max_length), without `bos_id`, padded after `eos_id` with
    `model.pad_id` (0 for a model that names none), and scores (batch,).

    A score is a sentence's log-probability over ((5 + len) / 6)^length_penalty, where len counts
    its tokens, `eos_id` included. At each step all continuations of the live beginnings are ranked:

    1. those among the first `beam_size` that end are sentences, and at max_length all of them are;
    2. the first `beam_size` that do not end live on;
    3. a row is done with `beam_size` sentences, or when no live beginning can still beat its best.

    So a beam of 1 is greedy decoding. Raises ValueError for a beam of 0.
    """
    if beam_size < 1:
        raise ValueError(f"a beam holds at least 1 beginning; got {beam_size}")
    batch, pad_id = source.size(0), getattr(model, "pad_id", 0)
    memory, memory_mask = model.encode(source)
    memory = memory.repeat_interleave(beam_size, dim=0)  # (B * K, S, d_model)
    if memory_mask is not None:
        memory_mask = memory_mask.repeat_interleave(beam_size, dim=0)

    tokens = source.new_full((batch, beam_size, 1), bos_id)
    # All beginnings are still the same one, so only the first of each row may go on.
    sums = torch.full((batch, beam_size), -math.inf, device=source.device)
    sums[:, 0] = 0.0
    best_tokens = source.new_full((batch, max_length), pad_id)
    best_lengths, found = source.new_zeros(batch), source.new_zeros(batch)
    best_scores = torch.full((batch,), -math.inf, device=source.device)
    for length in range(1, max_length + 1):
        logits = model.decode(tokens.flatten(0, 1), memory, memory_mask)[:, -1]
        log_probs = logits.log_softmax(-1).unflatten(0, (batch, beam_size))  # (B, K, V)
        ranked, index = _best(sums.unsqueeze(-1) + log_probs, 2 * beam_size)  # (B, C)
        parent, token = index // log_probs.size(-1), index % log_probs.size(-1)
        beginnings = torch.take_along_dim(tokens, parent.unsqueeze(-1), dim=1)
        candidates = torch.cat([beginnings, token.unsqueeze(-1)], dim=-1)  # (B, C, 1 + length)

        ends = token == eos_id
        sentences = (ends | (length == max_length)) & ranked.isfinite()
        sentences[:, beam_size:] = False
        found = found + sentences.sum(1)
        scores = ranked.masked_fill(~sentences, -math.inf) / _penalty(length, length_penalty)
        score, which = scores.max(dim=1)
        better = score > best_scores
        winner = torch.take_along_dim(candidates, which.view(-1, 1, 1), dim=1)[:, 0, 1:]
        winner = F.pad(winner, (0, max_length - length), value=pad_id)
        best_tokens = winner.where(better.unsqueeze(1), best_tokens)
        best_lengths = best_lengths.masked_fill(better, length)
        best_scores = score.where(better, best_scores)

        sums, alive = _best(ranked.masked_fill(ends, -math.inf), beam_size)
        tokens = torch.take_along_dim(candidates, alive.unsqueeze(-1), dim=1)
        # Log-probabilities only fall, so the largest penalty to come bounds what is still possible.
        largest = max(_penalty(n, length_penalty) for n in (length + 1, max_length))
        done = (found >= beam_size) | (best_scores >= sums[:, 0] / largest)
        # A row that is done must not find another sentence while the others go on.
        sums = sums.masked_fill(done.unsqueeze(1), -math.inf)
        if done.all():
            break
    return best_tokens[:, : int(best_lengths.max())], best_scores


def decode_step(
    model: Transformer,
    token: Tensor,
    memory: Tensor,
    memory_mask: Tensor | None,
    cache: KVCache,
) -> Tensor:
    """What `model.decode` says of the newest position, computed from that position alone.

    model: in eval mode, with the sub-modules of `Transformer`. token (batch,), the newest target
    token; memory and memory_mask, what `model.encode` returned; cache: a `KVCache` of as many
    layers as the decoder, holding the positions before -> logits (batch, target_vocab). The memory
    is projected to keys and values once: they are kept on the cache for as long as the same memory
    is given. Raises ValueError past the model's max_length.
    """
    x = model.target_embedding(token.reshape(-1, 1))  # (B, 1, d_model)
    x = x * math.sqrt(x.size(-1))
    # Any module of positions counts from 0, so the new position comes after that many zeros.
    x = model.positions(F.pad(x, (0, 0, cache.length, 0)))[:, -1:]
    memory_heads = _memory_heads(model.decoder, memory, cache)
    last_norm = getattr(model.decoder, "norm", None)
    for index, layer in enumerate(model.decoder.layers):
        x = _layer_step(
            layer, x, cache, index, memory_heads[index], memory_mask, last_norm is not None
        )
    return model.head(x if last_norm is None else last_norm(x)).squeeze(1)


def corpus_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """BLEU of a corpus, 0 to 100: the geometric mean of the precisions of 1- to 4-grams, counted
    over all sentences and clipped by each reference, times the brevity penalty.

    One reference for each hypothesis; tokens are what whitespace separates; no smoothing, so that a
    corpus without a matching 4-gram has 0. Raises ValueError for lists of two lengths.
    """
    if len(hypotheses) != len(references):
        raise ValueError(
            "every hypothesis takes one reference; got "
            f"{len(hypotheses)} hypotheses and {len(references)} references"
        )
    matches, totals = [0] * 4, [0] * 4
    written = expected = 0
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        ours, theirs = hypothesis.split(), reference.split()
        written += len(ours)
        expected += len(theirs)
        for n in range(1, 5):
            counts = _ngrams(ours, n)
            matches[n - 1] += (counts & _ngrams(theirs, n)).total()
            totals[n - 1] += counts.total()
    if not all(matches):
        return 0.0
    precision = sum(math.log(m / t) for m, t in zip(matches, totals, strict=True)) / 4
    brevity = min(0.0, 1 - expected / written)
    return 100 * math.exp(precision + brevity)


def _best(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest values of each row, best first, and where they were in the flattened row.

    One maximum after another: `topk` would be free to order ties as it likes, and `max`, like the
    `argmax` of greedy decoding, gives the first of them.
    """
    rows = values.flatten(1).clone()
    found = []
    for _ in range(min(count, rows.size(1))):
        found.append(rows.max(dim=1, keepdim=True))
        rows.scatter_(1, found[-1].indices, -math.inf)
    return torch.cat([f.values for f in found], 1), torch.cat([f.indices for f in found], 1)


def _penalty(length: int, alpha: float) -> float:
    return ((5 + length) / 6) ** alpha


def _memory_heads(decoder: Decoder, memory: Tensor, cache: KVCache) -> list[tuple[Tensor, Tensor]]:
    """Each layer's keys and values of the memory, (B, H, S, d_head): kept on the cache, because
    they stay the same for as long as one sentence is written."""
    kept_of, heads = getattr(cache, "_memory_heads", (None, []))
    if kept_of is not memory:
        heads = []
        for layer in decoder.layers:
            attention = layer.cross_attention
            count = heads_of(attention)
            keys = split_heads(attention.k_proj(memory), count)
            values = split_heads(attention.v_proj(memory), count)
            heads.append((keys, values))
        cache._memory_heads = (memory, heads)
    return heads


def _layer_step(
    layer: DecoderLayer,
    x: Tensor,
    cache: KVCache,
    index: int,
    memory_heads: tuple[Tensor, Tensor],
    memory_mask: Tensor | None,
    norm_first: bool,
) -> Tensor:
    """One decoder layer on one new position: x (B, 1, d_model) -> the same shape."""

    def attend_to_itself(y: Tensor) -> Tensor:
        return cached_attention(layer.self_attention, y, cache, index)[0]

    def attend_to_memory(y: Tensor) -> Tensor:
        keys, values = memory_heads
        query = split_heads(layer.cross_attention.q_proj(y), keys.size(1))
        heads, _ = scaled_dot_product_attention(query, keys, values, memory_mask)
        return layer.cross_attention.out_proj(merge_heads(heads))

    no_dropout = nn.Identity()
    x = residual(x, attend_to_itself, layer.norm1, no_dropout, norm_first)
    x = residual(x, attend_to_memory, layer.norm2, no_dropout, norm_first)
    return residual(x, layer.feed_forward, layer.norm3, no_dropout, norm_first)


def _ngrams(tokens: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(tokens[start:] for start in range(n)), strict=False))
