"""The model: embeddings, an encoder, the pooled first token."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    beside,
    gradients_flow,
    inputs_stay,
    parameters_named,
    single_precision,
)
from autograder.checks.wrong_module import wrong_method
from autograder.exercises.bert.chance import unlike
from autograder.exercises.bert.padded_sentences import (
    deep_case,
    model_case,
    padding_is_silent,
    segments_and_mask_are_optional,
)
from workbook import pieces

Bert = Exercise(
    "Bert",
    reference=pieces.Bert,
    forbidden=("scaled_dot_product_attention", "multi_head_attention_forward"),
    instead="torch's own attention does the work here. Build Bert of your Encoder.",
)
_HIDDEN = ("hidden", "pooled")

parameters_named(Bert, deep_case, points=1)


def _part(name: str, points: float, says: str) -> None:
    """One of the two outputs is the reference's."""
    place = _HIDDEN.index(name)

    def holds(piece: Piece, draw: Draw) -> None:
        case = model_case(draw)
        asked, oracle = beside(Bert, piece, case, draw)
        found = expect.several(asked(*case.args), *_HIDDEN)
        expect.close(found[place], oracle(*case.args)[place].detach(), name)

    holds.__doc__ = says
    Bert.property(f"{name} values", points)(holds)


_part(
    "hidden",
    3,
    "hidden is what the embeddings and the post-norm encoder make of tokens, segments and mask: "
    "exact GELU, eps 1e-12.",
)
_part("pooled", 1.5, "pooled is tanh of the pooler on the first token's hidden state.")
segments_and_mask_are_optional(Bert, model_case, _HIDDEN, points=0.5)
padding_is_silent(Bert, model_case, points=0.5)


