"""Lesson 09: the Transformer assembled, its loss, its training, three ways to write, and BLEU.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

import inspect
import math
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel import made, translators
from autograder.channel.piece import Instance, Piece, PieceRaised
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import Case, equals_reference, gradients_flow, inputs_stay
from workbook import pieces

BOS, EOS = 1, 2

# ---- Transformer -------------------------------------------------------------------------------

Transformer = Exercise(
    "Transformer",
    reference=pieces.Transformer,
    forbidden=("multi_head_attention_forward", "_transformer_encoder_layer_fwd"),
)
# The table of positions may differ in the last digit of float32 from ours.
_CLOSE = 1e-5
# One tensor, several names: which of them comes first is the student's choice.
_TIED = ("target_embedding.weight", "head.weight")


def _sizes(draw: Draw, **changes: Any) -> dict[str, Any]:
    """Arguments of a small Transformer without dropout, one layer a side; no two other sizes are
    alike."""
    heads = draw.integer(2, 3)
    d_head = 2 * draw.integer(1, 2)
    source, target = draw.sizes(2, low=10, high=16)
    return {
        "source_vocab": source,
        "target_vocab": target,
        "d_model": heads * d_head,
        "num_heads": heads,
        "num_layers": 1,
        "d_ff": heads * d_head + 1,
        "dropout": 0.0,
        "pad_id": draw.integer(0, 3),
        "max_length": 24,
    } | changes


def _aliases(construct: dict[str, Any]) -> tuple[str, ...]:
    shared = construct.get("share_embeddings", False)
    return ("source_embedding.weight", *_TIED) if shared else _TIED


def _names(found: dict[str, torch.Tensor], construct: dict[str, Any]) -> dict[str, str]:
    """Our name of each parameter -> the student's, who may have tied the same weight the other way
    round."""
    same = _aliases(construct)
    ours = next(name for name in ("source_embedding.weight", *_TIED) if name in same)
    theirs = [name for name in same if name in found]
    return {ours: theirs[0]} if len(theirs) == 1 else {}


@lru_cache(maxsize=64)
def _oracle(
    number: int, construct: tuple[tuple[str, Any], ...], dtype: torch.dtype
) -> tuple[nn.Module, dict[str, torch.Tensor]]:
    """Our model in eval mode and its random weights: the same for every piece that a seed meets."""
    with torch.random.fork_rng(devices=[]):
        oracle = pieces.Transformer(**dict(construct)).to(dtype).eval()
    shapes = {name: p.shape for name, p in oracle.named_parameters()}
    weights = Draw(number, "weights").weights(shapes, scale=0.5, dtype=dtype)
    with torch.no_grad():
        for name, parameter in oracle.named_parameters():
            parameter.copy_(weights[name])
    return oracle, weights


def _assembled(
    piece: Piece, draw: Draw, construct: dict[str, Any], dtype: torch.dtype = torch.float64
) -> tuple[Instance, nn.Module]:
    """The student's model and ours, in eval mode, with the same weights."""
    oracle, weights = _oracle(draw.integer(0, 2**31), tuple(construct.items()), dtype)
    instance = piece.construct(**construct).to(dtype).eval()
    refused = instance.load(weights)
    # Whoever ties the other way round has the shared weight under another of its names.
    same = _aliases(construct)
    if len(refused) == 1 and refused[0] in same:
        tied = {name: weights[refused[0]] for name in same if name != refused[0]}
        refused = refused if len(instance.load(tied)) == len(tied) else []
    if refused:
        raise expect.Mismatch(
            f"The check can't set the weights of {', '.join(refused)}: see the first property.",
            kind="weights that can't be set",
        )
    return instance, oracle


def _fresh(piece: Piece, construct: dict[str, Any]) -> Instance:
    """The student's model as it begins, in eval mode."""
    return piece.construct(**construct).to(torch.float64).eval()


@lru_cache(maxsize=16)
def _shapes(construct: tuple[tuple[str, Any], ...]) -> dict[str, tuple[int, ...]]:
    with torch.random.fork_rng(devices=[]):
        model = pieces.Transformer(**dict(construct))
    return {name: tuple(p.shape) for name, p in model.named_parameters()}


def _padded(draw: Draw, batch: int, length: int, vocab: int, pad_id: int) -> torch.Tensor:
    """Token ids (batch, length): each row but the first ends in padding of another length."""
    tokens = draw.tokens(batch, length, low=4, high=vocab - 1)
    for row in range(1, batch):
        tokens[row, max(1, length - row) :] = pad_id
    return tokens


