"""Token, position and segment, added, normed, dropped."""

import math
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
    agree,
    beside,
    equals_reference,
    gradients_flow,
    inputs_stay,
    parameters_named,
    single_precision,
)
from autograder.checks.wrong_module import wrong_forward
from autograder.exercises.bert.chance import slack
from workbook import pieces

BertEmbeddings = Exercise(
    "BertEmbeddings", reference=pieces.BertEmbeddings, forbidden=("embedding_bag",)
)
_EMBEDDED = ("The result, at [sentence, word, feature],",)


def _embedding_case(draw: Draw) -> Case:
    """Tokens and segments; more positions than words, and three segments."""
    batch, length, d_model, vocab = draw.sizes(4, low=3)
    construct = {
        "vocab_size": vocab + 4,
        "d_model": d_model,
        "max_length": length + batch,
        "num_segments": 3,
        "dropout": 0.3,
        "eps": draw.uniform(0.05, 0.2),
    }
    tokens = draw.tokens(batch, length, low=0, high=vocab + 3)
    segments = draw.tokens(batch, length, low=0, high=2)
    segments[0, :2] = torch.tensor([2, 1])  # whatever is drawn: not all zeros
    return Case((tokens, segments), {}, construct)


parameters_named(BertEmbeddings, _embedding_case, points=0.5)
equals_reference(
    BertEmbeddings,
    _embedding_case,
    _EMBEDDED,
    name="token, segment and position",
    points=1.5,
    says="In eval mode the result is the norm of token + segment + position, at each place.",
)


