"""A test for leaks: how much an output knows of later tokens."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from autograder.channel.piece import Piece
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

future_leak = Exercise("future_leak", reference=pieces.future_leak)


class _Watched:
    """Sentences, and a model of which it is known what every swapped token does to every output."""

    def __init__(self, draw: Draw, ahead: float = 1.0, vocab: int = 0) -> None:
        batch, self.length, features, some = draw.sizes(4, low=2, high=6)
        self.length += 1
        self.vocab = vocab or max(batch, some) + 2
        batch = min(batch, self.vocab)
        # No two sentences have a token in the same place, so that the model knows them all apart.
        first = draw.tokens(1, self.length, low=0, high=self.vocab - 1)
        first[0, -1] = self.vocab - 1
        self.tokens = (first + torch.arange(batch)[:, None]) % self.vocab
        self.base = draw.normal(batch, self.length, features)
        self.effect = draw.normal(batch, self.length, self.length, features)
        self.later = torch.ones(self.length, self.length, dtype=torch.bool).triu(1)
        self.effect[:, self.later] *= ahead

    def made(self, kind: str = "watcher") -> Made:
        options = {"tokens": self.tokens, "base": self.base, "effect": self.effect}
        return Made(kind, options | {"vocab_size": self.vocab})

    def leak(self) -> float:
        """What every swap of a later token does, at most."""
        return self.effect[:, self.later].abs().max().item()

    def found_by(self, piece: Piece, kind: str = "watcher") -> float:
        """What the piece returns."""
        found = piece(self.made(kind), self.tokens, self.vocab)
        if isinstance(found, torch.Tensor) and found.ndim == 0:
            return found.item()
        number = isinstance(found, (int, float)) and not isinstance(found, bool)
        if not number:
            raise expect.Mismatch(
                f"future_leak should return one number; it is {expect.describe(found)}.",
                kind=expect.NOTHING_RETURNED if found is None else "",
            )
        return float(found)


def _expect_leak(found: float, wanted: float, what: str) -> None:
    if not math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12):
        raise expect.Mismatch(f"{what} The leak is {wanted:.6g}; yours is {found:.6g}.")


@future_leak.property("measured in eval mode", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A module is measured in eval mode, where dropout is silent, whatever mode it came in."""
    watched = _Watched(draw)
    made = watched.made()
    model = piece.make(made.kind, **made.options)
    piece(model.handle, watched.tokens, watched.vocab)
    expect.that(model.method("asked_in_training")() == 0, "The model was asked in training mode.")


