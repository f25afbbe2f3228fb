"""How many steps lie between two words in each kind of network."""

import math

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

path_length = Exercise("path_length", reference=pieces.path_length)
_DISTANCES = (1, 2, 3, 4, 6, 7, 8, 14, 15, 16, 31, 62, 63, 64)


def _expect_lengths(piece: Piece, model: str, draw: Draw, kernels: tuple[int, ...] = ()) -> None:
    """For several distances, with the default kernel and with these, the numbers are the
    reference's."""
    questions = [(distance, model) for distance in _distances(draw)]
    for kernel_size in kernels:
        questions += [(distance, model, kernel_size) for distance in _distances(draw)]
    # All are asked before any is judged: what is wrong with them tells one mistake from another.
    answers = [piece(*question) for question in questions]
    for question, found in zip(questions, answers, strict=True):
        wanted = pieces.path_length(*question)
        what = f"path_length({', '.join(map(repr, question))})".replace("'", '"')
        lone = isinstance(found, torch.Tensor) and found.numel() == 1
        number = found.item() if lone else found
        came = expect.describe(found)
        expect.that(
            isinstance(number, (int, float)) and not isinstance(number, bool),
            f"{what} should be {wanted}; it is {came}.",
        )
        expect.that(number == wanted, f"{what} should be {wanted}; yours is {number}.")
        expect.that(isinstance(found, int), f"{what} should be the int {wanted}; it is {came}.")


def _distances(draw: Draw) -> list[int]:
    """Small ones, those around powers of two, and three of any size, in a random order."""
    found = [*_DISTANCES, *(draw.integer(65, 3000) for _ in range(3))]
    start = draw.integer(0, len(found) - 1)
    return found[start:] + found[:start]


