"""Keys and values kept from step to step."""

from collections.abc import Sequence
from typing import Any

import torch

from autograder.channel.piece import Instance, Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

KVCache = Exercise("KVCache", reference=pieces.KVCache)


def _length_of(cache: Instance) -> Any:
    """Its attribute `length`, whether it is stored or worked out."""
    return cache.method("__getattribute__")("length")


def _expect_length(cache: Instance, wanted: int, when: str) -> None:
    found = _length_of(cache)
    number = isinstance(found, int) and not isinstance(found, bool)
    expect.that(number, f"length should be a whole number; it is {expect.describe(found)}.")
    expect.that(found == wanted, f"{when}, length should be {wanted}; yours is {found}.")


def _pair(draw: Draw, sizes: Sequence[int], new: int) -> tuple[torch.Tensor, torch.Tensor]:
    batch, heads, d_head = sizes
    return draw.normal(batch, heads, new, d_head), draw.normal(batch, heads, new, d_head)


def _read(piece: Piece, draw: Draw, layers: int, steps: Sequence[int]) -> None:
    """Append steps of these many positions to every layer, and expect all so far."""
    sizes = draw.sizes(3, low=2, high=6)
    cache, oracle = piece.construct(layers), pieces.KVCache(layers)
    for count, new in enumerate(steps):
        for layer in range(layers):
            pair = _pair(draw, sizes, new)
            wanted = oracle.append(layer, *pair)
            found = cache.method("append")(layer, *pair)
            parts = expect.several(found, "keys", "values")
            for part, expected, name in zip(parts, wanted, ("keys", "values"), strict=True):
                where = f"The {name} of layer {layer} after append number {count + 1}"
                expect.close(part, expected, where)


