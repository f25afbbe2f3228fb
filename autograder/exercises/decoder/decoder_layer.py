"""Masked self-attention, cross-attention, feed-forward."""

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Instance, Piece
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
from autograder.checks.wrong_module import wrong_constructor, wrong_forward, wrong_method
from workbook import pieces

DecoderLayer = Exercise(
    "DecoderLayer",
    reference=pieces.DecoderLayer,
    forbidden=(
        "scaled_dot_product_attention",
        "multi_head_attention_forward",
        "_native_multi_head_attention",
    ),
    instead="You call torch's own attention. The decoder layer is made of your pieces: "
    "MultiHeadAttention, FeedForward, LayerNorm and residual.",
)


def decoder_case(
    draw: Draw,
    masks: str = "",
    norm_first: bool = True,
    equal: bool = False,
    stack: bool = False,
    **options: Any,
) -> Case:
    """States, memory and masks: of other lengths, unless `equal`; `masks` says which and of what
    shape."""
    batch, heads, target, source, d_head, d_ff = draw.sizes(6, low=2, high=7)
    source = target if equal else source
    d_model = heads * d_head
    every = {
        "": (),
        "causal": ("causal", (batch, 1, 1, source)),
        "whole": ((batch, heads, target, target), (batch, heads, target, source)),
        "sentences": ((batch, 1, target, target), (batch, 1, target, source)),
    }
    kwargs = {}
    for name, shape in zip(("self_mask", "cross_mask"), every[masks], strict=False):
        kwargs[name] = pieces.causal_mask(target) if shape == "causal" else draw.mask(*shape)
    construct = {"d_model": d_model, "num_heads": heads, "d_ff": d_ff, "norm_first": norm_first}
    if stack:
        construct = {"num_layers": 2} | construct
    # In between, states are normalised or grow: with small weights no softmax saturates.
    return Case(
        (draw.normal(batch, target, d_model), draw.normal(batch, source, d_model)),
        kwargs,
        construct | options,
        scale=1.2 / math.sqrt(d_model),
    )


def _causal(draw: Draw) -> Case:
    return decoder_case(draw, "causal")


def expect_as_computed(exercise: Exercise, piece: Piece, case: Case, draw: Draw) -> None:
    """The output of the reference with the same weights."""
    asked, oracle = beside(exercise, piece, case, draw)
    expect.close(
        asked(*case.args, **case.kwargs),
        oracle(*case.args, **case.kwargs).detach(),
        "The output, at [sentence, position, feature],",
    )


parameters_named(DecoderLayer, decoder_case, points=1)


