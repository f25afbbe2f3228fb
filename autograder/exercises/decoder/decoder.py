"""Decoder layers in a stack."""

import copy
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
    gradients_flow,
    inputs_stay,
    parameters_named,
    single_precision,
)
from autograder.checks.wrong_module import wrong_constructor, wrong_forward
from autograder.exercises.decoder.decoder_layer import (
    FULL,
    DecoderLayer,
    decoder_case,
    expect_as_computed,
)
from workbook import pieces

Decoder = Exercise(
    "Decoder",
    reference=pieces.Decoder,
    forbidden=DecoderLayer.forbidden,
    instead="You call torch's own attention. The decoder is a stack of your DecoderLayers.",
)


def _stack(draw: Draw, masks: str = "", **options: Any) -> Case:
    return decoder_case(draw, masks, stack=True, **options)


def _causal_stack(draw: Draw) -> Case:
    return _stack(draw, "causal")


def _post_norm_stack(draw: Draw) -> Case:
    return _stack(draw, "causal", norm_first=False)


parameters_named(Decoder, _stack, points=0.5)
parameters_named(Decoder, _post_norm_stack, points=0.5, name="post-norm has no last norm")


@Decoder.property("the masks reach every layer", points=1.25)
def _(piece: Piece, draw: Draw) -> None:
    """Every layer gets the memory and both masks, and goes on from what the layer before made; then
    comes the last norm. Here source and target are equally long."""
    expect_as_computed(Decoder, piece, _stack(draw, "causal", equal=True), draw)


