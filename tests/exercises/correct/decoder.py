"""Right answers to lesson 06."""

import copy
import math

import torch
from torch import nn

from tests.exercises.correct import variant
from workbook.pieces import (
    DecoderLayer as CourseLayer,
)
from workbook.pieces import (
    FeedForward,
    LayerNorm,
    MultiHeadAttention,
    residual,
)

# ---- causal_mask


@variant("causal_mask", "ones, tril, two axes in front")
def _(length):
    return torch.ones(length, length, dtype=torch.bool).tril()[None, None]


@variant("causal_mask", "positions compared")
def _(length):
    place = torch.arange(length)
    return (place[None, :] <= place[:, None]).view(1, 1, length, length)


@variant("causal_mask", "not the upper triangle")
def _(length):
    return ~torch.triu(torch.ones(1, 1, length, length), diagonal=1).bool()


@variant("causal_mask", "two loops")
def _(length):
    mask = torch.zeros(1, 1, length, length, dtype=torch.bool)
    for query in range(length):
        for key in range(query + 1):
            mask[0, 0, query, key] = True
    return mask


@variant("causal_mask", "a running maximum of the diagonal")
def _(length):
    return torch.eye(length).flip(-1).cummax(-1).values.flip(-1).bool().unsqueeze(0).unsqueeze(0)


# ---- shift_right


@variant("shift_right", "a column of bos, then all but the last")
def _(tokens, bos_id):
    bos = torch.full((tokens.size(0), 1), bos_id, dtype=tokens.dtype, device=tokens.device)
    return torch.cat([bos, tokens[:, :-1]], dim=1)


@variant("shift_right", "rolled, then bos written over the front")
def _(tokens, bos_id):
    shifted = tokens.roll(1, dims=-1)
    shifted[:, 0] = bos_id
    return shifted


@variant("shift_right", "rolled through the whole batch, then bos written over the front")
def _(tokens, bos_id):
    shifted = torch.roll(tokens, 1)
    shifted[:, 0] = bos_id
    return shifted


@variant("shift_right", "copied into an empty tensor")
def _(tokens, bos_id):
    shifted = torch.empty_like(tokens)
    shifted[:, 1:] = tokens[:, :-1]
    shifted[:, :1] = bos_id
    return shifted


@variant("shift_right", "one list after the other")
def _(tokens, bos_id):
    return torch.tensor([[bos_id, *row[:-1]] for row in tokens.tolist()])


# ---- DecoderLayer


@variant("DecoderLayer", "residual three times, lambdas")
class DecoderLayer(nn.Module):
    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1, self.norm2, self.norm3 = (LayerNorm(d_model, eps) for _ in range(3))
        self.dropout = nn.Dropout(dropout)
        self.norm_first = norm_first

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        for sublayer, norm in (
            (lambda y: self.self_attention(y, y, y, self_mask)[0], self.norm1),
            (lambda y: self.cross_attention(y, memory, memory, cross_mask)[0], self.norm2),
            (self.feed_forward, self.norm3),
        ):
            x = residual(x, sublayer, norm, self.dropout, self.norm_first)
        return x


@variant("DecoderLayer", "written out, three dropout modules, torch's layer norm")
class _(nn.Module):
    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__()
        self.pre = norm_first
        self.norm1 = nn.LayerNorm(d_model, eps=eps)
        self.norm2 = nn.LayerNorm(d_model, eps=eps)
        self.norm3 = nn.LayerNorm(d_model, eps=eps)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.drop1, self.drop2, self.drop3 = (nn.Dropout(dropout) for _ in range(3))

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        if self.pre:
            y = self.norm1(x)
            x = x + self.drop1(self.self_attention(y, y, y, self_mask)[0])
            y = self.norm2(x)
            x = x + self.drop2(self.cross_attention(y, memory, memory, cross_mask)[0])
            return x + self.drop3(self.feed_forward(self.norm3(x)))
        x = self.norm1(x + self.drop1(self.self_attention(x, x, x, self_mask)[0]))
        found, _ = self.cross_attention(x, memory, memory, mask=cross_mask)
        x = self.norm2(x + self.drop2(found))
        return self.norm3(x + self.drop3(self.feed_forward(x)))