def _two_sides(draw: Draw, construct: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    batch, source, target = draw.sizes(3, low=2, high=7)
    pad_id = construct["pad_id"]
    return (
        _padded(draw, batch, source, construct["source_vocab"], pad_id),
        _padded(draw, batch, target, construct["target_vocab"], pad_id),
    )


def _same_weights(piece: Piece, construct: dict[str, Any]) -> None:
    """The student's parameters are ours, by name and shape, whichever way they are tied."""
    wanted = _shapes(tuple(construct.items()))
    found = piece.construct(**construct).parameters()
    same = _aliases(construct)
    apart = [name for name in same if name in found]
    if len(apart) > 1:
        how = (
            "self.head.weight = self.target_embedding.weight"
            if _TIED[-1] in apart
            else "with share_embeddings=True, self.target_embedding = self.source_embedding"
        )
        raise expect.Mismatch(
            f"{' and '.join(apart)} are parameters of their own. They should be one and the same: "
            f"{how}.",
            kind=f"not tied: {apart}",
        )
    back = {theirs: ours for ours, theirs in _names(found, construct).items()}
    expect.same_parameters({back.get(name, name): p for name, p in found.items()}, wanted)


@Transformer.property("parameter names and shapes", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The parameters should have the names and shapes that the exercise lists, and the head's
    weight should be the target embedding's."""
    _same_weights(piece, _sizes(draw, num_layers=2))


@Transformer.property("one embedding where it is shared", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """With share_embeddings=True, source and target embedding (and the head) are one parameter;
    vocabularies of two sizes should then be a ValueError."""
    construct = _sizes(draw, share_embeddings=True)
    expect.raises(
        ValueError,
        lambda: piece.construct(**construct),
        "Vocabularies of two sizes can't share one embedding, and that should be a ValueError.",
    )
    _same_weights(piece, construct | {"target_vocab": construct["source_vocab"]})


@Transformer.property("embeddings start small", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Embeddings should start normal with a standard deviation of 1/√d_model: the scale by √d_model
    brings them to 1, and the tied head makes logits of size 1."""
    d_model = 16 * draw.integer(2, 4)
    construct = _sizes(draw, d_model=d_model, num_heads=4, source_vocab=300, target_vocab=301)
    found = piece.construct(**construct).parameters()
    sizes = {"1": 1.0, "1/d_model": 1 / d_model, "√d_model": math.sqrt(d_model)}
    wrong, message = [], ""
    for name in ("source_embedding.weight", *_TIED):
        spread = found[name].std().item() if name in found else d_model**-0.5
        if not 0.8 < spread * math.sqrt(d_model) < 1.25:
            like = next((size for size, of in sizes.items() if 0.8 < spread / of < 1.25), "another")
            wrong.append(f"{name}: {like}")
            message = message or (
                f"{name.partition('.')[0]} starts with a standard deviation of {spread:.3g}; "
                f"1/√d_model is {d_model**-0.5:.3g}."
            )
    if wrong:
        raise expect.Mismatch(message, kind=f"starts at another size, {wrong}")


@Transformer.property("encode", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """encode(source) gives (memory, memory_mask): the scaled embeddings with positions, through the
    encoder; and the mask (batch, 1, 1, length), True at real tokens."""
    construct = _sizes(draw)
    instance, oracle = _assembled(piece, draw, construct)
    source, _ = _two_sides(draw, construct)
    found = expect.several(instance.method("encode")(source), "memory", "memory_mask")
    memory, mask = oracle.encode(source)
    expect.close(found[1], mask, "memory_mask")
    expect.close(found[0], memory.detach(), "memory", _CLOSE)


@Transformer.property("decode", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """decode(target_in, memory, memory_mask) gives logits (batch, length, target_vocab): the scaled
    target embeddings with positions, through the decoder under a causal mask, then the head."""
    construct = _sizes(draw)
    instance, oracle = _assembled(piece, draw, construct)
    source, target = _two_sides(draw, construct)
    memory = draw.normal(*source.shape, construct["d_model"])
    mask = draw.mask(len(source), 1, 1, source.size(1))
    # Where both sides are equally long, masks of the wrong side fit, and tell which one they are.
    as_long = _padded(draw, *source.shape, construct["target_vocab"], construct["pad_id"])
    for tokens in (as_long, target):
        logits = instance.method("decode")(tokens, memory, mask)
        wanted = oracle.decode(tokens, memory, mask).detach()
        expect.close(logits, wanted, "The logits", _CLOSE)


@Transformer.property("forward", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """model(source, target_in) encodes, then decodes: logits (batch, target length,
    target_vocab)."""
    construct = _sizes(draw)
    instance, oracle = _assembled(piece, draw, construct)
    sides = _two_sides(draw, construct)
    expect.close(instance(*sides), oracle(*sides).detach(), "The logits", _CLOSE)


@Transformer.property("post-norm, another activation, one embedding", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """norm_first, activation and share_embeddings should arrive where they belong."""
    vocab = draw.integer(10, 16)
    for changes in (
        {"norm_first": False, "activation": "silu"},
        {"share_embeddings": True, "source_vocab": vocab, "target_vocab": vocab},
    ):
        construct = _sizes(draw, **changes)
        instance, oracle = _assembled(piece, draw, construct)
        sides = _two_sides(draw, construct)
        asked = ", ".join(f"{name}={value!r}" for name, value in changes.items())
        what = f"With {asked}, the logits"
        expect.close(instance(*sides), oracle(*sides).detach(), what, _CLOSE)


@Transformer.property("more padding changes nothing", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Padding added to the sources should leave every logit as it was."""
    construct = _sizes(draw)
    instance = _fresh(piece, construct)
    source, target = _two_sides(draw, construct)
    longer = F.pad(source, (0, draw.integer(1, 3)), value=construct["pad_id"])
    before = expect.tensor(instance(source, target), "The result")
    after = expect.shape(instance(longer, target), before.shape, "The result")
    expect.that(torch.allclose(after, before, atol=1e-9), "With more padding, logits change.")


@Transformer.property("no look at later tokens", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Changing a later target token should leave the logits of earlier positions as they were."""
    construct = _sizes(draw)
    instance = _fresh(piece, construct)
    source, target = _two_sides(draw, construct)
    changed = target.clone()
    changed[:, -1] = 4 + (changed[:, -1] - 3) % (construct["target_vocab"] - 4)
    before = expect.tensor(instance(source, target), "The result")
    after = expect.shape(instance(source, changed), before.shape, "The result")
    expect.that(
        torch.allclose(after[:, :-1], before[:, :-1], atol=1e-9),
        "With another last token, logits of earlier positions change.",
    )


@Transformer.property("dropout", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In training, dropout acts where the stacks and the positions have it; with dropout=0.0, and
    after eval(), nothing is left to chance."""
    construct = _sizes(draw)
    sides = _two_sides(draw, construct)
    instance = _fresh(piece, construct)
    expected = expect.tensor(instance(*sides), "The result")
    found = expect.shape(instance.train()(*sides), expected.shape, "The result")
    expect.that(
        torch.allclose(found, expected, atol=_CLOSE),
        "With dropout=0.0, training gives other values than eval mode: some layer has a dropout of "
        "its own.",
    )
    # With every weight but the norms' zero, only the positions have anything to drop.
    quiet = _fresh(piece, construct | {"dropout": 0.5, "norm_first": False}).train()
    once, again = (quiet(*sides) for _ in range(2))
    expect.that(not torch.equal(once, again), "With dropout=0.5, nothing is dropped in training.")
    found = quiet.parameters()
    quiet.load({name: torch.zeros_like(p) for name, p in found.items() if "norm" not in name})
    once, again = (
        expect.several(quiet.method("encode")(sides[0]), "memory", "memory_mask")[0]
        for _ in range(2)
    )
    expect.that(not torch.equal(once, again), "With dropout=0.5, the positions drop nothing.")


@Transformer.property("max_length and pad_id are kept", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A sentence longer than max_length should be a ValueError on either side, and one of
    max_length should pass; pad_id should be kept as self.pad_id, for those who train and decode."""
    construct = _sizes(draw)
    instance = _fresh(piece, construct)
    longest = construct["max_length"]
    tokens = draw.tokens(2, longest + 1, low=4, high=9)
    instance(tokens[:, :-1], tokens[:, :-1])
    for name, sides in (
        ("source", (tokens, tokens[:, :3])),
        ("target", (tokens[:, :3], tokens)),
    ):
        expect.raises(
            ValueError,
            lambda sides=sides: instance(*sides),
            f"The {name} was longer than max_length, and that should be a ValueError.",
        )
    try:
        instance.method("pad_id")()
    except PieceRaised as raised:
        expect.that(
            not raised.is_a(AttributeError), "The model has no pad_id: keep self.pad_id = pad_id."
        )


@Transformer.property("gradients flow", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Gradients should flow back to every weight; the tied one gets them from both its places."""
    construct = _sizes(draw)
    instance, oracle = _assembled(piece, draw, construct)
    sides = _two_sides(draw, construct)
    logits = oracle(*sides)
    cotangent = draw.normal(*logits.shape)
    weights = dict(oracle.named_parameters())
    wanted = torch.autograd.grad(logits, list(weights.values()), cotangent)
    found = instance.gradients(*sides, cotangents=[cotangent])
    expect.shape(found.value, logits.shape, "The result")
    names = _names(found.weights, construct)
    for name, expected in zip(weights, wanted, strict=True):
        gradient = found.weights.get(names.get(name, name))
        expect.that(gradient is not None, f"No gradient flows back to {name}.")
        # A key's bias moves all scores alike: its gradient is zero but for rounding.
        expect.close(gradient, expected, f"The gradient of {name}", 1e-4)


@Transformer.property("inputs stay as they were", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave the tokens as they were."""
    construct = _sizes(draw)
    instance = _fresh(piece, construct)
    sides = _two_sides(draw, construct)
    expect.unchanged(sides, instance.inputs_after(*sides))


@Transformer.property("float32, on this machine's device", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """In float32, on this machine's fastest device, the values should be the same."""
    construct = _sizes(draw)
    instance, oracle = _assembled(piece, draw, construct, torch.float32)
    sides = _two_sides(draw, construct)
    logits = instance.on_accelerator(*sides)
    expect.close(logits, oracle(*sides).detach(), "The logits", 1e-3)


class _Assembly(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(
        self,
        source_vocab,
        target_vocab,
        d_model,
        num_heads,
        num_layers,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        share_embeddings=False,
        pad_id=0,
        max_length=512,
    ):
        super().__init__()
        if share_embeddings and source_vocab != target_vocab:
            raise ValueError("one embedding needs one vocabulary")
        self.pad_id = pad_id
        self.d_model = d_model
        self.source_embedding = nn.Embedding(source_vocab, d_model)
        self.target_embedding = (
            self.source_embedding if share_embeddings else nn.Embedding(target_vocab, d_model)
        )
        self.positions = pieces.PositionalEncoding(d_model, max_length, dropout)
        stack = (num_layers, d_model, num_heads, d_ff, dropout, norm_first, activation)
        self.encoder = pieces.Encoder(*stack)
        self.decoder = pieces.Decoder(*stack)
        self.head = pieces.OutputHead(d_model, target_vocab)
        self.head.weight = self.target_embedding.weight
        for embedding in (self.source_embedding, self.target_embedding):
            nn.init.normal_(embedding.weight, std=d_model**-0.5)

    def embed(self, embedding, tokens):
        return self.positions(embedding(tokens) * math.sqrt(self.d_model))

    def encode(self, source):
        mask = pieces.padding_mask(source, self.pad_id)
        return self.encoder(self.embed(self.source_embedding, source), mask), mask

    def causal(self, target_in):
        return pieces.causal_mask(target_in.size(1)).to(target_in.device)

    def decode(self, target_in, memory, memory_mask):
        x = self.embed(self.target_embedding, target_in)
        return self.head(self.decoder(x, memory, self.causal(target_in), memory_mask))

    def forward(self, source, target_in):
        return self.decode(target_in, *self.encode(source))


def _changed(method: str) -> Callable[[Callable], type[nn.Module]]:
    """A Transformer that is right but for this method."""

    def make(change: Callable[..., Any]) -> type[nn.Module]:
        Wrong = type("Wrong", (_Assembly,), {method: change})
        Wrong.__doc__ = change.__doc__
        return Wrong

    return make


def _constructed(change: Callable[..., None]) -> type[nn.Module]:
    """A Transformer whose constructor did something else: `change(model, arguments)`, after the
    right one."""
    signature = inspect.signature(_Assembly.__init__)

    class Wrong(_Assembly):
        def __init__(self, *args, **kwargs):
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            super().__init__(*args, **kwargs)
            change(self, bound.arguments)

    Wrong.__init__.__signature__ = signature
    Wrong.__doc__ = change.__doc__
    return Wrong


@Transformer.misconception("embeddings not scaled")
@_changed("embed")
def _(self, embedding, tokens):
    """You add the positions to the embeddings as they are. Multiply the embeddings by √d_model
    first (section 3.4 of the paper): they start at 1/√d_model and would drown in the positions."""
    return self.positions(embedding(tokens))


@Transformer.misconception("embeddings divided")
@_changed("embed")
def _(self, embedding, tokens):
    """You divide the embeddings by √d_model. They are multiplied by it; dividing is for scores."""
    return self.positions(embedding(tokens) / math.sqrt(self.d_model))


@Transformer.misconception("scaled by d_model")
@_changed("embed")
def _(self, embedding, tokens):
    """Your embeddings are multiplied by d_model in all: by d_model, or twice by its root. The
    factor is √d_model, once."""
    return self.positions(embedding(tokens) * self.d_model)


@Transformer.misconception("scaled after the positions")
@_changed("embed")
def _(self, embedding, tokens):
    """You scale the sum of embedding and position. Only the embedding is multiplied by √d_model;
    the positions are added afterwards, as they are."""
    x = self.positions(embedding(tokens))
    return x * math.sqrt(self.d_model)


@Transformer.misconception("only the source is scaled")
@_changed("decode")
def _(self, target_in, memory, memory_mask):
    """The target embeddings are not scaled. Both sides are multiplied by √d_model."""
    x = self.positions(self.target_embedding(target_in))
    return self.head(self.decoder(x, memory, self.causal(target_in), memory_mask))


@Transformer.misconception("only the target is scaled")
@_changed("encode")
def _(self, source):
    """The source embeddings are not scaled. Both sides are multiplied by √d_model."""
    mask = pieces.padding_mask(source, self.pad_id)
    return self.encoder(self.positions(self.source_embedding(source)), mask), mask


@Transformer.misconception("no positions")
@_changed("embed")
def _(self, embedding, tokens):
    """The positions are never added: your model can't tell "the dog bites the man" from "the man
    bites the dog". x = self.positions(embedding · √d_model), on both sides."""
    return embedding(tokens) * math.sqrt(self.d_model)


@Transformer.misconception("no positions for the target")
@_changed("decode")
def _(self, target_in, memory, memory_mask):
    """The target gets no positions. Both sides go through self.positions."""
    x = self.target_embedding(target_in) * math.sqrt(self.d_model)
    return self.head(self.decoder(x, memory, self.causal(target_in), memory_mask))


@Transformer.misconception("no positions for the source")
@_changed("encode")
def _(self, source):
    """The source gets no positions. Both sides go through self.positions."""
    mask = pieces.padding_mask(source, self.pad_id)
    return self.encoder(self.source_embedding(source) * math.sqrt(self.d_model), mask), mask


@Transformer.misconception("encoder and decoder inputs swapped")
@_changed("forward")
def _(self, source, target_in):
    """The target goes into your encoder and the source into your decoder. It is the other way
    round: encode(source), then decode(target_in, …). (A widely used tutorial has this mistake.)"""
    memory, mask = self.encode(target_in.clamp(max=self.source_embedding.num_embeddings - 1))
    return self.decode(source.clamp(max=self.target_embedding.num_embeddings - 1), memory, mask)


@Transformer.misconception("inputs swapped, and an index out of range")
@_changed("forward")
def _(self, source, target_in):
    """The target goes into your encoder and the source into your decoder, which looks up words of
    the other language. It is the other way round: encode(source), then decode(target_in, …). (A
    widely used tutorial has this mistake.)"""
    return self.decode(source, *self.encode(target_in))


@Transformer.misconception("memory and target swapped in the decoder")
@_changed("decode")
def _(self, target_in, memory, memory_mask):
    """You call the decoder with the memory first. Its first argument is the target x, its second
    the memory that it looks things up in."""
    x = self.embed(self.target_embedding, target_in)
    return self.head(self.decoder(memory, x, None, None))


@Transformer.misconception("the source's embedding for the target")
@_changed("decode")
def _(self, target_in, memory, memory_mask):
    """You look up the target tokens in the source embedding. Each language has its own, unless
    they are shared."""
    known = self.source_embedding.num_embeddings
    x = self.embed(self.source_embedding, target_in.clamp(max=known - 1))
    return self.head(self.decoder(x, memory, self.causal(target_in), memory_mask))


@Transformer.misconception("no causal mask")
@_changed("causal")
def _(self, target_in):
    """Your decoder has no causal mask: each position sees the very token that it should predict.
    Training looks wonderful, and nothing can be written. Hand causal_mask(length) to the decoder
    as its third argument."""
    return None


@Transformer.misconception("causal mask the wrong way round")
@_changed("causal")
def _(self, target_in):
    """Your causal mask hides what may be seen. True means "may attend", and causal_mask gives it
    that way: pass it on without ~."""
    return ~pieces.causal_mask(target_in.size(1)).to(target_in.device)


@Transformer.misconception("source mask not given to cross-attention")
@_changed("decode")
def _(self, target_in, memory, memory_mask):
    """The decoder looks at the padding of the source: memory_mask doesn't reach its
    cross-attention. It is the decoder's fourth argument."""
    x = self.embed(self.target_embedding, target_in)
    return self.head(self.decoder(x, memory, self.causal(target_in)))


@Transformer.misconception("masks swapped in the decoder")
@_changed("decode")
def _(self, target_in, memory, memory_mask):
    """You have swapped the decoder's two masks. decoder(x, memory, self_mask, cross_mask): the
    causal mask first, then memory_mask."""
    x = self.embed(self.target_embedding, target_in)
    return self.head(self.decoder(x, memory, memory_mask, self.causal(target_in)))


@Transformer.misconception("causal mask of the source's length")
@_changed("decode")
def _(self, target_in, memory, memory_mask):
    """Your causal mask has the length of the source. It is for the target, which looks at itself:
    causal_mask(target_in.shape[1])."""
    x = self.embed(self.target_embedding, target_in)
    mask = pieces.causal_mask(memory.size(1)).to(target_in.device)
    return self.head(self.decoder(x, memory, mask, memory_mask))


@Transformer.misconception("encoder without its mask")
@_changed("encode")
def _(self, source):
    """Your encoder attends to padding: hand the mask on, self.encoder(x, mask)."""
    mask = pieces.padding_mask(source, self.pad_id)
    return self.encoder(self.embed(self.source_embedding, source)), mask


@Transformer.misconception("masks never used")
class _(_Assembly):
    """Neither stack gets a mask: the encoder attends to padding and the decoder to the future. The
    encoder takes the padding mask, the decoder the causal mask and memory_mask."""

    def encode(self, source):
        mask = pieces.padding_mask(source, self.pad_id)
        return self.encoder(self.embed(self.source_embedding, source)), mask

    def decode(self, target_in, memory, memory_mask):
        return self.head(self.decoder(self.embed(self.target_embedding, target_in), memory))


@Transformer.misconception("padding mask the wrong way round")
@_changed("encode")
def _(self, source):
    """Your mask is True at the padding. True means "may attend": padding_mask(source, pad_id) as it
    is, without ~."""
    mask = ~pieces.padding_mask(source, self.pad_id)
    return self.encoder(self.embed(self.source_embedding, source), mask), mask


@Transformer.misconception("causal mask in the encoder")
@_changed("encode")
def _(self, source):
    """Your encoder reads under a causal mask. The source is all there from the beginning: its words
    may look in both directions, and only padding is hidden."""
    mask = pieces.padding_mask(source, self.pad_id)
    both = mask & pieces.causal_mask(source.size(1)).to(source.device)
    return self.encoder(self.embed(self.source_embedding, source), both), mask


@Transformer.misconception("padding mask (batch, length)")
@_changed("encode")
def _(self, source):
    """memory_mask has two dimensions, (batch, length). It has to broadcast against the scores
    (batch, heads, queries, keys): your padding_mask gives (batch, 1, 1, length)."""
    mask = pieces.padding_mask(source, self.pad_id)
    return self.encoder(self.embed(self.source_embedding, source), mask), mask[:, 0, 0]


@Transformer.misconception("no mask returned")
@_changed("encode")
def _(self, source):
    """encode returns the memory alone. Whoever decodes needs the mask too: return memory,
    memory_mask."""
    mask = pieces.padding_mask(source, self.pad_id)
    return self.encoder(self.embed(self.source_embedding, source), mask)


@Transformer.misconception("pad_id taken for 0")
@_changed("encode")
def _(self, source):
    """Your padding mask looks for token 0, whatever pad_id is. Use self.pad_id."""
    mask = pieces.padding_mask(source, 0)
    return self.encoder(self.embed(self.source_embedding, source), mask), mask


@Transformer.misconception("padding of the target hidden too")
@_changed("decode")
def _(self, target_in, memory, memory_mask):
    """You also hide the padding of the target. It comes after a sentence's end, so no real token
    looks at it under the causal mask; hiding it changes the logits at padding, and a first token
    that equals pad_id would see nothing. The causal mask alone is asked for."""
    x = self.embed(self.target_embedding, target_in)
    mask = self.causal(target_in) & pieces.padding_mask(target_in, self.pad_id)
    return self.head(self.decoder(x, memory, mask, memory_mask))


@Transformer.misconception("probabilities in place of logits")
@_changed("decode")
def _(self, target_in, memory, memory_mask):
    """You end in a softmax. The loss takes logits and does the softmax itself; twice is one too
    many. Return what the head gives."""
    return _Assembly.decode(self, target_in, memory, memory_mask).softmax(-1)


@Transformer.misconception("logits of the last position only")
@_changed("decode")
def _(self, target_in, memory, memory_mask):
    """decode returns the last position's logits only. Training needs them at all positions:
    (batch, length, target_vocab); whoever decodes picks the last one."""
    return _Assembly.decode(self, target_in, memory, memory_mask)[:, -1]


@Transformer.misconception("no head")
@_changed("decode")
def _(self, target_in, memory, memory_mask):
    """decode returns the decoder's hidden states. The head makes logits of them:
    self.head(…)."""
    x = self.embed(self.target_embedding, target_in)
    return self.decoder(x, memory, self.causal(target_in), memory_mask)


@Transformer.misconception("head not tied")
@_constructed
def _(model, given):
    """The head has a weight of its own. It is tied to the target embedding:
    self.head.weight = self.target_embedding.weight."""
    model.head = pieces.OutputHead(given["d_model"], given["target_vocab"])


@Transformer.misconception("tied to the source embedding")
@_constructed
def _(model, given):
    """The head is tied to the source embedding, so it can't write the target language. Tie it to
    the target's: self.head.weight = self.target_embedding.weight."""
    model.head.weight = model.source_embedding.weight


@Transformer.misconception("a linear layer with bias for the head")
@_constructed
def _(model, given):
    """Your head has a bias. OutputHead of lesson 06 has none; its only parameter is the tied
    weight."""
    model.head = nn.Linear(given["d_model"], given["target_vocab"])
    model.head.weight = model.target_embedding.weight


@Transformer.misconception("share_embeddings ignored")
@_constructed
def _(model, given):
    """With share_embeddings=True, source and target still have embeddings of their own. Then
    self.target_embedding should be self.source_embedding."""
    if given["share_embeddings"]:
        model.target_embedding = nn.Embedding(given["target_vocab"], given["d_model"])
        nn.init.normal_(model.target_embedding.weight, std=given["d_model"] ** -0.5)
        model.head.weight = model.target_embedding.weight


@Transformer.misconception("always shared")
@_constructed
def _(model, given):
    """Source and target use one embedding, whether it is asked for or not. Only with
    share_embeddings=True."""
    model.source_embedding = model.target_embedding


@Transformer.misconception("two vocabularies shared")
class _(_Assembly):
    """With share_embeddings=True and vocabularies of two sizes your constructor says nothing. There
    is no embedding that fits both: raise a ValueError."""

    def __init__(
        self,
        source_vocab,
        target_vocab,
        d_model,
        num_heads,
        num_layers,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        share_embeddings=False,
        pad_id=0,
        max_length=512,
    ):
        larger = max(source_vocab, target_vocab)
        vocab = (larger, larger) if share_embeddings else (source_vocab, target_vocab)
        super().__init__(
            *vocab, d_model, num_heads, num_layers, d_ff, dropout, norm_first, activation,
            share_embeddings, pad_id, max_length,
        )  # fmt: skip


@Transformer.misconception("embeddings left at their size")
@_constructed
def _(model, given):
    """nn.Embedding starts with a standard deviation of 1. Multiplied by √d_model that is far too
    large, and so are the tied head's first logits. Begin at 1/√d_model:
    nn.init.normal_(embedding.weight, std=d_model ** -0.5)."""
    for embedding in (model.source_embedding, model.target_embedding):
        nn.init.normal_(embedding.weight)


@Transformer.misconception("embeddings start at 1/d_model")
@_constructed
def _(model, given):
    """Your embeddings start at 1/d_model. The root is missing: std=d_model ** -0.5."""
    for embedding in (model.source_embedding, model.target_embedding):
        nn.init.normal_(embedding.weight, std=1 / given["d_model"])


@Transformer.misconception("embeddings start at √d_model")
@_constructed
def _(model, given):
    """Your embeddings start at √d_model, far too large. The exponent is negative:
    std=d_model ** -0.5."""
    for embedding in (model.source_embedding, model.target_embedding):
        nn.init.normal_(embedding.weight, std=given["d_model"] ** 0.5)


@Transformer.misconception("only one embedding starts small")
@_constructed
def _(model, given):
    """Only one of the two embeddings starts at 1/√d_model. Both should."""
    if not given["share_embeddings"]:
        nn.init.normal_(model.source_embedding.weight)


@Transformer.misconception("other names")
@_constructed
def _(model, given):
    """The parts have other names than the exercise asks: source_embedding, target_embedding,
    positions, encoder, decoder, head. Names are how weights are exchanged."""
    model.src_embed, model.tgt_embed = model.source_embedding, model.target_embedding
    del model.source_embedding, model.target_embedding


@Transformer.misconception("norm_first not passed on")
@_constructed
def _(model, given):
    """norm_first doesn't reach the stacks: pass it to Encoder and Decoder."""
    stack = (given["num_layers"], given["d_model"], given["num_heads"], given["d_ff"])
    model.encoder = pieces.Encoder(*stack, given["dropout"], activation=given["activation"])
    model.decoder = pieces.Decoder(*stack, given["dropout"], activation=given["activation"])


@Transformer.misconception("neither norm_first nor activation passed on")
@_constructed
def _(model, given):
    """norm_first and activation don't reach the stacks: pass both to Encoder and Decoder."""
    stack = [given[name] for name in ("num_layers", "d_model", "num_heads", "d_ff", "dropout")]
    model.encoder, model.decoder = pieces.Encoder(*stack), pieces.Decoder(*stack)


@Transformer.misconception("the decoder without norm_first and activation")
@_constructed
def _(model, given):
    """norm_first and activation reach the encoder only. Decoder takes the same arguments."""
    stack = [given[name] for name in ("num_layers", "d_model", "num_heads", "d_ff", "dropout")]
    model.decoder = pieces.Decoder(*stack)


@Transformer.misconception("the encoder without norm_first and activation")
@_constructed
def _(model, given):
    """norm_first and activation reach the decoder only. Encoder takes the same arguments."""
    stack = [given[name] for name in ("num_layers", "d_model", "num_heads", "d_ff", "dropout")]
    model.encoder = pieces.Encoder(*stack)


@Transformer.misconception("num_layers not in front")
@_constructed
def _(model, given):
    """The stacks take num_layers first: Encoder(num_layers, d_model, num_heads, d_ff, dropout,
    norm_first, activation). You hand them d_model first, as Transformer itself is given it."""
    names = ("d_model", "num_heads", "num_layers", "d_ff", "dropout", "norm_first", "activation")
    stack = [given[name] for name in names]
    model.encoder, model.decoder = pieces.Encoder(*stack), pieces.Decoder(*stack)


@Transformer.misconception("activation not passed on")
@_constructed
def _(model, given):
    """activation doesn't reach the stacks: pass it to Encoder and Decoder."""
    stack = [given[name] for name in ("num_layers", "d_model", "num_heads", "d_ff", "dropout")]
    model.encoder = pieces.Encoder(*stack, given["norm_first"])
    model.decoder = pieces.Decoder(*stack, given["norm_first"])


@Transformer.misconception("dropout not passed on")
@_constructed
def _(model, given):
    """Some part keeps a dropout of its own, 0.1, whatever was asked: pass dropout to Encoder, to
    Decoder and to PositionalEncoding(d_model, max_length, dropout)."""
    stack = [given[name] for name in ("num_layers", "d_model", "num_heads", "d_ff")]
    model.encoder = pieces.Encoder(*stack, 0.1, given["norm_first"], given["activation"])
    model.decoder = pieces.Decoder(*stack, 0.1, given["norm_first"], given["activation"])


@Transformer.misconception("no dropout anywhere")
@_constructed
def _(model, given):
    """Nothing is dropped in training: dropout reaches neither the stacks nor the positions."""
    stack = [given[name] for name in ("num_layers", "d_model", "num_heads", "d_ff")]
    model.encoder = pieces.Encoder(*stack, 0.0, given["norm_first"], given["activation"])
    model.decoder = pieces.Decoder(*stack, 0.0, given["norm_first"], given["activation"])
    model.positions = pieces.PositionalEncoding(given["d_model"], given["max_length"], 0.0)


@Transformer.misconception("max_length not passed to the positions")
@_constructed
def _(model, given):
    """max_length doesn't reach the positions, and their own 5,000 stand where it should:
    PositionalEncoding(d_model, max_length, dropout)."""
    model.positions = pieces.PositionalEncoding(given["d_model"], dropout=given["dropout"])


@Transformer.misconception("max_length and dropout swapped")
@_constructed
def _(model, given):
    """You hand PositionalEncoding the dropout where max_length belongs. Its order is
    PositionalEncoding(d_model, max_length, dropout)."""
    model.positions = pieces.PositionalEncoding(
        given["d_model"], given["dropout"], given["max_length"]
    )


@Transformer.misconception("pad_id not kept")
class _(_Assembly):
    """Your model keeps pad_id under another name. train_step and the decoders ask for
    model.pad_id."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.padding = self.pad_id
        del self.pad_id

    __init__.__signature__ = inspect.signature(_Assembly.__init__)

    def encode(self, source):
        mask = pieces.padding_mask(source, self.padding)
        return self.encoder(self.embed(self.source_embedding, source), mask), mask


@Transformer.misconception("encoder used twice")
@_changed("forward")
def _(self, source, target_in):
    """You encode the memory once more. encode runs once; decode gets what it returned."""
    memory, mask = self.encode(source)
    return self.decode(target_in, self.encoder(memory, mask), mask)


@Transformer.misconception("cross-attention to the embeddings")
@_changed("encode")
def _(self, source):
    """The encoder's work is never used: your memory is the embedded source. Return what the encoder
    makes of it."""
    return self.embed(self.source_embedding, source), pieces.padding_mask(source, self.pad_id)


@Transformer.misconception("memory cut off from the graph")
@_changed("forward")
def _(self, source, target_in):
    """No gradient reaches the encoder: a .detach() or torch.no_grad() cuts the memory off, and it
    would never learn."""
    memory, mask = self.encode(source)
    return self.decode(target_in, memory.detach(), mask)


@Transformer.misconception("forward shifts the target")
@_changed("forward")
def _(self, source, target_in):
    """You shift the target inside the model. target_in comes shifted already, with bos in front:
    decode it as it is."""
    return self.decode(pieces.shift_right(target_in, BOS), *self.encode(source))


@Transformer.misconception("forward returns the memory too")
@_changed("forward")
def _(self, source, target_in):
    """forward returns several things. Only the logits are asked for."""
    memory, mask = self.encode(source)
    return self.decode(target_in, memory, mask), memory


# ---- label_smoothing_loss ----------------------------------------------------------------------

label_smoothing_loss = Exercise("label_smoothing_loss", reference=pieces.label_smoothing_loss)


def _smoothed(draw: Draw, **changes: Any) -> Case:
    """Logits of sentences of several lengths; the padding's targets are pad_id, which is not 0."""
    batch, length, vocab = draw.sizes(3, low=3, high=9)
    pad_id = draw.integer(0, vocab - 1)
    targets = draw.tokens(batch, length, low=0, high=vocab - 1)
    targets = torch.where(targets == pad_id, (pad_id + 1) % vocab, targets)
    for row in range(1, batch):
        targets[row, max(1, length - row) :] = pad_id
    logits = draw.normal(batch, length, vocab, scale=2.0)
    given = {"smoothing": draw.uniform(0.1, 0.4)} | changes
    return Case((logits, targets, pad_id), given)


def _plain_loss(draw: Draw) -> Case:
    return _smoothed(draw, smoothing=0.0)


def _by_default(draw: Draw) -> Case:
    case = _smoothed(draw)
    return Case(case.args)


equals_reference(
    label_smoothing_loss,
    _plain_loss,
    ("The loss",),
    name="without smoothing",
    points=0.5,
    says="With smoothing=0 it is the plain cross-entropy: −log p of the right token, the mean over "
    "all real tokens.",
)
equals_reference(
    label_smoothing_loss,
    _smoothed,
    ("The loss",),
    name="with smoothing",
    points=0.75,
    says="The right token should get 1 − smoothing, and every token of the vocabulary, the right "
    "one too, smoothing / vocab_size.",
)
equals_reference(
    label_smoothing_loss,
    _by_default,
    ("The loss",),
    name="0.1 by default",
    points=0.25,
    says="Without a fourth argument, smoothing is 0.1.",
)


@label_smoothing_loss.property("padding counts for nothing", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """Whatever the logits at padding are, the loss stays; and more padding changes nothing."""
    case = _smoothed(draw)
    logits, targets, pad_id = case.args
    loss = expect.shape(piece(*case.args, **case.kwargs), (), "The loss")
    other = torch.where((targets == pad_id)[..., None], draw.normal(*logits.shape), logits)
    expect.close(
        piece(other, targets, pad_id, **case.kwargs), loss, "The loss, with other padding,"
    )
    longer = F.pad(logits, (0, 0, 0, 2)), F.pad(targets, (0, 2), value=pad_id)
    expect.close(piece(*longer, pad_id, **case.kwargs), loss, "The loss, with more padding,")


@label_smoothing_loss.property("one row of tokens", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Logits (tokens, vocab_size) with targets (tokens,) should do as well."""
    case = _smoothed(draw)
    logits, targets, pad_id = case.args
    flat = (logits.flatten(0, 1), targets.flatten(), pad_id)
    wanted = pieces.label_smoothing_loss(*flat, **case.kwargs)
    expect.close(piece(*flat, **case.kwargs), wanted, "The loss")


gradients_flow(label_smoothing_loss, _smoothed, of=("logits",), points=0.25)
inputs_stay(label_smoothing_loss, _smoothed, points=0.25)


def _smooth(
    logits: torch.Tensor,
    targets: torch.Tensor,
    pad_id: int,
    right: float,
    others: float,
    mean: bool = True,
) -> torch.Tensor:
    """−Σ q·log p with q = right at the target and others everywhere, it included."""
    logs = logits.log_softmax(-1)
    losses = -right * logs.gather(-1, targets[..., None])[..., 0] - others * logs.sum(-1)
    return losses[targets != pad_id].mean() if mean else losses


@label_smoothing_loss.misconception("padding counted")
def _(logits, targets, pad_id, smoothing=0.1):
    """You count the padding. A model would learn to write padding, and the loss would look better
    than it is. Leave out the positions whose target is pad_id (ignore_index)."""
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), label_smoothing=smoothing)


@label_smoothing_loss.misconception("mean over all positions")
def _(logits, targets, pad_id, smoothing=0.1):
    """The losses at padding are zero, and you still divide by all positions. Divide by the number
    of real tokens."""
    losses = F.cross_entropy(
        logits.flatten(0, -2),
        targets.flatten(),
        ignore_index=pad_id,
        label_smoothing=smoothing,
        reduction="none",
    )
    return losses.mean()


@label_smoothing_loss.misconception("sum in place of the mean")
def _(logits, targets, pad_id, smoothing=0.1):
    """You add the losses up. Take their mean over the real tokens, so that a large batch doesn't
    take larger steps."""
    return F.cross_entropy(
        logits.flatten(0, -2),
        targets.flatten(),
        ignore_index=pad_id,
        label_smoothing=smoothing,
        reduction="sum",
    )


@label_smoothing_loss.misconception("mean of the sentences' means")
def _(logits, targets, pad_id, smoothing=0.1):
    """You take the mean of each sentence first, and then the mean of those. So a token of a short
    sentence counts more. All real tokens of the batch count alike."""
    losses = _smooth(logits, targets, pad_id, 1 - smoothing, smoothing / logits.size(-1), False)
    real = targets != pad_id
    return ((losses * real).sum(-1) / real.sum(-1)).mean()


@label_smoothing_loss.misconception("sum over a sentence, mean over the batch")
def _(logits, targets, pad_id, smoothing=0.1):
    """You add up the tokens of a sentence and divide by the number of sentences. Divide by the
    number of real tokens."""
    losses = _smooth(logits, targets, pad_id, 1 - smoothing, smoothing / logits.size(-1), False)
    return (losses * (targets != pad_id)).sum() / len(targets)


@label_smoothing_loss.misconception("no smoothing")
def _(logits, targets, pad_id, smoothing=0.1):
    """smoothing is never used: this is the plain cross-entropy."""
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=pad_id)


@label_smoothing_loss.misconception("smoothing fixed at 0.1")
def _(logits, targets, pad_id, smoothing=0.1):
    """You always smooth by 0.1. Use the argument."""
    return pieces.label_smoothing_loss(logits, targets, pad_id, 0.1)


@label_smoothing_loss.misconception("smoothing and its rest swapped")
def _(logits, targets, pad_id, smoothing=0.1):
    """The right token gets `smoothing` and the others share 1 − smoothing. It is the other way
    round."""
    return pieces.label_smoothing_loss(logits, targets, pad_id, 1 - smoothing)


@label_smoothing_loss.misconception("mass on the wrong tokens only")
def _(logits, targets, pad_id, smoothing=0.1):
    """You share the smoothing among the wrong tokens, smoothing / (vocab_size − 1) each. In the
    convention of the paper behind it and of torch, the right token gets its share too:
    smoothing / vocab_size for all."""
    share = smoothing / (logits.size(-1) - 1)
    return _smooth(logits, targets, pad_id, 1 - smoothing - share, share)


@label_smoothing_loss.misconception("no mass on padding")
def _(logits, targets, pad_id, smoothing=0.1):
    """You give the padding token no share of the smoothing. That is done elsewhere; here every
    token of the vocabulary gets smoothing / vocab_size."""
    share = smoothing / (logits.size(-1) - 2)
    pad = torch.zeros(logits.size(-1), dtype=logits.dtype)
    pad[pad_id] = 1
    logs = logits.log_softmax(-1)
    at_target = logs.gather(-1, targets[..., None])[..., 0]
    rest = (logs * (1 - pad)).sum(-1) - at_target
    losses = -(1 - smoothing) * at_target - share * rest
    return losses[targets != pad_id].mean()


@label_smoothing_loss.misconception("every token gets all of it")
def _(logits, targets, pad_id, smoothing=0.1):
    """Every token gets the whole of `smoothing`. They share it: divide by the size of the
    vocabulary."""
    return _smooth(logits, targets, pad_id, 1 - smoothing, smoothing)


@label_smoothing_loss.misconception("the right token keeps all of its weight")
def _(logits, targets, pad_id, smoothing=0.1):
    """You add the smoothing on top: the right token still has 1, and together they have more than
    1. The right token gives `smoothing` away first: 1 − smoothing."""
    return _smooth(logits, targets, pad_id, 1.0, smoothing / logits.size(-1))


@label_smoothing_loss.misconception("the others' share forgotten")
def _(logits, targets, pad_id, smoothing=0.1):
    """The right token gives weight away, and nobody gets it. Add smoothing / vocab_size for every
    token of the vocabulary."""
    return _smooth(logits, targets, pad_id, 1 - smoothing, 0.0)


@label_smoothing_loss.misconception("shared by the tokens of the batch")
def _(logits, targets, pad_id, smoothing=0.1):
    """You divide the smoothing by the wrong size: by the number of positions. It is shared by the
    vocabulary, logits.size(-1)."""
    return _smooth(logits, targets, pad_id, 1 - smoothing, smoothing / logits.size(-2))


@label_smoothing_loss.misconception("a softmax too many")
def _(logits, targets, pad_id, smoothing=0.1):
    """You take a softmax before the loss, which takes one itself. Hand the logits over as they
    are."""
    return pieces.label_smoothing_loss(logits.softmax(-1), targets, pad_id, smoothing)


@label_smoothing_loss.misconception("log of the softmax taken twice over the wrong axis")
def _(logits, targets, pad_id, smoothing=0.1):
    """Your softmax runs over the wrong axis. The vocabulary is the last one: dim=-1."""
    logs = logits.log_softmax(-2)
    losses = -(1 - smoothing) * logs.gather(-1, targets[..., None])[..., 0]
    losses = losses - smoothing * logs.mean(-1)
    return losses[targets != pad_id].mean()


@label_smoothing_loss.misconception("the sign forgotten")
def _(logits, targets, pad_id, smoothing=0.1):
    """Your loss is negative: it has lost its minus sign, and training would make everything
    worse."""
    return -pieces.label_smoothing_loss(logits, targets, pad_id, smoothing)


@label_smoothing_loss.misconception("not flattened")
def _(logits, targets, pad_id, smoothing=0.1):
    """cross_entropy wants the vocabulary in second place. Flatten what is in front of it: logits to
    (tokens, vocab_size) by flatten(0, -2), targets to (tokens,) by flatten()."""
    return F.cross_entropy(logits, targets, ignore_index=pad_id, label_smoothing=smoothing)


@label_smoothing_loss.misconception("always three dimensions")
def _(logits, targets, pad_id, smoothing=0.1):
    """You count on three dimensions. Logits come as (..., V): also as one row of tokens, (tokens,
    V). flatten(0, -2) joins whatever is in front of the vocabulary; flatten(0, 1) swallows it."""
    return F.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=pad_id, label_smoothing=smoothing
    )


@label_smoothing_loss.misconception("transposed, always three dimensions")
def _(logits, targets, pad_id, smoothing=0.1):
    """transpose(1, 2) counts on three dimensions. Logits come as (..., V): also as one row of
    tokens, (tokens, V). logits.flatten(0, -2) and targets.flatten() do for both."""
    return F.cross_entropy(
        logits.transpose(1, 2), targets, ignore_index=pad_id, label_smoothing=smoothing
    )


@label_smoothing_loss.misconception("padding's logits weighed by 0")
def _(logits, targets, pad_id, smoothing=0.1):
    """You give the padding token the weight 0. Then it loses its share of the smoothing too, at
    every position. Leave out the positions whose target is pad_id: ignore_index."""
    weight = torch.ones(logits.size(-1), dtype=logits.dtype)
    weight[pad_id] = 0
    return F.cross_entropy(
        logits.flatten(0, -2), targets.flatten(), weight=weight, label_smoothing=smoothing
    )


@label_smoothing_loss.misconception("the right token's own share forgotten")
def _(logits, targets, pad_id, smoothing=0.1):
    """Your wanted probabilities don't add up to 1: the right token has 1 − smoothing, and its own
    share of smoothing / vocab_size is missing."""
    share = smoothing / logits.size(-1)
    return _smooth(logits, targets, pad_id, 1 - smoothing - share, share)


@label_smoothing_loss.misconception("flattened by a bare view")
def _(logits, targets, pad_id, smoothing=0.1):
    """You reshape where you should transpose: reshape reads the numbers in memory order, and each
    target meets the logits of another word. logits.flatten(0, -2) keeps them together, or
    transpose(-1, -2)."""
    reshaped = logits.reshape(*logits.shape[:-2], logits.size(-1), logits.size(-2))
    return pieces.label_smoothing_loss(reshaped.transpose(-1, -2), targets, pad_id, smoothing)


@label_smoothing_loss.misconception("pad_id taken for 0")
def _(logits, targets, pad_id, smoothing=0.1):
    """You leave out token 0, whatever pad_id is. Use the argument."""
    return pieces.label_smoothing_loss(logits, targets, 0 if pad_id else -100, smoothing)


@label_smoothing_loss.misconception("a float")
def _(logits, targets, pad_id, smoothing=0.1):
    """You return a plain number. The loss has to be a tensor, so that backward() can start from
    it: no .item() here."""
    return pieces.label_smoothing_loss(logits, targets, pad_id, smoothing).item()


@label_smoothing_loss.misconception("one loss a token")
def _(logits, targets, pad_id, smoothing=0.1):
    """You return one loss for each token. One number is asked for: their mean over the real
    tokens."""
    losses = _smooth(logits, targets, pad_id, 1 - smoothing, smoothing / logits.size(-1), False)
    return losses * (targets != pad_id)


@label_smoothing_loss.misconception("targets changed in place")
def _(logits, targets, pad_id, smoothing=0.1):
    """Your call changes the caller's targets. Make a new tensor: masked_fill, without the _ at the
    end."""
    loss = pieces.label_smoothing_loss(logits, targets.clone(), pad_id, smoothing)
    targets.masked_fill_(targets == pad_id, -100)
    return loss


@label_smoothing_loss.misconception("cut off from the graph")
def _(logits, targets, pad_id, smoothing=0.1):
    """The value is right, and no gradient flows back: a .detach(), .data or torch.no_grad() cuts
    the loss off from the logits."""
    return pieces.label_smoothing_loss(logits.detach(), targets, pad_id, smoothing)


# ---- warmup_rate -------------------------------------------------------------------------------

warmup_rate = Exercise("warmup_rate", reference=pieces.warmup_rate)


def _expect_rate(piece: Piece, step: int, d_model: int, warmup: int) -> None:
    found = piece(step, d_model, warmup)
    what = f"warmup_rate({step}, {d_model}, {warmup})"
    if isinstance(found, torch.Tensor):
        raise expect.Mismatch(f"{what} should be a plain number; it is a tensor.", kind="a tensor")
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    expect.that(number, f"{what} should be a number; it is {expect.describe(found)}.")
    wanted = pieces.warmup_rate(step, d_model, warmup)
    expect.that(
        math.isclose(found, wanted, rel_tol=1e-9),
        f"{what} should be {wanted:.6g}; yours is {found:.6g}.",
    )


@warmup_rate.property("on the way up", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """Up to step `warmup`, the rate grows with the step: d_model^−0.5 · step · warmup^−1.5."""
    d_model, warmup = draw.integer(20, 600), draw.integer(40, 4000)
    for step in (1, 2, warmup // 3):
        _expect_rate(piece, step, d_model, warmup)


@warmup_rate.property("on the way down", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """After step `warmup`, the rate falls with the root of the step: d_model^−0.5 · step^−0.5."""
    d_model, warmup = draw.integer(20, 600), draw.integer(40, 4000)
    for step in (warmup + 1, 3 * warmup, 50 * warmup + 7):
        _expect_rate(piece, step, d_model, warmup)


@warmup_rate.property("the peak", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """At step `warmup` both are equal, and the rate is at its largest."""
    d_model, warmup = draw.integer(20, 600), draw.integer(40, 4000)
    _expect_rate(piece, warmup, d_model, warmup)


@warmup_rate.property("step 0 counts as 1", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A scheduler asks for step 0 first: it should get the rate of step 1, and not divide by
    zero."""
    d_model, warmup = draw.integer(20, 600), draw.integer(40, 4000)
    _expect_rate(piece, 0, d_model, warmup)


@warmup_rate.misconception("step 0 divides by zero")
def _(step, d_model, warmup):
    """0 to the power of −0.5 divides by zero. Step 0 counts as 1: step = max(step, 1)."""
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


@warmup_rate.misconception("step 0 has rate 0")
def _(step, d_model, warmup):
    """Step 0 gets a rate of 0, so that the first batch is wasted. It counts as step 1."""
    return 0.0 if step == 0 else pieces.warmup_rate(step, d_model, warmup)


@warmup_rate.misconception("every step one later")
def _(step, d_model, warmup):
    """You count every step as the next one. Only step 0 counts as 1; step 1 is step 1."""
    return pieces.warmup_rate(step + 1, d_model, warmup)


@warmup_rate.misconception("the larger of the two")
def _(step, d_model, warmup):
    """You take the larger of the two curves, so that the rate begins high and never stops growing.
    Take the smaller: min."""
    step = max(step, 1)
    return d_model**-0.5 * max(step**-0.5, step * warmup**-1.5)


@warmup_rate.misconception("d_model forgotten")
def _(step, d_model, warmup):
    """d_model is never used: the factor d_model^−0.5 is missing."""
    return pieces.warmup_rate(step, 1, warmup)


@warmup_rate.misconception("multiplied by the root of d_model")
def _(step, d_model, warmup):
    """You multiply by √d_model. The exponent is −0.5: a wider model learns with a smaller rate."""
    return pieces.warmup_rate(step, 1, warmup) * d_model**0.5


@warmup_rate.misconception("divided by d_model")
def _(step, d_model, warmup):
    """You divide by d_model. Divide by its square root: d_model^−0.5."""
    return pieces.warmup_rate(step, 1, warmup) / d_model


@warmup_rate.misconception("warmup to the power of −0.5")
def _(step, d_model, warmup):
    """The way up has warmup^−1.5 (step / warmup of the peak rate warmup^−0.5). You have the
    exponent −0.5."""
    step = max(step, 1)
    return d_model**-0.5 * min(step**-0.5, step * warmup**-0.5)


@warmup_rate.misconception("warmup to the power of −1")
def _(step, d_model, warmup):
    """You rise to 1 at step warmup: step / warmup. It is step · warmup^−1.5, so that the two curves
    meet there."""
    step = max(step, 1)
    return d_model**-0.5 * min(step**-0.5, step / warmup)


@warmup_rate.misconception("only the way down")
def _(step, d_model, warmup):
    """There is no warm-up: your rate is step^−0.5 from the beginning. Take the smaller of step^−0.5
    and step · warmup^−1.5 (with a minus in the exponent)."""
    return d_model**-0.5 * max(step, 1) ** -0.5


@warmup_rate.misconception("only the way up")
def _(step, d_model, warmup):
    """The rate grows for ever. After the warm-up it falls with step^−0.5: take the smaller of the
    two."""
    return d_model**-0.5 * max(step, 1) * warmup**-1.5


@warmup_rate.misconception("constant after the warm-up")
def _(step, d_model, warmup):
    """After the warm-up your rate stays where it is. It should fall with step^−0.5."""
    return pieces.warmup_rate(min(step, warmup), d_model, warmup)


@warmup_rate.misconception("falls with the step, not its root")
def _(step, d_model, warmup):
    """After the warm-up your rate falls with 1/step. It falls with its root: step^−0.5."""
    step = max(step, 1)
    return d_model**-0.5 * (step * warmup**-1.5 if step <= warmup else warmup**0.5 / step)


@warmup_rate.misconception("a peak of 1")
def _(step, d_model, warmup):
    """Your rate is 1 at its peak, whatever d_model and warmup are: a factor for somebody else's
    rate. Equation 3 gives the rate itself: d_model^−0.5 · min(step^−0.5, step · warmup^−1.5)."""
    step = max(step, 1)
    return min(step / warmup, (warmup / step) ** 0.5)


@warmup_rate.misconception("negative")
def _(step, d_model, warmup):
    """Your rate is negative: the minus belongs into the exponent, d_model ** -0.5."""
    return -(d_model**0.5) * pieces.warmup_rate(step, 1, warmup)


@warmup_rate.misconception("a tensor")
def _(step, d_model, warmup):
    """You return a tensor. A plain number is asked for, as optimizers take it: math and ** will
    do, or .item()."""
    return torch.tensor(pieces.warmup_rate(step, d_model, warmup), dtype=torch.float64)


@warmup_rate.misconception("step and warmup swapped")
def _(step, d_model, warmup):
    """You have swapped step and warmup in the second term: it is step · warmup^−1.5."""
    step = max(step, 1)
    return d_model**-0.5 * min(step**-0.5, warmup * step**-1.5)


# ---- train_step --------------------------------------------------------------------------------

train_step = Exercise("train_step", reference=pieces.train_step)


def _lesson_for(draw: Draw, steps: int = 1) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a learner is made of, and batches with padding, none of them like another."""
    d, source, target = draw.sizes(3, low=5, high=9)
    pad_id = draw.integer(1, 3)
    weights = {
        "source": draw.normal(source, d),
        "target": draw.normal(target, d),
        "head": draw.normal(target, d),
    }
    kept = torch.ones(d, dtype=torch.float64)
    kept[0], kept[1] = 0.0, 1.25
    batches = []
    for _ in range(steps):
        rows, s, t = draw.sizes(3, low=2, high=6)
        out = _padded(draw, rows, t, target, pad_id)
        out[0, 0] = 0  # a token like any other
        batches.append(
            {
                "source": _padded(draw, rows, s, source, pad_id),
                "target_in": pieces.shift_right(out, BOS),
                "target_out": out,
            }
        )
    return {"weights": weights, "kept": kept, "pad_id": pad_id}, batches


class _Studied:
    """A learner on the piece's side and its twin here, each with an optimizer and a schedule."""

    def __init__(
        self, piece: Piece, made_of: dict[str, Any], rate: float, rates: list[float] | None = None
    ) -> None:
        self._piece = piece
        self.model = piece.make("learner", **made_of)
        self._optimizer = piece.make("sgd", module=self.model.handle, rate=rate)
        self.twin = translators.learner(**made_of)
        self._twins = made.sgd(self.twin, rate)
        self._schedules = (None, None)
        if rates is not None:
            theirs = piece.make("schedule", optimizer=self._optimizer.handle, rates=rates)
            self._schedules = (theirs.handle, translators.schedule(self._twins, rates))

    def step(self, batch: dict[str, Any], **options: Any) -> tuple[Any, tuple[float, int]]:
        """One step on both sides: what the piece returned, and what it should have."""
        theirs, ours = self._schedules
        found = self._piece(
            self.model.handle, Made("batch", batch), self._optimizer.handle, theirs, **options
        )
        wanted = pieces.train_step(
            self.twin, translators.batch(**batch), self._twins, ours, **options
        )
        return found, wanted

    def expect_same_weights(self, when: str) -> None:
        self.model.stored_gradients()  # for the diagnosis: what was clipped or cleared, and when
        found = self.model.parameters()
        for name, parameter in self.twin.named_parameters():
            # torch's clipping divides by norm + 1e-6, and leaving that out is no mistake.
            expect.close(found[name], parameter.detach(), f"The weight {name}, {when},", 1e-4)


_NEVER = 1e9  # a norm that no gradient has


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


@train_step.property("loss and number of tokens", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """It returns two numbers: the batch's loss as a float, and how many of target_out's tokens are
    not padding."""
    made_of, (batch,) = _lesson_for(draw)
    studied = _Studied(piece, made_of, 0.1)
    found, (loss, count) = studied.step(batch, max_norm=_NEVER)
    got = expect.several(found, "loss", "number of tokens")
    for value, name, kind in ((got[0], "loss", float), (got[1], "number of tokens", int)):
        if isinstance(value, torch.Tensor):
            raise expect.Mismatch(
                f"The {name} should be a plain {kind.__name__}; it is a tensor.",
                kind=f"the {name} is a tensor",
            )
    expect.that(
        _is_number(got[0], float), f"The loss should be a float; it is {expect.describe(got[0])}."
    )
    expect.that(
        math.isclose(got[0], loss, rel_tol=1e-6),
        f"The loss should be {loss:.6g}; yours is {got[0]:.6g}.",
    )
    expect.that(
        _is_number(got[1], int) and got[1] == count,
        f"The number of tokens should be {count}; yours is {got[1]!r}.",
    )


@train_step.property("one step down", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """After the call, the weights have moved by one step of the optimizer, along the gradient of
    the smoothed loss."""
    made_of, (batch,) = _lesson_for(draw)
    studied = _Studied(piece, made_of, 0.5)
    studied.step(batch, max_norm=_NEVER)
    studied.expect_same_weights("after one step")


@train_step.property("smoothing is handed on", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The loss is smoothed by the argument `smoothing`."""
    made_of, (batch,) = _lesson_for(draw)
    studied = _Studied(piece, made_of, 0.5)
    found, (loss, _) = studied.step(batch, smoothing=draw.uniform(0.3, 0.5), max_norm=_NEVER)
    value = expect.several(found, "loss", "number of tokens")[0]
    value = value.item() if isinstance(value, torch.Tensor) and value.ndim == 0 else value
    expect.that(
        isinstance(value, float) and math.isclose(value, loss, rel_tol=1e-6),
        f"With another smoothing, the loss should be {loss:.6g}; yours is {value!r}.",
    )


@train_step.property("gradients are clipped", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Before the update, all gradients together are clipped to max_norm."""
    made_of, (batch,) = _lesson_for(draw)
    for max_norm in (draw.uniform(0.05, 0.1), draw.uniform(0.02, 0.04)):
        studied = _Studied(piece, made_of, 2.0)
        studied.step(batch, max_norm=max_norm)
        studied.expect_same_weights("with small clipped gradients")


@train_step.property("the next step starts anew", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Gradients of the last batch are gone when the next one comes."""
    made_of, batches = _lesson_for(draw, steps=3)
    studied = _Studied(piece, made_of, 0.5)
    for batch in batches:
        studied.step(batch, max_norm=_NEVER)
    studied.expect_same_weights("after three steps")


@train_step.property("the scheduler's turn", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A scheduler takes one step for each step of the optimizer, and after it. None means that
    there is none."""
    made_of, batches = _lesson_for(draw, steps=3)
    studied = _Studied(piece, made_of, 9.0, [0.1, 0.8, 0.3, 0.5, 0.2, 0.7, 0.9])
    for batch in batches:
        studied.step(batch, max_norm=_NEVER)
    studied.expect_same_weights("after three steps with a scheduler")


@train_step.property("training mode stays on", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A model in training mode is trained in training mode, with its dropout."""
    made_of, (batch,) = _lesson_for(draw)
    made_of["kept"] = draw.mask(len(made_of["kept"])).double() * 2
    studied = _Studied(piece, made_of, 1.0)
    studied.model.train()
    studied.step(batch, max_norm=_NEVER)
    studied.expect_same_weights("of a model with dropout")


def _trains(
    order: str = "zero forward backward clip step schedule", result: Callable | None = None
) -> Callable:
    """The parts of a step in some order; a part that isn't named isn't done."""

    def step(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
        loss = None
        for part in order.split():
            if part == "zero":
                optimizer.zero_grad()
            elif part == "forward":
                logits = model(batch.source, batch.target_in)
                loss = pieces.label_smoothing_loss(
                    logits, batch.target_out, model.pad_id, smoothing
                )
            elif part == "backward":
                loss.backward()
            elif part == "clip":
                nn.utils.clip_grad_norm_(model.parameters(), max_norm)
            elif part == "step":
                optimizer.step()
            elif part == "schedule" and scheduler is not None:
                scheduler.step()
        count = int((batch.target_out != model.pad_id).sum())
        return (loss.item(), count) if result is None else result(loss, count, batch, model)

    return step


def _step_that(name: str, message: str, **how: Any) -> None:
    wrong = _trains(**how)
    wrong.__doc__ = message
    train_step.misconception(name)(wrong)


_step_that(
    "zero_grad forgotten",
    "Gradients of earlier batches are still there, and backward adds the new ones to them. Begin "
    "with optimizer.zero_grad().",
    order="forward backward clip step schedule",
)
_step_that(
    "zero_grad after backward",
    "When the optimizer steps there is no gradient to step along: either you clear between "
    "backward and step, or backward() is missing. The order is zero_grad, forward, loss, "
    "loss.backward(), clip, step.",
    order="forward backward zero clip step schedule",
)
_step_that(
    "clip before backward",
    "When the optimizer steps, the gradients are not clipped: you clip before backward, when this "
    "batch's gradients aren't there yet, or not at all. First backward, then "
    "clip_gradients_(model.parameters(), max_norm), then step.",
    order="zero forward clip backward step schedule",
)
_step_that(
    "clip after the step",
    "You clip when the step has been taken. First backward, then clip, then step.",
    order="zero forward backward step clip schedule",
)
_step_that(
    "scheduler before the optimizer",
    "Your scheduler goes first, so that the first rate is never used. First optimizer.step(), then "
    "scheduler.step().",
    order="zero forward backward clip schedule step",
)
_step_that(
    "scheduler forgotten",
    "The scheduler never takes a step, and the rate stays where it began. After "
    "optimizer.step(): if scheduler is not None, scheduler.step().",
    order="zero forward backward clip step",
)
_step_that(
    "scheduler twice",
    "Your scheduler takes two steps for one of the optimizer.",
    order="zero forward backward clip step schedule schedule",
)
_step_that(
    "optimizer's step forgotten",
    "Nothing is learnt: the weights stay as they were. After clipping: optimizer.step().",
    order="zero forward backward clip schedule",
)
_step_that(
    "step before backward",
    "You step before backward, so there is no gradient to step along, or an old one. The order is "
    "zero_grad, forward, loss, backward, clip, step.",
    order="forward step zero backward clip schedule",
)
_step_that(
    "two steps",
    "The optimizer takes two steps for one batch.",
    order="zero forward backward clip step step schedule",
)
_step_that(
    "the loss as a tensor",
    "You return the loss as a tensor, which keeps the whole graph in memory as long as somebody "
    "keeps the loss. Return loss.item(), a float.",
    result=lambda loss, count, batch, model: (loss, count),
)
_step_that(
    "the number as a tensor",
    "You return the number of tokens as a tensor. Make it an int: int(…) or .item().",
    result=lambda loss, count, batch, model: (
        loss.item(),
        (batch.target_out != model.pad_id).sum(),
    ),
)
_step_that(
    "padding counted as tokens",
    "You count all positions of target_out. Only real tokens count: (batch.target_out != "
    "model.pad_id).sum().",
    result=lambda loss, count, batch, model: (loss.item(), batch.target_out.numel()),
)
_step_that(
    "sentences counted",
    "You return the number of sentences. The number of real target tokens is asked for.",
    result=lambda loss, count, batch, model: (loss.item(), len(batch.target_out)),
)
_step_that(
    "source tokens counted",
    "You count the tokens of the source. Count the real ones of target_out.",
    result=lambda loss, count, batch, model: (
        loss.item(),
        int((batch.source != model.pad_id).sum()),
    ),
)
_step_that(
    "target_in's tokens counted",
    "You count the real tokens of target_in. Those of target_out are asked for, the words that the "
    "loss is about.",
    result=lambda loss, count, batch, model: (
        loss.item(),
        int((batch.target_in != model.pad_id).sum()),
    ),
)
_step_that(
    "loss times tokens",
    "You return the sum of the losses of all tokens. The loss is the mean, as label_smoothing_loss "
    "gives it.",
    result=lambda loss, count, batch, model: (loss.item() * count, count),
)
_step_that(
    "the loss only",
    "You return the loss alone. The number of real target tokens is asked for too: return loss, "
    "count.",
    result=lambda loss, count, batch, model: loss.item(),
)
_step_that(
    "the number first",
    "You return the number first. The exercise asks for (loss, number of tokens).",
    result=lambda loss, count, batch, model: (count, loss.item()),
)


def _learns(loss_of: Callable[..., torch.Tensor]) -> Callable:
    """A step that is right but for its loss: `loss_of(model, batch, smoothing)`."""

    def step(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
        optimizer.zero_grad()
        loss = loss_of(model, batch, smoothing)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return loss.item(), int((batch.target_out != model.pad_id).sum())

    step.__doc__ = loss_of.__doc__
    return step


@train_step.misconception("smoothing not handed on")
@_learns
def _(model, batch, smoothing):
    """The loss is always smoothed by 0.1. Hand `smoothing` on to label_smoothing_loss."""
    logits = model(batch.source, batch.target_in)
    return pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id)


@train_step.misconception("no smoothing")
@_learns
def _(model, batch, smoothing):
    """Your loss is the plain cross-entropy. Use label_smoothing_loss, with `smoothing`."""
    logits = model(batch.source, batch.target_in)
    return pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, 0.0)


@train_step.misconception("target_in as the answer")
@_learns
def _(model, batch, smoothing):
    """You compare the logits with target_in, the very tokens that the model was given. It would
    learn to copy. The answers are target_out, one token further on."""
    logits = model(batch.source, batch.target_in)
    return pieces.label_smoothing_loss(logits, batch.target_in, model.pad_id, smoothing)


@train_step.misconception("target_out as the input")
@_learns
def _(model, batch, smoothing):
    """You give the model target_out, the answers themselves. It reads target_in, which begins with
    bos."""
    logits = model(batch.source, batch.target_out)
    return pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)


@train_step.misconception("shifted once more")
@_learns
def _(model, batch, smoothing):
    """You shift the answers once more. target_in and target_out are one apart already: compare
    them position by position."""
    logits = model(batch.source, batch.target_in)
    return pieces.label_smoothing_loss(
        logits[:, :-1], batch.target_out[:, 1:], model.pad_id, smoothing
    )


@train_step.misconception("padding learnt")
@_learns
def _(model, batch, smoothing):
    """Padding counts in your loss. Hand model.pad_id to label_smoothing_loss, which leaves it
    out."""
    logits = model(batch.source, batch.target_in)
    return pieces.label_smoothing_loss(logits, batch.target_out, -100, smoothing)


@train_step.misconception("pad_id taken for 0")
@_learns
def _(model, batch, smoothing):
    """You take 0 for padding. Ask the model: model.pad_id."""
    logits = model(batch.source, batch.target_in)
    other = 0 if model.pad_id else -100
    return pieces.label_smoothing_loss(logits, batch.target_out, other, smoothing)


@train_step.misconception("pad_id taken for 0, also where tokens are counted")
def _(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
    """You take 0 for padding, in the loss and where you count. Ask the model: model.pad_id."""
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_in)
    loss = pieces.label_smoothing_loss(logits, batch.target_out, 0, smoothing)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return loss.item(), int((batch.target_out != 0).sum())


@train_step.misconception("batch mean in place of the token mean")
@_learns
def _(model, batch, smoothing):
    """You divide by the number of sentences. Then a batch of long sentences takes larger steps.
    label_smoothing_loss gives the mean of the real tokens: take it as it is."""
    logits = model(batch.source, batch.target_in)
    loss = pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)
    return loss * int((batch.target_out != model.pad_id).sum()) / len(batch.source)


@train_step.misconception("eval mode switched on")
@_learns
def _(model, batch, smoothing):
    """You put the model into eval mode, so that it is trained without its dropout. Leave its mode
    as it is."""
    model.eval()
    logits = model(batch.source, batch.target_in)
    return pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)


@train_step.misconception("clipped one by one")
def _(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
    """You clip each parameter's gradient by itself, which turns the step's direction. Clip all of
    them together, by one factor: clip_gradients_(model.parameters(), max_norm)."""
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_in)
    loss = pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)
    loss.backward()
    for parameter in model.parameters():
        nn.utils.clip_grad_norm_([parameter], max_norm)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return loss.item(), int((batch.target_out != model.pad_id).sum())


@train_step.misconception("clipped by value")
def _(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
    """You clip every number of the gradients by itself. max_norm is for their joint norm:
    clip_gradients_(model.parameters(), max_norm)."""
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_in)
    loss = pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)
    loss.backward()
    nn.utils.clip_grad_value_(model.parameters(), max_norm)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return loss.item(), int((batch.target_out != model.pad_id).sum())


@train_step.misconception("always clipped to 1")
def _(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
    """You clip to 1.0, whatever max_norm is. Hand the argument on."""
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_in)
    loss = pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return loss.item(), int((batch.target_out != model.pad_id).sum())


# ---- greedy_decode -----------------------------------------------------------------------------

greedy_decode = Exercise("greedy_decode", reference=pieces.greedy_decode)
_PAD = 3


def _table(draw: Draw, vocab: int, positions: int, endless: bool = False) -> dict[str, Any]:
    """What a `Table` is made of; an endless one never writes eos."""
    mix = draw.normal(positions, vocab, vocab, scale=3.0)
    return {"mix": mix, "never": [BOS, _PAD, *([EOS] if endless else [])], "pad_id": _PAD}


def _sources(draw: Draw, rows: int, vocab: int = 12) -> torch.Tensor:
    """Sources of several lengths whose first tokens differ by more than these."""
    source = _padded(draw, rows, draw.integer(rows, rows + 2), vocab, _PAD)
    source[:, 0] = 4 + 3 * torch.arange(rows)
    return source


def _paths(draw: Draw, lengths: list[int]) -> tuple[dict[str, Any], torch.Tensor]:
    """A `Chain` in which the most likely sentence of source r has lengths[r] tokens, eos included,
    and whose most likely token after eos is a word again; and the sources, one token each."""
    vocab = 6 + max(lengths)
    logits = draw.normal(len(lengths), vocab, vocab)
    for row, length in enumerate(lengths):
        words = (4 + torch.randperm(vocab - 4, generator=_generator(draw))).tolist()
        path = [BOS, *words[: length - 1], EOS, words[-1], words[-2]]
        for before, after in pairwise(path):
            logits[row, before, after] += 9
    return {"logits": logits, "pad_id": _PAD}, torch.arange(len(lengths))[:, None]


def _generator(draw: Draw) -> torch.Generator:
    return torch.Generator().manual_seed(draw.integer(0, 2**31))


def _expect_written(found: Any, wanted: torch.Tensor, what: str) -> None:
    """Tokens as they should be; columns of nothing but padding at the end don't matter."""
    expect.tensor(found, what)
    whole = found.ndim == 2 and not found.is_floating_point() and len(found) == len(wanted)
    if not whole:
        expect.that(
            False,
            f"{what} should hold token ids, {len(wanted)} rows of them; what comes back is a "
            f"tensor of shape {tuple(found.shape)}, {found.dtype}.",
        )
    width = max(found.size(1), wanted.size(1))
    found, wanted = (
        F.pad(each.long(), (0, width - each.size(1)), value=_PAD) for each in (found, wanted)
    )
    expect.close(found, wanted, f"{what}, [row, position],")


def _expect_greedy(piece: Piece, kind: str, made_of: dict, source: torch.Tensor, most: int) -> None:
    model = translators.MAKERS[kind](**made_of)
    wanted = pieces.greedy_decode(model, source, most, BOS, EOS)
    found = piece(Made(kind, made_of), source, most, BOS, EOS)
    _expect_written(found, wanted, "What is written")


@greedy_decode.property("one sentence", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """The most likely token at each step, until eos, which is the last one; bos is not among
    them."""
    length = draw.integer(3, 6)
    _expect_greedy(piece, "chain", *_paths(draw, [length]), length + 2)


@greedy_decode.property("each row stops on its own", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A row that has written eos is padded with model.pad_id; the others go on."""
    lengths = draw.sizes(4, low=2, high=7)
    # The first row is neither the first nor the last to end.
    lengths = [sorted(lengths)[1], *(n for n in lengths if n != sorted(lengths)[1])]
    _expect_greedy(piece, "chain", *_paths(draw, lengths), max(lengths) + 2)


@greedy_decode.property("never longer than max_length", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Rows that don't end are cut off after max_length tokens."""
    lengths = draw.sizes(3, low=4, high=9)
    _expect_greedy(piece, "chain", *_paths(draw, lengths), min(lengths))
    _expect_greedy(piece, "chain", *_paths(draw, [7, 8]), 1)


@greedy_decode.property("everything written so far is read", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """The model is given bos and all tokens written so far, with memory and mask as encode returned
    them; the last position's logits say what comes next."""
    vocab, most = draw.sizes(2, low=5, high=8)
    _expect_greedy(piece, "table", _table(draw, vocab, most), _sources(draw, 4), most)


@greedy_decode.property("a row in a batch and alone", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A sentence is translated alike whether it is alone or among others."""
    vocab, most = draw.sizes(2, low=5, high=8)
    made_of, source = _table(draw, vocab, most), _sources(draw, 3)
    for row in source:
        _expect_greedy(piece, "table", made_of, row[None], most)
    _expect_greedy(piece, "table", made_of, source.flip(0), most)


@greedy_decode.property("inputs stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave the source as it was."""
    vocab, most = draw.sizes(2, low=5, high=8)
    made_of, source = _table(draw, vocab, most), _sources(draw, 3)
    after = piece.inputs_after(Made("table", made_of), source, most, BOS, EOS)
    expect.unchanged([source], after)


def _writes(
    after: Callable[..., torch.Tensor] | None = None,
    pick: Callable[[torch.Tensor], torch.Tensor] = lambda logits: logits[:, -1].argmax(-1),
    shown: Callable[[torch.Tensor], torch.Tensor] = lambda tokens: tokens,
    fill: Callable[[Any, int], int] = lambda model, eos_id: model.pad_id,
    stop: Callable[..., bool] = lambda running, best, eos_id: not running.any(),
    runs: Callable[..., torch.Tensor] = lambda running, best, eos_id: running & (best != eos_id),
    steps: Callable[[int], int] = lambda max_length: max_length,
    result: Callable[..., Any] = lambda tokens, eos_id, pad_id: tokens[:, 1:],
    begin: Callable[[int, int], tuple[int, int]] = lambda bos_id, eos_id: (bos_id, eos_id),
) -> Callable:
    """Greedy decoding in which one of its decisions may be another one."""

    def write(model, source, max_length, bos_id, eos_id):
        bos_id, eos_id = begin(bos_id, eos_id)
        memory, mask = model.encode(source)
        if after is not None:
            memory, mask = after(memory, mask)
        tokens = source.new_full((len(source), 1), bos_id)
        running = torch.ones(len(source), dtype=torch.bool)
        for _ in range(steps(max_length)):
            best = pick(model.decode(shown(tokens), memory, mask))
            best = torch.where(running, best, fill(model, eos_id)) if fill else best
            tokens = torch.cat([tokens, best[:, None]], 1)
            running = runs(running, best, eos_id)
            if stop(running, best, eos_id):
                break
        return result(tokens, eos_id, model.pad_id)

    return write


def _greedy_that(name: str, message: str, **how: Any) -> None:
    wrong = _writes(**how)
    wrong.__doc__ = message
    greedy_decode.misconception(name)(wrong)


_greedy_that(
    "bos kept",
    "bos is still in front of what you return. It is there for the model only: tokens[:, 1:].",
    result=lambda tokens, eos_id, pad_id: tokens,
)
_greedy_that(
    "all stop at the first eos",
    "As soon as one row has ended, all of them stop. Go on until every row has written its eos.",
    stop=lambda running, best, eos_id: not running.all(),
)
_greedy_that(
    "the first row decides",
    "You only look whether the first row has ended. Go on until all rows have.",
    stop=lambda running, best, eos_id: not running[0],
)
_greedy_that(
    "no padding after eos",
    "A row that has ended goes on writing while the others do. After its eos, write pad_id.",
    fill=None,
)
_greedy_that(
    "stops only when all end at once",
    "You stop when all rows write eos in the same step. Rows end at different times: remember for "
    "each row that it has ended, and write pad_id from then on.",
    fill=None,
    stop=lambda running, best, eos_id: bool((best == eos_id).all()),
)
_greedy_that(
    "never stops",
    "eos stops nothing: you always write max_length tokens.",
    fill=None,
    stop=lambda running, best, eos_id: False,
)
_greedy_that(
    "padded with 0",
    "You pad with 0, whatever the model's padding is. Use model.pad_id.",
    fill=lambda model, eos_id: 0,
)
_greedy_that(
    "padded with eos",
    "You pad with eos. After the first eos, write model.pad_id.",
    fill=lambda model, eos_id: eos_id,
)
_greedy_that(
    "eos dropped",
    "The eos itself is missing: it is the last token of a sentence and stays; padding comes after "
    "it.",
    result=lambda tokens, eos_id, pad_id: torch.where(tokens == eos_id, pad_id, tokens)[:, 1:],
)
_greedy_that(
    "a row that has ended wakes up",
    "You forget that a row has ended: running should stay False once it was, running & (best != "
    "eos_id).",
    fill=None,
    runs=lambda running, best, eos_id: best != eos_id,
    stop=lambda running, best, eos_id: not running.any(),
    result=lambda tokens, eos_id, pad_id: torch.where(
        (tokens == eos_id).roll(1, 1), pad_id, tokens
    )[:, 1:],
)
_greedy_that(
    "running again after the padding",
    "A row that has ended wakes up again: pad_id isn't eos, so it runs once more. It stays ended "
    "once it is: running = running & (best != eos_id).",
    runs=lambda running, best, eos_id: best != eos_id,
)
_greedy_that(
    "only the newest token read",
    "You give the model the newest token alone. Without a cache it needs everything written so "
    "far, bos included.",
    shown=lambda tokens: tokens[:, -1:],
)
_greedy_that(
    "the first position's logits",
    "You take the logits of the first position, which always say the first word. The last position "
    "says what comes next: [:, -1].",
    pick=lambda logits: logits[:, 0].argmax(-1),
)
_greedy_that(
    "the least likely token",
    "You take the least likely token: argmax, not argmin.",
    pick=lambda logits: logits[:, -1].argmin(-1),
)
_greedy_that(
    "drawn at random",
    "You draw the next token at random. Greedy means the most likely one: argmax.",
    pick=lambda logits: torch.multinomial(logits[:, -1].softmax(-1), 1)[:, 0],
)
_greedy_that(
    "one token for all rows",
    "All rows get the same token: your argmax runs over the whole batch. Each row has its own: "
    "argmax(-1).",
    pick=lambda logits: logits[:, -1].sum(0).argmax().expand(len(logits)),
)
_greedy_that(
    "another row's memory",
    "The rows of memory and tokens don't stand beside each other any more: a sentence is "
    "translated with the memory of another one.",
    after=lambda memory, mask: (memory.roll(1, 0), mask.roll(1, 0)),
)
_greedy_that(
    "mask not handed on",
    "The model gets another mask than encode returned. Hand memory_mask on to decode as it is.",
    after=lambda memory, mask: (memory, torch.ones_like(mask)),
)
_greedy_that(
    "no mask handed on",
    "You hand decode None in place of the mask. It is the second thing that encode returns: hand "
    "it on as it is.",
    after=lambda memory, mask: (memory, None),
)
_greedy_that(
    "one token too many",
    "You write one token more than max_length.",
    steps=lambda max_length: max_length + 1,
)
_greedy_that(
    "bos counted",
    "You write one token too few: max_length counts what is returned, and bos is not.",
    steps=lambda max_length: max_length - 1,
)
_greedy_that(
    "bos and eos swapped",
    "You begin with eos and stop at bos. It is the other way round.",
    begin=lambda bos_id, eos_id: (eos_id, bos_id),
)
_greedy_that(
    "begins with eos",
    "You begin with eos. The first token that the model is given is bos_id.",
    begin=lambda bos_id, eos_id: (eos_id, eos_id),
)
_greedy_that(
    "bos kept, eos dropped",
    "Two things: bos is still in front of what you return, and the eos at the end is missing. "
    "Drop the first column, and keep a row's eos; padding comes after it.",
    result=lambda tokens, eos_id, pad_id: torch.where(tokens == eos_id, pad_id, tokens),
)
_greedy_that(
    "a list",
    "You return a list. A tensor (batch, length) of token ids is asked for.",
    result=lambda tokens, eos_id, pad_id: tokens[:, 1:].tolist(),
)
_greedy_that(
    "begins with the source's end",
    "What you return is turned round: the newest token comes last.",
    result=lambda tokens, eos_id, pad_id: tokens[:, 1:].flip(1),
)


@greedy_decode.misconception("source changed in place")
def _(model, source, max_length, bos_id, eos_id):
    """Your call writes into the caller's source. Make a new tensor for what is written:
    source.new_full((batch, 1), bos_id)."""
    kept = source.clone()
    source.fill_(bos_id)
    return pieces.greedy_decode(model, kept, max_length, bos_id, eos_id)


@greedy_decode.misconception("begins with the source")
def _(model, source, max_length, bos_id, eos_id):
    """You begin with the source's own first token. What is written begins with bos_id."""
    memory, mask = model.encode(source)
    tokens, running = source[:, :1], torch.ones(len(source), dtype=torch.bool)
    for _ in range(max_length):
        best = model.decode(tokens, memory, mask)[:, -1].argmax(-1)
        best = torch.where(running, best, model.pad_id)
        tokens = torch.cat([tokens, best[:, None]], 1)
        running = running & (best != eos_id)
        if not running.any():
            break
    return tokens[:, 1:]


@greedy_decode.misconception("the whole model called")
def _(model, source, max_length, bos_id, eos_id):
    """You call the whole model at every step, which encodes the source again and again. Encode
    once, memory, mask = model.encode(source), and then model.decode(tokens, memory, mask)."""
    tokens = source.new_full((len(source), 1), bos_id)
    for _ in range(max_length):
        best = model(source, tokens)[:, -1].argmax(-1)
        tokens = torch.cat([tokens, best[:, None]], 1)
    return tokens[:, 1:]


@greedy_decode.misconception("one sentence only")
def _(model, source, max_length, bos_id, eos_id):
    """You write one sentence, and source holds a batch of them. tokens is (batch, 1) at first, one
    row for each source, and each row stops on its own."""
    memory, mask = model.encode(source)
    tokens = [bos_id]
    for _ in range(max_length):
        tokens.append(model.decode(torch.tensor([tokens]), memory, mask)[0, -1].argmax(-1).item())
        if tokens[-1] == eos_id:
            break
    return torch.tensor([tokens[1:]])


@greedy_decode.misconception("memory forgotten in the loop")
def _(model, source, max_length, bos_id, eos_id):
    """encode gives two things, (memory, memory_mask), and decode takes three: the tokens and both
    of them. You hand the tuple on as it is."""
    memory = model.encode(source)
    tokens = source.new_full((len(source), 1), bos_id)
    for _ in range(max_length):
        best = model.decode(tokens, memory)[:, -1].argmax(-1)
        tokens = torch.cat([tokens, best[:, None]], 1)
    return tokens[:, 1:]


# ---- beam_search -------------------------------------------------------------------------------

beam_search = Exercise("beam_search", reference=pieces.beam_search)
_ONE = torch.zeros(1, 1, dtype=torch.long)  # one source of one token


def _log_probability(model: Any, row: torch.Tensor, tokens: list[int]) -> float:
    """Of one source's translation, eos included."""
    memory, mask = model.encode(row)
    logits = model.decode(torch.tensor([[BOS, *tokens[:-1]]]), memory, mask)
    logs = logits.log_softmax(-1)[0]
    return sum(logs[step, token].item() for step, token in enumerate(tokens))


def _sentence(row: list[int], most: int, where: str) -> list[int]:
    """The tokens of one row, eos included; a row that goes on after it, or ends without it, is
    refused."""
    if EOS in row:
        end = row.index(EOS) + 1
        rest = [token for token in row[end:] if token != _PAD]
        expect.that(not rest, f"{where} goes on after its eos, where pad_id should stand.")
        return row[:end]
    expect.that(
        len(row) >= most and _PAD not in row[:most],
        f"{where} ends without eos, before max_length.",
    )
    return row[:most]


def _expect_found(
    piece: Piece, kind: str, made_of: dict, source: torch.Tensor, most: int, **options: Any
) -> None:
    """Sentences as good as ours, and scores that are true of them."""
    model = translators.MAKERS[kind](**made_of)
    ours, best = pieces.beam_search(model, source, most, BOS, EOS, **options)
    found = piece(Made(kind, made_of), source, most, BOS, EOS, **options)
    tokens, scores = expect.several(found, "tokens", "scores")
    expect.tensor(tokens, "tokens")
    whole = tokens.ndim == 2 and not tokens.is_floating_point() and len(tokens) == len(source)
    expect.that(
        whole and tokens.size(1) <= most,
        f"tokens should be token ids, ({len(source)}, at most {most}); they are "
        f"{expect.describe(tokens)}, {tokens.dtype}.",
    )
    expect.shape(scores, (len(source),), "scores")
    alpha = options.get("length_penalty", 0.6)
    for row, written in enumerate(tokens.tolist()):
        where = f"Sentence {row}"
        sentence = _sentence(written, most, where)
        expect.that(BOS not in sentence[:1], f"{where} begins with bos, which is not part of it.")
        logs = _log_probability(model, source[row : row + 1], sentence)
        true = logs / ((5 + len(sentence)) / 6) ** alpha
        better = _sentence(ours[row].tolist(), most, where)
        cut = "" if EOS in better else ", cut off at max_length"
        expect.that(
            true > best[row].item() - 1e-6,
            f"{where} is {sentence}, with a score of {true:.4f}; the beam can find {better}{cut}, "
            f"with {best[row].item():.4f}.",
        )
        score = scores[row].item()
        like = _like(score, logs, len(sentence), alpha)
        expect.that(
            abs(score - true) < 1e-4,
            f"{where} of {len(sentence)} tokens has the log-probability {logs:.4f}, so its score "
            f"should be {true:.4f}; yours is {score:.4f}{like}.",
        )


def _like(score: float, logs: float, n: int, alpha: float) -> str:
    """What a wrong score looks like, whichever way it was searched for; nothing where it looks like
    nothing."""
    looks = {
        ", the log-probability itself: the penalty is missing": logs,
        ", as if eos didn't count": logs / _google(n - 1, alpha),
        ", as if bos counted": logs / _google(n + 1, alpha),
        ", multiplied by the penalty in place of divided": logs * _google(n, alpha),
        ", divided by the length": logs / n,
        ", divided by the length to the power of length_penalty": logs / n**alpha,
    }
    return next(
        (look for look, wrong in looks.items() if math.isclose(score, wrong, rel_tol=1e-4)), ""
    )


def _unlikely(draw: Draw, vocab: int) -> torch.Tensor:
    """Probabilities (1, vocab, vocab), by the last token, that are next to nothing; no two alike,
    and none as small as eos's and bos's."""
    p = 1e-9 * (1 + draw.normal(1, vocab, vocab).abs())
    p[..., [BOS, EOS, _PAD]] *= 1e-6
    return p


def _misleading(draw: Draw) -> dict[str, Any]:
    """A `Chain` in which greedy loses: 4 begins well and goes on badly, 5 the other way round."""
    first = draw.uniform(0.52, 0.6)
    p = _unlikely(draw, 7)
    p[0, BOS, 4], p[0, BOS, 5] = first, 1 - first
    p[0, 4, EOS] = draw.uniform(0.3, 0.34)
    for word in range(4, 7):  # no two alike, or any of them may come first
        p[0, 4, word] = draw.uniform(0.2, 0.25)
    p[0, 5, 6], p[0, 5, EOS] = 0.9, 0.05
    p[0, 6, EOS], p[0, 6, 4] = 0.9, 0.05
    return {"logits": p.log(), "pad_id": _PAD}


@beam_search.property("what greedy misses", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """The likeliest first token can lead to a poor sentence. A beam that follows other beginnings
    as well finds the better one."""
    made_of = _misleading(draw)
    for beam_size in (2, 3):
        _expect_found(piece, "chain", made_of, _ONE, 6, beam_size=beam_size)


@beam_search.property("a beam of one is greedy", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With beam_size=1 the sentences should be greedy_decode's, and the scores theirs."""
    vocab, most = draw.sizes(2, low=6, high=8)
    for kind, made_of, source in (
        ("chain", _misleading(draw), _ONE),
        ("table", _table(draw, vocab, most), _sources(draw, 3)),
    ):
        model = translators.MAKERS[kind](**made_of)
        wanted = pieces.greedy_decode(model, source, most, BOS, EOS)
        found = piece(Made(kind, made_of), source, most, BOS, EOS, beam_size=1)
        tokens = expect.several(found, "tokens", "scores")[0]
        _expect_written(tokens, wanted, "A beam of 1")
        _expect_found(piece, kind, made_of, source, most, beam_size=1)


@beam_search.property("several sentences at once", points=2)
def _(piece: Piece, draw: Draw) -> None:
    """Each sentence of a batch has a beam of its own and finds what it finds alone."""
    lengths = draw.sizes(3, low=2, high=6)
    _expect_found(piece, "chain", *_paths(draw, lengths), max(lengths) + 1, beam_size=2)
    vocab, most = draw.sizes(2, low=6, high=9)
    made_of = _table(draw, vocab, most)
    for beam_size in (2, 4):
        _expect_found(piece, "table", made_of, _sources(draw, 3), most, beam_size=beam_size)


@beam_search.property("the length penalty", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A score is the log-probability over ((5 + len) / 6)^length_penalty; len counts the tokens of
    the sentence, eos included. A larger penalty prefers the longer one."""
    first = draw.uniform(0.52, 0.58)
    p = _unlikely(draw, 8)
    p[0, BOS, 4], p[0, BOS, 5] = first, 1 - first
    p[0, 4, EOS] = p[0, 5, 6] = p[0, 6, 7] = 1.0
    p[0, 7, EOS] = draw.uniform(0.8, 0.9)
    made_of = {"logits": p.log(), "pad_id": _PAD}
    for alpha in (0.0, 0.6, 2.0):
        _expect_found(piece, "chain", made_of, _ONE, 6, beam_size=3, length_penalty=alpha)


@beam_search.property("a sentence that ends leaves its place", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A beginning that ends is set aside as a sentence, and the next best beginning takes its place
    among the beam_size that live on."""
    end, word = draw.uniform(0.28, 0.32), draw.uniform(0.45, 0.5)
    p = _unlikely(draw, 8)
    p[0, BOS, EOS], p[0, BOS, 4], p[0, BOS, 5] = end, word, 1 - end - word
    p[0, 4] = (0.1 * draw.normal(8)).softmax(-1)  # about 1/8 each, and no two alike
    p[0, 5, EOS] = 1.0
    made_of = {"logits": p.log(), "pad_id": _PAD}
    _expect_found(piece, "chain", made_of, _ONE, 4, beam_size=2, length_penalty=3.0)


@beam_search.property("a wide beam finds the best there is", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A beam with room for every beginning finds the best sentence of all; what has not ended at
    max_length counts as a sentence too."""
    for endless in (False, True):
        made_of = _table(draw, 6, 3, endless)
        _expect_found(piece, "table", made_of, _sources(draw, 2), 3, beam_size=16)


@beam_search.property("4 and 0.6 by default", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Without further arguments, the beam is 4 wide and the penalty's exponent is 0.6."""
    vocab, most = draw.sizes(2, low=6, high=8)
    _expect_found(piece, "table", _table(draw, vocab, most), _sources(draw, 2), most)


@beam_search.property("inputs stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave the source as it was."""
    made_of, source = _table(draw, 6, 4), _sources(draw, 2)
    after = piece.inputs_after(Made("table", made_of), source, 4, BOS, EOS, beam_size=2)
    expect.unchanged([source], after)


def _google(length: int, alpha: float) -> float:
    return ((5 + length) / 6) ** alpha


def _searches(
    scored: Callable[..., float] = lambda logs, n, alpha: logs / _google(n, alpha),
    told: Callable[..., float] | None = None,
    logs_of: Callable[[torch.Tensor], torch.Tensor] = lambda logits: logits.log_softmax(-1),
    joined: Callable[[float, torch.Tensor], torch.Tensor] = lambda before, logs: before + logs,
    start: float = 0.0,
    width: Callable[[int], int] = lambda beam_size: beam_size,
    looked_at: Callable[[int], int] = lambda beam: beam,
    ends: bool = True,
    ended_live_on: bool = False,
    holds_place: bool = False,
    first_found: bool = False,
    cut_off: bool = True,
    choose: Callable = max,
    place: Callable[[int, int, int], tuple[int, int]] = lambda at, live, vocab: divmod(at, vocab),
    source_of: Callable[[int, int], int] = lambda row, rows: row,
    masked: Callable[[torch.Tensor], Any] = lambda mask: mask,
    nothing_found: tuple[list[int], float] | None = None,
    padding: Callable[[Any], int] = lambda model: model.pad_id,
    bos: bool = False,
    alpha_of: Callable[[float], float] = lambda alpha: alpha,
    result: Callable[..., Any] = lambda tokens, scores: (tokens, scores),
) -> Callable:
    """Beam search, sentence by sentence, in which one of its decisions may be another one."""

    def search(model, source, max_length, bos_id, eos_id, beam_size=4, length_penalty=0.6):
        memory, mask = model.encode(source)
        alpha, beam = alpha_of(length_penalty), width(beam_size)
        rows, scores = [], []
        for row in range(len(source)):
            at = source_of(row, len(source))
            live, done = [([], start)], []
            for length in range(1, max_length + 1):
                ranked = []
                for number, (words, before) in enumerate(live):
                    given = torch.tensor([[bos_id, *words]])
                    seen = masked(mask[at : at + 1])
                    logits = model.decode(given, memory[at : at + 1], seen)[0, -1]
                    sums = joined(before, logs_of(logits)).tolist()
                    for token, logs in enumerate(sums):
                        index = number * len(sums) + token
                        parent, token = place(index, len(live), len(sums))
                        ranked.append(([*live[parent][0], token], logs))
                ranked.sort(key=lambda each: -each[1])
                for words, logs in ranked[: looked_at(beam)]:
                    ended = words[-1] == eos_id
                    if (ended and ends) or (length == max_length and (cut_off or ended)):
                        done.append((words, logs))
                if holds_place:
                    live = [each for each in ranked[: beam - len(done)] if each[0][-1] != eos_id]
                elif ends and not ended_live_on:
                    live = [each for each in ranked if each[0][-1] != eos_id][:beam]
                else:
                    live = ranked[:beam]
                if (done and first_found) or (len(done) >= beam and ends) or not live:
                    break
            done = done or [nothing_found or ([eos_id], -math.inf)]
            best = done[0]
            if not first_found:
                best = choose(done, key=lambda s: scored(s[1], len(s[0]), alpha))
            rows.append([bos_id, *best[0]] if bos else best[0])
            scores.append((told or scored)(best[1], len(best[0]), alpha))
        longest = max(map(len, rows))
        fill = padding(model)
        padded = [words + [fill] * (longest - len(words)) for words in rows]
        tokens = torch.tensor(padded, dtype=torch.long)
        return result(tokens, torch.tensor(scores, dtype=memory.dtype))

    return search


def _beam_that(name: str, message: str, **how: Any) -> None:
    wrong = _searches(**how)
    wrong.__doc__ = message
    beam_search.misconception(name)(wrong)


_beam_that(
    "no length penalty",
    "length_penalty is never used: you compare bare log-probabilities, which fall with every "
    "token, so that short sentences win. Divide by ((5 + len) / 6)^length_penalty.",
    scored=lambda logs, n, alpha: logs,
)
_beam_that(
    "eos not counted in the length",
    "Your length leaves out eos. len counts all tokens of the sentence, eos included.",
    scored=lambda logs, n, alpha: logs / _google(n - 1, alpha),
)
_beam_that(
    "bos counted in the length",
    "Your length is one too large: it counts bos. len counts the tokens that are returned.",
    scored=lambda logs, n, alpha: logs / _google(n + 1, alpha),
)
_beam_that(
    "multiplied by the penalty",
    "You multiply by the penalty. Log-probabilities are negative: dividing by a large number "
    "brings them up, multiplying makes long sentences worse.",
    scored=lambda logs, n, alpha: logs * _google(n, alpha),
)
_beam_that(
    "only the length over 6",
    "Your penalty is (5 + len/6)^α: a bracket is missing. The sum is divided: ((5 + len) / 6)^α.",
    scored=lambda logs, n, alpha: logs / (5 + n / 6) ** alpha,
)
_beam_that(
    "mean log-probability",
    "You divide by the length, whatever length_penalty is. The formula here is ((5 + len) / "
    "6)^length_penalty.",
    scored=lambda logs, n, alpha: logs / n,
)
_beam_that(
    "divided by the length",
    "You divide by the length to the power of length_penalty. The formula here is ((5 + len) / "
    "6)^length_penalty.",
    scored=lambda logs, n, alpha: logs / n**alpha,
)
_beam_that(
    "the 6 outside the power",
    "Your penalty is (5 + len)^α / 6. The whole fraction is raised: ((5 + len) / 6)^α.",
    scored=lambda logs, n, alpha: logs / ((5 + n) ** alpha / 6),
)
_beam_that(
    "penalty times the exponent",
    "You multiply (5 + len) / 6 by length_penalty. It is the exponent.",
    scored=lambda logs, n, alpha: logs / max((5 + n) / 6 * alpha, 1e-9),
)
_beam_that(
    "the exponent fixed at 0.6",
    "You always use 0.6. Use the argument length_penalty.",
    alpha_of=lambda alpha: 0.6,
)
_beam_that(
    "bare log-probabilities returned",
    "You choose by the penalised score and return the bare log-probability. The score that is "
    "asked for is the penalised one.",
    told=lambda logs, n, alpha: logs,
)
_beam_that(
    "probabilities in place of their logs",
    "Your score is a probability. Return the log-probability over the penalty.",
    told=lambda logs, n, alpha: math.exp(logs) / _google(n, alpha),
)
_beam_that(
    "greedy in disguise",
    "Your beam finds what greedy finds. Either only one beginning is followed, or all beam_size of "
    "them are the same one: at the first step they are all bos, so only one of them may go on.",
    width=lambda beam_size: 1,
)
_beam_that(
    "greedy in disguise, no length penalty",
    "Two things. Your beam finds what greedy finds: it follows one beginning, or beam_size equal "
    "ones, all bos at first. And length_penalty is never used: divide by ((5 + len) / "
    "6)^length_penalty.",
    width=lambda beam_size: 1,
    scored=lambda logs, n, alpha: logs,
)
_beam_that(
    "greedy's sentences, scores of 0",
    "These are greedy's sentences, and no scores. Follow beam_size beginnings at once, and keep "
    "each one's sum of log-probabilities.",
    width=lambda beam_size: 1,
    told=lambda logs, n, alpha: 0.0,
)
_beam_that(
    "a beam of 4, whatever was asked",
    "beam_size is never used. With beam_size=1, for one, the result should be greedy_decode's.",
    width=lambda beam_size: 4,
)
_beam_that(
    "finished sentences extended",
    "A sentence that has ended is extended further: after eos, words come again. Set it aside when "
    "it ends.",
    ends=False,
)
_beam_that(
    "ended sentences live on",
    "You set an ended sentence aside, and you go on with it as well: after eos, words come again. "
    "Only beginnings that don't end live on.",
    ended_live_on=True,
)
_beam_that(
    "ends beyond the first beam_size",
    "You set aside every sentence that ends among all that you rank. Only the first beam_size of "
    "the ranking count: a poor early end would stop the search too soon.",
    looked_at=lambda beam: 2 * beam,
)
_beam_that(
    "a sentence that ended keeps its place",
    "A sentence that has ended still takes up one of the beam's places, so fewer beginnings live "
    "on. Set it aside, and let the next best beginning move up.",
    holds_place=True,
)
_beam_that(
    "the first sentence wins",
    "You return the first sentence that ends. A later one may be better: collect them, and choose "
    "the best score.",
    first_found=True,
)
_beam_that(
    "the worst of the beam",
    "You return the worst sentence of those found: your sort is the wrong way round. The best has "
    "the largest score.",
    choose=min,
)
_beam_that(
    "the last one found",
    "You return the last sentence found. Choose the one with the largest score.",
    choose=lambda done, key: done[-1],
)
_beam_that(
    "chosen without the penalty",
    "You choose by the bare log-probability and penalise afterwards. The penalised scores decide.",
    choose=lambda done, key: max(done, key=lambda each: each[1]),
)
_beam_that(
    "log-probabilities multiplied",
    "You multiply log-probabilities. Probabilities are multiplied; their logarithms are added.",
    joined=lambda before, logs: -(abs(before) * logs.abs()),
    start=1.0,
)
_beam_that(
    "probabilities added",
    "You add probabilities. Add their logarithms: log_softmax in place of softmax.",
    logs_of=lambda logits: logits.softmax(-1),
)
_beam_that(
    "logits added",
    "You add up raw logits. They can't be compared between beginnings: take log_softmax first.",
    logs_of=lambda logits: logits,
)
_beam_that(
    "only the newest token's log-probability",
    "You rank by the newest token alone and forget what came before. Add the beginning's sum.",
    joined=lambda before, logs: logs,
)
_beam_that(
    "another sentence's memory",
    "The beams of one sentence read the memory of another. Each sentence's memory and mask are "
    "repeated beam_size times in a row: repeat_interleave, not repeat.",
    source_of=lambda row, rows: (row + 1) % rows,
)
_beam_that(
    "the first sentence's memory for all",
    "All sentences read the memory of the first one. Take the row's own: memory[row] and "
    "mask[row].",
    source_of=lambda row, rows: 0,
)
_beam_that(
    "no mask handed on",
    "You hand decode None in place of the mask. It is the second thing that encode returns: give "
    "each sentence its row of it.",
    masked=lambda mask: None,
)
_beam_that(
    "parents not followed",
    "Every continuation is glued to the first beginning. It belongs to the beginning that it "
    "continues: keep the parent's number with it.",
    place=lambda at, live, vocab: (0, at % vocab),
)
_beam_that(
    "divided by the number of beginnings",
    "You take the flat index apart by the number of beginnings. The rows are as long as the "
    "vocabulary V: index // V is the beginning, index % V the token.",
    place=lambda at, live, vocab: (at % live, at // live),
)
_beam_that(
    "cut-off sentences thrown away",
    "What has not ended at max_length is thrown away. It counts as a sentence too.",
    cut_off=False,
)
_beam_that(
    "nothing returned for what is cut off",
    "A sentence that hasn't ended at max_length is thrown away, and nothing is returned for it. At "
    "max_length, the first beam_size all count as sentences.",
    cut_off=False,
    nothing_found=([], 0.0),
)
_beam_that(
    "bos kept",
    "bos is still in front of what you return. It is there for the model only.",
    bos=True,
)
_beam_that(
    "padded with 0",
    "You pad with 0, whatever the model's padding is. Use model.pad_id.",
    padding=lambda model: 0,
)
_beam_that(
    "tokens only",
    "You return the tokens alone. The scores are asked for too: return tokens, scores.",
    result=lambda tokens, scores: tokens,
)
_beam_that(
    "scores first",
    "You return the scores first. The exercise asks for (tokens, scores).",
    result=lambda tokens, scores: (scores, tokens),
)
_beam_that(
    "scores (batch, 1)",
    "Your scores have a dimension too many. One number for each sentence is asked for: (batch,).",
    result=lambda tokens, scores: (tokens, scores[:, None]),
)
_beam_that(
    "scores in a list",
    "Your scores are a list. Make a tensor of them: torch.tensor(scores).",
    result=lambda tokens, scores: (tokens, scores.tolist()),
)


@beam_search.misconception("the best of no sentences")
def _(model, source, max_length, bos_id, eos_id, beam_size=4, length_penalty=0.6):
    """You look for the best of an empty list: nothing had ended when max_length was reached. At
    max_length, the first beam_size all count as sentences."""

    def best(done, key):
        return max([each for each in done if each[1] > -math.inf], key=key)

    search = _searches(cut_off=False, choose=best)
    return search(model, source, max_length, bos_id, eos_id, beam_size, length_penalty)


@beam_search.misconception("the first of no sentences")
def _(model, source, max_length, bos_id, eos_id, beam_size=4, length_penalty=0.6):
    """You take the first of an empty list: nothing had ended when max_length was reached. At
    max_length, the first beam_size all count as sentences."""

    def best(done, key):
        return sorted((each for each in done if each[1] > -math.inf), key=key, reverse=True)[0]

    search = _searches(cut_off=False, choose=best)
    return search(model, source, max_length, bos_id, eos_id, beam_size, length_penalty)


@beam_search.misconception("topk of more than there are")
def _(model, source, max_length, bos_id, eos_id, beam_size=4, length_penalty=0.6):
    """You ask topk for more continuations than there are: k beginnings have k · V of them, fewer
    than 2 · beam_size where the vocabulary is small. Take min(2 * beam_size, k * V)."""
    memory, mask = model.encode(source)
    first = model.decode(torch.full((1, 1), bos_id), memory[:1], mask[:1])[0, -1]
    first.topk(2 * beam_size)
    return pieces.beam_search(model, source, max_length, bos_id, eos_id, beam_size, length_penalty)


@beam_search.misconception("eos dropped")
def _(model, source, max_length, bos_id, eos_id, beam_size=4, length_penalty=0.6):
    """The eos itself is missing: it is the last token of a sentence and is returned with it;
    padding comes after it."""
    tokens, scores = pieces.beam_search(
        model, source, max_length, bos_id, eos_id, beam_size, length_penalty
    )
    tokens = torch.where(tokens == eos_id, model.pad_id, tokens)
    written = int((tokens != model.pad_id).sum(1).max())
    return tokens[:, :written], scores


@beam_search.misconception("source changed in place")
def _(model, source, max_length, bos_id, eos_id, beam_size=4, length_penalty=0.6):
    """Your call writes into the caller's source. Make new tensors for what is written."""
    kept = source.clone()
    source.fill_(bos_id)
    return pieces.beam_search(model, kept, max_length, bos_id, eos_id, beam_size, length_penalty)


# ---- decode_step -------------------------------------------------------------------------------

decode_step = Exercise("decode_step", reference=pieces.decode_step)


def _writer(draw: Draw, norm_first: bool = True) -> dict[str, Any]:
    """What a `Writer` is made of."""
    heads, d_head, layers = draw.integer(2, 3), 2 * draw.integer(1, 2), 2
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


def _expect_steps(piece: Piece, draw: Draw, norm_first: bool = True, masked: bool = True) -> None:
    made_of = _writer(draw, norm_first)
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
        expect.close(logits, wanted[:, position], what, _CLOSE)


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
    expect.close(found, wanted, "The logits, [sentence, token],", _CLOSE)


@decode_step.property("one position after another", points=2)
def _(piece: Piece, draw: Draw) -> None:
    """Token by token, with the same cache, each call should give what decode says of that position
    when it reads the whole beginning."""
    _expect_steps(piece, draw, masked=False)


@decode_step.property("the source's padding", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """memory_mask hides the source's padding from the cross-attention of every layer."""
    _expect_steps(piece, draw)


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


# ---- corpus_bleu -------------------------------------------------------------------------------

corpus_bleu = Exercise("corpus_bleu", reference=pieces.corpus_bleu)
_WORDS = "el El gato perro muy grande la casa de no come , . ¿".split()


def _reference(draw: Draw, length: int) -> list[str]:
    return [_WORDS[draw.integer(0, len(_WORDS) - 1)] for _ in range(length)]


def _corpus(draw: Draw, keep: float = 0.85, extra: int = 1) -> tuple[list[str], list[str]]:
    """Translations with some words changed, repeated or left out, one of them empty; and their
    references."""
    ours, theirs = [], []
    for length in draw.sizes(5, low=5, high=13):
        reference = _reference(draw, length)
        words = [
            word if draw.uniform(0, 1) < keep else _reference(draw, 1)[0] for word in reference
        ]
        words = words[: length - 1] if extra < 0 else words + words[-1:] * extra
        ours.append(" ".join(words))
        theirs.append(" ".join(reference))
    # Something all get right, so that there is a 4-gram.
    sure = " ".join(_reference(draw, 6))
    return [*ours, sure, "el gato", ""], [*theirs, sure, "El gato", "no come"]


def _expect_bleu(piece: Piece, ours: list[str], theirs: list[str], what: str) -> None:
    found = piece(ours, theirs)
    wanted = pieces.corpus_bleu(ours, theirs)
    if isinstance(found, torch.Tensor):
        raise expect.Mismatch(f"{what} should be a float; it is a tensor.", kind="a tensor")
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    expect.that(number, f"{what} should be a number; it is {expect.describe(found)}.")
    expect.that(
        math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-6),
        f"{what} should be {wanted:.4f}; yours is {found:.4f}.",
    )


@corpus_bleu.property("a perfect translation has 100", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Translations equal to their references score 100."""
    same = [" ".join(_reference(draw, length)) for length in draw.sizes(4, low=4, high=12)]
    _expect_bleu(piece, same, list(same), "The BLEU of the references themselves")


@corpus_bleu.property("precisions of 1- to 4-grams", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """For n = 1 to 4, the share of your n-grams that are in the reference, counted over the whole
    corpus; then the geometric mean of the four. (These translations are longer than their
    references, so there is no brevity penalty.)"""
    _expect_bleu(piece, *_corpus(draw, extra=2), "BLEU")


@corpus_bleu.property("clipped counts", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """An n-gram counts as often as it is in its own sentence's reference, and not more often."""
    word, other = _reference(draw, 1)[0], "nunca"
    ours = [f"{word} {word} {word} {word} {word} {word}", *(f"a b c d {other} e f g",) * 2]
    theirs = [f"{word} {word} {other}", "a b c d e f g", f"{word} a b c d e {word}"]
    _expect_bleu(piece, ours, theirs, "BLEU with repeated words")


@corpus_bleu.property("the brevity penalty", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Where all translations together have fewer words than all references, c < r, the score is
    multiplied by exp(1 − r/c)."""
    _expect_bleu(piece, *_corpus(draw, keep=0.95, extra=-1), "BLEU of short translations")
    long, short = " ".join(_reference(draw, 9)), _reference(draw, 12)
    ours = [long + " muy grande . .", " ".join(short[:-1]), ""]
    _expect_bleu(piece, ours, [long, " ".join(short), "no"], "BLEU of short and long ones")


@corpus_bleu.property("no 4-gram right gives 0", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Where no n-gram of some length is right, the geometric mean is 0: return 0.0, and take no
    logarithm of 0."""
    words = draw.tokens(8, low=100, high=999).tolist()
    theirs = [" ".join(map(str, words)), "el gato"]
    ours = [" ".join(map(str, [*words[:3], "x", *words[4:7], "y"])), "el gato"]
    _expect_bleu(piece, ours, theirs, "BLEU without a 4-gram")
    _expect_bleu(piece, ["el", ""], ["el gato", "no"], "BLEU of a single word")


@corpus_bleu.property("words as they are", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Tokens are what blanks separate, as they stand: capitals and marks included."""
    words = _reference(draw, 9)
    theirs = [" ".join(words), "este gato es muy grande."]
    ours = [" ".join([*words[:7], words[7].swapcase() + "a", words[8]]), "Este gato es muy grande"]
    _expect_bleu(piece, ours, theirs, "BLEU")


def _counts(words: list[str], n: int) -> Counter:
    return Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1))


def _bleus(
    longest: int = 4,
    tokens: Callable[[str], list[str]] = str.split,
    match: Callable[[Counter, Counter], int] = lambda ours, theirs: (ours & theirs).total(),
    total: Callable[[Counter, Counter], int] = lambda ours, theirs: ours.total(),
    smooth: float = 0.0,
    mean: Callable[[list[float]], float] = lambda ps: math.exp(sum(map(math.log, ps)) / len(ps)),
    brevity: Callable[[int, int], float] = lambda c, r: 1.0 if c >= r else math.exp(1 - r / c),
    scale: float = 100.0,
    zero: bool = True,
    result: Callable[[float], Any] = lambda value: value,
) -> Callable:
    """BLEU in which one of its decisions may be another one."""

    def bleu(hypotheses, references):
        matches, totals, c, r = [0] * longest, [0] * longest, 0, 0
        for hypothesis, reference in zip(hypotheses, references, strict=True):
            ours, theirs = tokens(hypothesis), tokens(reference)
            c, r = c + len(ours), r + len(theirs)
            for n in range(1, longest + 1):
                mine, yours = _counts(ours, n), _counts(theirs, n)
                matches[n - 1] += match(mine, yours)
                totals[n - 1] += total(mine, yours)
        if zero and not smooth and not all(matches):
            return result(0.0)
        ps = [
            (m + smooth) / (t + smooth) if t + smooth else 0.0
            for m, t in zip(matches, totals, strict=True)
        ]
        return result(scale * brevity(c, r) * mean(ps))

    return bleu


def _bleu_that(name: str, message: str, **how: Any) -> None:
    wrong = _bleus(**how)
    wrong.__doc__ = message
    corpus_bleu.misconception(name)(wrong)


_bleu_that(
    "no clipping",
    "You count every n-gram that occurs in the reference, however often. “la la la la” would be "
    "perfect. It counts at most as often as the reference has it: Counter & Counter.",
    match=lambda ours, theirs: sum(count for gram, count in ours.items() if gram in theirs),
)
_bleu_that(
    "each n-gram once",
    "You count different n-grams, each once. Count occurrences, up to the reference's number.",
    match=lambda ours, theirs: len(ours.keys() & theirs.keys()),
)
_bleu_that(
    "sets in place of counts",
    "You make sets of the n-grams, so that repetitions are lost on both sides. Count them: "
    "collections.Counter.",
    match=lambda ours, theirs: len(ours.keys() & theirs.keys()),
    total=lambda ours, theirs: len(ours),
)
_bleu_that(
    "recall in place of precision",
    "You divide by the n-grams of the references. BLEU is a precision: divide by those of the "
    "translations. (The brevity penalty is there for what is missing.)",
    total=lambda ours, theirs: theirs.total(),
)
_bleu_that(
    "brevity penalty inverted",
    "You penalise translations that are too long. The penalty is for short ones: c < r, where c "
    "are the words of the translations.",
    brevity=lambda c, r: 1.0 if c <= r else math.exp(1 - c / r),
)
_bleu_that(
    "the penalty's fraction turned round",
    "Your penalty is exp(1 − c/r). It is exp(1 − r/c), with r the words of the references: less "
    "than 1 for short translations.",
    brevity=lambda c, r: 1.0 if c >= r else math.exp(1 - c / r),
)
_bleu_that(
    "no brevity penalty",
    "There is no brevity penalty: one sure word a sentence would be perfect. Where c < r, multiply "
    "by exp(1 − r/c).",
    brevity=lambda c, r: 1.0,
)
_bleu_that(
    "penalty without exp",
    "Your penalty is c/r. It is exp(1 − r/c).",
    brevity=lambda c, r: min(1.0, c / r),
)
_bleu_that(
    "a bonus for length",
    "Your factor exceeds 1 where translations are long. It is at most 1: exp(min(0, 1 − r/c)).",
    brevity=lambda c, r: math.exp(1 - r / c) if c else 0.0,
)
_bleu_that(
    "arithmetic mean",
    "You take the arithmetic mean of the four precisions. BLEU takes the geometric one: "
    "exp(mean of their logarithms).",
    mean=lambda ps: sum(ps) / len(ps),
)
_bleu_that(
    "product without the root",
    "You multiply the four precisions. Their geometric mean is the fourth root of that.",
    mean=math.prod,
)
_bleu_that(
    "0 to 1",
    "Your score goes from 0 to 1. Here it goes from 0 to 100.",
    scale=1.0,
)
_bleu_that(
    "smoothed",
    "You add something to the counts. That is one of the smoothing methods; here there is none, "
    "and without a right 4-gram the score is 0.",
    smooth=1.0,
)
_bleu_that(
    "the logarithm of 0",
    "Without a right 4-gram you take the logarithm of 0. Return 0.0 then.",
    zero=False,
)
_bleu_that(
    "up to 3-grams",
    "You stop at 3-grams. n goes from 1 to 4: range(1, 5).",
    longest=3,
)
_bleu_that(
    "single words only",
    "You count single words. n goes from 1 to 4.",
    longest=1,
)
_bleu_that(
    "up to 5-grams",
    "You go one too far: n goes from 1 to 4.",
    longest=5,
)
_bleu_that(
    "letters in place of words",
    "You count letters. Split each sentence into its words first: sentence.split().",
    tokens=list,
)
_bleu_that(
    "small letters",
    "You turn everything into small letters. Tokens stay as they are.",
    tokens=lambda text: text.lower().split(),
)
_bleu_that(
    "marks taken off",
    "You take the marks off. Tokens are what blanks separate, marks included.",
    tokens=lambda text: "".join(c if c.isalnum() or c == " " else "" for c in text).split(),
)
_bleu_that(
    "a whole number",
    "You round the score. Return it as it is.",
    result=lambda value: float(round(value)),
)
_bleu_that(
    "a tensor",
    "You return a tensor. A plain float is asked for: .item(), or math in place of torch.",
    result=lambda value: torch.tensor(value, dtype=torch.float64),
)


@corpus_bleu.misconception("the last n-gram left out")
def _(hypotheses, references):
    """The last n-gram of each sentence is missing: m words have m − n + 1 n-grams. Is the + 1 in
    your range?"""
    shorter = [
        [" ".join(text.split()[:-1]) for text in texts] for texts in (hypotheses, references)
    ]
    bare = _bleus(brevity=lambda c, r: 1.0)(*shorter)
    c, r = (sum(len(text.split()) for text in texts) for texts in (hypotheses, references))
    return bare * (1.0 if c >= r else math.exp(1 - r / c))


@corpus_bleu.misconception("mean of the sentences' scores")
def _(hypotheses, references):
    """You score each sentence and take the mean. BLEU adds up the counts of the whole corpus first;
    a single short sentence often has no right 4-gram, and would count as 0."""
    pairs = zip(hypotheses, references, strict=True)
    scores = [pieces.corpus_bleu([ours], [theirs]) for ours, theirs in pairs]
    return sum(scores) / len(scores)


@corpus_bleu.misconception("mean of the sentences' precisions")
def _(hypotheses, references):
    """You take each sentence's precision and average those. Add up the counts of all sentences,
    then divide once."""
    precisions, c, r = [[] for _ in range(4)], 0, 0
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        ours, theirs = hypothesis.split(), reference.split()
        c, r = c + len(ours), r + len(theirs)
        for n in range(1, 5):
            mine = _counts(ours, n)
            right = (mine & _counts(theirs, n)).total()
            precisions[n - 1].append(right / mine.total() if mine else 0.0)
    means = [sum(each) / len(each) for each in precisions]
    if not all(means):
        return 0.0
    penalty = 1.0 if c >= r else math.exp(1 - r / c)
    return 100 * penalty * math.prod(means) ** 0.25


@corpus_bleu.misconception("brevity penalty sentence by sentence")
def _(hypotheses, references):
    """You compare lengths sentence by sentence. The penalty compares all words of the translations
    with all words of the references, once."""
    penalties = []
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        c, r = len(hypothesis.split()), len(reference.split())
        penalties.append(1.0 if c >= r else math.exp(1 - r / c) if c else 0.0)
    bare = _bleus(brevity=lambda c, r: 1.0)(hypotheses, references)
    return bare * sum(penalties) / len(penalties)


@corpus_bleu.misconception("one long sentence")
def _(hypotheses, references):
    """You join all sentences into one, so that n-grams reach across their ends and a word may be
    right in another sentence. Count each sentence against its own reference, and add up."""
    return pieces.corpus_bleu([" ".join(hypotheses)], [" ".join(references)])


@corpus_bleu.misconception("translations and references swapped")
def _(hypotheses, references):
    """You have swapped translations and references. Precision is the share of the translation's
    n-grams, and the penalty is for short translations."""
    return pieces.corpus_bleu(references, hypotheses)