@Bert.property("dropout everywhere", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In training, dropout acts in the embeddings and in every layer, with the rate that is passed;
    pooled has none of its own."""
    case = deep_case(draw)
    case = Case(case.args, {}, case.construct | {"dropout": 1.0})
    instance, oracle = beside(Bert, piece, case, draw)
    # With everything dropped, only the norms are left of a layer; the embeddings are silenced here,
    # so that each is judged on its own.
    silent = {name: torch.zeros(case.construct["d_model"]) for name in _EMBEDDINGS_NORM}
    instance.load(silent)
    x = torch.zeros(*case.args[0].shape, case.construct["d_model"], dtype=torch.float64)
    for layer in oracle.encoder.layers:
        x = layer.norm2(layer.norm1(x))
    instance.train()
    (hidden, pooled), (again, _) = (
        expect.several(instance(*case.args), *_HIDDEN) for _ in range(2)
    )
    expect.shape(hidden, x.shape, "hidden")
    encoder = "right" if torch.allclose(hidden, x, atol=1e-9) else _rate(hidden, again)
    rate = draw.uniform(0.3, 0.4)
    no_layers = Case(case.args, {}, case.construct | {"num_layers": 0, "dropout": rate})
    instance, _ = beside(Bert, piece, no_layers, draw)
    instance.load(silent | {_EMBEDDINGS_NORM[1]: torch.ones(case.construct["d_model"])})
    whole, dropped = (
        expect.shape(
            expect.several(instance.train(training)(*case.args), *_HIDDEN)[0], x.shape, "hidden"
        )
        for training in (False, True)
    )
    embeddings = _dropped(dropped / whole, rate)
    if (encoder, embeddings) != ("right", "right"):
        where = " and ".join(
            name
            for name, says in (("the encoder", encoder), ("the embeddings", embeddings))
            if says != "right"
        )
        told = (
            "The embeddings are dropped twice."
            if (encoder, embeddings) == ("right", "twice")
            else f"In training, {where} should drop otherwise: with the rate that is passed."
        )
        unlike(told, f"encoder {encoder}, {embeddings}")
    wanted = torch.tanh(oracle.pooler(x[:, 0]))
    expect.shape(pooled, wanted.shape, "pooled")
    expect.that(torch.allclose(pooled, wanted, atol=1e-9), "pooled is dropped out on its own.")


_EMBEDDINGS_NORM = ("embeddings.norm.weight", "embeddings.norm.bias")


def _dropped(factors: torch.Tensor, rate: float) -> str:
    """What the factors by which training changes numbers say of a dropout."""
    kept = factors[factors != 0]
    if torch.allclose(factors, torch.ones_like(factors)):
        return "never"
    for times, says in ((1, "right"), (2, "twice")):
        if torch.allclose(kept, torch.full_like(kept, (1 - rate) ** -times)):
            return says
    return "another rate"


def _rate(first: torch.Tensor, again: torch.Tensor) -> str:
    """What two calls in training say of a dropout that isn't the one passed."""
    return "never" if torch.equal(first, again) else "another rate"


gradients_flow(Bert, deep_case, of=(), points=1, outputs=2)
inputs_stay(Bert, model_case, points=0.25)
single_precision(Bert, deep_case, _HIDDEN, points=0.25)


class _Model(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__()
        self.embeddings = pieces.BertEmbeddings(vocab_size, d_model, max_length, dropout=dropout)
        self.encoder = self.stack(num_layers, d_model, num_heads, d_ff, dropout)
        self.pooler = nn.Linear(d_model, d_model)

    def stack(self, num_layers, d_model, num_heads, d_ff, dropout):
        given = {"dropout": dropout, "norm_first": False, "activation": "gelu", "eps": 1e-12}
        return pieces.Encoder(num_layers, d_model, num_heads, d_ff, **given | self.changed())

    def changed(self):
        """The encoder's arguments that a wrong answer has otherwise."""
        return {}

    def encode(self, tokens, segments, mask):
        return self.encoder(self.embeddings(tokens, segments), mask)

    def pool(self, hidden):
        return torch.tanh(self.pooler(hidden[:, 0]))

    def forward(self, tokens, segments=None, mask=None):
        hidden = self.encode(tokens, segments, mask)
        return self.returned(hidden, self.pool(hidden))

    def returned(self, hidden, pooled):
        return hidden, pooled


# The encoder's settings.
@Bert.misconception("pre-norm, ReLU and eps 1e-5")
@wrong_method(_Model, "changed")
def _(self):
    """You took the Encoder's defaults: pre-norm, ReLU, eps 1e-5. BERT has norm_first=False,
    activation="gelu" and eps=1e-12."""
    return {"norm_first": True, "activation": "relu", "eps": 1e-5}


@Bert.misconception("pre-norm")
@wrong_method(_Model, "changed")
def _(self):
    """Your encoder is pre-norm, with a last norm. BERT is of 2018 and post-norm: norm_first=False,
    and no norm at the end."""
    return {"norm_first": True}


@Bert.misconception("pre-norm and eps 1e-5")
@wrong_method(_Model, "changed")
def _(self):
    """Two settings of your encoder are its defaults: BERT is post-norm, norm_first=False, and its
    eps is 1e-12."""
    return {"norm_first": True, "eps": 1e-5}


@Bert.misconception("pre-norm and ReLU")
@wrong_method(_Model, "changed")
def _(self):
    """Two settings of your encoder are its defaults: BERT is post-norm, norm_first=False, and has
    activation="gelu"."""
    return {"norm_first": True, "activation": "relu"}


@Bert.misconception("torch's own encoder")
class _(_Model):
    """You use torch's own encoder, whose parameters have other names. Use your Encoder of lesson
    05."""

    def stack(self, num_layers, d_model, num_heads, d_ff, dropout):
        layer = nn.TransformerEncoderLayer(
            d_model, num_heads, d_ff, dropout, "gelu", 1e-12, batch_first=True
        )
        return nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)

    def encode(self, tokens, segments, mask):
        return self.encoder(self.embeddings(tokens, segments))


@Bert.misconception("ReLU and eps 1e-5")
@wrong_method(_Model, "changed")
def _(self):
    """Your encoder has ReLU and eps 1e-5, its defaults. BERT has activation="gelu" and
    eps=1e-12."""
    return {"activation": "relu", "eps": 1e-5}


@Bert.misconception("ReLU, and tanh forgotten")
class _(_Model):
    """Two things differ from BERT: your feed-forward layers have ReLU, the Encoder's default
    (activation="gelu"), and the tanh behind the pooler is missing."""

    def stack(self, num_layers, d_model, num_heads, d_ff, dropout):
        return pieces.Encoder(
            num_layers, d_model, num_heads, d_ff, dropout, False, "relu", eps=1e-12
        )

    def pool(self, hidden):
        return self.pooler(hidden[:, 0])


@Bert.misconception("tanh-GELU and eps 1e-5")
@wrong_method(_Model, "changed")
def _(self):
    """Two settings of your encoder aren't BERT's: the GELU is the exact one, activation="gelu", and
    eps is 1e-12."""
    return {"activation": "gelu_tanh", "eps": 1e-5}


@Bert.misconception("ReLU")
@wrong_method(_Model, "changed")
def _(self):
    """Your feed-forward layers have ReLU, the Encoder's default. BERT has GELU:
    activation="gelu"."""
    return {"activation": "relu"}


@Bert.misconception("tanh-GELU")
@wrong_method(_Model, "changed")
def _(self):
    """You have GPT's GELU, which approximates by tanh. BERT has the exact one:
    activation="gelu"."""
    return {"activation": "gelu_tanh"}


@Bert.misconception("SiLU")
@wrong_method(_Model, "changed")
def _(self):
    """You have SiLU. BERT has GELU: activation="gelu"."""
    return {"activation": "silu"}


@Bert.misconception("eps 1e-5 in the encoder")
@wrong_method(_Model, "changed")
def _(self):
    """Your encoder's norms have eps 1e-5, its default. BERT has 1e-12 everywhere: eps=1e-12."""
    return {"eps": 1e-5}


@Bert.misconception("no dropout in the encoder")
@wrong_method(_Model, "changed")
def _(self):
    """You don't hand the dropout on to the encoder, or set it to 0 there."""
    return {"dropout": 0.0}


@Bert.misconception("the encoder's dropout left at its default")
@wrong_method(_Model, "changed")
def _(self):
    """You don't hand the dropout on to the encoder, which takes its default of 0.1."""
    return {"dropout": 0.1}


@Bert.misconception("the dropout left at its default everywhere")
class _(_Model):
    """The dropout that is passed isn't used: hand it to BertEmbeddings and to the Encoder."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, d_ff, max_length)


@Bert.misconception("the embeddings' dropout left at its default")
class _(_Model):
    """You don't hand the dropout on to BertEmbeddings. Mind the order of its arguments, and write
    dropout=dropout: its fourth is num_segments."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.embeddings = pieces.BertEmbeddings(vocab_size, d_model, max_length)


@Bert.misconception("the embeddings dropped twice")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """You drop what BertEmbeddings returns. They have been dropped in there already: hand them to
    the encoder as they are."""
    embedded = F.dropout(
        self.embeddings(tokens, segments), self.embeddings.dropout.p, self.training
    )
    return self.encoder(embedded, mask)


@Bert.misconception("dropout in the place of num_segments")
class _(_Model):
    """The fourth argument of BertEmbeddings is num_segments, and you hand it the dropout. Write
    BertEmbeddings(vocab_size, d_model, max_length, dropout=dropout)."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.embeddings = pieces.BertEmbeddings(vocab_size, d_model, max_length, dropout)


@Bert.misconception("eps 1e-5 in the embeddings")
class _(_Model):
    """The norm of your embeddings has eps 1e-5. BERT has 1e-12 there too, the default of
    BertEmbeddings."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.embeddings.norm = pieces.LayerNorm(d_model, 1e-5)


@Bert.misconception("heads and layers swapped")
class _(_Model):
    """You hand the Encoder num_heads where it expects num_layers. Its arguments begin num_layers,
    d_model, num_heads, d_ff."""

    def stack(self, num_layers, d_model, num_heads, d_ff, dropout):
        return pieces.Encoder(
            num_heads, d_model, num_layers, d_ff, dropout, False, "gelu", eps=1e-12
        )


@Bert.misconception("the Encoder's sizes in the order of Bert's")
class _(_Model):
    """You hand the Encoder its sizes in the order that Bert has. The Encoder's begin with the
    layers: num_layers, d_model, num_heads, d_ff."""

    def stack(self, num_layers, d_model, num_heads, d_ff, dropout):
        return pieces.Encoder(
            d_model, num_heads, num_layers, d_ff, dropout, False, "gelu", eps=1e-12
        )


@Bert.misconception("d_ff fixed at 4 · d_model")
class _(_Model):
    """Your feed-forward layers have 4 · d_model features, whatever is passed. Use d_ff."""

    def stack(self, num_layers, d_model, num_heads, d_ff, dropout):
        return super().stack(num_layers, d_model, num_heads, 4 * d_model, dropout)


@Bert.misconception("d_model and d_ff swapped in the encoder")
class _(_Model):
    """You hand the Encoder d_ff where it expects d_model. Its arguments begin num_layers, d_model,
    num_heads, d_ff."""

    def stack(self, num_layers, d_model, num_heads, d_ff, dropout):
        return super().stack(num_layers, d_ff * num_heads, num_heads, d_model, dropout)


@Bert.misconception("one layer, used again and again")
class _(_Model):
    """You send the words through one layer num_layers times. The layers share their build, and not
    their weights: an Encoder of num_layers."""

    def stack(self, num_layers, d_model, num_heads, d_ff, dropout):
        self.times = num_layers
        return super().stack(1, d_model, num_heads, d_ff, dropout)

    def encode(self, tokens, segments, mask):
        hidden = self.embeddings(tokens, segments)
        for _ in range(self.times):
            hidden = self.encoder(hidden, mask)
        return hidden


@Bert.misconception("a norm after the encoder")
class _(_Model):
    """You norm once more after the encoder. A post-norm layer ends in a norm already: BERT has none
    after the last one."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.norm = pieces.LayerNorm(d_model, 1e-12)

    def encode(self, tokens, segments, mask):
        return self.norm(super().encode(tokens, segments, mask))


# The parts.
@Bert.misconception("pooler without bias")
class _(_Model):
    """Your pooler has no bias. It is an nn.Linear(d_model, d_model) as it comes."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.pooler = nn.Linear(d_model, d_model, bias=False)


@Bert.misconception("the pooler in an nn.Sequential")
class _(_Model):
    """Your pooler is an nn.Sequential, so its weight is called pooler.0.weight. Let pooler be the
    linear layer itself, and take the tanh in forward."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.pooler = nn.Sequential(nn.Linear(d_model, d_model), nn.Tanh())

    def pool(self, hidden):
        return self.pooler(hidden[:, 0])


@Bert.misconception("no pooler")
class _(_Model):
    """There is no pooler: pooled is tanh of a linear layer, d_model → d_model, on the first token's
    hidden state."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        del self.pooler

    def pool(self, hidden):
        return hidden[:, 0]


@Bert.misconception("other names")
class _(nn.Module):
    """The parameters have other names than the exercise asks: embeddings, encoder and pooler. Names
    are how published weights find their places."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__()
        self.model = _Model(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)

    def forward(self, tokens, segments=None, mask=None):
        return self.model(tokens, segments, mask)


@Bert.misconception("layers in a list of their own")
class _(_Model):
    """You keep the layers yourself, so their names lack encoder. Use your Encoder, which holds them
    as encoder.layers."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.layers = self.encoder.layers
        del self.encoder

    def encode(self, tokens, segments, mask):
        hidden = self.embeddings(tokens, segments)
        for layer in self.layers:
            hidden = layer(hidden, mask)
        return hidden


# How hidden is made.
@Bert.misconception("mask not handed on")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """The mask never reaches the encoder, so words look at padding. Hand it on:
    self.encoder(…, mask)."""
    return self.encoder(self.embeddings(tokens, segments))


@Bert.misconception("the mask given more axes")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """You give the mask more axes. padding_mask's has four already, (batch, 1, 1, length): hand it
    on as it comes."""
    mask = None if mask is None else mask[:, None, None, :]
    return self.encoder(self.embeddings(tokens, segments), mask)


@Bert.misconception("mask for the first layer only")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """Only your first layer gets the mask; in the others words look at padding. Hand it to every
    layer, or to the Encoder, which does."""
    hidden = self.embeddings(tokens, segments)
    for number, layer in enumerate(self.encoder.layers):
        hidden = layer(hidden, None if number else mask)
    return hidden


@Bert.misconception("mask the wrong way round")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """You turn the mask round. True means "may attend" here, in your Encoder too: hand it on as it
    is."""
    return self.encoder(self.embeddings(tokens, segments), None if mask is None else ~mask)


@Bert.misconception("segments not handed on")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """The segments never reach the embeddings: self.embeddings(tokens, segments)."""
    return self.encoder(self.embeddings(tokens), mask)


@Bert.misconception("segments and mask swapped")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """You hand the mask to the embeddings and the segments to the encoder. It is the other way
    round: self.encoder(self.embeddings(tokens, segments), mask)."""
    return self.encoder(self.embeddings(tokens, mask), segments)


@Bert.misconception("neither segments nor mask handed on")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """Neither segments nor mask are used. The embeddings need the segments and the encoder the
    mask."""
    return self.encoder(self.embeddings(tokens))


@Bert.misconception("a causal mask")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """You hide what comes later, as a decoder does. BERT reads in both directions: the only mask is
    the one that is passed."""
    causal = pieces.causal_mask(tokens.shape[1]).to(tokens.device)
    return self.encoder(
        self.embeddings(tokens, segments), causal if mask is None else causal & mask
    )


@Bert.misconception("padding guessed from id 0")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """Without a mask you hide the tokens of id 0. Bert doesn't know which id is padding: where no
    mask is passed, everything may be attended to."""
    mask = pieces.padding_mask(tokens, 0) if mask is None else mask
    return self.encoder(self.embeddings(tokens, segments), mask)


@Bert.misconception("words embedded without the embeddings' norm")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """You look the tokens up in embeddings.token alone. Call self.embeddings(tokens, segments): it
    adds segment and position, and norms."""
    return self.encoder(self.embeddings.token(tokens), mask)


@Bert.misconception("embeddings scaled by √d_model")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """You multiply the embeddings by √d_model. BERT doesn't: they have been normed."""
    x = self.embeddings(tokens, segments)
    return self.encoder(x * math.sqrt(x.shape[-1]), mask)


@Bert.misconception("positions added twice")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """You add positions to what the embeddings return. They are in there already."""
    x = self.embeddings(tokens, segments)
    return self.encoder(x + self.embeddings.position.weight[: tokens.shape[1]], mask)


@Bert.misconception("embeddings cut off from the graph")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """No gradient reaches the embeddings: a .detach() or torch.no_grad() cuts them off."""
    return self.encoder(self.embeddings(tokens, segments).detach(), mask)


@Bert.misconception("segments changed in place")
@wrong_method(_Model, "encode")
def _(self, tokens, segments, mask):
    """Your call changes the caller's tokens, segments or mask. Use no method that ends in _ and no
    x[…] = … on what was passed."""
    hidden = self.encoder(self.embeddings(tokens, segments), mask)
    if segments is not None:
        segments.zero_()
    return hidden


# How pooled is made.
@Bert.misconception("pooled from the last token")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """You pool the last position, which may be padding. It is the first, [CLS]: hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden[:, -1]))


@Bert.misconception("pooled from the mean")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """You average all positions, padding too. BERT pools the first one, [CLS], alone:
    hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden.mean(1)))