@BertEmbeddings.property("segments may be left out", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Without segments, every token belongs to segment 0, and that row is added too."""
    case = _embedding_case(draw)
    tokens = case.args[0]
    asked, oracle = beside(BertEmbeddings, piece, case, draw)
    agree(asked(tokens), oracle(tokens), _EMBEDDED)


@BertEmbeddings.property("a tiny eps", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Unless another one is passed, the norm's eps is 1e-12. It shows where the numbers are
    small."""
    case = _embedding_case(draw)
    construct = {key: value for key, value in case.construct.items() if key != "eps"}
    oracle = pieces.BertEmbeddings(**construct).double().eval()
    shapes = {name: p.shape for name, p in oracle.named_parameters()}
    weights = draw.weights(shapes, scale=1e-4)
    oracle.load_state_dict(weights)
    instance = piece.construct(**construct).to(torch.float64).eval()
    expect.that(not instance.load(weights), "The check can't set the weights.")
    found = expect.shape(instance(*case.args), oracle(*case.args).shape, "The result")
    wanted = oracle(*case.args).detach()
    scaled = torch.isclose(found, wanted, rtol=1e-4, atol=1e-9)
    expect.that(bool(scaled.all()), "With numbers of about 0.0001, the result is another one.")


def _too_long(exercise: Exercise, points: float) -> None:
    """A sentence past the positions' end is refused, and one that reaches it is not."""

    def holds(piece: Piece, draw: Draw) -> None:
        """A sentence of max_length tokens should pass, one token more should raise ValueError."""
        length = draw.integer(4, 7)
        construct = _sizes_of(exercise, length)
        instance = piece.construct(**construct).eval()
        tokens = draw.tokens(2, length + 1, low=0, high=construct["vocab_size"] - 1)
        try:
            instance(tokens[:, :length])
        except PieceRaised as raised:
            if not raised.is_a(ValueError):
                raise
            refused = "A sentence of exactly max_length tokens was refused."
            raise expect.Mismatch(refused) from None
        says = "A sentence of max_length + 1 tokens should be refused with a ValueError."
        expect.raises(ValueError, lambda: instance(tokens), says)

    # Not repeatable: the words of a ValueError are everyone's own.
    exercise.property("too long a sentence", points, repeatable=False)(holds)


def _sizes_of(exercise: Exercise, max_length: int) -> dict[str, Any]:
    sizes = {"vocab_size": 11, "d_model": 6, "max_length": max_length}
    if exercise is not BertEmbeddings:
        sizes |= {"num_heads": 2, "num_layers": 1, "d_ff": 5}
    return sizes


_too_long(BertEmbeddings, points=0.5)


@BertEmbeddings.property("dropout comes last", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """In training, dropout acts on what the norm returns: each number becomes 0, or is divided by
    1 − dropout."""
    case = _embedding_case(draw)
    rate = draw.uniform(0.35, 0.5)
    # As many positions as sentences: whoever counts along the wrong axis fails alike everywhere.
    case = Case(case.args, {}, case.construct | {"dropout": rate, "max_length": 40})
    instance, oracle = beside(BertEmbeddings, piece, case, draw)
    tokens = draw.tokens(40, case.args[0].shape[1], low=0, high=case.construct["vocab_size"] - 1)
    whole = oracle(tokens).detach()
    instance.train()
    piece.seed(draw.integer(0, 10_000))  # however many random numbers its birth has used up
    found = expect.shape(instance(tokens), whole.shape, "The result")
    dropped = found == 0
    share = float(dropped.double().mean())
    # At least 40 · 3 · 3 numbers; the bound is `chance.slack`'s.
    expect.that(
        abs(share - rate) < slack(rate, found.numel()),
        f"With dropout={rate:.2f}, {share:.0%} of the numbers became 0.",
    )
    kept = torch.where(dropped, 0.0, whole / (1 - rate))
    expect.close(found, kept, "What dropout left", tolerance=1e-7)


gradients_flow(BertEmbeddings, _embedding_case, of=(), points=0.5)
inputs_stay(BertEmbeddings, _embedding_case, points=0.25)
single_precision(BertEmbeddings, _embedding_case, _EMBEDDED, points=0.25)


class _Tables(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_model)
        self.segment = nn.Embedding(num_segments, d_model)
        self.position = nn.Embedding(max_length, d_model)
        self.norm = nn.LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)

    def places(self, tokens):
        """The rows of the positions, ValueError past their end."""
        if tokens.shape[1] > self.position.num_embeddings:
            raise ValueError("too long")
        return self.position.weight[: tokens.shape[1]]

    def total(self, tokens, segments):
        segments = torch.zeros_like(tokens) if segments is None else segments
        return self.token(tokens) + self.segment(segments) + self.places(tokens)

    def forward(self, tokens, segments=None):
        return self.dropout(self.norm(self.total(tokens, segments)))


@BertEmbeddings.misconception("norm forgotten")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """You return the sum as it is. BERT norms it first: self.norm of the sum, then dropout."""
    return self.dropout(self.total(tokens, segments))


@BertEmbeddings.misconception("each embedding normed on its own")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """You norm each of the three embeddings and add them then. There is one norm, over the sum."""
    segments = torch.zeros_like(tokens) if segments is None else segments
    parts = (self.token(tokens), self.segment(segments), self.places(tokens))
    return self.dropout(sum(self.norm(part) for part in parts))


@BertEmbeddings.misconception("only the token is normed")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """You norm the token's vector and add segment and position after it. Add all three first; the
    norm acts on the sum."""
    segments = torch.zeros_like(tokens) if segments is None else segments
    total = self.norm(self.token(tokens)) + self.segment(segments) + self.places(tokens)
    return self.dropout(total)


@BertEmbeddings.misconception("dropout before the norm")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """Dropout acts on the sum, and the norm comes after it. Here the norm is first and dropout
    last."""
    return self.norm(self.dropout(self.total(tokens, segments)))


@BertEmbeddings.misconception("dropout forgotten")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """In training nothing is dropped. Keep an nn.Dropout(dropout) and send the normed sum through
    it."""
    return self.norm(self.total(tokens, segments))


@BertEmbeddings.misconception("dropout in eval mode too")
class _(_Tables):
    """nn.functional.dropout drops in eval mode too, unless it is told not to. Keep an
    nn.Dropout(dropout), which knows the mode, or pass training=self.training."""

    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__(vocab_size, d_model, max_length, num_segments, dropout, eps)
        self.rate = dropout

    def forward(self, tokens, segments=None):
        return F.dropout(self.norm(self.total(tokens, segments)), self.rate)


@BertEmbeddings.misconception("dropout's rate ignored")
class _(_Tables):
    """The rate that is passed isn't used: write nn.Dropout(dropout)."""

    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__(vocab_size, d_model, max_length, num_segments, 0.1, eps)


@BertEmbeddings.misconception("no segment where none is given")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """Where no segments are given you add no segment at all. Then every token is of segment 0,
    whose row is learned like any other and is added too."""
    total = self.token(tokens) + self.places(tokens)
    if segments is not None:
        total = total + self.segment(segments)
    return self.dropout(self.norm(total))


@BertEmbeddings.misconception("no segment where none is given, and nobody refused")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """Two things are missing. Where no segments are given, every token is of segment 0, and that
    row is added too. And a sentence longer than max_length has to be refused, with a ValueError."""
    total = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
    if segments is not None:
        total = total + self.segment(segments)
    return self.dropout(self.norm(total))


@BertEmbeddings.misconception("segments ignored")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """You add segment 0 to every token, whatever segments are passed. Use zeros only where
    segments is None."""
    return self.dropout(self.norm(self.total(tokens, None)))


@BertEmbeddings.misconception("no segment at all")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """The segment's vector is missing from the sum: token + segment + position."""
    return self.dropout(self.norm(self.token(tokens) + self.places(tokens)))


@BertEmbeddings.misconception("segments are required")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """segments may be None, and your code hands None to the embedding. Ask `if segments is None`
    and take zeros of the shape of tokens."""
    return self.dropout(
        self.norm(self.token(tokens) + self.segment(segments) + self.places(tokens))
    )


@BertEmbeddings.misconception("segments as floating-point numbers")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """Without segments you make zeros that are floating-point numbers, and a table is looked up
    with whole ones: torch.zeros_like(tokens) has the type and the device of tokens."""
    segments = torch.zeros(tokens.shape) if segments is None else segments
    return self.dropout(self.norm(self.total(tokens, segments)))


@BertEmbeddings.misconception("segments filled with ones")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """Without segments you take segment 1. It is 0: torch.zeros_like(tokens)."""
    segments = torch.ones_like(tokens) if segments is None else segments
    return self.dropout(self.norm(self.total(tokens, segments)))


@BertEmbeddings.misconception("no position")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """The position's vector is missing from the sum. Without it the encoder sees a bag of words."""
    self.places(tokens)
    segments = torch.zeros_like(tokens) if segments is None else segments
    return self.dropout(self.norm(self.token(tokens) + self.segment(segments)))


@BertEmbeddings.misconception("positions from 1")
class _(_Tables):
    """Your first word gets row 1 of the positions. They start at 0."""

    def places(self, tokens):
        super().places(tokens)
        length = tokens.shape[1]
        return self.position((torch.arange(length) + 1) % self.position.num_embeddings)


@BertEmbeddings.misconception("positions counted along the batch")
class _(_Tables):
    """tokens.size(0) is the number of sentences, so every token of a sentence gets the same
    position. Words run along axis 1: torch.arange(tokens.size(1))."""

    def places(self, tokens):
        super().places(tokens)
        return self.position(torch.arange(tokens.shape[0]) % self.position.num_embeddings)[:, None]


@BertEmbeddings.misconception("as many positions as sentences")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """tokens.size(0) is the number of sentences, and you count the positions by it. A sentence's
    length is axis 1: torch.arange(tokens.size(1))."""
    length = tokens.size(0)
    if length > self.position.num_embeddings:
        raise ValueError("too long")
    segments = torch.zeros_like(tokens) if segments is None else segments
    places = self.position(torch.arange(length))
    return self.dropout(self.norm(self.token(tokens) + self.segment(segments) + places))


@BertEmbeddings.misconception("the token's own number as its position")
class _(_Tables):
    """You look the token ids up in the position table. A position is a place: 0, 1, 2, … along the
    sentence, torch.arange(length)."""

    def places(self, tokens):
        super().places(tokens)
        return self.position(tokens)


@BertEmbeddings.misconception("the whole table of positions added")
class _(_Tables):
    """You add all max_length rows of the position table. Take as many as the sentence has tokens:
    self.position(torch.arange(length))."""

    def places(self, tokens):
        super().places(tokens)
        return self.position.weight


@BertEmbeddings.misconception("sinusoids in place of learned positions")
class _(_Tables):
    """You add sinusoids. BERT learns its positions: position is an nn.Embedding(max_length,
    d_model), looked up by torch.arange(length)."""

    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__(vocab_size, d_model, max_length, num_segments, dropout, eps)
        del self.position
        self.register_buffer("table", pieces.sinusoidal_encoding(max_length, d_model))

    def places(self, tokens):
        if tokens.shape[1] > len(self.table):
            raise ValueError("too long")
        return self.table[: tokens.shape[1]]


@BertEmbeddings.misconception("sinusoids beside a table that isn't used")
class _(_Tables):
    """You add sinusoids, and your position table is never looked up. BERT learns its positions:
    self.position(torch.arange(length))."""

    def places(self, tokens):
        length, d_model = super().places(tokens).shape
        return pieces.sinusoidal_encoding(length, d_model)


@BertEmbeddings.misconception("scaled by √d_model")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """You multiply the token's vector by √d_model, as lesson 09's Transformer does. BERT adds the
    three as they are."""
    segments = torch.zeros_like(tokens) if segments is None else segments
    token = self.token(tokens) * math.sqrt(self.token.embedding_dim)
    return self.dropout(self.norm(token + self.segment(segments) + self.places(tokens)))


@BertEmbeddings.misconception("the average of the three")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """You average the three embeddings. Add them. (The norm hides the difference nearly, but for
    eps.)"""
    return self.dropout(self.norm(self.total(tokens, segments) / 3))


@BertEmbeddings.misconception("eps 1e-5")
class _(_Tables):
    """Your norm has its default eps of 1e-5, whatever is passed. Pass eps on to it:
    LayerNorm(d_model, eps)."""

    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__(vocab_size, d_model, max_length, num_segments, dropout, 1e-5)


@BertEmbeddings.misconception("eps 1e-12 whatever is passed")
class _(_Tables):
    """You wrote 1e-12 into the norm. It is the default; use the eps that is passed."""

    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__(vocab_size, d_model, max_length, num_segments, dropout, 1e-12)


@BertEmbeddings.misconception("two segments, whatever is passed")
class _(_Tables):
    """Your segment table has two rows, whatever is asked for. Build it with num_segments rows."""

    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__(vocab_size, d_model, max_length, 2, dropout, eps)

    def forward(self, tokens, segments=None):
        segments = segments if segments is None else segments.clamp(max=1)
        return super().forward(tokens, segments)


@BertEmbeddings.misconception("nobody refused")
class _(_Tables):
    """With a sentence that is too long, torch raises an IndexError or a RuntimeError that says
    little. Compare the length with max_length first, and raise a ValueError that says both."""

    def places(self, tokens):
        return self.position(torch.arange(tokens.shape[1]))


@BertEmbeddings.misconception("an assertion in place of a ValueError")
class _(_Tables):
    """You refuse by assert, which raises an AssertionError (and nothing at all under python -O).
    Write: if length > max_length: raise ValueError(…)."""

    def places(self, tokens):
        assert tokens.shape[1] <= self.position.num_embeddings, "too long"
        return super().places(tokens)


@BertEmbeddings.misconception("a sentence too long is cut")
class _(_Tables):
    """A sentence that is too long loses its end without a word. Raise a ValueError."""

    def forward(self, tokens, segments=None):
        longest = self.position.num_embeddings
        segments = None if segments is None else segments[:, :longest]
        return super().forward(tokens[:, :longest], segments)


@BertEmbeddings.misconception("full length refused")
class _(_Tables):
    """A sentence of exactly max_length tokens fits: there are positions 0 to max_length − 1. Refuse
    with >, not with >=."""

    def places(self, tokens):
        if tokens.shape[1] >= self.position.num_embeddings:
            raise ValueError("too long")
        return super().places(tokens)


@BertEmbeddings.misconception("other names")
class _(nn.Module):
    """The parameters have other names than the exercise asks: token, segment, position and norm.
    Names are how weights are exchanged with other implementations."""

    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab_size, d_model)
        self.token_type_embeddings = nn.Embedding(num_segments, d_model)
        self.position_embeddings = nn.Embedding(max_length, d_model)
        self.LayerNorm = nn.LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens, segments=None):
        if tokens.shape[1] > self.position_embeddings.num_embeddings:
            raise ValueError("too long")
        segments = torch.zeros_like(tokens) if segments is None else segments
        places = self.position_embeddings.weight[: tokens.shape[1]]
        total = self.word_embeddings(tokens) + self.token_type_embeddings(segments) + places
        return self.dropout(self.LayerNorm(total))


