"""How many parameters a GPT has."""

from typing import Any

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

gpt_parameters = Exercise(
    "gpt_parameters",
    reference=pieces.gpt_parameters,
    forbidden=("empty", "linear", "numel", "nelement"),  # building the model, in order to count
    instead="You build the model in order to count it. GPT-3 would take 700 GB. Calculate the "
    "number from the sizes: what does each part have, and how many of each are there?",
)


def _expect_count(piece: Piece, *args: Any) -> None:
    found = piece(*args)
    what = f"gpt_parameters({', '.join(map(str, args))})"
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    expect.that(number, f"{what} should be a number; it is {expect.describe(found)}.")
    wanted = pieces.gpt_parameters(*args)
    expect.that(
        found == wanted,
        f"{what} should be {wanted:,}; yours is {found:,}, {abs(found - wanted):,} too "
        f"{'many' if found > wanted else 'few'}.",
    )


@gpt_parameters.property("without a layer", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """With num_layers=0 two tables are left, token and position, and the last norm's weight and
    bias. The head is the token table itself."""
    d_model, vocab, context = draw.sizes(3, low=11)
    _expect_count(piece, 0, d_model, vocab, context)


@gpt_parameters.property("layer by layer", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A layer has an attention (four matrices, four biases), a feed-forward layer (d_model to
    4 · d_model and back, two biases) and two norms."""
    d_model, vocab, context, layers = draw.sizes(4, low=11)
    _expect_count(piece, 1, d_model, vocab, context)
    _expect_count(piece, layers, d_model, vocab, context)


@gpt_parameters.property("GPT-2 and GPT-3", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """GPT-2 small has 124,439,808 parameters; GPT-3, with 96 layers of 12,288 features, 50,257
    tokens and a context of 2,048, has 174.6 billion."""
    if not piece.torch_calls.isdisjoint(gpt_parameters.forbidden):
        raise expect.Mismatch(
            "Not tried: your code builds the model, and GPT-3 is too large for that."
        )
    _expect_count(piece, 12, 768, 50257, 1024)
    _expect_count(piece, 96, 12288, 50257, 2048)


@gpt_parameters.property("a whole number", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Parameters are counted: the result is an int."""
    found = piece(2, 12, 31, 7)
    expect.that(type(found) is int, f"It should be an int; it is {expect.describe(found)}.")


def _counted(
    num_layers: int,
    d_model: int,
    vocab_size: int,
    context_length: int,
    *,
    attention: int | None = None,
    feed_forward: int | None = None,
    norms: int | None = None,
    last: int | None = None,
) -> int:
    """A count that is right but for what is given."""
    d = d_model
    attention = 4 * d * d + 4 * d if attention is None else attention
    feed_forward = 8 * d * d + 5 * d if feed_forward is None else feed_forward
    norms = 4 * d if norms is None else norms
    last = 2 * d if last is None else last
    return (
        (vocab_size + context_length) * d + num_layers * (attention + feed_forward + norms) + last
    )


@gpt_parameters.misconception("the head counted again")
def _(num_layers, d_model, vocab_size, context_length):
    """You count the head as a matrix of its own. It is tied: the token table is used twice and
    counted once."""
    return _counted(num_layers, d_model, vocab_size, context_length) + vocab_size * d_model


@gpt_parameters.misconception("no positions")
def _(num_layers, d_model, vocab_size, context_length):
    """You forget the positions: a table of context_length rows."""
    return _counted(num_layers, d_model, vocab_size, 0)


@gpt_parameters.misconception("no tokens")
def _(num_layers, d_model, vocab_size, context_length):
    """You forget the token table: vocab_size rows of d_model numbers."""
    return _counted(num_layers, d_model, 0, context_length)


@gpt_parameters.misconception("no tables")
def _(num_layers, d_model, vocab_size, context_length):
    """You count the layers and not the two tables: (vocab_size + context_length) · d_model."""
    return _counted(num_layers, d_model, 0, 0)


@gpt_parameters.misconception("tables in every layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You multiply the tables by num_layers. They are there once, at the entrance."""
    tables = (vocab_size + context_length) * d_model
    return _counted(num_layers, d_model, vocab_size, context_length) + (num_layers - 1) * tables


@gpt_parameters.misconception("everything in every layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You multiply everything by num_layers. The tables and the last norm are there once."""
    return num_layers * _counted(1, d_model, vocab_size, context_length)


@gpt_parameters.misconception("brackets forgotten")
def _(num_layers, d_model, vocab_size, context_length):
    """You multiply only context_length by d_model. Both tables have rows of d_model numbers:
    (vocab_size + context_length) · d_model, with brackets."""
    return _counted(num_layers, d_model, 0, context_length) + vocab_size


@gpt_parameters.misconception("a bias for the head")
def _(num_layers, d_model, vocab_size, context_length):
    """You count a bias for the head, vocab_size numbers. GPT's head has none: it is the token
    table, used a second time."""
    return _counted(num_layers, d_model, vocab_size, context_length) + vocab_size


@gpt_parameters.misconception("no last norm")
def _(num_layers, d_model, vocab_size, context_length):
    """You forget the norm after the last layer: 2 · d_model."""
    return _counted(num_layers, d_model, vocab_size, context_length, last=0)


@gpt_parameters.misconception("no tables and no last norm")
def _(num_layers, d_model, vocab_size, context_length):
    """You count the layers alone. Add the two tables, (vocab_size + context_length) · d_model, and
    the last norm, 2 · d_model."""
    return _counted(num_layers, d_model, 0, 0, last=0)


@gpt_parameters.misconception("norms without a bias")
def _(num_layers, d_model, vocab_size, context_length):
    """You count one vector for each norm. It has two, weight and bias: 2 · d_model."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, norms=2 * d, last=d)


@gpt_parameters.misconception("no norms")
def _(num_layers, d_model, vocab_size, context_length):
    """You forget the norms: two in every layer and one at the end, 2 · d_model each."""
    return _counted(num_layers, d_model, vocab_size, context_length, norms=0, last=0)


@gpt_parameters.misconception("one norm a layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You count one norm for each layer. There are two: one before the attention, one before the
    feed-forward layer."""
    return _counted(num_layers, d_model, vocab_size, context_length, norms=2 * d_model)


@gpt_parameters.misconception("no biases")
def _(num_layers, d_model, vocab_size, context_length):
    """You count the matrices alone. Four biases in the attention (4 · d_model) and two in the
    feed-forward layer (4 · d_model and d_model) are missing in each layer."""
    d = d_model
    return _counted(
        num_layers, d, vocab_size, context_length, attention=4 * d * d, feed_forward=8 * d * d
    )


@gpt_parameters.misconception("no biases in the attention, or no norms")
def _(num_layers, d_model, vocab_size, context_length):
    """4 · d_model are missing in each layer. Either the attention's four biases, d_model each, or
    the two norms, weight and bias each."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, attention=4 * d * d)


@gpt_parameters.misconception("no biases in the feed-forward layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You forget the biases of the feed-forward layer: 4 · d_model and d_model."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, feed_forward=8 * d * d)


@gpt_parameters.misconception("d_model biases in place of 4 d_model")
def _(num_layers, d_model, vocab_size, context_length):
    """3 · d_model are missing in each layer. linear1 has 4 · d_model outputs and as many biases;
    and the attention has four biases, one for each projection."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, feed_forward=8 * d * d + 2 * d)


@gpt_parameters.misconception("4 d_model biases twice")
def _(num_layers, d_model, vocab_size, context_length):
    """You count 4 · d_model biases for each matrix of the feed-forward layer. The second one leads
    back to d_model, and has as many biases."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, feed_forward=8 * d * d + 8 * d)


@gpt_parameters.misconception("one matrix in the feed-forward layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You count one matrix in the feed-forward layer. There are two: to 4 · d_model, and back."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, feed_forward=4 * d * d + 4 * d)


@gpt_parameters.misconception("a feed-forward layer of d_model")
def _(num_layers, d_model, vocab_size, context_length):
    """You count a feed-forward layer with d_model hidden features. It has 4 · d_model."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, feed_forward=2 * d * d + 2 * d)


@gpt_parameters.misconception("a feed-forward layer of 2 d_model")
def _(num_layers, d_model, vocab_size, context_length):
    """You count a feed-forward layer with 2 · d_model hidden features. It has 4 · d_model."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, feed_forward=4 * d * d + 3 * d)


@gpt_parameters.misconception("one bias too few")
def _(num_layers, d_model, vocab_size, context_length):
    """d_model are missing in each layer: one bias. All four projections have one, out_proj too, and
    so has linear2."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, attention=4 * d * d + 3 * d)


@gpt_parameters.misconception("one projection")
def _(num_layers, d_model, vocab_size, context_length):
    """You count one matrix in the attention. There are four: q_proj, k_proj, v_proj and
    out_proj."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, attention=d * d + d)


@gpt_parameters.misconception("out_proj not counted")
def _(num_layers, d_model, vocab_size, context_length):
    """You count three projections in the attention. There are four: out_proj too."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, attention=3 * d * d + 3 * d)


@gpt_parameters.misconception("no feed-forward layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You forget the feed-forward layer. It has two thirds of a layer's parameters."""
    return _counted(num_layers, d_model, vocab_size, context_length, feed_forward=0)


@gpt_parameters.misconception("the norms counted as a third norm")
def _(num_layers, d_model, vocab_size, context_length):
    """You count three norms in each layer. There are two; the third was the Transformer decoder's,
    for cross-attention, which GPT hasn't got."""
    return _counted(num_layers, d_model, vocab_size, context_length, norms=6 * d_model)


@gpt_parameters.misconception("cross-attention counted")
def _(num_layers, d_model, vocab_size, context_length):
    """You count two attentions in each layer. GPT has no cross-attention: there is no source to
    look at."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length, attention=8 * d * d + 8 * d)


@gpt_parameters.misconception("one layer only")
def _(num_layers, d_model, vocab_size, context_length):
    """You count one layer. There are num_layers of them, each with weights of its own."""
    return _counted(min(num_layers, 1), d_model, vocab_size, context_length)


@gpt_parameters.misconception("the last norm in every layer")
def _(num_layers, d_model, vocab_size, context_length):
    """You multiply everything but the tables by num_layers, the last norm too. There is one."""
    d = d_model
    return _counted(num_layers, d, vocab_size, context_length) + (num_layers - 1) * 2 * d


@gpt_parameters.misconception("twelve times d_model squared")
def _(num_layers, d_model, vocab_size, context_length):
    """12 · d_model² a layer is the rule of thumb, and a good one for GPT-3. The exact count has
    biases and norms as well."""
    d = d_model
    return (vocab_size + context_length) * d + num_layers * 12 * d * d


@gpt_parameters.misconception("a float")
def _(num_layers, d_model, vocab_size, context_length):
    """Your number is right, and it is a float: / always makes one, and so does 1e9. Use whole
    numbers."""
    return float(_counted(num_layers, d_model, vocab_size, context_length))
