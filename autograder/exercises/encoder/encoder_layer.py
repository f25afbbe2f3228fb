"""Self-attention and feed-forward, each in its residual."""

from functools import partial
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
    equals_reference,
    gradients_flow,
    inputs_stay,
    parameters_named,
    single_precision,
)
from autograder.checks.wrong_module import wrong_arguments, wrong_constructor, wrong_forward
from workbook import pieces


def expect_same_twice(instance: Instance, *args: Any) -> None:
    """Without dropout, a call changes nothing for the next one."""
    once, again = (expect.tensor(instance(*args), "What comes back") for _ in range(2))
    expect.same_again(once, again)


EncoderLayer = Exercise(
    "EncoderLayer",
    reference=pieces.EncoderLayer,
    forbidden=(
        "scaled_dot_product_attention",
        "multi_head_attention_forward",
        "_transformer_encoder_layer_fwd",
    ),
)
LAYER = ("The result, at [sentence, word, feature],",)


def layer_case(draw: Draw, mask: str = "", **construct: Any) -> Case:
    """One layer's sentences; the mask leaves every query a word to look at."""
    batch, heads, length, d_head, d_ff = draw.sizes(5)
    d_model = heads * d_head
    shapes = {
        "": (),
        "whole": (batch, heads, length, length),
        "padding": (batch, 1, 1, length),
        "one for all": (1, 1, length, length),
    }
    sizes = {"d_model": d_model, "num_heads": heads, "d_ff": d_ff}
    masked = {"mask": draw.mask(*shapes[mask])} if mask else {}
    return Case((draw.normal(batch, length, d_model),), masked, sizes | construct, d_model**-0.5)


def _masked_block(draw: Draw) -> Case:
    return layer_case(draw, "whole")


def _masked_post_block(draw: Draw) -> Case:
    return layer_case(draw, "padding", norm_first=False)


def expect_module(
    exercise: Exercise, piece: Piece, case: Case, draw: Draw, what: str = LAYER[0]
) -> None:
    """The output of the reference with the same weights."""
    asked, oracle = beside(exercise, piece, case, draw)
    wanted = oracle(*case.args, **case.kwargs)
    expect.close(asked(*case.args, **case.kwargs), wanted.detach(), what)


parameters_named(EncoderLayer, layer_case, points=1)
equals_reference(
    EncoderLayer,
    layer_case,
    LAYER,
    name="pre-norm",
    points=1.5,
    says="With norm_first=True: self-attention, then feed-forward, each as x + "
    "dropout(sublayer(norm(x))).",
)
equals_reference(
    EncoderLayer,
    partial(layer_case, norm_first=False),
    LAYER,
    name="post-norm",
    points=1,
    says="With norm_first=False: self-attention, then feed-forward, each as norm(x + "
    "dropout(sublayer(x))).",
)