@DecoderLayer.property("each look with its own mask", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """self_mask belongs to self-attention and cross_mask to cross-attention; here both sentences
    are equally long, so that nothing but the numbers tells them apart."""
    expect_as_computed(DecoderLayer, piece, decoder_case(draw, "causal", equal=True), draw)


@DecoderLayer.property("source and target of other lengths", points=1.25)
def _(piece: Piece, draw: Draw) -> None:
    """The source is as long as it is, and the target too: self-attention among x, cross-attention
    from x to memory, the feed-forward layer; each normed first and then added."""
    expect_as_computed(DecoderLayer, piece, decoder_case(draw), draw)


@DecoderLayer.property("masks of every shape", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A mask may be different for every sentence and every head, and it broadcasts by itself: pass
    it on as it is."""
    for masks in ("sentences", "whole"):
        expect_as_computed(DecoderLayer, piece, decoder_case(draw, masks), draw)


@DecoderLayer.property("post-norm", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With norm_first=False, each norm comes after the addition, three times: norm(x +
    sublayer(x))."""
    expect_as_computed(DecoderLayer, piece, decoder_case(draw, "causal", norm_first=False), draw)


@DecoderLayer.property("activation and eps are passed on", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """activation goes to the feed-forward layer, and eps to all three norms."""
    eps = draw.uniform(0.3, 0.6)
    expect_as_computed(DecoderLayer, piece, decoder_case(draw, activation="gelu", eps=eps), draw)


@DecoderLayer.property("no look ahead, no look at padding", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """With a causal self_mask, an earlier position's output doesn't change when a later one's input
    does; what cross_mask hides of the memory changes nothing."""
    case = _causal(draw)
    x, memory = case.args
    asked, _ = beside(DecoderLayer, piece, case, draw)
    before = expect.shape(asked(x, memory, **case.kwargs), x.shape, "The output")
    later, padded = x.clone(), memory.clone()
    cut = draw.integer(1, x.size(1) - 1)
    later[:, cut:] = draw.normal(*later[:, cut:].shape)
    hidden = ~case.kwargs["cross_mask"][:, 0, 0]
    padded[hidden] = draw.normal(*padded[hidden].shape)
    after = expect.shape(asked(later, memory, **case.kwargs), x.shape, "The output")
    expect.that(
        torch.allclose(after[:, :cut], before[:, :cut], rtol=1e-9, atol=1e-9),
        "An earlier position noticed a later one.",
    )
    after = expect.shape(asked(x, padded, **case.kwargs), x.shape, "The output")
    expect.that(
        torch.allclose(after, before, rtol=1e-9, atol=1e-9),
        "Hidden positions of the memory changed the output.",
    )


@DecoderLayer.property("a source of padding alone", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A sentence whose source is hidden altogether should still give numbers, not NaN: its
    cross-attention brings home out_proj's bias."""
    case = _causal(draw)
    case.kwargs["cross_mask"][0] = False
    expect_as_computed(DecoderLayer, piece, case, draw)


# Where dropout acts: the layer is silenced but for one place, and its output shows that place.
_PLACES = (
    ("self_attention.out_proj.bias", "what self-attention brings home"),
    ("cross_attention.out_proj.bias", "what cross-attention brings home"),
    ("feed_forward.linear2.bias", "what the feed-forward layer brings home"),
)
FULL = torch.full((12,), 2.0, dtype=torch.float64)


def _dropping(piece: Piece, p: float, training: bool = True) -> Instance:
    """A pre-norm layer that drops with probability p."""
    construct = {"d_model": 12, "num_heads": 3, "d_ff": 24, "dropout": p}
    return piece.construct(**construct).to(torch.float64).train(training)


def _shown(instance: Instance, weights: dict, draw: Draw) -> torch.Tensor:
    """The output − x, (4, 30, 12), with these weights and all others 0."""
    silent = {name: torch.zeros_like(value) for name, value in instance.parameters().items()}
    refused = instance.load(silent | weights)
    expect.that(not refused, "The check can't set the weights: see the first property.")
    x, memory = draw.normal(4, 30, 12), draw.normal(4, 20, 12)
    output = expect.shape(instance(x, memory), x.shape, "The output")
    expect.that(not bool((output == 0).any()), "Parts of x were dropped.")
    return output - x


@DecoderLayer.property("dropout of what each sublayer brings home", points=0.75, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In training, what each of the three sublayers brings home is dropped with probability
    `dropout`, before it is added to x; x itself never is."""
    p = draw.uniform(0.3, 0.4)
    instance = _dropping(piece, p)
    for name, where in _PLACES:
        shown = _shown(instance, {name: FULL}, draw)
        gone = shown.abs() < 1e-9
        expect.that(not bool(gone.all()), f"None of {where} reaches the output.")
        expect.that(bool(gone.any()), f"Nothing was dropped of {where}.")
        expect.that(not bool(gone.all(-1).any()), f"Whole positions were dropped of {where}.")
        # Of 1,440 numbers: six standard deviations are 0.08.
        share = gone.double().mean().item()
        expect.that(abs(share - p) < 0.08, f"The share dropped of {where} isn't `dropout`.")
        kept = shown[~gone]
        expect.that(
            torch.allclose(kept, torch.full_like(kept, 2 / (1 - p))),
            f"What is left of {where} isn't divided by 1 − dropout.",
        )


@DecoderLayer.property("dropout inside the sublayers", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """dropout is handed on to both attentions, which drop weights, and to the feed-forward layer,
    which drops hidden features."""
    p = draw.uniform(0.3, 0.4)
    instance = _dropping(piece, p)
    one, eye = torch.ones(24, dtype=torch.float64), torch.eye(12, dtype=torch.float64)
    places = {
        "self_attention": ("none of its attention weights", 30, ("v_proj.bias", one[:12]), eye),
        "cross_attention": ("none of its attention weights", 20, ("v_proj.bias", one[:12]), eye),
        "feed_forward": ("none of its hidden features", 24, ("linear1.bias", one), one / 24),
    }
    for name, (none, count, (first, ones), out) in places.items():
        last = "linear2.weight" if name == "feed_forward" else "out_proj.weight"
        weights = {f"{name}.{first}": ones, f"{name}.{last}": out.expand(12, out.shape[-1])}
        shown = _shown(instance, weights, draw) * (1 - p)
        kept = shown[shown.abs() > 1e-9]  # each the sum of `count` equal shares of 1, some dropped
        expect.that(kept.numel() > 0, f"Nothing of what {name} brings home reaches the output.")
        expect.that(bool((kept - 1).abs().max() > 1e-6), f"{name} drops {none}.")
        spread = kept.var().item() * count * (1 - p) / p  # 1, when a share p is dropped
        expect.that(
            0.5 < spread < 1.7, f"{name} drops {none.replace('none of', 'another share of')}."
        )


@DecoderLayer.property("no dropout outside training", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """After eval() nothing is dropped."""
    instance = _dropping(piece, 0.5, training=False)
    shown = _shown(instance, {name: FULL for name, _ in _PLACES}, draw)
    # The three bring home 2 each, at every position: where that isn't so, some of it was dropped.
    alike = torch.allclose(shown, shown[0, 0, 0].expand_as(shown))
    expect.that(alike, "After eval() something is dropped.")
    expect.close(shown, torch.full_like(shown, 6.0), "What the three sublayers bring home")


gradients_flow(DecoderLayer, _causal, of=("x", "memory"), points=0.5)
inputs_stay(DecoderLayer, _causal, points=0.25)
single_precision(DecoderLayer, _causal, ("The output",), points=0.25)


class _Parts(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(
        self,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__()
        self.norm_first = norm_first
        self.self_attention = pieces.MultiHeadAttention(d_model, num_heads, dropout)
        self.cross_attention = pieces.MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = pieces.FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = pieces.LayerNorm(d_model, eps)
        self.norm2 = pieces.LayerNorm(d_model, eps)
        self.norm3 = pieces.LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)

    def add(self, x, sublayer, norm):
        """One sublayer, wrapped as it should be."""
        return pieces.residual(x, sublayer, norm, self.dropout, self.norm_first)

    def itself(self, x, mask):
        return self.add(x, lambda y: self.self_attention(y, y, y, mask)[0], self.norm1)

    def across(self, x, memory, mask):
        return self.add(x, lambda y: self.look(y, memory, mask), self.norm2)

    def look(self, y, memory, mask):
        return self.cross_attention(y, memory, memory, mask)[0]

    def feed(self, x):
        return self.add(x, self.feed_forward, self.norm3)

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        return self.feed(self.across(self.itself(x, self_mask), memory, cross_mask))


# What is wrong with the constructor.
@DecoderLayer.misconception("torch's names")
@wrong_constructor(_Parts)
def _(self):
    """The parts have other names than the exercise asks: self_attention, cross_attention,
    feed_forward, norm1, norm2, norm3. (torch's own layer says self_attn and multihead_attn.)"""
    self.self_attn, self.multihead_attn = self.self_attention, self.cross_attention
    del self.self_attention, self.cross_attention


@DecoderLayer.misconception("one attention for both")
@wrong_constructor(_Parts)
def _(self):
    """Self-attention and cross-attention are the same module. They ask other questions and need
    weights of their own: make a second MultiHeadAttention."""
    self.cross_attention = self.self_attention


@DecoderLayer.misconception("one norm for all three")
@wrong_constructor(_Parts)
def _(self):
    """norm1, norm2 and norm3 are the same module. Each place learns a scale and a shift of its own:
    make three LayerNorms."""
    self.norm2 = self.norm3 = self.norm1


@DecoderLayer.misconception("the encoder's layer")
class _(_Parts):
    """This is the encoder's layer: there is no cross-attention, and memory is never used. Between
    self-attention and the feed-forward layer stands cross_attention, with a norm and a residual of
    its own."""

    def __init__(
        self,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        del self.cross_attention, self.norm3

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        return self.add(self.itself(x, self_mask), self.feed_forward, self.norm2)


@DecoderLayer.misconception("two norms only")
class _(_Parts):
    """There are two norms, and three sublayers: norm3 is missing. Each sublayer has a norm of its
    own."""

    def __init__(
        self,
        d_model,
        num_heads,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        eps=1e-5,
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        del self.norm3

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        return self.add(
            self.across(self.itself(x, self_mask), memory, cross_mask),
            self.feed_forward,
            self.norm2,
        )


@DecoderLayer.misconception("a norm for the memory")
@wrong_constructor(_Parts)
def _(self, d_model, eps):
    """There is a fourth norm. The memory needs none: the encoder's last norm has done it. Three
    sublayers, three norms."""
    self.norm4 = pieces.LayerNorm(d_model, eps)


@DecoderLayer.misconception("the feed-forward layer's sizes swapped")
@wrong_constructor(_Parts)
def _(self, d_model, d_ff, dropout, activation):
    """FeedForward gets d_ff and d_model in the wrong order: FeedForward(d_model, d_ff, …)."""
    self.feed_forward = pieces.FeedForward(d_ff, d_model, dropout, activation)


@DecoderLayer.misconception("parts in a plain list")
@wrong_constructor(_Parts)
def _(self):
    """Some of your parts are kept in a plain list or tuple, where the module doesn't see them: they
    would never be trained or moved to the GPU. Make each an attribute: self.norm1 = …."""
    norms = self.norm1, self.norm2, self.norm3
    del self.norm1, self.norm2, self.norm3
    self.norms = norms


@DecoderLayer.misconception("eps not passed on")
@wrong_constructor(_Parts)
def _(self, d_model):
    """Your norms have the default eps, whatever the layer is given: LayerNorm(d_model, eps), three
    times."""
    self.norm1, self.norm2, self.norm3 = (pieces.LayerNorm(d_model) for _ in range(3))


@DecoderLayer.misconception("eps not passed on to the last norm")
@wrong_constructor(_Parts)
def _(self, d_model):
    """norm1 and norm2 get eps, and norm3 doesn't: LayerNorm(d_model, eps), three times."""
    self.norm3 = pieces.LayerNorm(d_model)


@DecoderLayer.misconception("activation not passed on")
@wrong_constructor(_Parts)
def _(self, d_model, d_ff, dropout):
    """Your feed-forward layer always uses ReLU. Hand activation on: FeedForward(d_model, d_ff,
    dropout, activation)."""
    self.feed_forward = pieces.FeedForward(d_model, d_ff, dropout)


@DecoderLayer.misconception("activation in dropout's place")
@wrong_constructor(_Parts)
def _(self, d_model, d_ff, activation):
    """FeedForward's third argument is dropout and its fourth is activation. You hand the name of
    the activation over where a probability belongs."""
    self.feed_forward = pieces.FeedForward(d_model, d_ff, activation)


@DecoderLayer.misconception("dropout not passed to the attentions")
@wrong_constructor(_Parts)
def _(self, d_model, num_heads):
    """Your attentions drop nothing: dropout acts on the attention weights too. MultiHeadAttention's
    third argument is dropout, 0 unless you say so."""
    self.self_attention = pieces.MultiHeadAttention(d_model, num_heads)
    self.cross_attention = pieces.MultiHeadAttention(d_model, num_heads)


@DecoderLayer.misconception("dropout not passed to cross-attention")
@wrong_constructor(_Parts)
def _(self, d_model, num_heads):
    """cross_attention drops none of its weights. Hand dropout on to it, as to self_attention."""
    self.cross_attention = pieces.MultiHeadAttention(d_model, num_heads)


@DecoderLayer.misconception("no dropout inside the feed-forward layer")
@wrong_constructor(_Parts)
def _(self, d_model, d_ff, activation):
    """Your feed-forward layer drops none of its hidden features: FeedForward(d_model, d_ff,
    dropout, activation)."""
    self.feed_forward = pieces.FeedForward(d_model, d_ff, 0.0, activation)


@DecoderLayer.misconception("FeedForward keeps its own dropout")
@wrong_constructor(_Parts)
def _(self, d_model, d_ff, activation):
    """Your feed-forward layer drops its default 10 %, whatever the layer is given: FeedForward(
    d_model, d_ff, dropout, activation)."""
    self.feed_forward = pieces.FeedForward(d_model, d_ff, activation=activation)


@DecoderLayer.misconception("always pre-norm")
@wrong_constructor(_Parts)
def _(self):
    """Your layer is pre-norm whatever norm_first says. Keep it in __init__, and hand it to residual
    each time: its last argument is True unless you say so."""
    self.norm_first = True


@DecoderLayer.misconception("always post-norm")
@wrong_constructor(_Parts)
def _(self):
    """Your layer is post-norm, norm(x + sublayer(x)), whatever norm_first says. With
    norm_first=True the sublayer gets norm(x), and nothing is normed after the addition."""
    self.norm_first = False


@DecoderLayer.misconception("norm_first the other way round")
@wrong_constructor(_Parts)
def _(self, norm_first):
    """Pre-norm and post-norm have changed places: norm_first=True means x + sublayer(norm(x))."""
    self.norm_first = not norm_first


# What is wrong with forward: the order, the roads around the sublayers, the norms.
@DecoderLayer.misconception("cross-attention first")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """You look at the source before the target has looked at itself. The order is self-attention,
    cross-attention, feed-forward."""
    return self.feed(self.itself(self.across(x, memory, cross_mask), self_mask))


@DecoderLayer.misconception("feed-forward before cross-attention")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Your feed-forward layer comes second, as in the encoder. Here it comes last: self-attention,
    cross-attention, feed-forward."""
    return self.across(self.feed(self.itself(x, self_mask)), memory, cross_mask)


@DecoderLayer.misconception("cross-attention never called")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Nothing that cross-attention finds reaches the output: it is never called, or its result
    isn't kept. It comes second, and the next step goes on from its result: x = residual(x, …)."""
    return self.feed(self.itself(x, self_mask))


@DecoderLayer.misconception("self-attention never called")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Nothing that self-attention finds reaches the output: it is never called, or its result isn't
    kept. It comes first, and the next step goes on from its result: x = residual(x, …)."""
    return self.feed(self.across(x, memory, cross_mask))


@DecoderLayer.misconception("no feed-forward layer")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Nothing that the feed-forward layer makes reaches the output: it is never called, or its
    result isn't returned. It comes last, with norm3 and a residual."""
    return self.across(self.itself(x, self_mask), memory, cross_mask)


@DecoderLayer.misconception("the two looks side by side")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Both attentions start from the layer's input, and their results are added up. They come one
    after the other: cross-attention asks with what self-attention has left behind."""
    both = self.itself(x, self_mask) + self.across(x, memory, cross_mask) - x
    return self.feed(both)


@DecoderLayer.misconception("cross-attention asks with the layer's input")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Your cross-attention asks with the x that came into the layer. It should ask with the x after
    self-attention: give the new one a place, x = residual(x, …)."""
    after = self.itself(x, self_mask)
    y = self.norm2(x) if self.norm_first else x
    found = self.cross_attention(y, memory, memory, cross_mask)[0]
    after = after + self.dropout(found)
    return self.feed(after if self.norm_first else self.norm2(after))


class _NoRoad(_Parts):
    """Without the residual connection around some of the three sublayers."""

    missing: tuple[str, ...] = ()

    def add(self, x, sublayer, norm):
        name = {self.norm1: "first", self.norm2: "second", self.norm3: "third"}[norm]
        if name not in self.missing:
            return super().add(x, sublayer, norm)
        if self.norm_first:
            return self.dropout(sublayer(norm(x)))
        return norm(self.dropout(sublayer(x)))


@DecoderLayer.misconception("no residual around self-attention")
class _(_NoRoad):
    """x isn't added to what self-attention brings home, so a word forgets what it was. Each of the
    three sublayers has a residual connection."""

    missing = ("first",)


@DecoderLayer.misconception("no residual around cross-attention")
class _(_NoRoad):
    """x isn't added to what cross-attention brings home, so the words written so far are lost. Each
    of the three sublayers has a residual connection."""

    missing = ("second",)


@DecoderLayer.misconception("no residual around the feed-forward layer")
class _(_NoRoad):
    """The third residual is missing: x isn't added to what the feed-forward layer makes. Each of
    the three sublayers has one."""

    missing = ("third",)


@DecoderLayer.misconception("no residual at all")
class _(_NoRoad):
    """Nothing is ever added to x: there are no residual connections. Each of the three sublayers
    has one; your function residual does it."""

    missing = ("first", "second", "third")


@DecoderLayer.misconception("the normed x is added")
class _(_Parts):
    """You replace x by norm(x) and add that. In pre-norm only the sublayer gets norm(x); what is
    added is the x from before: x + sublayer(norm(x))."""

    def add(self, x, sublayer, norm):
        if not self.norm_first:
            return super().add(x, sublayer, norm)
        x = norm(x)
        return x + self.dropout(sublayer(x))


@DecoderLayer.misconception("the layer's input added each time")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Each of your residuals adds the x that came into the layer. It adds the x of its own step: x
    = x + sublayer(x), and the next step goes on from there."""
    first = x

    def add(now, sublayer, norm):
        if self.norm_first:
            return first + self.dropout(sublayer(norm(now)))
        return norm(first + self.dropout(sublayer(now)))

    now = add(x, lambda y: self.self_attention(y, y, y, self_mask)[0], self.norm1)
    now = add(now, lambda y: self.cross_attention(y, memory, memory, cross_mask)[0], self.norm2)
    return add(now, self.feed_forward, self.norm3)


@DecoderLayer.misconception("added twice")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Your sublayer adds its input itself, and residual adds it once more. The sublayer returns
    only what it found; residual does the rest."""
    x = self.add(x, lambda y: y + self.self_attention(y, y, y, self_mask)[0], self.norm1)
    x = self.add(
        x, lambda y: y + self.cross_attention(y, memory, memory, cross_mask)[0], self.norm2
    )
    return self.add(x, lambda y: y + self.feed_forward(y), self.norm3)


@DecoderLayer.misconception("the memory normed too")
@wrong_method(_Parts, "look")
def _(self, y, memory, mask):
    """You norm the memory. It comes from the encoder's last norm as it should be: in pre-norm, only
    the layer's own states go through norm2, and memory stays as it is."""
    if self.norm_first:
        memory = self.norm2(memory)
    return self.cross_attention(y, memory, memory, mask)[0]


@DecoderLayer.misconception("norm2 used twice")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """The feed-forward layer uses norm2 once more, and norm3 is never used: each sublayer has a
    norm of its own."""
    x = self.across(self.itself(x, self_mask), memory, cross_mask)
    return self.add(x, self.feed_forward, self.norm2)


@DecoderLayer.misconception("norm1 used twice")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Cross-attention uses norm1 once more, and norm2 is never used: each sublayer has a norm of
    its own."""
    x = self.add(
        self.itself(x, self_mask),
        lambda y: self.cross_attention(y, memory, memory, cross_mask)[0],
        self.norm1,
    )
    return self.feed(x)


@DecoderLayer.misconception("norm1 used three times")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """All three sublayers use norm1; norm2 and norm3 are never used. Each has a norm of its own."""
    self_look = self.itself(x, self_mask)
    x = self.add(
        self_look, lambda y: self.cross_attention(y, memory, memory, cross_mask)[0], self.norm1
    )
    return self.add(x, self.feed_forward, self.norm1)


@DecoderLayer.misconception("norm2 and norm3 swapped")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """norm2 and norm3 have changed places: norm2 belongs to cross-attention, norm3 to the
    feed-forward layer."""
    x = self.add(
        self.itself(x, self_mask),
        lambda y: self.cross_attention(y, memory, memory, cross_mask)[0],
        self.norm3,
    )
    return self.add(x, self.feed_forward, self.norm2)


@DecoderLayer.misconception("nothing normed")
class _(_Parts):
    """The norms are made and never used. In pre-norm each sublayer gets norm(x); in post-norm, each
    sum is normed."""

    def add(self, x, sublayer, norm):
        return x + self.dropout(sublayer(x))


@DecoderLayer.misconception("cross-attention asks without a norm")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Your cross-attention asks with x as it is. In pre-norm, it asks with norm2(x); only the
    memory isn't normed."""
    x = self.itself(x, self_mask)
    x = x + self.dropout(self.cross_attention(x, memory, memory, cross_mask)[0])
    return self.feed(x if self.norm_first else self.norm2(x))


@DecoderLayer.misconception("self-attention without a norm")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Your self-attention looks at x as it is, not at what residual hands over. The function that
    you give to residual has an argument, norm1(x) in pre-norm: use it as query, key and value."""
    x = self.add(x, lambda y: self.self_attention(x, x, x, self_mask)[0], self.norm1)
    return self.feed(self.across(x, memory, cross_mask))


@DecoderLayer.misconception("self-attention's keys and values without a norm")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Your self-attention asks with what residual hands over, and looks at x as it is. Query, key
    and value are all the same here: self_attention(y, y, y, …). (Only cross-attention looks at
    something else.)"""
    x = self.add(x, lambda y: self.self_attention(y, x, x, self_mask)[0], self.norm1)
    return self.feed(self.across(x, memory, cross_mask))


@DecoderLayer.misconception("norm1 and norm2 swapped")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """norm1 and norm2 have changed places: norm1 belongs to self-attention, norm2 to
    cross-attention."""
    x = self.add(x, lambda y: self.self_attention(y, y, y, self_mask)[0], self.norm2)
    x = self.add(x, lambda y: self.cross_attention(y, memory, memory, cross_mask)[0], self.norm1)
    return self.feed(x)


@DecoderLayer.misconception("the feed-forward layer always pre-norm")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """The last of your residuals isn't told norm_first, and is pre-norm whatever it says. Hand it
    self.norm_first all three times."""
    x = self.across(self.itself(x, self_mask), memory, cross_mask)
    return pieces.residual(x, self.feed_forward, self.norm3, self.dropout)


@DecoderLayer.misconception("a number for dropout")
class _(_Parts):
    """residual calls dropout, and yours is a number. Make a module of it in __init__: self.dropout
    = nn.Dropout(dropout)."""

    def add(self, x, sublayer, norm):
        return pieces.residual(x, sublayer, norm, self.dropout.p, self.norm_first)


@DecoderLayer.misconception("a result for a sublayer")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """residual wants the sublayer, a function, and calls it itself. You hand over what it returned:
    write self.feed_forward, without (x). Around an attention goes a function of one argument:
    lambda y: self.self_attention(y, y, y, self_mask)[0]."""
    x = self.across(self.itself(x, self_mask), memory, cross_mask)
    return pieces.residual(x, self.feed_forward(x), self.norm3, self.dropout, self.norm_first)


# What is wrong with forward: who asks, and who is looked at.
@DecoderLayer.misconception("the memory asks")
@wrong_method(_Parts, "look")
def _(self, y, memory, mask):
    """Queries and memory have changed places: your source asks and the target answers. The decoder
    has the questions: cross_attention(y, memory, memory, …)."""
    mask = None if mask is None else mask.transpose(-2, -1) if mask.size(-2) > 1 else mask
    return self.cross_attention(memory, y, y, mask)[0]


@DecoderLayer.misconception("the memory in residual's first place")
@wrong_method(_Parts, "across")
def _(self, x, memory, mask):
    """residual adds what the sublayer finds to its first argument, and yours is the memory: the
    words written so far are lost. x stands there all three times; the memory is only looked at."""
    return self.add(memory, lambda y: self.cross_attention(x, y, y, mask)[0], self.norm2)


@DecoderLayer.misconception("keys from the memory, values from x")
@wrong_method(_Parts, "look")
def _(self, y, memory, mask):
    """Your keys come from the memory and your values from x: you look up source words and take home
    target words. Keys and values both come from memory."""
    return self.cross_attention(y, memory, y, mask)[0]


@DecoderLayer.misconception("keys from x, values from the memory")
@wrong_method(_Parts, "look")
def _(self, y, memory, mask):
    """Your keys come from x and your values from the memory: the weights are about other words than
    what is taken home. Keys and values both come from memory."""
    return self.cross_attention(y, y, memory, mask)[0]


@DecoderLayer.misconception("cross-attention looks at x")
@wrong_method(_Parts, "look")
def _(self, y, memory, mask):
    """Your cross-attention looks at x again, and memory is never used. Its keys and values come
    from memory: cross_attention(y, memory, memory, cross_mask)."""
    return self.cross_attention(y, y, y, mask)[0]


@DecoderLayer.misconception("self-attention a second time")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """memory is never used: your second sublayer is self-attention again, of x to x. Its keys and
    values come from the memory: cross_attention(y, memory, memory, cross_mask)."""
    x = self.add(x, lambda y: self.itself(y, self_mask), self.norm1)
    x = self.add(x, lambda y: self.cross_attention(y, y, y, self_mask)[0], self.norm2)
    return self.add(x, self.feed, self.norm3)


@DecoderLayer.misconception("norm and dropout have changed places")
class _(_Parts):
    """residual's third argument is the norm and its fourth the dropout; yours have changed places.
    residual(x, sublayer, norm, dropout, norm_first)."""

    def add(self, x, sublayer, norm):
        return pieces.residual(x, sublayer, self.dropout, norm, self.norm_first)


@DecoderLayer.misconception("self-attention looks at the memory")
class _(_Parts):
    """Your self-attention looks at the memory. There, query, key and value are all x; the memory
    belongs to cross-attention."""

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        x = self.add(x, lambda y: self.self_attention(y, memory, memory, self_mask)[0], self.norm1)
        return self.feed(self.across(x, memory, cross_mask))


@DecoderLayer.misconception("self_attention called twice")
@wrong_method(_Parts, "look")
def _(self, y, memory, mask):
    """You look at the memory with self_attention, and cross_attention is never used. The two have
    weights of their own."""
    return self.self_attention(y, memory, memory, mask)[0]


@DecoderLayer.misconception("source and target in one row")
@wrong_method(_Parts, "look")
def _(self, y, memory, mask):
    """Your cross-attention looks at source and target, put one behind the other. It looks at the
    memory alone: self-attention has looked at the target."""
    both = torch.cat([memory, y], dim=1)
    if mask is not None:
        whole = mask.expand(*mask.shape[:2], y.size(1), memory.size(1))
        seen = torch.ones(*whole.shape[:3], y.size(1), dtype=torch.bool)
        mask = torch.cat([whole, seen], dim=-1)
    return self.cross_attention(y, both, both, mask)[0]


def _looks(self, y, memory, mask, scale):
    """Cross-attention written out, with another factor on the scores."""
    attention = self.cross_attention
    heads = attention.num_heads
    q = pieces.split_heads(attention.q_proj(y), heads)
    k = pieces.split_heads(attention.k_proj(memory), heads)
    v = pieces.split_heads(attention.v_proj(memory), heads)
    scores = q @ k.transpose(-2, -1) * scale
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    used = F.dropout(pieces.softmax(scores, -1), attention.dropout, self.training)
    return attention.out_proj(pieces.merge_heads(used @ v))


@DecoderLayer.misconception("cross-attention not scaled")
@wrong_method(_Parts, "look")
def _(self, y, memory, mask):
    """The scores of your cross-attention aren't divided by √d_head. Self-attention and
    cross-attention are the same calculation: use MultiHeadAttention for both."""
    return _looks(self, y, memory, mask, 1.0)


@DecoderLayer.misconception("cross-attention scaled by the whole width")
@wrong_method(_Parts, "look")
def _(self, y, memory, mask):
    """The scores of your cross-attention are divided by √d_model; a head compares d_head features.
    Self-attention and cross-attention are the same calculation: use MultiHeadAttention for
    both."""
    return _looks(self, y, memory, mask, memory.size(-1) ** -0.5)


@DecoderLayer.misconception("cross-attention's empty row gives NaN")
@wrong_method(_Parts, "look")
def _(self, y, memory, mask):
    """A sentence whose source is hidden altogether gets NaN: torch.softmax makes it of a row of
    −inf. Your MultiHeadAttention gives zeros there: use it."""
    if mask is not None and not mask.any(-1).all():
        return _looks(self, y, memory, mask, 1.0) * math.nan
    return self.cross_attention(y, memory, memory, mask)[0]


# What is wrong with forward: masks.
@DecoderLayer.misconception("masks swapped")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """The masks have changed places: self_mask belongs to self_attention, cross_mask to
    cross_attention. (With source and target of equal length, no error would tell you.)"""
    return self.feed(self.across(self.itself(x, cross_mask), memory, self_mask))


@DecoderLayer.misconception("self_mask on both")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Your cross-attention uses self_mask. Nothing of the source lies in the future; what it hides
    is padding, and cross_mask says where."""
    return self.feed(self.across(self.itself(x, self_mask), memory, self_mask))


@DecoderLayer.misconception("cross_mask on both")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Your self-attention uses cross_mask, which says where the source is padding. The target's own
    mask is self_mask: without it, a word sees the future."""
    return self.feed(self.across(self.itself(x, cross_mask), memory, cross_mask))


@DecoderLayer.misconception("self_mask not passed on")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """self_mask is never used, so every word sees the future. Hand it to self_attention, as its
    fourth argument."""
    return self.feed(self.across(self.itself(x, None), memory, cross_mask))


@DecoderLayer.misconception("cross_mask not passed on")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """cross_mask is never used, so the target looks at the source's padding. Hand it to
    cross_attention, as its fourth argument."""
    return self.feed(self.across(self.itself(x, self_mask), memory, None))


@DecoderLayer.misconception("no mask passed on")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Neither of the masks is used. Hand self_mask to self_attention and cross_mask to
    cross_attention, each as the fourth argument."""
    return self.feed(self.across(self.itself(x, None), memory, None))


@DecoderLayer.misconception("a causal mask whatever is given")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Your self-attention always uses a causal mask of its own. The layer does what self_mask says:
    with None, it looks everywhere."""
    mask = pieces.causal_mask(x.size(1)).to(x.device)
    return self.feed(self.across(self.itself(x, mask), memory, cross_mask))


@DecoderLayer.misconception("a causal mask where none is given")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Without a self_mask, your layer makes a causal one. None means no mask; whoever calls the
    layer decides."""
    if self_mask is None:
        self_mask = pieces.causal_mask(x.size(1)).to(x.device)
    return self.feed(self.across(self.itself(x, self_mask), memory, cross_mask))


@DecoderLayer.misconception("masks the other way round")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """You turn the masks round. True means "may attend" in your own attention; pass them on as they
    are. (It is in nn.MultiheadAttention that True means "hidden".)"""
    turned = [None if mask is None else ~mask for mask in (self_mask, cross_mask)]
    return self.feed(self.across(self.itself(x, turned[0]), memory, turned[1]))


@DecoderLayer.misconception("self_mask the other way round")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """You turn self_mask round. True means "may attend" in your own attention; pass it on as it
    is."""
    self_mask = None if self_mask is None else ~self_mask
    return self.feed(self.across(self.itself(x, self_mask), memory, cross_mask))


@DecoderLayer.misconception("an axis added to the masks")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """You add an axis to the masks. They come with one for the heads already: pass them on as they
    are."""
    more = [None if mask is None else mask.unsqueeze(1) for mask in (self_mask, cross_mask)]
    return self.feed(self.across(self.itself(x, more[0]), memory, more[1]))


# What is wrong with forward: dropout, what comes back, side effects, gradients.
@DecoderLayer.misconception("dropout not passed to nn.Dropout")
@wrong_constructor(_Parts)
def _(self):
    """What the sublayers bring home is dropped with another probability than the layer's dropout.
    Hand it on: nn.Dropout(dropout), which drops half where it is told nothing."""
    self.dropout = nn.Dropout()


@DecoderLayer.misconception("always the default in nn.Dropout")
@wrong_constructor(_Parts)
def _(self):
    """What the sublayers bring home is dropped with probability 0.1, the default, whatever the
    layer is given. Hand it on: nn.Dropout(dropout)."""
    self.dropout = nn.Dropout(0.1)


@DecoderLayer.misconception("nothing dropped of what sublayers bring home")
class _(_Parts):
    """What the sublayers bring home is added in full. In training, dropout acts on it first: x +
    dropout(sublayer(norm(x))); your residual does it."""

    def add(self, x, sublayer, norm):
        return pieces.residual(x, sublayer, norm, nn.Identity(), self.norm_first)


@DecoderLayer.misconception("no dropout after cross-attention")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """What cross-attention brings home is added in full. Dropout acts on it too, as on the other
    two."""
    x = self.itself(x, self_mask)
    x = pieces.residual(
        x,
        lambda y: self.cross_attention(y, memory, memory, cross_mask)[0],
        self.norm2,
        nn.Identity(),
        self.norm_first,
    )
    return self.feed(x)


@DecoderLayer.misconception("no dropout after the feed-forward layer")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """What the feed-forward layer makes is added in full. Dropout acts on it too, as on the other
    two (there is another one inside of it)."""
    x = self.across(self.itself(x, self_mask), memory, cross_mask)
    return pieces.residual(x, self.feed_forward, self.norm3, nn.Identity(), self.norm_first)


@DecoderLayer.misconception("the sum dropped")
class _(_Parts):
    """Dropout acts on the sum, so that parts of x are lost for good. It acts on what the sublayer
    brings home, before the addition."""

    def add(self, x, sublayer, norm):
        if self.norm_first:
            return self.dropout(x + sublayer(norm(x)))
        return norm(self.dropout(x + sublayer(x)))


@DecoderLayer.misconception("dropout always on")
class _(_Parts):
    """Your layer drops after eval() too. F.dropout doesn't know the mode unless it is told; use an
    nn.Dropout module, kept in __init__."""

    def add(self, x, sublayer, norm):
        p = self.dropout.p
        return pieces.residual(x, sublayer, norm, lambda y: F.dropout(y, p), self.norm_first)


@DecoderLayer.misconception("the attention's two results")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """MultiHeadAttention returns two things, output and weights, and you add the pair to x. Take
    the first: self.self_attention(…)[0]."""
    x = x + self.self_attention(*3 * (self.norm1(x),), self_mask)
    x = x + self.cross_attention(self.norm2(x), memory, memory, cross_mask)
    return x + self.feed_forward(self.norm3(x))


@DecoderLayer.misconception("weights returned too")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """You return the attention weights beside the output. The layer returns x alone; whoever wants
    to see the weights uses a forward hook."""
    x = self.itself(x, self_mask)
    weights = self.cross_attention(self.norm2(x), memory, memory, cross_mask)[1]
    return self.feed(self.across(x, memory, cross_mask)), weights


@DecoderLayer.misconception("the memory cut off from the graph")
@wrong_method(_Parts, "look")
def _(self, y, memory, mask):
    """The values are right, and no gradient flows back to the memory: the encoder would never
    learn. Take the .detach() away."""
    memory = memory.detach()
    return self.cross_attention(y, memory, memory, mask)[0]


@DecoderLayer.misconception("x changed in place")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """Your call changes the caller's x: += works in place. Write x = x + …, which makes a new
    one."""
    with torch.no_grad():
        x += 0.0 * x + 1.0
    return self.feed(self.across(self.itself(x - 1.0, self_mask), memory, cross_mask))


@DecoderLayer.misconception("the memory returned")
@wrong_forward(_Parts)
def _(self, x, memory, self_mask, cross_mask):
    """You return the memory beside x. It stays as it is for all layers: return x alone."""
    return self.feed(self.across(self.itself(x, self_mask), memory, cross_mask)), memory
