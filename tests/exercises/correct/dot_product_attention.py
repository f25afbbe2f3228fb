"""Right answers to lesson 02."""

import math

import torch
from torch import nn

from tests.exercises.correct import variant
from workbook.pieces import scaled_dot_product_attention as course_attention

# ---- softmax


@variant("softmax", "a maximum of −inf replaced by 0")
def softmax(scores, dim):
    peak = scores.amax(dim=dim, keepdim=True)
    peak = torch.where(torch.isinf(peak), torch.zeros_like(peak), peak)
    exp = torch.exp(scores - peak)
    total = exp.sum(dim=dim, keepdim=True)
    return exp / torch.where(total == 0, torch.ones_like(total), total)


@variant("softmax", "maximum and sum over a moved dimension")
def _(scores, dim):
    moved = scores.movedim(dim, -1)
    peak = moved.max(-1, keepdim=True)[0].detach().clamp(min=-1e30)
    exp = (moved - peak).exp()
    total = exp.sum(-1, keepdim=True).clamp(min=1e-300 if scores.dtype == torch.float64 else 1e-38)
    return (exp / total).movedim(-1, dim)


@variant("softmax", "a tiny epsilon under the fraction")
def _(scores, dim):
    peak = scores.amax(dim, keepdim=True)
    peak = peak.masked_fill(peak == float("-inf"), 0.0)
    exp = (scores - peak).exp()
    return exp / (exp.sum(dim, keepdim=True) + 1e-12)


@variant("softmax", "row by row in a loop")
def _(scores, dim):
    moved = scores.movedim(dim, -1)
    rows = []
    for row in moved.reshape(-1, moved.shape[-1]):
        peak = row.max()
        if peak == -math.inf:
            rows.append(row.exp())
            continue
        exp = (row - peak).exp()
        rows.append(exp / exp.sum())
    return torch.stack(rows).reshape(moved.shape).movedim(-1, dim)


@variant("softmax", "−inf replaced before, zeroed after")
def _(scores, dim):
    blocked = scores == -math.inf
    safe = scores.masked_fill(blocked, torch.finfo(scores.dtype).min / 4)
    exp = (safe - safe.amax(dim, keepdim=True)).exp().masked_fill(blocked, 0.0)
    return exp / exp.sum(dim, keepdim=True).clamp(min=1e-30)


# ---- attend


@variant("attend", "matrix times vector")
def attend(query, keys, values):
    weights = softmax(keys @ query, dim=0)
    return weights @ values, weights


@variant("attend", "einsum")
def _(query, keys, values):
    weights = softmax(torch.einsum("d,nd->n", query, keys), 0)
    return torch.einsum("n,nv->v", weights, values), weights


@variant("attend", "a loop over the memory")
def _(query, keys, values):
    weights = softmax(torch.stack([(query * key).sum() for key in keys]), -1)
    context = torch.zeros_like(values[0])
    for weight, value in zip(weights, values, strict=True):
        context = context + weight * value
    return context, weights


@variant("attend", "broadcasting, a list returned, weights detached for looking at")
def _(query, keys, values):
    weights = torch.softmax((keys * query).sum(-1), -1)
    return [(weights.unsqueeze(-1) * values).sum(0), weights.detach()]


# ---- project_qkv


@variant("project_qkv", "three products")
def project_qkv(x, W_q, W_k, W_v):
    return x @ W_q, x @ W_k, x @ W_v


@variant("project_qkv", "einsum, as a list")
def _(x, W_q, W_k, W_v):
    return [torch.einsum("...i,io->...o", x, W) for W in (W_q, W_k, W_v)]


@variant("project_qkv", "one product, then split")
def _(x, W_q, W_k, W_v):
    sizes = [W.shape[1] for W in (W_q, W_k, W_v)]
    return torch.split(x @ torch.cat([W_q, W_k, W_v], dim=1), sizes, dim=-1)


@variant("project_qkv", "nn.functional.linear")
def _(x, W_q, W_k, W_v):
    linear = nn.functional.linear
    return linear(x, W_q.T), linear(x, W_k.T), linear(x, W_v.T)


# ---- scaled_dot_product_attention