@Decoder.property("source and target of other lengths", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Without masks, and with source and target of different lengths."""
    expect_as_computed(Decoder, piece, _stack(draw), draw)


@Decoder.property("post-norm", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """With norm_first=False all layers are post-norm, and nothing comes after the last one."""
    expect_as_computed(Decoder, piece, _post_norm_stack(draw), draw)


@Decoder.property("activation and eps are passed on", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """activation and eps go to every layer, and eps to the last norm too."""
    eps = draw.uniform(0.3, 0.6)
    expect_as_computed(Decoder, piece, _stack(draw, activation="gelu", eps=eps), draw)


@Decoder.property("as many layers as asked for", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Decoder(num_layers, …) has num_layers layers, from one on."""
    for count in (1, 4):
        made = piece.construct(count, 4, 2, 3).parameters()
        found = len({name.split(".")[1] for name in made if name.startswith("layers.")})
        expect.that(found == count, f"With num_layers={count} there are {found}.")


@Decoder.property("layers that start apart", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Each layer starts from random weights of its own: no two layers are alike."""
    instance = piece.construct(3, 6, 2, 5)
    made = {name: value for name, value in instance.parameters().items() if value.ndim == 2}
    for name, value in made.items():
        twin = name.replace("layers.0.", "layers.1.")
        alike = twin != name and twin in made and torch.equal(value, made[twin])
        expect.that(not alike, "Two layers start with the same numbers.")
    x, memory = (draw.normal(2, n, 6, dtype=torch.float32) for n in (3, 4))
    once, again = (instance.eval()(x, memory) for _ in range(2))
    expect.same_again(once, again)


@Decoder.property("dropout in every layer, in training only", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """dropout is handed on to every layer, and acts there only; after eval() nothing is dropped."""
    p = draw.uniform(0.3, 0.4)
    instance = piece.construct(2, 12, 3, 8, dropout=p).to(torch.float64)
    made = instance.parameters()
    silent = {name: torch.zeros_like(value) for name, value in made.items()}
    silent["norm.weight"] = torch.ones(12, dtype=torch.float64)
    x, memory = torch.zeros(4, 30, 12, dtype=torch.float64), draw.normal(4, 20, 12)
    for layer in (0, 1):
        loud = {f"layers.{layer}.feed_forward.linear2.bias": FULL}
        refused = instance.load(silent | loud)
        expect.that(not refused, "The check can't set the weights: see the first property.")
        # The last norm makes equal numbers 0, and what was dropped negative.
        shown = expect.shape(instance.train()(x, memory), x.shape, "The output")
        low = shown < -1e-6
        expect.that(bool(low.any()), f"Layer {layer + 1} of 2 drops nothing.")
        share = low.double().mean().item()
        expect.that(
            abs(share - p) < 0.08, f"The share dropped in layer {layer + 1} isn't `dropout`."
        )
        still = instance.eval()(x, memory)
        expect.that(bool((still.abs() < 1e-6).all()), "After eval() something is dropped.")
    # Layers that add nothing leave x as it is, up to the last norm.
    instance.load(silent)
    x = draw.normal(4, 30, 12)
    whole = expect.tensor(instance.eval()(x, memory), "The output")
    shown = expect.shape(instance.train()(x, memory), whole.shape, "The output")
    where = "of the output" if bool((shown == 0).any()) else "in front of the layers"
    expect.that(torch.allclose(shown, whole), f"Numbers {where} are dropped.")


gradients_flow(Decoder, _causal_stack, of=("x", "memory"), points=0.25)
inputs_stay(Decoder, _causal_stack, points=0.25)
single_precision(Decoder, _causal_stack, ("The output",), points=0.25)


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
        return nn.ModuleList(pieces.DecoderLayer(**given) for _ in range(count))

    def last(self, x):
        return x if self.norm is None else self.norm(x)

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        for layer in self.layers:
            x = layer(x, memory, self_mask, cross_mask)
        return self.last(x)


@Decoder.misconception("one layer, many times")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """Your list, [layer] * num_layers, is the same layer again and again, with one set of weights.
    Make a new one each time: DecoderLayer(…) for _ in range(num_layers)."""
    self.layers = nn.ModuleList([self.layers[0]] * num_layers)


@Decoder.misconception("copies of one layer")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """Your layers are copies of one layer and start with the same numbers. Make a new one each
    time: DecoderLayer(…) for _ in range(num_layers)."""
    self.layers = nn.ModuleList(copy.deepcopy(self.layers[0]) for _ in range(num_layers))


@Decoder.misconception("layers in a plain list")
@wrong_constructor(_Stack)
def _(self):
    """Your layers are kept in a plain list, where the module doesn't see them: they would never be
    trained or moved to the GPU. Wrap the list: nn.ModuleList([…])."""
    layers = list(self.layers)
    del self.layers
    self.layers = layers


@Decoder.misconception("the encoder's layers")
class _(_Stack):
    """You stack the encoder's layers, which have no cross-attention. Stack DecoderLayers."""

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
        options = (d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
        super().__init__(0, *options)
        self.layers = nn.ModuleList(pieces.EncoderLayer(*options) for _ in range(num_layers))

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        for layer in self.layers:
            x = layer(x, self_mask)
        return self.last(x)


@Decoder.misconception("layers under another name")
class _(_Stack):
    """The layers are right and have another name than the exercise asks: self.layers."""

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
        self.blocks = self.layers
        del self.layers

    def forward(self, x, memory, self_mask=None, cross_mask=None):
        for layer in self.blocks:
            x = layer(x, memory, self_mask, cross_mask)
        return self.last(x)


@Decoder.misconception("the last norm under another name")
@wrong_constructor(_Stack)
def _(self, norm_first):
    """The last norm has another name than the exercise asks: self.norm."""
    self.final_norm, self.norm = self.norm, None
    if norm_first:
        self.last = self.final_norm.forward


@Decoder.misconception("one layer too few")
@wrong_constructor(_Stack)
def _(self):
    """There is one layer too few: range(num_layers) counts from 0 and gives num_layers of them."""
    self.layers = self.layers[:-1]


@Decoder.misconception("one layer too many")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """There is one layer too many: range(num_layers) gives num_layers of them."""
    self.layers = self.made(num_layers + 1)


@Decoder.misconception("a single layer")
@wrong_constructor(_Stack)
def _(self):
    """There is one layer, whatever num_layers says. Make num_layers of them."""
    self.layers = self.layers[:1]


@Decoder.misconception("no last norm")
@wrong_constructor(_Stack)
def _(self):
    """There is no last norm. In a pre-norm stack nothing norms what the last layer adds: with
    norm_first=True, the stack has a norm of its own and ends with it."""
    self.norm = None


@Decoder.misconception("a last norm in post-norm too")
@wrong_constructor(_Stack)
def _(self, d_model, eps):
    """A post-norm layer ends with a norm, so with norm_first=False the stack has none of its own:
    make it only if norm_first."""
    self.norm = pieces.LayerNorm(d_model, eps)


@Decoder.misconception("a last norm in post-norm only")
@wrong_constructor(_Stack)
def _(self, d_model, norm_first, eps):
    """The last norm is the wrong way round. It belongs to the pre-norm stack, norm_first=True,
    where nothing norms what the last layer adds."""
    self.norm = None if norm_first else pieces.LayerNorm(d_model, eps)


@Decoder.misconception("eps kept from the layers")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """eps isn't handed on to the layers: DecoderLayer's last argument is eps."""
    self.layers = self.made(num_layers, eps=1e-5)


@Decoder.misconception("eps kept from the last norm")
@wrong_constructor(_Stack)
def _(self, d_model, norm_first):
    """The last norm has the default eps, whatever the stack is given: LayerNorm(d_model, eps)."""
    self.norm = pieces.LayerNorm(d_model) if norm_first else None


@Decoder.misconception("eps kept from all norms")
@wrong_constructor(_Stack)
def _(self, num_layers, d_model, norm_first):
    """eps is handed on to nobody. It belongs to every layer and to the last norm."""
    self.layers = self.made(num_layers, eps=1e-5)
    self.norm = pieces.LayerNorm(d_model) if norm_first else None


@Decoder.misconception("activation kept from the layers")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """activation isn't handed on to the layers."""
    self.layers = self.made(num_layers, activation="relu")


@Decoder.misconception("activation and eps kept from the layers")
@wrong_constructor(_Stack)
def _(self, num_layers, d_model, norm_first, eps):
    """Neither activation nor eps is handed on to the layers."""
    self.layers = self.made(num_layers, activation="relu", eps=1e-5)
    self.norm = pieces.LayerNorm(d_model, eps) if norm_first else None


@Decoder.misconception("norm_first kept from the layers")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """norm_first isn't handed on to the layers: they are pre-norm unless you say so."""
    self.layers = self.made(num_layers, norm_first=True)


@Decoder.misconception("dropout kept from the layers")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """dropout isn't handed on to the layers: they drop their default 10 %, whatever the stack is
    given."""
    self.layers = self.made(num_layers, dropout=0.1)


@Decoder.misconception("the layers drop nothing")
@wrong_constructor(_Stack)
def _(self, num_layers):
    """Your layers drop nothing. dropout is handed on to every layer."""
    self.layers = self.made(num_layers, dropout=0.0)


# What is wrong with forward.
@Decoder.misconception("a dropout of its own, in front")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """You drop numbers outside the layers. All the dropout of a stack is inside its layers; the one
    in front of it belongs to PositionalEncoding."""
    x = F.dropout(x, 0.1, self.training)
    return _Stack.forward(self, x, memory, self_mask, cross_mask)


@Decoder.misconception("a dropout of its own, at the end")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """You drop numbers of what the last layer made. All the dropout of a stack is inside its
    layers."""
    return F.dropout(_Stack.forward(self, x, memory, self_mask, cross_mask), 0.1, self.training)


@Decoder.misconception("every layer starts from x")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """Every layer starts from the first x again, and only the last one counts. A layer goes on from
    what the one before made: x = layer(x, …)."""
    for layer in self.layers:
        out = layer(x, memory, self_mask, cross_mask)
    return self.last(out)


@Decoder.misconception("the layers' results thrown away")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """What the layers make is thrown away: x comes out as it went in. Keep each result under the
    name the next layer reads: x = layer(x, …)."""
    for layer in self.layers:
        layer(x, memory, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("the layers added up")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """You add what a layer returns to x. Inside the layer that is done already, three times: x =
    layer(x, …)."""
    for layer in self.layers:
        x = x + layer(x, memory, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("the first layer only")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """Of two layers only the first is used. Is the return inside the loop? Or does the loop leave
    the last layer out? Go through all of self.layers."""
    return self.last(self.layers[0](x, memory, self_mask, cross_mask))


@Decoder.misconception("returned from inside the loop")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """Only the first layer is used, and the last norm isn't. Is the return inside the loop?"""
    return self.layers[0](x, memory, self_mask, cross_mask)


@Decoder.misconception("layers in reverse order")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """Your layers run from the last to the first. layers[0] comes first."""
    for layer in reversed(self.layers):
        x = layer(x, memory, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("the last norm never used")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """The last norm is made and never used. A pre-norm stack ends with it: return self.norm(x)."""
    for layer in self.layers:
        x = layer(x, memory, self_mask, cross_mask)
    return x


@Decoder.misconception("the norm in front")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """You norm x before the first layer. The stack's norm comes last, after all layers."""
    x = self.last(x)
    for layer in self.layers:
        x = layer(x, memory, self_mask, cross_mask)
    return x


@Decoder.misconception("the norm after every layer")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """You use the stack's norm after every layer. It comes once, after the last one."""
    for layer in self.layers:
        x = self.last(layer(x, memory, self_mask, cross_mask))
    return x


@Decoder.misconception("the norm used twice")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """You norm twice: the second time the numbers have been normed already. Once, after the last
    layer."""
    for layer in self.layers:
        x = layer(x, memory, self_mask, cross_mask)
    return self.last(self.last(x))


@Decoder.misconception("the memory normed")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """You norm the memory with the stack's norm. The memory comes from the encoder as it should be;
    the norm is for x, after the last layer."""
    memory = self.last(memory)
    for layer in self.layers:
        x = layer(x, memory, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("self_mask for the first layer only")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """Only the first layer gets self_mask, and the second one looks into the future. Every layer
    gets both masks."""
    for number, layer in enumerate(self.layers):
        x = layer(x, memory, None if number else self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("cross_mask for the first layer only")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """Only the first layer gets cross_mask, and the second one looks at padding. Every layer gets
    both masks."""
    for number, layer in enumerate(self.layers):
        x = layer(x, memory, self_mask, None if number else cross_mask)
    return self.last(x)


@Decoder.misconception("masks for the first layer only")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """Only the first layer gets the masks. Every layer gets both."""
    for number, layer in enumerate(self.layers):
        x = layer(x, memory) if number else layer(x, memory, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("masks for the last layer only")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """Only the last layer gets the masks. What the others have seen can't be taken back: every
    layer gets both."""
    for layer in self.layers[:-1]:
        x = layer(x, memory)
    return self.last(self.layers[-1](x, memory, self_mask, cross_mask))


@Decoder.misconception("masks not passed on")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """The masks are never handed to the layers, so every word sees the future and the padding:
    layer(x, memory, self_mask, cross_mask)."""
    for layer in self.layers:
        x = layer(x, memory)
    return self.last(x)


@Decoder.misconception("self_mask not passed on")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """self_mask is never handed to the layers, so every word sees the future: layer(x, memory,
    self_mask, cross_mask)."""
    for layer in self.layers:
        x = layer(x, memory, None, cross_mask)
    return self.last(x)


@Decoder.misconception("cross_mask not passed on")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """cross_mask is never handed to the layers, so the target looks at the source's padding:
    layer(x, memory, self_mask, cross_mask)."""
    for layer in self.layers:
        x = layer(x, memory, self_mask)
    return self.last(x)


@Decoder.misconception("masks swapped")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """The masks have changed places: a layer takes self_mask first and cross_mask second."""
    for layer in self.layers:
        x = layer(x, memory, cross_mask, self_mask)
    return self.last(x)


@Decoder.misconception("self_mask for both")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """The layers get self_mask twice. Its place for the memory is taken by cross_mask."""
    for layer in self.layers:
        x = layer(x, memory, self_mask, self_mask)
    return self.last(x)


@Decoder.misconception("x in the memory's place")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """Your layers get x as their memory, so nobody looks at the source: layer(x, memory, …)."""
    for layer in self.layers:
        x = layer(x, x, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("x and memory swapped")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """x and memory have changed places: a layer takes x first, then memory."""
    for layer in self.layers:
        memory = layer(memory, x, self_mask, cross_mask)
    return self.last(memory)


@Decoder.misconception("the memory replaced on the way")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """From the second layer on, your memory is what the layer before made. All layers look at the
    same memory, the encoder's."""
    for layer in self.layers:
        x = memory = layer(x, memory, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("no memory")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """A layer takes x, memory and two masks. You leave memory out, so that the mask stands in its
    place."""
    for layer in self.layers:
        x = layer(x, self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("all outputs returned")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """You return what every layer made. Return the last one alone, after the norm."""
    outputs = []
    for layer in self.layers:
        x = layer(x, memory, self_mask, cross_mask)
        outputs.append(self.last(x))
    return outputs


@Decoder.misconception("the memory cut off from the graph")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """The values are right, and no gradient flows back to the memory: the encoder would never
    learn. Take the .detach() away."""
    for layer in self.layers:
        x = layer(x, memory.detach(), self_mask, cross_mask)
    return self.last(x)


@Decoder.misconception("written into x")
@wrong_forward(_Stack)
def _(self, x, memory, self_mask, cross_mask):
    """Your call changes the caller's x: x[...] = … and methods ending in _ work in place. Write x =
    layer(x, …), which gives the new tensor the old name."""
    first = x.clone()
    with torch.no_grad():
        x.mul_(2.0)
    for layer in self.layers:
        first = layer(first, memory, self_mask, cross_mask)
    return self.last(first)
