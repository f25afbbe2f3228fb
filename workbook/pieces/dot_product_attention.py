"""Lesson 02: attention as a look-up by similarity, first for one query, then for all words at once.

Source: Vaswani et al., "Attention is all you need" (2017), section 3.2.1.
"""

import math

import torch
from torch import Tensor, nn


def softmax(scores: Tensor, dim: int) -> Tensor:
    """Scores of any shape -> weights of the same shape that sum to 1 along `dim`.

    Stable for scores in the thousands. A row that is -inf throughout gives zeros, where
    `torch.softmax` gives NaN, and its gradient is zero.
    """
    nothing = scores.isneginf().all(dim, keepdim=True)
    return scores.masked_fill(nothing, 0.0).softmax(dim).masked_fill(nothing, 0.0)


def attend(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """One query over a memory of key-value pairs, its scores not scaled.

    query (d_k,), keys (n, d_k), values (n, d_v) -> context (d_v,), weights (n,).
    """
    weights = softmax(keys @ query, dim=-1)
    return weights @ values, weights


def project_qkv(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values of the same words.

    x (..., length, d_in), W_q and W_k (d_in, d_k), W_v (d_in, d_v)
    -> (..., length, d_k), (..., length, d_k), (..., length, d_v).
    """
    return x @ W_q, x @ W_k, x @ W_v


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    dropout_p: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """softmax(Q K^T / sqrt(d_k)) V, and the weights, equation 1 of the paper.

    query (..., T, d_k), key (..., S, d_k), value (..., S, d_v), mask boolean, broadcast against
    (..., T, S), True where a query may attend -> output (..., T, d_v), weights (..., T, S).
    A fully masked row gives zero weights and a zero output. Dropout acts on the weights used,
    whenever `dropout_p` is above 0; the weights returned are those before it.
    """
    # Scaling the queries is scaling the scores, on fewer numbers.
    scores = (query * (1 / math.sqrt(query.size(-1)))) @ key.transpose(-2, -1)  # (..., T, S)
    if mask is None:
        weights = scores.softmax(-1)
    else:
        # A large finite number, and not -inf, keeps a fully masked row and its gradient finite. It
        # is added, and whole rows are cleared, because both are cheaper than filling scores twice.
        hidden = torch.finfo(scores.dtype).min / 2
        bias = torch.zeros_like(mask, dtype=scores.dtype).masked_fill(~mask, hidden)
        weights = (scores + bias).softmax(-1) * mask.any(-1, keepdim=True)
    used = nn.functional.dropout(weights, dropout_p) if dropout_p > 0 else weights
    return used @ value, weights


class SelfAttention(nn.Module):
    """One head of self-attention: `q_proj`, `k_proj`, `v_proj`, all without bias.

    The projections start Xavier-uniform, as in `nn.MultiheadAttention`.
    """

    def __init__(self, d_model: int, d_k: int, d_v: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(d_model, d_k, bias=False)
        self.k_proj = nn.Linear(d_model, d_k, bias=False)
        self.v_proj = nn.Linear(d_model, d_v, bias=False)
        for weight in self.parameters():
            nn.init.xavier_uniform_(weight)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x (batch, length, d_model), mask broadcast against (batch, length, length)
        -> output (batch, length, d_v), weights (batch, length, length)."""
        return scaled_dot_product_attention(self.q_proj(x), self.k_proj(x), self.v_proj(x), mask)
