"""Lesson 04: attention is blind to order; put it back.

Sources: Vaswani et al., "Attention is all you need" (2017), section 3.5; Gehring et al.,
"Convolutional sequence to sequence learning" (2017), for learned positions; Su et al., "RoFormer:
enhanced transformer with rotary position embedding" (2021).
"""

import torch
from torch import Tensor, nn


def sinusoidal_encoding(length: int, d_model: int, base: float = 10000.0) -> Tensor:
    """PE(pos, 2i) = sin(pos / base^(2i / d_model)), PE(pos, 2i + 1) = cos of the same angle.

    -> (length, d_model) float32, computed in float64. An odd d_model ends in a sine column.
    """
    positions = torch.arange(length, dtype=torch.float64)
    angles = torch.outer(positions, _frequencies(d_model, base))  # (length, ceil(d_model / 2))
    encoding = torch.empty(length, d_model, dtype=torch.float64)
    encoding[:, 0::2] = angles.sin()
    encoding[:, 1::2] = angles[:, : d_model // 2].cos()
    return encoding.float()


class PositionalEncoding(nn.Module):
    """Adds the sinusoids to a sequence, then drops out. Buffer `table` (max_length, d_model)."""

    def __init__(self, d_model: int, max_length: int = 5000, dropout: float = 0.1) -> None:
        super().__init__()
        self.register_buffer("table", sinusoidal_encoding(max_length, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, length, d_model) -> the same shape. Raises ValueError past max_length."""
        return self.dropout(x + _first_rows(self.table, x.size(-2)))


def shift_matrix(offset: int, d_model: int, base: float = 10000.0) -> Tensor:
    """The rotation M with PE(pos + offset) = M @ PE(pos) for every pos.

    -> (d_model, d_model) float32, computed in float64. From the addition theorems: one block
    [[cos, sin], [-sin, cos]] of offset / base^(2i / d_model) for each i, along the diagonal.
    Raises ValueError for an odd d_model, whose last sine has no cosine to rotate with.
    """
    if d_model % 2:
        raise ValueError(f"d_model must be even, so that every sine has its cosine; got {d_model}")
    angles = offset * _frequencies(d_model, base)
    matrix = torch.zeros(d_model, d_model, dtype=torch.float64)
    even = torch.arange(0, d_model, 2)
    matrix[even, even] = matrix[even + 1, even + 1] = angles.cos()
    matrix[even, even + 1] = angles.sin()
    matrix[even + 1, even] = -angles.sin()
    return matrix.float()


class LearnedPositions(nn.Module):
    """Adds one learned vector for each position, then drops out.

    The parameter `position` (max_length, d_model) starts normal with deviation 0.02, as GPT-2's.
    """

    def __init__(self, max_length: int, d_model: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.empty(max_length, d_model))
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.position, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, length, d_model) -> the same shape. Raises ValueError past max_length."""
        return self.dropout(x + _first_rows(self.position, x.size(-2)))


def apply_rotary(x: Tensor, positions: Tensor, base: float = 10000.0) -> Tensor:
    """Rotate each pair of features (2i, 2i + 1) by the angle position / base^(2i / d_head).

    x (..., length, d_head), positions (length,) or anything that broadcasts against (..., length)
    -> the same shape as x. Raises ValueError for an odd d_head.
    """
    if x.size(-1) % 2:
        raise ValueError(f"the features are rotated in pairs, so d_head is even; got {x.size(-1)}")
    # Apple's GPUs have no float64; everywhere else the angles of far positions deserve it.
    precise = torch.float32 if x.device.type == "mps" else torch.float64
    frequencies = _frequencies(x.size(-1), base).to(precise).to(x.device)
    angles = (
        positions.to(x.device, precise).unsqueeze(-1) * frequencies
    )  # (..., length, d_head / 2)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


def _frequencies(d_model: int, base: float) -> Tensor:
    """base^(-2i / d_model) for each even column 2i: (ceil(d_model / 2),) float64."""
    return base ** (-torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)


def _first_rows(table: Tensor, length: int) -> Tensor:
    if length > table.size(0):
        raise ValueError(
            f"the sequence has {length} positions and the table {table.size(0)}; "
            "shorten the sequence or build the module with a larger max_length"
        )
    return table[:length]
