"""Both stacks, their embeddings and the head, assembled."""

import inspect
import math
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Instance, Piece, PieceRaised
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.wrong_module import (
    wrong_arguments,
    wrong_constructor,
    wrong_forward,
    wrong_method,
)
from autograder.exercises.translator.token_ids import BOS, padded_ids
from workbook import pieces

Transformer = Exercise(
    "Transformer",
    reference=pieces.Transformer,
    forbidden=("multi_head_attention_forward", "_transformer_encoder_layer_fwd"),
)
# The table of positions may differ in the last digit of float32 from ours.
CLOSE = 1e-5
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


def _two_sides(draw: Draw, construct: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    batch, source, target = draw.sizes(3, low=2, high=7)
    pad_id = construct["pad_id"]
    return (
        padded_ids(draw, batch, source, construct["source_vocab"], pad_id),
        padded_ids(draw, batch, target, construct["target_vocab"], pad_id),
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
    expect.close(found[0], memory.detach(), "memory", CLOSE)


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
    as_long = padded_ids(draw, *source.shape, construct["target_vocab"], construct["pad_id"])
    for tokens in (as_long, target):
        logits = instance.method("decode")(tokens, memory, mask)
        wanted = oracle.decode(tokens, memory, mask).detach()
        expect.close(logits, wanted, "The logits", CLOSE)


@Transformer.property("forward", points=1.5)
def _(piece: Piece, draw: Draw) -> None:
    """model(source, target_in) encodes, then decodes: logits (batch, target length,
    target_vocab)."""
    construct = _sizes(draw)
    instance, oracle = _assembled(piece, draw, construct)
    sides = _two_sides(draw, construct)
    expect.close(instance(*sides), oracle(*sides).detach(), "The logits", CLOSE)


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
        expect.close(instance(*sides), oracle(*sides).detach(), what, CLOSE)


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
        torch.allclose(found, expected, atol=CLOSE),
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


@Transformer.misconception("embeddings not scaled")
@wrong_method(_Assembly, "embed")
def _(self, embedding, tokens):
    """You add the positions to the embeddings as they are. Multiply the embeddings by √d_model
    first (section 3.4 of the paper): they start at 1/√d_model and would drown in the positions."""
    return self.positions(embedding(tokens))


@Transformer.misconception("embeddings divided")
@wrong_method(_Assembly, "embed")
def _(self, embedding, tokens):
    """You divide the embeddings by √d_model. They are multiplied by it; dividing is for scores."""
    return self.positions(embedding(tokens) / math.sqrt(self.d_model))


@Transformer.misconception("scaled by d_model")
@wrong_method(_Assembly, "embed")
def _(self, embedding, tokens):
    """Your embeddings are multiplied by d_model in all: by d_model, or twice by its root. The
    factor is √d_model, once."""
    return self.positions(embedding(tokens) * self.d_model)


@Transformer.misconception("scaled after the positions")
@wrong_method(_Assembly, "embed")
def _(self, embedding, tokens):
    """You scale the sum of embedding and position. Only the embedding is multiplied by √d_model;
    the positions are added afterwards, as they are."""
    x = self.positions(embedding(tokens))
    return x * math.sqrt(self.d_model)


@Transformer.misconception("only the source is scaled")
@wrong_method(_Assembly, "decode")
def _(self, target_in, memory, memory_mask):
    """The target embeddings are not scaled. Both sides are multiplied by √d_model."""
    x = self.positions(self.target_embedding(target_in))
    return self.head(self.decoder(x, memory, self.causal(target_in), memory_mask))


@Transformer.misconception("only the target is scaled")
@wrong_method(_Assembly, "encode")
def _(self, source):
    """The source embeddings are not scaled. Both sides are multiplied by √d_model."""
    mask = pieces.padding_mask(source, self.pad_id)
    return self.encoder(self.positions(self.source_embedding(source)), mask), mask


@Transformer.misconception("no positions")
@wrong_method(_Assembly, "embed")
def _(self, embedding, tokens):
    """The positions are never added: your model can't tell "the dog bites the man" from "the man
    bites the dog". x = self.positions(embedding · √d_model), on both sides."""
    return embedding(tokens) * math.sqrt(self.d_model)


@Transformer.misconception("no positions for the target")
@wrong_method(_Assembly, "decode")
def _(self, target_in, memory, memory_mask):
    """The target gets no positions. Both sides go through self.positions."""
    x = self.target_embedding(target_in) * math.sqrt(self.d_model)
    return self.head(self.decoder(x, memory, self.causal(target_in), memory_mask))


@Transformer.misconception("no positions for the source")
@wrong_method(_Assembly, "encode")
def _(self, source):
    """The source gets no positions. Both sides go through self.positions."""
    mask = pieces.padding_mask(source, self.pad_id)
    return self.encoder(self.source_embedding(source) * math.sqrt(self.d_model), mask), mask


@Transformer.misconception("encoder and decoder inputs swapped")
@wrong_forward(_Assembly)
def _(self, source, target_in):
    """The target goes into your encoder and the source into your decoder. It is the other way
    round: encode(source), then decode(target_in, …). (A widely used tutorial has this mistake.)"""
    memory, mask = self.encode(target_in.clamp(max=self.source_embedding.num_embeddings - 1))
    return self.decode(source.clamp(max=self.target_embedding.num_embeddings - 1), memory, mask)


@Transformer.misconception("inputs swapped, and an index out of range")
@wrong_forward(_Assembly)
def _(self, source, target_in):
    """The target goes into your encoder and the source into your decoder, which looks up words of
    the other language. It is the other way round: encode(source), then decode(target_in, …). (A
    widely used tutorial has this mistake.)"""
    return self.decode(source, *self.encode(target_in))


@Transformer.misconception("memory and target swapped in the decoder")
@wrong_method(_Assembly, "decode")
def _(self, target_in, memory, memory_mask):
    """You call the decoder with the memory first. Its first argument is the target x, its second
    the memory that it looks things up in."""
    x = self.embed(self.target_embedding, target_in)
    return self.head(self.decoder(memory, x, None, None))


@Transformer.misconception("the source's embedding for the target")
@wrong_method(_Assembly, "decode")
def _(self, target_in, memory, memory_mask):
    """You look up the target tokens in the source embedding. Each language has its own, unless
    they are shared."""
    known = self.source_embedding.num_embeddings
    x = self.embed(self.source_embedding, target_in.clamp(max=known - 1))
    return self.head(self.decoder(x, memory, self.causal(target_in), memory_mask))


@Transformer.misconception("no causal mask")
@wrong_method(_Assembly, "causal")
def _(self, target_in):
    """Your decoder has no causal mask: each position sees the very token that it should predict.
    Training looks wonderful, and nothing can be written. Hand causal_mask(length) to the decoder
    as its third argument."""
    return None


@Transformer.misconception("causal mask the wrong way round")
@wrong_method(_Assembly, "causal")
def _(self, target_in):
    """Your causal mask hides what may be seen. True means "may attend", and causal_mask gives it
    that way: pass it on without ~."""
    return ~pieces.causal_mask(target_in.size(1)).to(target_in.device)


@Transformer.misconception("source mask not given to cross-attention")
@wrong_method(_Assembly, "decode")
def _(self, target_in, memory, memory_mask):
    """The decoder looks at the padding of the source: memory_mask doesn't reach its
    cross-attention. It is the decoder's fourth argument."""
    x = self.embed(self.target_embedding, target_in)
    return self.head(self.decoder(x, memory, self.causal(target_in)))


@Transformer.misconception("masks swapped in the decoder")
@wrong_method(_Assembly, "decode")
def _(self, target_in, memory, memory_mask):
    """You have swapped the decoder's two masks. decoder(x, memory, self_mask, cross_mask): the
    causal mask first, then memory_mask."""
    x = self.embed(self.target_embedding, target_in)
    return self.head(self.decoder(x, memory, memory_mask, self.causal(target_in)))


@Transformer.misconception("causal mask of the source's length")
@wrong_method(_Assembly, "decode")
def _(self, target_in, memory, memory_mask):
    """Your causal mask has the length of the source. It is for the target, which looks at itself:
    causal_mask(target_in.shape[1])."""
    x = self.embed(self.target_embedding, target_in)
    mask = pieces.causal_mask(memory.size(1)).to(target_in.device)
    return self.head(self.decoder(x, memory, mask, memory_mask))


@Transformer.misconception("encoder without its mask")
@wrong_method(_Assembly, "encode")
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
@wrong_method(_Assembly, "encode")
def _(self, source):
    """Your mask is True at the padding. True means "may attend": padding_mask(source, pad_id) as it
    is, without ~."""
    mask = ~pieces.padding_mask(source, self.pad_id)
    return self.encoder(self.embed(self.source_embedding, source), mask), mask


@Transformer.misconception("causal mask in the encoder")
@wrong_method(_Assembly, "encode")
def _(self, source):
    """Your encoder reads under a causal mask. The source is all there from the beginning: its words
    may look in both directions, and only padding is hidden."""
    mask = pieces.padding_mask(source, self.pad_id)
    both = mask & pieces.causal_mask(source.size(1)).to(source.device)
    return self.encoder(self.embed(self.source_embedding, source), both), mask


@Transformer.misconception("padding mask (batch, length)")
@wrong_method(_Assembly, "encode")
def _(self, source):
    """memory_mask has two dimensions, (batch, length). It has to broadcast against the scores
    (batch, heads, queries, keys): your padding_mask gives (batch, 1, 1, length)."""
    mask = pieces.padding_mask(source, self.pad_id)
    return self.encoder(self.embed(self.source_embedding, source), mask), mask[:, 0, 0]


@Transformer.misconception("no mask returned")
@wrong_method(_Assembly, "encode")
def _(self, source):
    """encode returns the memory alone. Whoever decodes needs the mask too: return memory,
    memory_mask."""
    mask = pieces.padding_mask(source, self.pad_id)
    return self.encoder(self.embed(self.source_embedding, source), mask)


@Transformer.misconception("pad_id taken for 0")
@wrong_method(_Assembly, "encode")
def _(self, source):
    """Your padding mask looks for token 0, whatever pad_id is. Use self.pad_id."""
    mask = pieces.padding_mask(source, 0)
    return self.encoder(self.embed(self.source_embedding, source), mask), mask


@Transformer.misconception("padding of the target hidden too")
@wrong_method(_Assembly, "decode")
def _(self, target_in, memory, memory_mask):
    """You also hide the padding of the target. It comes after a sentence's end, so no real token
    looks at it under the causal mask; hiding it changes the logits at padding, and a first token
    that equals pad_id would see nothing. The causal mask alone is asked for."""
    x = self.embed(self.target_embedding, target_in)
    mask = self.causal(target_in) & pieces.padding_mask(target_in, self.pad_id)
    return self.head(self.decoder(x, memory, mask, memory_mask))


@Transformer.misconception("probabilities in place of logits")
@wrong_method(_Assembly, "decode")
def _(self, target_in, memory, memory_mask):
    """You end in a softmax. The loss takes logits and does the softmax itself; twice is one too
    many. Return what the head gives."""
    return _Assembly.decode(self, target_in, memory, memory_mask).softmax(-1)


@Transformer.misconception("logits of the last position only")
@wrong_method(_Assembly, "decode")
def _(self, target_in, memory, memory_mask):
    """decode returns the last position's logits only. Training needs them at all positions:
    (batch, length, target_vocab); whoever decodes picks the last one."""
    return _Assembly.decode(self, target_in, memory, memory_mask)[:, -1]


@Transformer.misconception("no head")
@wrong_method(_Assembly, "decode")
def _(self, target_in, memory, memory_mask):
    """decode returns the decoder's hidden states. The head makes logits of them:
    self.head(…)."""
    x = self.embed(self.target_embedding, target_in)
    return self.decoder(x, memory, self.causal(target_in), memory_mask)


@Transformer.misconception("head not tied")
@wrong_constructor(_Assembly)
def _(self, target_vocab, d_model):
    """The head has a weight of its own. It is tied to the target embedding:
    self.head.weight = self.target_embedding.weight."""
    self.head = pieces.OutputHead(d_model, target_vocab)


@Transformer.misconception("tied to the source embedding")
@wrong_constructor(_Assembly)
def _(self):
    """The head is tied to the source embedding, so it can't write the target language. Tie it to
    the target's: self.head.weight = self.target_embedding.weight."""
    self.head.weight = self.source_embedding.weight


@Transformer.misconception("a linear layer with bias for the head")
@wrong_constructor(_Assembly)
def _(self, target_vocab, d_model):
    """Your head has a bias. OutputHead of lesson 06 has none; its only parameter is the tied
    weight."""
    self.head = nn.Linear(d_model, target_vocab)
    self.head.weight = self.target_embedding.weight


@Transformer.misconception("share_embeddings ignored")
@wrong_constructor(_Assembly)
def _(self, target_vocab, d_model, share_embeddings):
    """With share_embeddings=True, source and target still have embeddings of their own. Then
    self.target_embedding should be self.source_embedding."""
    if share_embeddings:
        self.target_embedding = nn.Embedding(target_vocab, d_model)
        nn.init.normal_(self.target_embedding.weight, std=d_model**-0.5)
        self.head.weight = self.target_embedding.weight


@Transformer.misconception("always shared")
@wrong_constructor(_Assembly)
def _(self):
    """Source and target use one embedding, whether it is asked for or not. Only with
    share_embeddings=True."""
    self.source_embedding = self.target_embedding


@Transformer.misconception("two vocabularies shared")
@wrong_arguments(_Assembly)
def _(source_vocab, target_vocab, share_embeddings):
    """With share_embeddings=True and vocabularies of two sizes your constructor says nothing. There
    is no embedding that fits both: raise a ValueError."""
    if not share_embeddings:
        return {}
    return dict.fromkeys(("source_vocab", "target_vocab"), max(source_vocab, target_vocab))


@Transformer.misconception("embeddings left at their size")
@wrong_constructor(_Assembly)
def _(self):
    """nn.Embedding starts with a standard deviation of 1. Multiplied by √d_model that is far too
    large, and so are the tied head's first logits. Begin at 1/√d_model:
    nn.init.normal_(embedding.weight, std=d_model ** -0.5)."""
    for embedding in (self.source_embedding, self.target_embedding):
        nn.init.normal_(embedding.weight)


@Transformer.misconception("embeddings start at 1/d_model")
@wrong_constructor(_Assembly)
def _(self, d_model):
    """Your embeddings start at 1/d_model. The root is missing: std=d_model ** -0.5."""
    for embedding in (self.source_embedding, self.target_embedding):
        nn.init.normal_(embedding.weight, std=1 / d_model)


@Transformer.misconception("embeddings start at √d_model")
@wrong_constructor(_Assembly)
def _(self, d_model):
    """Your embeddings start at √d_model, far too large. The exponent is negative:
    std=d_model ** -0.5."""
    for embedding in (self.source_embedding, self.target_embedding):
        nn.init.normal_(embedding.weight, std=d_model**0.5)


@Transformer.misconception("only one embedding starts small")
@wrong_constructor(_Assembly)
def _(self, share_embeddings):
    """Only one of the two embeddings starts at 1/√d_model. Both should."""
    if not share_embeddings:
        nn.init.normal_(self.source_embedding.weight)


@Transformer.misconception("other names")
@wrong_constructor(_Assembly)
def _(self):
    """The parts have other names than the exercise asks: source_embedding, target_embedding,
    positions, encoder, decoder, head. Names are how weights are exchanged."""
    self.src_embed, self.tgt_embed = self.source_embedding, self.target_embedding
    del self.source_embedding, self.target_embedding


@Transformer.misconception("norm_first not passed on")
@wrong_constructor(_Assembly)
def _(self, d_model, num_heads, num_layers, d_ff, dropout, activation):
    """norm_first doesn't reach the stacks: pass it to Encoder and Decoder."""
    stack = (num_layers, d_model, num_heads, d_ff)
    self.encoder = pieces.Encoder(*stack, dropout, activation=activation)
    self.decoder = pieces.Decoder(*stack, dropout, activation=activation)


@Transformer.misconception("neither norm_first nor activation passed on")
@wrong_constructor(_Assembly)
def _(self, d_model, num_heads, num_layers, d_ff, dropout):
    """norm_first and activation don't reach the stacks: pass both to Encoder and Decoder."""
    stack = (num_layers, d_model, num_heads, d_ff, dropout)
    self.encoder, self.decoder = pieces.Encoder(*stack), pieces.Decoder(*stack)


@Transformer.misconception("the decoder without norm_first and activation")
@wrong_constructor(_Assembly)
def _(self, d_model, num_heads, num_layers, d_ff, dropout):
    """norm_first and activation reach the encoder only. Decoder takes the same arguments."""
    stack = (num_layers, d_model, num_heads, d_ff, dropout)
    self.decoder = pieces.Decoder(*stack)


@Transformer.misconception("the encoder without norm_first and activation")
@wrong_constructor(_Assembly)
def _(self, d_model, num_heads, num_layers, d_ff, dropout):
    """norm_first and activation reach the decoder only. Encoder takes the same arguments."""
    stack = (num_layers, d_model, num_heads, d_ff, dropout)
    self.encoder = pieces.Encoder(*stack)


@Transformer.misconception("num_layers not in front")
@wrong_constructor(_Assembly)
def _(self, d_model, num_heads, num_layers, d_ff, dropout, norm_first, activation):
    """The stacks take num_layers first: Encoder(num_layers, d_model, num_heads, d_ff, dropout,
    norm_first, activation). You hand them d_model first, as Transformer itself is given it."""
    stack = (d_model, num_heads, num_layers, d_ff, dropout, norm_first, activation)
    self.encoder, self.decoder = pieces.Encoder(*stack), pieces.Decoder(*stack)


@Transformer.misconception("activation not passed on")
@wrong_constructor(_Assembly)
def _(self, d_model, num_heads, num_layers, d_ff, dropout, norm_first):
    """activation doesn't reach the stacks: pass it to Encoder and Decoder."""
    stack = (num_layers, d_model, num_heads, d_ff, dropout)
    self.encoder = pieces.Encoder(*stack, norm_first)
    self.decoder = pieces.Decoder(*stack, norm_first)


@Transformer.misconception("dropout not passed on")
@wrong_constructor(_Assembly)
def _(self, d_model, num_heads, num_layers, d_ff, norm_first, activation):
    """Some part keeps a dropout of its own, 0.1, whatever was asked: pass dropout to Encoder, to
    Decoder and to PositionalEncoding(d_model, max_length, dropout)."""
    stack = (num_layers, d_model, num_heads, d_ff)
    self.encoder = pieces.Encoder(*stack, 0.1, norm_first, activation)
    self.decoder = pieces.Decoder(*stack, 0.1, norm_first, activation)


@Transformer.misconception("no dropout anywhere")
@wrong_constructor(_Assembly)
def _(self, d_model, num_heads, num_layers, d_ff, max_length, norm_first, activation):
    """Nothing is dropped in training: dropout reaches neither the stacks nor the positions."""
    stack = (num_layers, d_model, num_heads, d_ff)
    self.encoder = pieces.Encoder(*stack, 0.0, norm_first, activation)
    self.decoder = pieces.Decoder(*stack, 0.0, norm_first, activation)
    self.positions = pieces.PositionalEncoding(d_model, max_length, 0.0)


@Transformer.misconception("max_length not passed to the positions")
@wrong_constructor(_Assembly)
def _(self, d_model, dropout):
    """max_length doesn't reach the positions, and their own 5,000 stand where it should:
    PositionalEncoding(d_model, max_length, dropout)."""
    self.positions = pieces.PositionalEncoding(d_model, dropout=dropout)


@Transformer.misconception("max_length and dropout swapped")
@wrong_constructor(_Assembly)
def _(self, d_model, dropout, max_length):
    """You hand PositionalEncoding the dropout where max_length belongs. Its order is
    PositionalEncoding(d_model, max_length, dropout)."""
    self.positions = pieces.PositionalEncoding(d_model, dropout, max_length)


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
@wrong_forward(_Assembly)
def _(self, source, target_in):
    """You encode the memory once more. encode runs once; decode gets what it returned."""
    memory, mask = self.encode(source)
    return self.decode(target_in, self.encoder(memory, mask), mask)


@Transformer.misconception("cross-attention to the embeddings")
@wrong_method(_Assembly, "encode")
def _(self, source):
    """The encoder's work is never used: your memory is the embedded source. Return what the encoder
    makes of it."""
    return self.embed(self.source_embedding, source), pieces.padding_mask(source, self.pad_id)


@Transformer.misconception("memory cut off from the graph")
@wrong_forward(_Assembly)
def _(self, source, target_in):
    """No gradient reaches the encoder: a .detach() or torch.no_grad() cuts the memory off, and it
    would never learn."""
    memory, mask = self.encode(source)
    return self.decode(target_in, memory.detach(), mask)


@Transformer.misconception("forward shifts the target")
@wrong_forward(_Assembly)
def _(self, source, target_in):
    """You shift the target inside the model. target_in comes shifted already, with bos in front:
    decode it as it is."""
    return self.decode(pieces.shift_right(target_in, BOS), *self.encode(source))


@Transformer.misconception("forward returns the memory too")
@wrong_forward(_Assembly)
def _(self, source, target_in):
    """forward returns several things. Only the logits are asked for."""
    memory, mask = self.encode(source)
    return self.decode(target_in, memory, mask), memory
