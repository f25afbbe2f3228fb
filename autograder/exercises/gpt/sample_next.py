"""A token drawn by its probability, with a temperature, among the best k, within a share p.

What is drawn at random is judged by Chernoff's bound, which holds for any sample size: a token of
probability p comes in a share q of n draws, or in one further from p, with a probability of at most
exp(-n KL(q, p)), KL being the divergence of two coins. A check makes at most 144 such comparisons,
each in two directions. With n KL(q, p) > 20 as the mark of a wrong answer, a right one fails in
less than 2 · 144 · exp(-20) = 6e-7 of the checks, were every one of them at its bound.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch

from autograder.channel.piece import Piece
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from workbook import pieces

_SURPRISE = 20.0  # n KL(q, p) beyond which an answer is wrong; see above


sample_next = Exercise("sample_next", reference=pieces.sample_next)
_DRAWS = 700  # of each of three rows


def _divergence(share: float, p: float) -> float:
    """KL of two coins: how surprising a share of heads is where p was to be expected."""
    total = 0.0
    for seen, wanted in ((share, p), (1 - share, 1 - p)):
        if seen > 0:
            if wanted <= 0:
                return math.inf
            total += seen * math.log(seen / wanted)
    return total


def fits(counts: torch.Tensor, expected: torch.Tensor) -> bool:
    """Whether counts (rows, outcomes) may come from these probabilities."""
    return all(
        n * _divergence(count / n, p) <= _SURPRISE
        for row, probabilities in zip(counts.tolist(), expected.tolist(), strict=True)
        for n in (sum(row),)
        for count, p in zip(row, probabilities, strict=True)
    )


def likeliest_of(counts: torch.Tensor, named: dict[str, torch.Tensor]) -> str:
    """The one of these probabilities that counts fit best; empty where they fit none."""
    fitting = [name for name, other in named.items() if fits(counts, other)]
    return max(fitting, key=lambda name: float(torch.xlogy(counts, named[name]).sum()), default="")


class _Rows:
    """Three rows of logits with the same probabilities in different places."""

    def __init__(self, draw: Draw, shares: Sequence[float], temperature: float = 1.0) -> None:
        """The `shares`, largest first, are those after division by the temperature."""
        jitter = [draw.uniform(0.99, 1.01) for _ in shares]
        ranked = torch.tensor(shares, dtype=torch.float64) * torch.tensor(jitter).double()
        self.ranked = ranked / ranked.sum()
        count = len(shares)
        orders = [torch.tensor(draw.sizes(count, low=0, high=count - 1)) for _ in range(2)]
        # Row by row, where each rank is: never all in their own places, nor all rows alike.
        self.places = torch.stack([orders[0], orders[0].roll(1), orders[1].flip(0).roll(2)])
        logits = torch.empty(3, count, dtype=torch.float64)
        shift = torch.tensor([draw.uniform(-3, 3) for _ in range(3)])[:, None].double()
        values = (self.ranked.log() * temperature).expand(3, -1) + shift
        self.logits = logits.scatter(1, self.places, values)

    def by_place(self, ranked: torch.Tensor) -> torch.Tensor:
        """Probabilities by rank -> (rows, tokens), normalised."""
        ranked = (ranked / ranked.sum()).expand(3, -1)
        return torch.empty(3, ranked.size(1), dtype=torch.float64).scatter(1, self.places, ranked)

    def kept(self, count: int) -> torch.Tensor:
        """The probabilities when only the first `count` ranks are left."""
        ranked = self.ranked.clone()
        ranked[count:] = 0
        return self.by_place(ranked)

    def tokens(self, piece: Piece, draw: Draw, **how: Any) -> torch.Tensor:
        """What is drawn, (draws, rows)."""
        rows = self.logits.repeat(_DRAWS, 1)
        made = Made("generator", {"seed": draw.integer(0, 2**31)})
        drawn = _tokens_of(piece(rows, generator=made, **how), len(rows), rows.size(1))
        return drawn.view(_DRAWS, 3)

    def by_rank(self, drawn: torch.Tensor) -> torch.Tensor:
        """How often each rank came, (rows, ranks): told by rank, a mistake looks the same for all
        seeds."""
        size = self.places.size(1)
        counts = torch.stack([torch.bincount(column, minlength=size) for column in drawn.T])
        return counts.gather(1, self.places)

    def expect(
        self, piece: Piece, draw: Draw, ranked: torch.Tensor, named: dict, **how: Any
    ) -> None:
        """The ranks come as often as these probabilities say."""
        drawn = self.tokens(piece, draw, **how)
        if bool((drawn == drawn[0, 0]).all()) or bool((drawn == drawn[0]).all()):
            most = bool((drawn == self.places[:, 0]).all())
            raise expect.Mismatch(
                "In 2,100 rows of logits, equal rows always got the same token"
                + (", the most likely one." if most else "."),
                kind="always the most likely" if most else "one draw for all",
            )
        named = {
            "uniform": torch.ones_like(ranked),
            "one row's probabilities for all": None,
        } | named
        counts, total = self.by_rank(drawn), ranked / ranked.sum()
        first = torch.stack([self.by_place(ranked)[0]] * 3).gather(1, self.places)
        table = {
            name: (other / other.sum()).expand(3, -1) if other is not None else first
            for name, other in named.items()
        }
        if fits(counts, total.expand(3, -1)):
            return
        shares = counts / _DRAWS
        strange = [
            _divergence(q, p)
            for row in shares.tolist()
            for q, p in zip(row, total.tolist(), strict=True)
        ]
        row, rank = divmod(strange.index(max(strange)), len(total))
        kept = ["".join("x" if number else "." for number in line) for line in counts.tolist()]
        raise expect.Mismatch(
            f"Of {_DRAWS} draws, the token that is number {rank + 1} by probability should come in "
            f"about {total[rank]:.0%}; yours comes in {shares[row, rank]:.0%}.",
            kind=likeliest_of(counts, table) or str(kept),
        )


def _tokens_of(value: Any, rows: int, vocab: int) -> torch.Tensor:
    """One token id for each row."""
    expect.shape(value, (rows,), "What comes back for (batch, vocab_size)")
    expect.that(
        not value.is_floating_point() and value.dtype != torch.bool,
        "What comes back should be token ids, whole numbers.",
    )
    expect.that(
        int(value.min()) >= 0 and int(value.max()) < vocab,
        "What comes back holds numbers that are no token ids.",
    )
    return value.long()


_SPREAD = (0.6, 0.2, 0.1, 0.05, 0.03, 0.02)


@sample_next.property("one token for each row", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """For logits (batch, vocab_size) there should be one token id a row, (batch,)."""
    batch, vocab = draw.sizes(2, low=3)
    _tokens_of(piece(draw.normal(batch, vocab)), batch, vocab)
    alone = piece(draw.normal(1, vocab))
    expect.shape(alone, (1,), "What comes back for a batch of one row")


@sample_next.property("temperature 0", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """A temperature of 0 takes the most likely token of each row, whatever top_k and top_p are."""
    logits = draw.normal(30, 9)
    wanted = logits.argmax(-1)
    for how in ({}, {"top_k": 4}, {"top_p": 0.9}):
        found = _tokens_of(piece(logits, temperature=0, **how), 30, 9)
        told = ", ".join(f"{name}={value}" for name, value in ({"temperature": 0} | how).items())
        expect.close(found, wanted, f"What comes back with {told}")
    expect.close(
        _tokens_of(piece(logits, 0.0), 30, 9), wanted, "What comes back with temperature=0.0"
    )


@sample_next.property("as often as the softmax says", points=0.75, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Without further wishes, each token of a row should come with its probability, the softmax of
    the row. Judged over 700 draws from each of three rows."""
    rows = _Rows(draw, _SPREAD)
    twice = rows.ranked.softmax(-1)
    rows.expect(piece, draw, rows.ranked, {"softmax twice": twice})


