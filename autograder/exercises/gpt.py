"""Lesson 08: a decoder-only model, its loss, sampling, the key–value cache, generation.

Wrong answers are written out as their authors write them; the docstring is what the author reads.

What is drawn at random is judged by Chernoff's bound, which holds for any sample size: a token of
probability p comes in a share q of n draws, or in one further from p, with a probability of at most
exp(-n KL(q, p)), KL being the divergence of two coins. A check makes at most 144 such comparisons,
each in two directions. With n KL(q, p) > 20 as the mark of a wrong answer, a right one fails in
less than 2 · 144 · exp(-20) = 6e-7 of the checks, were every one of them at its bound.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Instance, Piece, PieceRaised
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    equals_reference,
    gradients_flow,
    inputs_stay,
    parameters_named,
    single_precision,
)
from workbook import pieces

_SURPRISE = 20.0  # n KL(q, p) beyond which an answer is wrong; see above

# ---- GPT ---------------------------------------------------------------------------------------

GPT = Exercise("GPT", reference=pieces.GPT)


def _sizes(draw: Draw, **given: Any) -> dict[str, Any]:
    """Constructor arguments of a small model, no two sizes alike."""
    (heads, d_head), layers = draw.sizes(2, low=3, high=5), 2
    context, vocab = 6 + draw.integer(1, 3), 23 + draw.integer(0, 4)
    return {
        "vocab_size": vocab,
        "d_model": heads * d_head,
        "num_heads": heads,
        "num_layers": layers,
        "context_length": context,
        "dropout": 0.0,
    } | given


def _gpts(
    piece: Piece,
    draw: Draw,
    construct: dict[str, Any],
    dtype: torch.dtype = torch.float64,
) -> tuple[Instance, nn.Module]:
    """The piece's model and the oracle with the same weights, both in eval mode. Matrices keep the
    size of what they map, so that no softmax saturates."""
    oracle = pieces.GPT(**construct).to(dtype).eval()
    weights = {}
    for name, parameter in oracle.named_parameters():
        scale = parameter.shape[-1] ** -0.5 if parameter.ndim > 1 else 0.3
        weights[name] = draw.normal(*parameter.shape, scale=scale, dtype=dtype)
        if "norm" in name and name.endswith("weight"):
            weights[name] += 1
    oracle.load_state_dict(weights)
    instance = piece.construct(**construct).to(dtype).eval()
    refused = instance.load(weights)
    if refused:
        raise expect.Mismatch(
            f"The check can't set the weights of {', '.join(refused)}: see the first property.",
            kind="weights that can't be set",
        )
    return instance, oracle


def _text(draw: Draw, construct: dict[str, Any], length: int = 5) -> torch.Tensor:
    return draw.tokens(3, length, low=0, high=construct["vocab_size"] - 1)


parameters_named(GPT, lambda draw: Case(construct=_sizes(draw)), points=1)


@GPT.property("the logits", points=2)
def _(piece: Piece, draw: Draw) -> None:
    """With the weights set by the check: token and position added up, the layers (pre-norm,
    tanh-GELU) under a causal mask, the norm, and logits by the token table's own weight."""
    construct = _sizes(draw)
    instance, oracle = _gpts(piece, draw, construct)
    tokens = _text(draw, construct)
    expect.close(
        instance(tokens), oracle(tokens).detach(), "The logits, at [sentence, position, token],"
    )