@path_length.property("recurrent and attention", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A recurrent network takes one step for each word of distance, attention always one."""
    _expect_lengths(piece, "rnn", draw)
    _expect_lengths(piece, "attention", draw)


@path_length.property("convolution", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """With a kernel of k words, each layer reaches k − 1 words further: distance / (k − 1), rounded
    up."""
    _expect_lengths(piece, "conv", draw, kernels=(2, draw.integer(4, 6), 7))


@path_length.property("dilated convolution", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Each layer reaches twice as far as the one below it: the least L with
    (k − 1)(2^L − 1) ≥ distance."""
    _expect_lengths(piece, "dilated conv", draw, kernels=(2, draw.integer(4, 6), 7))


@path_length.property("no other model", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """For any other model there is no answer: raise a ValueError."""
    expect.raises(
        ValueError,
        lambda: piece(draw.integer(2, 9), "telepathy"),
        'path_length(…, "telepathy") should raise a ValueError.',
    )


def _path(**other):
    """A path_length that is right but for one model."""

    def wrong(distance, model, kernel_size=3):
        if model in other:
            return other[model](distance, kernel_size)
        return pieces.path_length(distance, model, kernel_size)

    return wrong


def _wrong_path(name, **other):
    """Declare a path_length that is wrong for one model; the function's docstring is the
    sentence."""

    def declare(says):
        wrong = _path(**{key.replace("_", " "): value for key, value in other.items()})
        wrong.__doc__ = says.__doc__
        path_length.misconception(name)(wrong)

    return declare


def _dilated(distance, kernel_size, reaches):
    """The least number of layers that `reaches`, counted up one by one."""
    layers = 0
    while reaches(layers, kernel_size) < distance:
        layers += 1
    return layers


@_wrong_path("rnn counts the words", rnn=lambda d, k: d + 1)
def _():
    """For the recurrent network you count the words. The steps between two neighbours are 1, not
    2: the distance itself."""


@_wrong_path("rnn one step short", rnn=lambda d, k: d - 1)
def _():
    """For the recurrent network you count the words in between. Two neighbours are one step
    apart: the distance itself."""


@_wrong_path("attention grows with the distance", attention=lambda d, k: d)
def _():
    """Attention looks at every word directly: 1, however far away it is."""


@_wrong_path("attention takes no step", attention=lambda d, k: 0)
def _():
    """Attention is one layer, so it takes one step: 1."""


@_wrong_path("rounded down", conv=lambda d, k: d // (k - 1))
def _():
    """For the convolution you round down: // drops the rest. A rest of one word needs one more
    layer: math.ceil."""


@_wrong_path("one layer too many, always", conv=lambda d, k: d // (k - 1) + 1)
def _():
    """For the convolution you add a layer even where nothing is left over: distance 2 and a kernel
    of 3 take one layer. Round up instead: math.ceil."""


@_wrong_path("rounded to the nearest", conv=lambda d, k: round(d / (k - 1)))
def _():
    """For the convolution you round to the nearest number. Anything left over takes one more layer:
    math.ceil."""


@_wrong_path("not rounded", conv=lambda d, k: d / (k - 1))
def _():
    """For the convolution you return a fraction. There are no half layers: math.ceil."""


@_wrong_path("rounded, and no int", conv=lambda d, k: float(math.ceil(d / (k - 1))))
def _():
    """For the convolution the number is right, but it is a float or a tensor. Layers are counted in
    whole numbers: math.ceil gives an int, torch.ceil and float don't."""


@_wrong_path("divided by the kernel", conv=lambda d, k: math.ceil(d / k))
def _():
    """For the convolution you divide by k. A kernel of k words sees itself and k − 1 others, so
    each layer reaches k − 1 further."""


@_wrong_path("half a kernel to each side", conv=lambda d, k: math.ceil(d / max(1, k // 2)))
def _():
    """For the convolution you count half a kernel for each layer. From the first of its words to
    the last, a kernel of k connects words k − 1 apart."""


@_wrong_path("kernel of three for ever", conv=lambda d, k: math.ceil(d / 2))
def _():
    """For the convolution you always reckon with 3 words. Use kernel_size."""


@_wrong_path("dilation ignored", dilated_conv=lambda d, k: math.ceil(d / (k - 1)))
def _():
    """For the dilated convolution you count as if nothing were dilated. Layer 1 reaches k − 1
    words, layer 2 twice that, layer 3 four times: together (k − 1)(2^L − 1)."""


@_wrong_path(
    "minus one forgotten", dilated_conv=lambda d, k: _dilated(d, k, lambda n, k: (k - 1) * 2**n)
)
def _():
    """For the dilated convolution you look for (k − 1)·2^L ≥ distance. The layers reach 1 + 2 + 4 +
    … = 2^L − 1 times k − 1: the −1 is missing."""


@_wrong_path(
    "only the top layer counted",
    dilated_conv=lambda d, k: _dilated(d, k, lambda n, k: (k - 1) * 2 ** (n - 1) if n else 0),
)
def _():
    """For the dilated convolution you count the reach of the top layer alone. All layers together
    reach (k − 1)(2^L − 1)."""


@_wrong_path(
    "dilated by the kernel",
    dilated_conv=lambda d, k: _dilated(d, k, lambda n, k: (k - 1) * (k**n - 1)),
)
def _():
    """Your dilation grows by the factor k. It doubles, whatever the kernel: 2^L."""


@_wrong_path(
    "the whole kernel counted",
    dilated_conv=lambda d, k: _dilated(d, k, lambda n, k: k * (2**n - 1)),
)
def _():
    """For the dilated convolution you reckon with k. A kernel of k words reaches k − 1 further."""


@_wrong_path(
    "kernel of three, dilated",
    dilated_conv=lambda d, k: _dilated(d, 3, lambda n, k: (k - 1) * (2**n - 1)),
)
def _():
    """For the dilated convolution you always reckon with 3 words. Use kernel_size."""


@_wrong_path("a logarithm not rounded", dilated_conv=lambda d, k: math.log2(d / (k - 1) + 1))
def _():
    """For the dilated convolution the logarithm is right, but there are no fractions of a layer:
    round up with math.ceil."""


@_wrong_path(
    "a logarithm rounded, and no int",
    dilated_conv=lambda d, k: torch.ceil(torch.log2(torch.tensor(d / (k - 1) + 1))),
)
def _():
    """For the dilated convolution the number is right, but it is a float or a tensor. Layers are
    counted in whole numbers: math.ceil gives an int, torch.ceil and float don't."""


@_wrong_path("a logarithm rounded down", dilated_conv=lambda d, k: int(math.log2(d / (k - 1) + 1)))
def _():
    """For the dilated convolution you round the logarithm down. The reach has to be enough: round
    up."""


@_wrong_path(
    "one layer too many",
    dilated_conv=lambda d, k: int(math.log2(d / (k - 1) + 1)) + 1,
)
def _():
    """For the dilated convolution you add a layer even where the reach is enough exactly: for
    distance 2 and a kernel of 3, one layer will do. Round up instead of adding 1."""


@path_length.misconception("no error for other models")
def _(distance, model, kernel_size=3):
    """For a model that it doesn't know, your function returns something (None at the end counts).
    Raise ValueError(…) there."""
    try:
        return pieces.path_length(distance, model, kernel_size)
    except ValueError:
        return None


@path_length.misconception("attention for every other model")
def _(distance, model, kernel_size=3):
    """Your last branch answers 1 for any other model. Ask for "attention" there, and raise a
    ValueError for what is left."""
    known = ("rnn", "conv", "dilated conv")
    return pieces.path_length(distance, model, kernel_size) if model in known else 1
