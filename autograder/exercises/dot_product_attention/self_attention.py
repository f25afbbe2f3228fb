"""The module: a sentence looks at itself."""

import math

import torch
from torch import nn

from autograder.channel.piece import Piece
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
from autograder.checks.wrong_module import wrong_forward
from autograder.exercises.dot_product_attention.scaled_dot_product_attention import ATTENDED, weigh
from workbook import pieces

SelfAttention = Exercise(
    "SelfAttention",
    reference=pieces.SelfAttention,
    forbidden=("scaled_dot_product_attention", "multi_head_attention_forward"),
)


def _sentence_case(draw: Draw, masked: bool = False) -> Case:
    batch, length, d_model, d_k, d_v = draw.sizes(5, low=3)
    return Case(
        (draw.normal(batch, length, d_model),),
        {"mask": draw.mask(batch, length, length)} if masked else {},
        {"d_model": d_model, "d_k": d_k, "d_v": d_v},
    )


def _masked_sentence(draw: Draw) -> Case:
    return _sentence_case(draw, masked=True)


parameters_named(SelfAttention, _sentence_case, points=1)


@SelfAttention.property("three matrices of its own", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A new module should start from three different random projections, and not create new ones
    at every call."""
    instance = piece.construct(6, 4, 4)
    x = draw.normal(2, 3, 6, dtype=torch.float32)
    once, again = (expect.several(instance(x), *ATTENDED)[0] for _ in range(2))
    expect.same_again(once, again)
    made = list(instance.parameters().values())
    expect.that(len(made) >= 3, "There are fewer than three matrices.")
    expect.that(not torch.equal(made[0], made[1]), "Two of them start with the same numbers.")


equals_reference(
    SelfAttention,
    _sentence_case,
    ATTENDED,
    name="output and weights",
    points=1.5,
    says="With the weights set by the check, output and weights are those of scaled dot-product "
    "attention over x's own projections.",
)
equals_reference(
    SelfAttention,
    _masked_sentence,
    ATTENDED,
    name="the mask",
    points=1,
    says="The mask (batch, length, length), True for “may attend”, is passed on to the attention.",
)


@SelfAttention.property("order does not matter", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Self-attention without positions is blind to order: permute the words, and the outputs are
    permuted in the same way."""
    case = _sentence_case(draw)
    instance, _ = beside(SelfAttention, piece, case, draw)
    (x,) = case.args
    order = torch.arange(x.shape[1]).flip(0)
    straight, _ = expect.several(instance(x), *ATTENDED)
    turned, _ = expect.several(instance(x[:, order]), *ATTENDED)
    expect.shape(straight, (*x.shape[:2], case.construct["d_v"]), "output")
    expect.close(turned, straight[:, order], "The output of the sentence in reverse")


gradients_flow(SelfAttention, _masked_sentence, of=("x",), points=0.5)
inputs_stay(SelfAttention, _masked_sentence, points=0.25)
single_precision(SelfAttention, _masked_sentence, ATTENDED, points=0.25)


class _Projections(nn.Module):
    """The part that most wrong answers get right."""

    bias = False

    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.q_proj = nn.Linear(d_model, d_k, bias=self.bias)
        self.k_proj = nn.Linear(d_model, d_k, bias=self.bias)
        self.v_proj = nn.Linear(d_model, d_v, bias=self.bias)

    def forward(self, x, mask=None):
        return pieces.scaled_dot_product_attention(
            self.q_proj(x), self.k_proj(x), self.v_proj(x), mask
        )


@SelfAttention.misconception("projections with bias")
class _(_Projections):
    """Your projections have a bias. Write nn.Linear(…, bias=False): the exercise lists three
    weights and nothing else."""

    bias = True


@SelfAttention.misconception("projections in a plain list")
class _(nn.Module):
    """Your projections are kept in a plain list, where the module doesn't see them: they would
    never be trained or moved to the GPU. Make each an attribute: self.q_proj = nn.Linear(…)."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.projections = [nn.Linear(d_model, size, bias=False) for size in (d_k, d_k, d_v)]

    def forward(self, x, mask=None):
        return pieces.scaled_dot_product_attention(*(p(x) for p in self.projections), mask)


@SelfAttention.misconception("new projections at every call")
class _(nn.Module):
    """You make the projections inside forward, so that every call starts from new random ones. Make
    them once, in __init__."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.sizes = (d_model, d_k, d_v)

    def forward(self, x, mask=None):
        d_model, d_k, d_v = self.sizes
        made = [nn.Linear(d_model, size, bias=False).to(x) for size in (d_k, d_k, d_v)]
        return pieces.scaled_dot_product_attention(*(p(x) for p in made), mask)


@SelfAttention.misconception("one projection for query and key")
class _(_Projections):
    """Query and key share one projection. What a word looks for is not what it offers: give k_proj
    a matrix of its own."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__(d_model, d_k, d_v)
        self.k_proj = self.q_proj

    def forward(self, x, mask=None):
        return pieces.scaled_dot_product_attention(
            self.q_proj(x), self.k_proj(x), self.v_proj(x), mask
        )


@SelfAttention.misconception("other names")
class _(nn.Module):
    """The projections have other names than the exercise asks: q_proj, k_proj and v_proj. Names are
    how weights are exchanged with other implementations."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.W_q = nn.Linear(d_model, d_k, bias=False)
        self.W_k = nn.Linear(d_model, d_k, bias=False)
        self.W_v = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x, mask=None):
        return pieces.scaled_dot_product_attention(self.W_q(x), self.W_k(x), self.W_v(x), mask)


