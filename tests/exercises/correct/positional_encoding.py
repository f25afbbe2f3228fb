"""Right answers to lesson 04."""

import math

import numpy as np
import torch
from torch import nn

from tests.exercises.correct import variant
from workbook.pieces import sinusoidal_encoding as course_encoding

# ---- sinusoidal_encoding


@variant("sinusoidal_encoding", "sliced columns")
def sinusoidal_encoding(length, d_model, base=10000.0):
    positions = torch.arange(length, dtype=torch.float64).unsqueeze(1)
    columns = torch.arange(0, d_model, 2, dtype=torch.float64)
    angles = positions / base ** (columns / d_model)
    encoding = torch.zeros(length, d_model)
    encoding[:, 0::2] = torch.sin(angles)
    encoding[:, 1::2] = torch.cos(angles[:, : d_model // 2])
    return encoding


@variant("sinusoidal_encoding", "exp of a logarithm, as the well-known tutorials write it")
def _(length, d_model, base=10000.0):
    position = torch.arange(0, length).double().unsqueeze(1)
    div_term = torch.exp(torch.arange(0, d_model, 2).double() * -(math.log(base) / d_model))
    pe = torch.zeros(length, d_model, dtype=torch.float64)
    pe[:, 0::2] = torch.sin(position * div_term)
    pe[:, 1::2] = torch.cos(position * div_term)[:, : pe[:, 1::2].shape[1]]
    return pe.float()


@variant("sinusoidal_encoding", "number by number, in Python")
def _(length, d_model, base=10000.0):
    rows = []
    for pos in range(length) if length < 1000 else torch.arange(length).tolist():
        row = []
        for column in range(d_model):
            angle = pos / base ** ((column - column % 2) / d_model)
            row.append(math.cos(angle) if column % 2 else math.sin(angle))
        rows.append(row)
    return torch.tensor(rows)


@variant("sinusoidal_encoding", "stack, flatten, cut off")
def _(length, d_model, base=10000.0):
    pairs = torch.arange((d_model + 1) // 2, dtype=torch.float64)
    angles = torch.einsum(
        "p,i->pi", torch.arange(length, dtype=torch.float64), base ** (-2 * pairs / d_model)
    )
    return torch.stack((angles.sin(), angles.cos()), dim=2).reshape(length, -1)[:, :d_model].float()


@variant("sinusoidal_encoding", "numpy")
def _(length, d_model, base=10000.0):
    columns = np.arange(d_model)
    angles = np.arange(length)[:, None] / np.power(base, 2 * (columns // 2) / d_model)
    return torch.from_numpy(np.where(columns % 2, np.cos(angles), np.sin(angles))).float()


@variant("sinusoidal_encoding", "a cosine is a sine a quarter turn on")
def _(length, d_model, base=10000.0):
    columns = torch.arange(d_model, dtype=torch.float64)
    odd = columns % 2
    angles = torch.arange(length).double()[:, None] * base ** (-(columns - odd) / d_model)
    return torch.sin(angles + odd * (math.pi / 2)).to(torch.float32)


# ---- PositionalEncoding


@variant("PositionalEncoding", "a buffer and nn.Dropout")
class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.register_buffer("table", sinusoidal_encoding(max_length, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        length = x.size(1)
        if length > self.table.size(0):
            raise ValueError(f"{length} words, and room for {self.table.size(0)}")
        return self.dropout(x + self.table[:length])


@variant("PositionalEncoding", "nn.functional.dropout that knows the mode, the length kept")
class _(nn.Module):
    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super().__init__()
        self.max_length, self.rate = max_length, dropout
        self.register_buffer("table", course_encoding(max_length, d_model), persistent=True)

    def forward(self, x):
        batch, length, d_model = x.shape
        if self.max_length < length:
            raise ValueError(f"too long: {length} > {self.max_length}")
        rows = self.table[torch.arange(length, device=x.device)].expand(batch, length, d_model)
        return nn.functional.dropout(torch.add(x, rows), p=self.rate, training=self.training)


@variant("PositionalEncoding", "an exception of its own, torch.dropout, super with arguments")
class Careful(nn.Module):
    class TooLong(ValueError):
        def __init__(self, words, rows):
            super().__init__(f"there are {rows} rows; the sentence has {words} words")

    def __init__(self, d_model, max_length=5000, dropout=0.1):
        super(Careful, self).__init__()  # noqa: UP008 - as many students write it
        self.dropout = dropout
        table = torch.zeros(max_length, d_model)
        table.copy_(course_encoding(max_length, d_model))
        self.register_buffer("table", table)

    def forward(self, x):
        if x.shape[1] > len(self.table):
            raise self.TooLong(x.shape[1], len(self.table))
        table = self.table[None, : x.shape[1], :].to(x.dtype)
        return torch.dropout(x + table, self.dropout, self.training)


@variant("PositionalEncoding", "inherits, the sum in a method of its own")
class _(PositionalEncoding):
    def add(self, x):
        return x + self.table.narrow(0, 0, x.shape[-2])

    def forward(self, x):
        try:
            return self.dropout(self.add(x))
        except (RuntimeError, IndexError) as problem:
            lengths = f"{x.shape[1]} words for {len(self.table)} rows"
            raise ValueError(f"the sentence is too long: {lengths}") from problem


# ---- shift_matrix


@variant("shift_matrix", "block after block in a loop")
def shift_matrix(offset, d_model, base=10000.0):
    if d_model % 2 == 1:
        raise ValueError("d_model must be even")
    matrix = torch.zeros(d_model, d_model)
    for i in range(0, d_model, 2):
        angle = offset / base ** (i / d_model)
        matrix[i, i] = matrix[i + 1, i + 1] = math.cos(angle)
        matrix[i, i + 1] = math.sin(angle)
        matrix[i + 1, i] = -math.sin(angle)
    return matrix


@variant("shift_matrix", "torch.block_diag")
def _(offset, d_model, base=10000.0):
    if d_model % 2:
        raise ValueError(d_model)
    angles = offset * base ** (-torch.arange(0, d_model, 2).double() / d_model)
    blocks = [torch.stack([a.cos(), a.sin(), -a.sin(), a.cos()]).view(2, 2) for a in angles]
    return torch.block_diag(*blocks).float()


@variant("shift_matrix", "from the row of the encoding itself")
def _(offset, d_model, base=10000.0):
    if d_model & 1:
        raise ValueError("odd")
    row = course_encoding(abs(offset) + 1, d_model, base)[-1]
    sin, cos = row[0::2] * (-1 if offset < 0 else 1), row[1::2]
    matrix = torch.diag(cos.repeat_interleave(2))
    matrix[range(0, d_model, 2), range(1, d_model, 2)] = sin
    matrix[range(1, d_model, 2), range(0, d_model, 2)] = -sin
    return matrix


@variant("shift_matrix", "one diagonal and two off-diagonals")
def _(offset, d_model, base=10000.0):
    if d_model % 2 != 0:
        raise ValueError("a sine is left alone")
    turns = offset / torch.pow(base, torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
    beside = torch.stack([turns.sin(), torch.zeros_like(turns)], 1).flatten()[:-1]
    matrix = torch.diag(turns.cos().repeat_interleave(2))
    return (matrix + torch.diag(beside, 1) - torch.diag(beside, -1)).to(torch.float32)


@variant("shift_matrix", "the exponential of a generator of rotations")
def _(offset, d_model, base=10000.0):
    if d_model % 2:
        raise ValueError("odd")
    speeds = base ** (-torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
    turns = torch.remainder(offset * speeds, 2 * math.pi)
    generator = torch.zeros(d_model, d_model, dtype=torch.float64)
    even = torch.arange(0, d_model, 2)
    generator[even, even + 1], generator[even + 1, even] = turns, -turns
    return torch.linalg.matrix_exp(generator).float()


# ---- LearnedPositions


@variant("LearnedPositions", "a parameter and nn.Dropout")
class LearnedPositions(nn.Module):
    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.position = nn.Parameter(0.02 * torch.randn(max_length, d_model))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if x.size(1) > self.position.size(0):
            raise ValueError(f"{x.size(1)} words, and {self.position.size(0)} positions")
        return self.dropout(x + self.position[: x.size(1)])


@variant("LearnedPositions", "looked up as an embedding")
class _(nn.Module):
    def __init__(self, max_length, d_model, dropout=0.1):
        super().__init__()
        self.drop = nn.Dropout(p=dropout)
        self.max_length = max_length
        self.position = nn.Parameter(torch.empty(max_length, d_model))
        nn.init.normal_(self.position, mean=0.0, std=0.02)

    def forward(self, x):
        length = x.shape[1]
        if length > self.max_length:
            raise ValueError("too long", length, self.max_length)
        numbers = torch.arange(length, device=x.device)
        return self.drop(x + nn.functional.embedding(numbers, self.position).unsqueeze(0))


@variant("LearnedPositions", "a registered parameter, truncated normal, padded to the front")
class Registered(nn.Module):
    def __init__(self, max_length, d_model, dropout=0.1):
        super(Registered, self).__init__()  # noqa: UP008 - as many students write it
        start = nn.init.trunc_normal_(torch.zeros(max_length, d_model), std=0.02)
        self.register_parameter("position", nn.Parameter(start))
        self.dropout = dropout

    def forward(self, x):
        room = self.position.shape[0] - x.shape[-2]
        if room < 0:
            raise ValueError(f"{tuple(x.shape)} doesn't fit {tuple(self.position.shape)}")
        rows, _ = self.position.split([x.shape[-2], room])
        return torch.dropout(torch.add(rows, x), self.dropout, self.training)


@variant("LearnedPositions", "one sentence after the other")
class _(LearnedPositions):
    def forward(self, x):
        length = x.shape[1]
        if length > len(self.position):
            raise ValueError("max_length is " + str(len(self.position)) + ", not " + str(length))
        rows = torch.stack([self.position[pos] for pos in range(length)])
        summed = torch.stack([sentence + rows for sentence in x])
        return nn.functional.dropout(summed, self.dropout.p, self.training)


# ---- apply_rotary


@variant("apply_rotary", "stack and flatten")
def apply_rotary(x, positions, base=10000.0):
    d_head = x.shape[-1]
    if d_head % 2:
        raise ValueError("d_head must be even")
    columns = torch.arange(0, d_head, 2, dtype=x.dtype, device=x.device)
    angles = positions.unsqueeze(-1) * base ** (-columns / d_head)
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = angles.cos(), angles.sin()
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


@variant("apply_rotary", "complex numbers")
def _(x, positions, base=10000.0):
    if x.shape[-1] % 2:
        raise ValueError("odd")
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous())
    columns = torch.arange(0, x.shape[-1], 2, device=x.device).to(x.dtype)
    angles = positions[..., None].to(x.dtype) / base ** (columns / x.shape[-1])
    turn = torch.polar(torch.ones_like(angles), angles)
    return torch.view_as_real(pairs * turn).reshape(x.shape)


@variant("apply_rotary", "the partner with its sign, everything twice")
def _(x, positions, base=10000.0):
    d_head = x.shape[-1]
    if d_head % 2 != 0:
        raise ValueError(f"{d_head} features")
    exponent = torch.arange(d_head, device=x.device) // 2 * 2
    angles = positions[..., None] * torch.pow(base, -exponent.to(x.dtype) / d_head)
    partner = torch.stack((-x[..., 1::2], x[..., ::2]), -1).reshape(x.shape)
    return x * torch.cos(angles) + partner * torch.sin(angles)


@variant("apply_rotary", "written into an empty tensor")
def _(x, positions, base=10000.0):
    if x.size(-1) & 1:
        raise ValueError("odd")
    out = torch.empty_like(x)
    for i in range(0, x.size(-1), 2):
        angle = positions.to(x.dtype) / base ** (i / x.size(-1))
        out[..., i] = x[..., i] * angle.cos() - x[..., i + 1] * angle.sin()
        out[..., i + 1] = x[..., i] * angle.sin() + x[..., i + 1] * angle.cos()
    return out


@variant("apply_rotary", "a rotation matrix for each word")
def _(x, positions, base=10000.0):
    if x.shape[-1] % 2:
        raise ValueError("odd")
    columns = torch.arange(0, x.shape[-1], 2, dtype=x.dtype, device=x.device)
    angles = positions.unsqueeze(-1) * base ** (-columns / x.shape[-1])
    cos, sin = angles.cos(), angles.sin()
    matrices = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
    pairs = x.unflatten(-1, (-1, 2))
    return torch.einsum("...ij,...j->...i", matrices, pairs).flatten(-2)
