"""Lesson 06: write one word at a time, looking at the source.

Sources: Vaswani et al., "Attention is all you need" (2017), sections 3.1 to 3.4; Press and Wolf,
"Using the output embedding to improve language models" (2017), for the tied head.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbook.pieces.encoder import FeedForward, LayerNorm, residual
from workbook.pieces.multi_head_attention import MultiHeadAttention


def causal_mask(length: int) -> Tensor:
    """(1, 1, length, length) boolean: a position may attend to itself and to those before it.

    On the CPU; move it to the device of the scores.
    """
    return torch.ones(1, 1, length, length, dtype=torch.bool).tril()


def shift_right(tokens: Tensor, bos_id: int) -> Tensor:
    """tokens (batch, length) -> the same shape: `bos_id` first, the last token gone."""
    return F.pad(tokens[:, :-1], (1, 0), value=bos_id)


class DecoderLayer(nn.Module):
    """Self-attention, cross-attention to the memory, a feed-forward layer.

    Sub-modules `self_attention`, `cross_attention`, `feed_forward`, `norm1`, `norm2`, `norm3`. As
    in `nn.TransformerDecoderLayer`, `dropout` also acts on the attention weights and inside
    `feed_forward`; a pre-norm layer normalises its own states and never the memory.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_ff: int,
        dropout: float = 0.1,
        norm_first: bool = True,
        activation: str = "relu",
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model, eps)
        self.norm2 = LayerNorm(d_model, eps)
        self.norm3 = LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        self_mask: Tensor | None = None,
        cross_mask: Tensor | None = None,
    ) -> Tensor:
        """x (B, T, d_model), memory (B, S, d_model), self_mask broadcast against (B, H, T, T),
        cross_mask against (B, H, T, S) -> the same shape as x."""

        def attend_to_itself(y: Tensor) -> Tensor:
            return self.self_attention(y, y, y, self_mask)[0]

        def attend_to_memory(y: Tensor) -> Tensor:
            return self.cross_attention(y, memory, memory, cross_mask)[0]

        x = residual(x, attend_to_itself, self.norm1, self.dropout, self.norm_first)
        x = residual(x, attend_to_memory, self.norm2, self.dropout, self.norm_first)
        return residual(x, self.feed_forward, self.norm3, self.dropout, self.norm_first)


class Decoder(nn.Module):
    """`layers`, each initialised on its own; with norm_first, a last `norm`."""

    def __init__(
        self,
        num_layers: int,
        d_model: int,
        num_heads: int,
        d_ff: int,
        dropout: float = 0.1,
        norm_first: bool = True,
        activation: str = "relu",
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            DecoderLayer(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
            for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model, eps) if norm_first else None

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        self_mask: Tensor | None = None,
        cross_mask: Tensor | None = None,
    ) -> Tensor:
        """x (B, T, d_model), memory (B, S, d_model), self_mask broadcast against (B, H, T, T),
        cross_mask against (B, H, T, S) -> the same shape as x."""
        for layer in self.layers:
            x = layer(x, memory, self_mask, cross_mask)
        return x if self.norm is None else self.norm(x)


class OutputHead(nn.Module):
    """Logits over the vocabulary: x weight^T, no bias.

    The parameter `weight` (vocab_size, d_model) has an embedding's shape, so that the two can be
    tied; it starts normal with deviation 1/sqrt(d_model), which gives logits of size 1.
    """

    def __init__(self, d_model: int, vocab_size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(vocab_size, d_model))
        nn.init.normal_(self.weight, std=1 / math.sqrt(d_model))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_model) -> logits (..., vocab_size)."""
        return F.linear(x, self.weight)


@torch.no_grad()
def future_leak(model: Callable[[Tensor], Tensor], tokens: Tensor, vocab_size: int) -> float:
    """The largest change of any position's output when a later token changes; 0 without a leak.

    model: tokens (batch, length) -> outputs (batch, length, ...). tokens (batch, length). One
    position at a time, each token is replaced by the next one of the vocabulary. A module is
    measured in eval mode and left in the mode it was in. Raises ValueError for a vocabulary of
    fewer than two tokens, where nothing can be swapped.
    """
    if vocab_size < 2:
        raise ValueError(f"swapping a token takes a vocabulary of 2 or more; got {vocab_size}")
    modes = [(part, part.training) for part in _modules(model)]
    for part, _ in modes:
        part.training = False
    try:
        outputs = model(tokens)
        changes = [outputs.new_zeros(())]
        for later in range(1, tokens.size(1)):
            swapped = tokens.clone()
            swapped[:, later] = (swapped[:, later] + 1) % vocab_size
            changes.append((model(swapped) - outputs)[:, :later].abs().max())
        return torch.stack(changes).max().item()
    finally:
        for part, mode in modes:
            part.training = mode


def _modules(model: Callable[[Tensor], Tensor]) -> list[nn.Module]:
    """A module and all its parts; nothing for a plain function."""
    return list(model.modules()) if isinstance(model, nn.Module) else []