@SelfAttention.misconception("value has the size of the key")
class _(_Projections):
    """v_proj makes vectors of size d_k. Its size is d_v."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__(d_model, d_k, d_k)

    def forward(self, x, mask=None):
        return pieces.scaled_dot_product_attention(
            self.q_proj(x), self.k_proj(x), self.v_proj(x), mask
        )


@SelfAttention.misconception("query and key swapped")
@wrong_forward(_Projections)
def _(self, x, mask):
    """Query and key have changed places: q_proj makes the query, k_proj the key."""
    return pieces.scaled_dot_product_attention(self.k_proj(x), self.q_proj(x), self.v_proj(x), mask)


@SelfAttention.misconception("value is the input")
@wrong_forward(_Projections)
def _(self, x, mask):
    """The values are x itself. They are a projection too: self.v_proj(x)."""
    return pieces.scaled_dot_product_attention(self.q_proj(x), self.k_proj(x), x, mask)


@SelfAttention.misconception("mask not passed on")
@wrong_forward(_Projections)
def _(self, x, mask):
    """The mask stops here: pass it on to scaled_dot_product_attention."""
    return pieces.scaled_dot_product_attention(self.q_proj(x), self.k_proj(x), self.v_proj(x))


@SelfAttention.misconception("mask inverted")
@wrong_forward(_Projections)
def _(self, x, mask):
    """Your mask works the other way round. True means “may attend” here as there: pass it on as it
    is."""
    return pieces.scaled_dot_product_attention(
        self.q_proj(x), self.k_proj(x), self.v_proj(x), None if mask is None else ~mask
    )


@SelfAttention.misconception("not scaled")
@wrong_forward(_Projections)
def _(self, x, mask):
    """The scores are not divided by √d_k. Your scaled_dot_product_attention does it for you: call
    it."""
    query, key = self.q_proj(x), self.k_proj(x)
    return weigh(query @ key.transpose(-2, -1), mask, self.v_proj(x), 0.0)


@SelfAttention.misconception("scaled by the model's size")
@wrong_forward(_Projections)
def _(self, x, mask):
    """You divide by √d_model. Queries and keys have the size d_k: divide by √d_k."""
    query, key = self.q_proj(x), self.k_proj(x)
    scores = query @ key.transpose(-2, -1) / math.sqrt(x.shape[-1])
    return weigh(scores, mask, self.v_proj(x), 0.0)


@SelfAttention.misconception("always causal")
@wrong_forward(_Projections)
def _(self, x, mask):
    """No word can see a later one, though no mask says so. Hiding the future is the decoder's
    affair (lesson 06), and the mask's."""
    causal = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
    return pieces.scaled_dot_product_attention(
        self.q_proj(x), self.k_proj(x), self.v_proj(x), causal if mask is None else mask & causal
    )


@SelfAttention.misconception("output only")
@wrong_forward(_Projections)
def _(self, x, mask):
    """You return the output alone. Return output, weights, as scaled_dot_product_attention does."""
    return pieces.scaled_dot_product_attention(
        self.q_proj(x), self.k_proj(x), self.v_proj(x), mask
    )[0]


@SelfAttention.misconception("cut off from the graph")
@wrong_forward(_Projections)
def _(self, x, mask):
    """The values are right, but no gradient flows back: a .detach() or torch.no_grad() cuts the
    result off from the weights."""
    with torch.no_grad():
        return pieces.scaled_dot_product_attention(
            self.q_proj(x), self.k_proj(x), self.v_proj(x), mask
        )
