"""An encoder that names the part of speech of every word."""

import math
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Piece, PieceRaised
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    beside,
    equals_reference,
    inputs_stay,
    parameters_named,
)
from autograder.checks.wrong_module import wrong_constructor, wrong_forward
from autograder.exercises.encoder.padding_mask import padded_sentences
from workbook import pieces

Tagger = Exercise(
    "Tagger",
    reference=pieces.Tagger,
    forbidden=(
        "scaled_dot_product_attention",
        "multi_head_attention_forward",
        "_transformer_encoder_layer_fwd",
    ),
)
_TAGGED = ("The logits, at [sentence, word, tag],",)


def _sentences(draw: Draw, padding: bool = False, **construct: Any) -> Case:
    """Sentences of token ids; with padding, of different lengths."""
    heads, d_head, tags, layers, d_ff = draw.sizes(5)
    pad_id = construct.pop("pad_id", 0)
    if padding:
        tokens, _ = padded_sentences(draw, pad_id, count=4)
        vocabulary = pad_id + 21
    else:
        vocabulary = draw.integer(15, 19)
        tokens = draw.tokens(*draw.sizes(2, low=3), low=1, high=vocabulary - 1)
    d_model = heads * d_head
    sizes = {
        "vocab_size": vocabulary,
        "num_tags": tags + 8,
        "d_model": d_model,
        "num_heads": heads,
        "num_layers": min(layers, 2),
        "d_ff": d_ff + d_model,
        "max_length": tokens.shape[1] + 3,
    }
    sizes |= {"pad_id": pad_id} if pad_id else {}
    return Case((tokens,), {}, sizes | construct, d_model**-0.5)


parameters_named(Tagger, _sentences, points=0.75)
equals_reference(
    Tagger,
    _sentences,
    _TAGGED,
    name="logits for each word",
    points=2,
    says="token embeddings times √d_model, then positions, encoder (pre-norm) and head: a row of "
    "logits for each word.",
)