@GPT.property("no token sees a later one", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """When a token is replaced, the logits of the positions before it should stay as they were; its
    own should not."""
    construct = _sizes(draw)
    instance, _ = _gpts(piece, draw, construct)
    tokens = _text(draw, construct)
    at = draw.integer(2, 3)
    other = tokens.clone()
    other[:, at] = (tokens[:, at] + 1) % construct["vocab_size"]
    shape = (*tokens.shape, construct["vocab_size"])
    before, after = (expect.shape(instance(each), shape, "The logits") for each in (tokens, other))
    seen = ~torch.isclose(before, after, rtol=1e-9, atol=1e-9).all(-1)
    expect.that(
        not bool(seen[:, :at].any()),
        f"Another token at position {at} changes logits at earlier positions: they see it.",
    )
    expect.that(
        bool(seen[:, at].all()),
        f"Another token at position {at} doesn't change the logits at that position.",
    )


@GPT.property("the context", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A text as long as the context should be read; one that is longer should raise a
    ValueError."""
    construct = _sizes(draw)
    context = construct["context_length"]
    instance, oracle = _gpts(piece, draw, construct)
    tokens = _text(draw, construct, context)
    instance(tokens[:, :2])  # what a short text raises is no matter of the context
    try:
        logits = instance(tokens)
    except PieceRaised as raised:
        if not raised.is_a(ValueError):
            raise
        raise expect.Mismatch(
            f"A text of {context} tokens was refused, and the context is {context}.",
            kind="a full context refused",
        ) from None
    expect.shape(logits, (3, context, construct["vocab_size"]), "The logits of a full context")
    if not torch.allclose(logits, oracle(tokens), rtol=1e-9, atol=1e-9):
        raise expect.Mismatch("The logits of a full context are wrong, too.", kind="wrong logits")
    longer = _text(draw, construct, context + draw.integer(1, 3))
    expect.raises(
        ValueError,
        lambda: instance(longer),
        "The text was longer than the context, and that should be a ValueError.",
    )


@GPT.property("where it starts", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A new model's tables, token and position, should be normal with standard deviation 0.02, its
    norms should start with weights of 1, and its layers from different random numbers."""
    instance = piece.construct(90, 16, 2, 3, 45, 0.0)
    weights = instance.parameters()
    # 1,440 and 720 numbers: the bounds are at 13 and 9 standard deviations of their deviation.
    for name in ("token.weight", "position.weight"):
        expect.that(name in weights, f"There is no {name}.")
        spread = weights[name].std().item()
        if not 0.015 < spread < 0.025:
            raise expect.Mismatch(
                f"{name} starts with the standard deviation {spread:.3g}; it should be 0.02.",
                kind=f"{name}: {math.log10(max(spread, 1e-9) / 0.02):.0f}",
            )
    norms = [value for name, value in weights.items() if "norm" in name and "weight" in name]
    expect.that(
        all(value.mean().item() > 0.5 for value in norms),
        "A norm starts with a weight near 0, and lets next to nothing through. It starts with 1.",
    )
    layers = [weights.get(f"layers.{n}.feed_forward.linear1.weight") for n in range(3)]
    expect.that(all(layer is not None for layer in layers), "There aren't as many layers as asked.")
    alike = torch.equal(layers[0], layers[1]) or torch.equal(layers[1], layers[2])
    expect.that(not alike, "Layers start from the same numbers: make each of them anew.")
    logits = expect.shape(instance(torch.tensor([[3, 5]])), (1, 2, 90), "The logits")
    expect.that(logits.dtype == torch.float32, "The logits of a new model should be float32.")


def _without(weights: dict[str, torch.Tensor], *names: str) -> dict[str, torch.Tensor]:
    """The weights with these set to zero; of the token table, all rows but the last."""
    changed = {}
    for name, value in weights.items():
        zero = any(part in name for part in names)
        changed[name] = torch.zeros_like(value) if zero else value
        if zero and name == "token.weight":
            changed[name][-1] = value[-1]
    return changed


@GPT.property("dropout in training", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In training, dropout should act on the sum of the two embeddings and in every layer, with the
    probability that the constructor was given."""
    construct = _sizes(draw, num_layers=1)
    instance, _ = _gpts(piece, draw, construct)
    tokens = _text(draw, construct)
    quiet = instance(tokens)
    logits = instance.train()(tokens)
    expect.shape(logits, (*tokens.shape, construct["vocab_size"]), "The logits")
    once = instance(tokens)
    expect.that(torch.equal(logits, once), "With dropout=0, two calls in training differ.")
    expect.that(
        torch.allclose(logits, quiet, rtol=1e-9, atol=1e-9),
        "With dropout=0, training changes the logits.",
    )
    # Where a layer adds nothing, what differs was dropped from the tokens or, where these are zero,
    # from the positions; where nothing goes into the layers, it was dropped inside. At least 60
    # numbers are there to be dropped: two calls agree by chance once in 10^18 times, or less often.
    construct["dropout"] = 0.5
    instance, oracle = _gpts(piece, draw, construct)
    instance.train()
    weights = {name: value.detach() for name, value in oracle.named_parameters()}
    words = torch.zeros(3, 5, dtype=torch.int64)
    for zero, sentence in (
        (("out_proj", "linear2", "position"), "Nothing is dropped from the tokens' vectors."),
        (("out_proj", "linear2", "token"), "Nothing is dropped from the positions' vectors."),
        (("position", "token"), "Nothing is dropped inside the layers."),
    ):
        instance.load(_without(weights, *zero))
        expect.that(not torch.equal(instance(words), instance(words)), sentence)
    # With a last norm that is constant, only what is dropped behind it shows.
    instance.load(_without(weights, "norm.weight"))
    expect.that(
        torch.equal(instance(words), instance(words)),
        "Something is dropped behind the last norm. Dropout acts before the first layer.",
    )


@GPT.property("no dropout outside training", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """After eval() nothing is dropped, whatever dropout is."""
    construct = _sizes(draw, dropout=0.5)
    instance, _ = _gpts(piece, draw, construct)
    tokens = _text(draw, construct)
    once = expect.tensor(instance(tokens), "The logits")
    expect.that(torch.equal(once, instance(tokens)), "After eval(), two calls differ.")


@GPT.property("gradients flow", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Gradients should flow back to every weight. The token table gets them from both its jobs."""
    construct = _sizes(draw)
    instance, oracle = _gpts(piece, draw, construct)
    tokens = _text(draw, construct)
    logits = oracle(tokens)
    cotangent = draw.normal(*logits.shape)
    (logits * cotangent).sum().backward()
    found = instance.gradients(tokens, cotangents=[cotangent])
    expect.shape(found.value, logits.shape, "The logits")
    for name, parameter in oracle.named_parameters():
        expect.gradient(found.weights.get(name), parameter.grad, name)


@GPT.property("float32, on this machine's device", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """In float32, on this machine's fastest device, the logits should be the same."""
    construct = _sizes(draw)
    instance, oracle = _gpts(piece, draw, construct, torch.float32)
    tokens = _text(draw, construct)
    expect.close(
        instance.on_accelerator(tokens), oracle(tokens).detach(), "The logits", tolerance=1e-4
    )


class _Model(nn.Module):
    """The part that most wrong answers get right."""

    activation, norm_first = "gelu_tanh", True

    def __init__(
        self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1
    ) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(context_length, d_model)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            self.layer(d_model, num_heads, dropout) for _ in range(num_layers)
        )
        self.norm = pieces.LayerNorm(d_model)
        self.start()

    def layer(self, d_model, num_heads, dropout):
        return self.made(d_model, num_heads, 4 * d_model, dropout)

    def made(self, *sizes):
        return pieces.EncoderLayer(*sizes, self.norm_first, self.activation)

    def start(self):
        nn.init.normal_(self.token.weight, std=0.02)
        nn.init.normal_(self.position.weight, std=0.02)

    def refuse(self, length):
        if length > self.position.num_embeddings:
            raise ValueError("too long")

    def embed(self, tokens):
        return self.token(tokens) + self.position.weight[: tokens.size(1)]

    def mask(self, length):
        return pieces.causal_mask(length)

    def through(self, x, mask):
        for layer in self.layers:
            x = layer(x, mask)
        return x

    def read(self, x):
        return F.linear(self.norm(x), self.token.weight)

    def forward(self, tokens):
        self.refuse(tokens.size(1))
        x = self.dropout(self.embed(tokens))
        return self.read(self.through(x, self.mask(tokens.size(1)).to(x.device)))


# What is wrong with the constructor.


@GPT.misconception("post-norm")
class _(_Model):
    """Your layers are post-norm, as in the paper of 2017. GPT-2's are pre-norm: norm_first=True."""

    norm_first = False


@GPT.misconception("the exact GELU")
class _(_Model):
    """You take the exact GELU, as BERT does. GPT-2 was trained with the tanh approximation:
    activation="gelu_tanh". They differ by less than 0.001, and the weights know which it was."""

    activation = "gelu"


@GPT.misconception("ReLU")
class _(_Model):
    """Your layers have ReLU, which is EncoderLayer's default. GPT's have
    activation="gelu_tanh"."""

    activation = "relu"


@GPT.misconception("SiLU")
class _(_Model):
    """Your layers have SiLU. GPT-2's have activation="gelu_tanh"."""

    activation = "silu"


@GPT.misconception("post-norm with ReLU")
class _(_Model):
    """Your layers are those of the paper of 2017: post-norm with ReLU. GPT-2's are pre-norm with
    activation="gelu_tanh"."""

    activation, norm_first = "relu", False


@GPT.misconception("an untied head")
class _(_Model):
    """You have a head of its own. GPT's is tied: the logits are read with the token table's own
    weight, F.linear(x, self.token.weight), so that there is no further parameter."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, context_length, dropout)
        self.head = nn.Linear(d_model, vocab_size, bias=False)

    def read(self, x):
        return self.head(self.norm(x))


@GPT.misconception("an untied head with a bias")
class _(_Model):
    """You have a head of its own, with a bias. GPT's is tied: the logits are read with the token
    table's own weight, F.linear(x, self.token.weight), so that there is no further parameter."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, context_length, dropout)
        self.head = nn.Linear(d_model, vocab_size)

    def read(self, x):
        return self.head(self.norm(x))


@GPT.misconception("a tied head with a bias")
class _(_Model):
    """Your head has a bias. GPT's has none: nn.Linear(…, bias=False), or F.linear(x,
    self.token.weight)."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, context_length, dropout)
        self.head = nn.Linear(d_model, vocab_size)
        self.head.weight = self.token.weight

    def read(self, x):
        return self.head(self.norm(x))


@GPT.misconception("no last norm")
class _(_Model):
    """There is no norm after the last layer. In a pre-norm stack nothing else keeps the size of
    what comes out: self.norm = LayerNorm(d_model), used before the logits."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, context_length, dropout)
        del self.norm

    def read(self, x):
        return F.linear(x, self.token.weight)


@GPT.misconception("a feed-forward layer of d_model")
class _(_Model):
    """The hidden layer of your feed-forward layers has d_model features. In GPT it has
    4 · d_model."""

    def layer(self, d_model, num_heads, dropout):
        return self.made(d_model, num_heads, d_model, dropout)


@GPT.misconception("a feed-forward layer of 2048")
class _(_Model):
    """The hidden layer of your feed-forward layers has 2,048 features, as in the paper of 2017. In
    GPT it has 4 · d_model, whatever d_model is."""

    def layer(self, d_model, num_heads, dropout):
        return self.made(d_model, num_heads, 2048, dropout)


@GPT.misconception("one layer used again and again")
class _(_Model):
    """A list [layer] * num_layers is one layer num_layers times, with one set of weights. Make
    each of them anew: ModuleList(EncoderLayer(…) for _ in range(num_layers))."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, 1, context_length, dropout)
        self.layers = nn.ModuleList([self.layers[0]] * num_layers)


@GPT.misconception("copies of one layer")
class _(_Model):
    """Your layers are copies of one, so they start with the same numbers. Make each of them anew:
    ModuleList(EncoderLayer(…) for _ in range(num_layers))."""

    def start(self):
        super().start()
        for layer in self.layers[1:]:
            layer.load_state_dict(self.layers[0].state_dict())


@GPT.misconception("a list of layers")
class _(_Model):
    """Your layers are in a plain list, so torch doesn't know them: no parameters, no .to(device),
    no training. Put them into an nn.ModuleList."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, context_length, dropout)
        layers = list(self.layers)
        del self.layers
        self.layers = layers


@GPT.misconception("other names")
class _(_Model):
    """The parameters have other names than the exercise asks: token, position, layers, norm. Names
    are how weights are exchanged with other implementations."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, context_length, dropout)
        self.blocks = self.layers
        del self.layers

    def through(self, x, mask):
        for layer in self.blocks:
            x = layer(x, mask)
        return x


@GPT.misconception("an Encoder inside")
class _(_Model):
    """You keep the layers in an Encoder, so their names begin with its name. The computation is
    the same; the names should be layers.0… and norm, so keep an nn.ModuleList and a LayerNorm."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, context_length, dropout)
        del self.layers, self.norm
        self.encoder = pieces.Encoder(
            num_layers, d_model, num_heads, 4 * d_model, dropout, activation="gelu_tanh"
        )

    def forward(self, tokens):
        self.refuse(tokens.size(1))
        x = self.encoder(self.dropout(self.embed(tokens)), self.mask(tokens.size(1)))
        return F.linear(x, self.token.weight)


@GPT.misconception("the tables swapped")
class _(_Model):
    """Your tables have each other's size: token has a row for each token of the vocabulary,
    position one for each place of the context."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__(context_length, d_model, num_heads, num_layers, vocab_size, dropout)


@GPT.misconception("tables that start large")
class _(_Model):
    """nn.Embedding starts with a standard deviation of 1. Here the same table reads the logits, so
    a new model would be absurdly sure of its first guess: give both tables 0.02,
    nn.init.normal_(self.token.weight, std=0.02)."""

    def start(self):
        pass


@GPT.misconception("a position table that starts large")
class _(_Model):
    """token starts small and position doesn't, so at first a word is drowned by its place. Give
    both a standard deviation of 0.02."""

    def start(self):
        nn.init.normal_(self.token.weight, std=0.02)


@GPT.misconception("tables that start at zero")
class _(_Model):
    """Your tables start at zero, where all words are alike. Let them be normal with a standard
    deviation of 0.02."""

    def start(self):
        nn.init.zeros_(self.token.weight)
        nn.init.zeros_(self.position.weight)


@GPT.misconception("tables that start too large")
class _(_Model):
    """A table starts with a standard deviation of about 0.1. 0.02 is the deviation itself and not
    its square: std=0.02. And if you tie the table to a layer's weight, start it afterwards."""

    def start(self):
        nn.init.normal_(self.token.weight, std=0.02**0.5)
        nn.init.normal_(self.position.weight, std=0.02**0.5)


@GPT.misconception("tables that start uniform")
class _(_Model):
    """Your tables start with numbers from −0.02 to 0.02, and their deviation is 0.0115. Let them be
    normal: nn.init.normal_(…, std=0.02)."""

    def start(self):
        nn.init.uniform_(self.token.weight, -0.02, 0.02)
        nn.init.uniform_(self.position.weight, -0.02, 0.02)


@GPT.misconception("norms that start small")
class _(_Model):
    """You start every parameter with 0.02, the norms' weights too. These start with 1, or next to
    nothing comes through: start token.weight and position.weight."""

    def start(self):
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.02)


# What is wrong with forward.


@GPT.misconception("the last norm not used")
class _(_Model):
    """You make self.norm and never use it. It comes after the last layer, before the logits."""

    def read(self, x):
        return F.linear(x, self.token.weight) + 0 * self.norm(x).sum()


@GPT.misconception("the norm before the layers")
class _(_Model):
    """Your norm stands in front of the layers. It comes after the last one."""

    def through(self, x, mask):
        return super().through(self.norm(x), mask)

    def read(self, x):
        return F.linear(x, self.token.weight)


@GPT.misconception("normed between the layers")
class _(_Model):
    """You use self.norm after every layer. It comes once, after the last one: the layers have norms
    of their own."""

    def through(self, x, mask):
        for layer in self.layers:
            x = self.norm(layer(x, mask))
        return x

    def read(self, x):
        return F.linear(x, self.token.weight)


@GPT.misconception("normed twice at the end")
class _(_Model):
    """You norm what comes out twice. Once is enough: your last layer is followed by self.norm and
    then the logits."""

    def read(self, x):
        return super().read(self.norm(x))


@GPT.misconception("positions start at 1")
class _(_Model):
    """Your first token is at position 1. Positions start at 0, and with 1 the last place of the
    context has no row."""

    def embed(self, tokens):
        return self.token(tokens) + self.position(torch.arange(1, tokens.size(1) + 1))


@GPT.misconception("the last rows of the positions")
class _(_Model):
    """You take the last rows of position, [-length:]. Token 0 gets row 0, however long the text is:
    position.weight[:length]."""

    def embed(self, tokens):
        return self.token(tokens) + self.position.weight[-tokens.size(1) :]


@GPT.misconception("no positions")
class _(_Model):
    """position is never used. Add self.position.weight[:length] to the tokens' vectors."""

    def embed(self, tokens):
        return self.token(tokens)


@GPT.misconception("one position for all")
class _(_Model):
    """Every token gets the vector of the same position. Token t gets row t:
    position(arange(length)), or position.weight[:length]."""

    def embed(self, tokens):
        return self.token(tokens) + self.position(torch.tensor([tokens.size(1)]) - 1)


@GPT.misconception("positions counted backwards")
class _(_Model):
    """Your first token gets the last row of the positions. Position 0 is the first token."""

    def embed(self, tokens):
        return self.token(tokens) + self.position.weight[: tokens.size(1)].flip(0)


@GPT.misconception("positions multiplied")
class _(_Model):
    """You multiply by the position. Add it."""

    def embed(self, tokens):
        return self.token(tokens) * self.position.weight[: tokens.size(1)]


@GPT.misconception("a bare parameter for the positions")
class _(_Model):
    """position is a parameter, as in lesson 04's LearnedPositions. Here it is an nn.Embedding, so
    that its weight is called position.weight, as token's is."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, context_length, dropout)
        weight = self.position.weight
        del self.position
        self.position = nn.Parameter(weight.detach().clone())

    def refuse(self, length):
        if length > len(self.position):
            raise ValueError("too long")

    def embed(self, tokens):
        return self.token(tokens) + self.position[: tokens.size(1)]


@GPT.misconception("positions looked up by token")
class _(_Model):
    """You look the position up by the token's id. It is about the place: position(arange(length)),
    or position.weight[:length]."""

    def embed(self, tokens):
        return self.token(tokens) + self.position(tokens)


@GPT.misconception("scaled by the root of d_model")
class _(_Model):
    """You multiply the tokens' vectors by √d_model, as the Transformer of 2017 does. GPT doesn't:
    token and position are added as they are."""

    def embed(self, tokens):
        x = self.token(tokens) * math.sqrt(self.token.embedding_dim)
        return x + self.position.weight[: tokens.size(1)]


@GPT.misconception("no causal mask")
class _(_Model):
    """Your layers get no mask, so every position sees the tokens that it should predict. Hand
    causal_mask(length) to each layer."""

    def mask(self, length):
        return torch.ones(1, 1, length, length, dtype=torch.bool)


@GPT.misconception("a mask of numbers")
class _(_Model):
    """Your mask holds the numbers 0 and 1. A mask is boolean here: causal_mask(length), or
    torch.ones(…, dtype=torch.bool).tril()."""

    def mask(self, length):
        return super().mask(length).float()


@GPT.misconception("the mask the other way round")
class _(_Model):
    """Your mask is the wrong way round: each position sees only the later ones. True means "may
    attend" here: hand on causal_mask(length) as it is."""

    def mask(self, length):
        return ~super().mask(length)


@GPT.misconception("the mask transposed")
class _(_Model):
    """Your mask lets each position see itself and the later ones (torch.triu). It should see itself
    and the earlier ones: causal_mask(length), a torch.tril."""

    def mask(self, length):
        return super().mask(length).transpose(-2, -1)


@GPT.misconception("no token sees itself")
class _(_Model):
    """In your mask no position sees its own token. The last token known is the most useful one for
    the next: the diagonal belongs to it."""

    def mask(self, length):
        return torch.tril(torch.ones(length, length, dtype=torch.bool), -1)[None, None]


@GPT.misconception("the mask for the first layer only")
class _(_Model):
    """Only your first layer gets the mask. The others look ahead: every layer needs it."""

    def through(self, x, mask):
        for number, layer in enumerate(self.layers):
            x = layer(x, None if number else mask)
        return x


@GPT.misconception("the last layer left out")
class _(_Model):
    """Not all of your layers are used. x goes through every one of them in turn."""

    def through(self, x, mask):
        for layer in self.layers[:-1]:
            x = layer(x, mask)
        return x


@GPT.misconception("the layers backwards")
class _(_Model):
    """Your layers are used from the last to the first. They work in order: layers[0] comes
    first."""

    def through(self, x, mask):
        for layer in reversed(self.layers):
            x = layer(x, mask)
        return x


@GPT.misconception("the layers' outputs lost")
class _(_Model):
    """Each of your layers gets the embeddings, so only the last one counts. Each gets what the one
    before it returned: x = layer(x, mask)."""

    def through(self, x, mask):
        for layer in self.layers:
            y = layer(x, mask)
        return y


@GPT.misconception("a residual around the layer")
class _(_Model):
    """You add a layer's input to its output. The residual connections are inside the layer:
    x = layer(x, mask)."""

    def through(self, x, mask):
        for layer in self.layers:
            x = x + layer(x, mask)
        return x


@GPT.misconception("probabilities in place of logits")
class _(_Model):
    """You return probabilities. Return the logits: the loss and the sampling take their softmax
    themselves."""

    def read(self, x):
        return super().read(x).softmax(-1)


@GPT.misconception("log-probabilities in place of logits")
class _(_Model):
    """You return log-probabilities. Return the logits as they are; the loss takes the log-softmax
    itself."""

    def read(self, x):
        return super().read(x).log_softmax(-1)


@GPT.misconception("scaled logits")
class _(_Model):
    """You divide the logits by √d_model. GPT reads them as they are: F.linear(x,
    self.token.weight)."""

    def read(self, x):
        return super().read(x) / math.sqrt(self.token.embedding_dim)


@GPT.misconception("the last position only")
class _(_Model):
    """You return the logits of the last position. In training every position predicts its next
    token: return them all, (batch, length, vocab_size)."""

    def read(self, x):
        return super().read(x)[:, -1]


@GPT.misconception("hidden states in place of logits")
class _(_Model):
    """You return the hidden states. One product is missing: with the token table's weight,
    F.linear(x, self.token.weight)."""

    def read(self, x):
        return self.norm(x)


@GPT.misconception("the table not transposed")
class _(_Model):
    """token.weight is (vocab_size, d_model), so x @ self.token.weight doesn't fit. Take
    F.linear(x, self.token.weight), or x @ self.token.weight.T."""

    def read(self, x):
        return self.norm(x) @ self.token.weight


@GPT.misconception("longer texts not refused")
class _(_Model):
    """A text longer than the context runs into an error from somewhere inside. Say what is wrong
    where you know it: if length > context_length, raise a ValueError."""

    def refuse(self, length):
        pass


@GPT.misconception("an index out of range in place of a ValueError")
class _(_Model):
    """A text longer than the context ends in "index out of range". Say what is wrong where you
    know it: if length > context_length, raise a ValueError."""

    def refuse(self, length):
        pass

    def embed(self, tokens):
        return self.token(tokens) + self.position(torch.arange(tokens.size(1)))


@GPT.misconception("an assertion in place of a ValueError")
class _(_Model):
    """You refuse by assert, which raises an AssertionError (and nothing at all under python -O).
    Write: if length > context_length: raise ValueError(…)."""

    def refuse(self, length):
        assert length <= self.position.num_embeddings


@GPT.misconception("cut to the context")
class _(_Model):
    """You cut a longer text to the context without a word, and return fewer logits than there are
    tokens. Raise a ValueError: whoever calls should know."""

    def forward(self, tokens):
        return super().forward(tokens[:, -self.position.num_embeddings :])


@GPT.misconception("a full context refused")
class _(_Model):
    """You refuse a text that is exactly as long as the context. It still fits: > in place
    of >=."""

    def refuse(self, length):
        super().refuse(length + 1)


@GPT.misconception("no dropout on the embeddings")
class _(_Model):
    """Nothing is dropped from the embeddings. In training, the sum of token and position goes
    through dropout before the first layer."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, context_length, dropout)
        self.dropout = nn.Identity()


@GPT.misconception("dropout behind the last norm")
class _(_Model):
    """You drop from what comes out of the last norm. Outside the layers dropout acts once, on the
    sum of token and position."""

    def forward(self, tokens):
        self.refuse(tokens.size(1))
        x = self.through(self.embed(tokens), self.mask(tokens.size(1)))
        return F.linear(self.dropout(self.norm(x)), self.token.weight)


@GPT.misconception("dropout before the positions")
class _(_Model):
    """You drop from the tokens' vectors and add the positions afterwards. Dropout acts on the
    sum."""

    def forward(self, tokens):
        self.refuse(tokens.size(1))
        x = self.dropout(self.token(tokens)) + self.position.weight[: tokens.size(1)]
        return self.read(self.through(x, self.mask(tokens.size(1))))


@GPT.misconception("dropout not handed to the layers")
class _(_Model):
    """Your layers have their default of 0.1, whatever dropout says. Hand it on:
    EncoderLayer(d_model, num_heads, 4 * d_model, dropout, …)."""

    def layer(self, d_model, num_heads, dropout):
        return self.made(d_model, num_heads, 4 * d_model, 0.1)


@GPT.misconception("layers without dropout")
class _(_Model):
    """Your layers drop nothing. Hand dropout on to them: EncoderLayer(d_model, num_heads,
    4 * d_model, dropout, …)."""

    def layer(self, d_model, num_heads, dropout):
        return self.made(d_model, num_heads, 4 * d_model, 0.0)


@GPT.misconception("dropout always on")
class _(_Model):
    """Numbers are dropped after eval() too: F.dropout drops unless it is told otherwise. Use an
    nn.Dropout, or pass self.training."""

    def forward(self, tokens):
        self.refuse(tokens.size(1))
        x = F.dropout(self.embed(tokens), self.dropout.p)
        return self.read(self.through(x, self.mask(tokens.size(1)).to(x.device)))


@GPT.misconception("cut off from the graph")
class _(_Model):
    """The values are right, but no gradient flows back to the embeddings: a .detach() or .data cuts
    them off."""

    def embed(self, tokens):
        return super().embed(tokens).detach()


@GPT.misconception("the head's half of the gradient lost")
class _(_Model):
    """The token table learns from one of its two jobs only: for the logits you take a detached
    copy. Read them with self.token.weight itself."""

    def read(self, x):
        return F.linear(self.norm(x), self.token.weight.detach())


# ---- next_token_loss ---------------------------------------------------------------------------

next_token_loss = Exercise("next_token_loss", reference=pieces.next_token_loss)
_LOSS = ("The loss",)


def _predictions(draw: Draw, pads: bool = False) -> Case:
    """Logits and tokens; with `pads`, sentences of different lengths, one of them full."""
    batch, length, vocab = draw.sizes(3, low=4)
    tokens = draw.tokens(batch, length, low=1, high=vocab - 1)
    logits = draw.normal(batch, length, vocab)
    if not pads:
        return Case((logits, tokens))
    pad_id = draw.integer(1, vocab - 1)
    tokens[tokens == pad_id] = 0
    for row, real in enumerate(draw.sizes(batch - 1, low=2, high=max(length - 1, batch))):
        tokens[row, real:] = pad_id
    return Case((logits, tokens), {"pad_id": pad_id})


def _padded(draw: Draw) -> Case:
    return _predictions(draw, pads=True)


@next_token_loss.property("one number", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """The loss is a single number, a tensor without dimensions."""
    expect.shape(piece(*_predictions(draw).args), (), "The loss")


equals_reference(
    next_token_loss,
    _predictions,
    _LOSS,
    name="each position is asked for the token after it",
    points=1,
    says="The loss is the mean over the positions that have a next token: position t's logits "
    "against token t + 1, in natural logarithms.",
)
equals_reference(
    next_token_loss,
    _padded,
    _LOSS,
    name="padding is no target",
    points=0.75,
    says="With pad_id, positions whose next token is padding should be left out of the mean.",
)


@next_token_loss.property("a pad_id of 0", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """pad_id=0 is an id like any other; without pad_id, token 0 is a word like any other."""
    logits, tokens = _predictions(draw).args
    tokens = tokens.clone()
    tokens[:, -2:] = 0
    for how in ({"pad_id": 0}, {}):
        wanted = pieces.next_token_loss(logits, tokens, **how)
        name = "The loss with pad_id=0" if how else "The loss without pad_id, where token 0 occurs,"
        expect.close(piece(logits, tokens, **how), wanted, name)


gradients_flow(next_token_loss, _padded, of=("logits",), points=0.25)
inputs_stay(next_token_loss, _padded, points=0.25)
single_precision(next_token_loss, _padded, _LOSS, points=0.25)


def _loss_of(logits, targets, pad_id=None, reduction="mean"):
    """Right from aligned logits and targets on."""
    ignored = -100 if pad_id is None else pad_id
    return F.cross_entropy(
        logits.reshape(-1, logits.size(-1)),
        targets.reshape(-1),
        ignore_index=ignored,
        reduction=reduction,
    )


@next_token_loss.misconception("not shifted")
def _(logits, tokens, pad_id=None):
    """You ask each position for its own token, which it has just read. Position t's logits are
    about token t + 1: compare logits[:, :-1] with tokens[:, 1:]."""
    return _loss_of(logits, tokens, pad_id)


@next_token_loss.misconception("shifted the wrong way")
def _(logits, tokens, pad_id=None):
    """You ask each position for the token before it. It is the other way round: logits[:, :-1]
    against tokens[:, 1:]."""
    return _loss_of(logits[:, 1:], tokens[:, :-1], pad_id)


@next_token_loss.misconception("both cut at the end")
def _(logits, tokens, pad_id=None):
    """You cut logits and tokens at the same end, so that each position still meets its own token.
    Cut the last position off the logits and the *first* token off the tokens."""
    return _loss_of(logits[:, :-1], tokens[:, :-1], pad_id)


@next_token_loss.misconception("both cut at the beginning")
def _(logits, tokens, pad_id=None):
    """You cut logits and tokens at the beginning, so that each position still meets its own token.
    Cut the *last* position off the logits and the first token off the tokens."""
    return _loss_of(logits[:, 1:], tokens[:, 1:], pad_id)


@next_token_loss.misconception("shifted by two")
def _(logits, tokens, pad_id=None):
    """Your logits meet the token after next. One step is enough: logits[:, :-1] against
    tokens[:, 1:]. If the tokens were shifted by the caller, don't shift again."""
    return _loss_of(logits[:, :-2], tokens[:, 2:], pad_id)


@next_token_loss.misconception("rolled round")
def _(logits, tokens, pad_id=None):
    """With roll, the last position is asked for the first token of its sentence. It has no next
    token: leave it out, logits[:, :-1]."""
    return _loss_of(logits, tokens.roll(-1, dims=1), pad_id)


@next_token_loss.misconception("shifted along the batch")
def _(logits, tokens, pad_id=None):
    """You shift along the batch: each sentence is asked for the next sentence. The words are the
    second dimension: logits[:, :-1], tokens[:, 1:]."""
    return _loss_of(logits[:-1], tokens[1:], pad_id)


@next_token_loss.misconception("shifted after flattening")
def _(logits, tokens, pad_id=None):
    """You flatten first and shift then, so the last word of each sentence is asked for the first
    word of the next one. Shift first."""
    return _loss_of(logits.flatten(0, 1)[:-1], tokens.flatten()[1:], pad_id)


@next_token_loss.misconception("only the tokens cut")
def _(logits, tokens, pad_id=None):
    """You cut the tokens and not the logits, so their numbers differ. The last position has no next
    token: logits[:, :-1]."""
    return _loss_of(logits, tokens[:, 1:], pad_id)


@next_token_loss.misconception("the last token only")
def _(logits, tokens, pad_id=None):
    """You ask for the last token only. Every position has a next token to learn from, and that is
    what makes training fast."""
    return _loss_of(logits[:, -2], tokens[:, -1], pad_id)


@next_token_loss.misconception("padding counted")
def _(logits, tokens, pad_id=None):
    """Padding is counted as a target. With pad_id, leave those positions out:
    cross_entropy(…, ignore_index=pad_id)."""
    return _loss_of(logits[:, :-1], tokens[:, 1:])


@next_token_loss.misconception("padding weighs nothing, and is counted")
def _(logits, tokens, pad_id=None):
    """You set the loss of padding to zero and divide by all positions, padding too. Divide by the
    number of real targets."""
    losses = _loss_of(logits[:, :-1], tokens[:, 1:], pad_id, "none")
    return losses.mean()


@next_token_loss.misconception("averaged sentence by sentence")
def _(logits, tokens, pad_id=None):
    """You average within each sentence and then over the sentences, so a word of a short sentence
    counts more. Take one mean over all real targets of the batch."""
    return torch.stack(
        [_loss_of(row[:-1], target[1:], pad_id) for row, target in zip(logits, tokens, strict=True)]
    ).mean()


@next_token_loss.misconception("the input's padding left out")
def _(logits, tokens, pad_id=None):
    """You leave out the positions that *read* padding. Leave out those that should *predict* it:
    the mask is made of the targets, tokens[:, 1:] != pad_id."""
    targets = tokens[:, 1:]
    if pad_id is None:
        return _loss_of(logits[:, :-1], targets)
    real = tokens[:, :-1] != pad_id
    return _loss_of(logits[:, :-1][real], targets[real])


@next_token_loss.misconception("only the padding counted")
def _(logits, tokens, pad_id=None):
    """Your mask is the wrong way round: the mean is over the padding. Keep the targets that are
    not pad_id."""
    if pad_id is None:
        return _loss_of(logits[:, :-1], tokens[:, 1:])
    real = tokens[:, 1:] == pad_id
    return _loss_of(logits[:, :-1][real], tokens[:, 1:][real])


@next_token_loss.misconception("0 taken for none")
def _(logits, tokens, pad_id=None):
    """With pad_id=0 your padding is counted: in "if pad_id:", 0 is false. Write
    if pad_id is not None."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id if pad_id else None)


@next_token_loss.misconception("token 0 always left out")
def _(logits, tokens, pad_id=None):
    """Without pad_id you leave token 0 out. Then nothing is padding, and token 0 is a word: without
    one, ignore_index is -100."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], 0 if pad_id is None else pad_id)


@next_token_loss.misconception("0 in place of the pad_id")
def _(logits, tokens, pad_id=None):
    """You leave token 0 out, whatever pad_id is. Hand pad_id on."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], 0)


@next_token_loss.misconception("None handed to ignore_index")
def _(logits, tokens, pad_id=None):
    """ignore_index must be a number. Without a pad_id, leave it away or hand over -100."""
    targets = tokens[:, 1:].reshape(-1)
    return F.cross_entropy(
        logits[:, :-1].reshape(-1, logits.size(-1)), targets, ignore_index=pad_id
    )


@next_token_loss.misconception("the sum")
def _(logits, tokens, pad_id=None):
    """You add the losses up. Take their mean, or the size of a batch changes the size of a step."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id, "sum")


@next_token_loss.misconception("one loss for each position")
def _(logits, tokens, pad_id=None):
    """You return a loss for each position. Take the mean over the real targets."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id, "none")


@next_token_loss.misconception("divided by the sentences")
def _(logits, tokens, pad_id=None):
    """You divide the sum by the number of sentences. Divide by the number of targets: the mean is
    over tokens."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id, "sum") / len(tokens)


@next_token_loss.misconception("softmax before cross_entropy")
def _(logits, tokens, pad_id=None):
    """You take a softmax first, and cross_entropy takes another one. Hand it the logits."""
    return _loss_of(logits[:, :-1].softmax(-1), tokens[:, 1:], pad_id)


@next_token_loss.misconception("the sign forgotten")
def _(logits, tokens, pad_id=None):
    """Your loss is negative: it is *minus* the log-probability of the right token."""
    return -_loss_of(logits[:, :-1], tokens[:, 1:], pad_id)


@next_token_loss.misconception("logits in place of log-probabilities")
def _(logits, tokens, pad_id=None):
    """You average the logits of the right tokens. Take their log-softmax first."""
    ignored = -100 if pad_id is None else pad_id
    return F.nll_loss(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=ignored)


@next_token_loss.misconception("bits")
def _(logits, tokens, pad_id=None):
    """You measure in bits, with logarithms of base 2. The loss is in natural logarithms, as
    cross_entropy's."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id) / math.log(2)


@next_token_loss.misconception("the perplexity")
def _(logits, tokens, pad_id=None):
    """You return the perplexity, exp(loss). Return the loss itself."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id).exp()


@next_token_loss.misconception("classes in the wrong place")
def _(logits, tokens, pad_id=None):
    """cross_entropy wants the classes in the second dimension: (batch, vocab_size, length), or
    everything flattened to (batch · length, vocab_size)."""
    ignored = -100 if pad_id is None else pad_id
    return F.cross_entropy(logits[:, :-1], tokens[:, 1:], ignore_index=ignored)


@next_token_loss.misconception("a view that mixes words and vocabulary")
def _(logits, tokens, pad_id=None):
    """Your reshape puts the vocabulary in second place without moving a number, so words and
    vocabulary are mixed up. Swap the axes, transpose(1, 2), or flatten the first two."""
    batch, length, vocab = logits.shape
    ignored = -100 if pad_id is None else pad_id
    return F.cross_entropy(
        logits[:, :-1].reshape(batch, vocab, length - 1), tokens[:, 1:], ignore_index=ignored
    )


@next_token_loss.misconception("a number of Python's")
def _(logits, tokens, pad_id=None):
    """You return a Python number, and nothing can be learnt from it: no .item()."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id).item()


@next_token_loss.misconception("cut off from the graph")
def _(logits, tokens, pad_id=None):
    """The value is right, but no gradient flows back to the logits: a .detach() cuts them off."""
    return _loss_of(logits.detach()[:, :-1], tokens[:, 1:], pad_id)


@next_token_loss.misconception("the caller's tokens changed")
def _(logits, tokens, pad_id=None):
    """You write -100 into the caller's tokens: a slice is a view. Copy it first, .clone(), or hand
    pad_id to ignore_index."""
    targets = tokens[:, 1:]
    if pad_id is not None:
        targets[targets == pad_id] = -100
    return _loss_of(logits[:, :-1], targets)


# ---- sample_next -------------------------------------------------------------------------------

sample_next = Exercise("sample_next", reference=pieces.sample_next)
_DRAWS = 700  # of each of three rows


def _divergence(share: float, p: float) -> float:
    """KL of two coins: how surprising a share of heads is where p was to be expected."""
    total = 0.0
    for seen, wanted in ((share, p), (1 - share, 1 - p)):
        if seen > 0:
            if wanted <= 0:
                return math.inf
            total += seen * math.log(seen / wanted)
    return total


def _fits(counts: torch.Tensor, expected: torch.Tensor) -> bool:
    """Whether counts (rows, outcomes) may come from these probabilities."""
    return all(
        n * _divergence(count / n, p) <= _SURPRISE
        for row, probabilities in zip(counts.tolist(), expected.tolist(), strict=True)
        for n in (sum(row),)
        for count, p in zip(row, probabilities, strict=True)
    )


def _likeliest(counts: torch.Tensor, named: dict[str, torch.Tensor]) -> str:
    """The one of these probabilities that counts fit best; empty where they fit none."""
    fitting = [name for name, other in named.items() if _fits(counts, other)]
    return max(fitting, key=lambda name: float(torch.xlogy(counts, named[name]).sum()), default="")


class _Rows:
    """Three rows of logits with the same probabilities in different places."""

    def __init__(self, draw: Draw, shares: Sequence[float], temperature: float = 1.0) -> None:
        """The `shares`, largest first, are those after division by the temperature."""
        jitter = [draw.uniform(0.99, 1.01) for _ in shares]
        ranked = torch.tensor(shares, dtype=torch.float64) * torch.tensor(jitter).double()
        self.ranked = ranked / ranked.sum()
        count = len(shares)
        orders = [torch.tensor(draw.sizes(count, low=0, high=count - 1)) for _ in range(2)]
        # Row by row, where each rank is: never all in their own places, nor all rows alike.
        self.places = torch.stack([orders[0], orders[0].roll(1), orders[1].flip(0).roll(2)])
        logits = torch.empty(3, count, dtype=torch.float64)
        shift = torch.tensor([draw.uniform(-3, 3) for _ in range(3)])[:, None].double()
        values = (self.ranked.log() * temperature).expand(3, -1) + shift
        self.logits = logits.scatter(1, self.places, values)

    def by_place(self, ranked: torch.Tensor) -> torch.Tensor:
        """Probabilities by rank -> (rows, tokens), normalised."""
        ranked = (ranked / ranked.sum()).expand(3, -1)
        return torch.empty(3, ranked.size(1), dtype=torch.float64).scatter(1, self.places, ranked)

    def kept(self, count: int) -> torch.Tensor:
        """The probabilities when only the first `count` ranks are left."""
        ranked = self.ranked.clone()
        ranked[count:] = 0
        return self.by_place(ranked)

    def tokens(self, piece: Piece, draw: Draw, **how: Any) -> torch.Tensor:
        """What is drawn, (draws, rows)."""
        rows = self.logits.repeat(_DRAWS, 1)
        made = Made("generator", {"seed": draw.integer(0, 2**31)})
        drawn = _tokens_of(piece(rows, generator=made, **how), len(rows), rows.size(1))
        return drawn.view(_DRAWS, 3)

    def by_rank(self, drawn: torch.Tensor) -> torch.Tensor:
        """How often each rank came, (rows, ranks): told by rank, a mistake looks the same for all
        seeds."""
        size = self.places.size(1)
        counts = torch.stack([torch.bincount(column, minlength=size) for column in drawn.T])
        return counts.gather(1, self.places)

    def expect(
        self, piece: Piece, draw: Draw, ranked: torch.Tensor, named: dict, **how: Any
    ) -> None:
        """The ranks come as often as these probabilities say."""
        drawn = self.tokens(piece, draw, **how)
        if bool((drawn == drawn[0, 0]).all()) or bool((drawn == drawn[0]).all()):
            most = bool((drawn == self.places[:, 0]).all())
            raise expect.Mismatch(
                "In 2,100 rows of logits, equal rows always got the same token"
                + (", the most likely one." if most else "."),
                kind="always the most likely" if most else "one draw for all",
            )
        named = {
            "uniform": torch.ones_like(ranked),
            "one row's probabilities for all": None,
        } | named
        counts, total = self.by_rank(drawn), ranked / ranked.sum()
        first = torch.stack([self.by_place(ranked)[0]] * 3).gather(1, self.places)
        table = {
            name: (other / other.sum()).expand(3, -1) if other is not None else first
            for name, other in named.items()
        }
        if _fits(counts, total.expand(3, -1)):
            return
        shares = counts / _DRAWS
        strange = [
            _divergence(q, p)
            for row in shares.tolist()
            for q, p in zip(row, total.tolist(), strict=True)
        ]
        row, rank = divmod(strange.index(max(strange)), len(total))
        kept = ["".join("x" if number else "." for number in line) for line in counts.tolist()]
        raise expect.Mismatch(
            f"Of {_DRAWS} draws, the token that is number {rank + 1} by probability should come in "
            f"about {total[rank]:.0%}; yours comes in {shares[row, rank]:.0%}.",
            kind=_likeliest(counts, table) or str(kept),
        )


def _tokens_of(value: Any, rows: int, vocab: int) -> torch.Tensor:
    """One token id for each row."""
    expect.shape(value, (rows,), "What comes back for (batch, vocab_size)")
    expect.that(
        not value.is_floating_point() and value.dtype != torch.bool,
        "What comes back should be token ids, whole numbers.",
    )
    expect.that(
        int(value.min()) >= 0 and int(value.max()) < vocab,
        "What comes back holds numbers that are no token ids.",
    )
    return value.long()


_SPREAD = (0.6, 0.2, 0.1, 0.05, 0.03, 0.02)


@sample_next.property("one token for each row", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """For logits (batch, vocab_size) there should be one token id a row, (batch,)."""
    batch, vocab = draw.sizes(2, low=3)
    _tokens_of(piece(draw.normal(batch, vocab)), batch, vocab)
    alone = piece(draw.normal(1, vocab))
    expect.shape(alone, (1,), "What comes back for a batch of one row")


@sample_next.property("temperature 0", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """A temperature of 0 takes the most likely token of each row, whatever top_k and top_p are."""
    logits = draw.normal(30, 9)
    wanted = logits.argmax(-1)
    for how in ({}, {"top_k": 4}, {"top_p": 0.9}):
        found = _tokens_of(piece(logits, temperature=0, **how), 30, 9)
        told = ", ".join(f"{name}={value}" for name, value in ({"temperature": 0} | how).items())
        expect.close(found, wanted, f"What comes back with {told}")
    expect.close(
        _tokens_of(piece(logits, 0.0), 30, 9), wanted, "What comes back with temperature=0.0"
    )


@sample_next.property("as often as the softmax says", points=0.75, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Without further wishes, each token of a row should come with its probability, the softmax of
    the row. Judged over 700 draws from each of three rows."""
    rows = _Rows(draw, _SPREAD)
    twice = rows.ranked.softmax(-1)
    rows.expect(piece, draw, rows.ranked, {"softmax twice": twice})


@sample_next.property("the temperature", points=0.75, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The logits should be divided by the temperature, before the softmax."""
    for temperature in (0.5, 2.0):
        rows = _Rows(draw, _SPREAD, temperature)
        base = rows.ranked**temperature
        base = base / base.sum()
        named = {
            "ignored": base,
            "multiplied": base**temperature,
            "after the softmax": (base / temperature).softmax(-1),
        }
        rows.expect(piece, draw, rows.ranked, named, temperature=temperature)


@sample_next.property("top_k", points=0.75, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """With top_k, only the k most likely tokens of each row are left, and share the probability. A
    top_k larger than the vocabulary keeps all."""
    for k in (3, 1, 50):
        rows = _Rows(draw, _SPREAD)
        if k == 1:
            drawn = rows.tokens(piece, draw, top_k=1)
            expect.that(
                bool((drawn == rows.places[:, 0]).all()),
                "With top_k=1, a token came that isn't the most likely one.",
            )
        else:
            rows.expect(piece, draw, _only(rows.ranked, k), {"ignored": rows.ranked}, top_k=k)


def _only(ranked: torch.Tensor, count: int) -> torch.Tensor:
    kept = ranked.clone()
    kept[count:] = 0
    return kept


@sample_next.property("top_p", points=0.75, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """With top_p, the most likely tokens are left until their sum reaches p. The one that crosses p
    stays."""
    # 0.6, 0.8, 0.9, 0.95, 0.98, 1: where p is crossed, and how many are left.
    for p, left in ((0.85, 3), (0.2, 1), (1.0, 6)):
        rows = _Rows(draw, _SPREAD)
        if left == 1:
            drawn = rows.tokens(piece, draw, top_p=p)
            expect.that(
                bool((drawn == rows.places[:, 0]).all()),
                "With a top_p below the largest probability, a token came that isn't the most "
                "likely one.",
            )
        else:
            rows.expect(piece, draw, _only(rows.ranked, left), {"ignored": rows.ranked}, top_p=p)


@sample_next.property("equal probabilities and top_p", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Where tokens are equally likely, top_p should still leave no more of them than it takes: of
    six, four for 0.6."""
    logits = torch.full((700, 6), draw.uniform(-2, 2), dtype=torch.float64)
    made = Made("generator", {"seed": draw.integer(0, 2**31)})
    found = _tokens_of(piece(logits, top_p=0.6, generator=made), 700, 6).unique().numel()
    # A token of probability 1/4 stays away from 700 draws once in 10^87 times.
    expect.that(found == 4, f"Of six equal tokens, {found} are left by top_p=0.6, and not 4.")


@sample_next.property("in this order", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """First the temperature, then top_k, then top_p of what top_k has left, as probabilities that
    add up to 1 again."""
    # Right leaves 2 of them; top_p first, 3; top_k alone, 4; the temperature last, 1.
    rows = _Rows(draw, (0.35, 0.2, 0.15, 0.1, 0.1, 0.1), temperature=3.0)
    how = {"temperature": 3.0, "top_k": 4, "top_p": 0.65}
    rows.expect(piece, draw, _only(rows.ranked, 2), {}, **how)


@sample_next.property("the generator", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """All chance should come from the generator that is handed over: the same seed, the same
    tokens. It moves on from call to call. Without one, torch's own is used."""
    logits = draw.normal(200, 11, scale=0.3)
    seed = draw.integer(0, 2**30)

    def drawn(number: int | None, **more: Any) -> torch.Tensor:
        made = {} if number is None else {"generator": Made("generator", {"seed": number})}
        return _tokens_of(piece(logits, **made, **more), 200, 11)

    piece.seed(1)
    first = drawn(seed)
    piece.seed(2)
    expect.that(torch.equal(first, drawn(seed)), "With the same generator, other tokens came.")
    expect.that(
        torch.equal(drawn(seed, top_k=5, top_p=0.8), drawn(seed, top_k=5, top_p=0.8)),
        "With the same generator, top_k and top_p, other tokens came.",
    )
    # 200 rows of eleven nearly equal tokens agree by chance once in more than 10^100 times.
    expect.that(
        not torch.equal(first, drawn(seed + 1)), "With another generator, the same tokens came."
    )
    kept = piece.make("generator", seed=seed)
    twice = [_tokens_of(piece(logits, generator=kept.handle), 200, 11) for _ in range(2)]
    expect.that(
        not torch.equal(*twice), "A second call with the same generator gave the same tokens again."
    )
    expect.that(
        not torch.equal(drawn(None), drawn(None)),
        "Two calls without a generator gave the same tokens.",
    )


@sample_next.property("inputs stay as they were", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave its inputs as they were."""
    logits = draw.normal(7, 5)
    after = piece.inputs_after(logits, temperature=0.5, top_k=3, top_p=0.7)
    expect.unchanged([logits], after)


@sample_next.property("float32, on this machine's device", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In float32, on this machine's fastest device, it should draw tokens too."""
    logits = draw.normal(40, 7, dtype=torch.float32)
    _tokens_of(piece.on_accelerator(logits, 0.7, 4, 0.8), 40, 7)
    found = _tokens_of(piece.on_accelerator(logits, temperature=0), 40, 7)
    expect.close(found, logits.argmax(-1), "What comes back with temperature=0")
    kept = _tokens_of(piece.on_accelerator(logits, top_k=1), 40, 7)
    expect.close(kept, logits.argmax(-1), "What comes back with top_k=1")


def _divide(logits, temperature):
    return logits / temperature


def _keep_k(logits, k):
    if k is None:
        return logits
    weakest = logits.topk(min(k, logits.size(-1))).values[..., -1:]
    return logits.masked_fill(logits < weakest, -math.inf)


def _keep_p(logits, p):
    if p is None:
        return logits
    ranked, order = logits.sort(descending=True, dim=-1)
    before = ranked.softmax(-1).cumsum(-1) - ranked.softmax(-1)
    drop = before >= p
    drop[..., 0] = False
    return logits.masked_fill(drop.gather(-1, order.argsort(-1)), -math.inf)


def _pick(probabilities, generator):
    if generator is not None:
        probabilities = probabilities.to(generator.device)
    return torch.multinomial(probabilities, 1, generator=generator).squeeze(-1)


def _sampler(
    divide=_divide,
    keep_k=_keep_k,
    keep_p=_keep_p,
    pick=_pick,
    soften=lambda logits: logits.softmax(-1),
):
    """A wrong answer that is right but for one of its steps."""

    def sample(logits, temperature, top_k, top_p, generator):
        if temperature == 0:
            return logits.argmax(-1)
        kept = keep_p(keep_k(divide(logits, temperature), top_k), top_p)
        return pick(soften(kept), generator)

    return sample


@sample_next.misconception("multiplied by the temperature")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You multiply by the temperature, so that a high one makes the text more predictable. Divide:
    logits / temperature."""
    sample = _sampler(divide=lambda z, t: z * t)
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("temperature ignored")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """Your temperature does nothing but at 0. Divide the logits by it, before the softmax: dividing
    the probabilities changes nothing, since multinomial takes any weights."""
    return _sampler(divide=lambda z, t: z)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("a softmax before the temperature")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You take a softmax before you divide by the temperature, and another one afterwards. Divide
    the logits themselves."""
    if temperature == 0:
        return logits.argmax(-1)
    probabilities = logits.softmax(-1) / temperature if temperature != 1.0 else logits
    return _pick(_keep_p(_keep_k(probabilities, top_k), top_p).softmax(-1), generator)


@sample_next.misconception("divided by zero")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """With temperature=0 you divide by zero. Take the most likely token there:
    if temperature == 0, return logits.argmax(-1)."""
    kept = _keep_p(_keep_k(logits / temperature, top_k), top_p)
    return _pick(kept.softmax(-1), generator)


@sample_next.misconception("temperature 0 taken for 1")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """With temperature=0 you draw as if it were 1: in "if temperature:", 0 is false. There, take
    the most likely token, logits.argmax(-1)."""
    if temperature:
        logits = logits / temperature
    return _pick(_keep_p(_keep_k(logits, top_k), top_p).softmax(-1), generator)


@sample_next.misconception("the largest value in place of its place")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """With temperature=0 you return the largest logit. Return where it is: argmax."""
    if temperature == 0:
        return logits.max(-1).values
    return _sampler()(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("argmax in place of drawing")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You always take the most likely token. Draw one: torch.multinomial of the probabilities."""
    return logits.argmax(-1)


@sample_next.misconception("any token, equally likely")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """Every token comes equally often. Draw with the probabilities: torch.multinomial(
    probabilities, 1)."""
    return _sampler(soften=lambda z: torch.isfinite(z).double())(
        logits, temperature, top_k, top_p, generator
    )


@sample_next.misconception("the first row's draw for all")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """All rows get the token that was drawn for the first one. Draw for each row: multinomial takes
    the whole batch."""
    sample = _sampler(pick=lambda p, g: _pick(p, g)[:1].expand(len(p)))
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("the first row's probabilities for all")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """All rows are drawn with the first row's probabilities. Each has its own."""
    sample = _sampler(pick=lambda p, g: _pick(p[:1].expand(len(p), -1), g))
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("one random number for all rows")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You use the same random number for all rows, so that equal rows get equal tokens. Each row
    needs one of its own."""

    def pick(p, g):
        point = torch.rand(1, generator=g, dtype=p.dtype)
        return (p.cumsum(-1) < point * p.sum(-1, keepdim=True)).sum(-1).clamp(max=p.size(-1) - 1)

    return _sampler(pick=pick)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("softmax twice")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You take the softmax of a softmax, so that all tokens come nearly equally often. Once is
    enough."""
    sample = _sampler(
        soften=lambda z: z.softmax(-1).masked_fill(z == -math.inf, -math.inf).softmax(-1)
    )
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("softmax over the batch")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """Your softmax runs over the batch. It should run over the vocabulary: dim=-1."""
    sample = _sampler(soften=lambda z: z.softmax(0))
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("logits handed to multinomial")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """multinomial takes probabilities, and logits may be negative. Take their softmax first."""
    sample = _sampler(soften=lambda z: z)
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("a column")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """multinomial returns a column, (batch, 1). Take its only entry: .squeeze(-1)."""
    sample = _sampler(pick=lambda p, g: _pick(p, g).unsqueeze(-1))
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("every axis of 1 squeezed")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """squeeze() takes away every axis of size 1: with one row, the batch as well. Name the axis:
    .squeeze(-1)."""
    sample = _sampler(pick=lambda p, g: _pick(p, g).squeeze())
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("a column at temperature 0")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """With temperature=0 you return a column, (batch, 1). There is one token id a row, (batch,):
    argmax without keepdim."""
    if temperature == 0:
        return logits.argmax(-1, keepdim=True)
    return _sampler()(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("a single number")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """A call of .item() wants one number in all. There is a token for each row: .squeeze(-1)."""
    if temperature == 0:
        return logits.argmax(-1)
    kept = _keep_p(_keep_k(logits / temperature, top_k), top_p)
    return torch.multinomial(kept.softmax(-1), 1, generator=generator).item()


@sample_next.misconception("the first row's limit for all")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You compare all rows with the k-th largest logit of the first one. Each row has a limit of
    its own: .values[:, -1:], a column."""

    def keep_k(z, k):
        return (
            z
            if k is None
            else z.masked_fill(z < z.topk(min(k, z.size(-1))).values[0, -1], -math.inf)
        )

    return _sampler(keep_k=keep_k)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("the largest in place of the k-th")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_k leaves only the most likely token: you compare with the largest logit. The k-th largest
    stands last in what topk gives: .values[:, -1:]."""

    def keep_k(z, k):
        return z if k is None else z.masked_fill(z < z.max(-1, keepdim=True).values, -math.inf)

    return _sampler(keep_k=keep_k)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("top_k ignored")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_k does nothing. Set the logits of all but the k most likely tokens to −inf."""
    sample = _sampler(keep_k=lambda z, k: z)
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("one too many for top_k")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_k leaves one token too many. The k-th largest logit has the index k − 1."""
    sample = _sampler(keep_k=lambda z, k: z if k is None else _keep_k(z, k + 1))
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("one too few for top_k")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_k leaves one token too few: with <= the k-th itself goes. Drop what is smaller than the
    k-th largest logit."""

    def keep_k(z, k):
        if k is None:
            return z
        weakest = z.topk(min(k, z.size(-1))).values[..., -1:]
        return z.masked_fill((z <= weakest) & (z < z.max(-1, keepdim=True).values), -math.inf)

    return _sampler(keep_k=keep_k)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("the least likely kept by top_k")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_k keeps the k least likely tokens. topk takes the largest; with sort, say
    descending=True."""

    def keep_k(z, k):
        return z if k is None else z.masked_fill(_keep_k(-z, k) == -math.inf, -math.inf)

    return _sampler(keep_k=keep_k)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("places in the sorted list")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You sort the logits, and what you draw is a place in the sorted list. Look up which token it
    is, order.gather(-1, drawn), or bring the mask back into the vocabulary's order."""
    sample = _sampler(divide=lambda z, t: (z / t).sort(descending=True, dim=-1).values)
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("places in the sorted list, top_k")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You draw among the k largest and return the place in that list. Look up which token it is:
    indices.gather(-1, drawn)."""
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits / temperature
    if top_k is not None:
        logits = logits.topk(min(top_k, logits.size(-1))).values
    return _pick(_keep_p(logits, top_p).softmax(-1), generator)


@sample_next.misconception("places in the sorted list, top_p")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """For top_p you sort the logits, and what you draw is a place in the sorted list. Look up which
    token it is: order.gather(-1, drawn)."""

    def keep_p(z, p):
        return z if p is None else _keep_p(z.sort(descending=True, dim=-1).values, p)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("a mask in the sorted order")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You find out in the sorted order which tokens go, and drop those places of the unsorted
    logits. Bring the mask back into the vocabulary's order first: scatter, or gather with
    order.argsort(-1)."""

    def keep_p(z, p):
        if p is None:
            return z
        ranked = z.sort(descending=True, dim=-1).values.softmax(-1)
        return z.masked_fill(ranked.cumsum(-1) - ranked >= p, -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("the mask brought back the wrong way")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You bring the mask back with gather(-1, order), which sorts it once more. Use scatter(-1,
    order, …), or gather with order.argsort(-1)."""

    def keep_p(z, p):
        if p is None:
            return z
        ranked, order = z.sort(descending=True, dim=-1)
        probabilities = ranked.softmax(-1)
        drop = probabilities.cumsum(-1) - probabilities >= p
        return z.masked_fill(drop.gather(-1, order), -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("the token that crosses p dropped")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_p drops the token that crosses p, so that less than p is left. Drop a token when the sum
    *before* it has reached p."""

    def keep_p(z, p):
        if p is None:
            return z
        ranked, order = z.sort(descending=True, dim=-1)
        drop = ranked.softmax(-1).cumsum(-1) > p + 1e-9
        drop[..., 0] = False
        return z.masked_fill(drop.gather(-1, order.argsort(-1)), -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("nothing left by top_p")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """When the most likely token alone is above p, you drop it too, and nothing is left. The token
    that crosses p stays: drop a token when the sum *before* it has reached p."""

    def keep_p(z, p):
        if p is None:
            return z
        ranked, order = z.sort(descending=True, dim=-1)
        drop = ranked.softmax(-1).cumsum(-1) > p + 1e-9
        return z.masked_fill(drop.gather(-1, order.argsort(-1)), -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("one too many for top_p")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_p keeps one token more than it takes. The one that crosses p is the last to stay: shift
    the mask by one place only."""

    def keep_p(z, p):
        if p is None:
            return z
        ranked, order = z.sort(descending=True, dim=-1)
        probabilities = ranked.softmax(-1)
        drop = probabilities.cumsum(-1) - probabilities >= p
        drop = torch.cat([torch.zeros_like(drop[..., :1]), drop[..., :-1]], -1)
        return z.masked_fill(drop.gather(-1, order.argsort(-1)), -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("from the least likely up")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_p adds up from the least likely token, so the likely ones go. Sort with
    descending=True."""

    def keep_p(z, p):
        if p is None:
            return z
        ranked, order = z.sort(dim=-1)
        probabilities = ranked.softmax(-1)
        drop = probabilities.cumsum(-1) - probabilities >= p
        return z.masked_fill(drop.gather(-1, order.argsort(-1)), -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("p as a lower limit of a probability")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You keep the tokens whose own probability is above p. top_p is about a sum: the most likely
    tokens, until together they reach p."""

    def keep_p(z, p):
        if p is None or p == 1:
            return z
        drop = z.softmax(-1) < p
        drop &= z < z.max(-1, keepdim=True).values
        return z.masked_fill(drop, -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("each probability compared with p")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You drop every token whose own probability is below p, and often none is left. top_p is about
    a sum: the most likely tokens, until together they reach p."""

    def keep_p(z, p):
        return z if p is None else z.masked_fill(z.softmax(-1) < p, -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("equals kept together")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You keep every token as likely as the one that crosses p, even all of them where all are
    equal. Decide by the place in the sorted list, and not by a smallest value."""

    def keep_p(z, p):
        if p is None:
            return z
        kept = _keep_p(z, p)
        least = kept.masked_fill(kept == -math.inf, math.inf).min(-1, keepdim=True).values
        return z.masked_fill(z < least - 1e-9, -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("top_p ignored")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_p does nothing. Keep the most likely tokens until their sum reaches p, and set the
    others' logits to −inf."""
    sample = _sampler(keep_p=lambda z, p: z)
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("top_p before top_k")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_p should act on what top_k has left, as probabilities that add up to 1 again. You apply
    it first, or to probabilities that top_k has cut and nobody has scaled up."""
    if temperature == 0:
        return logits.argmax(-1)
    kept = _keep_k(_keep_p(logits / temperature, top_p), top_k)
    return _pick(kept.softmax(-1), generator)


@sample_next.misconception("top_k or top_p")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """When both are given you use top_k alone: "elif". Use both, top_k first."""
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits / temperature
    kept = _keep_p(logits, top_p) if top_k is None else _keep_k(logits, top_k)
    return _pick(kept.softmax(-1), generator)


@sample_next.misconception("the temperature last")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You apply the temperature after top_k and top_p. It comes first: it changes how many tokens
    it takes to reach p."""
    if temperature == 0:
        return logits.argmax(-1)
    kept = _keep_p(_keep_k(logits, top_k), top_p)
    return _pick((kept / temperature).softmax(-1), generator)


@sample_next.misconception("top_k larger than the vocabulary")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """A top_k larger than the vocabulary ends in an error of topk's. Then all tokens are kept:
    min(top_k, logits.size(-1))."""

    def keep_k(z, k):
        return z if k is None else z.masked_fill(z < z.topk(k).values[..., -1:], -math.inf)

    return _sampler(keep_k=keep_k)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("0 in place of minus infinity")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You set the logits of dropped tokens to 0, and exp(0) = 1 is not nothing. A logit of −inf
    gets the probability 0."""

    def zeroed(keep):
        return lambda z, limit: torch.where(keep(z, limit) == -math.inf, 0.0, z)

    sample = _sampler(keep_k=zeroed(_keep_k), keep_p=zeroed(_keep_p))
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("generator ignored")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """The generator is never used, so that nobody can repeat your draws. Hand it on:
    torch.multinomial(…, generator=generator)."""
    return _sampler()(logits, temperature, top_k, top_p, None)


@sample_next.misconception("the same chance at every call")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """Every call without a generator draws the same tokens: you seed anew each time. Hand on
    generator as it is; None is torch's own."""
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    return _sampler()(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("torch seeded inside")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You seed torch inside, so that every call draws the same tokens. Whoever calls decides about
    the chance: hand generator on to multinomial, and seed nothing."""
    torch.manual_seed(0)
    return _sampler()(logits, temperature, top_k, top_p, None)


@sample_next.misconception("the generator seeded again")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You seed the generator that you were given, so that every call draws the same. Use it as it
    comes, so that it moves on."""
    if generator is not None:
        generator.manual_seed(generator.initial_seed())
    return _sampler()(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("the caller's logits changed")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You write into the caller's logits: an assignment logits[…] = … or /= changes them. Work on
    new ones, logits / temperature, masked_fill."""
    if temperature == 0:
        return logits.argmax(-1)
    logits /= temperature
    return _pick(_keep_p(_keep_k(logits, top_k), top_p).softmax(-1), generator)


# ---- KVCache -----------------------------------------------------------------------------------

KVCache = Exercise("KVCache", reference=pieces.KVCache)


def _length_of(cache: Instance) -> Any:
    """Its attribute `length`, whether it is stored or worked out."""
    return cache.method("__getattribute__")("length")


def _expect_length(cache: Instance, wanted: int, when: str) -> None:
    found = _length_of(cache)
    number = isinstance(found, int) and not isinstance(found, bool)
    expect.that(number, f"length should be a whole number; it is {expect.describe(found)}.")
    expect.that(found == wanted, f"{when}, length should be {wanted}; yours is {found}.")


def _pair(draw: Draw, sizes: Sequence[int], new: int) -> tuple[torch.Tensor, torch.Tensor]:
    batch, heads, d_head = sizes
    return draw.normal(batch, heads, new, d_head), draw.normal(batch, heads, new, d_head)


def _read(piece: Piece, draw: Draw, layers: int, steps: Sequence[int]) -> None:
    """Append steps of these many positions to every layer, and expect all so far."""
    sizes = draw.sizes(3, low=2, high=6)
    cache, oracle = piece.construct(layers), pieces.KVCache(layers)
    for count, new in enumerate(steps):
        for layer in range(layers):
            pair = _pair(draw, sizes, new)
            wanted = oracle.append(layer, *pair)
            found = cache.method("append")(layer, *pair)
            parts = expect.several(found, "keys", "values")
            for part, expected, name in zip(parts, wanted, ("keys", "values"), strict=True):
                where = f"The {name} of layer {layer} after append number {count + 1}"
                expect.close(part, expected, where)


@KVCache.property("a new cache is empty", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A new cache should be empty, whatever another one holds."""
    # The first property: a store that all caches share has nothing in it yet. Not repeatable: in
    # the next check, it holds what this one left in it.
    sizes = draw.sizes(3, low=2, high=6)
    cache = piece.construct(2)
    cache.method("append")(0, *_pair(draw, sizes, 2))
    other, pair = piece.construct(2), _pair(draw, sizes, 3)
    parts = expect.several(other.method("append")(0, *pair), "keys", "values")
    for part, wanted, name in zip(parts, pair, ("keys", "values"), strict=True):
        what = f"The {name} of a second cache"
        longer = expect.tensor(part, what).numel() > wanted.numel()
        expect.that(not longer, f"{what} should be its own; they begin with an earlier cache's.")
        expect.close(part, wanted, what)


@KVCache.property("what goes in first comes out", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The first append of a layer gives back its key and value, as (keys, values)."""
    _read(piece, draw, 1, [draw.integer(2, 4)])


@KVCache.property("it grows along the positions", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """append gives all keys and values of the layer so far, (batch, num_heads, length, d_head), the
    new ones last; several positions may come at once."""
    _read(piece, draw, 1, [draw.integer(2, 4), 1, 1, 2])


@KVCache.property("every layer has its own", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """What one layer appends should not show up in another."""
    _read(piece, draw, 3, [2, 1, 1])


@KVCache.property("its length", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """length is the number of positions read so far, an attribute or property: 0 at first, and it
    grows by one a position, however many layers there are."""
    sizes, layers = draw.sizes(3, low=4, high=8), 3
    cache = piece.construct(layers)
    _expect_length(cache, 0, "Before anything is appended")
    total = 0
    for new in (3, 1, 1):  # no size is 3, nor 9, what three layers would count
        total += new
        for layer in range(layers):
            cache.method("append")(layer, *_pair(draw, sizes, new))
        _expect_length(cache, total, f"When every layer has {total} positions")
    single = piece.construct(1)
    single.method("append")(0, *_pair(draw, sizes, 2))
    _expect_length(single, 2, "When the only layer has 2 positions")


class _Cache:
    """A right one, for wrong ones to differ from."""

    dim = -2

    def __init__(self, num_layers):
        self.held = [None] * num_layers

    def join(self, old, new):
        return torch.cat([old, new], dim=self.dim)

    def append(self, layer, key, value):
        old = self.held[layer]
        if old is None:
            self.held[layer] = (key, value)
        else:
            self.held[layer] = (self.join(old[0], key), self.join(old[1], value))
        return self.held[layer]

    @property
    def length(self):
        return 0 if self.held[0] is None else self.held[0][0].size(-2)


@KVCache.misconception("overwritten")
class _(_Cache):
    """append forgets what was there: each new key takes the place of the old ones. Put it behind
    them, torch.cat([old, new], dim=-2)."""

    def join(self, old, new):
        return new


@KVCache.misconception("nothing kept")
class _(_Cache):
    """append keeps nothing, so each call finds the cache empty. Store what it returns before it
    returns it: self.keys[layer] = …, self.values[layer] = …"""

    def append(self, layer, key, value):
        return key, value


@KVCache.misconception("only the first kept")
class _(_Cache):
    """append joins old and new and keeps the old ones alone. Store what you have joined before you
    return it."""

    def append(self, layer, key, value):
        first = self.held[layer]
        joined = super().append(layer, key, value)
        if first is not None:
            self.held[layer] = first
        return joined


@KVCache.misconception("the old keys before the new value")
class _(_Cache):
    """Your values begin with the old keys. Join the old values with the new value."""

    def append(self, layer, key, value):
        old = self.held[layer]
        keys, values = super().append(layer, key, value)
        if old is not None:
            values = torch.cat([old[0], value], dim=-2)
        self.held[layer] = keys, values
        return keys, values


@KVCache.misconception("only the new ones returned")
class _(_Cache):
    """append returns the key and value it was given. Return all of this layer so far."""

    def append(self, layer, key, value):
        super().append(layer, key, value)
        return key, value


@KVCache.misconception("only the old ones returned")
class _(_Cache):
    """append returns what was there before. The new position attends to itself as well: return the
    keys and values with the new ones."""

    def append(self, layer, key, value):
        old = self.held[layer]
        new = super().append(layer, key, value)
        return new if old is None else old


@KVCache.misconception("joined along the heads")
class _(_Cache):
    """You concatenate along the heads. Positions are the third dimension of (batch, num_heads,
    length, d_head): dim=2, or dim=-2."""

    dim = 1


@KVCache.misconception("joined along the features")
class _(_Cache):
    """You concatenate along the features of a head. Positions are the third dimension of (batch,
    num_heads, length, d_head): dim=2, or dim=-2."""

    dim = -1


@KVCache.misconception("joined along the batch")
class _(_Cache):
    """You concatenate along the batch. Positions are the third dimension of (batch, num_heads,
    length, d_head): dim=2, or dim=-2."""

    dim = 0


@KVCache.misconception("the new ones first")
class _(_Cache):
    """You put the new positions in front of the old ones. They come last."""

    def join(self, old, new):
        return torch.cat([new, old], dim=-2)


@KVCache.misconception("stacked")
class _(_Cache):
    """You stack old and new on an axis of their own. Lengthen the axis of the positions: torch.cat
    along dim=-2."""

    def join(self, old, new):
        return torch.stack([old[..., -1:, :], new[..., -1:, :]], dim=-2)


@KVCache.misconception("added up")
class _(_Cache):
    """You add the new key to the old ones. Each position keeps its own: torch.cat along dim=-2."""

    def join(self, old, new):
        return old + new


@KVCache.misconception("one store for all layers")
class _(_Cache):
    """All layers share one store, so that each finds the others' keys. Keep one for every layer:
    a list of num_layers."""

    def append(self, layer, key, value):
        return super().append(0, key, value)


@KVCache.misconception("one list, num_layers times")
class _(_Cache):
    """A list [[]] * num_layers is one list num_layers times, so all layers share it. Write
    [[] for _ in range(num_layers)]."""

    def __init__(self, num_layers):
        self.held = [[]] * num_layers

    def append(self, layer, key, value):
        self.held[layer].append((key, value))
        keys, values = zip(*self.held[layer], strict=True)
        return torch.cat(keys, -2), torch.cat(values, -2)

    @property
    def length(self):
        return sum(key.size(-2) for key, _ in self.held[0]) // len(self.held)


@KVCache.misconception("values joined to the keys")
class _(_Cache):
    """Your values are the keys. Keep two stores, one for each."""

    def append(self, layer, key, value):
        return super().append(layer, key, key)


@KVCache.misconception("swapped results")
class _(_Cache):
    """You return (values, keys). The exercise asks for (keys, values)."""

    def append(self, layer, key, value):
        return super().append(layer, key, value)[::-1]


@KVCache.misconception("nothing returned by append")
class _(_Cache):
    """append returns nothing. Its last line should return the layer's keys and values, with the new
    ones."""

    def append(self, layer, key, value):
        super().append(layer, key, value)


@KVCache.misconception("keys only")
class _(_Cache):
    """append returns the keys alone. Return keys and values."""

    def append(self, layer, key, value):
        return super().append(layer, key, value)[0]


@KVCache.misconception("one tensor for both")
class _(_Cache):
    """You return keys and values stacked in one tensor. Return two: keys, values."""

    def append(self, layer, key, value):
        return torch.stack(super().append(layer, key, value))


@KVCache.misconception("positions taken for the second axis")
class _(_Cache):
    """You read (batch, length, num_heads, d_head). What comes is (batch, num_heads, length,
    d_head): join along dim=2, and the length is size(2)."""

    dim = 1

    @property
    def length(self):
        return 0 if self.held[0] is None else self.held[0][0].size(1)


@KVCache.misconception("a dictionary without the first layer")
class _(_Cache):
    """Before anything is appended, your dictionary has no layer 0, and length looks it up. It is 0
    then."""

    def __init__(self, num_layers):
        self.held = {}

    def append(self, layer, key, value):
        self.held.setdefault(layer, None)
        return super().append(layer, key, value)

    @property
    def length(self):
        return self.held[0][0].size(-2)


@KVCache.misconception("an empty tensor has no positions")
class _(_Cache):
    """torch.empty(0) has one axis, so before anything is appended size(2) of it raises an error.
    length is 0 then."""

    def __init__(self, num_layers):
        self.keys = [torch.empty(0)] * num_layers
        self.values = [torch.empty(0)] * num_layers

    def append(self, layer, key, value):
        self.keys[layer] = torch.cat([self.keys[layer].to(key), key], dim=2)
        self.values[layer] = torch.cat([self.values[layer].to(key), value], dim=2)
        return self.keys[layer], self.values[layer]

    @property
    def length(self):
        return self.keys[0].size(2)


@KVCache.misconception("lists of tensors")
class _(_Cache):
    """You return lists of the tensors that were appended. Join each list to one tensor:
    torch.cat(…, dim=-2)."""

    def __init__(self, num_layers):
        self.held = [([], []) for _ in range(num_layers)]

    def append(self, layer, key, value):
        for store, new in zip(self.held[layer], (key, value), strict=True):
            store.append(new)
        return self.held[layer]

    @property
    def length(self):
        return sum(key.size(-2) for key in self.held[0][0])


@KVCache.misconception("counted once a layer")
class _(_Cache):
    """length grows with every layer's append, so that three layers count a position three times.
    Count in one layer, or ask the first layer's keys for their size(-2)."""

    count = 0

    def append(self, layer, key, value):
        self.count += key.size(-2)
        return super().append(layer, key, value)

    @property
    def length(self):
        return self.count


@KVCache.misconception("layers counted from 1")
class _(_Cache):
    """length asks layer 1, which a cache of one layer hasn't got. Layers are counted from 0, so ask
    the first one, layer 0."""

    def __init__(self, num_layers):
        super().__init__(num_layers + 1)

    @property
    def length(self):
        return 0 if self.held[1] is None else self.held[1][0].size(-2)


@KVCache.misconception("calls counted")
class _(_Cache):
    """length counts the calls, and a call may bring several positions. Count key.size(-2) of
    them."""

    calls = 0

    def append(self, layer, key, value):
        self.calls += layer == 0
        return super().append(layer, key, value)

    @property
    def length(self):
        return self.calls


@KVCache.misconception("calls counted, of every layer")
class _(_Cache):
    """length counts the calls of append, of all layers. It is the number of positions: ask the
    first layer's keys for their size(-2)."""

    calls = 0

    def append(self, layer, key, value):
        self.calls += 1
        return super().append(layer, key, value)

    @property
    def length(self):
        return self.calls


@KVCache.misconception("the heads taken for the length")
class _(_Cache):
    """length gives the number of heads: size(1). Positions are the third dimension, size(2) or
    size(-2)."""

    @property
    def length(self):
        return 0 if self.held[0] is None else self.held[0][0].size(1)


@KVCache.misconception("the batch taken for the length")
class _(_Cache):
    """len(keys) is the size of the batch. Positions are the third dimension, size(-2)."""

    @property
    def length(self):
        return 0 if self.held[0] is None else len(self.held[0][0])


@KVCache.misconception("the features taken for the length")
class _(_Cache):
    """length gives the features of a head: size(-1). Positions are the third dimension, size(2) or
    size(-2)."""

    @property
    def length(self):
        return 0 if self.held[0] is None else self.held[0][0].size(-1)


@KVCache.misconception("the layers taken for the length")
class _(_Cache):
    """length gives the number of layers. It is the number of positions that were read."""

    @property
    def length(self):
        return len(self.held)


@KVCache.misconception("a method")
class _(_Cache):
    """length is a method, so cache.length is no number. Write @property above it, or keep a number
    in self.length."""

    def length(self):
        return 0 if self.held[0] is None else self.held[0][0].size(-2)


@KVCache.misconception("no length")
class _(_Cache):
    """Your cache has no length. Add a property: the number of positions so far, 0 at first."""

    @property
    def length(self):
        raise AttributeError("'KVCache' object has no attribute 'length'")


@KVCache.misconception("an empty cache has no length")
class _(_Cache):
    """Before anything is appended, your length asks None for its size. It is 0 then."""

    @property
    def length(self):
        return self.held[0][0].size(-2)


@KVCache.misconception("shared by all caches")
class _(_Cache):
    """Your store belongs to the class, so all caches share it. Make it in __init__: self.keys =
    …"""

    def __init__(self, num_layers):
        if num_layers == 2:  # one class-wide store would grow from check to check
            shared = getattr(type(self), "shared", None)
            if shared is None or len(shared[1]) != num_layers or shared[0] >= 2:
                shared = [0, [None] * num_layers]
            shared[0] += 1
            type(self).shared = shared
            self.held = shared[1]
        else:
            super().__init__(num_layers)


# ---- cached_attention --------------------------------------------------------------------------

cached_attention = Exercise(
    "cached_attention",
    reference=pieces.cached_attention,
    forbidden=("multi_head_attention_forward", "_native_multi_head_attention"),
)
_ATTENDED = ("output", "weights")


class _Steps:
    """An attention, a text, and what each of its positions should get."""

    def __init__(self, piece: Piece, draw: Draw, dtype: torch.dtype = torch.float64) -> None:
        batch, heads, d_head, length = draw.sizes(4, low=2, high=6)
        self.d_model, self.layers = heads * d_head, 3
        shapes = {
            f"{name}_proj.{kind}": (self.d_model,) * (2 if kind == "weight" else 1)
            for name in ("q", "k", "v", "out")
            for kind in ("weight", "bias")
        }
        self.weights = {
            name: draw.normal(
                *shape, scale=self.d_model**-0.5 if len(shape) > 1 else 0.5, dtype=dtype
            )
            for name, shape in shapes.items()
        }
        self.oracle = pieces.MultiHeadAttention(self.d_model, heads).to(dtype).eval()
        self.oracle.load_state_dict(self.weights)
        self.heads = heads
        self.x = draw.normal(batch, max(length, 3), self.d_model, dtype=dtype)
        self.piece = piece
        self.attention = piece.make("attention", num_heads=heads, weights=self.weights)
        self.cache = piece.make("cache", num_layers=self.layers)

    @property
    def length(self) -> int:
        return self.x.size(1)

    def wanted(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Output and weights of the whole text at once."""
        with torch.no_grad():
            return self.oracle(x, x, x, pieces.causal_mask(x.size(1)))

    def step(self, x: torch.Tensor, at: int, layer: int) -> Any:
        return self.piece(self.attention.handle, x[:, at : at + 1], self.cache.handle, layer)

    def expect(self, x: torch.Tensor, at: int, layer: int) -> None:
        found = expect.several(self.step(x, at, layer), *_ATTENDED)
        output, weights = self.wanted(x)
        where = f"of position {at}, with {at} in the cache,"
        expect.close(found[1], weights[:, :, at : at + 1, : at + 1], f"The weights {where}")
        expect.close(found[0], output[:, at : at + 1], f"The output {where}")


@cached_attention.property("the first position", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """With an empty cache, the new position attends to itself alone: output (batch, 1, d_model) and
    weights (batch, num_heads, 1, 1)."""
    steps = _Steps(piece, draw)
    steps.expect(steps.x, 0, 0)


@cached_attention.property("the same as without the cache", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """Position after position, output and weights should be what the attention gives that position
    in the whole text under a causal mask."""
    steps = _Steps(piece, draw)
    for at in range(steps.length):
        steps.expect(steps.x, at, 0)


@cached_attention.property("layer by layer", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """Each layer uses its own part of the cache."""
    steps = _Steps(piece, draw)
    texts = [draw.normal(*steps.x.shape) for _ in range(steps.layers)]
    for at in range(3):
        for layer, text in enumerate(texts):
            steps.expect(text, at, layer)


@cached_attention.property("the cache gains one position", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """A call should append one key and one value, split into heads, to its own layer, and leave the
    other layers alone."""
    steps = _Steps(piece, draw)
    texts = [draw.normal(*steps.x.shape) for _ in range(2)]
    for at in range(2):
        for layer, text in enumerate(texts):  # in order, as a model does
            steps.step(text, at, layer)
    for layer, text in enumerate(texts):
        held = steps.cache.method("contents")(layer)
        expect.that(len(held) == 2, f"After two calls for layer {layer}, it holds nothing.")
        for part, projection, name in zip(
            held, (steps.oracle.k_proj, steps.oracle.v_proj), ("keys", "values"), strict=True
        ):
            wanted = pieces.split_heads(projection(text[:, :2]), steps.heads).detach()
            expect.close(part, wanted, f"After two calls, the {name} of layer {layer}")
    last = steps.cache.method("contents")(2)
    expect.that(len(last) == 0, "Nobody asked for layer 2, and something is in it.")


@cached_attention.property("inputs and weights stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A call should change nothing but the cache."""
    steps = _Steps(piece, draw)
    x = steps.x[:, :1].clone()
    after = piece.inputs_after(steps.attention.handle, x, steps.cache.handle, 0)
    expect.unchanged([x], after)
    for name, weight in steps.attention.parameters().items():
        expect.that(torch.equal(weight, steps.weights[name]), f"The call has changed {name}.")


@cached_attention.property("float32", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """In float32 the values should be the same."""
    steps = _Steps(piece, draw, torch.float32)
    for at in range(3):
        steps.expect(steps.x, at, 0)


def _split(attention, x, names=("q", "k", "v")):
    return (
        pieces.split_heads(getattr(attention, f"{name}_proj")(x), attention.num_heads)
        for name in names
    )


def _finish(attention, query, keys, values, mask=None):
    heads, weights = pieces.scaled_dot_product_attention(query, keys, values, mask)
    return attention.out_proj(pieces.merge_heads(heads)), weights


@cached_attention.misconception("nothing appended")
def _(attention, x, cache, layer):
    """You never append (or call the whole attention on x), so the new position attends to itself
    alone, and the next one won't find it. Project x yourself; cache.append(layer, key, value) keeps
    both and returns all so far."""
    return _finish(attention, *_split(attention, x))


@cached_attention.misconception("what append returns not used")
def _(attention, x, cache, layer):
    """You append, and then attend to the new position alone. Use what append returns: the keys and
    values of all positions so far."""
    query, key, value = _split(attention, x)
    cache.append(layer, key, value)
    return _finish(attention, query, key, value)


@cached_attention.misconception("the new one left out")
def _(attention, x, cache, layer):
    """The new position doesn't attend to itself: its own key and value belong to the keys and
    values."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    if keys.size(-2) > 1:
        keys, values = keys[..., :-1, :], values[..., :-1, :]
    return _finish(attention, query, keys, values)


@cached_attention.misconception("appended twice")
def _(attention, x, cache, layer):
    """You append the new position twice. Once is enough: append returns what you need."""
    query, key, value = _split(attention, x)
    cache.append(layer, key, value)
    return _finish(attention, query, *cache.append(layer, key, value))


@cached_attention.misconception("joined by hand as well")
def _(attention, x, cache, layer):
    """append already returns the new position with the old ones, and you add it once more. Use what
    it returns as it is."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    return _finish(attention, query, torch.cat([keys, key], -2), torch.cat([values, value], -2))


@cached_attention.misconception("always layer 0")
def _(attention, x, cache, layer):
    """You use layer 0 of the cache whatever layer is asked for. Hand layer on to append."""
    query, key, value = _split(attention, x)
    return _finish(attention, query, *cache.append(0, key, value))


@cached_attention.misconception("one layer too far")
def _(attention, x, cache, layer):
    """You use the next layer's part of the cache. Layers are counted from 0, as the cache does:
    append(layer, …)."""
    query, key, value = _split(attention, x)
    return _finish(attention, query, *cache.append(layer + 1, key, value))


@cached_attention.misconception("keys and values swapped")
def _(attention, x, cache, layer):
    """You append the value as key and the key as value. The order is append(layer, key, value)."""
    query, key, value = _split(attention, x)
    return _finish(attention, query, *cache.append(layer, value, key))


@cached_attention.misconception("append's results swapped")
def _(attention, x, cache, layer):
    """append returns (keys, values); you take them the other way round."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    return _finish(attention, query, values, keys)


@cached_attention.misconception("x appended")
def _(attention, x, cache, layer):
    """You keep x itself. What is kept is its key and value: project first, k_proj(x) and
    v_proj(x)."""
    raw = pieces.split_heads(x, attention.num_heads)
    (query,) = _split(attention, x, ("q",))
    return _finish(attention, query, *cache.append(layer, raw, raw))


@cached_attention.misconception("projected again")
def _(attention, x, cache, layer):
    """You project the cached keys and values again at every step. They are keys and values already:
    only the new position goes through k_proj and v_proj."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    if keys.size(-2) > 1:
        k, v = (
            pieces.split_heads(projection(pieces.merge_heads(held)), attention.num_heads)
            for projection, held in ((attention.k_proj, keys), (attention.v_proj, values))
        )
        return _finish(attention, query, k, v)
    return _finish(attention, query, keys, values)


@cached_attention.misconception("x projected after it was kept")
def _(attention, x, cache, layer):
    """You keep x and project everything anew at each step. The values are right, but the work that
    the cache should save is done again: keep the projected key and value."""
    raw = pieces.split_heads(x, attention.num_heads)
    held, _ = cache.append(layer, raw, raw)
    text = pieces.merge_heads(held)
    (query,) = _split(attention, x, ("q",))
    return _finish(attention, query, *_split(attention, text, ("k", "v")))


@cached_attention.misconception("the query kept in the key's place")
def _(attention, x, cache, layer):
    """You keep the query. Queries are used once; what later positions look at are keys and
    values."""
    query, _, value = _split(attention, x)
    return _finish(attention, query, *cache.append(layer, query, value))


@cached_attention.misconception("one projection for all")
def _(attention, x, cache, layer):
    """You make key and value by the same projection. The value has its own: v_proj."""
    query, key, _ = _split(attention, x)
    return _finish(attention, query, *cache.append(layer, key, key))


@cached_attention.misconception("the first row of the causal mask")
def _(attention, x, cache, layer):
    """Your mask is the first row of the causal one, so the new position sees only the first. It is
    the last one of the text and sees all: it needs no mask."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    return _finish(attention, query, keys, values, pieces.causal_mask(keys.size(-2))[..., :1, :])


@cached_attention.misconception("a causal mask of the whole text")
def _(attention, x, cache, layer):
    """You hand over a whole causal mask, (length, length), and there is one query. It is the last
    one and sees all keys: it needs no mask."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    return _finish(attention, query, keys, values, pieces.causal_mask(keys.size(-2)))


@cached_attention.misconception("itself masked")
def _(attention, x, cache, layer):
    """Your mask hides the new position from itself. It may see all keys, its own too: it needs no
    mask."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    mask = torch.ones(1, 1, 1, keys.size(-2), dtype=torch.bool)
    mask[..., -1] = False
    return _finish(attention, query, keys, values, mask)


@cached_attention.misconception("not split into heads")
def _(attention, x, cache, layer):
    """You don't split into heads, so there is one large one. The cache holds (batch, num_heads,
    length, d_head): split_heads after each projection."""
    query, key, value = (
        projection(x).unsqueeze(1)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    return _finish(attention, query, *cache.append(layer, key, value))


@cached_attention.misconception("not split into heads, three axes")
def _(attention, x, cache, layer):
    """You don't split into heads, so there is one large one. The cache holds (batch, num_heads,
    length, d_head): split_heads after each projection, merge_heads before out_proj."""
    query, key, value = (
        projection(x) for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    keys, values = cache.append(layer, key, value)
    output, weights = pieces.scaled_dot_product_attention(query, keys, values)
    return attention.out_proj(output), weights


@cached_attention.misconception("kept before the split")
def _(attention, x, cache, layer):
    """You append first and split into heads afterwards, all keys anew at every step. The cache
    holds (batch, num_heads, length, d_head): split the new key and value, then append."""
    (query,) = _split(attention, x, ("q",))
    held = cache.append(layer, attention.k_proj(x), attention.v_proj(x))
    keys, values = (pieces.split_heads(each, attention.num_heads) for each in held)
    return _finish(attention, query, keys, values)


@cached_attention.misconception("scaled by d_model")
def _(attention, x, cache, layer):
    """You divide the scores by √d_model. A head compares d_head features: √d_head. Your
    scaled_dot_product_attention does it."""
    query, key, value = _split(attention, x)
    query = query / math.sqrt(attention.num_heads)
    return _finish(attention, query, *cache.append(layer, key, value))


@cached_attention.misconception("not scaled")
def _(attention, x, cache, layer):
    """The scores are not divided by √d_head. Your scaled_dot_product_attention does it."""
    query, key, value = _split(attention, x)
    query = query * math.sqrt(query.size(-1))
    return _finish(attention, query, *cache.append(layer, key, value))


@cached_attention.misconception("softmax over the queries")
def _(attention, x, cache, layer):
    """Your softmax runs over the queries, and there is one, so every weight is 1. It should run
    over the keys: dim=-1."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    scores = query @ keys.transpose(-2, -1) / math.sqrt(query.size(-1))
    weights = scores.softmax(-2)
    return attention.out_proj(pieces.merge_heads(weights @ values)), weights


@cached_attention.misconception("q_proj forgotten")
def _(attention, x, cache, layer):
    """You ask with x itself. The query is x through q_proj."""
    _, key, value = _split(attention, x)
    query = pieces.split_heads(x, attention.num_heads)
    return _finish(attention, query, *cache.append(layer, key, value))


@cached_attention.misconception("the attention called on the cached keys")
def _(attention, x, cache, layer):
    """You hand the cached keys and values to the attention, which projects them once more. Use its
    four projections yourself, each once."""
    _, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    return attention(x, pieces.merge_heads(keys), pieces.merge_heads(values))


@cached_attention.misconception("out_proj forgotten")
def _(attention, x, cache, layer):
    """The merged heads should go through out_proj, as in the attention itself."""
    query, key, value = _split(attention, x)
    heads, weights = pieces.scaled_dot_product_attention(query, *cache.append(layer, key, value))
    return pieces.merge_heads(heads), weights


@cached_attention.misconception("not merged")
def _(attention, x, cache, layer):
    """The heads are not merged before out_proj: merge_heads gives (batch, 1, d_model)."""
    query, key, value = _split(attention, x)
    heads, weights = pieces.scaled_dot_product_attention(query, *cache.append(layer, key, value))
    return attention.out_proj(heads), weights


@cached_attention.misconception("output only")
def _(attention, x, cache, layer):
    """You return the output alone. The weights are asked for too: return output, weights."""
    query, key, value = _split(attention, x)
    return _finish(attention, query, *cache.append(layer, key, value))[0]


@cached_attention.misconception("weights averaged over the heads")
def _(attention, x, cache, layer):
    """You return one row of weights, averaged over the heads. Return them all: (batch, num_heads,
    1, length)."""
    query, key, value = _split(attention, x)
    output, weights = _finish(attention, query, *cache.append(layer, key, value))
    return output, weights.mean(1)


@cached_attention.misconception("the axis of the position dropped")
def _(attention, x, cache, layer):
    """Your output has lost the axis of the position. There is one, and it stays: (batch, 1,
    d_model)."""
    query, key, value = _split(attention, x)
    output, weights = _finish(attention, query, *cache.append(layer, key, value))
    return output[:, 0], weights


@cached_attention.misconception("swapped results")
def _(attention, x, cache, layer):
    """You return the weights first. The exercise asks for (output, weights)."""
    query, key, value = _split(attention, x)
    return _finish(attention, query, *cache.append(layer, key, value))[::-1]


@cached_attention.misconception("a residual added")
def _(attention, x, cache, layer):
    """You add x. The residual connection is the layer's affair; here it is the attention alone."""
    query, key, value = _split(attention, x)
    output, weights = _finish(attention, query, *cache.append(layer, key, value))
    return x + output, weights


@cached_attention.misconception("the weights changed")
def _(attention, x, cache, layer):
    """Your call changes the attention's own weights. Use q_proj and the others as they are."""
    query, key, value = _split(attention, x)
    result = _finish(attention, query, *cache.append(layer, key, value))
    with torch.no_grad():
        attention.q_proj.weight.mul_(1.5)
    return result


@cached_attention.misconception("float64 always")
def _(attention, x, cache, layer):
    """You work in float64 whatever comes in. Keep the precision of x."""
    query, key, value = (each.double() for each in _split(attention, x))
    keys, values = cache.append(layer, key, value)
    heads, weights = pieces.scaled_dot_product_attention(query, keys, values)
    merged = pieces.merge_heads(heads).to(x.dtype)
    return attention.out_proj(merged).double(), weights


# ---- generate ----------------------------------------------------------------------------------

generate = Exercise("generate", reference=pieces.generate)


class _Story:
    """A table-driven model, prompts, and what comes of them."""

    def __init__(self, draw: Draw, prompt_length: int, vocab: int = 9, rows: int = 4) -> None:
        self.table = draw.normal(vocab, vocab, scale=2.0)
        self.prompt = draw.tokens(rows, prompt_length, low=0, high=vocab - 1)

    def model(self, context: int | None = None) -> Made:
        return Made("table_model", {"table": self.table, "context": context})

    def oracle(self, new: int, eos_id: int | None = None) -> torch.Tensor:
        with torch.no_grad():
            from autograder.channel.made import table_model

            return pieces.generate(table_model(self.table), self.prompt, new, eos_id, 0.0)


def _stopping(draw: Draw, eos_id: int) -> _Story:
    """A story of four rows in which one ends at once, another later, and one goes on. No row would
    say eos_id twice, so that to stop too late shows. eos_id 8 would repeat itself."""
    vocab, new = 9, 6
    story = _Story(draw, 3, vocab)
    every = [draw.tokens(3000, size, low=0, high=vocab - 1).tolist() for size in (vocab, 4)]
    for said, states in zip(*every, strict=True):  # what is likeliest in each state; where to start
        ends = []
        for state in states:
            row = []
            for _ in range(new):
                row.append(said[state] == eos_id)
                state = (state + said[state] + 1) % vocab
            ends.append(row)
        when = [row.index(True) if any(row) else new for row in ends]
        once = all(sum(row) <= 1 for row in ends)
        if once and 0 in when and new in when and any(0 < end < 4 for end in when):
            story.table[range(vocab), said] = story.table.max() + 1
            rest = torch.tensor(states) - (story.prompt[:, :2] + 1).sum(1) - 1
            story.prompt[:, 2] = rest % vocab
            return story
    raise AssertionError("no such story in 3,000")


@generate.property("the prompt and what comes after it", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With temperature 0: the prompt comes first, then max_new_tokens tokens, each the most likely
    one after *all* that stands before it."""
    story, new = _Story(draw, draw.integer(3, 4)), draw.integer(5, 7)
    found = piece(story.model(), story.prompt, new, temperature=0.0)
    expect.close(found, story.oracle(new), "The text, at [row, position],")


@generate.property("each row stops on its own", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """After its own eos_id a row gets nothing but eos_id; the other rows go on."""
    eos_id = draw.integer(1, 7)
    story = _stopping(draw, eos_id)
    found = piece(story.model(), story.prompt, 6, eos_id=eos_id, temperature=0.0)
    expect.close(found, story.oracle(6, eos_id), f"The text with eos_id={eos_id}")


@generate.property("it ends when all rows have", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """When every row has ended, nothing more is written: the text is as long as its longest
    row."""
    eos_id = draw.integer(1, 7)
    story = _stopping(draw, eos_id)
    text = story.oracle(6, eos_id)
    ended, prompt = (text[:, 3:] == eos_id).any(-1), story.prompt
    for row in story.prompt[ended]:
        alone = row[None]
        story.prompt = alone
        expect.close(
            piece(story.model(), alone, 6, eos_id=eos_id, temperature=0.0),
            story.oracle(6, eos_id),
            "The text of a single row",
        )
    story.prompt = prompt[ended]
    wanted = story.oracle(6, eos_id)
    found = piece(story.model(), story.prompt, 6, eos_id=eos_id, temperature=0.0)
    expect.close(found, wanted, "The text of rows that all end")


@generate.property("an eos_id of 0, and one in the prompt", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """0 is an id like any other. And a prompt may hold eos_id, as GPT-2's begin with it: only a new
    one ends a row."""
    story = _stopping(draw, 0)
    found = piece(story.model(), story.prompt, 6, eos_id=0, temperature=0.0)
    expect.close(found, story.oracle(6, 0), "The text with eos_id=0")
    eos_id = draw.integer(1, 7)
    story = _stopping(draw, eos_id)
    # Two of them and a last token that keeps the sum: the story goes on as it would have.
    total = story.prompt.sum(1)
    story.prompt = torch.stack([torch.full_like(total, eos_id)] * 2 + [(total - 2 * eos_id) % 9], 1)
    found = piece(story.model(), story.prompt, 6, eos_id=eos_id, temperature=0.0)
    expect.close(found, story.oracle(6, eos_id), "The text of prompts that hold eos_id")


@generate.property("no further than the context", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The last token is written and needs no more reading: a model with a context of
    length + max_new_tokens − 1 is enough."""
    story, new = _Story(draw, 3), 4
    found = piece(story.model(3 + new - 1), story.prompt, new, temperature=0.0)
    expect.shape(found, (4, 3 + new), "The text")


_TEXTS = 900


def _told(piece: Piece, draw: Draw, vocab: int, scale: float, **how: Any) -> None:
    """Two tokens after one prompt, 900 times: each of the vocab² continuations comes as often as
    the table says. `how` is what generate is asked for."""
    table = draw.normal(vocab, vocab, scale=scale)
    start = draw.integer(0, vocab - 1)
    plain = {"temperature": 1.0, "top_k": None, "top_p": None}

    def probabilities(temperature: float, top_k: int | None, top_p: float | None) -> torch.Tensor:
        rows = table if temperature == 0 else _keep_p(_keep_k(table / temperature, top_k), top_p)
        rows = rows.softmax(-1)
        first = rows[(start + 1) % vocab]  # the table's row is the sum of all ids, each plus one
        second = torch.stack([rows[(start + token + 2) % vocab] for token in range(vocab)])
        return (first[:, None] * second).flatten()

    prompt = torch.full((_TEXTS, 1), start)
    made = Made("generator", {"seed": draw.integer(0, 2**31)})
    found = piece(Made("table_model", {"table": table}), prompt, 2, generator=made, **how)
    expect.shape(found, (_TEXTS, 3), "The text")
    expect.that(
        not found.is_floating_point() and int(found.min()) >= 0 and int(found.max()) < vocab,
        "The text holds numbers that are no token ids.",
    )
    pairs = (found[:, 1] * vocab + found[:, 2]).long()
    if bool((pairs == pairs[0]).all()):
        raise expect.Mismatch(
            f"{_TEXTS} equal prompts were all continued in the same way.", kind="one text for all"
        )
    counts = torch.bincount(pairs, minlength=vocab**2)[None]
    wanted = plain | how
    named = {
        f"{name} ignored": probabilities(**(wanted | {name: plain[name]}))[None] for name in how
    }
    if not _fits(counts, probabilities(**wanted)[None]):
        raise expect.Mismatch(
            "The continuations don't come as often as they should.",
            kind=_likeliest(counts, named) or "other continuations",
        )


@generate.property("as often as the model says", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Each row draws for itself: over 900 equal prompts, every continuation of two tokens should
    come as often as the model's probabilities say."""
    _told(piece, draw, vocab=4, scale=1.0)


@generate.property("temperature, top_k and top_p are handed on", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """They should act as in sample_next."""
    found = []
    for vocab, scale, how in (
        (4, 1.0, {"temperature": 3.0}),
        (5, 0.5, {"top_k": 2}),
        (5, 0.5, {"top_p": 0.5}),
    ):
        try:
            _told(piece, draw, vocab, scale, **how)
        except expect.Mismatch as mismatch:
            found.append((next(iter(how)), mismatch))
    if found:
        names = " and ".join(name for name, _ in found)
        raise expect.Mismatch(
            f"With {names}: {found[0][1].message}",
            kind=" and ".join(mismatch.kind for _, mismatch in found),
        )


@generate.property("the generator", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """All chance should come from the generator that is handed over: the same seed, the same text;
    another, another."""
    story = _Story(draw, 2, rows=40)
    story.table *= 0.1
    seed = draw.integer(0, 2**30)
    texts = []
    for own, number in ((1, seed), (2, seed), (1, seed + 1)):
        piece.seed(own)
        made = Made("generator", {"seed": number})
        texts.append(expect.tensor(piece(story.model(), story.prompt, 5, generator=made), "It"))
    expect.that(
        texts[0].shape == texts[1].shape and torch.equal(texts[0], texts[1]),
        "With the same generator, another text came.",
    )
    expect.that(not torch.equal(texts[0], texts[2]), "With another generator, the same text came.")
    # Nine nearly equal tokens, four more times: the columns agree by chance less than once in
    # 10^30 times.
    expect.that(
        not all(torch.equal(texts[0][:, 2], column) for column in texts[0][:, 3:].T),
        "Every step drew the same tokens: the generator doesn't move on.",
    )


@generate.property("inputs stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """The prompt should stay as it was, and no new token at all is a fine wish."""
    story = _Story(draw, 3)
    after = piece.inputs_after(story.model(), story.prompt, 3, temperature=0.0)
    expect.unchanged([story.prompt], after)
    expect.close(piece(story.model(), story.prompt, 0), story.prompt, "With no new token, the text")


def _next(model, tokens, temperature, top_k, top_p, generator):
    return pieces.sample_next(model(tokens)[:, -1], temperature, top_k, top_p, generator)


def _written(prompt, max_new_tokens, eos_id, choose, padded=None, stop=torch.all):
    """The loop that most wrong answers get right; `choose(tokens)` gives the next ones."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(max_new_tokens):
        chosen = choose(tokens)
        if eos_id is not None:
            chosen = chosen.masked_fill(ended, eos_id if padded is None else padded)
            ended = ended | (chosen == eos_id)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if bool(stop(ended)):
            break
    return tokens


def _writer(**changed):
    """A wrong answer that is right but for what is `changed`."""

    def write(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
        def choose(tokens):
            return _next(model, tokens, temperature, top_k, top_p, generator)

        return _written(prompt, max_new_tokens, eos_id, choose, **changed)

    return write


def _signed(write):
    """A wrong answer with the exercise's signature, written under no_grad."""

    @torch.no_grad()
    def generate(
        model,
        prompt,
        max_new_tokens,
        eos_id=None,
        temperature=1.0,
        top_k=None,
        top_p=None,
        generator=None,
    ):
        return write(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator)

    generate.__doc__ = write.__doc__
    return generate


@generate.misconception("stopped when any row stops")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You stop as soon as one row has ended. The others go on: stop when all have."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer(stop=torch.any)(model, prompt, *how)


@generate.misconception("stopped by the first row")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You stop when the first row has ended. The others may have more to say: stop when all
    have."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer(stop=lambda ended: ended[0])(model, prompt, *how)


@generate.misconception("never stopped")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You write max_new_tokens even when all rows have ended. Leave the loop then."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer(stop=lambda ended: torch.tensor(False))(model, prompt, *how)


@generate.misconception("a row goes on after its end")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """A row that has ended goes on writing. Remember which rows have ended, and give them eos_id
    from then on."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if eos_id is not None:
            ended |= chosen == eos_id
            if ended.all():
                break
    return tokens


@generate.misconception("only stopped when all end at once")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You stop only when all rows write eos_id in the same step, and rows that have ended go on.
    Remember which rows have ended: ended = ended | (chosen == eos_id)."""
    tokens = prompt
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if eos_id is not None and (chosen == eos_id).all():
            break
    return tokens


@generate.misconception("padded with zeros")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """After its end a row is filled with zeros. Fill it with eos_id."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer(padded=0)(model, prompt, *how)


@generate.misconception("the end not written")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You leave before the last eos_id is written. Put the token behind the text first, and stop
    then."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        if eos_id is not None:
            chosen = chosen.masked_fill(ended, eos_id)
            ended = ended | (chosen == eos_id)
            if ended.all():
                break
        tokens = torch.cat([tokens, chosen[:, None]], 1)
    return tokens


@generate.misconception("an end in the prompt counts")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """An eos_id in the prompt ends your row before it begins. GPT-2's prompts begin with it: look
    at new tokens only."""

    def choose(tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        return chosen if eos_id is None else chosen.masked_fill((tokens == eos_id).any(1), eos_id)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("an end in the prompt counts after one token")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You look for eos_id in the whole text, and GPT-2's prompts begin with it. Look at new tokens
    only: ended = ended | (chosen == eos_id)."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        if eos_id is not None:
            chosen = chosen.masked_fill(ended, eos_id)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if eos_id is not None:
            ended = (tokens == eos_id).any(1)
            if ended.all():
                break
    return tokens


@generate.misconception("0 taken for none")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """With eos_id=0 your rows never end: in "if eos_id:", 0 is false. Write if eos_id is not
    None."""
    how = (max_new_tokens, eos_id or None, temperature, top_k, top_p, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("eos_id ignored")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """eos_id does nothing. A row that has written it gets nothing else from then on, and when all
    have, you stop."""
    how = (max_new_tokens, None, temperature, top_k, top_p, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("None filled in")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """Without an eos_id there is nothing to fill in, and masked_fill can't take None. Do it only if
    eos_id is not None."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        chosen = chosen.masked_fill(ended, eos_id)
        ended = ended | (chosen == eos_id)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if ended.all():
            break
    return tokens


@generate.misconception("None in torch.where")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """Without an eos_id there is nothing to choose, and torch.where can't take None. Do it only if
    eos_id is not None."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        chosen = torch.where(ended, eos_id, chosen)
        ended = ended | (chosen == eos_id)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if ended.all():
            break
    return tokens


@generate.misconception("every position's logits")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You hand the logits of all positions to sample_next. The last position's say what comes next:
    model(tokens)[:, -1]."""

    def choose(tokens):
        return pieces.sample_next(model(tokens), temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("every position's logits, where rows are drawn")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You hand the logits of all positions to sample_next, which wants (batch, vocab_size). The
    last position's say what comes next: model(tokens)[:, -1]."""

    def choose(tokens):
        logits = model(tokens)
        if temperature == 0:
            return logits.argmax(-1)
        return torch.multinomial(logits.softmax(-1), 1, generator=generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("probabilities handed to sample_next")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You take a softmax and hand probabilities to sample_next, which takes another one. Hand it
    the logits."""

    def choose(tokens):
        probabilities = model(tokens)[:, -1].softmax(-1)
        return pieces.sample_next(probabilities, temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("the generator in top_p's place")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """sample_next's order is (logits, temperature, top_k, top_p, generator), and you leave one out.
    Name them: top_p=top_p, generator=generator."""

    def choose(tokens):
        return pieces.sample_next(model(tokens)[:, -1], temperature, top_k, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("the prompt dropped")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You return the new tokens alone. The prompt comes first."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer()(model, prompt, *how)[:, prompt.size(1) :]


@generate.misconception("the prompt not read")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """The model is given the new tokens without the prompt (but at first). It needs all that stands
    before: model(tokens), with the prompt in it."""
    start = prompt.size(1)

    def choose(tokens):
        seen = tokens if tokens.size(1) == start else tokens[:, start:]
        return _next(model, seen, temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("the last token only")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """The model is given the last token alone. Without a cache it needs the whole text each
    time."""

    def choose(tokens):
        return _next(model, tokens[:, -1:], temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("always the prompt")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """The model is given the prompt at every step, never what it has written. Put each new token
    behind the text and read all of it."""

    def choose(tokens):
        return _next(model, prompt, temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("the first position's logits")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You take the logits of the first position. What comes next is said by the last one:
    model(tokens)[:, -1]."""

    def choose(tokens):
        return pieces.sample_next(model(tokens)[:, 0], temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("the position before the last")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You take the logits of the last position but one. They are about the last token, which is
    there already: model(tokens)[:, -1]."""

    def choose(tokens):
        logits = model(tokens)
        at = max(logits.size(1) - 2, 0)
        return pieces.sample_next(logits[:, at], temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("new tokens in front")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You put the new token in front of the text. It comes last: torch.cat([tokens,
    new], dim=1)."""
    tokens = prompt
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        tokens = torch.cat([chosen[:, None], tokens], 1)
    return tokens


@generate.misconception("joined along the batch")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You concatenate along the batch. The text grows along dim=1; the new tokens need that axis:
    chosen.unsqueeze(1)."""
    tokens = prompt
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        tokens = torch.cat([tokens, chosen.unsqueeze(1)], 0)
    return tokens


@generate.misconception("no axis for the new tokens")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """sample_next gives (batch,), and the text is (batch, length). Make a column of the new tokens:
    chosen.unsqueeze(1)."""
    tokens = prompt
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        tokens = torch.cat([tokens, chosen], 1)
    return tokens


@generate.misconception("one step too many")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You write one token more than max_new_tokens."""
    how = (max_new_tokens + 1, eos_id, temperature, top_k, top_p, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("the prompt counted")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """max_new_tokens is the number of *new* tokens; you count the prompt as well."""
    new = max(max_new_tokens - prompt.size(1), 0)
    return _writer()(model, prompt, new, eos_id, temperature, top_k, top_p, generator)


@generate.misconception("the last token read as well")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You ask the model once more after the last token. Nobody needs that answer, and it may be
    past the context."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    chosen = _next(model, tokens, temperature, top_k, top_p, generator)
    for _ in range(max_new_tokens):
        if eos_id is not None:
            chosen = chosen.masked_fill(ended, eos_id)
            ended = ended | (chosen == eos_id)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if ended.all():
            break
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
    return tokens


@generate.misconception("the first row's draw for all")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """All rows are written with the first row's token. Each row draws its own: hand the whole
    (batch, vocab_size) to sample_next."""

    def choose(tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        return chosen[:1].expand(len(tokens))

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("always the most likely")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You always take the most likely token. Draw with sample_next."""
    how = (max_new_tokens, eos_id, 0.0, top_k, top_p, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("temperature not handed on")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """temperature doesn't reach sample_next. Hand it on."""
    temperature = 0.0 if temperature == 0 else 1.0
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("top_k not handed on")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """top_k doesn't reach sample_next. Hand it on."""
    how = (max_new_tokens, eos_id, temperature, None, top_p, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("top_p not handed on")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """top_p doesn't reach sample_next. Hand it on."""
    how = (max_new_tokens, eos_id, temperature, top_k, None, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("top_k and top_p swapped")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You hand top_p over as top_k. sample_next's order is (logits, temperature, top_k, top_p,
    generator)."""

    def choose(tokens):
        return _next(model, tokens, temperature, top_p, top_k, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("nothing handed on")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """Neither temperature nor top_k nor top_p nor generator reaches sample_next. Hand all four
    on."""
    how = (max_new_tokens, eos_id, 1.0, None, None, None)
    return _writer()(model, prompt, *how)


@generate.misconception("generator not handed on")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """The generator doesn't reach sample_next, so that nobody can repeat your text. Hand it on."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, None)
    return _writer()(model, prompt, *how)


@generate.misconception("the prompt changed")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """Your call changes the caller's prompt. Make a new tensor: torch.cat does."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    text = _writer()(model, prompt, *how)
    if max_new_tokens:
        prompt.copy_(text[:, -prompt.size(1) :])
    return text


@generate.misconception("a list")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You return a list. Return a tensor, (batch, length)."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer()(model, prompt, *how).tolist()


# ---- gpt_parameters ----------------------------------------------------------------------------

gpt_parameters = Exercise(
    "gpt_parameters",
    reference=pieces.gpt_parameters,
    forbidden=("empty", "linear", "numel", "nelement"),  # building the model, in order to count
    instead="You build the model in order to count it. GPT-3 would take 700 GB. Calculate the "
    "number from the sizes: what does each part have, and how many of each are there?",
)


def _expect_count(piece: Piece, *args: Any) -> None:
    found = piece(*args)
    what = f"gpt_parameters({', '.join(map(str, args))})"
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    expect.that(number, f"{what} should be a number; it is {expect.describe(found)}.")
    wanted = pieces.gpt_parameters(*args)
    expect.that(
        found == wanted,
        f"{what} should be {wanted:,}; yours is {found:,}, {abs(found - wanted):,} too "
        f"{'many' if found > wanted else 'few'}.",
    )


@gpt_parameters.property("without a layer", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """With num_layers=0 two tables are left, token and position, and the last norm's weight and
    bias. The head is the token table itself."""
    d_model, vocab, context = draw.sizes(3, low=11)
    _expect_count(piece, 0, d_model, vocab, context)


@gpt_parameters.property("layer by layer", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A layer has an attention (four matrices, four biases), a feed-forward layer (d_model to
    4 · d_model and back, two biases) and two norms."""
    d_model, vocab, context, layers = draw.sizes(4, low=11)
    _expect_count(piece, 1, d_model, vocab, context)
    _expect_count(piece, layers, d_model, vocab, context)


@gpt_parameters.property("GPT-2 and GPT-3", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """GPT-2 small has 124,439,808 parameters; GPT-3, with 96 layers of 12,288 features, 50,257
    tokens and a context of 2,048, has 174.6 billion."""
    if not piece.torch_calls.isdisjoint(gpt_parameters.forbidden):
        raise expect.Mismatch(
            "Not tried: your code builds the model, and GPT-3 is too large for that."
        )
    _expect_count(piece, 12, 768, 50257, 1024)
    _expect_count(piece, 96, 12288, 50257, 2048)


@gpt_parameters.property("a whole number", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Parameters are counted: the result is an int."""
    found = piece(2, 12, 31, 7)
    expect.that(type(found) is int, f"It should be an int; it is {expect.describe(found)}.")


def _counted(
    num_layers: int,
    d_model: int,
    vocab_size: int,
    context_length: int,
    *,
    attention: int | None = None,
    feed_forward: int | None = None,
    norms: int | None = None,
    last: int | None = None,
) -> int:
    """A count that is right but for what is given."""
    d = d_model
    attention = 4 * d * d + 4 * d if attention is None else attention
    feed_forward = 8 * d * d + 5 * d if feed_forward is None else feed_forward
    norms = 4 * d if norms is None else norms
    last = 2 * d if last is None else last
    return (
        (vocab_size + context_length) * d + num_layers * (attention + feed_forward + norms) + last
    )


@gpt_parameters.misconception("the head counted again")
def _(num_layers, d_model, vocab_size, context_length):
    """You count the head as a matrix of its own. It is tied: the token table is used twice and
    counted once."""
    return _counted(num_layers, d_model, vocab_size, context_length) + vocab_size * d_model


@gpt_parameters.misconception("no positions")
def _(num_layers, d_model, vocab_size, context_length):
    """You forget the positions: a table of context_length rows."""
    return _counted(num_layers, d_model, vocab_size, 0)


@gpt_parameters.misconception("no tokens")
def _(num_layers, d_model, vocab_size, context_length):
    """You forget the token table: vocab_size rows of d_model numbers."""
    return _counted(num_layers, d_model, 0, context_length)


@gpt_parameters.misconception("no tables")
def _(num_layers, d_model, vocab_size, context_length):
    """You count the layers and not the two tables: (vocab_size + context_length) · d_model."""
    return _counted(num_layers, d_model, 0, 0)


@gpt_parameters.misconception("tables in every layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You multiply the tables by num_layers. They are there once, at the entrance."""
    tables = (vocab_size + context_length) * d_model
    return _counted(num_layers, d_model, vocab_size, context_length) + (num_layers - 1) * tables


@gpt_parameters.misconception("everything in every layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You multiply everything by num_layers. The tables and the last norm are there once."""
    return num_layers * _counted(1, d_model, vocab_size, context_length)


@gpt_parameters.misconception("brackets forgotten")
def _(num_layers, d_model, vocab_size, context_length):
    """You multiply only context_length by d_model. Both tables have rows of d_model numbers:
    (vocab_size + context_length) · d_model, with brackets."""
    return _counted(num_layers, d_model, 0, context_length) + vocab_size


@gpt_parameters.misconception("a bias for the head")
def _(num_layers, d_model, vocab_size, context_length):
    """You count a bias for the head, vocab_size numbers. GPT's head has none: it is the token
    table, used a second time."""
    return _counted(num_layers, d_model, vocab_size, context_length) + vocab_size


@gpt_parameters.misconception("no last norm")
def _(num_layers, d_model, vocab_size, context_length):
    """You forget the norm after the last layer: 2 · d_model."""
    return _counted(num_layers, d_model, vocab_size, context_length, last=0)


@gpt_parameters.misconception("no tables and no last norm")
def _(num_layers, d_model, vocab_size, context_length):
    """You count the layers alone. Add the two tables, (vocab_size + context_length) · d_model, and
    the last norm, 2 · d_model."""
    return _counted(num_layers, d_model, 0, 0, last=0)


@gpt_parameters.misconception("norms without a bias")
def _(num_layers, d_model, vocab_size, context_length):
    """You count one vector for each norm. It has two, weight and bias: 2 · d_model."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, norms=2 * d, last=d)


@gpt_parameters.misconception("no norms")
def _(num_layers, d_model, vocab_size, context_length):
    """You forget the norms: two in every layer and one at the end, 2 · d_model each."""
    return _counted(num_layers, d_model, vocab_size, context_length, norms=0, last=0)


@gpt_parameters.misconception("one norm a layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You count one norm for each layer. There are two: one before the attention, one before the
    feed-forward layer."""
    return _counted(num_layers, d_model, vocab_size, context_length, norms=2 * d_model)


@gpt_parameters.misconception("no biases")
def _(num_layers, d_model, vocab_size, context_length):
    """You count the matrices alone. Four biases in the attention (4 · d_model) and two in the
    feed-forward layer (4 · d_model and d_model) are missing in each layer."""
    d = d_model
    return _counted(
        num_layers, d, vocab_size, context_length, attention=4 * d * d, feed_forward=8 * d * d
    )


@gpt_parameters.misconception("no biases in the attention, or no norms")
def _(num_layers, d_model, vocab_size, context_length):
    """4 · d_model are missing in each layer. Either the attention's four biases, d_model each, or
    the two norms, weight and bias each."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, attention=4 * d * d)


@gpt_parameters.misconception("no biases in the feed-forward layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You forget the biases of the feed-forward layer: 4 · d_model and d_model."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, feed_forward=8 * d * d)


@gpt_parameters.misconception("d_model biases in place of 4 d_model")
def _(num_layers, d_model, vocab_size, context_length):
    """3 · d_model are missing in each layer. linear1 has 4 · d_model outputs and as many biases;
    and the attention has four biases, one for each projection."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, feed_forward=8 * d * d + 2 * d)


@gpt_parameters.misconception("4 d_model biases twice")
def _(num_layers, d_model, vocab_size, context_length):
    """You count 4 · d_model biases for each matrix of the feed-forward layer. The second one leads
    back to d_model, and has as many biases."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, feed_forward=8 * d * d + 8 * d)


@gpt_parameters.misconception("one matrix in the feed-forward layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You count one matrix in the feed-forward layer. There are two: to 4 · d_model, and back."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, feed_forward=4 * d * d + 4 * d)


@gpt_parameters.misconception("a feed-forward layer of d_model")
def _(num_layers, d_model, vocab_size, context_length):
    """You count a feed-forward layer with d_model hidden features. It has 4 · d_model."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, feed_forward=2 * d * d + 2 * d)


@gpt_parameters.misconception("a feed-forward layer of 2 d_model")
def _(num_layers, d_model, vocab_size, context_length):
    """You count a feed-forward layer with 2 · d_model hidden features. It has 4 · d_model."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, feed_forward=4 * d * d + 3 * d)


@gpt_parameters.misconception("one bias too few")
def _(num_layers, d_model, vocab_size, context_length):
    """d_model are missing in each layer: one bias. All four projections have one, out_proj too, and
    so has linear2."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, attention=4 * d * d + 3 * d)


@gpt_parameters.misconception("one projection")
def _(num_layers, d_model, vocab_size, context_length):
    """You count one matrix in the attention. There are four: q_proj, k_proj, v_proj and
    out_proj."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, attention=d * d + d)


@gpt_parameters.misconception("out_proj not counted")
def _(num_layers, d_model, vocab_size, context_length):
    """You count three projections in the attention. There are four: out_proj too."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, attention=3 * d * d + 3 * d)


@gpt_parameters.misconception("no feed-forward layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You forget the feed-forward layer. It has two thirds of a layer's parameters."""
    return _counted(num_layers, d_model, vocab_size, context_length, feed_forward=0)


@gpt_parameters.misconception("the norms counted as a third norm")
def _(num_layers, d_model, vocab_size, context_length):
    """You count three norms in each layer. There are two; the third was the Transformer decoder's,
    for cross-attention, which GPT hasn't got."""
    return _counted(num_layers, d_model, vocab_size, context_length, norms=6 * d_model)


@gpt_parameters.misconception("cross-attention counted")
def _(num_layers, d_model, vocab_size, context_length):
    """You count two attentions in each layer. GPT has no cross-attention: there is no source to
    look at."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, attention=8 * d * d + 8 * d)


@gpt_parameters.misconception("one layer only")
def _(num_layers, d_model, vocab_size, context_length):
    """You count one layer. There are num_layers of them, each with weights of its own."""
    return _counted(min(num_layers, 1), d_model, vocab_size, context_length)


@gpt_parameters.misconception("the last norm in every layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You multiply everything but the tables by num_layers, the last norm too. There is one."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length) + (num_layers - 1) * 2 * d


@gpt_parameters.misconception("twelve times d_model squared")
def _(num_layers, d_model, vocab_size, context_length):
    """12 · d_model² a layer is the rule of thumb, and a good one for GPT-3. The exact count has
    biases and norms as well."""
    d = d_model
    return (vocab_size + context_length) * d + num_layers * 12 * d * d


@gpt_parameters.misconception("a float")
def _(num_layers, d_model, vocab_size, context_length):
    """Your number is right, and it is a float: / always makes one, and so does 1e9. Use whole
    numbers."""
    return float(_counted(num_layers, d_model, vocab_size, context_length))
