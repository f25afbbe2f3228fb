"""Right answers to lesson 03."""

import math

import torch
from torch import nn

from tests.exercises.correct import variant
from workbook.pieces import scaled_dot_product_attention as course_attention

# ---- split_heads


@variant("split_heads", "view, then transpose")
def split_heads(x, num_heads):
    batch, length, d_model = x.shape
    return x.view(batch, length, num_heads, d_model // num_heads).transpose(1, 2)


@variant("split_heads", "chunks stacked")
def _(x, num_heads):
    return torch.stack(x.chunk(num_heads, dim=-1), dim=1)


@variant("split_heads", "unflatten and permute")
def _(x, num_heads):
    return x.unflatten(-1, (num_heads, -1)).permute(0, 2, 1, 3)


@variant("split_heads", "slices in a comprehension")
def _(x, num_heads):
    d_head = x.size(-1) // num_heads
    return torch.stack(
        [x[:, :, head * d_head : (head + 1) * d_head] for head in range(num_heads)], 1
    )


@variant("split_heads", "features first, then a view")
def _(x, num_heads):
    batch, length, _ = x.shape
    return x.transpose(1, 2).reshape(batch, num_heads, -1, length).transpose(-2, -1)


@variant("split_heads", "filled into an empty tensor, head by head")
def _(x, num_heads):
    batch, length, d_model = x.shape
    d_head = d_model // num_heads
    heads = x.new_zeros(batch, num_heads, length, d_head)
    for head in range(num_heads):
        heads[:, head] = x[..., head * d_head : (head + 1) * d_head]
    return heads


# ---- merge_heads


@variant("merge_heads", "transpose, contiguous, view")
def merge_heads(x):
    batch, num_heads, length, d_head = x.shape
    return x.transpose(1, 2).contiguous().view(batch, length, num_heads * d_head)


@variant("merge_heads", "transpose and flatten")
def _(x):
    return x.transpose(-3, -2).flatten(-2)


@variant("merge_heads", "concatenated along the features")
def _(x):
    return torch.cat(x.unbind(1), dim=-1)


@variant("merge_heads", "permute and reshape with -1")
def _(x):
    return x.permute(0, 2, 1, 3).reshape(x.size(0), x.size(2), -1)


@variant("merge_heads", "a loop over words and heads")
def _(x):
    words = [
        torch.cat([x[:, head, word] for head in range(x.shape[1])], dim=-1)
        for word in range(x.shape[2])
    ]
    return torch.stack(words, dim=1)


# ---- MultiHeadAttention


@variant("MultiHeadAttention", "four linear layers, split, attend, merge")
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError(f"{d_model} features can't be shared by {num_heads} heads")
        self.num_heads, self.dropout = num_heads, dropout
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)
        self.k_proj = nn.Linear(d_model, d_model, bias=bias)
        self.v_proj = nn.Linear(d_model, d_model, bias=bias)
        self.out_proj = nn.Linear(d_model, d_model, bias=bias)

    def forward(self, query, key, value, mask=None):
        q = split_heads(self.q_proj(query), self.num_heads)
        k = split_heads(self.k_proj(key), self.num_heads)
        v = split_heads(self.v_proj(value), self.num_heads)
        p = self.dropout if self.training else 0.0
        heads, weights = course_attention(q, k, v, mask, p)
        return self.out_proj(merge_heads(heads)), weights


@variant("MultiHeadAttention", "everything in forward, −1e9 then zero, a dropout module")
class _(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super(self.__class__, self).__init__()  # as some students write it
        if d_model // num_heads * num_heads != d_model:
            raise ValueError("d_model % num_heads must be 0")
        self.h = num_heads
        self.d_head = d_model // num_heads
        self.drop = nn.Dropout(dropout)
        self.out_proj = nn.Linear(d_model, d_model, bias)
        self.v_proj = nn.Linear(d_model, d_model, bias)
        self.k_proj = nn.Linear(d_model, d_model, bias)
        self.q_proj = nn.Linear(d_model, d_model, bias)

    def forward(self, query, key, value, mask=None):
        batch = query.size(0)
        q, k, v = (
            layer(x).view(batch, -1, self.h, self.d_head).transpose(1, 2)
            for layer, x in zip(
                (self.q_proj, self.k_proj, self.v_proj), (query, key, value), strict=True
            )
        )
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_head)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        weights = scores.softmax(dim=-1)
        if mask is not None:
            weights = weights.masked_fill(mask == 0, 0.0)
        context = torch.matmul(self.drop(weights), v)
        context = context.transpose(1, 2).contiguous().view(batch, -1, self.h * self.d_head)
        return self.out_proj(context), weights