@variant("DecoderLayer", "inherited, with methods for the looks")
class _(DecoderLayer):
    def look_back(self, y):
        return self.self_attention(y, y, y, self.masks[0])[0]

    def look_across(self, y):
        return self.cross_attention(y, self.memory, self.memory, self.masks[1])[0]

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        self.memory, self.masks = memory, (self_mask, cross_mask)
        x = residual(x, self.look_back, self.norm1, self.dropout, self.norm_first)
        x = residual(x, self.look_across, self.norm2, self.dropout, self.norm_first)
        return residual(x, self.feed_forward, self.norm3, self.dropout, self.norm_first)


class _Feed(nn.Module):
    """A feed-forward layer of a student's own."""

    def __init__(self, d_model, d_ff, p, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.p, self.activation = p, getattr(nn.functional, activation)

    def forward(self, x):
        hidden = self.activation(self.linear1(x))
        return self.linear2(nn.functional.dropout(hidden, self.p, self.training))


@variant("DecoderLayer", "a feed-forward layer of one's own, F.dropout told the mode")
class _(nn.Module):
    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout=dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout=dropout)
        self.feed_forward = _Feed(d_model, d_ff, dropout, activation)
        for number in (1, 2, 3):
            self.add_module(f"norm{number}", LayerNorm(d_model, eps))
        self.p, self.norm_first = dropout, norm_first

    def step(self, x, norm, sublayer, *args):
        found = sublayer(norm(x) if self.norm_first else x, *args)
        x = x + nn.functional.dropout(found, self.p, training=self.training)
        return x if self.norm_first else norm(x)

    def ask(self, y, attention, mask, memory=None):
        memory = y if memory is None else memory
        return attention(query=y, key=memory, value=memory, mask=mask)[0]

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        x = self.step(x, self.norm1, self.ask, self.self_attention, self_mask)
        x = self.step(x, self.norm2, self.ask, self.cross_attention, cross_mask, memory)
        return self.step(x, self.norm3, self.feed_forward)


# ---- Decoder


@variant("Decoder", "a list comprehension in a ModuleList")
class Decoder(nn.Module):
    def __init__(
        self,
        num_layers,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                DecoderLayer(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
                for _ in range(num_layers)
            ]
        )
        self.norm_first = norm_first
        if norm_first:
            self.norm = LayerNorm(d_model, eps)

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        for layer in self.layers:
            x = layer(x, memory, self_mask=self_mask, cross_mask=cross_mask)
        if self.norm_first:
            x = self.norm(x)
        return x


@variant("Decoder", "appended one by one, nn.Identity for no norm")
class _(nn.Module):
    def __init__(
        self,
        num_layers,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__()
        self.layers = nn.ModuleList()
        for _ in range(num_layers):
            self.layers.append(
                CourseLayer(
                    d_model,
                    num_heads,
                    d_ff,
                    dropout=dropout,
                    norm_first=norm_first,
                    activation=activation,
                    eps=eps,
                )
            )
        self.norm = LayerNorm(d_model, eps) if norm_first else nn.Identity()

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        for number in range(len(self.layers)):
            x = self.layers[number](x, memory, self_mask, cross_mask)
        return self.norm(x)


@variant("Decoder", "nn.Sequential as a list")
class _(nn.Module):
    def __init__(
        self,
        num_layers,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__()
        args = d_model, num_heads, d_ff, dropout, norm_first, activation, eps
        self.layers = nn.Sequential(*(CourseLayer(*args) for _ in range(num_layers)))
        self.norm = nn.LayerNorm(d_model, eps) if norm_first else None

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        hidden = x
        for layer in self.layers:
            hidden = layer(hidden, memory, self_mask, cross_mask)
        return hidden if self.norm is None else self.norm(hidden)


# ---- OutputHead


@variant("OutputHead", "randn over the root, matrix product with the transpose")
class OutputHead(nn.Module):
    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(vocab_size, d_model) / math.sqrt(d_model))

    def forward(self, x):
        return x @ self.weight.T


@variant("OutputHead", "an embedding's weight, F.linear")
class _(nn.Module):
    def __init__(self, d_model, vocab_size):
        super().__init__()
        words = nn.Embedding(vocab_size, d_model)
        self.weight = nn.Parameter(words.weight.detach() * d_model**-0.5)

    def forward(self, x):
        return nn.functional.linear(x, self.weight)


@variant("OutputHead", "a uniform start of the same deviation, einsum")
class _(nn.Module):
    def __init__(self, d_model, vocab_size):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(vocab_size, d_model))
        bound = math.sqrt(3 / d_model)
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x):
        return torch.einsum("...d,vd->...v", x, self.weight)


