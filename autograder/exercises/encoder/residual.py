"""A sublayer beside a free road, with the norm before or after."""

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel import made
from autograder.channel.piece import Piece
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

residual = Exercise("residual", reference=pieces.residual)


def _road(draw: Draw) -> tuple[torch.Tensor, dict[str, Made]]:
    """x, and three layers that can't change places unseen: each has a matrix of its own."""
    batch, length, d_model = draw.sizes(3, low=3)
    layers = {
        name: Made(
            "linear",
            {
                "weight": draw.normal(d_model, d_model, scale=d_model**-0.5),
                "bias": draw.normal(d_model),
            },
        )
        for name in ("sublayer", "norm", "dropout")
    }
    return draw.normal(batch, length, d_model), layers


def _made(layers: dict[str, Made]) -> dict[str, nn.Module]:
    """The same layers on this side of the channel."""
    return {name: made.MAKERS[each.kind](**each.options) for name, each in layers.items()}


def _expect_road(piece: Piece, draw: Draw, *norm_first: bool) -> None:
    x, layers = _road(draw)
    wanted = pieces.residual(x, *_made(layers).values(), *norm_first).detach()
    found = piece(x, *layers.values(), *norm_first)
    expect.close(found, wanted, "The result, at [sentence, word, feature],")


@residual.property("pre-norm", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With norm_first=True: x + dropout(sublayer(norm(x))). (The check passes three linear layers
    for sublayer, norm and dropout, so that none can change places unseen.)"""
    _expect_road(piece, draw, True)


@residual.property("post-norm", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With norm_first=False: norm(x + dropout(sublayer(x)))."""
    _expect_road(piece, draw, False)


@residual.property("pre-norm unless told otherwise", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Without norm_first, it should be pre-norm."""
    _expect_road(piece, draw)


@residual.property("gradients flow", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """Gradients should flow back to x by both roads: past the sublayer, and through it."""
    for norm_first in (True, False):
        x, layers = _road(draw)
        cotangent = draw.normal(*x.shape)
        x.requires_grad_()
        value = pieces.residual(x, *_made(layers).values(), norm_first)
        (wanted,) = torch.autograd.grad(value, x, cotangent)
        found = piece.gradients(x, *layers.values(), norm_first, cotangents=[cotangent])
        expect.shape(found.value, x.shape, "The result")
        expect.gradient(found.inputs[0], wanted, "x")


@residual.property("inputs stay as they were", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave x as it was: the caller may need it again."""
    for norm_first in (True, False):
        x, layers = _road(draw)
        before = x.clone()
        expect.unchanged([before], piece.inputs_after(x, *layers.values(), norm_first))


def _pre(x, sublayer, norm, dropout):
    return x + dropout(sublayer(norm(x)))


def _post(x, sublayer, norm, dropout):
    return norm(x + dropout(sublayer(x)))


@residual.misconception("norm_first the other way round")
def _(x, sublayer, norm, dropout, norm_first=True):
    """The two orders have changed places: norm_first=True normalises first, x +
    dropout(sublayer(norm(x)))."""
    return pieces.residual(x, sublayer, norm, dropout, not norm_first)


@residual.misconception("always pre-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """norm_first is never looked at. With norm_first=False the norm comes last: norm(x +
    dropout(sublayer(x)))."""
    return _pre(x, sublayer, norm, dropout)


@residual.misconception("always post-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """norm_first is never looked at. With norm_first=True the norm comes first: x +
    dropout(sublayer(norm(x)))."""
    return _post(x, sublayer, norm, dropout)


@residual.misconception("no residual")
def _(x, sublayer, norm, dropout, norm_first=True):
    """x is never added: that is the residual connection itself, the road past the sublayer."""
    return dropout(sublayer(norm(x))) if norm_first else norm(dropout(sublayer(x)))


@residual.misconception("the normalised x added")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In pre-norm you add the normalised x. Add x as it came: the road past the sublayer goes
    through no norm. (Writing x = norm(x) at the top does this.)"""
    if not norm_first:
        return _post(x, sublayer, norm, dropout)
    x = norm(x)
    return x + dropout(sublayer(x))


@residual.misconception("residual added after the norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In post-norm you normalise what the sublayer gave and then add x. The sum is what is
    normalised: norm(x + …)."""
    if norm_first:
        return _pre(x, sublayer, norm, dropout)
    return x + norm(dropout(sublayer(x)))


@residual.misconception("the norm around x alone")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In post-norm you normalise x alone, and add to that. The norm goes around the whole sum:
    norm(x + dropout(sublayer(x)))."""
    if norm_first:
        return _pre(x, sublayer, norm, dropout)
    return norm(x) + dropout(sublayer(x))


@residual.misconception("the normalised x added, dropout forgotten")
def _(x, sublayer, norm, dropout, norm_first=True):
    """Two things: dropout is never used, and in pre-norm you add the normalised x. Write x +
    dropout(sublayer(norm(x))), with x as it came on the left."""
    if not norm_first:
        return norm(x + sublayer(x))
    x = norm(x)
    return x + sublayer(x)


@residual.misconception("the norm behind the sublayer")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In pre-norm you normalise what comes out of the sublayer. Its input is what is normalised:
    sublayer(norm(x))."""
    if not norm_first:
        return _post(x, sublayer, norm, dropout)
    return x + dropout(norm(sublayer(x)))


@residual.misconception("normalised twice in post-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In post-norm you normalise in front of the sublayer as well. There the sublayer gets x as it
    is, and only the sum is normalised."""
    if norm_first:
        return _pre(x, sublayer, norm, dropout)
    return norm(x + dropout(sublayer(norm(x))))


@residual.misconception("normalised twice in pre-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In pre-norm you normalise the sum as well. There only the sublayer's input is normalised, so
    that the road past it stays free."""
    if not norm_first:
        return _post(x, sublayer, norm, dropout)
    return norm(x + dropout(sublayer(norm(x))))


@residual.misconception("norm forgotten in pre-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In pre-norm the sublayer gets x as it is, and norm is never used (or its result is thrown
    away). Hand norm(x) to the sublayer."""
    if not norm_first:
        return _post(x, sublayer, norm, dropout)
    return x + dropout(sublayer(x))


@residual.misconception("norm forgotten in post-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In post-norm you return the sum without normalising it: norm(x + dropout(sublayer(x)))."""
    if norm_first:
        return _pre(x, sublayer, norm, dropout)
    return x + dropout(sublayer(x))


@residual.misconception("no norm at all")
def _(x, sublayer, norm, dropout, norm_first=True):
    """norm is never used. It stands in front of the sublayer (norm_first=True) or behind the sum
    (False)."""
    return x + dropout(sublayer(x))


@residual.misconception("dropout forgotten")
def _(x, sublayer, norm, dropout, norm_first=True):
    """dropout is never used. Call it on what the sublayer returns, before x is added."""
    return x + sublayer(norm(x)) if norm_first else norm(x + sublayer(x))


@residual.misconception("dropout forgotten in post-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In post-norm dropout is never used: norm(x + dropout(sublayer(x)))."""
    return _pre(x, sublayer, norm, dropout) if norm_first else norm(x + sublayer(x))


@residual.misconception("dropout forgotten in pre-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In pre-norm dropout is never used: x + dropout(sublayer(norm(x)))."""
    return x + sublayer(norm(x)) if norm_first else _post(x, sublayer, norm, dropout)


@residual.misconception("nothing returned in post-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """With norm_first=False your function comes to its end without a return. Return norm(x +
    dropout(sublayer(x))) there."""
    return _pre(x, sublayer, norm, dropout) if norm_first else None


@residual.misconception("dropout on the sum")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You drop out of the sum, and so out of x too. Only what the sublayer returns is dropped: x +
    dropout(sublayer(…))."""
    return dropout(x + sublayer(norm(x))) if norm_first else norm(dropout(x + sublayer(x)))


@residual.misconception("dropout on the sum in pre-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In pre-norm you drop out of the sum, and so out of x too. Only what the sublayer returns is
    dropped: x + dropout(sublayer(norm(x)))."""
    if norm_first:
        return dropout(x + sublayer(norm(x)))
    return _post(x, sublayer, norm, dropout)


@residual.misconception("dropout on the sum in post-norm")
def _(x, sublayer, norm, dropout, norm_first=True):
    """In post-norm you drop out of the sum, and so out of x too. Only what the sublayer returns is
    dropped: norm(x + dropout(sublayer(x)))."""
    if norm_first:
        return _pre(x, sublayer, norm, dropout)
    return norm(dropout(x + sublayer(x)))


@residual.misconception("dropout on the result")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You drop out of the final result. Only what the sublayer returns is dropped, before x is
    added."""
    return dropout(x + sublayer(norm(x))) if norm_first else dropout(norm(x + sublayer(x)))


@residual.misconception("dropout in front of the sublayer")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You drop from the sublayer's input. Drop from what it returns: dropout(sublayer(…))."""
    return x + sublayer(dropout(norm(x))) if norm_first else norm(x + sublayer(dropout(x)))


@residual.misconception("the rate read from the module")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You read a rate from dropout and drop by F.dropout. dropout is something to call, like norm
    and sublayer: dropout(…). Then it also knows whether it is training."""
    changed = F.dropout(sublayer(norm(x) if norm_first else x), dropout.p)
    return x + changed if norm_first else norm(x + changed)


@residual.misconception("a dropout of its own")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You drop by F.dropout, at its own rate and at test time too. Call the one that was passed,
    dropout(…): it knows the rate, and whether it is training."""
    return pieces.residual(x, sublayer, norm, F.dropout, norm_first)


@residual.misconception("a module taken for a rate")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You make an nn.Dropout out of dropout. It is one already, something to call like norm and
    sublayer: dropout(…)."""
    return pieces.residual(x, sublayer, norm, nn.Dropout(dropout), norm_first)


@residual.misconception("a new norm made inside")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You normalise by a norm of your own. Call the one that was passed: its weights are learned
    with the block."""
    return pieces.residual(x, sublayer, pieces.LayerNorm(x.shape[-1]).to(x), dropout, norm_first)


@residual.misconception("multiplied")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You multiply by x. It is added: a sum hands its gradient on to both sides as it is."""
    if norm_first:
        return x * dropout(sublayer(norm(x)))
    return norm(x * dropout(sublayer(x)))


@residual.misconception("averaged")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You take the mean of x and the sublayer's result. They are added, nothing is halved:
    otherwise x would shrink with every layer."""
    if norm_first:
        return (x + dropout(sublayer(norm(x)))) / 2
    return norm((x + dropout(sublayer(x))) / 2)


@residual.misconception("side by side")
def _(x, sublayer, norm, dropout, norm_first=True):
    """You put x and the sublayer's result side by side (torch.cat). Add them: the shape stays as it
    is."""
    if norm_first:
        return torch.cat([x, dropout(sublayer(norm(x)))], -1)
    return torch.cat([x, dropout(sublayer(x))], -1)


@residual.misconception("sublayer and norm swapped")
def _(x, sublayer, norm, dropout, norm_first=True):
    """sublayer and norm have changed places. The order of the parameters is x, sublayer, norm,
    dropout."""
    return pieces.residual(x, norm, sublayer, dropout, norm_first)


@residual.misconception("x changed in place")
def _(x, sublayer, norm, dropout, norm_first=True):
    """Your call changes the caller's x: x += … works in place. Write x = x + …, which makes a new
    tensor."""
    if norm_first:
        x += dropout(sublayer(norm(x)))
        return x
    x += dropout(sublayer(x))
    return norm(x)


@residual.misconception("the road cut off")
def _(x, sublayer, norm, dropout, norm_first=True):
    """The values are right, but no gradient flows past the sublayer: x is cut off by detach(). That
    road is what residual connections are for."""
    if norm_first:
        return x.detach() + dropout(sublayer(norm(x)))
    return norm(x.detach() + dropout(sublayer(x)))


@residual.misconception("cut off from the graph")
def _(x, sublayer, norm, dropout, norm_first=True):
    """The values are right, but no gradient flows back: a .detach() or torch.no_grad() cuts the
    result off."""
    with torch.no_grad():
        return pieces.residual(x, sublayer, norm, dropout, norm_first)
