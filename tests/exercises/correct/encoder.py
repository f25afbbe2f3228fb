"""Lesson 05, right in many ways."""

import math
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from tests.exercises.correct import variant
from workbook import pieces

# ---- LayerNorm


@variant("LayerNorm", "mean and biased variance")
class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        variance = x.var(-1, keepdim=True, unbiased=False)
        return (x - mean) / torch.sqrt(variance + self.eps) * self.weight + self.bias


@variant("LayerNorm", "squared differences, a power of −1/2")
class _(LayerNorm):
    def forward(self, x):
        centred = x - x.mean(dim=-1, keepdim=True)
        variance = (centred**2).mean(dim=-1, keepdim=True)
        return self.bias + self.weight * (centred * (variance + self.eps) ** -0.5)


@variant("LayerNorm", "sums over d_model, rsqrt, new axes")
class _(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super(self.__class__, self).__init__()
        self.eps, self.d = eps, d_model
        self.bias = nn.Parameter(torch.zeros(self.d))
        self.weight = nn.Parameter(torch.ones(self.d))

    def forward(self, x):
        centred = x - (x.sum(-1) / self.d)[..., None]
        spread = torch.rsqrt((centred * centred).sum(-1) / self.d + self.eps)
        return torch.addcmul(self.bias, centred * spread.unsqueeze(-1), self.weight)


@variant("LayerNorm", "var_mean, correction 0")
class _(LayerNorm):
    def forward(self, x):
        variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
        return (x - mean) * self.weight / (variance + self.eps).sqrt() + self.bias


@variant("LayerNorm", "the mean square minus the squared mean")
class _(LayerNorm):
    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        variance = ((x * x).mean(-1, keepdim=True) - mean * mean).clamp(min=0)
        return self.weight * (x - mean).div((variance + self.eps).sqrt()).add(self.bias * 0) + (
            self.bias
        )


# ---- FeedForward


@variant("FeedForward", "two linear layers and a dictionary")
class FeedForward(nn.Module):
    KNOWN: ClassVar = {
        "relu": nn.ReLU(),
        "gelu": nn.GELU(),
        "gelu_tanh": nn.GELU(approximate="tanh"),
        "silu": nn.SiLU(),
    }

    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__()
        if activation not in self.KNOWN:
            raise ValueError(f"{activation} is none of {', '.join(self.KNOWN)}")
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.activation = self.KNOWN[activation]
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


@variant("FeedForward", "ifs in forward, F.dropout")
class _(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__()
        if activation not in ("relu", "gelu", "gelu_tanh", "silu"):
            raise ValueError(activation)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.linear1 = nn.Linear(d_model, d_ff)
        self.kind, self.p = activation, dropout

    def forward(self, x):
        x = self.linear1(x)
        if self.kind == "relu":
            x = x.clamp(min=0)
        elif self.kind == "silu":
            x = x * torch.sigmoid(x)
        elif self.kind == "gelu":
            x = x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))
        else:
            x = 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        return self.linear2(F.dropout(x, self.p, self.training))


@variant("FeedForward", "in-place ReLU on its own tensor, match")
class _(FeedForward):
    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__(d_model, d_ff, dropout)
        del self.activation
        match activation:
            case "relu":
                self.activation = nn.ReLU(inplace=True)
            case "gelu":
                self.activation = F.gelu
            case "gelu_tanh":
                self.activation = lambda x: F.gelu(x, approximate="tanh")
            case "silu":
                self.activation = F.silu
            case _:
                raise ValueError(f"unknown activation {activation}")


@variant("FeedForward", "everything behind linear1 in one Sequential")
class _(FeedForward):
    def __init__(self, d_model, d_ff, dropout=0.1, activation="relu"):
        super().__init__(d_model, d_ff, dropout, activation)
        self.dropout, self.activation = None, None
        self.middle = nn.Sequential(self.KNOWN[activation], nn.Dropout(dropout))

    def forward(self, x):
        return (
            self.middle(x @ self.linear1.weight.T + self.linear1.bias) @ (self.linear2.weight.T)
            + self.linear2.bias
        )


# ---- residual