@sample_next.property("the temperature", points=0.75, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The logits should be divided by the temperature, before the softmax."""
    for temperature in (0.5, 2.0):
        rows = _Rows(draw, _SPREAD, temperature)
        base = rows.ranked**temperature
        base = base / base.sum()
        named = {
            "ignored": base,
            "multiplied": base**temperature,
            "after the softmax": (base / temperature).softmax(-1),
        }
        rows.expect(piece, draw, rows.ranked, named, temperature=temperature)


@sample_next.property("top_k", points=0.75, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """With top_k, only the k most likely tokens of each row are left, and share the probability. A
    top_k larger than the vocabulary keeps all."""
    for k in (3, 1, 50):
        rows = _Rows(draw, _SPREAD)
        if k == 1:
            drawn = rows.tokens(piece, draw, top_k=1)
            expect.that(
                bool((drawn == rows.places[:, 0]).all()),
                "With top_k=1, a token came that isn't the most likely one.",
            )
        else:
            rows.expect(piece, draw, _only(rows.ranked, k), {"ignored": rows.ranked}, top_k=k)


def _only(ranked: torch.Tensor, count: int) -> torch.Tensor:
    kept = ranked.clone()
    kept[count:] = 0
    return kept


@sample_next.property("top_p", points=0.75, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """With top_p, the most likely tokens are left until their sum reaches p. The one that crosses p
    stays."""
    # 0.6, 0.8, 0.9, 0.95, 0.98, 1: where p is crossed, and how many are left.
    for p, left in ((0.85, 3), (0.2, 1), (1.0, 6)):
        rows = _Rows(draw, _SPREAD)
        if left == 1:
            drawn = rows.tokens(piece, draw, top_p=p)
            expect.that(
                bool((drawn == rows.places[:, 0]).all()),
                "With a top_p below the largest probability, a token came that isn't the most "
                "likely one.",
            )
        else:
            rows.expect(piece, draw, _only(rows.ranked, left), {"ignored": rows.ranked}, top_p=p)


@sample_next.property("equal probabilities and top_p", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Where tokens are equally likely, top_p should still leave no more of them than it takes: of
    six, four for 0.6."""
    logits = torch.full((700, 6), draw.uniform(-2, 2), dtype=torch.float64)
    made = Made("generator", {"seed": draw.integer(0, 2**31)})
    found = _tokens_of(piece(logits, top_p=0.6, generator=made), 700, 6).unique().numel()
    # A token of probability 1/4 stays away from 700 draws once in 10^87 times.
    expect.that(found == 4, f"Of six equal tokens, {found} are left by top_p=0.6, and not 4.")


@sample_next.property("in this order", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """First the temperature, then top_k, then top_p of what top_k has left, as probabilities that
    add up to 1 again."""
    # Right leaves 2 of them; top_p first, 3; top_k alone, 4; the temperature last, 1.
    rows = _Rows(draw, (0.35, 0.2, 0.15, 0.1, 0.1, 0.1), temperature=3.0)
    how = {"temperature": 3.0, "top_k": 4, "top_p": 0.65}
    rows.expect(piece, draw, _only(rows.ranked, 2), {}, **how)


@sample_next.property("the generator", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """All chance should come from the generator that is handed over: the same seed, the same
    tokens. It moves on from call to call. Without one, torch's own is used."""
    logits = draw.normal(200, 11, scale=0.3)
    seed = draw.integer(0, 2**30)

    def drawn(number: int | None, **more: Any) -> torch.Tensor:
        made = {} if number is None else {"generator": Made("generator", {"seed": number})}
        return _tokens_of(piece(logits, **made, **more), 200, 11)

    piece.seed(1)
    first = drawn(seed)
    piece.seed(2)
    expect.that(torch.equal(first, drawn(seed)), "With the same generator, other tokens came.")
    expect.that(
        torch.equal(drawn(seed, top_k=5, top_p=0.8), drawn(seed, top_k=5, top_p=0.8)),
        "With the same generator, top_k and top_p, other tokens came.",
    )
    # 200 rows of eleven nearly equal tokens agree by chance once in more than 10^100 times.
    expect.that(
        not torch.equal(first, drawn(seed + 1)), "With another generator, the same tokens came."
    )
    kept = piece.make("generator", seed=seed)
    twice = [_tokens_of(piece(logits, generator=kept.handle), 200, 11) for _ in range(2)]
    expect.that(
        not torch.equal(*twice), "A second call with the same generator gave the same tokens again."
    )
    expect.that(
        not torch.equal(drawn(None), drawn(None)),
        "Two calls without a generator gave the same tokens.",
    )


@sample_next.property("inputs stay as they were", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave its inputs as they were."""
    logits = draw.normal(7, 5)
    after = piece.inputs_after(logits, temperature=0.5, top_k=3, top_p=0.7)
    expect.unchanged([logits], after)


@sample_next.property("float32, on this machine's device", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In float32, on this machine's fastest device, it should draw tokens too."""
    logits = draw.normal(40, 7, dtype=torch.float32)
    _tokens_of(piece.on_accelerator(logits, 0.7, 4, 0.8), 40, 7)
    found = _tokens_of(piece.on_accelerator(logits, temperature=0), 40, 7)
    expect.close(found, logits.argmax(-1), "What comes back with temperature=0")
    kept = _tokens_of(piece.on_accelerator(logits, top_k=1), 40, 7)
    expect.close(kept, logits.argmax(-1), "What comes back with top_k=1")


def _divide(logits, temperature):
    return logits / temperature


def keep_top_k(logits, k):
    """logits (rows, vocabulary) with all but the k largest of each row at minus infinity."""
    if k is None:
        return logits
    weakest = logits.topk(min(k, logits.size(-1))).values[..., -1:]
    return logits.masked_fill(logits < weakest, -math.inf)


def keep_top_p(logits, p):
    """The same for all but the likeliest tokens that together reach p."""
    if p is None:
        return logits
    ranked, order = logits.sort(descending=True, dim=-1)
    before = ranked.softmax(-1).cumsum(-1) - ranked.softmax(-1)
    drop = before >= p
    drop[..., 0] = False
    return logits.masked_fill(drop.gather(-1, order.argsort(-1)), -math.inf)


def _pick(probabilities, generator):
    if generator is not None:
        probabilities = probabilities.to(generator.device)
    return torch.multinomial(probabilities, 1, generator=generator).squeeze(-1)


def _sampler(
    divide=_divide,
    keep_k=keep_top_k,
    keep_p=keep_top_p,
    pick=_pick,
    soften=lambda logits: logits.softmax(-1),
):
    """A wrong answer that is right but for one of its steps."""

    def sample(logits, temperature, top_k, top_p, generator):
        if temperature == 0:
            return logits.argmax(-1)
        kept = keep_p(keep_k(divide(logits, temperature), top_k), top_p)
        return pick(soften(kept), generator)

    return sample


@sample_next.misconception("multiplied by the temperature")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You multiply by the temperature, so that a high one makes the text more predictable. Divide:
    logits / temperature."""
    sample = _sampler(divide=lambda z, t: z * t)
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("temperature ignored")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """Your temperature does nothing but at 0. Divide the logits by it, before the softmax: dividing
    the probabilities changes nothing, since multinomial takes any weights."""
    return _sampler(divide=lambda z, t: z)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("a softmax before the temperature")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You take a softmax before you divide by the temperature, and another one afterwards. Divide
    the logits themselves."""
    if temperature == 0:
        return logits.argmax(-1)
    probabilities = logits.softmax(-1) / temperature if temperature != 1.0 else logits
    return _pick(keep_top_p(keep_top_k(probabilities, top_k), top_p).softmax(-1), generator)


@sample_next.misconception("divided by zero")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """With temperature=0 you divide by zero. Take the most likely token there:
    if temperature == 0, return logits.argmax(-1)."""
    kept = keep_top_p(keep_top_k(logits / temperature, top_k), top_p)
    return _pick(kept.softmax(-1), generator)


@sample_next.misconception("temperature 0 taken for 1")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """With temperature=0 you draw as if it were 1: in "if temperature:", 0 is false. There, take
    the most likely token, logits.argmax(-1)."""
    if temperature:
        logits = logits / temperature
    return _pick(keep_top_p(keep_top_k(logits, top_k), top_p).softmax(-1), generator)


@sample_next.misconception("the largest value in place of its place")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """With temperature=0 you return the largest logit. Return where it is: argmax."""
    if temperature == 0:
        return logits.max(-1).values
    return _sampler()(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("argmax in place of drawing")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You always take the most likely token. Draw one: torch.multinomial of the probabilities."""
    return logits.argmax(-1)


@sample_next.misconception("any token, equally likely")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """Every token comes equally often. Draw with the probabilities: torch.multinomial(
    probabilities, 1)."""
    return _sampler(soften=lambda z: torch.isfinite(z).double())(
        logits, temperature, top_k, top_p, generator
    )


@sample_next.misconception("the first row's draw for all")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """All rows get the token that was drawn for the first one. Draw for each row: multinomial takes
    the whole batch."""
    sample = _sampler(pick=lambda p, g: _pick(p, g)[:1].expand(len(p)))
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("the first row's probabilities for all")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """All rows are drawn with the first row's probabilities. Each has its own."""
    sample = _sampler(pick=lambda p, g: _pick(p[:1].expand(len(p), -1), g))
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("one random number for all rows")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You use the same random number for all rows, so that equal rows get equal tokens. Each row
    needs one of its own."""

    def pick(p, g):
        point = torch.rand(1, generator=g, dtype=p.dtype)
        return (p.cumsum(-1) < point * p.sum(-1, keepdim=True)).sum(-1).clamp(max=p.size(-1) - 1)

    return _sampler(pick=pick)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("softmax twice")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You take the softmax of a softmax, so that all tokens come nearly equally often. Once is
    enough."""
    sample = _sampler(
        soften=lambda z: z.softmax(-1).masked_fill(z == -math.inf, -math.inf).softmax(-1)
    )
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("softmax over the batch")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """Your softmax runs over the batch. It should run over the vocabulary: dim=-1."""
    sample = _sampler(soften=lambda z: z.softmax(0))
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("logits handed to multinomial")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """multinomial takes probabilities, and logits may be negative. Take their softmax first."""
    sample = _sampler(soften=lambda z: z)
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("a column")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """multinomial returns a column, (batch, 1). Take its only entry: .squeeze(-1)."""
    sample = _sampler(pick=lambda p, g: _pick(p, g).unsqueeze(-1))
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("every axis of 1 squeezed")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """squeeze() takes away every axis of size 1: with one row, the batch as well. Name the axis:
    .squeeze(-1)."""
    sample = _sampler(pick=lambda p, g: _pick(p, g).squeeze())
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("a column at temperature 0")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """With temperature=0 you return a column, (batch, 1). There is one token id a row, (batch,):
    argmax without keepdim."""
    if temperature == 0:
        return logits.argmax(-1, keepdim=True)
    return _sampler()(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("a single number")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """A call of .item() wants one number in all. There is a token for each row: .squeeze(-1)."""
    if temperature == 0:
        return logits.argmax(-1)
    kept = keep_top_p(keep_top_k(logits / temperature, top_k), top_p)
    return torch.multinomial(kept.softmax(-1), 1, generator=generator).item()


@sample_next.misconception("the first row's limit for all")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You compare all rows with the k-th largest logit of the first one. Each row has a limit of
    its own: .values[:, -1:], a column."""

    def keep_k(z, k):
        return (
            z
            if k is None
            else z.masked_fill(z < z.topk(min(k, z.size(-1))).values[0, -1], -math.inf)
        )

    return _sampler(keep_k=keep_k)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("the largest in place of the k-th")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_k leaves only the most likely token: you compare with the largest logit. The k-th largest
    stands last in what topk gives: .values[:, -1:]."""

    def keep_k(z, k):
        return z if k is None else z.masked_fill(z < z.max(-1, keepdim=True).values, -math.inf)

    return _sampler(keep_k=keep_k)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("top_k ignored")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_k does nothing. Set the logits of all but the k most likely tokens to −inf."""
    sample = _sampler(keep_k=lambda z, k: z)
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("one too many for top_k")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_k leaves one token too many. The k-th largest logit has the index k − 1."""
    sample = _sampler(keep_k=lambda z, k: z if k is None else keep_top_k(z, k + 1))
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("one too few for top_k")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_k leaves one token too few: with <= the k-th itself goes. Drop what is smaller than the
    k-th largest logit."""

    def keep_k(z, k):
        if k is None:
            return z
        weakest = z.topk(min(k, z.size(-1))).values[..., -1:]
        return z.masked_fill((z <= weakest) & (z < z.max(-1, keepdim=True).values), -math.inf)

    return _sampler(keep_k=keep_k)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("the least likely kept by top_k")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_k keeps the k least likely tokens. topk takes the largest; with sort, say
    descending=True."""

    def keep_k(z, k):
        return z if k is None else z.masked_fill(keep_top_k(-z, k) == -math.inf, -math.inf)

    return _sampler(keep_k=keep_k)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("places in the sorted list")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You sort the logits, and what you draw is a place in the sorted list. Look up which token it
    is, order.gather(-1, drawn), or bring the mask back into the vocabulary's order."""
    sample = _sampler(divide=lambda z, t: (z / t).sort(descending=True, dim=-1).values)
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("places in the sorted list, top_k")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You draw among the k largest and return the place in that list. Look up which token it is:
    indices.gather(-1, drawn)."""
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits / temperature
    if top_k is not None:
        logits = logits.topk(min(top_k, logits.size(-1))).values
    return _pick(keep_top_p(logits, top_p).softmax(-1), generator)


@sample_next.misconception("places in the sorted list, top_p")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """For top_p you sort the logits, and what you draw is a place in the sorted list. Look up which
    token it is: order.gather(-1, drawn)."""

    def keep_p(z, p):
        return z if p is None else keep_top_p(z.sort(descending=True, dim=-1).values, p)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("a mask in the sorted order")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You find out in the sorted order which tokens go, and drop those places of the unsorted
    logits. Bring the mask back into the vocabulary's order first: scatter, or gather with
    order.argsort(-1)."""

    def keep_p(z, p):
        if p is None:
            return z
        ranked = z.sort(descending=True, dim=-1).values.softmax(-1)
        return z.masked_fill(ranked.cumsum(-1) - ranked >= p, -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("the mask brought back the wrong way")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You bring the mask back with gather(-1, order), which sorts it once more. Use scatter(-1,
    order, …), or gather with order.argsort(-1)."""

    def keep_p(z, p):
        if p is None:
            return z
        ranked, order = z.sort(descending=True, dim=-1)
        probabilities = ranked.softmax(-1)
        drop = probabilities.cumsum(-1) - probabilities >= p
        return z.masked_fill(drop.gather(-1, order), -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("the token that crosses p dropped")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_p drops the token that crosses p, so that less than p is left. Drop a token when the sum
    *before* it has reached p."""

    def keep_p(z, p):
        if p is None:
            return z
        ranked, order = z.sort(descending=True, dim=-1)
        drop = ranked.softmax(-1).cumsum(-1) > p + 1e-9
        drop[..., 0] = False
        return z.masked_fill(drop.gather(-1, order.argsort(-1)), -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("nothing left by top_p")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """When the most likely token alone is above p, you drop it too, and nothing is left. The token
    that crosses p stays: drop a token when the sum *before* it has reached p."""

    def keep_p(z, p):
        if p is None:
            return z
        ranked, order = z.sort(descending=True, dim=-1)
        drop = ranked.softmax(-1).cumsum(-1) > p + 1e-9
        return z.masked_fill(drop.gather(-1, order.argsort(-1)), -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("one too many for top_p")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_p keeps one token more than it takes. The one that crosses p is the last to stay: shift
    the mask by one place only."""

    def keep_p(z, p):
        if p is None:
            return z
        ranked, order = z.sort(descending=True, dim=-1)
        probabilities = ranked.softmax(-1)
        drop = probabilities.cumsum(-1) - probabilities >= p
        drop = torch.cat([torch.zeros_like(drop[..., :1]), drop[..., :-1]], -1)
        return z.masked_fill(drop.gather(-1, order.argsort(-1)), -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("from the least likely up")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_p adds up from the least likely token, so the likely ones go. Sort with
    descending=True."""

    def keep_p(z, p):
        if p is None:
            return z
        ranked, order = z.sort(dim=-1)
        probabilities = ranked.softmax(-1)
        drop = probabilities.cumsum(-1) - probabilities >= p
        return z.masked_fill(drop.gather(-1, order.argsort(-1)), -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("p as a lower limit of a probability")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You keep the tokens whose own probability is above p. top_p is about a sum: the most likely
    tokens, until together they reach p."""

    def keep_p(z, p):
        if p is None or p == 1:
            return z
        drop = z.softmax(-1) < p
        drop &= z < z.max(-1, keepdim=True).values
        return z.masked_fill(drop, -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("each probability compared with p")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You drop every token whose own probability is below p, and often none is left. top_p is about
    a sum: the most likely tokens, until together they reach p."""

    def keep_p(z, p):
        return z if p is None else z.masked_fill(z.softmax(-1) < p, -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("equals kept together")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You keep every token as likely as the one that crosses p, even all of them where all are
    equal. Decide by the place in the sorted list, and not by a smallest value."""

    def keep_p(z, p):
        if p is None:
            return z
        kept = keep_top_p(z, p)
        least = kept.masked_fill(kept == -math.inf, math.inf).min(-1, keepdim=True).values
        return z.masked_fill(z < least - 1e-9, -math.inf)

    return _sampler(keep_p=keep_p)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("top_p ignored")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_p does nothing. Keep the most likely tokens until their sum reaches p, and set the
    others' logits to −inf."""
    sample = _sampler(keep_p=lambda z, p: z)
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("top_p before top_k")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """top_p should act on what top_k has left, as probabilities that add up to 1 again. You apply
    it first, or to probabilities that top_k has cut and nobody has scaled up."""
    if temperature == 0:
        return logits.argmax(-1)
    kept = keep_top_k(keep_top_p(logits / temperature, top_p), top_k)
    return _pick(kept.softmax(-1), generator)


@sample_next.misconception("top_k or top_p")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """When both are given you use top_k alone: "elif". Use both, top_k first."""
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits / temperature
    kept = keep_top_p(logits, top_p) if top_k is None else keep_top_k(logits, top_k)
    return _pick(kept.softmax(-1), generator)


@sample_next.misconception("the temperature last")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You apply the temperature after top_k and top_p. It comes first: it changes how many tokens
    it takes to reach p."""
    if temperature == 0:
        return logits.argmax(-1)
    kept = keep_top_p(keep_top_k(logits, top_k), top_p)
    return _pick((kept / temperature).softmax(-1), generator)


@sample_next.misconception("top_k larger than the vocabulary")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """A top_k larger than the vocabulary ends in an error of topk's. Then all tokens are kept:
    min(top_k, logits.size(-1))."""

    def keep_k(z, k):
        return z if k is None else z.masked_fill(z < z.topk(k).values[..., -1:], -math.inf)

    return _sampler(keep_k=keep_k)(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("0 in place of minus infinity")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You set the logits of dropped tokens to 0, and exp(0) = 1 is not nothing. A logit of −inf
    gets the probability 0."""

    def zeroed(keep):
        return lambda z, limit: torch.where(keep(z, limit) == -math.inf, 0.0, z)

    sample = _sampler(keep_k=zeroed(keep_top_k), keep_p=zeroed(keep_top_p))
    return sample(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("generator ignored")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """The generator is never used, so that nobody can repeat your draws. Hand it on:
    torch.multinomial(…, generator=generator)."""
    return _sampler()(logits, temperature, top_k, top_p, None)


@sample_next.misconception("the same chance at every call")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """Every call without a generator draws the same tokens: you seed anew each time. Hand on
    generator as it is; None is torch's own."""
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    return _sampler()(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("torch seeded inside")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You seed torch inside, so that every call draws the same tokens. Whoever calls decides about
    the chance: hand generator on to multinomial, and seed nothing."""
    torch.manual_seed(0)
    return _sampler()(logits, temperature, top_k, top_p, None)


@sample_next.misconception("the generator seeded again")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You seed the generator that you were given, so that every call draws the same. Use it as it
    comes, so that it moves on."""
    if generator is not None:
        generator.manual_seed(generator.initial_seed())
    return _sampler()(logits, temperature, top_k, top_p, generator)


@sample_next.misconception("the caller's logits changed")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """You write into the caller's logits: an assignment logits[…] = … or /= changes them. Work on
    new ones, logits / temperature, masked_fill."""
    if temperature == 0:
        return logits.argmax(-1)
    logits /= temperature
    return _pick(keep_top_p(keep_top_k(logits, top_k), top_p).softmax(-1), generator)
