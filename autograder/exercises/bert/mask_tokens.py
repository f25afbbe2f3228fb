"""Which tokens are hidden, and what stands in their place."""

from collections.abc import Callable
from typing import Any

import torch

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.exercises.bert.chance import slack, unlike
from autograder.exercises.bert.token_ids import NOT_CHOSEN
from workbook import pieces

mask_tokens = Exercise("mask_tokens", reference=pieces.mask_tokens, forbidden=())


def _nearest(share: float, known: dict[str, float]) -> str:
    """The name of the share that known mistakes produce which is nearest: what two pieces that make
    the same mistake have in common, while their numbers differ."""
    return min(known, key=lambda name: abs(known[name] - share))


class _Masked:
    """One call of a piece on random tokens, and what it did there. The special ids are anywhere but
    first and last in the vocabulary; the mask is one of them."""

    def __init__(
        self,
        piece: Piece,
        draw: Draw,
        shape: tuple[int, int],
        special: bool = True,
        absent: int = 0,
        **rate: float,
    ) -> None:
        self.vocab = draw.integer(28, 34)
        self.special = sorted(1 + place for place in draw.sizes(4, low=4, high=self.vocab - 3))
        self.mask_id = self.special[draw.integer(1, 3)]  # never the first of them
        ordinary = [n for n in range(self.vocab) if n not in self.special]
        self.absent = ordinary[7 : 7 + absent]  # in the vocabulary, and in no sentence
        kept = sorted(self.special + ordinary) if special else ordinary
        allowed = torch.tensor([n for n in kept if n not in self.absent])
        self.tokens = allowed[draw.tokens(*shape, low=0, high=len(allowed) - 1)]
        self.seed = draw.integer(0, 10**6)
        self.rate = rate
        self.piece = piece
        self.generator = piece.make("generator", seed=self.seed).handle
        self.again()

    def again(self, on_accelerator: bool = False, anew: bool = False) -> "_Masked":
        """Call the piece, with the same generator as before or with one made anew."""
        if anew:
            self.generator = self.piece.make("generator", seed=self.seed).handle
        call = self.piece.on_accelerator if on_accelerator else self.piece
        value = call(*self.arguments, **self.rate)
        self.inputs, self.labels = expect.several(value, "inputs", "labels")
        for part, name in ((self.inputs, "inputs"), (self.labels, "labels")):
            expect.shape(part, self.tokens.shape, name)
            kind = str(part.dtype).removeprefix("torch.")
            says = f"{name} should be int64, as the tokens are; they are {kind}."
            expect.that(part.dtype == torch.int64, says)
        self.ordinary = ~torch.isin(self.tokens, torch.tensor(self.special))
        self.chosen = self.labels != NOT_CHOSEN
        return self

    @property
    def arguments(self) -> tuple:
        return self.tokens, self.mask_id, self.vocab, self.special, self.generator