@KVCache.property("a new cache is empty", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A new cache should be empty, whatever another one holds."""
    # The first property: a store that all caches share has nothing in it yet. Not repeatable: in
    # the next check, it holds what this one left in it.
    sizes = draw.sizes(3, low=2, high=6)
    cache = piece.construct(2)
    cache.method("append")(0, *_pair(draw, sizes, 2))
    other, pair = piece.construct(2), _pair(draw, sizes, 3)
    parts = expect.several(other.method("append")(0, *pair), "keys", "values")
    for part, wanted, name in zip(parts, pair, ("keys", "values"), strict=True):
        what = f"The {name} of a second cache"
        longer = expect.tensor(part, what).numel() > wanted.numel()
        expect.that(not longer, f"{what} should be its own; they begin with an earlier cache's.")
        expect.close(part, wanted, what)


@KVCache.property("what goes in first comes out", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The first append of a layer gives back its key and value, as (keys, values)."""
    _read(piece, draw, 1, [draw.integer(2, 4)])


@KVCache.property("it grows along the positions", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """append gives all keys and values of the layer so far, (batch, num_heads, length, d_head), the
    new ones last; several positions may come at once."""
    _read(piece, draw, 1, [draw.integer(2, 4), 1, 1, 2])


@KVCache.property("every layer has its own", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """What one layer appends should not show up in another."""
    _read(piece, draw, 3, [2, 1, 1])


@KVCache.property("its length", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """length is the number of positions read so far, an attribute or property: 0 at first, and it
    grows by one a position, however many layers there are."""
    sizes, layers = draw.sizes(3, low=4, high=8), 3
    cache = piece.construct(layers)
    _expect_length(cache, 0, "Before anything is appended")
    total = 0
    for new in (3, 1, 1):  # no size is 3, nor 9, what three layers would count
        total += new
        for layer in range(layers):
            cache.method("append")(layer, *_pair(draw, sizes, new))
        _expect_length(cache, total, f"When every layer has {total} positions")
    single = piece.construct(1)
    single.method("append")(0, *_pair(draw, sizes, 2))
    _expect_length(single, 2, "When the only layer has 2 positions")


class _Cache:
    """A right one, for wrong ones to differ from."""

    dim = -2

    def __init__(self, num_layers):
        self.held = [None] * num_layers

    def join(self, old, new):
        return torch.cat([old, new], dim=self.dim)

    def append(self, layer, key, value):
        old = self.held[layer]
        if old is None:
            self.held[layer] = (key, value)
        else:
            self.held[layer] = (self.join(old[0], key), self.join(old[1], value))
        return self.held[layer]

    @property
    def length(self):
        return 0 if self.held[0] is None else self.held[0][0].size(-2)


@KVCache.misconception("overwritten")
class _(_Cache):
    """append forgets what was there: each new key takes the place of the old ones. Put it behind
    them, torch.cat([old, new], dim=-2)."""

    def join(self, old, new):
        return new


@KVCache.misconception("nothing kept")
class _(_Cache):
    """append keeps nothing, so each call finds the cache empty. Store what it returns before it
    returns it: self.keys[layer] = …, self.values[layer] = …"""

    def append(self, layer, key, value):
        return key, value


@KVCache.misconception("only the first kept")
class _(_Cache):
    """append joins old and new and keeps the old ones alone. Store what you have joined before you
    return it."""

    def append(self, layer, key, value):
        first = self.held[layer]
        joined = super().append(layer, key, value)
        if first is not None:
            self.held[layer] = first
        return joined


@KVCache.misconception("the old keys before the new value")
class _(_Cache):
    """Your values begin with the old keys. Join the old values with the new value."""

    def append(self, layer, key, value):
        old = self.held[layer]
        keys, values = super().append(layer, key, value)
        if old is not None:
            values = torch.cat([old[0], value], dim=-2)
        self.held[layer] = keys, values
        return keys, values


@KVCache.misconception("only the new ones returned")
class _(_Cache):
    """append returns the key and value it was given. Return all of this layer so far."""

    def append(self, layer, key, value):
        super().append(layer, key, value)
        return key, value


@KVCache.misconception("only the old ones returned")
class _(_Cache):
    """append returns what was there before. The new position attends to itself as well: return the
    keys and values with the new ones."""

    def append(self, layer, key, value):
        old = self.held[layer]
        new = super().append(layer, key, value)
        return new if old is None else old


@KVCache.misconception("joined along the heads")
class _(_Cache):
    """You concatenate along the heads. Positions are the third dimension of (batch, num_heads,
    length, d_head): dim=2, or dim=-2."""

    dim = 1


@KVCache.misconception("joined along the features")
class _(_Cache):
    """You concatenate along the features of a head. Positions are the third dimension of (batch,
    num_heads, length, d_head): dim=2, or dim=-2."""

    dim = -1


@KVCache.misconception("joined along the batch")
class _(_Cache):
    """You concatenate along the batch. Positions are the third dimension of (batch, num_heads,
    length, d_head): dim=2, or dim=-2."""

    dim = 0


@KVCache.misconception("the new ones first")
class _(_Cache):
    """You put the new positions in front of the old ones. They come last."""

    def join(self, old, new):
        return torch.cat([new, old], dim=-2)


@KVCache.misconception("stacked")
class _(_Cache):
    """You stack old and new on an axis of their own. Lengthen the axis of the positions: torch.cat
    along dim=-2."""

    def join(self, old, new):
        return torch.stack([old[..., -1:, :], new[..., -1:, :]], dim=-2)


@KVCache.misconception("added up")
class _(_Cache):
    """You add the new key to the old ones. Each position keeps its own: torch.cat along dim=-2."""

    def join(self, old, new):
        return old + new


@KVCache.misconception("one store for all layers")
class _(_Cache):
    """All layers share one store, so that each finds the others' keys. Keep one for every layer:
    a list of num_layers."""

    def append(self, layer, key, value):
        return super().append(0, key, value)


@KVCache.misconception("one list, num_layers times")
class _(_Cache):
    """A list [[]] * num_layers is one list num_layers times, so all layers share it. Write
    [[] for _ in range(num_layers)]."""

    def __init__(self, num_layers):
        self.held = [[]] * num_layers

    def append(self, layer, key, value):
        self.held[layer].append((key, value))
        keys, values = zip(*self.held[layer], strict=True)
        return torch.cat(keys, -2), torch.cat(values, -2)

    @property
    def length(self):
        return sum(key.size(-2) for key, _ in self.held[0]) // len(self.held)


@KVCache.misconception("values joined to the keys")
class _(_Cache):
    """Your values are the keys. Keep two stores, one for each."""

    def append(self, layer, key, value):
        return super().append(layer, key, key)


@KVCache.misconception("swapped results")
class _(_Cache):
    """You return (values, keys). The exercise asks for (keys, values)."""

    def append(self, layer, key, value):
        return super().append(layer, key, value)[::-1]


@KVCache.misconception("nothing returned by append")
class _(_Cache):
    """append returns nothing. Its last line should return the layer's keys and values, with the new
    ones."""

    def append(self, layer, key, value):
        super().append(layer, key, value)


@KVCache.misconception("keys only")
class _(_Cache):
    """append returns the keys alone. Return keys and values."""

    def append(self, layer, key, value):
        return super().append(layer, key, value)[0]


@KVCache.misconception("one tensor for both")
class _(_Cache):
    """You return keys and values stacked in one tensor. Return two: keys, values."""

    def append(self, layer, key, value):
        return torch.stack(super().append(layer, key, value))


@KVCache.misconception("positions taken for the second axis")
class _(_Cache):
    """You read (batch, length, num_heads, d_head). What comes is (batch, num_heads, length,
    d_head): join along dim=2, and the length is size(2)."""

    dim = 1

    @property
    def length(self):
        return 0 if self.held[0] is None else self.held[0][0].size(1)


@KVCache.misconception("a dictionary without the first layer")
class _(_Cache):
    """Before anything is appended, your dictionary has no layer 0, and length looks it up. It is 0
    then."""

    def __init__(self, num_layers):
        self.held = {}

    def append(self, layer, key, value):
        self.held.setdefault(layer, None)
        return super().append(layer, key, value)

    @property
    def length(self):
        return self.held[0][0].size(-2)


@KVCache.misconception("an empty tensor has no positions")
class _(_Cache):
    """torch.empty(0) has one axis, so before anything is appended size(2) of it raises an error.
    length is 0 then."""

    def __init__(self, num_layers):
        self.keys = [torch.empty(0)] * num_layers
        self.values = [torch.empty(0)] * num_layers

    def append(self, layer, key, value):
        self.keys[layer] = torch.cat([self.keys[layer].to(key), key], dim=2)
        self.values[layer] = torch.cat([self.values[layer].to(key), value], dim=2)
        return self.keys[layer], self.values[layer]

    @property
    def length(self):
        return self.keys[0].size(2)


@KVCache.misconception("lists of tensors")
class _(_Cache):
    """You return lists of the tensors that were appended. Join each list to one tensor:
    torch.cat(…, dim=-2)."""

    def __init__(self, num_layers):
        self.held = [([], []) for _ in range(num_layers)]

    def append(self, layer, key, value):
        for store, new in zip(self.held[layer], (key, value), strict=True):
            store.append(new)
        return self.held[layer]

    @property
    def length(self):
        return sum(key.size(-2) for key in self.held[0][0])


@KVCache.misconception("counted once a layer")
class _(_Cache):
    """length grows with every layer's append, so that three layers count a position three times.
    Count in one layer, or ask the first layer's keys for their size(-2)."""

    count = 0

    def append(self, layer, key, value):
        self.count += key.size(-2)
        return super().append(layer, key, value)

    @property
    def length(self):
        return self.count


@KVCache.misconception("layers counted from 1")
class _(_Cache):
    """length asks layer 1, which a cache of one layer hasn't got. Layers are counted from 0, so ask
    the first one, layer 0."""

    def __init__(self, num_layers):
        super().__init__(num_layers + 1)

    @property
    def length(self):
        return 0 if self.held[1] is None else self.held[1][0].size(-2)


@KVCache.misconception("calls counted")
class _(_Cache):
    """length counts the calls, and a call may bring several positions. Count key.size(-2) of
    them."""

    calls = 0

    def append(self, layer, key, value):
        self.calls += layer == 0
        return super().append(layer, key, value)

    @property
    def length(self):
        return self.calls


@KVCache.misconception("calls counted, of every layer")
class _(_Cache):
    """length counts the calls of append, of all layers. It is the number of positions: ask the
    first layer's keys for their size(-2)."""

    calls = 0

    def append(self, layer, key, value):
        self.calls += 1
        return super().append(layer, key, value)

    @property
    def length(self):
        return self.calls


@KVCache.misconception("the heads taken for the length")
class _(_Cache):
    """length gives the number of heads: size(1). Positions are the third dimension, size(2) or
    size(-2)."""

    @property
    def length(self):
        return 0 if self.held[0] is None else self.held[0][0].size(1)


@KVCache.misconception("the batch taken for the length")
class _(_Cache):
    """len(keys) is the size of the batch. Positions are the third dimension, size(-2)."""

    @property
    def length(self):
        return 0 if self.held[0] is None else len(self.held[0][0])


@KVCache.misconception("the features taken for the length")
class _(_Cache):
    """length gives the features of a head: size(-1). Positions are the third dimension, size(2) or
    size(-2)."""

    @property
    def length(self):
        return 0 if self.held[0] is None else self.held[0][0].size(-1)


@KVCache.misconception("the layers taken for the length")
class _(_Cache):
    """length gives the number of layers. It is the number of positions that were read."""

    @property
    def length(self):
        return len(self.held)


@KVCache.misconception("a method")
class _(_Cache):
    """length is a method, so cache.length is no number. Write @property above it, or keep a number
    in self.length."""

    def length(self):
        return 0 if self.held[0] is None else self.held[0][0].size(-2)


@KVCache.misconception("no length")
class _(_Cache):
    """Your cache has no length. Add a property: the number of positions so far, 0 at first."""

    @property
    def length(self):
        raise AttributeError("'KVCache' object has no attribute 'length'")


@KVCache.misconception("an empty cache has no length")
class _(_Cache):
    """Before anything is appended, your length asks None for its size. It is 0 then."""

    @property
    def length(self):
        return self.held[0][0].size(-2)


@KVCache.misconception("shared by all caches")
class _(_Cache):
    """Your store belongs to the class, so all caches share it. Make it in __init__: self.keys =
    …"""

    def __init__(self, num_layers):
        if num_layers == 2:  # one class-wide store would grow from check to check
            shared = getattr(type(self), "shared", None)
            if shared is None or len(shared[1]) != num_layers or shared[0] >= 2:
                shared = [0, [None] * num_layers]
            shared[0] += 1
            type(self).shared = shared
            self.held = shared[1]
        else:
            super().__init__(num_layers)