@future_leak.property("zero where nobody looks ahead", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A model whose outputs depend on a position's own token and on earlier ones has no leak,
    whatever its outputs do at and after the swapped position."""
    _expect_leak(_Watched(draw, ahead=0.0).found_by(piece), 0.0, "This model doesn't look ahead.")


@future_leak.property("the largest change", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Of all changes, at all earlier positions, in all sentences and features, for every later
    token that is swapped (one at a time), the largest counts, upwards or downwards."""
    watched = _Watched(draw)
    _expect_leak(watched.found_by(piece), watched.leak(), "")


@future_leak.property("changes downwards too", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A change downwards is a leak as well."""
    watched = _Watched(draw)
    watched.effect[:, watched.later] = -watched.effect[:, watched.later].abs()
    _expect_leak(watched.found_by(piece), watched.leak(), "Here all changes are downwards.")


@future_leak.property("every place is looked at", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A small leak from a single later token to a single earlier position, in one sentence, up or
    down, should be found wherever it is; in a vocabulary of two, too."""
    results = []
    for number in range(8):
        watched = _Watched(draw, ahead=0.0, vocab=2 if number else 0)
        later = watched.length - 1 if number == 1 else draw.integer(1, watched.length - 1)
        later = 1 if number == 2 else later
        earlier = 0 if number == 3 else draw.integer(0, later - 1)
        earlier = later - 1 if number in (0, 4) else earlier
        row = draw.integer(0, len(watched.tokens) - 1)
        size = draw.uniform(0.01, 0.02) * (-1) ** number
        watched.effect[row, earlier, later, draw.integer(0, watched.base.size(-1) - 1)] = size
        results.append((watched.found_by(piece), abs(size)))
    for found, wanted in results:  # after all of them: they tell mistakes apart
        _expect_leak(found, wanted, "One token looks ahead here, from one position to another.")


@future_leak.property("one later token at a time", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The model should be asked about whole sentences in which one later token is another one; each
    later position has its turn."""
    watched = _Watched(draw)
    made = watched.made()
    model = piece.make(made.kind, **made.options)
    piece(model.handle, watched.tokens, watched.vocab)
    turns = set()
    for asked in model.method("asked")():
        expect.that(asked.size(1) == watched.length, "It was asked about a part of the sentences.")
        for row in asked:
            differs = row != watched.tokens
            changed = differs[differs.sum(-1).argmin()].nonzero().flatten().tolist()
            expect.that(len(changed) < 2, "It was asked with several tokens swapped at once.")
            turns.update(changed)
    expect.that(bool(turns), "It was never asked with a swapped token.")
    expect.that(
        turns >= set(range(1, watched.length)), "Some later positions never had their turn."
    )


@future_leak.property("the mode put back", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A module is left in the mode it came in, with the right leak in either case."""
    for training in (True, False):
        watched = _Watched(draw, ahead=0.0 if training else 1.0)
        made = watched.made()
        model = piece.make(made.kind, **made.options).train(training)
        found = piece(model.handle, watched.tokens, watched.vocab)
        number = found.item() if isinstance(found, torch.Tensor) and found.ndim == 0 else found
        expect.that(isinstance(number, (int, float)), "future_leak should return one number.")
        wanted = 0.0 if training else watched.leak()
        _expect_leak(float(number), wanted, "The model came in training mode." if training else "")
        before = "training" if training else "eval"
        after = model.method("mode")()
        expect.that(
            after == before, f"The model came in {before} mode and is left in {after} mode."
        )


@future_leak.property("a plain function will do", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """model may be a plain function, such as a lambda: it has no modes."""
    watched = _Watched(draw)
    _expect_leak(watched.found_by(piece, "watching"), watched.leak(), "The model is a function.")


@future_leak.property("one token alone", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Where there is one position, nothing comes later: the leak is 0."""
    watched = _Watched(draw)
    watched.tokens, watched.length = watched.tokens[:, :1], 1
    watched.base, watched.effect = watched.base[:, :1], watched.effect[:, :1, :1]
    _expect_leak(watched.found_by(piece), 0.0, "There is no later position.")


@future_leak.property("a float", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """What comes back is a Python float, as .item() gives it."""
    watched = _Watched(draw)
    found = piece(watched.made(), watched.tokens, watched.vocab)
    expect.that(isinstance(found, float), f"It should be a float; it is {expect.describe(found)}.")


@future_leak.property("tokens stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave the caller's tokens as they were."""
    watched = _Watched(draw)
    after = piece.inputs_after(watched.made(), watched.tokens, watched.vocab)
    expect.unchanged([watched.tokens], after)


def _next(tokens: torch.Tensor, later: int, vocab_size: int) -> torch.Tensor:
    """A copy in which one token is the next one of the vocabulary."""
    swapped = tokens.clone()
    swapped[:, later] = (swapped[:, later] + 1) % vocab_size
    return swapped


def _largest(changes: list[torch.Tensor]) -> float:
    return max([0.0, *(change.abs().max().item() for change in changes)])


@torch.no_grad()
def _leak(
    model: Any,
    tokens: torch.Tensor,
    vocab_size: int,
    swap: Callable[..., torch.Tensor] = _next,
    part: Callable[..., torch.Tensor] = lambda change, later: change[:, :later],
    sum_up: Callable[[list], Any] = _largest,
    places: Callable[[int], Any] = lambda length: range(1, length),
) -> Any:
    """Right, but for what is handed over."""
    module = isinstance(model, nn.Module)
    training = module and model.training
    if module:
        model.eval()
    try:
        outputs = model(tokens)
        changes = [
            part(model(swap(tokens, later, vocab_size)) - outputs, later)
            for later in places(tokens.size(1))
        ]
        return sum_up(changes)
    finally:
        if module:
            model.train(training)


# What is swapped.
@future_leak.misconception("the last token only")
def _(model, tokens, vocab_size):
    """You swap the last token only. A decoder may peek one step ahead everywhere: swap each later
    token in turn, from position 1 to the end."""
    return _leak(model, tokens, vocab_size, places=lambda length: range(length - 1, length))


@future_leak.misconception("the second token only")
def _(model, tokens, vocab_size):
    """Only the token at position 1 is ever swapped. Is the return inside the loop? Every later
    position has its turn."""
    return _leak(model, tokens, vocab_size, places=lambda length: range(1, min(length, 2)))


@future_leak.misconception("the first token only")
def _(model, tokens, vocab_size):
    """You swap the first token: nothing comes before it that could notice. Swap each later token in
    turn, and look at the positions before it."""
    return _leak(
        model, tokens, vocab_size, places=lambda length: range(1), part=lambda change, _: change * 0
    )


@future_leak.misconception("the last token left out")
def _(model, tokens, vocab_size):
    """The last token is never swapped: range(1, length − 1) ends before it. It is a later token
    too: range(1, length)."""
    return _leak(model, tokens, vocab_size, places=lambda length: range(1, length - 1))


@future_leak.misconception("starts at the third token")
def _(model, tokens, vocab_size):
    """The token at position 1 is never swapped. Position 0 comes before it and could notice:
    range(1, length)."""
    return _leak(model, tokens, vocab_size, places=lambda length: range(2, length))


@future_leak.misconception("several tokens at once")
def _(model, tokens, vocab_size):
    """You swap all later tokens at once. What they do may cancel, or add up; swap one at a time,
    all others as they were."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[:, later:] = (swapped[:, later:] + 1) % vocab_size
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("earlier swaps kept")
def _(model, tokens, vocab_size):
    """You swap on and on in the same copy, so that earlier tokens are still swapped when a later
    one has its turn. Take a fresh copy of tokens each time: clone() inside the loop."""
    swapped = tokens.clone()

    def swap(tokens, later, vocab_size):
        swapped[:, later] = (swapped[:, later] + 1) % vocab_size
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("the caller's tokens swapped")
def _(model, tokens, vocab_size):
    """You swap in the caller's tokens, which stay swapped. Take a fresh copy each time:
    tokens.clone(), inside the loop."""

    def swap(tokens, later, vocab_size):
        tokens[:, later] = (tokens[:, later] + 1) % vocab_size
        return tokens

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("swapped for itself")
def _(model, tokens, vocab_size):
    """The tokens are the same before and after your swap, so nothing can change. Add 1 before you
    take the remainder: (token + 1) % vocab_size."""
    return _leak(model, tokens, vocab_size, lambda tokens, *_: tokens.clone())


@future_leak.misconception("swapped for 0")
def _(model, tokens, vocab_size):
    """You put token 0 there, and some tokens are 0 already: for them nothing is swapped. Take one
    that is different in any case: (token + 1) % vocab_size."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[:, later] = 0
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("swapped for the last word")
def _(model, tokens, vocab_size):
    """You put the vocabulary's last token there, and some are the last already: for them nothing is
    swapped. Take one that is different in any case: (token + 1) % vocab_size."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[:, later] = vocab_size - 1
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("swapped at random")
def _(model, tokens, vocab_size):
    """You draw a token at random, which may be the one that was there: then nothing is swapped, and
    a leak goes unseen. Take one that is different in any case: (token + 1) % vocab_size."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[:, later] = torch.randint(vocab_size, (len(tokens),))
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("a neighbour's token")
def _(model, tokens, vocab_size):
    """You put the neighbour's token there, which may be the same one: then nothing is swapped. Take
    one that is different in any case: (token + 1) % vocab_size."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[:, later] = tokens[:, later - 1]
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("outside the vocabulary")
def _(model, tokens, vocab_size):
    """Your swap leaves the vocabulary: ids go from 0 to vocab_size − 1, and the one after the last
    is no token. Start again at 0 there: (token + 1) % vocab_size."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[:, later] += 1
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("cut off in place of swapped")
def _(model, tokens, vocab_size):
    """You cut the sentence off and compare beginnings. That is another test: here the length stays,
    and one later token is swapped."""
    return _leak(
        model,
        tokens,
        vocab_size,
        places=lambda length: range(1),
        sum_up=lambda changes: _largest(
            [model(tokens[:, :n]) - model(tokens)[:, :n] for n in range(1, tokens.size(1))]
        ),
    )


@future_leak.misconception("sentences swapped, not positions")
def _(model, tokens, vocab_size):
    """tokens[later] is a whole sentence of the batch, so that you swap all of its tokens. The
    tokens at one position, of all sentences, are tokens[:, later]."""

    def swap(tokens, later, vocab_size):
        swapped = tokens.clone()
        swapped[later] = (swapped[later] + 1) % vocab_size
        return swapped

    return _leak(model, tokens, vocab_size, swap)


@future_leak.misconception("nothing before the first position")
def _(model, tokens, vocab_size):
    """At position 0 there are no earlier positions, [:, :0] is empty, and the largest of nothing is
    an error. Begin at 1: range(1, length)."""
    return _leak(model, tokens, vocab_size, places=range)


@future_leak.misconception("returned from inside the loop")
def _(model, tokens, vocab_size):
    """Your return stands inside the loop: only the token at position 1 is ever swapped, and the
    model's mode is never put back. Move it out, to the very end."""
    if isinstance(model, nn.Module) and tokens.size(1) > 1:
        model.eval()
    return _leak(
        model if tokens.size(1) < 2 else lambda some: model(some),
        tokens,
        vocab_size,
        places=lambda length: range(1, min(length, 2)),
    )


# What is compared.
@future_leak.misconception("the swapped position too")
def _(model, tokens, vocab_size):
    """You also look at the swapped position itself. Its own output may change; a leak is a change
    before it: [:, :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:, : later + 1])


@future_leak.misconception("the swapped position alone")
def _(model, tokens, vocab_size):
    """You look at the swapped position itself, whose output may change. A leak is a change before
    it: [:, :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:, later])


@future_leak.misconception("all positions")
def _(model, tokens, vocab_size):
    """You look at all positions. Those at and after the swap may change; a leak is a change before
    it: [:, :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change)


@future_leak.misconception("positions after the swap")
def _(model, tokens, vocab_size):
    """You look at the positions from the swap on. They may change, it is their past; a leak is a
    change before it: [:, :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:, later:])


@future_leak.misconception("positions behind the swap")
def _(model, tokens, vocab_size):
    """You look at the positions behind the swap. They may change, it is their past; and behind the
    last one there are none. A leak is a change before the swap: [:, :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:, later + 1 :])


@future_leak.misconception("the position before only")
def _(model, tokens, vocab_size):
    """You look at the position right before the swap only. Any earlier one may have noticed: [:,
    :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:, later - 1])


@future_leak.misconception("the first position only")
def _(model, tokens, vocab_size):
    """You look at the first position only. Any position before the swap may have noticed: [:,
    :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:, 0])


@future_leak.misconception("one position too few")
def _(model, tokens, vocab_size):
    """You leave out the position right before the swap, and it is the likeliest to peek. A slice
    ends before its number already: [:, :later]."""
    return _leak(
        model,
        tokens,
        vocab_size,
        part=lambda change, later: change[:, : later - 1] if later > 1 else change[:, :1] * 0,
    )


@future_leak.misconception("the first sentence only")
def _(model, tokens, vocab_size):
    """You look at the first sentence of the batch only. All of them count."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[0, :later])


@future_leak.misconception("sentences for positions")
def _(model, tokens, vocab_size):
    """A slice [:later] takes the first sentences. The earlier positions of all sentences are [:,
    :later]."""
    return _leak(model, tokens, vocab_size, part=lambda change, later: change[:later])


# How it is summed up.
@future_leak.misconception("the mean change")
def _(model, tokens, vocab_size):
    """You take the mean of the changes. One leak among many silent positions nearly vanishes in it:
    take the largest."""

    def mean(changes):
        return torch.stack([c.abs().mean() for c in changes]).mean().item() if changes else 0.0

    return _leak(model, tokens, vocab_size, sum_up=mean)


@future_leak.misconception("the mean of the largest")
def _(model, tokens, vocab_size):
    """You average over the swaps. One of them may be the only one that leaks: take the largest of
    all."""

    def mean(changes):
        return torch.stack([c.abs().max() for c in changes]).mean().item() if changes else 0.0

    return _leak(model, tokens, vocab_size, sum_up=mean)


@future_leak.misconception("the largest of the means")
def _(model, tokens, vocab_size):
    """You average the changes of a swap, then take the largest average. One leak among many silent
    positions nearly vanishes in it: take the largest change itself."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([0.0, *(c.abs().mean().item() for c in changes)]),
    )


@future_leak.misconception("the sum of the changes")
def _(model, tokens, vocab_size):
    """You add the changes up. The largest single one is asked for."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: sum((c.abs().sum().item() for c in changes), 0.0),
    )


@future_leak.misconception("the largest of the sums")
def _(model, tokens, vocab_size):
    """You add up the changes of a swap, then take the largest sum. The largest single change is
    asked for: abs().max()."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([0.0, *(c.abs().sum().item() for c in changes)]),
    )


@future_leak.misconception("the largest of each swap added up")
def _(model, tokens, vocab_size):
    """You add up the largest change of each swap. The largest of all is asked for."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: sum((c.abs().max().item() for c in changes), 0.0),
    )