@mask_tokens.property("inputs and labels", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Two tensors of token ids come back, (inputs, labels), both of the shape of tokens."""
    _Masked(piece, draw, (7, 5), rate=0.5).again(on_accelerator=True)


@mask_tokens.property("labels", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A label is the token that stood there before, where it was chosen, and −100 everywhere
    else."""
    seen = _Masked(piece, draw, (60, 50), rate=0.4)
    if bool((seen.inputs == NOT_CHOSEN).any()):
        unlike("There is −100 among the inputs: are inputs and labels swapped?", "swapped")
    if bool(seen.chosen.all()):
        other = seen.labels[seen.labels != seen.tokens]
        if not len(other):
            unlike("Your labels hold every token; −100 belongs where none was chosen.", "all")
        found = int(other.mode().values)
        name = {0: "0", -1: "−1", seen.mask_id: "mask_id"}.get(found, "other")
        unlike(f"No label is −100. Where nothing was chosen, yours hold {found}.", name)
    expect.that(bool(seen.chosen.any()), "With rate=0.4, no token of 3000 was chosen.")
    wrong = seen.chosen & (seen.labels != seen.tokens)
    if bool(wrong.any()):
        place = tuple(wrong.nonzero()[0].tolist())
        as_inputs = bool((seen.labels[wrong] == seen.inputs[wrong]).all())
        says = (
            f"At {list(place)} the token was {int(seen.tokens[place])} and the label is "
            f"{int(seen.labels[place])}."
        )
        unlike(says, "as inputs" if as_inputs else "others")


@mask_tokens.property("special tokens are never chosen", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """None of the special_ids is ever chosen, or changed: there is nothing to guess at [CLS] or at
    padding."""
    seen = _Masked(piece, draw, (60, 50), rate=0.4)
    touched = ~seen.ordinary & (seen.chosen | (seen.inputs != seen.tokens))
    if bool(touched.any()):
        which = sorted(set(seen.tokens[touched].tolist()))
        left = [n for n in seen.special if n not in which]
        changed = ~seen.ordinary & (seen.inputs != seen.tokens)
        unlabelled = "" if bool((touched & seen.chosen).any()) else ", without labels"
        kind = ("all" if not left else "all but some") + unlabelled
        kind += "" if bool(changed.any()) else ", in the labels alone"
        kind += ", the mask too" if seen.mask_id in which else ""
        kind += ", the first is safe" if left == seen.special[:1] else ""
        says = f"special_ids are {seen.special}; {', '.join(map(str, which))} were chosen."
        unlike(says, kind)


@mask_tokens.property("what isn't chosen stays", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Where a label is −100, the input is the token itself."""
    seen = _Masked(piece, draw, (60, 50), rate=0.4)
    rest = seen.ordinary & ~seen.chosen
    changed = rest & (seen.inputs != seen.tokens)
    if bool(changed.any()):
        share = float(changed.sum() / rest.sum())
        masked = float((seen.inputs[changed] == seen.mask_id).double().mean())
        known = {"few": 0.04, "0.1": 0.1, "0.17": 0.17, "0.8": 0.8, "0.9": 0.9, "all": 1.0}
        fates = {"random": 0.0, "both": 0.88, "masks": 1.0}
        place = changed.nonzero()[0].tolist()
        unlike(
            f"{share:.0%} of the tokens whose label is −100 were changed, the first at {place}.",
            f"{_nearest(share, known)}, {_nearest(masked, fates)}",
        )


@mask_tokens.property("how many are chosen", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Of the tokens that aren't special, a share of `rate` is chosen, 15 % if none is passed; with
    a rate of 1 all, with 0 none."""
    for rate in (None, draw.uniform(0.28, 0.32), 1.0, 0.0):
        passed = {} if rate is None else {"rate": rate}
        seen = _Masked(piece, draw, (120, 80), **passed)
        rate = 0.15 if rate is None else rate
        share = float(seen.chosen[seen.ordinary].double().mean())
        if abs(share - rate) > slack(rate, int(seen.ordinary.sum())):
            known = {"0": 0, "rate": rate, "rest": 1 - rate, "0.8": 0.8 * rate, "0.15": 0.15}
            known |= {"all": 1.0, "0.9": 0.9 * rate, "0.5": 0.5, "double": 2 * rate}
            unlike(
                f"With {'no rate passed' if not passed else f'rate={rate:.2f}'}, {share:.1%} of "
                "the ordinary tokens have a label.",
                f"{'given' if passed else 'default'}: {_nearest(share, known)}",
            )


_FATES = {"0": 0, "0.02": 0.02, "0.1": 0.1, "0.18": 0.18, "0.5": 0.5, "0.72": 0.72, "0.8": 0.8}
_FATES |= {"1": 1.0, "0.9": 0.9, "0.33": 0.333, "0.2": 0.2, "0.08": 0.08, "0.65": 0.65}


@mask_tokens.property("80, 10 and 10", points=1.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Of the chosen tokens, 80 % become mask_id, 10 % become a random token, and 10 % stay as they
    are (and have a label all the same)."""
    seen = _Masked(piece, draw, (120, 80), rate=0.6)
    chosen = seen.chosen & seen.ordinary
    expect.that(bool(chosen.any()), "No token was chosen.")
    before, after = seen.tokens[chosen], seen.inputs[chosen]
    count, luck = len(before), 0.1 / seen.vocab  # a random token may be the mask, or the token
    found = {
        "became mask_id": (float((after == seen.mask_id).double().mean()), 0.8 + luck),
        "stayed as they were": (float((after == before).double().mean()), 0.1 + luck),
    }
    found["became another token"] = (1 - sum(share for share, _ in found.values()), 0.1 - 2 * luck)
    if any(abs(share - wanted) > slack(wanted, count) for share, wanted in found.values()):
        told = ", ".join(f"{share:.0%} {what}" for what, (share, _) in found.items())
        if max(share for share, _ in found.values()) > 0.95 and _changes(seen):
            unlike(f"In one batch, {told}; in the next, it is all different.", "one fate a batch")
        kind = ", ".join(_nearest(share, _FATES) for share, _ in found.values())
        unlike(f"Of your {count} chosen tokens, {told}.", kind)


def _changes(seen: _Masked) -> bool:
    """Whether what becomes of most chosen tokens changes from call to call."""
    shares = []
    for _ in range(60):
        chosen = seen.again().chosen
        shares.append(float((seen.inputs[chosen] == seen.mask_id).double().mean()))
    return max(shares) - min(shares) > 0.5


@mask_tokens.property("a random token is any token", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A random token is drawn anew for each place, and is any id from 0 to vocab_size − 1, each
    equally likely, special ones too, as in the paper's code."""
    seen = _Masked(piece, draw, (160, 100), absent=3, rate=1.0)
    other = seen.chosen & (seen.inputs != seen.tokens) & (seen.inputs != seen.mask_id)
    expect.that(bool(other.any()), "None of the chosen tokens became a random one.")
    words = seen.inputs[other]
    if bool((words == words[0]).all()):
        unlike(f"All {len(words)} random tokens are {int(words[0])}.", "one")
    outside = (words < 0) | (words >= seen.vocab)
    if bool(outside.any()):
        word = int(words[outside][0])
        unlike(f"{word} is no id of a vocabulary of {seen.vocab} tokens.", "outside")
    counts = torch.bincount(words, minlength=seen.vocab)
    missing = [n for n in range(seen.vocab) if not counts[n] and n != seen.mask_id]
    special = [n for n in seen.special if n != seen.mask_id]
    if missing:
        kinds = {(0,): "0", (seen.vocab - 1,): "last", tuple(special): "special"}
        absent = set(seen.absent) <= set(missing)
        low = missing[0] == 0 and missing[-1] < len(seen.special)
        # Of 16,000 tokens at least 13,000 are ordinary and over 1,000 become random (8 standard
        # deviations below the mean): an id misses all with a probability below (1 - 1/34)^1000,
        # which is 1e-13.
        unlike(
            f"Among {len(words)} random tokens, never {', '.join(map(str, missing[:8]))}.",
            kinds.get(tuple(missing), "low" if low else "absent" if absent else "some"),
        )
    wanted = 1 / (seen.vocab - 2)  # the mask, and the token that stood there, were left out
    most = int(counts.argmax())
    share = float(counts[most] / counts.sum())
    if share > wanted + slack(wanted, len(words)):
        unlike(f"{share:.0%} of the random tokens are {most}.", "one too often")


@mask_tokens.property("each token on its own", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Each token is chosen, or not, on its own, and what becomes of it is drawn for it alone: not
    for a whole sentence, and not the same for all."""
    # For a right answer, each of these has a probability below 0.3^39.
    seen = _Masked(piece, draw, (40, 12), special=False, rate=0.5)
    chosen = seen.chosen
    if bool((chosen.all(1) | ~chosen.any(1)).all()):
        unlike("You choose whole sentences, or nothing of them.", "whole sentences")
    if bool((chosen == chosen[:1]).all()):
        unlike("You choose the same places in every sentence.", "same places")
    if bool((chosen.sum(1) == chosen[0].sum()).all()):
        unlike("You choose equally many tokens in every sentence.", "equally many")
    counts = {int(seen.again().chosen.sum()) for _ in range(11)}
    # A count of 480 tosses is the same as another's with a probability below 0.04: 0.04^10 < 1e-13.
    expect.that(len(counts) > 1, "You choose equally many tokens at every call.")
    fates = _Masked(piece, draw, (40, 12), special=False, rate=1.0)
    masked = fates.inputs == fates.mask_id
    # A sentence is masked as a whole with a probability of 0.81^12 < 0.08; over half of 40 such
    # sentences are, with one below 1e-12.
    if int(masked.all(1).sum()) > 20:
        unlike("All chosen tokens of a sentence have the same fate.", "one fate a sentence")
    if bool((masked == masked[:1]).all()):
        unlike("In every sentence the same places are masked.", "same fates")


@mask_tokens.property("the generator decides", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """All random numbers come from the generator that is passed: from the same state the same
    result, whatever torch's own generator does, and from call to call another one."""
    seen = _Masked(piece, draw, (60, 40), rate=0.5)
    first, chosen = seen.inputs, seen.chosen
    masked = first == seen.mask_id
    seen.again()
    if torch.equal(seen.inputs, first):
        unlike("Two calls one after the other gave the same result.", "stands still")
    piece.seed(draw.integer(0, 10**6))
    seen.again(anew=True)
    if not torch.equal(seen.chosen, chosen):
        unlike("From the same generator, other tokens were chosen.", "choice")
    # A random token is the mask now and then; fates drawn anew differ at a third of the chosen.
    other = ((seen.inputs == seen.mask_id) != masked)[chosen].double().mean()
    if float(other) > 0.1:
        unlike("From the same generator, the same tokens had other fates.", "fates")
    if not torch.equal(seen.inputs, first):
        unlike("From the same generator came other random tokens.", "words")


@mask_tokens.property("inputs stay as they were", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave the tokens as they were."""
    seen = _Masked(piece, draw, (20, 10), rate=0.5)
    after = piece.inputs_after(*seen.arguments, **seen.rate)
    if not torch.equal(after[0], seen.tokens):
        unlike(
            "tokens were changed by the call. Begin with inputs = tokens.clone().", "tokens changed"
        )


def _draw(tokens, generator):
    return torch.rand(tokens.shape, generator=generator).to(tokens.device)


def _words(tokens, vocab_size, generator, low=0):
    drawn = torch.randint(low, vocab_size, tokens.shape, generator=generator)
    return drawn.to(tokens.device)


def _special(tokens, special_ids):
    return torch.isin(tokens, torch.tensor(list(special_ids), device=tokens.device))


def _chosen(tokens, special_ids, generator, rate):
    return (_draw(tokens, generator) < rate) & ~_special(tokens, special_ids)


def _replaced(tokens, chosen, mask_id, words, fate, masked=0.8, random=0.9):
    inputs = torch.where(chosen & (fate < masked), mask_id, tokens)
    return torch.where(chosen & (fate >= masked) & (fate < random), words, inputs)


def _masking(change: Callable[..., Any]) -> Callable[..., Any]:
    """A mask_tokens made of the right parts, of which `change` gets one wrong: it is given tokens,
    what was chosen, the fate of each, a random word for each, and the arguments."""

    def wrong(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
        chosen = _chosen(tokens, special_ids, generator, rate)
        fate = _draw(tokens, generator)
        words = _words(tokens, vocab_size, generator)
        return change(tokens, chosen, fate, words, mask_id)

    wrong.__doc__ = change.__doc__
    return wrong


@mask_tokens.misconception("always masked")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You replace every chosen token by the mask. Only 80 % of them: 10 % become a random token and
    10 % stay, so that the model can't rely on a mask to tell it where to work."""
    return torch.where(chosen, mask_id, tokens), torch.where(chosen, tokens, -100)


@mask_tokens.misconception("80 % masked, the rest stays")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """80 % of your chosen tokens are masked and all others stay. Half of those others become a
    random token."""
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("80 % masked, the rest random")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """None of your chosen tokens stays as it is: 80 % are masked and 20 % random. Half of these 20
    % should stay."""
    inputs = _replaced(tokens, chosen, mask_id, words, fate, 0.8, 1.1)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("10 % of what is left")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Only 2 % of your chosen tokens become random and 18 % stay. Either you give a random token to
    10 % of what the mask left over (it has to be half of it), or you draw twice and the masks
    overwrite random tokens. Draw one number and cut it at 0.8 and 0.9."""
    masked = chosen & (fate < 0.8)
    rest = chosen & ~masked & (fate < 0.82)
    inputs = torch.where(masked, mask_id, tokens)
    return torch.where(rest, words, inputs), torch.where(chosen, tokens, -100)


@mask_tokens.misconception("a second draw that overwrites masks")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You draw twice, once for the mask and once for random tokens, and the second overwrites some
    of the first: 72 % are masked, 10 % random, 18 % stay. Draw one number and cut it at 0.8 and
    0.9."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    inputs = torch.where(chosen & (_draw(tokens, generator) < 0.8), mask_id, tokens)
    random = chosen & (_draw(tokens, generator) < 0.1)
    inputs = torch.where(random, _words(tokens, vocab_size, generator), inputs)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("fates multiplied by the rate")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You cut a second random number at 0.8 · rate and 0.9 · rate. Cut it at 0.8 and 0.9: what is
    chosen has been decided already. (With the number that decided it, your cuts would be right.)"""
    chosen = _chosen(tokens, special_ids, generator, rate)
    fate = _draw(tokens, generator)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, fate, 0.8 * rate, 0.9 * rate)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("thirds")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You share the chosen tokens out in equal thirds. It is 80 % masked, 10 % random and 10 %
    unchanged."""
    inputs = _replaced(tokens, chosen, mask_id, words, fate, 1 / 3, 2 / 3)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("80 % random")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Mask and random have changed places: 80 % of your chosen tokens become random and 10 % the
    mask."""
    inputs = torch.where(chosen & (fate < 0.8), words, tokens)
    inputs = torch.where(chosen & (fate >= 0.9), mask_id, inputs)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("10 % masked, 80 % unchanged")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """80 % of your chosen tokens stay, and 10 % become the mask. It is the other way round: 80 %
    become the mask, where fate < 0.8, and 10 % stay."""
    inputs = torch.where(chosen & (fate >= 0.9), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), words, inputs)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("80/10/10 of all tokens")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """80 % of all tokens become the mask, and 10 % of all random ones: the model has hardly
    anything left to guess from. The 80/10/10 are shares of the chosen: chosen & (fate < 0.8)."""
    everywhere = torch.ones_like(chosen)
    return _replaced(tokens, everywhere, mask_id, words, fate), torch.where(chosen, tokens, -100)


@mask_tokens.misconception("80/10/10 of all ordinary tokens")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """80 % of all ordinary tokens become the mask, chosen or not. The 80/10/10 are shares of
    the chosen: chosen & (fate < 0.8)."""
    ordinary = ~_special(tokens, special_ids)
    chosen = ordinary & (_draw(tokens, generator) < rate)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, ordinary, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("masks on all ordinary tokens")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Masks fall on tokens that weren't chosen: the condition for the mask lacks `chosen &`."""
    ordinary = ~_special(tokens, special_ids)
    chosen = ordinary & (_draw(tokens, generator) < rate)
    fate, words = _draw(tokens, generator), _words(tokens, vocab_size, generator)
    inputs = torch.where(ordinary & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), words, inputs)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("random tokens anywhere")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Random tokens fall on places that weren't chosen: the second condition lacks `chosen &`."""
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    random = (fate >= 0.8) & (fate < 0.9)
    return torch.where(random, words, inputs), torch.where(chosen, tokens, -100)


@mask_tokens.misconception("special tokens chosen")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You choose among all tokens, special ones too. There is nothing to learn from guessing [CLS]
    or padding: leave out what is in special_ids, for instance by torch.isin."""
    return pieces.mask_tokens(tokens, mask_id, vocab_size, [-1], generator, rate)


@mask_tokens.misconception("special tokens chosen, and always masked")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Two things are missing. What is in special_ids is never chosen: & ~torch.isin(…). And of the
    chosen only 80 % become the mask, 10 % a random token, and 10 % stay."""
    chosen = _draw(tokens, generator) < rate
    return torch.where(chosen, mask_id, tokens), torch.where(chosen, tokens, -100)


@mask_tokens.misconception("only the first special id is left out")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You leave out the first of the special_ids only. There are several: torch.isin compares with
    all of them."""
    return pieces.mask_tokens(tokens, mask_id, vocab_size, special_ids[:1], generator, rate)


@mask_tokens.misconception("only the mask is left out")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You leave out the tokens that are mask_id, and not the others of special_ids. torch.isin
    compares with all of them."""
    return pieces.mask_tokens(tokens, mask_id, vocab_size, [mask_id], generator, rate)


@mask_tokens.misconception("the mask isn't left out")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You leave out the special ids, but not mask_id, which is one of them."""
    others = [number for number in special_ids if number != mask_id]
    return pieces.mask_tokens(tokens, mask_id, vocab_size, others, generator, rate)


@mask_tokens.misconception("a list given to isin")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """torch.isin compares tensors, and special_ids is a list: torch.isin(tokens,
    torch.tensor(special_ids, device=tokens.device))."""
    torch.isin(tokens, special_ids)


@mask_tokens.misconception("special ids thought to be the smallest")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You take the special ids to be the smallest ones, below len(special_ids) or below the
    largest. Compare with the ids themselves: torch.isin(tokens, torch.tensor(special_ids))."""
    few = list(range(len(special_ids)))
    return pieces.mask_tokens(tokens, mask_id, vocab_size, few, generator, rate)


@mask_tokens.misconception("special tokens changed, though not labelled")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your labels spare the special tokens and your inputs don't: some of them become masks. Take
    them out of what is chosen before you do anything with it."""
    chosen = _draw(tokens, generator) < rate
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen & ~_special(tokens, special_ids), tokens, -100)


@mask_tokens.misconception("special tokens labelled, though not changed")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your inputs spare the special tokens and your labels don't. Take them out of what is chosen
    before you do anything with it."""
    drawn = _draw(tokens, generator) < rate
    chosen = drawn & ~_special(tokens, special_ids)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(drawn, tokens, -100)


@mask_tokens.misconception("only special tokens chosen")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You choose among the special tokens and nowhere else: a ~ is missing in front of torch.isin
    (or there is one too many)."""
    chosen = (_draw(tokens, generator) < rate) & _special(tokens, special_ids)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("labels everywhere")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels are all tokens. The model would be paid for copying the words it can see. Put
    −100 wherever nothing was chosen."""
    return _replaced(tokens, chosen, mask_id, words, fate), tokens.clone()


@mask_tokens.misconception("labels 0 instead of −100")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels are 0 where nothing was chosen, and 0 is a token. The loss leaves out −100, and
    nothing else."""
    return _replaced(tokens, chosen, mask_id, words, fate), torch.where(chosen, tokens, 0)


@mask_tokens.misconception("labels −1 instead of −100")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels are −1 where nothing was chosen. F.cross_entropy leaves out −100: that is the
    value to use."""
    return _replaced(tokens, chosen, mask_id, words, fate), torch.where(chosen, tokens, -1)


@mask_tokens.misconception("labels hold the mask where nothing was chosen")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels are mask_id where nothing was chosen. The loss leaves out −100, and nothing
    else."""
    return _replaced(tokens, chosen, mask_id, words, fate), torch.where(chosen, tokens, mask_id)


@mask_tokens.misconception("labels after masking")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels hold what stands in the inputs, mostly the mask. A label is the token that stood
    there before: make the labels from tokens. (labels = inputs is one tensor with two names; clone
    it.)"""
    inputs = _replaced(tokens, chosen, mask_id, words, fate)
    return inputs, torch.where(chosen, inputs, -100)


@mask_tokens.misconception("labels where nothing was chosen")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels are the wrong way round: −100 where a token was chosen, and the token where none
    was. torch.where(chosen, tokens, -100)."""
    return _replaced(tokens, chosen, mask_id, words, fate), torch.where(chosen, -100, tokens)


@mask_tokens.misconception("labels at masks only")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Only what became the mask has a label. The 10 % random and the 10 % unchanged tokens were
    chosen too, and are to be guessed."""
    inputs = _replaced(tokens, chosen, mask_id, words, fate)
    return inputs, torch.where(chosen & (fate < 0.8), tokens, -100)


@mask_tokens.misconception("labels where something changed")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You label what changed (inputs != tokens). The chosen tokens that stay as they are have a
    label too: that is what they are for."""
    inputs = _replaced(tokens, chosen, mask_id, words, fate)
    return inputs, torch.where(inputs != tokens, tokens, -100)


@mask_tokens.misconception("inputs and labels swapped")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You return (labels, inputs). The inputs come first."""
    return torch.where(chosen, tokens, -100), _replaced(tokens, chosen, mask_id, words, fate)


@mask_tokens.misconception("labels alone")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You return one tensor. Return two, inputs and labels: return inputs, labels."""
    return torch.where(chosen, tokens, -100)


@mask_tokens.misconception("labels as floating-point numbers")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """Your labels are floating-point numbers. They are token ids, int64, as the tokens are."""
    return _replaced(tokens, chosen, mask_id, words, fate), torch.where(chosen, tokens, -100.0)


@mask_tokens.misconception("what is chosen as labels")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You return what was chosen as True and False. A label is the token to be guessed, and −100
    where there is nothing to guess: torch.where(chosen, tokens, -100)."""
    return _replaced(tokens, chosen, mask_id, words, fate), chosen


@mask_tokens.misconception("only the chosen labels")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You return the chosen tokens alone, in a row. Labels have the shape of tokens, with −100
    where nothing was chosen."""
    return _replaced(tokens, chosen, mask_id, words, fate), tokens[chosen]


@mask_tokens.misconception("rate ignored")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You wrote 0.15 into the function. Use the rate that is passed."""
    return pieces.mask_tokens(tokens, mask_id, vocab_size, special_ids, generator)


@mask_tokens.misconception("the rest chosen")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You choose 1 − rate of the tokens. A random number between 0 and 1 is below rate with
    probability rate: torch.rand(…) < rate."""
    return pieces.mask_tokens(tokens, mask_id, vocab_size, special_ids, generator, 1 - rate)


@mask_tokens.misconception("a bell curve in place of a flat one")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You draw with torch.randn, whose numbers spread like a bell around 0: more than half lie
    below 0.15. torch.rand spreads its numbers evenly between 0 and 1."""
    drawn = torch.randn(tokens.shape, generator=generator).to(tokens.device)
    chosen = (drawn < rate) & ~_special(tokens, special_ids)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("one draw for choice and fate")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You use one random number twice: a number below rate is also below 0.8, so every chosen token
    is masked. Draw again for what becomes of it."""
    drawn = _draw(tokens, generator)
    chosen = (drawn < rate) & ~_special(tokens, special_ids)
    inputs = _replaced(tokens, chosen, mask_id, _words(tokens, vocab_size, generator), drawn)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("whole sentences chosen")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You draw one number for each sentence, so that all of its tokens are chosen or none. Draw one
    for each token: torch.rand(tokens.shape, …)."""
    drawn = torch.rand(tokens.shape[0], 1, generator=generator).to(tokens.device)
    chosen = (drawn < rate) & ~_special(tokens, special_ids)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("the same places in every sentence")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You draw one number for each place of the sentence and use it for all sentences. Draw one for
    each token: torch.rand(tokens.shape, …)."""
    drawn = torch.rand(tokens.shape[1], generator=generator).to(tokens.device)
    chosen = (drawn < rate) & ~_special(tokens, special_ids)
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("equally many in every sentence")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You choose the same number of tokens in every sentence. (The paper's own code does.) Here
    each token is chosen on its own, so that short sentences have their turn as well."""
    special = _special(tokens, special_ids)
    order = _draw(tokens, generator).masked_fill(special, 2.0).argsort(1).argsort(1)
    count = (rate * (~special).sum(1, keepdim=True)).round()
    chosen = (order < count) & ~special
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("equally many in every sentence, special ones counted")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You choose the same number of tokens in every sentence, a share of its whole length. Each
    token is chosen on its own, with the probability rate: torch.rand(tokens.shape, …) < rate."""
    special = _special(tokens, special_ids)
    order = _draw(tokens, generator).masked_fill(special, 2.0).argsort(1).argsort(1)
    chosen = (order < max(1, round(rate * tokens.shape[1]))) & ~special
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("equally many at every call")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You choose exactly the share of rate in every batch. Each token is chosen on its own, with
    the probability rate: torch.rand(tokens.shape, …) < rate."""
    special = _special(tokens, special_ids)
    order = _draw(tokens, generator).masked_fill(special, 2.0).flatten().argsort().argsort()
    chosen = (order.view(tokens.shape) < round(rate * int((~special).sum()))) & ~special
    words = _words(tokens, vocab_size, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("one fate for each sentence")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """All chosen tokens of a sentence share one fate. Draw it for each token:
    torch.rand(tokens.shape, …)."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    fate = torch.rand(tokens.shape[0], 1, generator=generator).to(tokens.device)
    inputs = _replaced(tokens, chosen, mask_id, _words(tokens, vocab_size, generator), fate)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("one fate for all")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You draw a single number and decide by it for the whole batch: all masked, or all random, or
    nothing. Each chosen token has its own: torch.rand(tokens.shape, …)."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    fate = torch.rand(1, generator=generator).to(tokens.device)
    inputs = _replaced(tokens, chosen, mask_id, _words(tokens, vocab_size, generator), fate)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("one random token for all")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You draw a single random token and put it everywhere. Draw one for each place:
    torch.randint(vocab_size, tokens.shape, …)."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    word = torch.randint(vocab_size, (1,), generator=generator).to(tokens.device)
    while int(word) == mask_id:  # which would pass for something else
        word = torch.randint(vocab_size, (1,), generator=generator).to(tokens.device)
    inputs = _replaced(tokens, chosen, mask_id, word, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("random tokens never special")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your random tokens leave out the special ones. That is a sensible wish, and not the rule of
    this exercise (nor of the paper's code): any id from 0 to vocab_size − 1."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    ordinary = torch.tensor([n for n in range(vocab_size) if n not in special_ids])
    words = ordinary[_words(tokens.cpu(), len(ordinary), generator)].to(tokens.device)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("random tokens from 1")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your random tokens are never 0. Any id from 0 to vocab_size − 1 may come."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    words = _words(tokens, vocab_size, generator, low=1)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("random tokens after the special ones")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your random tokens leave out the smallest ids, as if the special ones stood there. Any id
    from 0 to vocab_size − 1 may come."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    words = _words(tokens, vocab_size, generator, low=len(special_ids))
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("the last id never comes")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your random tokens are never vocab_size − 1. torch.randint leaves its upper end out by
    itself: write randint(vocab_size, …)."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    words = _words(tokens, vocab_size - 1, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("an id too many")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Some of your random tokens are vocab_size, which is no token: ids end at vocab_size − 1, and
    torch.randint leaves its upper end out by itself."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    words = _words(tokens, vocab_size + 1, generator)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("random tokens taken from the sentences")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You take random tokens from the batch itself, so frequent ones come often and some never.
    Draw from the vocabulary: torch.randint(vocab_size, tokens.shape, …)."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    ordinary = tokens[~_special(tokens, special_ids)]
    words = ordinary[_words(tokens.cpu(), len(ordinary), generator).to(tokens.device)]
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, generator))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("the generator is ignored")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """The generator that is passed isn't used. Hand it to every call that draws:
    torch.rand(…, generator=generator), torch.randint(…, generator=generator)."""
    return pieces.mask_tokens(tokens, mask_id, vocab_size, special_ids, None, rate)


@mask_tokens.misconception("the generator chooses, and nothing more")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """The choice comes from the generator and the fates don't. Hand the generator to every call
    that draws."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    words = _words(tokens, vocab_size, None)
    inputs = _replaced(tokens, chosen, mask_id, words, _draw(tokens, None))
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("random tokens without the generator")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """Your random tokens don't come from the generator: torch.randint needs generator=generator
    too."""
    chosen = _chosen(tokens, special_ids, generator, rate)
    fate = _draw(tokens, generator)
    inputs = _replaced(tokens, chosen, mask_id, _words(tokens, vocab_size, None), fate)
    return inputs, torch.where(chosen, tokens, -100)


@mask_tokens.misconception("the generator starts anew at every call")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    """You set the generator back at every call, so that the same places are masked in every batch.
    Draw from it as it comes, and seed nothing."""
    generator.manual_seed(generator.initial_seed())
    return pieces.mask_tokens(tokens, mask_id, vocab_size, special_ids, generator, rate)


@mask_tokens.misconception("tokens changed in place")
@_masking
def _(tokens, chosen, fate, words, mask_id):
    """You write the masks into the caller's tokens: in the next epoch the sentences would be full
    of them. Begin with inputs = tokens.clone()."""
    labels = torch.where(chosen, tokens, -100)
    inputs = _replaced(tokens, chosen, mask_id, words, fate)
    return tokens.copy_(inputs), labels