@variant("scaled_dot_product_attention", "fill with −inf, own softmax")
def attention(query, key, value, mask=None, dropout_p=0.0):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = softmax(scores, -1)
    return nn.functional.dropout(weights, dropout_p) @ value, weights


@variant("scaled_dot_product_attention", "fill with −1e9, then zero")
def _(query, key, value, mask=None, dropout_p=0.0):
    scores = torch.matmul(query, key.mT) * query.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -1e9)
    weights = torch.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(mask == 0, 0.0)
    used = torch.dropout(weights, dropout_p, train=True) if dropout_p > 0 else weights
    return torch.matmul(used, value), weights


@variant("scaled_dot_product_attention", "the lowest number of the dtype, then multiply")
def _(query, key, value, mask=None, dropout_p=0.0):
    scores = (query / math.sqrt(query.shape[-1])) @ key.transpose(-1, -2)
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    lowest = torch.finfo(scores.dtype).min
    weights = torch.softmax(torch.where(mask, scores, lowest), -1) * mask
    return nn.Dropout(dropout_p)(weights) @ value, weights


@variant("scaled_dot_product_attention", "einsum, NaN turned to zero after masked_fill")
def _(query, key, value, mask=None, dropout_p=0.0):
    scores = torch.einsum("...qd,...kd->...qk", query, key) / key.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(torch.logical_not(mask), float("-inf"))
    weights = torch.nan_to_num(torch.softmax(scores, -1))
    keep = (torch.rand_like(weights) >= dropout_p).to(weights) / (1 - dropout_p)
    return torch.einsum("...qk,...kv->...qv", weights * keep, value), weights


@variant("scaled_dot_product_attention", "exp times mask over the sum")
def _(query, key, value, mask=None, dropout_p=0.0):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    exp = (scores - scores.amax(-1, keepdim=True).detach()).exp()
    if mask is not None:
        exp = exp * mask
    weights = exp / exp.sum(-1, keepdim=True).clamp(min=1e-30)
    return nn.functional.dropout(weights, p=dropout_p, training=True) @ value, weights


@variant("scaled_dot_product_attention", "one query after the other")
def _(query, key, value, mask=None, dropout_p=0.0):
    outputs, rows = [], []
    for position in range(query.shape[-2]):
        scores = (query[..., position : position + 1, :] * key).sum(-1) / math.sqrt(key.shape[-1])
        if mask is not None:
            row = mask.expand(*query.shape[:-1], key.shape[-2])[..., position, :]
            scores = scores.masked_fill(~row, -math.inf)
        weights = softmax(scores, -1)
        used = nn.functional.dropout(weights, dropout_p)
        outputs.append((used[..., None] * value).sum(-2))
        rows.append(weights)
    return torch.stack(outputs, -2), torch.stack(rows, -2)


# ---- SelfAttention


@variant("SelfAttention", "three linear layers and the function")
class SelfAttention(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.q_proj = nn.Linear(d_model, d_k, bias=False)
        self.k_proj = nn.Linear(d_model, d_k, bias=False)
        self.v_proj = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x, mask=None):
        return attention(self.q_proj(x), self.k_proj(x), self.v_proj(x), mask)


@variant("SelfAttention", "defined in another order, the course's function, super with arguments")
class Reordered(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super(Reordered, self).__init__()  # noqa: UP008 - as many students write it
        self.v_proj = nn.Linear(d_model, d_v, bias=False)
        self.k_proj = nn.Linear(d_model, d_k, bias=False)
        self.q_proj = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        q, k, v = (layer(x) for layer in (self.q_proj, self.k_proj, self.v_proj))
        return course_attention(q, k, v, mask=mask)


@variant("SelfAttention", "everything in forward, by matrix products")
class _(SelfAttention):
    def forward(self, x, mask=None):
        query = x @ self.q_proj.weight.T
        key = x @ self.k_proj.weight.T
        scores = torch.bmm(query, key.transpose(1, 2)) / math.sqrt(key.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e9)
        weights = torch.softmax(scores, -1)
        if mask is not None:
            weights = weights * mask
        return weights @ self.v_proj(x), weights