@future_leak.misconception("the length of the change")
def _(model, tokens, vocab_size):
    """You take the norm, the length of the whole change. The largest change of a single number is
    asked for: abs().max()."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([0.0, *(c.norm().item() for c in changes)]),
    )


@future_leak.misconception("squared")
def _(model, tokens, vocab_size):
    """You square the changes, which makes small leaks tiny. Take the absolute value: abs()."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([0.0, *(c.square().max().item() for c in changes)]),
    )


@future_leak.misconception("only upwards")
def _(model, tokens, vocab_size):
    """You look for the largest change with its sign, so that a change downwards goes unseen. Take
    abs() before max()."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([0.0, *(c.max().item() for c in changes)]),
    )


@future_leak.misconception("with its sign")
def _(model, tokens, vocab_size):
    """Your largest change has a sign, and so it may come out below 0 or miss a change downwards.
    Take abs() before max()."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([c.max().item() for c in changes], default=0.0),
    )


@future_leak.misconception("abs after max")
def _(model, tokens, vocab_size):
    """You take max() first and abs() after it. A change downwards is no maximum: it goes unseen.
    Take abs() first."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([0.0, *(abs(c.max().item()) for c in changes)]),
    )


@future_leak.misconception("the last swap counts")
def _(model, tokens, vocab_size):
    """Each swap overwrites what the one before found, and the last one remains. Keep the largest:
    leak = max(leak, change)."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: changes[-1].abs().max().item() if changes else 0.0,
    )


