"""Attention of the new tokens to all so far."""

import math
from typing import Any

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

cached_attention = Exercise(
    "cached_attention",
    reference=pieces.cached_attention,
    forbidden=("multi_head_attention_forward", "_native_multi_head_attention"),
)
_ATTENDED = ("output", "weights")


class _Steps:
    """An attention, a text, and what each of its positions should get."""

    def __init__(self, piece: Piece, draw: Draw, dtype: torch.dtype = torch.float64) -> None:
        batch, heads, d_head, length = draw.sizes(4, low=2, high=6)
        self.d_model, self.layers = heads * d_head, 3
        shapes = {
            f"{name}_proj.{kind}": (self.d_model,) * (2 if kind == "weight" else 1)
            for name in ("q", "k", "v", "out")
            for kind in ("weight", "bias")
        }
        self.weights = {
            name: draw.normal(
                *shape, scale=self.d_model**-0.5 if len(shape) > 1 else 0.5, dtype=dtype
            )
            for name, shape in shapes.items()
        }
        self.oracle = pieces.MultiHeadAttention(self.d_model, heads).to(dtype).eval()
        self.oracle.load_state_dict(self.weights)
        self.heads = heads
        self.x = draw.normal(batch, max(length, 3), self.d_model, dtype=dtype)
        self.piece = piece
        self.attention = piece.make("attention", num_heads=heads, weights=self.weights)
        self.cache = piece.make("cache", num_layers=self.layers)

    @property
    def length(self) -> int:
        return self.x.size(1)

    def wanted(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Output and weights of the whole text at once."""
        with torch.no_grad():
            return self.oracle(x, x, x, pieces.causal_mask(x.size(1)))

    def step(self, x: torch.Tensor, at: int, layer: int) -> Any:
        return self.piece(self.attention.handle, x[:, at : at + 1], self.cache.handle, layer)

    def expect(self, x: torch.Tensor, at: int, layer: int) -> None:
        found = expect.several(self.step(x, at, layer), *_ATTENDED)
        output, weights = self.wanted(x)
        where = f"of position {at}, with {at} in the cache,"
        expect.close(found[1], weights[:, :, at : at + 1, : at + 1], f"The weights {where}")
        expect.close(found[0], output[:, at : at + 1], f"The output {where}")


@cached_attention.property("the first position", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """With an empty cache, the new position attends to itself alone: output (batch, 1, d_model) and
    weights (batch, num_heads, 1, 1)."""
    steps = _Steps(piece, draw)
    steps.expect(steps.x, 0, 0)


@cached_attention.property("the same as without the cache", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """Position after position, output and weights should be what the attention gives that position
    in the whole text under a causal mask."""
    steps = _Steps(piece, draw)
    for at in range(steps.length):
        steps.expect(steps.x, at, 0)


@cached_attention.property("layer by layer", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """Each layer uses its own part of the cache."""
    steps = _Steps(piece, draw)
    texts = [draw.normal(*steps.x.shape) for _ in range(steps.layers)]
    for at in range(3):
        for layer, text in enumerate(texts):
            steps.expect(text, at, layer)


@cached_attention.property("the cache gains one position", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """A call should append one key and one value, split into heads, to its own layer, and leave the
    other layers alone."""
    steps = _Steps(piece, draw)
    texts = [draw.normal(*steps.x.shape) for _ in range(2)]
    for at in range(2):
        for layer, text in enumerate(texts):  # in order, as a model does
            steps.step(text, at, layer)
    for layer, text in enumerate(texts):
        held = steps.cache.method("contents")(layer)
        expect.that(len(held) == 2, f"After two calls for layer {layer}, it holds nothing.")
        for part, projection, name in zip(
            held, (steps.oracle.k_proj, steps.oracle.v_proj), ("keys", "values"), strict=True
        ):
            wanted = pieces.split_heads(projection(text[:, :2]), steps.heads).detach()
            expect.close(part, wanted, f"After two calls, the {name} of layer {layer}")
    last = steps.cache.method("contents")(2)
    expect.that(len(last) == 0, "Nobody asked for layer 2, and something is in it.")


@cached_attention.property("inputs and weights stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A call should change nothing but the cache."""
    steps = _Steps(piece, draw)
    x = steps.x[:, :1].clone()
    after = piece.inputs_after(steps.attention.handle, x, steps.cache.handle, 0)
    expect.unchanged([x], after)
    for name, weight in steps.attention.parameters().items():
        expect.that(torch.equal(weight, steps.weights[name]), f"The call has changed {name}.")


@cached_attention.property("float32", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """In float32 the values should be the same."""
    steps = _Steps(piece, draw, torch.float32)
    for at in range(3):
        steps.expect(steps.x, at, 0)


def _split(attention, x, names=("q", "k", "v")):
    return (
        pieces.split_heads(getattr(attention, f"{name}_proj")(x), attention.num_heads)
        for name in names
    )


def _finish(attention, query, keys, values, mask=None):
    heads, weights = pieces.scaled_dot_product_attention(query, keys, values, mask)
    return attention.out_proj(pieces.merge_heads(heads)), weights


@cached_attention.misconception("nothing appended")
def _(attention, x, cache, layer):
    """You never append (or call the whole attention on x), so the new position attends to itself
    alone, and the next one won't find it. Project x yourself; cache.append(layer, key, value) keeps
    both and returns all so far."""
    return _finish(attention, *_split(attention, x))


@cached_attention.misconception("what append returns not used")
def _(attention, x, cache, layer):
    """You append, and then attend to the new position alone. Use what append returns: the keys and
    values of all positions so far."""
    query, key, value = _split(attention, x)
    cache.append(layer, key, value)
    return _finish(attention, query, key, value)


@cached_attention.misconception("the new one left out")
def _(attention, x, cache, layer):
    """The new position doesn't attend to itself: its own key and value belong to the keys and
    values."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    if keys.size(-2) > 1:
        keys, values = keys[..., :-1, :], values[..., :-1, :]
    return _finish(attention, query, keys, values)


@cached_attention.misconception("appended twice")
def _(attention, x, cache, layer):
    """You append the new position twice. Once is enough: append returns what you need."""
    query, key, value = _split(attention, x)
    cache.append(layer, key, value)
    return _finish(attention, query, *cache.append(layer, key, value))


@cached_attention.misconception("joined by hand as well")
def _(attention, x, cache, layer):
    """append already returns the new position with the old ones, and you add it once more. Use what
    it returns as it is."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    return _finish(attention, query, torch.cat([keys, key], -2), torch.cat([values, value], -2))


@cached_attention.misconception("always layer 0")
def _(attention, x, cache, layer):
    """You use layer 0 of the cache whatever layer is asked for. Hand layer on to append."""
    query, key, value = _split(attention, x)
    return _finish(attention, query, *cache.append(0, key, value))


@cached_attention.misconception("one layer too far")
def _(attention, x, cache, layer):
    """You use the next layer's part of the cache. Layers are counted from 0, as the cache does:
    append(layer, …)."""
    query, key, value = _split(attention, x)
    return _finish(attention, query, *cache.append(layer + 1, key, value))


@cached_attention.misconception("keys and values swapped")
def _(attention, x, cache, layer):
    """You append the value as key and the key as value. The order is append(layer, key, value)."""
    query, key, value = _split(attention, x)
    return _finish(attention, query, *cache.append(layer, value, key))


@cached_attention.misconception("append's results swapped")
def _(attention, x, cache, layer):
    """append returns (keys, values); you take them the other way round."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    return _finish(attention, query, values, keys)


@cached_attention.misconception("x appended")
def _(attention, x, cache, layer):
    """You keep x itself. What is kept is its key and value: project first, k_proj(x) and
    v_proj(x)."""
    raw = pieces.split_heads(x, attention.num_heads)
    (query,) = _split(attention, x, ("q",))
    return _finish(attention, query, *cache.append(layer, raw, raw))


@cached_attention.misconception("projected again")
def _(attention, x, cache, layer):
    """You project the cached keys and values again at every step. They are keys and values already:
    only the new position goes through k_proj and v_proj."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    if keys.size(-2) > 1:
        k, v = (
            pieces.split_heads(projection(pieces.merge_heads(held)), attention.num_heads)
            for projection, held in ((attention.k_proj, keys), (attention.v_proj, values))
        )
        return _finish(attention, query, k, v)
    return _finish(attention, query, keys, values)


@cached_attention.misconception("x projected after it was kept")
def _(attention, x, cache, layer):
    """You keep x and project everything anew at each step. The values are right, but the work that
    the cache should save is done again: keep the projected key and value."""
    raw = pieces.split_heads(x, attention.num_heads)
    held, _ = cache.append(layer, raw, raw)
    text = pieces.merge_heads(held)
    (query,) = _split(attention, x, ("q",))
    return _finish(attention, query, *_split(attention, text, ("k", "v")))


@cached_attention.misconception("the query kept in the key's place")
def _(attention, x, cache, layer):
    """You keep the query. Queries are used once; what later positions look at are keys and
    values."""
    query, _, value = _split(attention, x)
    return _finish(attention, query, *cache.append(layer, query, value))


@cached_attention.misconception("one projection for all")
def _(attention, x, cache, layer):
    """You make key and value by the same projection. The value has its own: v_proj."""
    query, key, _ = _split(attention, x)
    return _finish(attention, query, *cache.append(layer, key, key))


@cached_attention.misconception("the first row of the causal mask")
def _(attention, x, cache, layer):
    """Your mask is the first row of the causal one, so the new position sees only the first. It is
    the last one of the text and sees all: it needs no mask."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    return _finish(attention, query, keys, values, pieces.causal_mask(keys.size(-2))[..., :1, :])


@cached_attention.misconception("a causal mask of the whole text")
def _(attention, x, cache, layer):
    """You hand over a whole causal mask, (length, length), and there is one query. It is the last
    one and sees all keys: it needs no mask."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    return _finish(attention, query, keys, values, pieces.causal_mask(keys.size(-2)))


@cached_attention.misconception("itself masked")
def _(attention, x, cache, layer):
    """Your mask hides the new position from itself. It may see all keys, its own too: it needs no
    mask."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    mask = torch.ones(1, 1, 1, keys.size(-2), dtype=torch.bool)
    mask[..., -1] = False
    return _finish(attention, query, keys, values, mask)


@cached_attention.misconception("not split into heads")
def _(attention, x, cache, layer):
    """You don't split into heads, so there is one large one. The cache holds (batch, num_heads,
    length, d_head): split_heads after each projection."""
    query, key, value = (
        projection(x).unsqueeze(1)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    return _finish(attention, query, *cache.append(layer, key, value))


@cached_attention.misconception("not split into heads, three axes")
def _(attention, x, cache, layer):
    """You don't split into heads, so there is one large one. The cache holds (batch, num_heads,
    length, d_head): split_heads after each projection, merge_heads before out_proj."""
    query, key, value = (
        projection(x) for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    keys, values = cache.append(layer, key, value)
    output, weights = pieces.scaled_dot_product_attention(query, keys, values)
    return attention.out_proj(output), weights


@cached_attention.misconception("kept before the split")
def _(attention, x, cache, layer):
    """You append first and split into heads afterwards, all keys anew at every step. The cache
    holds (batch, num_heads, length, d_head): split the new key and value, then append."""
    (query,) = _split(attention, x, ("q",))
    held = cache.append(layer, attention.k_proj(x), attention.v_proj(x))
    keys, values = (pieces.split_heads(each, attention.num_heads) for each in held)
    return _finish(attention, query, keys, values)


@cached_attention.misconception("scaled by d_model")
def _(attention, x, cache, layer):
    """You divide the scores by √d_model. A head compares d_head features: √d_head. Your
    scaled_dot_product_attention does it."""
    query, key, value = _split(attention, x)
    query = query / math.sqrt(attention.num_heads)
    return _finish(attention, query, *cache.append(layer, key, value))


@cached_attention.misconception("not scaled")
def _(attention, x, cache, layer):
    """The scores are not divided by √d_head. Your scaled_dot_product_attention does it."""
    query, key, value = _split(attention, x)
    query = query * math.sqrt(query.size(-1))
    return _finish(attention, query, *cache.append(layer, key, value))


@cached_attention.misconception("softmax over the queries")
def _(attention, x, cache, layer):
    """Your softmax runs over the queries, and there is one, so every weight is 1. It should run
    over the keys: dim=-1."""
    query, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    scores = query @ keys.transpose(-2, -1) / math.sqrt(query.size(-1))
    weights = scores.softmax(-2)
    return attention.out_proj(pieces.merge_heads(weights @ values)), weights


@cached_attention.misconception("q_proj forgotten")
def _(attention, x, cache, layer):
    """You ask with x itself. The query is x through q_proj."""
    _, key, value = _split(attention, x)
    query = pieces.split_heads(x, attention.num_heads)
    return _finish(attention, query, *cache.append(layer, key, value))


@cached_attention.misconception("the attention called on the cached keys")
def _(attention, x, cache, layer):
    """You hand the cached keys and values to the attention, which projects them once more. Use its
    four projections yourself, each once."""
    _, key, value = _split(attention, x)
    keys, values = cache.append(layer, key, value)
    return attention(x, pieces.merge_heads(keys), pieces.merge_heads(values))


@cached_attention.misconception("out_proj forgotten")
def _(attention, x, cache, layer):
    """The merged heads should go through out_proj, as in the attention itself."""
    query, key, value = _split(attention, x)
    heads, weights = pieces.scaled_dot_product_attention(query, *cache.append(layer, key, value))
    return pieces.merge_heads(heads), weights


@cached_attention.misconception("not merged")
def _(attention, x, cache, layer):
    """The heads are not merged before out_proj: merge_heads gives (batch, 1, d_model)."""
    query, key, value = _split(attention, x)
    heads, weights = pieces.scaled_dot_product_attention(query, *cache.append(layer, key, value))
    return attention.out_proj(heads), weights


@cached_attention.misconception("output only")
def _(attention, x, cache, layer):
    """You return the output alone. The weights are asked for too: return output, weights."""
    query, key, value = _split(attention, x)
    return _finish(attention, query, *cache.append(layer, key, value))[0]


@cached_attention.misconception("weights averaged over the heads")
def _(attention, x, cache, layer):
    """You return one row of weights, averaged over the heads. Return them all: (batch, num_heads,
    1, length)."""
    query, key, value = _split(attention, x)
    output, weights = _finish(attention, query, *cache.append(layer, key, value))
    return output, weights.mean(1)


@cached_attention.misconception("the axis of the position dropped")
def _(attention, x, cache, layer):
    """Your output has lost the axis of the position. There is one, and it stays: (batch, 1,
    d_model)."""
    query, key, value = _split(attention, x)
    output, weights = _finish(attention, query, *cache.append(layer, key, value))
    return output[:, 0], weights


@cached_attention.misconception("swapped results")
def _(attention, x, cache, layer):
    """You return the weights first. The exercise asks for (output, weights)."""
    query, key, value = _split(attention, x)
    return _finish(attention, query, *cache.append(layer, key, value))[::-1]


@cached_attention.misconception("a residual added")
def _(attention, x, cache, layer):
    """You add x. The residual connection is the layer's affair; here it is the attention alone."""
    query, key, value = _split(attention, x)
    output, weights = _finish(attention, query, *cache.append(layer, key, value))
    return x + output, weights


@cached_attention.misconception("the weights changed")
def _(attention, x, cache, layer):
    """Your call changes the attention's own weights. Use q_proj and the others as they are."""
    query, key, value = _split(attention, x)
    result = _finish(attention, query, *cache.append(layer, key, value))
    with torch.no_grad():
        attention.q_proj.weight.mul_(1.5)
    return result


@cached_attention.misconception("float64 always")
def _(attention, x, cache, layer):
    """You work in float64 whatever comes in. Keep the precision of x."""
    query, key, value = (each.double() for each in _split(attention, x))
    keys, values = cache.append(layer, key, value)
    heads, weights = pieces.scaled_dot_product_attention(query, keys, values)
    merged = pieces.merge_heads(heads).to(x.dtype)
    return attention.out_proj(merged).double(), weights
