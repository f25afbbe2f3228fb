"""Lesson 07: BERT's embeddings, masking, the model, its loss, a classifier on top.

Wrong answers are written out as their authors write them; the docstring is what the author reads.

Masking is judged by its statistics. Of n independent events with probability p, the share that
happens is farther than t from p with a probability of at most
2 exp(-n t² / (2 p (1 - p) + 2 t / 3)) (Bernstein's inequality). `_slack` solves that for t at a
probability of 1e-8. A check looks at fewer than 30 such shares, so that a right answer fails less
than once in three million checks.
"""

import math
from collections.abc import Callable
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
from workbook import pieces

_NOT_CHOSEN = -100

# ---- BertEmbeddings ----------------------------------------------------------------------------

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
    # At least 40 · 3 · 3 numbers; the bound is this module's.
    expect.that(
        abs(share - rate) < _slack(rate, found.numel()),
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


Change = Callable[..., torch.Tensor]


def _embedding(change: Change) -> type[nn.Module]:
    """BertEmbeddings that are right but for their forward."""

    class Wrong(_Tables):
        def forward(self, tokens, segments=None):
            return change(self, tokens, segments)

    Wrong.__doc__ = change.__doc__
    return Wrong


@BertEmbeddings.misconception("norm forgotten")
@_embedding
def _(self, tokens, segments):
    """You return the sum as it is. BERT norms it first: self.norm of the sum, then dropout."""
    return self.dropout(self.total(tokens, segments))


@BertEmbeddings.misconception("each embedding normed on its own")
@_embedding
def _(self, tokens, segments):
    """You norm each of the three embeddings and add them then. There is one norm, over the sum."""
    segments = torch.zeros_like(tokens) if segments is None else segments
    parts = (self.token(tokens), self.segment(segments), self.places(tokens))
    return self.dropout(sum(self.norm(part) for part in parts))


@BertEmbeddings.misconception("only the token is normed")
@_embedding
def _(self, tokens, segments):
    """You norm the token's vector and add segment and position after it. Add all three first; the
    norm acts on the sum."""
    segments = torch.zeros_like(tokens) if segments is None else segments
    total = self.norm(self.token(tokens)) + self.segment(segments) + self.places(tokens)
    return self.dropout(total)


@BertEmbeddings.misconception("dropout before the norm")
@_embedding
def _(self, tokens, segments):
    """Dropout acts on the sum, and the norm comes after it. Here the norm is first and dropout
    last."""
    return self.norm(self.dropout(self.total(tokens, segments)))


@BertEmbeddings.misconception("dropout forgotten")
@_embedding
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
@_embedding
def _(self, tokens, segments):
    """Where no segments are given you add no segment at all. Then every token is of segment 0,
    whose row is learned like any other and is added too."""
    total = self.token(tokens) + self.places(tokens)
    if segments is not None:
        total = total + self.segment(segments)
    return self.dropout(self.norm(total))


@BertEmbeddings.misconception("no segment where none is given, and nobody refused")
@_embedding
def _(self, tokens, segments):
    """Two things are missing. Where no segments are given, every token is of segment 0, and that
    row is added too. And a sentence longer than max_length has to be refused, with a ValueError."""
    total = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
    if segments is not None:
        total = total + self.segment(segments)
    return self.dropout(self.norm(total))


@BertEmbeddings.misconception("segments ignored")
@_embedding
def _(self, tokens, segments):
    """You add segment 0 to every token, whatever segments are passed. Use zeros only where
    segments is None."""
    return self.dropout(self.norm(self.total(tokens, None)))


@BertEmbeddings.misconception("no segment at all")
@_embedding
def _(self, tokens, segments):
    """The segment's vector is missing from the sum: token + segment + position."""
    return self.dropout(self.norm(self.token(tokens) + self.places(tokens)))


@BertEmbeddings.misconception("segments are required")
@_embedding
def _(self, tokens, segments):
    """segments may be None, and your code hands None to the embedding. Ask `if segments is None`
    and take zeros of the shape of tokens."""
    return self.dropout(
        self.norm(self.token(tokens) + self.segment(segments) + self.places(tokens))
    )


@BertEmbeddings.misconception("segments as floating-point numbers")
@_embedding
def _(self, tokens, segments):
    """Without segments you make zeros that are floating-point numbers, and a table is looked up
    with whole ones: torch.zeros_like(tokens) has the type and the device of tokens."""
    segments = torch.zeros(tokens.shape) if segments is None else segments
    return self.dropout(self.norm(self.total(tokens, segments)))


@BertEmbeddings.misconception("segments filled with ones")
@_embedding
def _(self, tokens, segments):
    """Without segments you take segment 1. It is 0: torch.zeros_like(tokens)."""
    segments = torch.ones_like(tokens) if segments is None else segments
    return self.dropout(self.norm(self.total(tokens, segments)))


@BertEmbeddings.misconception("no position")
@_embedding
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
@_embedding
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
@_embedding
def _(self, tokens, segments):
    """You multiply the token's vector by √d_model, as lesson 09's Transformer does. BERT adds the
    three as they are."""
    segments = torch.zeros_like(tokens) if segments is None else segments
    token = self.token(tokens) * math.sqrt(self.token.embedding_dim)
    return self.dropout(self.norm(token + self.segment(segments) + self.places(tokens)))


@BertEmbeddings.misconception("the average of the three")
@_embedding
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
@_embedding
def _(self, tokens, segments):
    """The values are right, but no gradient flows back to the tables: a .detach(), .data or
    torch.no_grad() cuts the result off."""
    return self.dropout(self.norm(self.total(tokens, segments).detach()))


@BertEmbeddings.misconception("segments changed in place")
@_embedding
def _(self, tokens, segments):
    """Your call changes the caller's tokens or segments. Make new tensors: no x[...] = … and no
    method that ends in _ on what was passed."""
    result = self.dropout(self.norm(self.total(tokens, segments)))
    if segments is not None:
        segments.zero_()
    return result


@BertEmbeddings.misconception("half precision forced")
@_embedding
def _(self, tokens, segments):
    """Your result is float32 whatever the weights are. Leave .float() out: the precision is that of
    the module."""
    return self.dropout(self.norm(self.total(tokens, segments))).float()


# ---- mask_tokens -------------------------------------------------------------------------------

mask_tokens = Exercise("mask_tokens", reference=pieces.mask_tokens, forbidden=())


def _slack(p: float, n: int) -> float:
    """How far a share of n independent events may be from its probability p; farther it is with a
    probability below 1e-8 (see the top of this module)."""
    log = math.log(2 / 1e-8)
    return log / (3 * n) + math.sqrt((log / (3 * n)) ** 2 + 2 * p * (1 - p) * log / n)


def _nearest(share: float, known: dict[str, float]) -> str:
    """The name of the share that known mistakes produce which is nearest: what two pieces that make
    the same mistake have in common, while their numbers differ."""
    return min(known, key=lambda name: abs(known[name] - share))


class _Masked:
    """One call of a piece on random tokens, and what it did there. The special ids are anywhere but
    first and last in the vocabulary; the mask is one of them."""

    def __init__(
        self,
        piece: Piece,
        draw: Draw,
        shape: tuple[int, int],
        special: bool = True,
        absent: int = 0,
        **rate: float,
    ) -> None:
        self.vocab = draw.integer(28, 34)
        self.special = sorted(1 + place for place in draw.sizes(4, low=4, high=self.vocab - 3))
        self.mask_id = self.special[draw.integer(1, 3)]  # never the first of them
        ordinary = [n for n in range(self.vocab) if n not in self.special]
        self.absent = ordinary[7 : 7 + absent]  # in the vocabulary, and in no sentence
        kept = sorted(self.special + ordinary) if special else ordinary
        allowed = torch.tensor([n for n in kept if n not in self.absent])
        self.tokens = allowed[draw.tokens(*shape, low=0, high=len(allowed) - 1)]
        self.seed = draw.integer(0, 10**6)
        self.rate = rate
        self.piece = piece
        self.generator = piece.make("generator", seed=self.seed).handle
        self.again()

    def again(self, on_accelerator: bool = False, anew: bool = False) -> "_Masked":
        """Call the piece, with the same generator as before or with one made anew."""
        if anew:
            self.generator = self.piece.make("generator", seed=self.seed).handle
        call = self.piece.on_accelerator if on_accelerator else self.piece
        value = call(*self.arguments, **self.rate)
        self.inputs, self.labels = expect.several(value, "inputs", "labels")
        for part, name in ((self.inputs, "inputs"), (self.labels, "labels")):
            expect.shape(part, self.tokens.shape, name)
            kind = str(part.dtype).removeprefix("torch.")
            says = f"{name} should be int64, as the tokens are; they are {kind}."
            expect.that(part.dtype == torch.int64, says)
        self.ordinary = ~torch.isin(self.tokens, torch.tensor(self.special))
        self.chosen = self.labels != _NOT_CHOSEN
        return self

    @property
    def arguments(self) -> tuple:
        return self.tokens, self.mask_id, self.vocab, self.special, self.generator


def _unlike(message: str, kind: str) -> None:
    raise expect.Mismatch(message, kind)


@mask_tokens.property("inputs and labels", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Two tensors of token ids come back, (inputs, labels), both of the shape of tokens."""
    _Masked(piece, draw, (7, 5), rate=0.5).again(on_accelerator=True)


@mask_tokens.property("labels", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A label is the token that stood there before, where it was chosen, and −100 everywhere
    else."""
    seen = _Masked(piece, draw, (60, 50), rate=0.4)
    if bool((seen.inputs == _NOT_CHOSEN).any()):
        _unlike("There is −100 among the inputs: are inputs and labels swapped?", "swapped")
    if bool(seen.chosen.all()):
        other = seen.labels[seen.labels != seen.tokens]
        if not len(other):
            _unlike("Your labels hold every token; −100 belongs where none was chosen.", "all")
        found = int(other.mode().values)
        name = {0: "0", -1: "−1", seen.mask_id: "mask_id"}.get(found, "other")
        _unlike(f"No label is −100. Where nothing was chosen, yours hold {found}.", name)
    expect.that(bool(seen.chosen.any()), "With rate=0.4, no token of 3000 was chosen.")
    wrong = seen.chosen & (seen.labels != seen.tokens)
    if bool(wrong.any()):
        place = tuple(wrong.nonzero()[0].tolist())
        as_inputs = bool((seen.labels[wrong] == seen.inputs[wrong]).all())
        says = (
            f"At {list(place)} the token was {int(seen.tokens[place])} and the label is "
            f"{int(seen.labels[place])}."
        )
        _unlike(says, "as inputs" if as_inputs else "others")


@mask_tokens.property("special tokens are never chosen", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """None of the special_ids is ever chosen, or changed: there is nothing to guess at [CLS] or at
    padding."""
    seen = _Masked(piece, draw, (60, 50), rate=0.4)
    touched = ~seen.ordinary & (seen.chosen | (seen.inputs != seen.tokens))
    if bool(touched.any()):
        which = sorted(set(seen.tokens[touched].tolist()))
        left = [n for n in seen.special if n not in which]
        changed = ~seen.ordinary & (seen.inputs != seen.tokens)
        unlabelled = "" if bool((touched & seen.chosen).any()) else ", without labels"
        kind = ("all" if not left else "all but some") + unlabelled
        kind += "" if bool(changed.any()) else ", in the labels alone"
        kind += ", the mask too" if seen.mask_id in which else ""
        kind += ", the first is safe" if left == seen.special[:1] else ""
        says = f"special_ids are {seen.special}; {', '.join(map(str, which))} were chosen."
        _unlike(says, kind)


@mask_tokens.property("what isn't chosen stays", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Where a label is −100, the input is the token itself."""
    seen = _Masked(piece, draw, (60, 50), rate=0.4)
    rest = seen.ordinary & ~seen.chosen
    changed = rest & (seen.inputs != seen.tokens)
    if bool(changed.any()):
        share = float(changed.sum() / rest.sum())
        masked = float((seen.inputs[changed] == seen.mask_id).double().mean())
        known = {"few": 0.04, "0.1": 0.1, "0.17": 0.17, "0.8": 0.8, "0.9": 0.9, "all": 1.0}
        fates = {"random": 0.0, "both": 0.88, "masks": 1.0}
        place = changed.nonzero()[0].tolist()
        _unlike(
            f"{share:.0%} of the tokens whose label is −100 were changed, the first at {place}.",
            f"{_nearest(share, known)}, {_nearest(masked, fates)}",
        )


@mask_tokens.property("how many are chosen", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Of the tokens that aren't special, a share of `rate` is chosen, 15 % if none is passed; with
    a rate of 1 all, with 0 none."""
    for rate in (None, draw.uniform(0.28, 0.32), 1.0, 0.0):
        passed = {} if rate is None else {"rate": rate}
        seen = _Masked(piece, draw, (120, 80), **passed)
        rate = 0.15 if rate is None else rate
        share = float(seen.chosen[seen.ordinary].double().mean())
        if abs(share - rate) > _slack(rate, int(seen.ordinary.sum())):
            known = {"0": 0, "rate": rate, "rest": 1 - rate, "0.8": 0.8 * rate, "0.15": 0.15}
            known |= {"all": 1.0, "0.9": 0.9 * rate, "0.5": 0.5, "double": 2 * rate}
            _unlike(
                f"With {'no rate passed' if not passed else f'rate={rate:.2f}'}, {share:.1%} of "
                "the ordinary tokens have a label.",
                f"{'given' if passed else 'default'}: {_nearest(share, known)}",
            )


_FATES = {"0": 0, "0.02": 0.02, "0.1": 0.1, "0.18": 0.18, "0.5": 0.5, "0.72": 0.72, "0.8": 0.8}
_FATES |= {"1": 1.0, "0.9": 0.9, "0.33": 0.333, "0.2": 0.2, "0.08": 0.08, "0.65": 0.65}


@mask_tokens.property("80, 10 and 10", points=1.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Of the chosen tokens, 80 % become mask_id, 10 % become a random token, and 10 % stay as they
    are (and have a label all the same)."""
    seen = _Masked(piece, draw, (120, 80), rate=0.6)
    chosen = seen.chosen & seen.ordinary
    expect.that(bool(chosen.any()), "No token was chosen.")
    before, after = seen.tokens[chosen], seen.inputs[chosen]
    count, luck = len(before), 0.1 / seen.vocab  # a random token may be the mask, or the token
    found = {
        "became mask_id": (float((after == seen.mask_id).double().mean()), 0.8 + luck),
        "stayed as they were": (float((after == before).double().mean()), 0.1 + luck),
    }
    found["became another token"] = (1 - sum(share for share, _ in found.values()), 0.1 - 2 * luck)
    if any(abs(share - wanted) > _slack(wanted, count) for share, wanted in found.values()):
        told = ", ".join(f"{share:.0%} {what}" for what, (share, _) in found.items())
        if max(share for share, _ in found.values()) > 0.95 and _changes(seen):
            _unlike(f"In one batch, {told}; in the next, it is all different.", "one fate a batch")
        kind = ", ".join(_nearest(share, _FATES) for share, _ in found.values())
        _unlike(f"Of your {count} chosen tokens, {told}.", kind)


def _changes(seen: _Masked) -> bool:
    """Whether what becomes of most chosen tokens changes from call to call."""
    shares = []
    for _ in range(60):
        chosen = seen.again().chosen
        shares.append(float((seen.inputs[chosen] == seen.mask_id).double().mean()))
    return max(shares) - min(shares) > 0.5


@mask_tokens.property("a random token is any token", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A random token is drawn anew for each place, and is any id from 0 to vocab_size − 1, each
    equally likely, special ones too, as in the paper's code."""
    seen = _Masked(piece, draw, (160, 100), absent=3, rate=1.0)
    other = seen.chosen & (seen.inputs != seen.tokens) & (seen.inputs != seen.mask_id)
    expect.that(bool(other.any()), "None of the chosen tokens became a random one.")
    words = seen.inputs[other]
    if bool((words == words[0]).all()):
        _unlike(f"All {len(words)} random tokens are {int(words[0])}.", "one")
    outside = (words < 0) | (words >= seen.vocab)
    if bool(outside.any()):
        word = int(words[outside][0])
        _unlike(f"{word} is no id of a vocabulary of {seen.vocab} tokens.", "outside")
    counts = torch.bincount(words, minlength=seen.vocab)
    missing = [n for n in range(seen.vocab) if not counts[n] and n != seen.mask_id]
    special = [n for n in seen.special if n != seen.mask_id]
    if missing:
        kinds = {(0,): "0", (seen.vocab - 1,): "last", tuple(special): "special"}
        absent = set(seen.absent) <= set(missing)
        low = missing[0] == 0 and missing[-1] < len(seen.special)
        # Of 16,000 tokens at least 13,000 are ordinary and over 1,000 become random (8 standard
        # deviations below the mean): an id misses all with a probability below (1 - 1/34)^1000,
        # which is 1e-13.
        _unlike(
            f"Among {len(words)} random tokens, never {', '.join(map(str, missing[:8]))}.",
            kinds.get(tuple(missing), "low" if low else "absent" if absent else "some"),
        )
    wanted = 1 / (seen.vocab - 2)  # the mask, and the token that stood there, were left out
    most = int(counts.argmax())
    share = float(counts[most] / counts.sum())
    if share > wanted + _slack(wanted, len(words)):
        _unlike(f"{share:.0%} of the random tokens are {most}.", "one too often")


@mask_tokens.property("each token on its own", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Each token is chosen, or not, on its own, and what becomes of it is drawn for it alone: not
    for a whole sentence, and not the same for all."""
    # For a right answer, each of these has a probability below 0.3^39.
    seen = _Masked(piece, draw, (40, 12), special=False, rate=0.5)
    chosen = seen.chosen
    if bool((chosen.all(1) | ~chosen.any(1)).all()):
        _unlike("You choose whole sentences, or nothing of them.", "whole sentences")
    if bool((chosen == chosen[:1]).all()):
        _unlike("You choose the same places in every sentence.", "same places")
    if bool((chosen.sum(1) == chosen[0].sum()).all()):
        _unlike("You choose equally many tokens in every sentence.", "equally many")
    counts = {int(seen.again().chosen.sum()) for _ in range(11)}
    # A count of 480 tosses is the same as another's with a probability below 0.04: 0.04^10 < 1e-13.
    expect.that(len(counts) > 1, "You choose equally many tokens at every call.")
    fates = _Masked(piece, draw, (40, 12), special=False, rate=1.0)
    masked = fates.inputs == fates.mask_id
    # A sentence is masked as a whole with a probability of 0.81^12 < 0.08; over half of 40 such
    # sentences are, with one below 1e-12.
    if int(masked.all(1).sum()) > 20:
        _unlike("All chosen tokens of a sentence have the same fate.", "one fate a sentence")
    if bool((masked == masked[:1]).all()):
        _unlike("In every sentence the same places are masked.", "same fates")


@mask_tokens.property("the generator decides", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """All random numbers come from the generator that is passed: from the same state the same
    result, whatever torch's own generator does, and from call to call another one."""
    seen = _Masked(piece, draw, (60, 40), rate=0.5)
    first, chosen = seen.inputs, seen.chosen
    masked = first == seen.mask_id
    seen.again()
    if torch.equal(seen.inputs, first):
        _unlike("Two calls one after the other gave the same result.", "stands still")
    piece.seed(draw.integer(0, 10**6))
    seen.again(anew=True)
    if not torch.equal(seen.chosen, chosen):
        _unlike("From the same generator, other tokens were chosen.", "choice")
    # A random token is the mask now and then; fates drawn anew differ at a third of the chosen.
    other = ((seen.inputs == seen.mask_id) != masked)[chosen].double().mean()
    if float(other) > 0.1:
        _unlike("From the same generator, the same tokens had other fates.", "fates")
    if not torch.equal(seen.inputs, first):
        _unlike("From the same generator came other random tokens.", "words")


@mask_tokens.property("inputs stay as they were", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave the tokens as they were."""
    seen = _Masked(piece, draw, (20, 10), rate=0.5)
    after = piece.inputs_after(*seen.arguments, **seen.rate)
    if not torch.equal(after[0], seen.tokens):
        _unlike(
            "tokens were changed by the call. Begin with inputs = tokens.clone().", "tokens changed"
        )


def _draw(tokens, generator):
    return torch.rand(tokens.shape, generator=generator).to(tokens.device)


def _words(tokens, vocab_size, generator, low=0):
    drawn = torch.randint(low, vocab_size, tokens.shape, generator=generator)
    return drawn.to(tokens.device)


def _special(tokens, special_ids):
    return torch.isin(tokens, torch.tensor(list(special_ids), device=tokens.device))


def _chosen(tokens, special_ids, generator, rate):
    return (_draw(tokens, generator) < rate) & ~_special(tokens, special_ids)


def _replaced(tokens, chosen, mask_id, words, fate, masked=0.8, random=0.9):
    inputs = torch.where(chosen & (fate < masked), mask_id, tokens)
    return torch.where(chosen & (fate >= masked) & (fate < random), words, inputs)


def _masking(change: Callable[..., Any]) -> Callable[..., Any]:
    """A mask_tokens made of the right parts, of which `change` gets one wrong: it is given tokens,
    what was chosen, the fate of each, a random word for each, and the arguments."""

    def wrong(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
        chosen = _chosen(tokens, special_ids, generator, rate)
        fate = _draw(tokens, generator)
        words = _words(tokens, vocab_size, generator)
        return change(tokens, chosen, fate, words, mask_id)

    wrong.__doc__ = change.__doc__
    return wrong


@mask_tokens.misconception("always masked")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You replace every chosen token by the mask. Only 80 % of them: 10 % become a random token and
    10 % stay, so that the model can't rely on a mask to tell it where to work."""
    return torch.where(chosen, mask_id, tokens), torch.where(chosen, tokens, -100)


@mask_tokens.misconception("80 % masked, the rest stays")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """80 % of your chosen tokens are masked and all others stay. Half of those others become a
    random token."""
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("80 % masked, the rest random")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """None of your chosen tokens stays as it is: 80 % are masked and 20 % random. Half of these 20
    % should stay."""
    inputs = _replaced(tokens, chosen, mask_id, words, fate, 0.8, 1.1)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("10 % of what is left")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Only 2 % of your chosen tokens become random and 18 % stay. Either you give a random token to
    10 % of what the mask left over (it has to be half of it), or you draw twice and the masks
    overwrite random tokens. Draw one number and cut it at 0.8 and 0.9."""
    masked = chosen & (fate < 0.8)
    rest = chosen & ~masked & (fate < 0.82)
    inputs = torch.where(masked, mask_id, tokens)
    return torch.where(rest, words, inputs), torch.where(chosen, tokens, -100)


@mask_tokens.misconception("a second draw that overwrites masks")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You draw twice, once for the mask and once for random tokens, and the second overwrites some
    of the first: 72 % are masked, 10 % random, 18 % stay. Draw one number and cut it at 0.8 and
    0.9."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    inputs = torch.where(chosen & (_draw(tokens, generator) < 0.8), mask_id, tokens)
    random = chosen & (_draw(tokens, generator) < 0.1)
    inputs = torch.where(random, _words(tokens, vocab_size, generator), inputs)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("fates multiplied by the rate")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You cut a second random number at 0.8 · rate and 0.9 · rate. Cut it at 0.8 and 0.9: what is
    chosen has been decided already. (With the number that decided it, your cuts would be right.)"""
    chosen = _chosen(tokens, special_ids, generator, rate)
    fate = _draw(tokens, generator)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, fate, 0.8 * rate, 0.9 * rate)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("thirds")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You share the chosen tokens out in equal thirds. It is 80 % masked, 10 % random and 10 %
    unchanged."""
    inputs = _replaced(tokens, chosen, mask_id, words, fate, 1 / 3, 2 / 3)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("80 % random")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Mask and random have changed places: 80 % of your chosen tokens become random and 10 % the
    mask."""
    inputs = torch.where(chosen & (fate < 0.8), words, tokens)
    inputs = torch.where(chosen & (fate >= 0.9), mask_id, inputs)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("10 % masked, 80 % unchanged")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """80 % of your chosen tokens stay, and 10 % become the mask. It is the other way round: 80 %
    become the mask, where fate < 0.8, and 10 % stay."""
    inputs = torch.where(chosen & (fate >= 0.9), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), words, inputs)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("80/10/10 of all tokens")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """80 % of all tokens become the mask, and 10 % of all random ones: the model has hardly
    anything left to guess from. The 80/10/10 are shares of the chosen: chosen & (fate < 0.8)."""
    everywhere = torch.ones_like(chosen)
    return _replaced(tokens, everywhere, mask_id, words, fate), torch.where(chosen, tokens, -100)


@mask_tokens.misconception("80/10/10 of all ordinary tokens")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """80 % of all ordinary tokens become the mask, chosen or not. The 80/10/10 are shares of
    the chosen: chosen & (fate < 0.8)."""
    ordinary = ~_special(tokens, special_ids)
    chosen = ordinary & (_draw(tokens, generator) < rate)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, ordinary, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("masks on all ordinary tokens")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Masks fall on tokens that weren't chosen: the condition for the mask lacks `chosen &`."""
    ordinary = ~_special(tokens, special_ids)
    chosen = ordinary & (_draw(tokens, generator) < rate)
    fate, words = _draw(tokens, generator), _words(tokens, vocab_size, generator)
    inputs = torch.where(ordinary & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), words, inputs)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("random tokens anywhere")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Random tokens fall on places that weren't chosen: the second condition lacks `chosen &`."""
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    random = (fate >= 0.8) & (fate < 0.9)
    return torch.where(random, words, inputs), torch.where(chosen, tokens, -100)


@mask_tokens.misconception("special tokens chosen")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You choose among all tokens, special ones too. There is nothing to learn from guessing [CLS]
    or padding: leave out what is in special_ids, for instance by torch.isin."""
    return pieces.mask_tokens(tokens, mask_id, vocab_size, [-1], generator, rate)


@mask_tokens.misconception("special tokens chosen, and always masked")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Two things are missing. What is in special_ids is never chosen: & ~torch.isin(…). And of the
    chosen only 80 % become the mask, 10 % a random token, and 10 % stay."""
    chosen = _draw(tokens, generator) < rate
    return torch.where(chosen, mask_id, tokens), torch.where(chosen, tokens, -100)


@mask_tokens.misconception("only the first special id is left out")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You leave out the first of the special_ids only. There are several: torch.isin compares with
    all of them."""
    return pieces.mask_tokens(tokens, mask_id, vocab_size, special_ids[:1], generator, rate)


@mask_tokens.misconception("only the mask is left out")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You leave out the tokens that are mask_id, and not the others of special_ids. torch.isin
    compares with all of them."""
    return pieces.mask_tokens(tokens, mask_id, vocab_size, [mask_id], generator, rate)


@mask_tokens.misconception("the mask isn't left out")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You leave out the special ids, but not mask_id, which is one of them."""
    others = [number for number in special_ids if number != mask_id]
    return pieces.mask_tokens(tokens, mask_id, vocab_size, others, generator, rate)


@mask_tokens.misconception("a list given to isin")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """torch.isin compares tensors, and special_ids is a list: torch.isin(tokens,
    torch.tensor(special_ids, device=tokens.device))."""
    torch.isin(tokens, special_ids)


@mask_tokens.misconception("special ids thought to be the smallest")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You take the special ids to be the smallest ones, below len(special_ids) or below the
    largest. Compare with the ids themselves: torch.isin(tokens, torch.tensor(special_ids))."""
    few = list(range(len(special_ids)))
    return pieces.mask_tokens(tokens, mask_id, vocab_size, few, generator, rate)


@mask_tokens.misconception("special tokens changed, though not labelled")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your labels spare the special tokens and your inputs don't: some of them become masks. Take
    them out of what is chosen before you do anything with it."""
    chosen = _draw(tokens, generator) < rate
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen & ~_special(tokens, special_ids), tokens, -100)


@mask_tokens.misconception("special tokens labelled, though not changed")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your inputs spare the special tokens and your labels don't. Take them out of what is chosen
    before you do anything with it."""
    drawn = _draw(tokens, generator) < rate
    chosen = drawn & ~_special(tokens, special_ids)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(drawn, tokens, -100)


@mask_tokens.misconception("only special tokens chosen")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You choose among the special tokens and nowhere else: a ~ is missing in front of torch.isin
    (or there is one too many)."""
    chosen = (_draw(tokens, generator) < rate) & _special(tokens, special_ids)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("labels everywhere")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels are all tokens. The model would be paid for copying the words it can see. Put
    −100 wherever nothing was chosen."""
    return _replaced(tokens, chosen, mask_id, words, fate), tokens.clone()


@mask_tokens.misconception("labels 0 instead of −100")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels are 0 where nothing was chosen, and 0 is a token. The loss leaves out −100, and
    nothing else."""
    return _replaced(tokens, chosen, mask_id, words, fate), torch.where(chosen, tokens, 0)


@mask_tokens.misconception("labels −1 instead of −100")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels are −1 where nothing was chosen. F.cross_entropy leaves out −100: that is the
    value to use."""
    return _replaced(tokens, chosen, mask_id, words, fate), torch.where(chosen, tokens, -1)


@mask_tokens.misconception("labels hold the mask where nothing was chosen")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels are mask_id where nothing was chosen. The loss leaves out −100, and nothing
    else."""
    return _replaced(tokens, chosen, mask_id, words, fate), torch.where(chosen, tokens, mask_id)


@mask_tokens.misconception("labels after masking")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels hold what stands in the inputs, mostly the mask. A label is the token that stood
    there before: make the labels from tokens. (labels = inputs is one tensor with two names; clone
    it.)"""
    inputs = _replaced(tokens, chosen, mask_id, words, fate)
    return inputs, torch.where(chosen, inputs, -100)


@mask_tokens.misconception("labels where nothing was chosen")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels are the wrong way round: −100 where a token was chosen, and the token where none
    was. torch.where(chosen, tokens, -100)."""
    return _replaced(tokens, chosen, mask_id, words, fate), torch.where(chosen, -100, tokens)


@mask_tokens.misconception("labels at masks only")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Only what became the mask has a label. The 10 % random and the 10 % unchanged tokens were
    chosen too, and are to be guessed."""
    inputs = _replaced(tokens, chosen, mask_id, words, fate)
    return inputs, torch.where(chosen & (fate < 0.8), tokens, -100)


@mask_tokens.misconception("labels where something changed")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You label what changed (inputs != tokens). The chosen tokens that stay as they are have a
    label too: that is what they are for."""
    inputs = _replaced(tokens, chosen, mask_id, words, fate)
    return inputs, torch.where(inputs != tokens, tokens, -100)


@mask_tokens.misconception("inputs and labels swapped")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You return (labels, inputs). The inputs come first."""
    return torch.where(chosen, tokens, -100), _replaced(tokens, chosen, mask_id, words, fate)


@mask_tokens.misconception("labels alone")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You return one tensor. Return two, inputs and labels: return inputs, labels."""
    return torch.where(chosen, tokens, -100)


@mask_tokens.misconception("labels as floating-point numbers")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels are floating-point numbers. They are token ids, int64, as the tokens are."""
    return _replaced(tokens, chosen, mask_id, words, fate), torch.where(chosen, tokens, -100.0)


@mask_tokens.misconception("what is chosen as labels")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You return what was chosen as True and False. A label is the token to be guessed, and −100
    where there is nothing to guess: torch.where(chosen, tokens, -100)."""
    return _replaced(tokens, chosen, mask_id, words, fate), chosen


@mask_tokens.misconception("only the chosen labels")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You return the chosen tokens alone, in a row. Labels have the shape of tokens, with −100
    where nothing was chosen."""
    return _replaced(tokens, chosen, mask_id, words, fate), tokens[chosen]


@mask_tokens.misconception("rate ignored")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You wrote 0.15 into the function. Use the rate that is passed."""
    return pieces.mask_tokens(tokens, mask_id, vocab_size, special_ids, generator)


@mask_tokens.misconception("the rest chosen")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You choose 1 − rate of the tokens. A random number between 0 and 1 is below rate with
    probability rate: torch.rand(…) < rate."""
    return pieces.mask_tokens(tokens, mask_id, vocab_size, special_ids, generator, 1 - rate)


@mask_tokens.misconception("a bell curve in place of a flat one")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You draw with torch.randn, whose numbers spread like a bell around 0: more than half lie
    below 0.15. torch.rand spreads its numbers evenly between 0 and 1."""
    drawn = torch.randn(tokens.shape, generator=generator).to(tokens.device)
    chosen = (drawn < rate) & ~_special(tokens, special_ids)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("one draw for choice and fate")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You use one random number twice: a number below rate is also below 0.8, so every chosen token
    is masked. Draw again for what becomes of it."""
    drawn = _draw(tokens, generator)
    chosen = (drawn < rate) & ~_special(tokens, special_ids)
    inputs = _replaced(tokens, chosen, mask_id, _words(tokens, vocab_size, generator), drawn)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("whole sentences chosen")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You draw one number for each sentence, so that all of its tokens are chosen or none. Draw one
    for each token: torch.rand(tokens.shape, …)."""
    drawn = torch.rand(tokens.shape[0], 1, generator=generator).to(tokens.device)
    chosen = (drawn < rate) & ~_special(tokens, special_ids)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("the same places in every sentence")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You draw one number for each place of the sentence and use it for all sentences. Draw one for
    each token: torch.rand(tokens.shape, …)."""
    drawn = torch.rand(tokens.shape[1], generator=generator).to(tokens.device)
    chosen = (drawn < rate) & ~_special(tokens, special_ids)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("equally many in every sentence")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You choose the same number of tokens in every sentence. (The paper's own code does.) Here
    each token is chosen on its own, so that short sentences have their turn as well."""
    special = _special(tokens, special_ids)
    order = _draw(tokens, generator).masked_fill(special, 2.0).argsort(1).argsort(1)
    count = (rate * (~special).sum(1, keepdim=True)).round()
    chosen = (order < count) & ~special
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("equally many in every sentence, special ones counted")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You choose the same number of tokens in every sentence, a share of its whole length. Each
    token is chosen on its own, with the probability rate: torch.rand(tokens.shape, …) < rate."""
    special = _special(tokens, special_ids)
    order = _draw(tokens, generator).masked_fill(special, 2.0).argsort(1).argsort(1)
    chosen = (order < max(1, round(rate * tokens.shape[1]))) & ~special
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("equally many at every call")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You choose exactly the share of rate in every batch. Each token is chosen on its own, with
    the probability rate: torch.rand(tokens.shape, …) < rate."""
    special = _special(tokens, special_ids)
    order = _draw(tokens, generator).masked_fill(special, 2.0).flatten().argsort().argsort()
    chosen = (order.view(tokens.shape) < round(rate * int((~special).sum()))) & ~special
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("one fate for each sentence")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """All chosen tokens of a sentence share one fate. Draw it for each token:
    torch.rand(tokens.shape, …)."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    fate = torch.rand(tokens.shape[0], 1, generator=generator).to(tokens.device)
    inputs = _replaced(tokens, chosen, mask_id, _words(tokens, vocab_size, generator), fate)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("one fate for all")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You draw a single number and decide by it for the whole batch: all masked, or all random, or
    nothing. Each chosen token has its own: torch.rand(tokens.shape, …)."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    fate = torch.rand(1, generator=generator).to(tokens.device)
    inputs = _replaced(tokens, chosen, mask_id, _words(tokens, vocab_size, generator), fate)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("one random token for all")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You draw a single random token and put it everywhere. Draw one for each place:
    torch.randint(vocab_size, tokens.shape, …)."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    word = torch.randint(vocab_size, (1,), generator=generator).to(tokens.device)
    while int(word) == mask_id:  # which would pass for something else
        word = torch.randint(vocab_size, (1,), generator=generator).to(tokens.device)
    inputs = _replaced(tokens, chosen, mask_id, word, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("random tokens never special")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your random tokens leave out the special ones. That is a sensible wish, and not the rule of
    this exercise (nor of the paper's code): any id from 0 to vocab_size − 1."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    ordinary = torch.tensor([n for n in range(vocab_size) if n not in special_ids])
    words = ordinary[_words(tokens.cpu(), len(ordinary), generator)].to(tokens.device)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("random tokens from 1")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your random tokens are never 0. Any id from 0 to vocab_size − 1 may come."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    words = _words(tokens, vocab_size, generator, low=1)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("random tokens after the special ones")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your random tokens leave out the smallest ids, as if the special ones stood there. Any id
    from 0 to vocab_size − 1 may come."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    words = _words(tokens, vocab_size, generator, low=len(special_ids))
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("the last id never comes")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your random tokens are never vocab_size − 1. torch.randint leaves its upper end out by
    itself: write randint(vocab_size, …)."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    words = _words(tokens, vocab_size - 1, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("an id too many")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Some of your random tokens are vocab_size, which is no token: ids end at vocab_size − 1, and
    torch.randint leaves its upper end out by itself."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    words = _words(tokens, vocab_size + 1, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("random tokens taken from the sentences")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You take random tokens from the batch itself, so frequent ones come often and some never.
    Draw from the vocabulary: torch.randint(vocab_size, tokens.shape, …)."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    ordinary = tokens[~_special(tokens, special_ids)]
    words = ordinary[_words(tokens.cpu(), len(ordinary), generator).to(tokens.device)]
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("the generator is ignored")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """The generator that is passed isn't used. Hand it to every call that draws:
    torch.rand(…, generator=generator), torch.randint(…, generator=generator)."""
    return pieces.mask_tokens(tokens, mask_id, vocab_size, special_ids, None, rate)


@mask_tokens.misconception("the generator chooses, and nothing more")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """The choice comes from the generator and the fates don't. Hand the generator to every call
    that draws."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    words = _words(tokens, vocab_size, None)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, None))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("random tokens without the generator")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your random tokens don't come from the generator: torch.randint needs generator=generator
    too."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    fate = _draw(tokens, generator)
    inputs = _replaced(tokens, chosen, mask_id, _words(tokens, vocab_size, None), fate)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("the generator starts anew at every call")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You set the generator back at every call, so that the same places are masked in every batch.
    Draw from it as it comes, and seed nothing."""
    generator.manual_seed(generator.initial_seed())
    return pieces.mask_tokens(tokens, mask_id, vocab_size, special_ids, generator, rate)


@mask_tokens.misconception("tokens changed in place")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You write the masks into the caller's tokens: in the next epoch the sentences would be full
    of them. Begin with inputs = tokens.clone()."""
    labels = torch.where(chosen, tokens, -100)
    inputs = _replaced(tokens, chosen, mask_id, words, fate)
    return tokens.copy_(inputs), labels


# ---- what Bert and the classifier share --------------------------------------------------------

_PAD = 0


def _model_case(draw: Draw, **more: Any) -> Case:
    """Padded sentences with segments and their mask; every size is another one. One layer, because
    a diagnosis builds many of them; `_deep` has two."""
    batch, length, num_heads, d_ff, vocab = draw.sizes(5, low=2, high=7)
    construct = {
        "vocab_size": vocab + 8,
        "d_model": 4 * num_heads,
        "num_heads": num_heads,
        "num_layers": 1,
        "d_ff": d_ff + 3,
        "max_length": length + 4,
        "dropout": 0.3,
    }
    tokens = draw.tokens(batch, length + 2, low=1, high=vocab + 7)
    tokens[0, -2:] = _PAD
    segments = draw.tokens(batch, length + 2, low=0, high=1)
    segments[:, 0], segments[:, 1] = 0, 1
    mask = pieces.padding_mask(tokens, _PAD)
    return Case((tokens, segments, mask), {}, construct | more)


def _deep(draw: Draw) -> Case:
    return _model_case(draw, num_layers=2)


def _without(exercise: Exercise, cases: Callable[[Draw], Case], names: tuple, points: float):
    """Segments and mask may be left out."""

    def holds(piece: Piece, draw: Draw) -> None:
        """Without segments every token is of segment 0, and without a mask every token may be
        attended to. A batch may hold one sentence."""
        case = cases(draw)
        asked, oracle = beside(exercise, piece, case, draw)
        tokens = case.args[0]
        agree(asked(tokens), oracle(tokens), names)
        agree(asked(tokens[:1]), oracle(tokens[:1]), names)

    exercise.property("segments and mask may be left out", points)(holds)


def _padding_is_silent(exercise: Exercise, cases: Callable[[Draw], Case], points: float) -> None:
    """What stands where the mask is False changes nothing elsewhere."""

    def holds(piece: Piece, draw: Draw) -> None:
        """What stands in the padding should change nothing: the mask hides it."""
        case = cases(draw)
        asked, _ = beside(exercise, piece, case, draw)
        tokens, segments, mask = case.args
        real = mask[:, 0, 0]
        other = torch.where(real, tokens, case.construct["vocab_size"] - 1)
        found = []
        for each in (tokens, other):
            value = asked(each, segments, mask)
            value = value[0] if isinstance(value, (tuple, list)) and value else value
            expect.tensor(value, "What comes back")
            found.append(value[real] if value.dim() == 3 else value)
        moved = (found[0] - found[1]).abs().max()
        expect.that(bool(moved < 1e-9), "Other padding tokens gave other results.")

    exercise.property("padding changes nothing", points, repeatable=False)(holds)


# ---- Bert --------------------------------------------------------------------------------------

Bert = Exercise(
    "Bert",
    reference=pieces.Bert,
    forbidden=("scaled_dot_product_attention", "multi_head_attention_forward"),
    instead="torch's own attention does the work here. Build Bert of your Encoder.",
)
_HIDDEN = ("hidden", "pooled")

parameters_named(Bert, _deep, points=1)


def _part(name: str, points: float, says: str) -> None:
    """One of the two outputs is the reference's."""
    place = _HIDDEN.index(name)

    def holds(piece: Piece, draw: Draw) -> None:
        case = _model_case(draw)
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
_without(Bert, _model_case, _HIDDEN, points=0.5)
_padding_is_silent(Bert, _model_case, points=0.5)


@Bert.property("dropout everywhere", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In training, dropout acts in the embeddings and in every layer, with the rate that is passed;
    pooled has none of its own."""
    case = _deep(draw)
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
    no_layers = Case(case.args, {}, case.construct | {"num_layers": 0})
    instance, _ = beside(Bert, piece, no_layers, draw)
    instance.train()
    first, again = (expect.several(instance(*case.args), *_HIDDEN)[0] for _ in range(2))
    embeddings = "right" if not bool(first.any()) else _rate(first, again)
    if (encoder, embeddings) != ("right", "right"):
        where = " and ".join(
            name
            for name, says in (("the encoder", encoder), ("the embeddings", embeddings))
            if says != "right"
        )
        _unlike(
            f"With dropout=1, numbers come through {where}.", f"encoder {encoder}, {embeddings}"
        )
    wanted = torch.tanh(oracle.pooler(x[:, 0]))
    expect.shape(pooled, wanted.shape, "pooled")
    expect.that(torch.allclose(pooled, wanted, atol=1e-9), "pooled is dropped out on its own.")


_EMBEDDINGS_NORM = ("embeddings.norm.weight", "embeddings.norm.bias")


def _rate(first: torch.Tensor, again: torch.Tensor) -> str:
    """What two calls in training say of a dropout that isn't the one passed."""
    return "never" if torch.equal(first, again) else "another rate"


gradients_flow(Bert, _deep, of=(), points=1, outputs=2)
inputs_stay(Bert, _model_case, points=0.25)
single_precision(Bert, _deep, _HIDDEN, points=0.25)


class _Model(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__()
        self.embeddings = pieces.BertEmbeddings(vocab_size, d_model, max_length, dropout=dropout)
        self.encoder = self.stack(num_layers, d_model, num_heads, d_ff, dropout)
        self.pooler = nn.Linear(d_model, d_model)

    def stack(self, num_layers, d_model, num_heads, d_ff, dropout):
        return pieces.Encoder(
            num_layers, d_model, num_heads, d_ff, dropout, False, "gelu", eps=1e-12
        )

    def encode(self, tokens, segments, mask):
        return self.encoder(self.embeddings(tokens, segments), mask)

    def pool(self, hidden):
        return torch.tanh(self.pooler(hidden[:, 0]))

    def forward(self, tokens, segments=None, mask=None):
        hidden = self.encode(tokens, segments, mask)
        return hidden, self.pool(hidden)


def _stacked(**changed: Any) -> Callable[[Callable], type[nn.Module]]:
    """A Bert whose encoder is built with other settings."""

    def wrap(told: Callable) -> type[nn.Module]:
        class Wrong(_Model):
            def stack(self, num_layers, d_model, num_heads, d_ff, dropout):
                settings = {"norm_first": False, "activation": "gelu", "eps": 1e-12} | changed
                settings = {key: value for key, value in settings.items() if value is not None}
                settings.setdefault("dropout", dropout)
                return pieces.Encoder(num_layers, d_model, num_heads, d_ff, **settings)

        Wrong.__doc__ = told.__doc__
        return Wrong

    return wrap


def _pooled(change: Callable[..., torch.Tensor]) -> type[nn.Module]:
    """A Bert that is right but for pooled."""

    class Wrong(_Model):
        def pool(self, hidden):
            return change(self, hidden)

    Wrong.__doc__ = change.__doc__
    return Wrong


def _encoded(change: Callable[..., torch.Tensor]) -> type[nn.Module]:
    """A Bert that is right but for how it makes hidden."""

    class Wrong(_Model):
        def encode(self, tokens, segments, mask):
            return change(self, tokens, segments, mask)

    Wrong.__doc__ = change.__doc__
    return Wrong


def _returned(change: Callable[..., Any]) -> type[nn.Module]:
    """A Bert that is right but for what it returns."""

    class Wrong(_Model):
        def forward(self, tokens, segments=None, mask=None):
            return change(self, *super().forward(tokens, segments, mask))

    Wrong.__doc__ = change.__doc__
    return Wrong


# The encoder's settings.


@Bert.misconception("pre-norm, ReLU and eps 1e-5")
@_stacked(norm_first=True, activation="relu", eps=1e-5)
def _():
    """You took the Encoder's defaults: pre-norm, ReLU, eps 1e-5. BERT has norm_first=False,
    activation="gelu" and eps=1e-12."""


@Bert.misconception("pre-norm")
@_stacked(norm_first=True)
def _():
    """Your encoder is pre-norm, with a last norm. BERT is of 2018 and post-norm: norm_first=False,
    and no norm at the end."""


@Bert.misconception("pre-norm and eps 1e-5")
@_stacked(norm_first=True, eps=1e-5)
def _():
    """Two settings of your encoder are its defaults: BERT is post-norm, norm_first=False, and its
    eps is 1e-12."""


@Bert.misconception("pre-norm and ReLU")
@_stacked(norm_first=True, activation="relu")
def _():
    """Two settings of your encoder are its defaults: BERT is post-norm, norm_first=False, and has
    activation="gelu"."""


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
@_stacked(activation="relu", eps=1e-5)
def _():
    """Your encoder has ReLU and eps 1e-5, its defaults. BERT has activation="gelu" and
    eps=1e-12."""


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
@_stacked(activation="gelu_tanh", eps=1e-5)
def _():
    """Two settings of your encoder aren't BERT's: the GELU is the exact one, activation="gelu", and
    eps is 1e-12."""


@Bert.misconception("ReLU")
@_stacked(activation="relu")
def _():
    """Your feed-forward layers have ReLU, the Encoder's default. BERT has GELU:
    activation="gelu"."""


@Bert.misconception("tanh-GELU")
@_stacked(activation="gelu_tanh")
def _():
    """You have GPT's GELU, which approximates by tanh. BERT has the exact one:
    activation="gelu"."""


@Bert.misconception("SiLU")
@_stacked(activation="silu")
def _():
    """You have SiLU. BERT has GELU: activation="gelu"."""


@Bert.misconception("eps 1e-5 in the encoder")
@_stacked(eps=1e-5)
def _():
    """Your encoder's norms have eps 1e-5, its default. BERT has 1e-12 everywhere: eps=1e-12."""


@Bert.misconception("no dropout in the encoder")
@_stacked(dropout=0.0)
def _():
    """You don't hand the dropout on to the encoder, or set it to 0 there."""


@Bert.misconception("the encoder's dropout left at its default")
@_stacked(dropout=0.1)
def _():
    """You don't hand the dropout on to the encoder, which takes its default of 0.1."""


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
@_encoded
def _(self, tokens, segments, mask):
    """The mask never reaches the encoder, so words look at padding. Hand it on:
    self.encoder(…, mask)."""
    return self.encoder(self.embeddings(tokens, segments))


@Bert.misconception("the mask given more axes")
@_encoded
def _(self, tokens, segments, mask):
    """You give the mask more axes. padding_mask's has four already, (batch, 1, 1, length): hand it
    on as it comes."""
    mask = None if mask is None else mask[:, None, None, :]
    return self.encoder(self.embeddings(tokens, segments), mask)


@Bert.misconception("mask for the first layer only")
@_encoded
def _(self, tokens, segments, mask):
    """Only your first layer gets the mask; in the others words look at padding. Hand it to every
    layer, or to the Encoder, which does."""
    hidden = self.embeddings(tokens, segments)
    for number, layer in enumerate(self.encoder.layers):
        hidden = layer(hidden, None if number else mask)
    return hidden


@Bert.misconception("mask the wrong way round")
@_encoded
def _(self, tokens, segments, mask):
    """You turn the mask round. True means "may attend" here, in your Encoder too: hand it on as it
    is."""
    return self.encoder(self.embeddings(tokens, segments), None if mask is None else ~mask)


@Bert.misconception("segments not handed on")
@_encoded
def _(self, tokens, segments, mask):
    """The segments never reach the embeddings: self.embeddings(tokens, segments)."""
    return self.encoder(self.embeddings(tokens), mask)


@Bert.misconception("segments and mask swapped")
@_encoded
def _(self, tokens, segments, mask):
    """You hand the mask to the embeddings and the segments to the encoder. It is the other way
    round: self.encoder(self.embeddings(tokens, segments), mask)."""
    return self.encoder(self.embeddings(tokens, mask), segments)


@Bert.misconception("neither segments nor mask handed on")
@_encoded
def _(self, tokens, segments, mask):
    """Neither segments nor mask are used. The embeddings need the segments and the encoder the
    mask."""
    return self.encoder(self.embeddings(tokens))


@Bert.misconception("a causal mask")
@_encoded
def _(self, tokens, segments, mask):
    """You hide what comes later, as a decoder does. BERT reads in both directions: the only mask is
    the one that is passed."""
    causal = pieces.causal_mask(tokens.shape[1]).to(tokens.device)
    return self.encoder(
        self.embeddings(tokens, segments), causal if mask is None else causal & mask
    )


@Bert.misconception("padding guessed from id 0")
@_encoded
def _(self, tokens, segments, mask):
    """Without a mask you hide the tokens of id 0. Bert doesn't know which id is padding: where no
    mask is passed, everything may be attended to."""
    mask = pieces.padding_mask(tokens, 0) if mask is None else mask
    return self.encoder(self.embeddings(tokens, segments), mask)


@Bert.misconception("words embedded without the embeddings' norm")
@_encoded
def _(self, tokens, segments, mask):
    """You look the tokens up in embeddings.token alone. Call self.embeddings(tokens, segments): it
    adds segment and position, and norms."""
    return self.encoder(self.embeddings.token(tokens), mask)


@Bert.misconception("embeddings scaled by √d_model")
@_encoded
def _(self, tokens, segments, mask):
    """You multiply the embeddings by √d_model. BERT doesn't: they have been normed."""
    x = self.embeddings(tokens, segments)
    return self.encoder(x * math.sqrt(x.shape[-1]), mask)


@Bert.misconception("positions added twice")
@_encoded
def _(self, tokens, segments, mask):
    """You add positions to what the embeddings return. They are in there already."""
    x = self.embeddings(tokens, segments)
    return self.encoder(x + self.embeddings.position.weight[: tokens.shape[1]], mask)


@Bert.misconception("embeddings cut off from the graph")
@_encoded
def _(self, tokens, segments, mask):
    """No gradient reaches the embeddings: a .detach() or torch.no_grad() cuts them off."""
    return self.encoder(self.embeddings(tokens, segments).detach(), mask)


@Bert.misconception("segments changed in place")
@_encoded
def _(self, tokens, segments, mask):
    """Your call changes the caller's tokens, segments or mask. Use no method that ends in _ and no
    x[…] = … on what was passed."""
    hidden = self.encoder(self.embeddings(tokens, segments), mask)
    if segments is not None:
        segments.zero_()
    return hidden


# How pooled is made.


@Bert.misconception("pooled from the last token")
@_pooled
def _(self, hidden):
    """You pool the last position, which may be padding. It is the first, [CLS]: hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden[:, -1]))


@Bert.misconception("pooled from the mean")
@_pooled
def _(self, hidden):
    """You average all positions, padding too. BERT pools the first one, [CLS], alone:
    hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden.mean(1)))


@Bert.misconception("pooled from the largest")
@_pooled
def _(self, hidden):
    """You take the largest number over all positions. BERT pools the first one, [CLS], alone:
    hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden.amax(1)))


@Bert.misconception("pooled from the first sentence")
@_pooled
def _(self, hidden):
    """hidden[0] is the first sentence of the batch. The first token of every sentence is
    hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden[0]))


@Bert.misconception("pooled from the first feature")
@_pooled
def _(self, hidden):
    """hidden[..., 0] is the first feature of every token. The first token of every sentence, with
    all its features, is hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden[..., 0]))


@Bert.misconception("pooled has a position axis left")
@_pooled
def _(self, hidden):
    """Your pooled is (batch, 1, d_model): hidden[:, :1] keeps the axis. Take hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden[:, :1]))


@Bert.misconception("pooled at every position")
@_pooled
def _(self, hidden):
    """You pool every position. pooled is (batch, d_model): only the first token's hidden state goes
    through the pooler, hidden[:, 0]."""
    return torch.tanh(self.pooler(hidden))


@Bert.misconception("tanh forgotten")
@_pooled
def _(self, hidden):
    """pooled is the pooler's output as it is. The tanh is missing: torch.tanh(self.pooler(…))."""
    return self.pooler(hidden[:, 0])


@Bert.misconception("tanh before the pooler")
@_pooled
def _(self, hidden):
    """You take the tanh first and the pooler after it. It is tanh of the pooler's output."""
    return self.pooler(torch.tanh(hidden[:, 0]))


@Bert.misconception("the pooler isn't used")
@_pooled
def _(self, hidden):
    """pooled is the first token's hidden state as it is. It goes through the pooler, and then
    through tanh."""
    return hidden[:, 0]


@Bert.misconception("tanh alone")
@_pooled
def _(self, hidden):
    """You take tanh of the hidden state without the pooler. It is tanh of pooler(hidden[:, 0])."""
    return torch.tanh(hidden[:, 0])


@Bert.misconception("ReLU in place of tanh")
@_pooled
def _(self, hidden):
    """You have a ReLU behind the pooler, where BERT has a tanh."""
    return torch.relu(self.pooler(hidden[:, 0]))


@Bert.misconception("sigmoid in place of tanh")
@_pooled
def _(self, hidden):
    """You have a sigmoid where BERT has a tanh."""
    return torch.sigmoid(self.pooler(hidden[:, 0]))


@Bert.misconception("GELU in place of tanh")
@_pooled
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
@_pooled
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
@_returned
def _(self, hidden, pooled):
    """You return (pooled, hidden). hidden comes first."""
    return pooled, hidden


@Bert.misconception("hidden alone")
@_returned
def _(self, hidden, pooled):
    """You return hidden alone. Return two things: hidden, pooled."""
    return hidden


@Bert.misconception("pooled alone")
@_returned
def _(self, hidden, pooled):
    """You return pooled alone. Return two things: hidden, pooled."""
    return pooled


@Bert.misconception("float32 whatever the weights are")
@_returned
def _(self, hidden, pooled):
    """Your results are float32 whatever the weights are. Leave .float() out: the precision is that
    of the module."""
    return hidden.float(), pooled.float()


# ---- masked_lm_loss ----------------------------------------------------------------------------

masked_lm_loss = Exercise("masked_lm_loss", reference=pieces.masked_lm_loss)


def _loss_case(draw: Draw, scale: float = 2.0) -> Case:
    """Logits, and labels of which each sentence has another number; among them is token 0."""
    batch, length, vocab = draw.sizes(3, low=3, high=7)
    logits = draw.normal(batch, length + 3, vocab + 3, scale=scale)
    labels = torch.full((batch, length + 3), _NOT_CHOSEN)
    for row in range(batch):
        labels[row, : 1 + row] = draw.tokens(1 + row, low=1, high=vocab + 2)
        labels[row] = labels[row][draw.normal(length + 3).argsort()]
    labels[1, int((labels[1] != _NOT_CHOSEN).nonzero()[0])] = 0
    return Case((logits, labels))


_LOSS = ("The loss",)
equals_reference(
    masked_lm_loss,
    _loss_case,
    _LOSS,
    name="the mean over the chosen",
    points=2,
    says="The loss is the mean, over all chosen positions of the batch, of minus the log of the "
    "probability that the softmax gives to the label.",
)


@masked_lm_loss.property("one number", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The loss is one number: a tensor without dimensions."""
    expect.shape(piece(*_loss_case(draw).args), (), "The loss")


@masked_lm_loss.property("what wasn't chosen doesn't count", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Logits where the label is −100 should change nothing."""
    logits, labels = _loss_case(draw).args
    other = torch.where(labels[..., None] == _NOT_CHOSEN, draw.normal(*logits.shape), logits)
    first, second = (expect.tensor(piece(each, labels), "The loss") for each in (logits, other))
    same = first.shape == second.shape and torch.allclose(first, second, rtol=1e-9)
    expect.that(same, "Other logits there gave another loss.")


@masked_lm_loss.property("large logits", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """With logits in the thousands the loss should stay finite, and right."""
    case = _loss_case(draw, scale=2000.0)
    found = expect.finite(piece(*case.args), "The loss")
    expect.close(found, masked_lm_loss.reference(*case.args), "The loss")


gradients_flow(masked_lm_loss, _loss_case, of=("logits",), points=0.75)
inputs_stay(masked_lm_loss, _loss_case, points=0.25)


def _surprises(logits, labels):
    """Minus the log probability of each label (batch, length), 0 where nothing was chosen; and
    where something was."""
    chosen = labels != _NOT_CHOSEN
    logs = logits.log_softmax(-1)
    own = logs.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return torch.where(chosen, -own, 0.0), chosen


@masked_lm_loss.misconception("all positions count")
def _(logits, labels):
    """You reckon every position in, with label 0 where there is −100. Only what was chosen counts:
    leave the −100 out."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten().clamp(min=0))


@masked_lm_loss.misconception("the sum")
def _(logits, labels):
    """You add the losses up. Take their mean, so that a long sentence pulls no harder than a short
    one."""
    surprises, _ = _surprises(logits, labels)
    return surprises.sum()


@masked_lm_loss.misconception("divided by all positions")
def _(logits, labels):
    """You divide by the number of all positions. Divide by the number of chosen ones: the zeros of
    the others are not losses."""
    surprises, _ = _surprises(logits, labels)
    return surprises.mean()


@masked_lm_loss.misconception("divided by the sentences")
def _(logits, labels):
    """You divide by the number of sentences. Divide by the number of chosen positions."""
    surprises, _ = _surprises(logits, labels)
    return surprises.sum() / len(labels)


@masked_lm_loss.misconception("a mean of means")
def _(logits, labels):
    """You take each sentence's mean, and then the mean of these. Then a position in a sentence with
    few chosen ones weighs more. Take one mean over all chosen positions."""
    surprises, chosen = _surprises(logits, labels)
    return (surprises.sum(1) / chosen.sum(1)).mean()


@masked_lm_loss.misconception("token 0 left out")
def _(logits, labels):
    """You leave out label 0 as well. 0 is a token like any other here; what is left out is −100."""
    return F.cross_entropy(
        logits.flatten(0, 1), labels.flatten().masked_fill(labels.flatten() == 0, -100)
    )


@masked_lm_loss.misconception("ignore_index=0")
def _(logits, labels):
    """ignore_index=0 leaves token 0 out and lets −100 in, which is no token. cross_entropy leaves
    −100 out by itself: that is its default."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=0)


@masked_lm_loss.misconception("not flattened")
def _(logits, labels):
    """cross_entropy expects the vocabulary in dimension 1, and yours is last. Flatten both first:
    logits (batch · length, vocab_size), labels (batch · length)."""
    return F.cross_entropy(logits, labels)


@masked_lm_loss.misconception("only the labels flattened")
def _(logits, labels):
    """You flatten the labels and not the logits. Both lose their first two dimensions: logits
    (batch · length, vocab_size), labels (batch · length)."""
    return F.cross_entropy(logits, labels.flatten())


@masked_lm_loss.misconception("the wrong axis kept")
def _(logits, labels):
    """What you keep of the logits isn't the vocabulary, which is their last dimension:
    logits.flatten(0, 1), or view(-1, logits.size(-1))."""
    return F.cross_entropy(logits.reshape(logits.size(2), -1), labels.flatten())


@masked_lm_loss.misconception("axes confused by a view")
def _(logits, labels):
    """You bring the vocabulary to dimension 1 by view or reshape, which deals the numbers out anew.
    Swap the axes with transpose(1, 2), or flatten batch and length."""
    batch, length, vocab = logits.shape
    return F.cross_entropy(logits.reshape(batch, vocab, length), labels)


@masked_lm_loss.misconception("the logits flattened to one axis")
def _(logits, labels):
    """You flatten the vocabulary away: logits.flatten() has a single axis. Keep the last one:
    logits.flatten(0, 1) is (batch · length, vocab_size)."""
    return F.cross_entropy(logits.flatten(), labels.flatten())


@masked_lm_loss.misconception("the logits' rows in another order")
def _(logits, labels):
    """You turn batch and length of the logits round and leave the labels as they are, so that each
    row meets another place's label. Flatten both as they come."""
    return F.cross_entropy(logits.transpose(0, 1).flatten(0, 1), labels.flatten())


@masked_lm_loss.misconception("transposed, and then flattened")
def _(logits, labels):
    """You transpose the logits and then deal their numbers out in rows, which mixes words and
    places. The vocabulary is last already: logits.flatten(0, 1)."""
    return F.cross_entropy(logits.transpose(1, 2).reshape(-1, logits.size(2)), labels.flatten())


@masked_lm_loss.misconception("softmax twice")
def _(logits, labels):
    """You hand cross_entropy probabilities. It takes the softmax itself: hand it the logits."""
    return F.cross_entropy(logits.softmax(-1).flatten(0, 1), labels.flatten())


@masked_lm_loss.misconception("no softmax")
def _(logits, labels):
    """You use the logits as if they were log-probabilities. Between them stands a log_softmax, or
    use F.cross_entropy, which has it."""
    return F.nll_loss(logits.flatten(0, 1), labels.flatten())


@masked_lm_loss.misconception("the minus forgotten")
def _(logits, labels):
    """Your loss has the other sign: it is the mean of minus the log-probabilities."""
    return -pieces.masked_lm_loss(logits, labels)


@masked_lm_loss.misconception("probabilities in place of their logarithms")
def _(logits, labels):
    """You take the mean probability of the right token. Take the mean of minus its logarithm."""
    chosen = labels != _NOT_CHOSEN
    own = logits.softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return 1 - own[chosen].mean()


@masked_lm_loss.misconception("logarithms to the base of 2")
def _(logits, labels):
    """You take logarithms to the base of 2. Losses use the natural one: torch.log."""
    return pieces.masked_lm_loss(logits, labels) / math.log(2)


@masked_lm_loss.misconception("perplexity")
def _(logits, labels):
    """You return the perplexity, exp of the loss. Return the loss itself."""
    return pieces.masked_lm_loss(logits, labels).exp()


@masked_lm_loss.misconception("the share of wrong guesses")
def _(logits, labels):
    """You count wrong guesses (argmax). That can't be learned from, as a count has no slope. The
    loss is the mean of −log p(label)."""
    chosen = labels != _NOT_CHOSEN
    return (logits.argmax(-1) != labels)[chosen].float().mean()


@masked_lm_loss.misconception("logarithms of the logits")
def _(logits, labels):
    """You take the logarithm of a logit. Logits aren't probabilities, and may be negative: a
    softmax comes first, or use F.cross_entropy, which has it."""
    chosen = labels != _NOT_CHOSEN
    own = logits.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return -own[chosen].log().mean()


@masked_lm_loss.misconception("softmax over the positions")
def _(logits, labels):
    """Your softmax runs along the sentence. It runs over the vocabulary, the last dimension."""
    chosen = labels != _NOT_CHOSEN
    own = logits.log_softmax(1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return -own[chosen].mean()


@masked_lm_loss.misconception("one loss for each position")
def _(logits, labels):
    """You return a loss for each position (reduction="none"). Return their mean over the chosen
    ones."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")


@masked_lm_loss.misconception("exp of large logits")
def _(logits, labels):
    """exp of a logit in the thousands is infinite, and log of a probability that rounds to 0 too.
    log_softmax and F.cross_entropy take care of both."""
    chosen = labels != _NOT_CHOSEN
    powers = logits.exp()
    own = powers.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return -(own / powers.sum(-1))[chosen].log().mean()


@masked_lm_loss.misconception("log of a softmax")
def _(logits, labels):
    """softmax rounds small probabilities to 0, whose logarithm is minus infinity. Use log_softmax,
    which does both in one, or F.cross_entropy."""
    chosen = labels != _NOT_CHOSEN
    own = logits.softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return -own[chosen].log().mean()


@masked_lm_loss.misconception("a Python number")
def _(logits, labels):
    """You return a Python number (.item()), through which no gradient flows. Return the tensor."""
    return pieces.masked_lm_loss(logits, labels).item()


@masked_lm_loss.misconception("cut off from the graph")
def _(logits, labels):
    """The value is right, and no gradient flows back: a .detach() or torch.no_grad() cuts it off
    from the logits."""
    return pieces.masked_lm_loss(logits.detach(), labels)


@masked_lm_loss.misconception("labels changed in place")
def _(logits, labels):
    """You change the caller's labels. Make new ones: masked_fill and clamp without a _ at the
    end."""
    loss = pieces.masked_lm_loss(logits, labels)
    labels.clamp_(min=0)
    return loss


@masked_lm_loss.misconception("the first chosen position of each sentence")
def _(logits, labels):
    """You use one chosen position of each sentence: argmax finds the first one only. All chosen
    positions count."""
    place = (labels != _NOT_CHOSEN).long().argmax(1)
    rows = torch.arange(len(labels))
    return F.cross_entropy(logits[rows, place], labels[rows, place])


@masked_lm_loss.misconception("predictions shifted by one")
def _(logits, labels):
    """You compare each position with the label of the next one, as a model that writes does. A
    masked token is guessed at its own place: no shift."""
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


# ---- SentenceClassifier ------------------------------------------------------------------------

SentenceClassifier = Exercise(
    "SentenceClassifier",
    reference=pieces.SentenceClassifier,
    forbidden=Bert.forbidden,
    instead=Bert.instead,
)
_LOGITS = ("The logits",)


def _classifier_case(draw: Draw) -> Case:
    return _model_case(draw, num_classes=draw.integer(3, 5))


parameters_named(SentenceClassifier, _classifier_case, points=1)
equals_reference(
    SentenceClassifier,
    _classifier_case,
    _LOGITS,
    name="logits",
    points=2.5,
    says="In eval mode the logits are the classifier on pooled.",
)
_without(SentenceClassifier, _classifier_case, _LOGITS, points=0.5)
_padding_is_silent(SentenceClassifier, _classifier_case, points=0.5)


@SentenceClassifier.property("dropout on pooled", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In training, dropout acts on pooled, before the classifier, with the rate that is passed;
    Bert has its own dropout, with the same rate."""
    case = _classifier_case(draw)
    d_model, rate = case.construct["d_model"], 0.5
    # Without layers, and with pooler and classifier made plain, a logit is tanh of half a number of
    # the embeddings. It is dropped on the way there, or here, or survives both.
    plain = {"dropout": rate, "num_classes": d_model, "num_layers": 0}
    instance, oracle = beside(
        SentenceClassifier, piece, Case(case.args, {}, case.construct | plain), draw
    )
    eye, zeros = torch.eye(d_model, dtype=torch.float64), torch.zeros(d_model)
    instance.load(
        {
            "bert.pooler.weight": 0.5 * eye,
            "bert.pooler.bias": zeros,
            "classifier.weight": eye,
            "classifier.bias": zeros + 0.125,
        }
    )
    tokens = draw.tokens(240, 2, low=0, high=case.construct["vocab_size"] - 1)
    x = oracle.bert.embeddings(tokens)[:, 0].detach()
    found = expect.shape(instance.train()(tokens), x.shape, "The logits") - 0.125
    lives = found != 0
    share = float(lives.double().mean())

    def as_if(inside: float, here: float) -> bool:
        wanted = torch.tanh(0.5 * x / (1 - inside)) / (1 - here)
        return torch.allclose(found[lives], wanted[lives], atol=1e-9)

    rates = {"0": 0.0, "0.1": 0.1, "0.3": 0.3, "right": rate}
    fits = [
        f"Bert {inside}, pooled {here}"
        for inside, p in rates.items()
        for here, q in rates.items()
        if as_if(p, q)
    ]
    wanted = (1 - rate) ** 2
    right = fits == ["Bert right, pooled right"]
    if not right or abs(share - wanted) > _slack(wanted, found.numel()):
        # At least 240 · 8 numbers; the bound is this module's.
        says = f"With dropout={rate} in Bert and after it, a quarter of the numbers should survive"
        _unlike(f"{says}; {share:.0%} do.", fits[0] if fits else "something else")


@SentenceClassifier.property("all of it learns", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Fine-tuning changes every weight, those of Bert too: none is frozen, none out of reach."""
    case = _classifier_case(draw)
    instance, oracle = beside(SentenceClassifier, piece, case, draw)
    logits = oracle(*case.args)
    cotangent = draw.normal(*logits.shape)
    logits.backward(cotangent)
    found = instance.gradients(*case.args, cotangents=[cotangent])
    for name, parameter in oracle.named_parameters():
        expect.gradient(found.weights.get(name), parameter.grad, name)


inputs_stay(SentenceClassifier, _classifier_case, points=0.25)
single_precision(SentenceClassifier, _classifier_case, _LOGITS, points=0.25)


class _Classifier(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(
        self,
        num_classes,
        vocab_size,
        d_model,
        num_heads,
        num_layers,
        d_ff,
        max_length,
        dropout=0.1,
    ):
        super().__init__()
        self.bert = self.body(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.dropout = nn.Dropout(dropout)
        self.classifier = self.top(d_model, num_classes)

    def body(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout):
        return pieces.Bert(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)

    def top(self, d_model, num_classes):
        return nn.Linear(d_model, num_classes)

    def read(self, tokens, segments, mask):
        return self.bert(tokens, segments, mask)

    def decide(self, hidden, pooled):
        return self.classifier(self.dropout(pooled))

    def forward(self, tokens, segments=None, mask=None):
        return self.decide(*self.read(tokens, segments, mask))


def _decided(change: Callable[..., Any]) -> type[nn.Module]:
    """A classifier that is right but for what it makes of hidden and pooled."""

    class Wrong(_Classifier):
        def decide(self, hidden, pooled):
            return change(self, hidden, pooled)

    Wrong.__doc__ = change.__doc__
    return Wrong


def _read(change: Callable[..., Any]) -> type[nn.Module]:
    """A classifier that is right but for how it calls its Bert."""

    class Wrong(_Classifier):
        def read(self, tokens, segments, mask):
            return change(self, tokens, segments, mask)

    Wrong.__doc__ = change.__doc__
    return Wrong


@SentenceClassifier.misconception("the mean of hidden")
@_decided
def _(self, hidden, pooled):
    """You classify the mean of all hidden states, padding too. The classifier reads pooled."""
    return self.classifier(self.dropout(hidden.mean(1)))


@SentenceClassifier.misconception("the first hidden state")
@_decided
def _(self, hidden, pooled):
    """You classify [CLS]'s hidden state as it is. pooled is what pooler and tanh make of it: Bert's
    second result."""
    return self.classifier(self.dropout(hidden[:, 0]))


@SentenceClassifier.misconception("the last hidden state")
@_decided
def _(self, hidden, pooled):
    """You classify the last position, which may be padding. The classifier reads pooled."""
    return self.classifier(self.dropout(hidden[:, -1]))


@SentenceClassifier.misconception("every position classified")
@_decided
def _(self, hidden, pooled):
    """You classify every position, as the tagger did. Here the whole sentence gets one answer: the
    classifier reads pooled, Bert's second result."""
    return self.classifier(self.dropout(hidden))


@SentenceClassifier.misconception("dropout forgotten")
@_decided
def _(self, hidden, pooled):
    """pooled goes into the classifier without dropout: self.classifier(self.dropout(pooled))."""
    return self.classifier(pooled)


@SentenceClassifier.misconception("dropout on the logits")
@_decided
def _(self, hidden, pooled):
    """Dropout acts on the logits, so a class may be struck out. It belongs before the classifier,
    on pooled."""
    return self.dropout(self.classifier(pooled))


@SentenceClassifier.misconception("dropout in eval mode too")
@_decided
def _(self, hidden, pooled):
    """nn.functional.dropout drops in eval mode too, unless it is told not to. Keep an
    nn.Dropout(dropout), which knows the mode."""
    return self.classifier(F.dropout(pooled, 0.3))


@SentenceClassifier.misconception("half of pooled dropped in eval mode too")
@_decided
def _(self, hidden, pooled):
    """nn.functional.dropout drops half of the numbers, and in eval mode too, unless it is told
    otherwise. Keep an nn.Dropout(dropout), which knows rate and mode."""
    return self.classifier(F.dropout(pooled))


@SentenceClassifier.misconception("softmax at the end")
@_decided
def _(self, hidden, pooled):
    """You return probabilities. Return the logits: the loss takes the softmax itself."""
    return self.classifier(self.dropout(pooled)).softmax(-1)


@SentenceClassifier.misconception("log_softmax at the end")
@_decided
def _(self, hidden, pooled):
    """You return log-probabilities. Return the logits: the loss takes the softmax itself."""
    return self.classifier(self.dropout(pooled)).log_softmax(-1)


@SentenceClassifier.misconception("sigmoid at the end")
@_decided
def _(self, hidden, pooled):
    """You send the logits through a sigmoid. Return them as they are."""
    return torch.sigmoid(self.classifier(self.dropout(pooled)))


@SentenceClassifier.misconception("the class in place of logits")
@_decided
def _(self, hidden, pooled):
    """You return the number of the class (argmax). Return the logits, one for each class: the loss
    needs them."""
    return self.classifier(self.dropout(pooled)).argmax(-1)


@SentenceClassifier.misconception("another tanh")
@_decided
def _(self, hidden, pooled):
    """You take another tanh. pooled has been through one already."""
    return self.classifier(self.dropout(torch.tanh(pooled)))


@SentenceClassifier.misconception("a ReLU on pooled")
@_decided
def _(self, hidden, pooled):
    """You send pooled through a ReLU. It has been through a tanh already, and the classifier reads
    it as it is."""
    return self.classifier(self.dropout(torch.relu(pooled)))


@SentenceClassifier.misconception("the batch of one squeezed")
@_decided
def _(self, hidden, pooled):
    """squeeze() takes every axis of size 1 away, so that a batch of one sentence loses its first.
    Leave it out: the logits are (batch, num_classes) as they come."""
    return self.classifier(self.dropout(pooled)).squeeze()


@SentenceClassifier.misconception("the pooler used twice")
@_decided
def _(self, hidden, pooled):
    """You send pooled through the pooler again. Bert has done that already."""
    return self.classifier(self.dropout(torch.tanh(self.bert.pooler(pooled))))


@SentenceClassifier.misconception("logits in a tuple")
@_decided
def _(self, hidden, pooled):
    """You return several things. Return the logits alone, (batch, num_classes)."""
    return self.classifier(self.dropout(pooled)), pooled


@SentenceClassifier.misconception("bert frozen")
@_decided
def _(self, hidden, pooled):
    """Bert's weights get no gradient (requires_grad = False, .detach() or torch.no_grad()), so only
    the top layer would learn. In fine-tuning all weights do."""
    return self.classifier(self.dropout(pooled.detach()))


@SentenceClassifier.misconception("the embeddings frozen")
class _(_Classifier):
    """The embeddings are frozen. In fine-tuning all weights learn."""

    def body(self, *sizes):
        made = super().body(*sizes)
        made.embeddings.requires_grad_(False)
        return made


@SentenceClassifier.misconception("mask not handed on")
@_read
def _(self, tokens, segments, mask):
    """The mask never reaches Bert, so that padding is read as if it were words. self.bert(tokens,
    segments, mask)."""
    return self.bert(tokens, segments)


@SentenceClassifier.misconception("segments not handed on")
@_read
def _(self, tokens, segments, mask):
    """The segments never reach Bert: self.bert(tokens, segments, mask)."""
    return self.bert(tokens, None, mask)


@SentenceClassifier.misconception("neither segments nor mask handed on")
@_read
def _(self, tokens, segments, mask):
    """Neither segments nor mask reach Bert: self.bert(tokens, segments, mask)."""
    return self.bert(tokens)


@SentenceClassifier.misconception("mask in the place of segments")
@_read
def _(self, tokens, segments, mask):
    """You call self.bert(tokens, mask), and its second argument is segments. Hand on all three, in
    order, or write mask=mask."""
    return self.bert(tokens, mask)


@SentenceClassifier.misconception("segments changed in place")
@_read
def _(self, tokens, segments, mask):
    """Your call changes the caller's tokens, segments or mask. Use no method that ends in _ and no
    x[…] = … on what was passed."""
    result = self.bert(tokens, segments, mask)
    if segments is not None:
        segments.zero_()
    return result


@SentenceClassifier.misconception("no dropout in Bert")
class _(_Classifier):
    """Your Bert has a dropout of 0. Hand it the one that is passed."""

    def body(self, *sizes):
        return super().body(*sizes[:-1], 0.0)


@SentenceClassifier.misconception("Bert's dropout left at its default")
class _(_Classifier):
    """You don't hand the dropout on to Bert, which takes its default of 0.1."""

    def body(self, *sizes):
        return super().body(*sizes[:-1], 0.1)


@SentenceClassifier.misconception("the classifier's dropout fixed at 0.1")
class _(_Classifier):
    """The dropout on pooled is 0.1, whatever is passed: nn.Dropout(dropout)."""

    def __init__(
        self,
        num_classes,
        vocab_size,
        d_model,
        num_heads,
        num_layers,
        d_ff,
        max_length,
        dropout=0.1,
    ):
        super().__init__(
            num_classes,
            vocab_size,
            d_model,
            num_heads,
            num_layers,
            d_ff,
            max_length,
            dropout,
        )
        self.dropout = nn.Dropout(0.1)


@SentenceClassifier.misconception("classifier without bias")
class _(_Classifier):
    """Your classifier has no bias. It is an nn.Linear(d_model, num_classes) as it comes."""

    def top(self, d_model, num_classes):
        return nn.Linear(d_model, num_classes, bias=False)


@SentenceClassifier.misconception("two classes, whatever is asked")
class _(_Classifier):
    """Your classifier has two classes, whatever is asked for. Use num_classes."""

    def top(self, d_model, num_classes):
        return nn.Linear(d_model, 2)


@SentenceClassifier.misconception("the vocabulary as classes")
class _(_Classifier):
    """Your classifier has an output for each word, like a head that fills blanks. It has
    num_classes."""

    def top(self, d_model, num_classes):
        return nn.Linear(d_model, self.bert.embeddings.token.num_embeddings)


@SentenceClassifier.misconception("two layers on top")
class _(_Classifier):
    """You put several layers on top. There is one linear layer, classifier; the pooler is the other
    one, and Bert has it."""

    def top(self, d_model, num_classes):
        return nn.Sequential(
            nn.Linear(d_model, d_model), nn.Tanh(), nn.Linear(d_model, num_classes)
        )


def _named_otherwise(**renamed: str) -> Callable[[Callable], type[nn.Module]]:
    """A classifier that is right but for the names of its parts."""

    def wrap(told: Callable) -> type[nn.Module]:
        class Wrong(_Classifier):
            def __init__(
                self,
                num_classes,
                vocab_size,
                d_model,
                num_heads,
                num_layers,
                d_ff,
                max_length,
                dropout=0.1,
            ):
                super().__init__(
                    num_classes,
                    vocab_size,
                    d_model,
                    num_heads,
                    num_layers,
                    d_ff,
                    max_length,
                    dropout,
                )
                for old, new in renamed.items():
                    setattr(self, new, getattr(self, old))
                    delattr(self, old)

            def forward(self, tokens, segments=None, mask=None):
                read = getattr(self, renamed.get("bert", "bert"))
                decide = getattr(self, renamed.get("classifier", "classifier"))
                return decide(self.dropout(read(tokens, segments, mask)[1]))

        Wrong.__doc__ = told.__doc__
        return Wrong

    return wrap


@SentenceClassifier.misconception("another name for the top layer")
@_named_otherwise(classifier="head")
def _():
    """The top layer has another name than the exercise asks: classifier. Names are how weights are
    exchanged."""


@SentenceClassifier.misconception("built on an encoder")
class _(_Classifier):
    """You build embeddings and encoder anew. Hold a whole Bert under the name bert: then
    pre-trained weights fit in one line."""

    def body(self, *sizes):
        made = super().body(*sizes)
        self.embeddings, self.encoder, self.pooler = made.embeddings, made.encoder, made.pooler
        return None

    def read(self, tokens, segments, mask):
        hidden = self.encoder(self.embeddings(tokens, segments), mask)
        return hidden, torch.tanh(self.pooler(hidden[:, 0]))


@SentenceClassifier.misconception("Bert's arguments in another order")
class _(_Classifier):
    """You hand Bert its sizes in another order. It is vocab_size, d_model, num_heads, num_layers,
    d_ff, max_length, dropout."""

    def body(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout):
        return super().body(vocab_size, d_model, num_heads, num_layers, max_length, d_ff, dropout)