@future_leak.misconception("the smallest change")
def _(model, tokens, vocab_size):
    """You return the smallest change. A model that leaks in one place alone would pass: take the
    largest."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: min([c.abs().max().item() for c in changes], default=0.0),
    )


@future_leak.misconception("small changes ignored")
def _(model, tokens, vocab_size):
    """You ignore changes that are small, and a small leak is a leak. Return the largest change as
    it is; who reads it decides."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: largest if (largest := _largest(changes)) > 0.1 else 0.0,
    )


@future_leak.misconception("the share that changed")
def _(model, tokens, vocab_size):
    """You return the share of the numbers that changed. How much they changed is asked for, the
    largest: abs().max()."""

    def share(changes):
        return (
            torch.cat([(c != 0).flatten() for c in changes]).double().mean().item()
            if changes
            else 0.0
        )

    return _leak(model, tokens, vocab_size, sum_up=share)


@future_leak.misconception("the best words compared")
def _(model, tokens, vocab_size):
    """You compare the best words. They may stay the same while the numbers under them change:
    compare the outputs themselves."""
    was = isinstance(model, nn.Module) and model.training
    if isinstance(model, nn.Module):
        model.eval()
    with torch.no_grad():
        best, found = model(tokens).argmax(-1), 0.0
        for later in range(1, tokens.size(1)):
            now = model(_next(tokens, later, vocab_size)).argmax(-1)
            found = max(found, (now != best)[:, :later].double().mean().item())
    if isinstance(model, nn.Module):
        model.train(was)
    return found


