"""How many parameters multi-head attention has."""

from typing import Any

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

attention_parameters = Exercise(
    "attention_parameters",
    reference=pieces.attention_parameters,
    forbidden=("empty", "linear", "numel", "nelement"),  # building the module, in order to count
    instead="You build the module in order to count it. For GPT-3's layer that would take 2.4 GB. "
    "Calculate the number from d_model: how many projections, how many numbers in each?",
)


def _expect_count(piece: Piece, *args: Any) -> None:
    found = piece(*args)
    what = f"attention_parameters({', '.join(map(str, args))})"
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    expect.that(number, f"{what} should be a number; it is {expect.describe(found)}.")
    wanted = pieces.attention_parameters(*args)
    expect.that(found == wanted, f"{what} should be {wanted:,}; yours is {found:,}.")


@attention_parameters.property("with biases", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Four matrices of d_model by d_model, and four biases of d_model numbers."""
    heads, d_head = draw.sizes(2, low=3)
    _expect_count(piece, heads * d_head, heads)
    _expect_count(piece, heads * d_head, heads, True)


@attention_parameters.property("without biases", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """With bias=False only the four matrices count."""
    heads, d_head = draw.sizes(2, low=3)
    _expect_count(piece, heads * d_head, heads, False)


@attention_parameters.property("the same for any number of heads", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """More heads are smaller heads: the number of parameters stays the same."""
    d_model = 12 * draw.integer(2, 5)
    counts = [piece(d_model, heads) for heads in (1, 3, 12)]
    expect.that(
        counts[0] == counts[1] == counts[2],
        f"For d_model = {d_model}, you count {counts[0]} with 1 head, {counts[1]} with 3 and "
        f"{counts[2]} with 12.",
    )


@attention_parameters.property("a whole number", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Parameters are counted: the result is an int."""
    heads, d_head = draw.sizes(2, low=3)
    found = piece(heads * d_head, heads)
    expect.that(type(found) is int, f"It should be an int; it is {expect.describe(found)}.")


@attention_parameters.misconception("out_proj not counted")
def _(d_model, num_heads, bias=True):
    """You count three projections. There are four: out_proj has parameters too."""
    return 3 * d_model * (d_model + bias)


@attention_parameters.misconception("one projection only")
def _(d_model, num_heads, bias=True):
    """You count one projection. There are four of them: query, key, value and out_proj."""
    return d_model * (d_model + bias)


@attention_parameters.misconception("biases always counted")
def _(d_model, num_heads, bias=True):
    """You count the biases whether there are any or not. With bias=False there are none."""
    return 4 * d_model * (d_model + 1)


@attention_parameters.misconception("biases never counted")
def _(d_model, num_heads, bias=True):
    """You count the matrices alone. Unless bias=False, each of the four projections has d_model
    biases as well."""
    return 4 * d_model * d_model


@attention_parameters.misconception("biases the other way round")
def _(d_model, num_heads, bias=True):
    """You count the biases where bias is False, and none where it is True."""
    return 4 * d_model * (d_model + (not bias))


@attention_parameters.misconception("one number as bias")
def _(d_model, num_heads, bias=True):
    """You count one number for each bias. A bias has one number for each output feature: d_model
    numbers for each of the four projections."""
    return 4 * (d_model * d_model + int(bias))


@attention_parameters.misconception("one bias for all four")
def _(d_model, num_heads, bias=True):
    """You count one bias of d_model numbers. There are four projections, each with its own."""
    return 4 * d_model * d_model + (d_model if bias else 0)


@attention_parameters.misconception("no bias for out_proj")
def _(d_model, num_heads, bias=True):
    """You count three biases. out_proj has one too: there are four."""
    return 4 * d_model * d_model + (3 * d_model if bias else 0)


@attention_parameters.misconception("multiplied by the heads")
def _(d_model, num_heads, bias=True):
    """You multiply by the number of heads. The heads share the d_model features of each
    projection: more heads are smaller heads, and the number stays the same."""
    return num_heads * 4 * d_model * (d_model + bias)


@attention_parameters.misconception("q, k and v multiplied by the heads")
def _(d_model, num_heads, bias=True):
    """You give every head three full matrices. A head's share is d_model / num_heads columns of
    each, so that all heads together make one matrix of d_model by d_model."""
    return (3 * num_heads + 1) * d_model * (d_model + bias)


@attention_parameters.misconception("one head's share only")
def _(d_model, num_heads, bias=True):
    """You count the projections of a single head. There are num_heads of them, and together their
    columns make up d_model."""
    return 3 * (d_model + bias) * (d_model // num_heads) + d_model * (d_model + bias)


@attention_parameters.misconception("divided by the heads")
def _(d_model, num_heads, bias=True):
    """You divide everything by the number of heads. A head is smaller, and there are as many more
    of them: together they have as many parameters as one large head."""
    return 4 * d_model * (d_model + bias) // num_heads


@attention_parameters.misconception("a float")
def _(d_model, num_heads, bias=True):
    """Your number is right, and it is a float: / always makes one. Use // or leave the division
    out."""
    return 4 * d_model * (d_model / num_heads * num_heads + bias)


@attention_parameters.misconception("one head's share of each")
def _(d_model, num_heads, bias=True):
    """Your matrices come out num_heads times too small. A head's share of one is d_model rows by
    d_model / num_heads columns, and there are num_heads such shares."""
    return 4 * (d_model * (d_model // num_heads) + (d_model if bias else 0))


@attention_parameters.misconception("nothing returned")
def _(d_model, num_heads, bias=True):
    """attention_parameters returns nothing: its last line should be a return."""