@variant("OutputHead", "is an nn.Linear itself")
class _(nn.Linear):
    def __init__(self, d_model, vocab_size):
        super().__init__(d_model, vocab_size, bias=False)
        nn.init.normal_(self.weight, std=d_model**-0.5)

    def forward(self, x):
        return super().forward(x)


# ---- future_leak


@variant("future_leak", "a loop, the largest so far")
def _(model, tokens, vocab_size):
    was_training = isinstance(model, nn.Module) and model.training
    if isinstance(model, nn.Module):
        model.eval()
    leak = 0.0
    with torch.no_grad():
        before = model(tokens)
        for later in range(1, tokens.size(1)):
            swapped = tokens.clone()
            swapped[:, later] = (swapped[:, later] + 1) % vocab_size
            change = (model(swapped) - before)[:, :later].abs().max().item()
            leak = max(leak, change)
    if isinstance(model, nn.Module):
        model.train(was_training)
    return leak


@variant("future_leak", "position 0 too, whose slice is empty, and the token before")
def _(model, tokens, vocab_size):
    training = getattr(model, "training", None)
    if training:
        model.eval()
    changes = [torch.zeros(1)]
    with torch.no_grad():
        outputs = model(tokens)
        for later in range(tokens.shape[1]):
            other = tokens.clone()
            other[:, later] = (other[:, later] - 1) % vocab_size
            changes.append((model(other)[:, :later] - outputs[:, :later]).abs().flatten())
    if training:
        model.train()
    return float(torch.cat(changes).max())


@variant("future_leak", "all swaps in one batch, gradients left on")
def _(model, tokens, vocab_size):
    module = isinstance(model, nn.Module)
    mode = model.training if module else None
    if module:
        model.train(False)
    length = tokens.size(1)
    step = torch.eye(length, dtype=tokens.dtype)
    swapped = [(tokens + step[later]) % vocab_size for later in range(length)]
    outputs = model(tokens)
    leak = 0.0
    for later, changed in enumerate(model(torch.cat(swapped)).chunk(length)):
        if later:
            leak = max(leak, (changed - outputs)[:, :later].abs().amax().item())
    if module:
        model.train(mode)
    return leak


@variant("future_leak", "a copy of the model, which alone goes into eval mode")
@torch.no_grad()
def _(model, tokens, vocab_size):
    if isinstance(model, nn.Module):
        model = copy.deepcopy(model).eval()
    before, leak = model(tokens), 0.0
    for later in range(1, tokens.size(1)):
        swapped = tokens.clone()
        swapped[:, later] = (swapped[:, later] + 1) % vocab_size
        leak = max(leak, (model(swapped) - before)[:, :later].abs().max().item())
    return leak


@variant("future_leak", "one sentence at a time, some other token")
def _(model, tokens, vocab_size):
    was = model.training if hasattr(model, "training") else False
    if hasattr(model, "eval"):
        model.eval()
    found = []
    for sentence in tokens:
        before = model(sentence[None]).detach()
        for later in range(1, len(sentence)):
            other = sentence.clone()
            choices = [word for word in range(vocab_size) if word != sentence[later]]
            other[later] = choices[-1]
            after = model(other[None]).detach()
            found.append((after[0, :later] - before[0, :later]).abs().max().item())
    if hasattr(model, "train"):
        model.train(was)
    return max(found) if found else 0.0
