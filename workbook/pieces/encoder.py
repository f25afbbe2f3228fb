"""Lesson 05: one block, stacked, and a part-of-speech tagger made of it.

Sources: Vaswani et al., "Attention is all you need" (2017), sections 3.1 and 3.3; Ba, Kiros and
Hinton, "Layer normalization" (2016); Xiong et al., "On layer normalization in the Transformer
architecture" (2020), for pre-norm; Hendrycks and Gimpel, "Gaussian error linear units" (2016).
"""

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbook.pieces.multi_head_attention import MultiHeadAttention
from workbook.pieces.positional_encoding import PositionalEncoding

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "silu": F.silu,
}


class LayerNorm(nn.Module):
    """(x - mean) / sqrt(variance + eps) * weight + bias over the last axis, biased variance.

    Parameters `weight` (ones at first) and `bias` (zeros at first), both (d_model,).
    """

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_model) -> the same shape."""
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


class FeedForward(nn.Module):
    """linear2(dropout(activation(linear1(x)))), the same for every position.

    Weights start Xavier-uniform and biases at zero. activation: "relu", "gelu" (exact),
    "gelu_tanh" or "silu"; raises ValueError for any other.
    """

    def __init__(
        self, d_model: int, d_ff: int, dropout: float = 0.1, activation: str = "relu"
    ) -> None:
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise ValueError(f"activation is one of {list(_ACTIVATIONS)}; got {activation!r}")
        self.activation = _ACTIVATIONS[activation]
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)
        for linear in (self.linear1, self.linear2):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_model) -> the same shape."""
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


def residual(
    x: Tensor,
    sublayer: Callable[[Tensor], Tensor],
    norm: Callable[[Tensor], Tensor],
    dropout: Callable[[Tensor], Tensor],
    norm_first: bool = True,
) -> Tensor:
    """x + dropout(sublayer(norm(x))), or, with norm_first False, norm(x + dropout(sublayer(x))).

    x (..., d_model) -> the same shape. sublayer, norm and dropout take a tensor of that shape and
    return one; `dropout` is a module, as `nn.Dropout(0.1)`.
    """
    if norm_first:
        return x + dropout(sublayer(norm(x)))
    return norm(x + dropout(sublayer(x)))


def padding_mask(tokens: Tensor, pad_id: int) -> Tensor:
    """tokens (batch, length) -> (batch, 1, 1, length) boolean, True at the real tokens."""
    return (tokens != pad_id)[:, None, None, :]


class EncoderLayer(nn.Module):
    """Self-attention, then a feed-forward layer, each with residual, norm and dropout.

    Sub-modules `self_attention`, `feed_forward`, `norm1`, `norm2`. As in
    `nn.TransformerEncoderLayer`, `dropout` also acts on the attention weights and inside
    `feed_forward`.
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
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model, eps)
        self.norm2 = LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x (batch, length, d_model), mask broadcast against (batch, heads, length, length)
        -> the same shape as x."""

        def attend_to_itself(y: Tensor) -> Tensor:
            return self.self_attention(y, y, y, mask)[0]

        x = residual(x, attend_to_itself, self.norm1, self.dropout, self.norm_first)
        return residual(x, self.feed_forward, self.norm2, self.dropout, self.norm_first)


class Encoder(nn.Module):
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
            EncoderLayer(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
            for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model, eps) if norm_first else None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x (batch, length, d_model), mask broadcast against (batch, heads, length, length)
        -> the same shape as x."""
        for layer in self.layers:
            x = layer(x, mask)
        return x if self.norm is None else self.norm(x)


class Tagger(nn.Module):
    """One tag for each token: `token` (an embedding), `positions`, `encoder`, `head` (a linear).

    Embeddings start normal with deviation 1/sqrt(d_model) and are scaled by sqrt(d_model), so that
    they are as large as the sinusoids added to them. The encoder is pre-norm with ReLU.
    """

    def __init__(
        self,
        vocab_size: int,
        num_tags: int,
        d_model: int,
        num_heads: int,
        num_layers: int,
        d_ff: int,
        max_length: int,
        dropout: float = 0.1,
        pad_id: int = 0,
    ) -> None:
        super().__init__()
        self.pad_id = pad_id
        self.token = nn.Embedding(vocab_size, d_model)
        self.positions = PositionalEncoding(d_model, max_length, dropout)
        self.encoder = Encoder(num_layers, d_model, num_heads, d_ff, dropout)
        self.head = nn.Linear(d_model, num_tags)
        nn.init.normal_(self.token.weight, std=1 / math.sqrt(d_model))
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens (batch, length) -> logits (batch, length, num_tags). Padding is never attended
        to. Raises ValueError past max_length."""
        x = self.token(tokens) * math.sqrt(self.token.embedding_dim)
        x = self.encoder(self.positions(x), padding_mask(tokens, self.pad_id))
        return self.head(x)
