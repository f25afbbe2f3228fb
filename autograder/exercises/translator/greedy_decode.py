"""A translation written by the likeliest next token."""

from collections.abc import Callable
from typing import Any

import torch

from autograder.channel import translators
from autograder.channel.piece import Piece
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.exercises.translator.token_ids import BOS, EOS
from autograder.exercises.translator.written import (
    chain_case,
    expect_written,
    source_ids,
    table_case,
)
from workbook import pieces

greedy_decode = Exercise("greedy_decode", reference=pieces.greedy_decode)


def _expect_greedy(piece: Piece, kind: str, made_of: dict, source: torch.Tensor, most: int) -> None:
    found = piece(Made(kind, made_of), source, most, BOS, EOS)
    model = translators.MAKERS[kind](**made_of)
    wanted = pieces.greedy_decode(model, source, most, BOS, EOS)
    expect_written(found, wanted, "What is written")


@greedy_decode.property("one sentence", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """The most likely token at each step, until eos, which is the last one; bos is not among
    them."""
    length = draw.integer(3, 6)
    _expect_greedy(piece, "chain", *chain_case(draw, [length]), length + 2)


@greedy_decode.property("each row stops on its own", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A row that has written eos is padded with model.pad_id; the others go on."""
    lengths = draw.sizes(4, low=2, high=7)
    # The first row is neither the first nor the last to end.
    lengths = [sorted(lengths)[1], *(n for n in lengths if n != sorted(lengths)[1])]
    _expect_greedy(piece, "chain", *chain_case(draw, lengths), max(lengths) + 2)


@greedy_decode.property("never longer than max_length", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """Rows that don't end are cut off after max_length tokens."""
    lengths = draw.sizes(3, low=4, high=9)
    _expect_greedy(piece, "chain", *chain_case(draw, lengths), min(lengths))
    _expect_greedy(piece, "chain", *chain_case(draw, [7, 8]), 1)


@greedy_decode.property("everything written so far is read", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """The model is given bos and all tokens written so far, with memory and mask as encode returned
    them; the last position's logits say what comes next."""
    vocab, most = draw.sizes(2, low=5, high=8)
    _expect_greedy(piece, "table", table_case(draw, vocab, most), source_ids(draw, 4), most)


@greedy_decode.property("a row in a batch and alone", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A sentence is translated alike whether it is alone or among others."""
    vocab, most = draw.sizes(2, low=5, high=8)
    made_of, source = table_case(draw, vocab, most), source_ids(draw, 3)
    for row in source:
        _expect_greedy(piece, "table", made_of, row[None], most)
    _expect_greedy(piece, "table", made_of, source.flip(0), most)


@greedy_decode.property("inputs stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave the source as it was."""
    vocab, most = draw.sizes(2, low=5, high=8)
    made_of, source = table_case(draw, vocab, most), source_ids(draw, 3)
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
