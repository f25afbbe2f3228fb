"""One new token with the key–value cache."""

import inspect
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel import translators
from autograder.channel.piece import Piece
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.exercises.translator.transformer import CLOSE
from workbook import pieces

decode_step = Exercise("decode_step", reference=pieces.decode_step)


def _writer(draw: Draw, norm_first: bool = True, layers: int = 1) -> dict[str, Any]:
    """What a `Writer` is made of. Most properties show in one layer, in half the time."""
    heads, d_head = draw.integer(2, 3), 2 * draw.integer(1, 2)
    sizes = {
        "vocab_size": draw.integer(10, 14),
        "d_model": heads * d_head,
        "num_heads": heads,
        "num_layers": layers,
        "d_ff": heads * d_head + 1,
        "norm_first": norm_first,
        "max_length": 9,
    }
    return {"weights": draw.weights(_writers_shapes(**sizes), scale=0.5), **sizes}


@lru_cache(maxsize=64)
def _writers_shapes(**sizes: Any) -> dict[str, torch.Size]:
    return {name: p.shape for name, p in translators.Writer(**sizes).named_parameters()}


@torch.no_grad()
def _all_at_once(
    model: nn.Module, target_in: torch.Tensor, memory: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """The logits at every position, (batch, length, vocab_size)."""
    x = model.target_embedding(target_in) * math.sqrt(model.target_embedding.embedding_dim)
    causal = pieces.causal_mask(target_in.size(1))
    return model.head(model.decoder(model.positions(x), memory, causal, mask))


def _expect_steps(
    piece: Piece, draw: Draw, norm_first: bool = True, masked: bool = True, layers: int = 1
) -> None:
    made_of = _writer(draw, norm_first, layers)
    batch, length, sources = draw.sizes(3, low=3, high=5)
    tokens = draw.tokens(batch, length, low=0, high=made_of["vocab_size"] - 1)
    memory = draw.normal(batch, sources, made_of["d_model"])
    mask = torch.ones(batch, 1, 1, sources, dtype=torch.bool)
    if masked:
        mask = draw.mask(batch, 1, 1, sources)
    model = piece.make("writer", **made_of).handle
    cache = piece.make("empty_cache", num_layers=made_of["num_layers"]).handle
    found = [piece(model, tokens[:, position], memory, mask, cache) for position in range(length)]
    wanted = _all_at_once(translators.writer(**made_of), tokens, memory, mask)
    for position, logits in enumerate(found):
        what = f"The logits of position {position}, [sentence, token],"
        expect.close(logits, wanted[:, position], what, CLOSE)


@decode_step.property("the first position", points=1.25)
def _(piece: Piece, draw: Draw) -> None:
    """With an empty cache: logits (batch, target_vocab) of one token, as decode gives them for a
    sentence of length 1."""
    made_of = _writer(draw)
    batch, sources = draw.sizes(2, low=2, high=5)
    tokens = draw.tokens(batch, 1, low=0, high=made_of["vocab_size"] - 1)
    memory = draw.normal(batch, sources, made_of["d_model"])
    mask = draw.mask(batch, 1, 1, sources)
    found = piece(
        Made("writer", made_of),
        tokens[:, 0],
        memory,
        mask,
        Made("empty_cache", {"num_layers": made_of["num_layers"]}),
    )
    wanted = _all_at_once(translators.writer(**made_of), tokens, memory, mask)[:, 0]
    expect.close(found, wanted, "The logits, [sentence, token],", CLOSE)


@decode_step.property("one position after another", points=2)
def _(piece: Piece, draw: Draw) -> None:
    """Token by token, with the same cache, each call should give what decode says of that position
    when it reads the whole beginning."""
    _expect_steps(piece, draw, masked=False, layers=2)


@decode_step.property("the source's padding", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """memory_mask hides the source's padding from the cross-attention of every layer."""
    _expect_steps(piece, draw, layers=2)


@decode_step.property("post-norm", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """A decoder without a last norm is post-norm: its layers norm after each residual."""
    _expect_steps(piece, draw, norm_first=False)


@decode_step.property("inputs stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave token, memory and mask as they were; the cache grows."""
    made_of = _writer(draw)
    tokens = draw.tokens(3, low=0, high=made_of["vocab_size"] - 1)
    given = [tokens, draw.normal(3, 5, made_of["d_model"]), draw.mask(3, 1, 1, 5)]
    model = piece.make("writer", **made_of).handle
    cache = piece.make("empty_cache", num_layers=made_of["num_layers"]).handle
    expect.unchanged(given, piece.inputs_after(model, *given, cache))


def _one_layer(
    layer: Any,
    x: torch.Tensor,
    memory: torch.Tensor,
    mask: Any,
    cache: Any,
    index: int,
    first: bool,
) -> torch.Tensor:
    def look_back(y):
        return pieces.cached_attention(layer.self_attention, y, cache, index)[0]

    def look_up(y):
        return layer.cross_attention(y, memory, memory, mask)[0]

    off = nn.Identity()
    x = pieces.residual(x, look_back, layer.norm1, off, first)
    x = pieces.residual(x, look_up, layer.norm2, off, first)
    return pieces.residual(x, layer.feed_forward, layer.norm3, off, first)


def _placed(model: Any, x: torch.Tensor, position: int) -> torch.Tensor:
    """x (batch, 1, d_model) with the position's vector added."""
    return model.positions(F.pad(x, (0, 0, position, 0)))[:, -1:]


def _embedded(model: Any, token: torch.Tensor) -> torch.Tensor:
    x = model.target_embedding(token[:, None])
    return x * math.sqrt(x.size(-1))


def _steps(
    enter: Callable[..., torch.Tensor] = lambda model, token, cache: _placed(
        model, _embedded(model, token), cache.length
    ),
    layer_step: Callable[..., torch.Tensor] = _one_layer,
    leave: Callable[..., torch.Tensor] = lambda model, x: model.head(x)[:, 0],
    norm: bool = True,
    first_of: Callable[[bool], bool] = lambda first: first,
) -> Callable:
    """decode_step in which one of its decisions may be another one."""

    def step(model, token, memory, memory_mask, cache):
        first = getattr(model.decoder, "norm", None) is not None
        x = enter(model, token, cache)
        for index, layer in enumerate(model.decoder.layers):
            x = layer_step(layer, x, memory, memory_mask, cache, index, first_of(first))
        if first and norm:
            x = model.decoder.norm(x)
        return leave(model, x)

    return step


def _decoding_that(name: str, message: str, **how: Any) -> None:
    wrong = _steps(**how)
    wrong.__doc__ = message
    decode_step.misconception(name)(wrong)


def _layered(name: str) -> Callable[[Callable], Callable]:
    """A decode_step that is right but for one layer's step."""

    def declare(change: Callable[..., torch.Tensor]) -> Callable:
        _decoding_that(name, inspect.cleandoc(change.__doc__), layer_step=change)
        return change

    return declare


_decoding_that(
    "always position 0",
    "Every token is taken for the first one: the positions see a sequence of one. The new token's "
    "position is cache.length.",
    enter=lambda model, token, cache: model.positions(_embedded(model, token)),
)
_decoding_that(
    "one position too far",
    "Your position is one too large. Positions count from 0: with an empty cache the token stands "
    "at 0, and cache.length is 0.",
    enter=lambda model, token, cache: _placed(model, _embedded(model, token), cache.length + 1),
)
_decoding_that(
    "one position behind",
    "Your position is one behind. With t tokens in the cache, the new one stands at position t.",
    enter=lambda model, token, cache: _placed(
        model, _embedded(model, token), max(cache.length - 1, 0)
    ),
)
_decoding_that(
    "zeros behind the token",
    "You put the zero vectors behind the token, and keep the last of them. They belong in front: "
    "F.pad(x, (0, 0, cache.length, 0)), and then [:, -1:].",
    enter=lambda model, token, cache: model.positions(
        F.pad(_embedded(model, token), (0, 0, 0, cache.length))
    )[:, -1:],
)
_decoding_that(
    "the first of the padded kept",
    "You keep the first vector, one of the zeros in front. The token is the last one: [:, -1:].",
    enter=lambda model, token, cache: model.positions(
        F.pad(_embedded(model, token), (0, 0, cache.length, 0))
    )[:, :1],
)
_decoding_that(
    "the source's embedding",
    "You look up the token in the source's embedding. What is being written is the target: "
    "model.target_embedding.",
    enter=lambda model, token, cache: _placed(
        model, model.source_embedding(token[:, None]), cache.length
    ),
)
_decoding_that(
    "no position",
    "The position is never added. The new token's embedding goes through model.positions at "
    "position cache.length.",
    enter=lambda model, token, cache: _embedded(model, token),
)
_decoding_that(
    "embedding not scaled",
    "The embedding is not multiplied by √d_model, as decode does.",
    enter=lambda model, token, cache: _placed(
        model, model.target_embedding(token[:, None]), cache.length
    ),
)
_decoding_that(
    "scaled after the position",
    "You scale the sum of embedding and position. Only the embedding is multiplied by √d_model.",
    enter=lambda model, token, cache: (
        _placed(model, model.target_embedding(token[:, None]), cache.length)
        * math.sqrt(model.target_embedding.embedding_dim)
    ),
)
_decoding_that(
    "the batch taken for the sentence",
    "You make (1, batch, d_model) of the tokens, one sentence of many words. They are the newest "
    "words of several sentences: token[:, None] gives (batch, 1), embedded (batch, 1, d_model).",
    enter=lambda model, token, cache: _placed(
        model, _embedded(model, token).transpose(0, 1), cache.length
    ),
)
_decoding_that(
    "logits (batch, 1, vocab)",
    "The axis of the one position is still there. Logits (batch, target_vocab) are asked for: "
    "[:, 0] or squeeze(1).",
    leave=lambda model, x: model.head(x),
)
_decoding_that(
    "no head",
    "You return hidden states. The head makes logits of them.",
    leave=lambda model, x: x[:, 0],
)
_decoding_that(
    "probabilities in place of logits",
    "You return probabilities. Logits are asked for, as decode gives them.",
    leave=lambda model, x: model.head(x)[:, 0].softmax(-1),
)
_decoding_that(
    "last norm forgotten",
    "A pre-norm decoder ends in a norm: model.decoder.norm(x), before the head.",
    norm=False,
)
_decoding_that(
    "always pre-norm",
    "Your layers are always pre-norm. A decoder without a last norm is post-norm: hand norm_first "
    "on to residual.",
    first_of=lambda first: True,
)
_decoding_that(
    "always post-norm",
    "Your layers are always post-norm. A decoder with a last norm is pre-norm: hand norm_first on "
    "to residual.",
    first_of=lambda first: False,
)


@_layered("every layer in the first layer's cache")
def _(layer, x, memory, mask, cache, index, first):
    """All layers write into the cache of layer 0, and read each other's keys and values. Hand the
    layer's number to cached_attention: for index, layer in enumerate(model.decoder.layers)."""
    return _one_layer(layer, x, memory, mask, cache, 0, first)


@_layered("layers counted from 1")
def _(layer, x, memory, mask, cache, index, first):
    """You count the layers from 1. The cache counts them from 0, as enumerate does."""
    return _one_layer(layer, x, memory, mask, cache, index + 1, first)


@_layered("self-attention without the cache")
def _(layer, x, memory, mask, cache, index, first):
    """The new token attends to itself alone. cached_attention gives it the keys and values of all
    tokens before it."""

    class Forgetful:
        def append(self, number, key, value):
            cache.append(number, key, value)
            return key, value

    return _one_layer(layer, x, memory, mask, Forgetful(), index, first)


@_layered("cache never filled")
def _(layer, x, memory, mask, cache, index, first):
    """The cache stays empty: the new token attends to itself alone, and its position is always 0.
    self_attention becomes cached_attention(layer.self_attention, y, cache, number)[0]."""

    class Unused:
        def append(self, number, key, value):
            return key, value

    return _one_layer(layer, x, memory, mask, Unused(), index, first)


@_layered("cross-attention through the cache")
def _(layer, x, memory, mask, cache, index, first):
    """Your cross-attention goes through the cache. Only self-attention does: the memory is all
    there, cross_attention(y, memory, memory, memory_mask)[0]."""
    off = nn.Identity()
    for name, norm in (("self_attention", layer.norm1), ("cross_attention", layer.norm2)):
        attention = getattr(layer, name)
        x = pieces.residual(
            x,
            lambda y, attention=attention: pieces.cached_attention(attention, y, cache, index)[0],
            norm,
            off,
            first,
        )
    return pieces.residual(x, layer.feed_forward, layer.norm3, off, first)


@_layered("one norm for all")
def _(layer, x, memory, mask, cache, index, first):
    """norm1 stands everywhere. norm1 belongs to self_attention, norm2 to cross_attention, norm3 to
    feed_forward."""
    alike = type("Alike", (), {})()
    for name in ("self_attention", "cross_attention", "feed_forward", "norm1"):
        setattr(alike, name, getattr(layer, name))
    alike.norm2 = alike.norm3 = layer.norm1
    return _one_layer(alike, x, memory, mask, cache, index, first)


@_layered("everything twice in the cache")
def _(layer, x, memory, mask, cache, index, first):
    """Each token goes into the cache twice. Call cached_attention once in a layer, and take its
    output, the first of the two things it returns."""
    pieces.cached_attention(layer.self_attention, layer.norm1(x) if first else x, cache, index)
    return _one_layer(layer, x, memory, mask, cache, index, first)


@_layered("cross-attention to the token itself")
def _(layer, x, memory, mask, cache, index, first):
    """Your cross-attention takes its keys and values from the new token. They come from the
    memory: cross_attention(y, memory, memory, memory_mask)."""

    def look_back(y):
        return pieces.cached_attention(layer.self_attention, y, cache, index)[0]

    off = nn.Identity()
    x = pieces.residual(x, look_back, layer.norm1, off, first)
    x = pieces.residual(x, lambda y: layer.cross_attention(y, y, y)[0], layer.norm2, off, first)
    return pieces.residual(x, layer.feed_forward, layer.norm3, off, first)


@_layered("memory normed as well")
def _(layer, x, memory, mask, cache, index, first):
    """You norm the memory in every layer. norm2 is for the decoder's own states; the memory comes
    normed from the encoder."""
    return _one_layer(layer, x, layer.norm2(memory), mask, cache, index, first)


@_layered("source mask forgotten")
def _(layer, x, memory, mask, cache, index, first):
    """The cross-attention looks at the source's padding: hand memory_mask on to it."""
    return _one_layer(layer, x, memory, None, cache, index, first)


@_layered("no cross-attention")
def _(layer, x, memory, mask, cache, index, first):
    """The memory is never looked at: between self-attention and feed_forward comes
    cross_attention, with norm2."""

    def look_back(y):
        return pieces.cached_attention(layer.self_attention, y, cache, index)[0]

    off = nn.Identity()
    x = pieces.residual(x, look_back, layer.norm1, off, first)
    return pieces.residual(x, layer.feed_forward, layer.norm3, off, first)


@_layered("no feed-forward layer")
def _(layer, x, memory, mask, cache, index, first):
    """The feed-forward layer is missing: the third residual of a decoder layer, with norm3."""
    layer_without = type("Without", (), {})()
    for name in ("self_attention", "cross_attention", "norm1", "norm2"):
        setattr(layer_without, name, getattr(layer, name))
    layer_without.feed_forward = torch.zeros_like
    layer_without.norm3 = layer.norm3 if first else nn.Identity()
    return _one_layer(layer_without, x, memory, mask, cache, index, first)


@_layered("norms swapped")
def _(layer, x, memory, mask, cache, index, first):
    """norm2 and norm3 have changed places. norm1 belongs to self_attention, norm2 to
    cross_attention, norm3 to feed_forward."""
    swapped = type("Swapped", (), {})()
    for name in ("self_attention", "cross_attention", "feed_forward", "norm1"):
        setattr(swapped, name, getattr(layer, name))
    swapped.norm2, swapped.norm3 = layer.norm3, layer.norm2
    return _one_layer(swapped, x, memory, mask, cache, index, first)


@_layered("no residual")
def _(layer, x, memory, mask, cache, index, first):
    """The residual connections are missing: each sub-layer's result is added to x. Lesson 05's
    residual does it."""
    look = pieces.cached_attention(layer.self_attention, layer.norm1(x), cache, index)[0]
    found = layer.cross_attention(layer.norm2(look), memory, memory, mask)[0]
    return layer.feed_forward(layer.norm3(found))


@_layered("no residual around the feed-forward layer")
def _(layer, x, memory, mask, cache, index, first):
    """The residual around feed_forward is missing. It has one like the other two: residual(x,
    layer.feed_forward, layer.norm3, dropout, norm_first)."""
    alone = type("Alone", (), {})()
    for name in ("self_attention", "cross_attention", "norm1", "norm2"):
        setattr(alone, name, getattr(layer, name))
    alone.feed_forward, alone.norm3 = torch.zeros_like, nn.Identity()
    return layer.feed_forward(layer.norm3(_one_layer(alone, x, memory, mask, cache, index, first)))


@decode_step.misconception("decode for the newest word alone")
def _(model, token, memory, memory_mask, cache):
    """You call decode with the newest token alone. It knows nothing of the cache, so the words
    before would be forgotten. Go through the decoder's layers one by one, with cached_attention."""
    return model.decode(token[:, None], memory, memory_mask)[:, -1]


@decode_step.misconception("memory changed in place")
def _(model, token, memory, memory_mask, cache):
    """Your call changes the caller's memory. Work on a new tensor, without methods that end in
    _."""
    logits = pieces.decode_step(model, token, memory.clone(), memory_mask, cache)
    memory.zero_()
    return logits