@future_leak.misconception("yes or no")
def _(model, tokens, vocab_size):
    """You return True or False. How large the leak is, is asked for: the largest change, a
    float."""
    return _leak(model, tokens, vocab_size, sum_up=lambda changes: _largest(changes) > 0)


@future_leak.misconception("a tensor")
def _(model, tokens, vocab_size):
    """The value is right, and it is a tensor. Return a Python float: .item()."""
    return _leak(
        model, tokens, vocab_size, sum_up=lambda changes: torch.tensor(_largest(changes)).double()
    )


@future_leak.misconception("all changes returned")
def _(model, tokens, vocab_size):
    """You return one number for each swap. The largest of them is asked for."""
    return _leak(
        model, tokens, vocab_size, sum_up=lambda changes: [c.abs().max().item() for c in changes]
    )


@future_leak.misconception("minus infinity where nothing comes later")
def _(model, tokens, vocab_size):
    """For one token alone, your largest change is −inf, where you began. Begin at 0.0."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max([-math.inf, *(c.abs().max().item() for c in changes)]),
    )


@future_leak.misconception("the largest of nothing")
def _(model, tokens, vocab_size):
    """For one token alone there are no changes, and the largest of none is an error. Begin at
    0.0."""
    return _leak(
        model,
        tokens,
        vocab_size,
        sum_up=lambda changes: max(c.abs().max().item() for c in changes),
    )


# The mode.
@future_leak.misconception("measured in training mode")
def _(model, tokens, vocab_size):
    """You compare the model in the mode it came in. In training mode dropout makes every output
    different each time, and that isn't a leak: model.eval() first."""
    return _leak(lambda some: model(some), tokens, vocab_size)


@future_leak.misconception("left in eval mode")
def _(model, tokens, vocab_size):
    """You put the model into eval mode and leave it there: the training that goes on afterwards
    would go on without dropout. Remember model.training, and put it back by model.train(…)."""
    if isinstance(model, nn.Module):
        model.eval()
    return _leak(lambda some: model(some), tokens, vocab_size)


@future_leak.misconception("put into training mode")
def _(model, tokens, vocab_size):
    """You end with model.train(), whatever mode the model was in. Remember model.training, and put
    that back: model.train(was_training)."""
    found = _leak(model, tokens, vocab_size)
    if isinstance(model, nn.Module):
        model.train()
    return found


@future_leak.misconception("a function has no modes")
def _(model, tokens, vocab_size):
    """A plain function has no eval() and no training. Ask first: isinstance(model, nn.Module)."""
    was = model.training
    model.eval()
    found = _leak(model, tokens, vocab_size)
    model.train(was)
    return found


@future_leak.misconception("a function has no modes, and left in eval mode")
def _(model, tokens, vocab_size):
    """Two things. A plain function has no eval(): ask isinstance(model, nn.Module) first. And the
    model should be left in the mode it was in: remember model.training."""
    model.eval()
    return _leak(model, tokens, vocab_size)