@variant("residual", "two returns")
def residual(x, sublayer, norm, dropout, norm_first=True):
    if norm_first:
        return x + dropout(sublayer(norm(x)))
    return norm(x + dropout(sublayer(x)))


@variant("residual", "one expression")
def _(x, sublayer, norm, dropout, norm_first=True):
    return (
        dropout(sublayer(norm(x))) + x if norm_first else norm(torch.add(dropout(sublayer(x)), x))
    )


@variant("residual", "step by step")
def _(x, sublayer, norm, dropout, norm_first=True):
    y = norm(x) if norm_first else x
    y = sublayer(y)
    y = dropout(y)
    y = y + x
    if not norm_first:
        y = norm(y)
    return y


@variant("residual", "added in place to the new tensor, not to x")
def _(x, sublayer, norm, dropout, norm_first=True):
    before = norm if norm_first else nn.Identity()
    after = nn.Identity() if norm_first else norm
    return after(x.clone().add_(dropout(sublayer(before(x)))))


# ---- padding_mask


@variant("padding_mask", "compared, two new axes")
def padding_mask(tokens, pad_id):
    return (tokens != pad_id)[:, None, None, :]


@variant("padding_mask", "unsqueezed twice")
def _(tokens, pad_id):
    return tokens.ne(pad_id).unsqueeze(1).unsqueeze(2)


@variant("padding_mask", "a view, not equal by ~")
def _(tokens, pad_id):
    batch, length = tokens.shape
    return ~(tokens == pad_id).view(batch, 1, 1, length)


@variant("padding_mask", "token by token")
def _(tokens, pad_id):
    mask = torch.zeros(tokens.shape[0], 1, 1, tokens.shape[1], dtype=torch.bool)
    for sentence in range(tokens.shape[0]):
        for place in range(tokens.shape[1]):
            mask[sentence, 0, 0, place] = bool(tokens[sentence, place] != pad_id)
    return mask.to(tokens.device)


@variant("padding_mask", "where, then to boolean")
def _(tokens, pad_id):
    return torch.where(tokens == pad_id, 0, 1).bool()[:, None, None]


# ---- EncoderLayer


@variant("EncoderLayer", "residual twice, a lambda")
class EncoderLayer(nn.Module):
    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__()
        self.self_attention = pieces.MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = pieces.FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = pieces.LayerNorm(d_model, eps)
        self.norm2 = pieces.LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)
        self.norm_first = norm_first

    def forward(self, x, mask=None):
        x = pieces.residual(
            x,
            lambda y: self.self_attention(y, y, y, mask)[0],
            self.norm1,
            self.dropout,
            self.norm_first,
        )
        return pieces.residual(x, self.feed_forward, self.norm2, self.dropout, self.norm_first)