@BertEmbeddings.misconception("tables are bare parameters")
class _(_Tables):
    """You keep the tables as bare nn.Parameter, so their names lack .weight. Use nn.Embedding: its
    table is called token.weight."""

    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        nn.Module.__init__(self)
        self.token = nn.Parameter(torch.randn(vocab_size, d_model))
        self.segment = nn.Parameter(torch.randn(num_segments, d_model))
        self.position = nn.Parameter(torch.randn(max_length, d_model))
        self.norm = nn.LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens, segments=None):
        if tokens.shape[1] > len(self.position):
            raise ValueError("too long")
        segments = torch.zeros_like(tokens) if segments is None else segments
        total = self.token[tokens] + self.segment[segments] + self.position[: tokens.shape[1]]
        return self.dropout(self.norm(total))


@BertEmbeddings.misconception("max_length and vocab_size swapped")
class _(_Tables):
    """Your token table has max_length rows and your position table vocab_size. It is the other way
    round."""

    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__(max_length, d_model, vocab_size, num_segments, dropout, eps)


@BertEmbeddings.misconception("a row that doesn't learn")
class _(_Tables):
    """Row 0 of your token table gets no gradient: padding_idx switches it off. Here every row
    learns; padding is the mask's affair."""

    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__(vocab_size, d_model, max_length, num_segments, dropout, eps)
        self.token = nn.Embedding(vocab_size, d_model, padding_idx=0)


@BertEmbeddings.misconception("cut off from the graph")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """The values are right, but no gradient flows back to the tables: a .detach(), .data or
    torch.no_grad() cuts the result off."""
    return self.dropout(self.norm(self.total(tokens, segments).detach()))


@BertEmbeddings.misconception("segments changed in place")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """Your call changes the caller's tokens or segments. Make new tensors: no x[...] = … and no
    method that ends in _ on what was passed."""
    result = self.dropout(self.norm(self.total(tokens, segments)))
    if segments is not None:
        segments.zero_()
    return result


@BertEmbeddings.misconception("half precision forced")
@wrong_forward(_Tables)
def _(self, tokens, segments):
    """Your result is float32 whatever the weights are. Leave .float() out: the precision is that of
    the module."""
    return self.dropout(self.norm(self.total(tokens, segments))).float()
