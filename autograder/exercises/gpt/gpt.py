"""The decoder-only model."""

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Instance, Piece, PieceRaised
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    parameters_named,
)
from workbook import pieces

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