@Bert.misconception("pooled from the largest")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """You take the largest number over all positions. BERT pools the first one, [CLS], alone:
    hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden.amax(1)))


@Bert.misconception("pooled from the first sentence")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """hidden[0] is the first sentence of the batch. The first token of every sentence is
    hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden[0]))


@Bert.misconception("pooled from the first feature")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """hidden[..., 0] is the first feature of every token. The first token of every sentence, with
    all its features, is hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden[..., 0]))


@Bert.misconception("pooled has a position axis left")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """Your pooled is (batch, 1, d_model): hidden[:, :1] keeps the axis. Take hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden[:, :1]))


@Bert.misconception("pooled at every position")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """You pool every position. pooled is (batch, d_model): only the first token's hidden state goes
    through the pooler, hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden))


@Bert.misconception("tanh forgotten")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """pooled is the pooler's output as it is. The tanh is missing: torch.tanh(self.pooler(…))."""
    return self.pooler(hidden[:, 0])


@Bert.misconception("tanh before the pooler")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """You take the tanh first and the pooler after it. It is tanh of the pooler's output."""
    return self.pooler(torch.tanh(hidden[:, 0]))


@Bert.misconception("the pooler isn't used")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """pooled is the first token's hidden state as it is. It goes through the pooler, and then
    through tanh."""
    return hidden[:, 0]


