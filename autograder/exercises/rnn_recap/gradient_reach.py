"""How much of a gradient comes back from each word."""

import torch

from autograder.channel.made import MAKERS
from autograder.channel.piece import Piece
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

gradient_reach = Exercise("gradient_reach", reference=pieces.gradient_reach)


def _network(draw: Draw, cell: str, inputs: int, hidden: int, scale: float = 0.5) -> Made:
    """A network of this kind with random weights, to be made on the piece's side."""
    rows = hidden * {"RNN": 1, "GRU": 3}[cell]
    shapes = ((rows, inputs), (rows, hidden), (rows,), (rows,))
    weights = [draw.normal(*shape, scale=scale) for shape in shapes]
    return Made("recurrent", {"cell": cell, "weights": weights})


def _wanted_reach(network: Made, x: torch.Tensor) -> torch.Tensor:
    return pieces.gradient_reach(MAKERS[network.kind](**network.options), x)


@gradient_reach.property("the norm of each word's Jacobian", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """For every word: the root of the sum of squares of all slopes of last with respect to it."""
    length, inputs, hidden = draw.sizes(3, low=3)
    network, x = _network(draw, "RNN", inputs, hidden), draw.normal(1, length, inputs)
    expect.close(piece(network, x), _wanted_reach(network, x), "gradient_reach")


@gradient_reach.property("any recurrent network", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """It should work for any network that returns (outputs, last), a GRU for example."""
    length, inputs, hidden = draw.sizes(3, low=3)
    network, x = _network(draw, "GRU", inputs, hidden), draw.normal(1, length, inputs)
    expect.close(piece(network, x), _wanted_reach(network, x), "gradient_reach of a GRU")


@gradient_reach.property("tiny is not zero", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Far away, the reach may be as small as 1e-20, and it should still be right."""
    length, inputs, hidden = draw.integer(18, 24), *draw.sizes(2, low=3)
    network = _network(draw, "RNN", inputs, hidden, scale=0.1)
    x = draw.normal(1, length, inputs)
    wanted = _wanted_reach(network, x)
    found = expect.shape(piece(network, x), wanted.shape, "gradient_reach")
    expect.close(found / wanted, torch.ones_like(wanted), "gradient_reach divided by what it is")


@gradient_reach.property("leaves no gradients behind", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Looking should change nothing: x, the network's mode, and what its weights have as .grad and
    requires_grad are afterwards as they were before."""
    length, inputs, hidden = draw.sizes(3, low=3)
    made, x = _network(draw, "RNN", inputs, hidden), draw.normal(1, length, inputs)
    network = piece.make(made.kind, **made.options)
    cotangents = [draw.normal(1, length, hidden)]
    before = network.gradients(x, cotangents=cotangents).weights
    expect.unchanged([x], piece.inputs_after(network.handle, x))
    after = network.stored_gradients()
    expect.that(
        all(
            new is not None and torch.equal(old, new)
            for old, new in zip(before.values(), after, strict=True)
        ),
        "The .grad of the network's weights is another one than before, and the next training step "
        "would use it.",
    )
    expect.that(
        network.method("__getattribute__")("training"),
        "The network was in training mode before, and it is in eval mode now.",
    )
    learned = network.gradients(x, cotangents=cotangents).weights
    expect.that(
        all(gradient is not None for gradient in learned.values()),
        "The network's weights don't ask for gradients any more, so it would never learn again.",
    )


@gradient_reach.property("float32", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """In float32 the values should be the same."""
    length, inputs, hidden = draw.sizes(3, low=3)
    made, x = _network(draw, "RNN", inputs, hidden), draw.normal(1, length, inputs)
    single = [weight.float() for weight in made.options["weights"]]
    network = Made(made.kind, {"cell": "RNN", "weights": single})
    expect.close(piece(network, x.float()), _wanted_reach(network, x.float()), "gradient_reach")


def _jacobian(rnn, x):
    """(hidden, length, input), one backward pass for each number of last."""
    x = x.detach().clone().requires_grad_()
    last = rnn(x)[1].flatten()
    return torch.stack([torch.autograd.grad(each, x, retain_graph=True)[0][0] for each in last])


@gradient_reach.misconception("gradient of the sum")
def _(rnn, x):
    """You take the gradient of last.sum(). In a sum, slopes of opposite sign cancel. Take each
    number of last by itself, and only then combine their squares."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(rnn(x)[1].sum(), x)[0][0].norm(dim=-1)


@gradient_reach.misconception("gradient of the norm")
def _(rnn, x):
    """You take the gradient of last's norm. The question is how far last moves in any direction:
    take the slopes of each number of last, and the norm of all of them."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(rnn(x)[1].norm(), x)[0][0].norm(dim=-1)


@gradient_reach.misconception("gradient of the squares")
def _(rnn, x):
    """You take the gradient of the sum of last². Take the slopes of each number of last itself, and
    square those."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(rnn(x)[1].square().sum(), x)[0][0].norm(dim=-1)


@gradient_reach.misconception("all outputs instead of last")
def _(rnn, x):
    """You start from the outputs of all steps. Then a word reaches the state right after it, and
    nothing seems to vanish. Start from last alone."""
    x = x.detach().clone().requires_grad_()
    outputs = rnn(x)[0]
    rows = [
        torch.autograd.grad(outputs[..., unit].sum(), x, retain_graph=True)[0][0]
        for unit in range(outputs.shape[-1])
    ]
    return torch.stack(rows).square().sum((0, 2)).sqrt()


@gradient_reach.misconception("one hidden number only")
def _(rnn, x):
    """You look at the first number of last only. The Jacobian has a row for each of them."""
    return _jacobian(rnn, x)[:1].square().sum((0, 2)).sqrt()


@gradient_reach.misconception("root forgotten")
def _(rnn, x):
    """These are the squares of the norms. Take the root of the sum of squares."""
    return _jacobian(rnn, x).square().sum((0, 2))


@gradient_reach.misconception("absolute values added up")
def _(rnn, x):
    """You add up absolute values. The Frobenius norm is the root of the sum of squares."""
    return _jacobian(rnn, x).abs().sum((0, 2))


@gradient_reach.misconception("norms added up")
def _(rnn, x):
    """You take a norm for each number of last and add the norms. Add the squares, and take one root
    at the end."""
    return _jacobian(rnn, x).norm(dim=2).sum(0)


@gradient_reach.misconception("mean instead of sum")
def _(rnn, x):
    """You average the squares. The Frobenius norm adds them up."""
    return _jacobian(rnn, x).square().mean((0, 2)).sqrt()


@gradient_reach.misconception("largest stretch only")
def _(rnn, x):
    """This is the spectral norm, the largest singular value. The Frobenius norm is asked for: the
    root of the sum of the squares of all entries."""
    return torch.linalg.matrix_norm(_jacobian(rnn, x).transpose(0, 1), ord=2)


@gradient_reach.misconception("counted from the end")
def _(rnn, x):
    """The order is turned round: entry t belongs to word t, so the last word comes last."""
    return _jacobian(rnn, x).square().sum((0, 2)).sqrt().flip(0)


@gradient_reach.misconception("divided by the last word's")
def _(rnn, x):
    """You divide by the reach of the last word. The norms themselves are asked for."""
    reach = _jacobian(rnn, x).square().sum((0, 2)).sqrt()
    return reach / reach[-1]


@gradient_reach.misconception("one number for the sentence")
def _(rnn, x):
    """You return one norm for the whole sentence. Keep the words apart: add up the squares over the
    hidden numbers and over the features of a word, not over the words."""
    return _jacobian(rnn, x).norm()


@gradient_reach.misconception("features kept apart")
def _(rnn, x):
    """You return a number for each feature of each word. Combine them too: one norm a word,
    (length,)."""
    return _jacobian(rnn, x).square().sum(0).sqrt()


@gradient_reach.misconception("words and features mixed up")
def _(rnn, x):
    """You combine over the words and keep the features apart. The result has one entry a word,
    (length,)."""
    return _jacobian(rnn, x).square().sum((0, 1)).sqrt()


@gradient_reach.misconception("a batch axis left over")
def _(rnn, x):
    """Your result is (1, length). The sentence is alone in its batch: take it out, [0]."""
    return _jacobian(rnn, x).square().sum((0, 2)).sqrt()[None]


@gradient_reach.misconception("gradients pile up")
def _(rnn, x):
    """Each backward() adds to x.grad, and yours is never emptied, so later rows hold the earlier
    ones. Use torch.autograd.grad, which adds nothing up."""
    x = x.detach().clone().requires_grad_()
    total = 0.0
    for each in rnn(x)[1].flatten():
        each.backward(retain_graph=True)
        total = total + x.grad.square().sum(-1)[0]
    return total.sqrt()


def _by_backward(rnn, x):
    x = x.detach().clone().requires_grad_()
    rows = []
    for each in rnn(x)[1].flatten():
        x.grad = None
        each.backward(retain_graph=True)
        rows.append(x.grad[0])
    return torch.stack(rows).square().sum((0, 2)).sqrt()


@gradient_reach.misconception("gradients left behind")
def _(rnn, x):
    """The values are right, but backward() has filled the .grad of the network's weights too, and
    the next training step would use them. torch.autograd.grad leaves them alone."""
    return _by_backward(rnn, x)


@gradient_reach.misconception("gradients wiped")
def _(rnn, x):
    """The values are right, but zero_grad() throws away the gradients that the network's weights
    had before as well. torch.autograd.grad leaves them alone, so that there is nothing to wipe."""
    reach = _by_backward(rnn, x)
    rnn.zero_grad()
    return reach


@gradient_reach.misconception("weights frozen")
def _(rnn, x):
    """The values are right, but requires_grad_(False) freezes the network's weights, and after your
    measurement it can't learn any more. torch.autograd.grad leaves them alone without it."""
    rnn.requires_grad_(False)
    return _jacobian(rnn, x).square().sum((0, 2)).sqrt()


@gradient_reach.misconception("left in eval mode")
def _(rnn, x):
    """The values are right, but rnn.eval() changes the network's mode, and whoever goes on training
    it has no dropout. Leave the mode as it is."""
    rnn.eval()
    return _jacobian(rnn, x).square().sum((0, 2)).sqrt()


@gradient_reach.misconception("x asks for no gradient")
def _(rnn, x):
    """torch keeps no slopes of x, because nobody asked for them. Start from a copy that does:
    x.detach().clone().requires_grad_()."""
    last = rnn(x.detach())[1].flatten()
    rows = [torch.autograd.grad(each, x, retain_graph=True)[0][0] for each in last]
    return torch.stack(rows).square().sum((0, 2)).sqrt()


@gradient_reach.misconception("tuple not taken apart")
def _(rnn, x):
    """torch.autograd.grad returns a tuple, even for one input. Take the tensor out of it: …[0]."""
    x = x.detach().clone().requires_grad_()
    total = 0.0
    for each in rnn(x)[1].flatten():
        total = total + (torch.autograd.grad(each, x, retain_graph=True) ** 2).sum(-1)
    return total.sqrt()[0]


@gradient_reach.misconception("all of last at once")
def _(rnn, x):
    """What you differentiate isn't one number. Is it last? rnn(x) returns (outputs, last): last is
    the second. Then take one number at a time: last[0, i] for every i."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(rnn(x)[1], x)[0][0].norm(dim=-1)


@gradient_reach.misconception("graph used up")
def _(rnn, x):
    """After one backward pass torch throws the graph away, and the second number of last finds
    none. Keep it with retain_graph=True, or call rnn(x) anew for each."""
    x = x.detach().clone().requires_grad_()
    rows = [torch.autograd.grad(each, x)[0][0] for each in rnn(x)[1].flatten()]
    return torch.stack(rows).square().sum((0, 2)).sqrt()


@gradient_reach.misconception("tiny numbers rounded away")
def _(rnn, x):
    """An epsilon, a rounding or a finite difference hides what is smaller than itself. The slopes
    of autograd are exact: use them as they are."""
    return (_jacobian(rnn, x).square().sum((0, 2)) + 1e-18).sqrt()


@gradient_reach.misconception("float32 inside")
def _(rnn, x):
    """You collect the slopes in a float32 tensor. Make new tensors like x: torch.zeros_like(x), or
    torch.stack of what you have."""
    return _jacobian(rnn, x).float().square().sum((0, 2)).sqrt()