@variant("EncoderLayer", "written out, two dropouts, torch's norms")
class _(nn.Module):
    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d_model, eps), nn.LayerNorm(d_model, eps)
        self.drop1, self.drop2 = nn.Dropout(dropout), nn.Dropout(dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.self_attention = pieces.MultiHeadAttention(d_model, num_heads, dropout=dropout)
        self.pre = norm_first

    def forward(self, x, mask=None):
        if self.pre:
            y = self.norm1(x)
            x = x + self.drop1(self.self_attention(y, y, y, mask=mask)[0])
            return x + self.drop2(self.feed_forward(self.norm2(x)))
        x = self.norm1(x + self.drop1(self.self_attention(x, x, x, mask=mask)[0]))
        return self.norm2(x + self.drop2(self.feed_forward(x)))


@variant("EncoderLayer", "a method for the attention, F.dropout")
class _(EncoderLayer):
    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.p = dropout
        del self.dropout

    def drop(self, y):
        return F.dropout(y, p=self.p, training=self.training)

    def forward(self, x, mask=None):
        def look(y):
            found, _ = self.self_attention(y, y, y, mask)
            return found

        for sublayer, norm in ((look, self.norm1), (self.feed_forward, self.norm2)):
            x = residual(x, sublayer, norm, self.drop, self.norm_first)
        return x


# ---- Encoder


@variant("Encoder", "a ModuleList, norm or None")
class Encoder(nn.Module):
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
            EncoderLayer(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
            for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model, eps) if norm_first else None

    def forward(self, x, mask=None):
        for layer in self.layers:
            x = layer(x, mask)
        return x if self.norm is None else self.norm(x)


@variant("Encoder", "appended in a loop, Identity in post-norm")
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
        self.norm = nn.LayerNorm(d_model, eps=eps) if norm_first else nn.Identity()
        self.layers = nn.ModuleList()
        for _ in range(num_layers):
            self.layers.append(
                pieces.EncoderLayer(
                    d_model,
                    num_heads,
                    d_ff,
                    dropout=dropout,
                    norm_first=norm_first,
                    activation=activation,
                    eps=eps,
                )
            )

    def forward(self, x, mask=None):
        for number in range(len(self.layers)):
            x = self.layers[number](x, mask=mask)
        return self.norm(x)


@variant("Encoder", "asked in forward, recursive")
class _(Encoder):
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
        super().__init__(num_layers, d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.norm_first = norm_first
        if not norm_first:
            del self.norm

    def climb(self, x, mask, number):
        if number == len(self.layers):
            return x
        return self.climb(self.layers[number](x, mask), mask, number + 1)

    def forward(self, x, mask=None):
        x = self.climb(x, mask, 0)
        if self.norm_first:
            x = self.norm(x)
        return x


# ---- Tagger


@variant("Tagger", "embeddings, positions, encoder, head")
class Tagger(nn.Module):
    def __init__(
        self,
        vocab_size,
        num_tags,
        d_model,
        num_heads,
        num_layers,
        d_ff,
        max_length,
        dropout=0.1,
        pad_id=0,
    ):
        super().__init__()
        self.pad_id = pad_id
        self.token = nn.Embedding(vocab_size, d_model)
        nn.init.normal_(self.token.weight, std=1 / math.sqrt(d_model))
        self.positions = pieces.PositionalEncoding(d_model, max_length, dropout)
        self.encoder = Encoder(num_layers, d_model, num_heads, d_ff, dropout)
        self.head = nn.Linear(d_model, num_tags)

    def forward(self, tokens):
        x = self.positions(self.token(tokens) * math.sqrt(self.token.embedding_dim))
        return self.head(self.encoder(x, padding_mask(tokens, self.pad_id)))


@variant("Tagger", "padding_idx, the scale kept, the padding's logits silenced")
class _(nn.Module):
    def __init__(
        self,
        vocab_size,
        num_tags,
        d_model,
        num_heads,
        num_layers,
        d_ff,
        max_length,
        dropout=0.1,
        pad_id=0,
    ):
        super().__init__()
        self.head = nn.Linear(d_model, num_tags)
        self.encoder = pieces.Encoder(
            num_layers=num_layers, d_model=d_model, num_heads=num_heads, d_ff=d_ff, dropout=dropout
        )
        self.positions = pieces.PositionalEncoding(d_model, max_length=max_length, dropout=dropout)
        self.token = nn.Embedding(vocab_size, d_model, padding_idx=pad_id)
        self.token.weight.data.normal_(0, d_model**-0.5)
        self.scale, self.pad = d_model**0.5, pad_id

    def forward(self, tokens):
        mask = tokens != self.pad
        vectors = self.encoder(self.positions(self.scale * self.token(tokens)), mask[:, None, None])
        return self.head(vectors) * mask[..., None]


@variant("Tagger", "one-hot vectors, torch's start divided")
class _(Tagger):
    def __init__(
        self,
        vocab_size,
        num_tags,
        d_model,
        num_heads,
        num_layers,
        d_ff,
        max_length,
        dropout=0.1,
        pad_id=0,
    ):
        super().__init__(
            vocab_size, num_tags, d_model, num_heads, num_layers, d_ff, max_length, dropout, pad_id
        )
        self.token = nn.Embedding(vocab_size, d_model)
        with torch.no_grad():
            self.token.weight /= d_model**0.5

    def forward(self, tokens):
        one_hot = F.one_hot(tokens, self.token.num_embeddings).to(self.token.weight.dtype)
        x = one_hot @ self.token.weight * self.token.weight.shape[1] ** 0.5
        x = self.encoder(self.positions(x), mask=padding_mask(tokens, self.pad_id))
        return F.linear(x, self.head.weight, self.head.bias)