@Bert.misconception("tanh alone")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """You take tanh of the hidden state without the pooler. It is tanh of pooler(hidden[:, 0])."""
    return torch.tanh(hidden[:, 0])


@Bert.misconception("ReLU in place of tanh")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """You have a ReLU behind the pooler, where BERT has a tanh."""
    return torch.relu(self.pooler(hidden[:, 0]))


@Bert.misconception("sigmoid in place of tanh")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """You have a sigmoid where BERT has a tanh."""
    return torch.sigmoid(self.pooler(hidden[:, 0]))


@Bert.misconception("GELU in place of tanh")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """You have a GELU behind the pooler, where BERT has a tanh."""
    return F.gelu(self.pooler(hidden[:, 0]))


@Bert.misconception("pooled dropped out")
class _(_Model):
    """You drop numbers of pooled in training. That is the classifier's affair: Bert returns pooled
    whole."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.dropout = nn.Dropout(dropout)

    def pool(self, hidden):
        return self.dropout(super().pool(hidden))


@Bert.misconception("pooled cut off from the graph")
@wrong_method(_Model, "pool")
def _(self, hidden):
    """No gradient flows through pooled: a .detach() or torch.no_grad() cuts it off."""
    return torch.tanh(self.pooler(hidden[:, 0])).detach()


@Bert.misconception("pooled of the embeddings")
class _(_Model):
    """You pool the embeddings, before the encoder has read anything. Pool the last layer's hidden
    state of the first token."""

    def forward(self, tokens, segments=None, mask=None):
        x = self.embeddings(tokens, segments)
        return self.encoder(x, mask), self.pool(x)


# What is returned.
@Bert.misconception("pooled first")
@wrong_method(_Model, "returned")
def _(self, hidden, pooled):
    """You return (pooled, hidden). hidden comes first."""
    return pooled, hidden


@Bert.misconception("hidden alone")
@wrong_method(_Model, "returned")
def _(self, hidden, pooled):
    """You return hidden alone. Return two things: hidden, pooled."""
    return hidden


@Bert.misconception("pooled alone")
@wrong_method(_Model, "returned")
def _(self, hidden, pooled):
    """You return pooled alone. Return two things: hidden, pooled."""
    return pooled


@Bert.misconception("float32 whatever the weights are")
@wrong_method(_Model, "returned")
def _(self, hidden, pooled):
    """Your results are float32 whatever the weights are. Leave .float() out: the precision is that
    of the module."""
    return hidden.float(), pooled.float()