@Tagger.property("padding changes nothing", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """No word looks at the padding: a real word's logits are the same whether its sentence is
    padded or not."""
    case = _sentences(draw, padding=True)
    asked, oracle = beside(Tagger, piece, case, draw)
    (tokens,) = case.args
    real = tokens != 0
    expect.close(asked(tokens)[real], oracle(tokens).detach()[real], "The real words' logits")


@Tagger.property("any pad_id", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """pad_id says which token is the padding; with another one, 0 is a word like any other."""
    case = _sentences(draw, padding=True, pad_id=draw.integer(2, 5))
    asked, oracle = beside(Tagger, piece, case, draw)
    (tokens,) = case.args
    real = tokens != case.construct["pad_id"]
    expect.close(asked(tokens)[real], oracle(tokens).detach()[real], "The real words' logits")


@Tagger.property("how it starts", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The embeddings start normal, with mean 0 and the deviation 1/√d_model; multiplied by
    √d_model they are then as large as the sinusoids."""
    d_model = 64
    start = piece.construct(200, 5, d_model, 2, 1, 8, 10).parameters().get("token.weight")
    table = expect.shape(start, (200, d_model), "The parameter token.weight")[1:]
    deviation = float(table.double().std())
    # Of 12,736 numbers: six standard deviations are 4 %.
    large = deviation * 8 > 1.05
    expect.that(not large, "The embeddings start larger than with the deviation 1/√d_model.")
    expect.that(
        deviation * 8 > 0.95, "The embeddings start smaller than with the deviation 1/√d_model."
    )
    uniform = float(table.abs().max()) < 2.5 * deviation
    expect.that(not uniform, "The embeddings don't start normal; they look uniform.")


@Tagger.property("too long a sentence", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A sentence of max_length words should pass, one word more should raise ValueError (your
    PositionalEncoding does it)."""
    length = draw.integer(4, 7)
    instance = piece.construct(9, 5, 6, 2, 1, 8, length).eval()
    try:
        full = instance(draw.tokens(2, length, low=1, high=8))
    except PieceRaised as raised:
        if not raised.is_a(ValueError):
            raise
        raise expect.Mismatch("A sentence of exactly max_length words was refused.") from None
    expect.shape(full, (2, length, 5), "The logits")
    longer = draw.tokens(2, length + 1, low=1, high=8)
    expect.raises(ValueError, lambda: instance(longer), "A sentence past max_length came through.")


def _varies(piece: Piece, draw: Draw, rate: float, weights: dict[str, torch.Tensor]) -> bool:
    """Whether two calls in training differ, with everything at 0 but these weights."""
    names = pieces.Tagger(9, 5, 6, 2, 1, 8, 7).state_dict()
    zero = {name: torch.zeros_like(value) for name, value in names.items()}
    instance = piece.construct(9, 5, 6, 2, 1, 8, 7, rate).train()
    expect.that(
        not instance.load(zero | weights),
        "The check can't set the weights: see the first property.",
    )
    tokens = draw.tokens(2, 5, low=1, high=8)
    one, other = (expect.shape(instance(tokens), (2, 5, 5), "The logits") for _ in range(2))
    return not torch.equal(one, other)


def _expect_dropout(piece: Piece, draw: Draw, where: str, weights: dict[str, torch.Tensor]) -> None:
    weights = weights | {
        "encoder.norm.weight": torch.ones(6),
        "head.weight": draw.normal(5, 6, dtype=torch.float32),
    }
    expect.that(
        not _varies(piece, draw, 0.0, weights),
        f"Something is dropped in {where} in training, with dropout=0.",
    )
    expect.that(
        _varies(piece, draw, 0.6, weights),
        f"Nothing is dropped in {where} in training, with dropout=0.6.",
    )


@Tagger.property("dropout reaches the positions", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """dropout is passed on to PositionalEncoding."""
    start = {"token.weight": draw.normal(9, 6, dtype=torch.float32)}
    _expect_dropout(piece, draw, "the positions", start)


@Tagger.property("dropout reaches the encoder", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """dropout is passed on to Encoder."""
    head = draw.normal(5, 6, dtype=torch.float32)
    always = {"encoder.norm.bias": torch.ones(6), "head.weight": head}  # whatever comes before
    behind = _varies(piece, draw, 0.6, always)
    expect.that(not behind, "Something is dropped behind the encoder, in training.")
    added = draw.normal(6, dtype=torch.float32)  # by the feed-forward layer, to embeddings of 0
    start = {"encoder.layers.0.feed_forward.linear2.bias": added}
    _expect_dropout(piece, draw, "the encoder", start)


@Tagger.property("gradients flow", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Gradients should flow back from the real words' logits to every weight, so that the tagger
    can learn."""
    case = _sentences(draw, padding=True)
    asked, oracle = beside(Tagger, piece, case, draw)
    (tokens,) = case.args
    value = oracle(tokens)
    cotangent = draw.normal(*value.shape) * (tokens != 0)[..., None]
    weights = dict(oracle.named_parameters())
    wanted = torch.autograd.grad(value, list(weights.values()), cotangent)
    found = asked.gradients(tokens, cotangents=[cotangent])
    expect.shape(found.value, value.shape, "The logits")
    for name, expected in zip(weights, wanted, strict=True):
        expect.gradient(found.weights.get(name), expected, name)


inputs_stay(Tagger, partial(_sentences, padding=True), points=0.25)


class _Tagging(nn.Module):
    """The part that most wrong answers get right."""

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
        self.pad_id, self.d_model = pad_id, d_model
        self.token = nn.Embedding(vocab_size, d_model)
        nn.init.normal_(self.token.weight, std=d_model**-0.5)
        self.positions = pieces.PositionalEncoding(d_model, max_length, dropout)
        self.encoder = pieces.Encoder(num_layers, d_model, num_heads, d_ff, dropout)
        self.head = nn.Linear(d_model, num_tags)

    def embedded(self, tokens):
        return self.token(tokens) * math.sqrt(self.d_model)

    def mask(self, tokens):
        return pieces.padding_mask(tokens, self.pad_id)

    def forward(self, tokens):
        x = self.positions(self.embedded(tokens))
        return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("no mask")
@wrong_forward(_Tagging)
def _(self, tokens):
    """The encoder gets no mask, so every word looks at the padding: its tag depends on how long the
    other sentences of the batch are. Pass padding_mask(tokens, self.pad_id)."""
    return self.head(self.encoder(self.positions(self.embedded(tokens))))


@Tagger.misconception("the mask inverted")
@wrong_forward(_Tagging)
def _(self, tokens):
    """Your words look at the padding only. True means "may attend": padding_mask gives it like that
    already."""
    x = self.positions(self.embedded(tokens))
    return self.head(self.encoder(x, ~self.mask(tokens)))


@Tagger.misconception("pad_id ignored")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You take 0 for the padding. Keep pad_id and hand it to padding_mask."""
    x = self.positions(self.embedded(tokens))
    return self.head(self.encoder(x, pieces.padding_mask(tokens, 0)))


@Tagger.misconception("embeddings not scaled")
@wrong_forward(_Tagging)
def _(self, tokens):
    """The embeddings aren't multiplied by √d_model. They should start small, with the deviation
    1/√d_model, and the sinusoids, which are as large as 1, would drown them."""
    x = self.positions(self.token(tokens))
    return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("scaled by d_model")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You multiply the embeddings by d_model. It is its root: √d_model."""
    x = self.positions(self.token(tokens) * self.d_model)
    return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("divided by √d_model")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You divide the embeddings by √d_model. They are multiplied by it: scores are divided, in the
    attention."""
    x = self.positions(self.token(tokens) / math.sqrt(self.d_model))
    return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("scaled with the positions")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You multiply embeddings and positions by √d_model. Only the embeddings are multiplied, before
    the positions are added."""
    x = self.positions(self.token(tokens)) * math.sqrt(self.d_model)
    return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("no positions")
@wrong_forward(_Tagging)
def _(self, tokens):
    """The positions are never added, so the encoder sees a bag of words. Send the embeddings
    through self.positions."""
    return self.head(self.encoder(self.embedded(tokens), self.mask(tokens)))


@Tagger.misconception("positions added twice")
@wrong_forward(_Tagging)
def _(self, tokens):
    """The positions are added twice: PositionalEncoding returns x with the positions already
    added."""
    x = self.embedded(tokens)
    x = x + self.positions(x)
    return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("positions behind the encoder")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You add the positions after the encoder. The attention needs them: before."""
    x = self.encoder(self.embedded(tokens), self.mask(tokens))
    return self.head(self.positions(x))


@Tagger.misconception("probabilities")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You return probabilities. The loss takes logits and does the softmax itself; done twice, the
    network hardly learns. Leave it out."""
    return _Tagging.forward(self, tokens).softmax(-1)


@Tagger.misconception("probabilities, embeddings not scaled")
@wrong_forward(_Tagging)
def _(self, tokens):
    """Two things: the embeddings aren't multiplied by √d_model, and you return probabilities. The
    loss takes logits, and does the softmax itself."""
    x = self.positions(self.token(tokens))
    return self.head(self.encoder(x, self.mask(tokens))).softmax(-1)


@Tagger.misconception("a sigmoid on the logits")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You send the logits through a sigmoid. Return what head gives: the loss takes logits, and
    does the softmax itself."""
    return _Tagging.forward(self, tokens).sigmoid()


@Tagger.misconception("a softmax over the words")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You apply a softmax, and over the words at that. Return what head gives: the loss takes
    logits, and does the softmax over the tags itself."""
    return _Tagging.forward(self, tokens).softmax(1)


@Tagger.misconception("logarithms of probabilities")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You return logarithms of probabilities. Return what head gives, the logits; cross_entropy
    does the rest."""
    return _Tagging.forward(self, tokens).log_softmax(-1)


@Tagger.misconception("the tags themselves")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You return the largest logit's number. Return the logits: from whole numbers no gradient
    flows."""
    return _Tagging.forward(self, tokens).argmax(-1)


@Tagger.misconception("one answer for a sentence")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You average over the words, and give one answer for a sentence. Each word needs its own tag:
    (batch, length, num_tags)."""
    x = self.encoder(self.positions(self.embedded(tokens)), self.mask(tokens))
    return self.head(x.mean(1))


@Tagger.misconception("the first word's answer")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You answer for the first word only. Each word needs its own tag: (batch, length,
    num_tags)."""
    return _Tagging.forward(self, tokens)[:, 0]


@Tagger.misconception("the mask made from the vectors")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You make the mask from the vectors. What is padding can be seen from the tokens only:
    padding_mask(tokens, self.pad_id)."""
    x = self.positions(self.embedded(tokens))
    return self.head(self.encoder(x, self.mask(x)))


@Tagger.misconception("dropout in front of the head")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You drop numbers of what the encoder returns. The dropout of a tagger is in its positions and
    in its encoder; head gets what comes out."""
    x = self.encoder(self.positions(self.embedded(tokens)), self.mask(tokens))
    return self.head(F.dropout(x, 0.3, self.training))


@Tagger.misconception("tags in second place")
@wrong_forward(_Tagging)
def _(self, tokens):
    """Your logits are (batch, num_tags, length). That is what cross_entropy would like; the
    exercise asks for (batch, length, num_tags), and the loss is given flattened."""
    return _Tagging.forward(self, tokens).transpose(1, 2)


@Tagger.misconception("flattened")
@wrong_forward(_Tagging)
def _(self, tokens):
    """Your logits are (batch · length, num_tags). Leave the two dimensions apart; the loss flattens
    them itself."""
    return _Tagging.forward(self, tokens).flatten(0, 1)


@Tagger.misconception("the head left out")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You return the encoder's vectors. head makes a logit for each tag of them."""
    return self.encoder(self.positions(self.embedded(tokens)), self.mask(tokens))


@Tagger.misconception("the encoder left out")
@wrong_forward(_Tagging)
def _(self, tokens):
    """The encoder is never used, so each word is tagged without its sentence."""
    return self.head(self.positions(self.embedded(tokens)))


@Tagger.misconception("an activation on the logits")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You send the logits through ReLU. A logit may be negative: return what head gives."""
    return F.relu(_Tagging.forward(self, tokens))


@Tagger.misconception("the last word of the padding removed")
@wrong_forward(_Tagging)
def _(self, tokens):
    """You set the padding's logits to 0, or leave them out. The result keeps its shape, and what
    stands at the padding doesn't matter; leave it."""
    return _Tagging.forward(self, tokens)[tokens != self.pad_id]


@Tagger.misconception("tokens changed in place")
@wrong_forward(_Tagging)
def _(self, tokens):
    """Your call changes the caller's tokens: tokens[…] = … and methods that end in _ work in
    place."""
    logits = _Tagging.forward(self, tokens)
    tokens.masked_fill_(tokens == self.pad_id, -100)
    return logits


@Tagger.misconception("embeddings cut off from the graph")
@wrong_forward(_Tagging)
def _(self, tokens):
    """The values are right, but no gradient reaches the embeddings: a .detach() or torch.no_grad()
    cuts them off."""
    x = self.positions(self.embedded(tokens).detach())
    return self.head(self.encoder(x, self.mask(tokens)))


@Tagger.misconception("other names")
@wrong_constructor(_Tagging)
def _(self):
    """The sub-modules have other names than the exercise asks: token, positions, encoder, head.
    Names are how weights are exchanged with other implementations."""
    self.embedding, self.classifier = self.token, self.head
    del self.token, self.head
    self.forward = lambda tokens: self.classifier(
        self.encoder(
            self.positions(self.embedding(tokens) * math.sqrt(self.d_model)), self.mask(tokens)
        )
    )


@Tagger.misconception("head without bias")
@wrong_constructor(_Tagging)
def _(self, num_tags, d_model):
    """head has no bias. It is a plain nn.Linear(d_model, num_tags)."""
    self.head = nn.Linear(d_model, num_tags, bias=False)


@Tagger.misconception("as many tags as words")
@wrong_constructor(_Tagging)
def _(self, vocab_size, d_model):
    """Your head has a logit for each word of the vocabulary. It should have one for each tag:
    nn.Linear(d_model, num_tags)."""
    self.head = nn.Linear(d_model, vocab_size)


@Tagger.misconception("learned positions")
@wrong_constructor(_Tagging)
def _(self, d_model, max_length, dropout):
    """Your positions are learned. This tagger has the sinusoids of your PositionalEncoding."""
    self.positions = pieces.LearnedPositions(max_length, d_model, dropout)


@Tagger.misconception("one layer only")
@wrong_constructor(_Tagging)
def _(self, d_model, num_heads, d_ff, dropout):
    """There is one layer only: num_layers never reaches the encoder, whose first argument it is."""
    self.encoder = pieces.Encoder(1, d_model, num_heads, d_ff, dropout)


@Tagger.misconception("heads and layers swapped")
@wrong_constructor(_Tagging)
def _(self, d_model, num_heads, num_layers, d_ff, dropout):
    """num_heads and num_layers have changed places: Encoder(num_layers, d_model, num_heads, d_ff,
    dropout)."""
    self.encoder = pieces.Encoder(num_heads, d_model, num_layers, d_ff, dropout)


@Tagger.misconception("a single EncoderLayer")
@wrong_constructor(_Tagging)
def _(self, d_model, num_heads, d_ff, dropout):
    """Your encoder is a single EncoderLayer. It should be an Encoder, with num_layers of them and
    a last norm."""
    self.encoder = pieces.EncoderLayer(d_model, num_heads, d_ff, dropout)


@Tagger.misconception("post-norm")
@wrong_constructor(_Tagging)
def _(self, d_model, num_heads, num_layers, d_ff, dropout):
    """Your encoder is post-norm. The tagger leaves Encoder's defaults: pre-norm, with ReLU."""
    self.encoder = pieces.Encoder(
        num_layers,
        d_model,
        num_heads,
        d_ff,
        dropout,
        norm_first=False,
    )


@Tagger.misconception("GELU")
@wrong_constructor(_Tagging)
def _(self, d_model, num_heads, num_layers, d_ff, dropout):
    """Your encoder uses GELU. The tagger leaves Encoder's defaults: pre-norm, with ReLU."""
    self.encoder = pieces.Encoder(
        num_layers,
        d_model,
        num_heads,
        d_ff,
        dropout,
        activation="gelu",
    )


@Tagger.misconception("max_length not passed on")
@wrong_constructor(_Tagging)
def _(self, d_model, dropout):
    """max_length never reaches the positions, which then have more rows than that (5000 by
    themselves): a sentence that is too long comes through. PositionalEncoding(d_model, max_length,
    dropout)."""
    self.positions = pieces.PositionalEncoding(d_model, dropout=dropout)


@Tagger.misconception("dropout in max_length's place")
@wrong_constructor(_Tagging)
def _(self, d_model, dropout):
    """The second argument of PositionalEncoding is max_length, the third is dropout. You hand the
    rate over where the length belongs."""
    self.positions = pieces.PositionalEncoding(d_model, dropout)


@Tagger.misconception("no dropout for the positions")
@wrong_constructor(_Tagging)
def _(self, d_model, max_length):
    """The positions drop nothing: dropout never reaches PositionalEncoding. Pass it on."""
    self.positions = pieces.PositionalEncoding(d_model, max_length, 0.0)


@Tagger.misconception("dropout not passed to the positions")
@wrong_constructor(_Tagging)
def _(self, d_model, max_length):
    """dropout never reaches the positions, which stay with their own 0.1:
    PositionalEncoding(d_model, max_length, dropout)."""
    self.positions = pieces.PositionalEncoding(d_model, max_length)


@Tagger.misconception("dropout not passed to the encoder")
@wrong_constructor(_Tagging)
def _(self, d_model, num_heads, num_layers, d_ff):
    """dropout never reaches the encoder, which stays with its own 0.1: pass it on as the fifth
    argument."""
    self.encoder = pieces.Encoder(num_layers, d_model, num_heads, d_ff)


@Tagger.misconception("no dropout for the encoder")
@wrong_constructor(_Tagging)
def _(self, d_model, num_heads, num_layers, d_ff):
    """The encoder drops nothing: dropout never reaches it. Pass it on as the fifth argument."""
    self.encoder = pieces.Encoder(num_layers, d_model, num_heads, d_ff, 0.0)


@Tagger.misconception("dropout passed to neither")
@wrong_constructor(_Tagging)
def _(self, d_model, num_heads, num_layers, d_ff, max_length):
    """dropout never reaches the positions nor the encoder, which stay with their own 0.1:
    PositionalEncoding(d_model, max_length, dropout), and the fifth argument of Encoder."""
    self.positions = pieces.PositionalEncoding(d_model, max_length)
    self.encoder = pieces.Encoder(num_layers, d_model, num_heads, d_ff)


@Tagger.misconception("torch's own start")
@wrong_constructor(_Tagging)
def _(self, vocab_size, d_model):
    """nn.Embedding starts with a deviation of 1; times √d_model, the words then drown the
    sinusoids. Start it smaller: nn.init.normal_(self.token.weight, std=1 / √d_model)."""
    self.token = nn.Embedding(vocab_size, d_model)


@Tagger.misconception("a start from 1/d_model")
@wrong_constructor(_Tagging)
def _(self, d_model):
    """Your embeddings start with a deviation of 1/d_model. It is 1/√d_model: std =
    d_model ** -0.5."""
    nn.init.normal_(self.token.weight, std=1 / d_model)
