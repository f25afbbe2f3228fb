"""Layers in a stack."""

import copy
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    equals_reference,
    gradients_flow,
    inputs_stay,
    parameters_named,
)
from autograder.checks.wrong_module import wrong_constructor, wrong_forward
from autograder.exercises.encoder.encoder_layer import (
    LAYER,
    expect_module,
    expect_same_twice,
    layer_case,
)
from workbook import pieces

Encoder = Exercise(
    "Encoder",
    reference=pieces.Encoder,
    forbidden=(
        "scaled_dot_product_attention",
        "multi_head_attention_forward",
        "_transformer_encoder_layer_fwd",
    ),
)


def _stack(draw: Draw, mask: str = "", layers: int = 2, **construct: Any) -> Case:
    case = layer_case(draw, mask, **construct)
    return Case(case.args, case.kwargs, {"num_layers": layers} | case.construct, case.scale)


parameters_named(Encoder, lambda draw: _stack(draw, layers=draw.integer(3, 4)), points=0.75)
parameters_named(
    Encoder, partial(_stack, norm_first=False), points=0.5, name="no last norm in post-norm"
)


@Encoder.property("layers of its own", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The layers are of the same kind, with different weights: each starts from random numbers of
    its own."""
    instance = piece.construct(2, 6, 2, 5)
    start = instance.parameters()
    for kind in ("self_attention.q_proj.weight", "feed_forward.linear1.weight"):
        found = [value for name, value in start.items() if name.endswith(kind)]
        alike = any(
            torch.equal(one, other) for place, one in enumerate(found) for other in found[:place]
        )
        expect.that(not alike, "Two layers start with the same numbers.")
    expect_same_twice(instance.eval(), draw.normal(2, 3, 6, dtype=torch.float32))


equals_reference(
    Encoder,
    _stack,
    LAYER,
    name="pre-norm, with the last norm",
    points=1,
    says="One layer after the other, each on the result of the one before; with norm_first=True, "
    "norm comes last.",
)
equals_reference(
    Encoder,
    partial(_stack, norm_first=False),
    LAYER,
    name="post-norm, without it",
    points=0.75,
    says="With norm_first=False the layers normalise their results themselves: there is no last "
    "norm.",
)


@Encoder.property("the mask reaches every layer", points=1.25)
def _(piece: Piece, draw: Draw) -> None:
    """Every layer gets the mask, not only the first one."""
    expect_module(Encoder, piece, _stack(draw, "padding", layers=3), draw)


@Encoder.property("activation is passed on", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """activation goes to every layer."""
    case = _stack(draw, activation="silu")
    expect_module(Encoder, piece, case, draw, "With activation='silu', the result")


@Encoder.property("eps is passed on", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """eps goes to every layer and to the last norm."""
    expect_module(Encoder, piece, _stack(draw, eps=0.4), draw, "With eps=0.4, the result")


@Encoder.property("dropout is passed on", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """dropout goes to every layer: in training, with dropout=0 two calls agree, and with a high
    rate they differ."""
    x = draw.normal(2, 7, 6, dtype=torch.float32)
    still, lively = (piece.construct(2, 6, 2, 5, rate).train() for rate in (0.0, 0.6))
    silent = {name: torch.zeros_like(each) for name, each in still.parameters().items()}
    silent["norm.weight"] = torch.ones(6)
    empty = piece.construct(2, 6, 2, 5, 0.6).train()
    expect.that(not empty.load(silent), "The check can't set the weights: see above.")
    one, other = (expect.shape(empty(x), x.shape, "The result") for _ in range(2))
    expect.that(torch.equal(one, other), "Something is dropped outside the layers.")
    for instance, agree in ((still, True), (lively, False)):
        one, other = (expect.shape(instance(x), x.shape, "The result") for _ in range(2))
        expect.that(
            torch.equal(one, other) == agree,
            "Something is dropped in training with dropout=0."
            if agree
            else "Nothing is dropped in training with dropout=0.6.",
        )


gradients_flow(Encoder, partial(_stack, mask="whole"), of=("x",), points=0.25)
inputs_stay(Encoder, partial(_stack, mask="padding"), points=0.25)


class _Stack(nn.Module):
    """The part that most wrong answers get right."""

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
        self.of_a_layer = {
            "d_model": d_model,
            "num_heads": num_heads,
            "d_ff": d_ff,
            "dropout": dropout,
            "norm_first": norm_first,
            "activation": activation,
            "eps": eps,
        }
        self.layers = self.made(num_layers)
        self.norm = pieces.LayerNorm(d_model, eps) if norm_first else None

    def made(self, count, **changed):
        """So many layers, of the stack's own arguments but for the changed ones."""
        given = self.of_a_layer | changed
        return nn.ModuleList(pieces.EncoderLayer(**given) for _ in range(count))

    def last(self, x):
        return x if self.norm is None else self.norm(x)

    def forward(self, x, mask=None):
        for layer in self.layers:
            x = layer(x, mask)
        return self.last(x)


@Encoder.misconception("one layer, many times")
@wrong_constructor(_Stack)
def _(self):
    """All your layers are one and the same module: [layer] * n repeats it, and there is one set of
    weights. The layers share the architecture and not the weights: make each anew, [EncoderLayer(…)
    for _ in range(n)]."""
    self.layers = nn.ModuleList([self.layers[0]] * len(self.layers))


@Encoder.misconception("one layer, applied again and again")
@wrong_forward(_Stack)
def _(self, x, mask):
    """You apply the first layer again and again. Go through all of them: for layer in
    self.layers."""
    for _ in self.layers:
        x = self.layers[0](x, mask)
    return self.last(x)


@Encoder.misconception("copies of one layer")
@wrong_constructor(_Stack)
def _(self):
    """Your layers are copies of one another: they start from the same numbers. Make each anew, so
    that each starts from random numbers of its own."""
    self.layers = nn.ModuleList(copy.deepcopy(self.layers[0]) for _ in self.layers)


@Encoder.misconception("layers in a plain list")
class _(nn.Module):
    """Your layers are kept in a plain list, where the module doesn't see them: they would never be
    trained or moved to the GPU. nn.ModuleList is a list that it sees."""

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
        sizes = (d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        self.layers = [pieces.EncoderLayer(*sizes) for _ in range(num_layers)]
        self.norm = pieces.LayerNorm(d_model, eps) if norm_first else None

    def forward(self, x, mask=None):
        return _Stack.forward(self, x, mask)

    def last(self, x):
        return _Stack.last(self, x)


@Encoder.misconception("other names")
@wrong_constructor(_Stack)
def _(self):
    """The sub-modules have other names than the exercise asks: layers and norm. Names are how
    weights are exchanged with other implementations."""
    self.blocks, self.final_norm = self.layers, self.norm
    del self.layers, self.norm
    self.forward = lambda x, mask=None: _renamed(self, x, mask)


def _renamed(self, x, mask):
    for layer in self.blocks:
        x = layer(x, mask)
    return x if self.final_norm is None else self.final_norm(x)


@Encoder.misconception("no last norm")
@wrong_constructor(_Stack)
def _(self):
    """In pre-norm a last norm is missing. The road past the sublayers is never normalised, so x
    grows from layer to layer: self.norm = LayerNorm(d_model, eps), used at the end."""
    self.norm = None


@Encoder.misconception("the last norm never used")
@wrong_forward(_Stack)
def _(self, x, mask):
    """norm is made and never used. In pre-norm it comes last, after all layers."""
    for layer in self.layers:
        x = layer(x, mask)
    return x


@Encoder.misconception("a last norm in post-norm too")
@wrong_constructor(_Stack)
def _(self, d_model, eps):
    """There is a last norm in post-norm too. There each layer ends with a norm already: with
    norm_first=False a stack has none of its own."""
    self.norm = pieces.LayerNorm(d_model, eps)


@Encoder.misconception("the last norm always made")
@wrong_constructor(_Stack)
def _(self, d_model, norm_first, eps):
    """In post-norm norm is made and not used: its weights would be saved, and waited for by whoever
    loads published ones. Make it with norm_first only."""
    self.norm = pieces.LayerNorm(d_model, eps)
    if not norm_first:
        self.last = lambda x: x


@Encoder.misconception("always a last norm, without eps")
@wrong_constructor(_Stack)
def _(self, d_model):
    """There is a last norm in post-norm too, where each layer ends with a norm already; and it
    never gets eps. Make it with norm_first only, as LayerNorm(d_model, eps)."""
    self.norm = pieces.LayerNorm(d_model)


@Encoder.misconception("the last norm in post-norm only")
@wrong_constructor(_Stack)
def _(self, d_model, norm_first, eps):
    """The last norm is there in post-norm, and not in pre-norm: it is the other way round. A
    post-norm layer ends with a norm already."""
    self.norm = None if norm_first else pieces.LayerNorm(d_model, eps)


@Encoder.misconception("the norm behind every layer")
@wrong_forward(_Stack)
def _(self, x, mask):
    """norm comes behind each layer. It comes once, after the last layer."""
    for layer in self.layers:
        x = self.last(layer(x, mask))
    return x


@Encoder.misconception("the norm first")
@wrong_forward(_Stack)
def _(self, x, mask):
    """norm comes in front of the layers. It comes once, after the last one."""
    x = self.last(x)
    for layer in self.layers:
        x = layer(x, mask)
    return x


@Encoder.misconception("the mask for the first layer only")
@wrong_forward(_Stack)
def _(self, x, mask):
    """Only the first layer gets the mask. From the second one on, every word looks at the padding
    again: pass the mask to every layer."""
    for number, layer in enumerate(self.layers):
        x = layer(x, mask if number == 0 else None)
    return self.last(x)


@Encoder.misconception("the mask for the last layer only")
@wrong_forward(_Stack)
def _(self, x, mask):
    """Only the last layer gets the mask. By then the padding has been looked at: pass the mask to
    every layer."""
    for number, layer in enumerate(self.layers, start=1):
        x = layer(x, mask if number == len(self.layers) else None)
    return self.last(x)


@Encoder.misconception("the mask not passed on")
@wrong_forward(_Stack)
def _(self, x, mask):
    """mask is never used: pass it to every layer, layer(x, mask)."""
    for layer in self.layers:
        x = layer(x)
    return self.last(x)


@Encoder.misconception("the mask inverted")
@wrong_forward(_Stack)
def _(self, x, mask):
    """You turn the mask round. Here True means "may attend", in your layers too: pass it on as it
    is."""
    for layer in self.layers:
        x = layer(x, None if mask is None else ~mask)
    return self.last(x)


@Encoder.misconception("the mask inverted from layer to layer")
@wrong_forward(_Stack)
def _(self, x, mask):
    """You turn the mask round between the layers, so that every second one has it the wrong way.
    Pass the same mask to every layer."""
    for layer in self.layers:
        x = layer(x, mask)
        mask = None if mask is None else ~mask
    return self.last(x)


@Encoder.misconception("every layer reads the input")
@wrong_forward(_Stack)
def _(self, x, mask):
    """Every layer gets the x that came in, and only the last one's result counts. Each works on the
    result of the one before: x = layer(x, mask)."""
    for layer in self.layers:
        made = layer(x, mask)
    return self.last(made)


@Encoder.misconception("results added up")
@wrong_forward(_Stack)
def _(self, x, mask):
    """You add the layers' results up. They stand one behind the other: x = layer(x, mask)."""
    return self.last(sum(layer(x, mask) for layer in self.layers))


@Encoder.misconception("another residual around each layer")
@wrong_forward(_Stack)
def _(self, x, mask):
    """You add x to each layer's result. The residuals are inside the layers already: x = layer(x,
    mask)."""
    for layer in self.layers:
        x = x + layer(x, mask)
    return self.last(x)


@Encoder.misconception("another residual around the stack")
@wrong_forward(_Stack)
def _(self, x, mask):
    """You add the x that came in at the end. The residuals are inside the layers already."""
    y = x
    for layer in self.layers:
        y = layer(y, mask)
    return self.last(x + y)


@Encoder.misconception("a list of results")
@wrong_forward(_Stack)
def _(self, x, mask):
    """You return what every layer gave, as a list. Return the last one, one tensor."""
    found = []
    for layer in self.layers:
        x = layer(x, mask)
        found.append(x)
    return found


@Encoder.misconception("returned inside the loop")
@wrong_forward(_Stack)
def _(self, x, mask):
    """Only your first layer ever works: the return stands inside the loop. Move it out, so that
    all layers have their turn."""
    for layer in self.layers:
        return self.last(layer(x, mask))


@Encoder.misconception("the layers backwards")
@wrong_forward(_Stack)
def _(self, x, mask):
    """You go through the layers from the last to the first. layers[0] is the first to read the
    words."""
    for layer in reversed(self.layers):
        x = layer(x, mask)
    return self.last(x)


@Encoder.misconception("the last layer left out")
@wrong_forward(_Stack)
def _(self, x, mask):
    """One of your layers never gets its turn: go through all of self.layers."""
    for layer in self.layers[:-1]:
        x = layer(x, mask)
    return self.last(x)


@Encoder.misconception("one layer too few")
@wrong_constructor(_Stack)
def _(self):
    """There is one layer fewer than num_layers. range(num_layers) counts from 0 and gives as many
    as it says."""
    self.layers = self.layers[:-1]


@Encoder.misconception("always six layers")
@wrong_constructor(_Stack)
def _(self):
    """You always make six layers, as the paper has. num_layers says how many."""
    self.layers = self.made(6)


@Encoder.misconception("norm_first not passed on")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """norm_first never reaches the layers, which stay pre-norm. Pass it on."""
    self.layers = self.made(num_layers, norm_first=True)


@Encoder.misconception("activation not passed on")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """activation never reaches the layers, which stay with ReLU. Pass it on."""
    self.layers = self.made(num_layers, activation="relu")


@Encoder.misconception("eps not passed on")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """eps reaches neither the layers nor the last norm. Pass it on to both."""
    self.layers = self.made(num_layers, eps=1e-5)
    if self.norm is not None:
        self.norm.eps = 1e-5


@Encoder.misconception("eps for the last norm only")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """eps reaches the last norm, and not the layers. Pass it on to them too."""
    self.layers = self.made(num_layers, eps=1e-5)


@Encoder.misconception("eps for the layers only")
@wrong_constructor(_Stack)
def _(self):
    """eps reaches the layers, and not the last norm: LayerNorm(d_model, eps)."""
    if self.norm is not None:
        self.norm.eps = 1e-5


@Encoder.misconception("activation and eps not passed on")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """activation and eps are never passed on to the layers (nor eps to the last norm)."""
    self.layers = self.made(num_layers, activation="relu", eps=1e-5)
    if self.norm is not None:
        self.norm.eps = 1e-5


@Encoder.misconception("only the sizes passed on")
@wrong_constructor(_Stack)
def _(self, num_layers, d_model, num_heads, d_ff):
    """Your layers get d_model, num_heads and d_ff only. dropout, norm_first, activation and eps are
    theirs too: pass them on."""
    self.layers = nn.ModuleList(
        pieces.EncoderLayer(d_model, num_heads, d_ff) for _ in range(num_layers)
    )
    if self.norm is not None:
        self.norm.eps = 1e-5


@Encoder.misconception("dropout not passed on")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """dropout never reaches the layers, which stay with 0.1. Pass it on."""
    self.layers = self.made(num_layers, dropout=0.1)


@Encoder.misconception("no dropout")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """Nothing is dropped in training: your layers have dropout 0. Pass dropout on."""
    self.layers = self.made(num_layers, dropout=0.0)


@Encoder.misconception("a dropout of its own, in front")
@wrong_forward(_Stack)
def _(self, x, mask):
    """You drop numbers outside the layers. All the dropout of a stack is inside its layers; the one
    in front of it belongs to PositionalEncoding."""
    return _Stack.forward(self, F.dropout(x, 0.3, self.training), mask)


@Encoder.misconception("only the sizes passed on to the layers")
@wrong_constructor(_Stack)
def _(self, num_layers, d_model, num_heads, d_ff):
    """Your layers get d_model, num_heads and d_ff only. dropout, norm_first, activation and eps are
    theirs too, as eps is the last norm's: pass them on."""
    self.layers = nn.ModuleList(
        pieces.EncoderLayer(d_model, num_heads, d_ff) for _ in range(num_layers)
    )


@Encoder.misconception("new layers at every call")
class _(nn.Module):
    """You make the layers inside forward, so that every call starts from new random ones. Make them
    once, in __init__."""

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
        self.sizes = (num_layers, d_model, num_heads, d_ff, dropout, norm_first, activation, eps)

    def forward(self, x, mask=None):
        return pieces.Encoder(*self.sizes).to(x)(x, mask)


@Encoder.misconception("a graph cut between the layers")
@wrong_forward(_Stack)
def _(self, x, mask):
    """The values are right, but no gradient gets past a layer: x is detached between them. So only
    the last layer would learn."""
    for layer in self.layers:
        x = layer(x.detach(), mask)
    return self.last(x)