@variant("MultiHeadAttention", "einsum over an axis of heads")
class _(MultiHeadAttention):
    def forward(self, query, key, value, mask=None):
        q, k, v = (
            layer(x).unflatten(-1, (self.num_heads, -1))  # (B, length, H, d_head)
            for layer, x in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))
        )
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) * q.size(-1) ** -0.5
        mask = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask
        hidden = ~mask
        weights = torch.nan_to_num(scores.masked_fill(hidden, -math.inf).softmax(-1))
        weights = torch.where(mask.any(-1, keepdim=True), weights, 0.0)
        used = nn.functional.dropout(weights, self.dropout, self.training)
        return self.out_proj(torch.einsum("bhqk,bkhd->bqhd", used, v).flatten(-2)), weights


@variant("MultiHeadAttention", "a loop over the heads, slices of the weights")
class _(MultiHeadAttention):
    def forward(self, query, key, value, mask=None):
        d_head = self.q_proj.in_features // self.num_heads
        batch, n_q, n_k = query.size(0), query.size(1), key.size(1)
        outputs, rows = [], []
        for head in range(self.num_heads):
            part = slice(head * d_head, (head + 1) * d_head)
            q, k, v = (
                layer(x)[..., part]
                for layer, x in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))
            )
            own = None
            if mask is not None:
                own = mask.expand(batch, self.num_heads, n_q, n_k)[:, head]
            p = self.dropout if self.training else 0.0
            output, weights = course_attention(q, k, v, own, p)
            outputs.append(output)
            rows.append(weights)
        return self.out_proj(torch.cat(outputs, -1)), torch.stack(rows, 1)


class _Ready(nn.Module):
    """Projections in a base class, as those do who plan for more kinds of attention."""

    def __init__(self, d_model, num_heads, bias):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(d_model)
        self.num_heads = num_heads
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            self.add_module(name, nn.Linear(d_model, d_model, bias=bias))


@variant("MultiHeadAttention", "inherited, heads folded into the batch, baddbmm, weights detached")
class _(_Ready):
    def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
        super().__init__(d_model, num_heads, bias)
        self.p = dropout

    def forward(self, query, key, value, mask=None):
        q = split_heads(self.q_proj(query), self.num_heads).flatten(0, 1)
        k = split_heads(self.k_proj(key), self.num_heads).flatten(0, 1)
        v = split_heads(self.v_proj(value), self.num_heads).flatten(0, 1)
        shape = (query.size(0), self.num_heads, query.size(1), key.size(1))
        bias = torch.zeros(shape, dtype=q.dtype, device=q.device)
        if mask is not None:
            bias = bias.masked_fill(~mask, torch.finfo(q.dtype).min / 2)
        scores = torch.baddbmm(
            bias.flatten(0, 1), q, k.transpose(1, 2), alpha=1 / math.sqrt(q.size(-1))
        )
        weights = torch.softmax(scores, dim=-1).view(shape)
        if mask is not None:
            weights = weights * mask
        used = nn.functional.dropout(weights, self.p, training=self.training)
        heads = torch.bmm(used.flatten(0, 1), v).view(*shape[:3], -1)
        return self.out_proj(merge_heads(heads)), weights.detach()


# ---- attention_parameters


@variant("attention_parameters", "one product")
def attention_parameters(d_model, num_heads, bias=True):
    return 4 * d_model * (d_model + bias)


@variant("attention_parameters", "matrices, then biases")
def _(d_model, num_heads, bias=True):
    matrices = 4 * d_model**2
    return matrices + 4 * d_model if bias else matrices


@variant("attention_parameters", "head by head")
def _(d_model, num_heads, bias=True):
    d_head = d_model // num_heads
    inside = sum(d_model * d_head + (d_head if bias else 0) for _ in range(3 * num_heads))
    return inside + d_model * d_model + (d_model if bias else 0)


@variant("attention_parameters", "a list of shapes")
def _(d_model, num_heads, bias=True):
    shapes = [(d_model, d_model)] * 4 + ([(d_model,)] * 4 if bias else [])
    return sum(math.prod(shape) for shape in shapes)


@variant("attention_parameters", "math on the sizes of meta tensors, none of them made")
def _(d_model, num_heads, bias=True):
    return int(4 * (d_model * (d_model + 1) - (0 if bias else d_model)))
