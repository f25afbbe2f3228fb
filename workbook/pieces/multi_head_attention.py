"""Lesson 03: several look-ups at once.

Source: Vaswani et al., "Attention is all you need" (2017), section 3.2.2.
"""

from torch import Tensor, nn

from workbook.pieces.dot_product_attention import scaled_dot_product_attention


def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """x (batch, length, d_model) -> (batch, num_heads, length, d_model / num_heads).

    Head h gets the h-th run of consecutive features. Raises ValueError when d_model is not a
    multiple of num_heads.
    """
    _check_heads(x.size(-1), num_heads)
    return x.unflatten(-1, (num_heads, -1)).transpose(-3, -2)


def merge_heads(x: Tensor) -> Tensor:
    """x (batch, num_heads, length, d_head) -> (batch, length, num_heads * d_head)."""
    return x.transpose(-3, -2).flatten(-2)


class MultiHeadAttention(nn.Module):
    """Project, split into heads, attend in each, merge, project with `out_proj`.

    Sub-modules `q_proj`, `k_proj`, `v_proj`, `out_proj`, each d_model to d_model. `dropout` acts on
    the attention weights in training. As in `nn.MultiheadAttention`, weights start Xavier-uniform
    and biases at zero. Raises ValueError when d_model is not a multiple of num_heads.
    """

    def __init__(
        self, d_model: int, num_heads: int, dropout: float = 0.0, bias: bool = True
    ) -> None:
        super().__init__()
        _check_heads(d_model, num_heads)
        self.num_heads = num_heads
        self.dropout = dropout
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)
        self.k_proj = nn.Linear(d_model, d_model, bias=bias)
        self.v_proj = nn.Linear(d_model, d_model, bias=bias)
        self.out_proj = nn.Linear(d_model, d_model, bias=bias)
        for projection in (self.q_proj, self.k_proj, self.v_proj, self.out_proj):
            nn.init.xavier_uniform_(projection.weight)
            if bias:
                nn.init.zeros_(projection.bias)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """query (B, T, d_model), key and value (B, S, d_model), mask against (B, H, T, S).

        -> output (B, T, d_model), weights (B, H, T, S), before dropout. Where a query may attend to
        nothing, its weights are zero and its heads give zeros, so that its output is `out_proj`'s
        bias.
        """
        heads, weights = scaled_dot_product_attention(
            split_heads(self.q_proj(query), self.num_heads),
            split_heads(self.k_proj(key), self.num_heads),
            split_heads(self.v_proj(value), self.num_heads),
            mask,
            self.dropout if self.training else 0.0,
        )
        return self.out_proj(merge_heads(heads)), weights


def attention_parameters(d_model: int, num_heads: int, bias: bool = True) -> int:
    """The number of parameters of `MultiHeadAttention`: the same for any number of heads."""
    return 4 * d_model * (d_model + bias)


def heads_of(attention: nn.Module) -> int:
    """The number of heads of any module built as `MultiHeadAttention` is: its `num_heads`, or, if
    it keeps that under another name, what its attention weights show."""
    known = getattr(attention, "num_heads", None)
    if known is not None:
        return known
    one_word = attention.q_proj.weight.new_zeros(1, 1, attention.q_proj.in_features)
    return attention(one_word, one_word, one_word)[1].size(1)


def _check_heads(d_model: int, num_heads: int) -> None:
    if num_heads < 1 or d_model % num_heads:
        raise ValueError(
            f"d_model ({d_model}) must be a multiple of num_heads ({num_heads}), so that each head "
            "gets as many features; change one of them"
        )