@EncoderLayer.property("the mask", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """The mask should reach the attention as it came, for every shape that broadcasts: (batch,
    heads, length, length), (batch, 1, 1, length), (1, 1, length, length)."""
    for mask in ("whole", "padding", "one for all"):
        expect_module(EncoderLayer, piece, layer_case(draw, mask), draw)


@EncoderLayer.property("activation is passed on", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """activation goes to the feed-forward layer."""
    for value in ("gelu", "silu"):
        what = f"With activation={value!r}, the result"
        expect_module(EncoderLayer, piece, layer_case(draw, activation=value), draw, what)


@EncoderLayer.property("eps is passed on", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """eps goes to both layer norms."""
    expect_module(EncoderLayer, piece, layer_case(draw, eps=0.4), draw, "With eps=0.4, the result")


def _rate(draw: Draw) -> float:
    """A dropout that is far from the 0.1 of our modules and from the 0.5 of torch's."""
    return draw.uniform(0.25, 0.33)


def _layer_weights(draw: Draw, d_model: int, d_ff: int) -> dict[str, torch.Tensor]:
    """A layer that does nothing, pre-norm: both sublayers return 0."""
    empty = pieces.EncoderLayer(d_model, 2, d_ff).double()
    weights = {name: torch.zeros_like(value) for name, value in empty.state_dict().items()}
    for name in ("norm1.weight", "norm2.weight"):
        weights[name] = torch.ones(d_model, dtype=torch.float64)
    return weights


def _drops(piece: Piece, draw: Draw, weights: dict[str, torch.Tensor], rate: float) -> torch.Tensor:
    """What a layer in training adds to x, times 1 − dropout."""
    d_model = len(weights["norm1.weight"])
    d_ff = len(weights["feed_forward.linear1.bias"])
    instance = piece.construct(d_model, 2, d_ff, rate).to(torch.float64)
    expect.that(not instance.load(weights), "The check can't set the weights: see above.")
    x = draw.normal(3, 17, d_model)
    piece.seed(draw.integer(0, 2**31))
    found = expect.shape(instance.train()(x), x.shape, "The result")
    return (found - x) * (1 - rate)


def _expect_share(added: torch.Tensor, rate: float, where: str) -> None:
    """Of numbers that should all be 1, a share was dropped; the others are as they should be."""
    gone = added.abs() < 1e-9
    # Of 1,020 numbers: five standard deviations are 0.08.
    share = gone.double().mean().item()
    expect.that(
        abs(share - rate) < 0.09,
        f"The share of dropped numbers of what {where} returns is not `dropout`.",
    )
    expect.that(
        bool((gone | ((added - 1).abs() < 1e-6)).all()),
        f"What is left of what {where} returns is not what it was, divided by 1 − dropout.",
    )


@EncoderLayer.property("dropout behind each sublayer, in training", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In training, each sublayer's result meets dropout before x is added."""
    rate = _rate(draw)
    added = {}
    for name, where in (
        ("self_attention.out_proj.bias", "the attention"),
        ("feed_forward.linear2.bias", "the feed-forward layer"),
    ):
        weights = _layer_weights(draw, 20, 6)
        weights[name] = torch.ones(20, dtype=torch.float64)
        added[where] = _drops(piece, draw, weights, rate)
    whole = [where for where, result in added.items() if bool((result.abs() > 1e-9).all())]
    expect.that(not whole, f"Nothing is dropped of what {' and '.join(whole)} returns.")
    for where, result in added.items():
        _expect_share(result, rate, where)


@EncoderLayer.property("dropout inside each sublayer, in training", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """dropout is passed on to MultiHeadAttention, for its weights, and to FeedForward, for its
    hidden features."""
    rate = _rate(draw)
    attention = _layer_weights(draw, 20, 6)
    attention["self_attention.v_proj.bias"] = torch.ones(20, dtype=torch.float64)
    attention["self_attention.out_proj.weight"] = torch.eye(20, dtype=torch.float64)
    thinking = _layer_weights(draw, 20, 6)
    thinking["feed_forward.linear1.bias"] = torch.ones(6, dtype=torch.float64)
    thinking["feed_forward.linear2.weight"] = torch.eye(20, 6, dtype=torch.float64)
    # A head returns the sum of its 17 weights, each 1/17 at first; of the hidden features, all 1,
    # six are shown. What survives is divided by 1 − dropout: that tells one rate from another.
    wrong = []
    for weights, what, one in (
        (attention, "attention weights", 1 / 17),
        (thinking, "hidden features", 1.0),
    ):
        added = _drops(piece, draw, weights, rate)
        left = added[added.abs() > 1e-9]
        survivors = left * (1 - rate) / one
        if left.numel() == 0 or bool(((left - 1).abs() < 1e-6).all()):
            wrong.append(f"none of the {what} is dropped")
        elif bool(((survivors - survivors.round()).abs() > 1e-6).any()):
            wrong.append(f"the {what} are dropped at another rate than `dropout`")
    expect.that(not wrong, f"In training, {' and '.join(wrong)}.")


@EncoderLayer.property("nothing to attend to", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A sentence that is all padding should give finite numbers and finite gradients."""
    case = layer_case(draw, "padding")
    case.kwargs["mask"][0] = False
    case = case.changed(lambda tensor: tensor.requires_grad_())
    asked, oracle = beside(EncoderLayer, piece, case, draw)
    wanted = oracle(*case.args, **case.kwargs).detach()
    found = asked.gradients(*case.args, **case.kwargs, cotangents=[draw.normal(*wanted.shape)])
    expect.close(expect.finite(found.value, "The result"), wanted, LAYER[0])
    expect.that(found.inputs[0] is not None, "No gradient flows back to x.")
    expect.finite(found.inputs[0], "The gradient of x")


@EncoderLayer.property("weights of its own", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A layer's weights are made once, in the constructor: after eval(), two calls with the same
    input give the same output."""
    instance = piece.construct(6, 2, 5).eval()
    expect_same_twice(instance, draw.normal(2, 3, 6, dtype=torch.float32))


gradients_flow(EncoderLayer, _masked_block, of=("x",), points=0.75)
inputs_stay(EncoderLayer, _masked_block, points=0.25)
single_precision(EncoderLayer, _masked_post_block, LAYER, points=0.25)


class _Layer(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__()
        self.norm_first = norm_first
        self.self_attention = pieces.MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = pieces.FeedForward(d_model, d_ff, dropout, activation)
        self.norm1, self.norm2 = pieces.LayerNorm(d_model, eps), pieces.LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)

    def look(self, x, mask):
        return self.self_attention(x, x, x, mask)[0]

    def wrap(self, x, sublayer, norm):
        return pieces.residual(x, sublayer, norm, self.dropout, self.norm_first)

    def attended(self, x, mask):
        """Right up to the end of the first sublayer."""
        return self.wrap(x, lambda y: self.look(y, mask), self.norm1)

    def thought(self, x):
        """The second sublayer, as it should be."""
        return self.wrap(x, self.feed_forward, self.norm2)

    def forward(self, x, mask=None):
        return self.thought(self.attended(x, mask))


# What is wrong with the constructor.
@EncoderLayer.misconception("other names")
class _(nn.Module):
    """The sub-modules have other names than the exercise asks: self_attention, feed_forward, norm1
    and norm2. Names are how weights are exchanged with other implementations."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__()
        self.norm_first = norm_first
        self.attention = pieces.MultiHeadAttention(d_model, num_heads, dropout)
        self.ffn = pieces.FeedForward(d_model, d_ff, dropout, activation)
        self.ln1, self.ln2 = pieces.LayerNorm(d_model, eps), pieces.LayerNorm(d_model, eps)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = pieces.residual(
            x, lambda y: self.attention(y, y, y, mask)[0], self.ln1, self.drop, self.norm_first
        )
        return pieces.residual(x, self.ffn, self.ln2, self.drop, self.norm_first)


@EncoderLayer.misconception("one norm for both sublayers")
@wrong_constructor(_Layer)
def _(self):
    """Both sublayers share one layer norm. Each has its own, norm1 and norm2, with weights of its
    own."""
    self.norm2 = self.norm1


@EncoderLayer.misconception("only one norm")
class _(_Layer):
    """There is only one layer norm. Each of the two sublayers has its own: norm1 and norm2."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.norm = self.norm1
        del self.norm1, self.norm2

    def forward(self, x, mask=None):
        x = self.wrap(x, lambda y: self.look(y, mask), self.norm)
        return self.wrap(x, self.feed_forward, self.norm)


@EncoderLayer.misconception("d_ff ignored")
@wrong_arguments(_Layer)
def _(d_model):
    """Your feed-forward layer always has 4 · d_model hidden features. d_ff says how many."""
    return {"d_ff": 4 * d_model}


@EncoderLayer.misconception("no feed-forward layer")
class _(_Layer):
    """There is no feed-forward layer: attention alone moves information between words, and nothing
    works on it."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        del self.feed_forward, self.norm2

    def forward(self, x, mask=None):
        return self.attended(x, mask)


@EncoderLayer.misconception("an extra norm at the end")
class _(_Layer):
    """There is a third layer norm. A layer has one for each sublayer; the last norm of a stack
    belongs to Encoder."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.norm3 = pieces.LayerNorm(d_model, eps)

    def forward(self, x, mask=None):
        return self.norm3(super().forward(x, mask))


@EncoderLayer.misconception("attention without bias")
@wrong_constructor(_Layer)
def _(self, d_model, num_heads, dropout):
    """Your attention has no biases. MultiHeadAttention has them unless it is told otherwise."""
    self.self_attention = pieces.MultiHeadAttention(d_model, num_heads, dropout, bias=False)


@EncoderLayer.misconception("one head")
@wrong_arguments(_Layer)
def _():
    """Your attention always has one head. Pass num_heads on."""
    return {"num_heads": 1}


@EncoderLayer.misconception("norm_first ignored, always pre-norm")
@wrong_arguments(_Layer)
def _():
    """norm_first has no effect: your layer is always pre-norm. Keep it, self.norm_first =
    norm_first, and hand it to residual both times."""
    return {"norm_first": True}


@EncoderLayer.misconception("norm_first ignored, always post-norm")
@wrong_arguments(_Layer)
def _():
    """norm_first has no effect: your layer is always post-norm. Keep it, self.norm_first =
    norm_first, and hand it to residual both times."""
    return {"norm_first": False}


@EncoderLayer.misconception("norm_first the other way round")
@wrong_arguments(_Layer)
def _(norm_first):
    """The two orders have changed places: norm_first=True normalises each sublayer's input."""
    return {"norm_first": not norm_first}


@EncoderLayer.misconception("activation not passed on")
@wrong_arguments(_Layer)
def _():
    """activation never reaches the feed-forward layer, which stays with ReLU: FeedForward(d_model,
    d_ff, dropout, activation)."""
    return {"activation": "relu"}


@EncoderLayer.misconception("eps not passed on")
@wrong_arguments(_Layer)
def _():
    """eps never reaches the layer norms, which stay with theirs: LayerNorm(d_model, eps)."""
    return {"eps": 1e-5}


@EncoderLayer.misconception("activation and eps not passed on")
@wrong_arguments(_Layer)
def _():
    """activation and eps are never passed on: FeedForward(d_model, d_ff, dropout, activation) and
    LayerNorm(d_model, eps)."""
    return {"activation": "relu", "eps": 1e-5}


@EncoderLayer.misconception("eps for one norm only")
@wrong_constructor(_Layer)
def _(self):
    """eps reaches norm1 and not norm2. Both layer norms get it."""
    self.norm2.eps = 1e-5


@EncoderLayer.misconception("activation in dropout's place")
class _(_Layer):
    """The third argument of FeedForward is dropout and the fourth is activation. You hand the
    activation over where the rate belongs."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.feed_forward = pieces.FeedForward(d_model, d_ff, activation)


@EncoderLayer.misconception("heads and d_ff swapped")
class _(_Layer):
    """num_heads and d_ff have changed places: MultiHeadAttention(d_model, num_heads, dropout) and
    FeedForward(d_model, d_ff, dropout, activation)."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, d_ff, num_heads, dropout, norm_first, activation, eps)


@EncoderLayer.misconception("d_ff in the place of the heads")
class _(_Layer):
    """You hand d_ff to the attention where the number of heads belongs: MultiHeadAttention(d_model,
    num_heads, dropout)."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.self_attention = pieces.MultiHeadAttention(d_model, d_ff, dropout)


@EncoderLayer.misconception("new modules at every call")
class _(nn.Module):
    """You make the modules inside forward, so that every call starts from new random ones. Make
    them once, in __init__."""

    def __init__(
        self, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5
    ):
        super().__init__()
        self.sizes = (d_model, num_heads, d_ff, dropout, norm_first, activation, eps)

    def forward(self, x, mask=None):
        return _Layer(*self.sizes).to(x)(x, mask)


# What is wrong with forward.
@EncoderLayer.misconception("the mask not passed on")
@wrong_forward(_Layer)
def _(self, x, mask):
    """mask is never used, so every word looks at the padding too. Hand it to self_attention as the
    fourth argument."""
    return self.thought(self.attended(x, None))


@EncoderLayer.misconception("the mask inverted")
@wrong_forward(_Layer)
def _(self, x, mask):
    """You turn the mask round. Here True means "may attend", in your attention too: pass it on as
    it is."""
    return self.thought(self.attended(x, None if mask is None else ~mask))


@EncoderLayer.misconception("an axis added to the mask")
@wrong_forward(_Layer)
def _(self, x, mask):
    """You add an axis to the mask. It comes with four already, (batch, heads, queries, keys), with
    1 wherever it serves all: pass it on as it is."""
    return self.thought(self.attended(x, None if mask is None else mask.unsqueeze(1)))


@EncoderLayer.misconception("two axes added to the mask")
@wrong_forward(_Layer)
def _(self, x, mask):
    """You add axes to the mask. It comes with four already, (batch, heads, queries, keys), with 1
    wherever it serves all (padding_mask has made them): pass it on as it is."""
    return self.thought(self.attended(x, None if mask is None else mask[:, None, None, :]))


@EncoderLayer.misconception("the first sentence's mask for all")
@wrong_forward(_Layer)
def _(self, x, mask):
    """You use the mask of the first sentence for all. Pass the whole mask on; it broadcasts by
    itself."""
    return self.thought(self.attended(x, None if mask is None else mask[:1]))


@EncoderLayer.misconception("no residual around the attention")
@wrong_forward(_Layer)
def _(self, x, mask):
    """Nothing is added around the attention: each word is replaced by what it found. Wrap the
    attention in residual."""
    if self.norm_first:
        return self.thought(self.dropout(self.look(self.norm1(x), mask)))
    return self.thought(self.norm1(self.dropout(self.look(x, mask))))


@EncoderLayer.misconception("no residual around the feed-forward layer")
@wrong_forward(_Layer)
def _(self, x, mask):
    """Nothing is added around the feed-forward layer. Wrap it in residual, as the attention."""
    x = self.attended(x, mask)
    if self.norm_first:
        return self.dropout(self.feed_forward(self.norm2(x)))
    return self.norm2(self.dropout(self.feed_forward(x)))


@EncoderLayer.misconception("no residuals")
@wrong_forward(_Layer)
def _(self, x, mask):
    """There is no residual at all: nothing goes past the sublayers. Wrap each of them in
    residual."""
    if self.norm_first:
        x = self.dropout(self.look(self.norm1(x), mask))
        return self.dropout(self.feed_forward(self.norm2(x)))
    x = self.norm1(self.dropout(self.look(x, mask)))
    return self.norm2(self.dropout(self.feed_forward(x)))


@EncoderLayer.misconception("the normalised x added")
@wrong_forward(_Layer)
def _(self, x, mask):
    """In pre-norm you add the normalised x, in place of x. The road past a sublayer goes through no
    norm: your residual does it right."""
    if not self.norm_first:
        return self.thought(self.attended(x, mask))
    x = self.norm1(x)
    x = x + self.dropout(self.look(x, mask))
    x = self.norm2(x)
    return x + self.dropout(self.feed_forward(x))


@EncoderLayer.misconception("x added around residual")
@wrong_forward(_Layer)
def _(self, x, mask):
    """You add x to what residual returns. residual has added it already: x = residual(x, …)."""
    x = x + self.attended(x, mask)
    return x + self.thought(x)


@EncoderLayer.misconception("x added around the attention's residual")
@wrong_forward(_Layer)
def _(self, x, mask):
    """You add x to what the first residual returns. residual has added it already: x = residual(x,
    …)."""
    return self.thought(x + self.attended(x, mask))


@EncoderLayer.misconception("normalised in the sublayers too")
@wrong_forward(_Layer)
def _(self, x, mask):
    """You normalise inside your sublayers as well. residual calls the norm that you hand over, in
    its right place: the sublayers themselves take y as it comes."""
    x = self.wrap(x, lambda y: self.look(self.norm1(y), mask), self.norm1)
    return self.wrap(x, lambda y: self.feed_forward(self.norm2(y)), self.norm2)


@EncoderLayer.misconception("normalised in the attention too")
@wrong_forward(_Layer)
def _(self, x, mask):
    """You normalise inside the function around the attention as well. residual calls the norm that
    you hand over, in its right place: take y as it comes."""
    return self.thought(self.wrap(x, lambda y: self.look(self.norm1(y), mask), self.norm1))


@EncoderLayer.misconception("residual added after the norm")
@wrong_forward(_Layer)
def _(self, x, mask):
    """In post-norm you normalise what the sublayer gave and then add x. The sum is what is
    normalised: your residual does it right."""
    if self.norm_first:
        return self.thought(self.attended(x, mask))
    x = x + self.norm1(self.dropout(self.look(x, mask)))
    return x + self.norm2(self.dropout(self.feed_forward(x)))


@EncoderLayer.misconception("side by side, not one after the other")
@wrong_forward(_Layer)
def _(self, x, mask):
    """Your feed-forward layer works on the x that came in. It works on what the attention has made
    of it: the second residual starts from the result of the first."""
    attended = self.attended(x, mask)
    if self.norm_first:
        return attended + self.dropout(self.feed_forward(self.norm2(x)))
    return self.norm2(attended + self.dropout(self.feed_forward(x)))


@EncoderLayer.misconception("the second residual starts from x again")
@wrong_forward(_Layer)
def _(self, x, mask):
    """Your second residual adds the x that came in, so that the attention's result is on no direct
    road. It adds what the first one returned."""
    attended = self.attended(x, mask)
    if self.norm_first:
        return x + self.dropout(self.feed_forward(self.norm2(attended)))
    return self.norm2(x + self.dropout(self.feed_forward(attended)))


@EncoderLayer.misconception("the attention's result thrown away")
@wrong_forward(_Layer)
def _(self, x, mask):
    """What the first residual returns is thrown away: the second one starts from the x that came
    in. Write x = residual(…) both times."""
    return self.thought(x)


@EncoderLayer.misconception("the feed-forward layer's result thrown away")
@wrong_forward(_Layer)
def _(self, x, mask):
    """What the second residual returns is thrown away (or it is never called). Return it."""
    return self.attended(x, mask)


@EncoderLayer.misconception("the norms swapped")
@wrong_forward(_Layer)
def _(self, x, mask):
    """norm1 and norm2 have changed places: norm1 belongs to the attention, norm2 to the
    feed-forward layer."""
    x = self.wrap(x, lambda y: self.look(y, mask), self.norm2)
    return self.wrap(x, self.feed_forward, self.norm1)


@EncoderLayer.misconception("norm1 for both")
@wrong_forward(_Layer)
def _(self, x, mask):
    """norm2 is made and never used: the feed-forward layer has norm2, not norm1."""
    return self.wrap(self.attended(x, mask), self.feed_forward, self.norm1)


@EncoderLayer.misconception("only the queries normalised")
@wrong_forward(_Layer)
def _(self, x, mask):
    """In pre-norm only your queries are normalised. Query, key and value are the same normalised x:
    inside the sublayer, use its own argument three times."""
    if not self.norm_first:
        return self.thought(self.attended(x, mask))
    found = self.self_attention(self.norm1(x), x, x, mask)[0]
    return self.thought(x + self.dropout(found))


@EncoderLayer.misconception("the sublayer looks at x from outside")
@wrong_forward(_Layer)
def _(self, x, mask):
    """Your sublayer ignores its own argument and takes x from outside, so that in pre-norm the
    attention gets an x that isn't normalised. lambda y: use y three times."""
    return self.thought(self.wrap(x, lambda y: self.look(x, mask), self.norm1))


@EncoderLayer.misconception("feed-forward first")
@wrong_forward(_Layer)
def _(self, x, mask):
    """Your feed-forward layer comes first. First the attention collects, then the feed-forward
    layer works on what it found."""
    return self.attended(self.thought(x), mask)


@EncoderLayer.misconception("no norm around the attention")
@wrong_forward(_Layer)
def _(self, x, mask):
    """norm1 is never used: the attention's residual goes without a norm."""
    return self.thought(x + self.dropout(self.look(x, mask)))


@EncoderLayer.misconception("no norms")
@wrong_forward(_Layer)
def _(self, x, mask):
    """Neither norm is ever used. Hand norm1 and norm2 to residual."""
    x = x + self.dropout(self.look(x, mask))
    return x + self.dropout(self.feed_forward(x))


@EncoderLayer.misconception("norm_first not handed to residual")
@wrong_forward(_Layer)
def _(self, x, mask):
    """The second residual never hears of norm_first and stays pre-norm. Hand it over both times."""
    x = self.attended(x, mask)
    return pieces.residual(x, self.feed_forward, self.norm2, self.dropout)


@EncoderLayer.misconception("sublayer and norm swapped")
@wrong_forward(_Layer)
def _(self, x, mask):
    """You hand norm over where sublayer belongs: residual(x, sublayer, norm, dropout,
    norm_first)."""
    x = self.wrap(x, self.norm1, lambda y: self.look(y, mask))
    return self.wrap(x, self.norm2, self.feed_forward)


@EncoderLayer.misconception("output and weights added")
@wrong_forward(_Layer)
def _(self, x, mask):
    """Your attention returns two things, (output, weights), and you pass both on as if they were
    one tensor. Take the first: self_attention(…)[0]."""
    x = self.wrap(x, lambda y: self.self_attention(y, y, y, mask), self.norm1)
    return self.thought(x)


@EncoderLayer.misconception("the weights taken for the output")
@wrong_forward(_Layer)
def _(self, x, mask):
    """You take the second of the two things that your attention returns, the weights. The output
    comes first: self_attention(…)[0]."""
    x = self.wrap(x, lambda y: self.self_attention(y, y, y, mask)[1], self.norm1)
    return self.thought(x)


@EncoderLayer.misconception("the attention handed over as it is")
@wrong_forward(_Layer)
def _(self, x, mask):
    """residual calls its sublayer with one tensor, and your attention takes query, key, value and a
    mask. Put a small function in between: lambda y: self.self_attention(y, y, y, mask)[0]."""
    return self.thought(self.wrap(x, self.self_attention, self.norm1))


@EncoderLayer.misconception("called in place of handed over")
@wrong_forward(_Layer)
def _(self, x, mask):
    """You call the attention and hand its result to residual. residual wants the function itself,
    and calls it: lambda y: self.self_attention(y, y, y, mask)[0]."""
    return self.thought(self.wrap(x, self.look(x, mask), self.norm1))


@EncoderLayer.misconception("the mask in the value's place")
@wrong_forward(_Layer)
def _(self, x, mask):
    """Your attention gets the mask where the value belongs. In self-attention, query, key and value
    are the same three times: self.self_attention(y, y, y, mask)."""
    x = self.wrap(x, lambda y: self.self_attention(y, y, mask)[0], self.norm1)
    return self.thought(x)


@EncoderLayer.misconception("a rate for a module")
@wrong_constructor(_Layer)
def _(self, dropout):
    """You keep the rate and hand a number to residual, which wants something to call: keep an
    nn.Dropout(dropout)."""
    del self.dropout
    self.dropout = dropout


@EncoderLayer.misconception("weights returned too")
@wrong_forward(_Layer)
def _(self, x, mask):
    """You return two things. forward returns x alone; a lesson that wants the weights takes them by
    a hook on self_attention."""
    return self.thought(self.attended(x, mask)), None


@EncoderLayer.misconception("dropout always on")
@wrong_forward(_Layer)
def _(self, x, mask):
    """Numbers are dropped after eval() too. F.dropout doesn't know about eval() unless you pass
    training=self.training; nn.Dropout does."""
    always = partial(F.dropout, p=self.dropout.p)
    x = pieces.residual(x, lambda y: self.look(y, mask), self.norm1, always, self.norm_first)
    return pieces.residual(x, self.feed_forward, self.norm2, always, self.norm_first)


@EncoderLayer.misconception("no dropout behind the sublayers")
@wrong_constructor(_Layer)
def _(self):
    """What the sublayers return is never dropped. Keep an nn.Dropout(dropout), and hand it to
    residual both times."""
    self.dropout = nn.Identity()


@EncoderLayer.misconception("no dropout behind the feed-forward layer")
@wrong_forward(_Layer)
def _(self, x, mask):
    """What the feed-forward layer returns is never dropped. (Its own dropout acts inside, on the
    hidden features.) Hand dropout to residual both times."""
    x = self.attended(x, mask)
    return pieces.residual(x, self.feed_forward, self.norm2, nn.Identity(), self.norm_first)


@EncoderLayer.misconception("no dropout behind the attention")
@wrong_forward(_Layer)
def _(self, x, mask):
    """What the attention returns is never dropped. (Its own dropout acts inside, on the weights.)
    Hand dropout to residual both times."""
    x = pieces.residual(x, lambda y: self.look(y, mask), self.norm1, nn.Identity(), self.norm_first)
    return self.thought(x)


@EncoderLayer.misconception("no dropout for the attention's weights")
@wrong_constructor(_Layer)
def _(self):
    """dropout isn't passed on to the attention, whose own default is 0:
    MultiHeadAttention(d_model, num_heads, dropout)."""
    self.self_attention.dropout = 0.0


@EncoderLayer.misconception("no dropout inside")
@wrong_constructor(_Layer)
def _(self):
    """dropout is passed on neither to the attention nor to the feed-forward layer. Both take it:
    MultiHeadAttention(d_model, num_heads, dropout), FeedForward(d_model, d_ff, dropout,
    activation)."""
    self.self_attention.dropout = 0.0
    self.feed_forward.dropout.p = 0.1


@EncoderLayer.misconception("another dropout in the feed-forward layer")
@wrong_constructor(_Layer)
def _(self):
    """dropout isn't passed on to the feed-forward layer, whose own default is 0.1:
    FeedForward(d_model, d_ff, dropout, activation)."""
    self.feed_forward.dropout.p = 0.1


@EncoderLayer.misconception("no dropout in the feed-forward layer")
@wrong_constructor(_Layer)
def _(self):
    """The feed-forward layer drops nothing. Pass dropout on: FeedForward(d_model, d_ff, dropout,
    activation)."""
    self.feed_forward.dropout.p = 0.0


@EncoderLayer.misconception("no dropout at all")
@wrong_arguments(_Layer)
def _():
    """dropout is never used. It goes to the attention, to the feed-forward layer, and, as an
    nn.Dropout, to residual."""
    return {"dropout": 0.0}


@EncoderLayer.misconception("always the same dropout")
@wrong_arguments(_Layer)
def _():
    """Your rate is always the same. Use the one that was passed: nn.Dropout(dropout). (nn.Dropout()
    alone drops half.)"""
    return {"dropout": 0.1}


@EncoderLayer.misconception("x changed in place")
@wrong_forward(_Layer)
def _(self, x, mask):
    """Your call changes the caller's x: x += … works in place. Use your residual, or write x = x +
    …"""
    if not self.norm_first:
        return self.thought(self.attended(x, mask))
    x += self.dropout(self.look(self.norm1(x), mask))
    return self.thought(x)


@EncoderLayer.misconception("cut off from the graph")
@wrong_forward(_Layer)
def _(self, x, mask):
    """The values are right, but no gradient flows back: a .detach() or torch.no_grad() cuts the
    result off from the weights."""
    with torch.no_grad():
        return self.thought(self.attended(x, mask))
