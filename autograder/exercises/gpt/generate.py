"""A text written token by token."""

from typing import Any

import torch

from autograder.channel.piece import Piece
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.exercises.gpt.sample_next import fits, keep_top_k, keep_top_p, likeliest_of
from workbook import pieces

generate = Exercise("generate", reference=pieces.generate)


class _Story:
    """A table-driven model, prompts, and what comes of them."""

    def __init__(self, draw: Draw, prompt_length: int, vocab: int = 9, rows: int = 4) -> None:
        self.table = draw.normal(vocab, vocab, scale=2.0)
        self.prompt = draw.tokens(rows, prompt_length, low=0, high=vocab - 1)

    def model(self, context: int | None = None) -> Made:
        return Made("table_model", {"table": self.table, "context": context})

    def oracle(self, new: int, eos_id: int | None = None) -> torch.Tensor:
        with torch.no_grad():
            from autograder.channel.made import table_model

            return pieces.generate(table_model(self.table), self.prompt, new, eos_id, 0.0)


def _stopping(draw: Draw, eos_id: int) -> _Story:
    """A story of four rows in which one ends at once, another later, and one goes on. No row would
    say eos_id twice, so that to stop too late shows. eos_id 8 would repeat itself."""
    vocab, new = 9, 6
    story = _Story(draw, 3, vocab)
    every = [draw.tokens(3000, size, low=0, high=vocab - 1).tolist() for size in (vocab, 4)]
    for said, states in zip(*every, strict=True):  # what is likeliest in each state; where to start
        ends = []
        for state in states:
            row = []
            for _ in range(new):
                row.append(said[state] == eos_id)
                state = (state + said[state] + 1) % vocab
            ends.append(row)
        when = [row.index(True) if any(row) else new for row in ends]
        once = all(sum(row) <= 1 for row in ends)
        if once and 0 in when and new in when and any(0 < end < 4 for end in when):
            story.table[range(vocab), said] = story.table.max() + 1
            rest = torch.tensor(states) - (story.prompt[:, :2] + 1).sum(1) - 1
            story.prompt[:, 2] = rest % vocab
            return story
    raise AssertionError("no such story in 3,000")


@generate.property("the prompt and what comes after it", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """With temperature 0: the prompt comes first, then max_new_tokens tokens, each the most likely
    one after *all* that stands before it."""
    story, new = _Story(draw, draw.integer(3, 4)), draw.integer(5, 7)
    found = piece(story.model(), story.prompt, new, temperature=0.0)
    expect.close(found, story.oracle(new), "The text, at [row, position],")


@generate.property("each row stops on its own", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """After its own eos_id a row gets nothing but eos_id; the other rows go on."""
    eos_id = draw.integer(1, 7)
    story = _stopping(draw, eos_id)
    found = piece(story.model(), story.prompt, 6, eos_id=eos_id, temperature=0.0)
    expect.close(found, story.oracle(6, eos_id), f"The text with eos_id={eos_id}")


@generate.property("it ends when all rows have", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """When every row has ended, nothing more is written: the text is as long as its longest
    row."""
    eos_id = draw.integer(1, 7)
    story = _stopping(draw, eos_id)
    text = story.oracle(6, eos_id)
    ended, prompt = (text[:, 3:] == eos_id).any(-1), story.prompt
    for row in story.prompt[ended]:
        alone = row[None]
        story.prompt = alone
        expect.close(
            piece(story.model(), alone, 6, eos_id=eos_id, temperature=0.0),
            story.oracle(6, eos_id),
            "The text of a single row",
        )
    story.prompt = prompt[ended]
    wanted = story.oracle(6, eos_id)
    found = piece(story.model(), story.prompt, 6, eos_id=eos_id, temperature=0.0)
    expect.close(found, wanted, "The text of rows that all end")


@generate.property("an eos_id of 0, and one in the prompt", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """0 is an id like any other. And a prompt may hold eos_id, as GPT-2's begin with it: only a new
    one ends a row."""
    story = _stopping(draw, 0)
    found = piece(story.model(), story.prompt, 6, eos_id=0, temperature=0.0)
    expect.close(found, story.oracle(6, 0), "The text with eos_id=0")
    eos_id = draw.integer(1, 7)
    story = _stopping(draw, eos_id)
    # Two of them and a last token that keeps the sum: the story goes on as it would have.
    total = story.prompt.sum(1)
    story.prompt = torch.stack([torch.full_like(total, eos_id)] * 2 + [(total - 2 * eos_id) % 9], 1)
    found = piece(story.model(), story.prompt, 6, eos_id=eos_id, temperature=0.0)
    expect.close(found, story.oracle(6, eos_id), "The text of prompts that hold eos_id")


@generate.property("no further than the context", points=0.25, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """The last token is written and needs no more reading: a model with a context of
    length + max_new_tokens − 1 is enough."""
    story, new = _Story(draw, 3), 4
    found = piece(story.model(3 + new - 1), story.prompt, new, temperature=0.0)
    expect.shape(found, (4, 3 + new), "The text")


_TEXTS = 900


def _told(piece: Piece, draw: Draw, vocab: int, scale: float, **how: Any) -> None:
    """Two tokens after one prompt, 900 times: each of the vocab² continuations comes as often as
    the table says. `how` is what generate is asked for."""
    table = draw.normal(vocab, vocab, scale=scale)
    start = draw.integer(0, vocab - 1)
    plain = {"temperature": 1.0, "top_k": None, "top_p": None}

    def probabilities(temperature: float, top_k: int | None, top_p: float | None) -> torch.Tensor:
        rows = (
            table if temperature == 0 else keep_top_p(keep_top_k(table / temperature, top_k), top_p)
        )
        rows = rows.softmax(-1)
        first = rows[(start + 1) % vocab]  # the table's row is the sum of all ids, each plus one
        second = torch.stack([rows[(start + token + 2) % vocab] for token in range(vocab)])
        return (first[:, None] * second).flatten()

    prompt = torch.full((_TEXTS, 1), start)
    made = Made("generator", {"seed": draw.integer(0, 2**31)})
    found = piece(Made("table_model", {"table": table}), prompt, 2, generator=made, **how)
    expect.shape(found, (_TEXTS, 3), "The text")
    expect.that(
        not found.is_floating_point() and int(found.min()) >= 0 and int(found.max()) < vocab,
        "The text holds numbers that are no token ids.",
    )
    pairs = (found[:, 1] * vocab + found[:, 2]).long()
    if bool((pairs == pairs[0]).all()):
        raise expect.Mismatch(
            f"{_TEXTS} equal prompts were all continued in the same way.", kind="one text for all"
        )
    counts = torch.bincount(pairs, minlength=vocab**2)[None]
    wanted = plain | how
    named = {
        f"{name} ignored": probabilities(**(wanted | {name: plain[name]}))[None] for name in how
    }
    if not fits(counts, probabilities(**wanted)[None]):
        raise expect.Mismatch(
            "The continuations don't come as often as they should.",
            kind=likeliest_of(counts, named) or "other continuations",
        )


@generate.property("as often as the model says", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """Each row draws for itself: over 900 equal prompts, every continuation of two tokens should
    come as often as the model's probabilities say."""
    _told(piece, draw, vocab=4, scale=1.0)


@generate.property("temperature, top_k and top_p are handed on", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """They should act as in sample_next."""
    found = []
    for vocab, scale, how in (
        (4, 1.0, {"temperature": 3.0}),
        (5, 0.5, {"top_k": 2}),
        (5, 0.5, {"top_p": 0.5}),
    ):
        try:
            _told(piece, draw, vocab, scale, **how)
        except expect.Mismatch as mismatch:
            found.append((next(iter(how)), mismatch))
    if found:
        names = " and ".join(name for name, _ in found)
        raise expect.Mismatch(
            f"With {names}: {found[0][1].message}",
            kind=" and ".join(mismatch.kind for _, mismatch in found),
        )


@generate.property("the generator", points=0.5, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """All chance should come from the generator that is handed over: the same seed, the same text;
    another, another."""
    story = _Story(draw, 2, rows=40)
    story.table *= 0.1
    seed = draw.integer(0, 2**30)
    texts = []
    for own, number in ((1, seed), (2, seed), (1, seed + 1)):
        piece.seed(own)
        made = Made("generator", {"seed": number})
        texts.append(expect.tensor(piece(story.model(), story.prompt, 5, generator=made), "It"))
    expect.that(
        texts[0].shape == texts[1].shape and torch.equal(texts[0], texts[1]),
        "With the same generator, another text came.",
    )
    expect.that(not torch.equal(texts[0], texts[2]), "With another generator, the same text came.")
    # Nine nearly equal tokens, four more times: the columns agree by chance less than once in
    # 10^30 times.
    expect.that(
        not all(torch.equal(texts[0][:, 2], column) for column in texts[0][:, 3:].T),
        "Every step drew the same tokens: the generator doesn't move on.",
    )


@generate.property("inputs stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """The prompt should stay as it was, and no new token at all is a fine wish."""
    story = _Story(draw, 3)
    after = piece.inputs_after(story.model(), story.prompt, 3, temperature=0.0)
    expect.unchanged([story.prompt], after)
    expect.close(piece(story.model(), story.prompt, 0), story.prompt, "With no new token, the text")


def _next(model, tokens, temperature, top_k, top_p, generator):
    return pieces.sample_next(model(tokens)[:, -1], temperature, top_k, top_p, generator)


def _written(prompt, max_new_tokens, eos_id, choose, padded=None, stop=torch.all):
    """The loop that most wrong answers get right; `choose(tokens)` gives the next ones."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(max_new_tokens):
        chosen = choose(tokens)
        if eos_id is not None:
            chosen = chosen.masked_fill(ended, eos_id if padded is None else padded)
            ended = ended | (chosen == eos_id)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if bool(stop(ended)):
            break
    return tokens


def _writer(**changed):
    """A wrong answer that is right but for what is `changed`."""

    def write(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
        def choose(tokens):
            return _next(model, tokens, temperature, top_k, top_p, generator)

        return _written(prompt, max_new_tokens, eos_id, choose, **changed)

    return write


def _signed(write):
    """A wrong answer with the exercise's signature, written under no_grad."""

    @torch.no_grad()
    def generate(
        model,
        prompt,
        max_new_tokens,
        eos_id=None,
        temperature=1.0,
        top_k=None,
        top_p=None,
        generator=None,
    ):
        return write(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator)

    generate.__doc__ = write.__doc__
    return generate


@generate.misconception("stopped when any row stops")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You stop as soon as one row has ended. The others go on: stop when all have."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer(stop=torch.any)(model, prompt, *how)


@generate.misconception("stopped by the first row")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You stop when the first row has ended. The others may have more to say: stop when all
    have."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer(stop=lambda ended: ended[0])(model, prompt, *how)


@generate.misconception("never stopped")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You write max_new_tokens even when all rows have ended. Leave the loop then."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer(stop=lambda ended: torch.tensor(False))(model, prompt, *how)


@generate.misconception("a row goes on after its end")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """A row that has ended goes on writing. Remember which rows have ended, and give them eos_id
    from then on."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if eos_id is not None:
            ended |= chosen == eos_id
            if ended.all():
                break
    return tokens


@generate.misconception("only stopped when all end at once")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You stop only when all rows write eos_id in the same step, and rows that have ended go on.
    Remember which rows have ended: ended = ended | (chosen == eos_id)."""
    tokens = prompt
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if eos_id is not None and (chosen == eos_id).all():
            break
    return tokens


@generate.misconception("padded with zeros")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """After its end a row is filled with zeros. Fill it with eos_id."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer(padded=0)(model, prompt, *how)


@generate.misconception("the end not written")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You leave before the last eos_id is written. Put the token behind the text first, and stop
    then."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        if eos_id is not None:
            chosen = chosen.masked_fill(ended, eos_id)
            ended = ended | (chosen == eos_id)
            if ended.all():
                break
        tokens = torch.cat([tokens, chosen[:, None]], 1)
    return tokens


@generate.misconception("an end in the prompt counts")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """An eos_id in the prompt ends your row before it begins. GPT-2's prompts begin with it: look
    at new tokens only."""

    def choose(tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        return chosen if eos_id is None else chosen.masked_fill((tokens == eos_id).any(1), eos_id)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("an end in the prompt counts after one token")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You look for eos_id in the whole text, and GPT-2's prompts begin with it. Look at new tokens
    only: ended = ended | (chosen == eos_id)."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        if eos_id is not None:
            chosen = chosen.masked_fill(ended, eos_id)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if eos_id is not None:
            ended = (tokens == eos_id).any(1)
            if ended.all():
                break
    return tokens


@generate.misconception("0 taken for none")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """With eos_id=0 your rows never end: in "if eos_id:", 0 is false. Write if eos_id is not
    None."""
    how = (max_new_tokens, eos_id or None, temperature, top_k, top_p, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("eos_id ignored")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """eos_id does nothing. A row that has written it gets nothing else from then on, and when all
    have, you stop."""
    how = (max_new_tokens, None, temperature, top_k, top_p, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("None filled in")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """Without an eos_id there is nothing to fill in, and masked_fill can't take None. Do it only if
    eos_id is not None."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        chosen = chosen.masked_fill(ended, eos_id)
        ended = ended | (chosen == eos_id)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if ended.all():
            break
    return tokens


@generate.misconception("None in torch.where")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """Without an eos_id there is nothing to choose, and torch.where can't take None. Do it only if
    eos_id is not None."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        chosen = torch.where(ended, eos_id, chosen)
        ended = ended | (chosen == eos_id)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if ended.all():
            break
    return tokens


@generate.misconception("every position's logits")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You hand the logits of all positions to sample_next. The last position's say what comes next:
    model(tokens)[:, -1]."""

    def choose(tokens):
        return pieces.sample_next(model(tokens), temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("every position's logits, where rows are drawn")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You hand the logits of all positions to sample_next, which wants (batch, vocab_size). The
    last position's say what comes next: model(tokens)[:, -1]."""

    def choose(tokens):
        logits = model(tokens)
        if temperature == 0:
            return logits.argmax(-1)
        return torch.multinomial(logits.softmax(-1), 1, generator=generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("probabilities handed to sample_next")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You take a softmax and hand probabilities to sample_next, which takes another one. Hand it
    the logits."""

    def choose(tokens):
        probabilities = model(tokens)[:, -1].softmax(-1)
        return pieces.sample_next(probabilities, temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("the generator in top_p's place")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """sample_next's order is (logits, temperature, top_k, top_p, generator), and you leave one out.
    Name them: top_p=top_p, generator=generator."""

    def choose(tokens):
        return pieces.sample_next(model(tokens)[:, -1], temperature, top_k, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("the prompt dropped")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You return the new tokens alone. The prompt comes first."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer()(model, prompt, *how)[:, prompt.size(1) :]


@generate.misconception("the prompt not read")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """The model is given the new tokens without the prompt (but at first). It needs all that stands
    before: model(tokens), with the prompt in it."""
    start = prompt.size(1)

    def choose(tokens):
        seen = tokens if tokens.size(1) == start else tokens[:, start:]
        return _next(model, seen, temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("the last token only")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """The model is given the last token alone. Without a cache it needs the whole text each
    time."""

    def choose(tokens):
        return _next(model, tokens[:, -1:], temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("always the prompt")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """The model is given the prompt at every step, never what it has written. Put each new token
    behind the text and read all of it."""

    def choose(tokens):
        return _next(model, prompt, temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("the first position's logits")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You take the logits of the first position. What comes next is said by the last one:
    model(tokens)[:, -1]."""

    def choose(tokens):
        return pieces.sample_next(model(tokens)[:, 0], temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("the position before the last")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You take the logits of the last position but one. They are about the last token, which is
    there already: model(tokens)[:, -1]."""

    def choose(tokens):
        logits = model(tokens)
        at = max(logits.size(1) - 2, 0)
        return pieces.sample_next(logits[:, at], temperature, top_k, top_p, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("new tokens in front")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You put the new token in front of the text. It comes last: torch.cat([tokens,
    new], dim=1)."""
    tokens = prompt
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        tokens = torch.cat([chosen[:, None], tokens], 1)
    return tokens


@generate.misconception("joined along the batch")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You concatenate along the batch. The text grows along dim=1; the new tokens need that axis:
    chosen.unsqueeze(1)."""
    tokens = prompt
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        tokens = torch.cat([tokens, chosen.unsqueeze(1)], 0)
    return tokens


@generate.misconception("no axis for the new tokens")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """sample_next gives (batch,), and the text is (batch, length). Make a column of the new tokens:
    chosen.unsqueeze(1)."""
    tokens = prompt
    for _ in range(max_new_tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        tokens = torch.cat([tokens, chosen], 1)
    return tokens


@generate.misconception("one step too many")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You write one token more than max_new_tokens."""
    how = (max_new_tokens + 1, eos_id, temperature, top_k, top_p, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("the prompt counted")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """max_new_tokens is the number of *new* tokens; you count the prompt as well."""
    new = max(max_new_tokens - prompt.size(1), 0)
    return _writer()(model, prompt, new, eos_id, temperature, top_k, top_p, generator)


@generate.misconception("the last token read as well")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You ask the model once more after the last token. Nobody needs that answer, and it may be
    past the context."""
    tokens, ended = prompt, torch.zeros(len(prompt), dtype=torch.bool)
    chosen = _next(model, tokens, temperature, top_k, top_p, generator)
    for _ in range(max_new_tokens):
        if eos_id is not None:
            chosen = chosen.masked_fill(ended, eos_id)
            ended = ended | (chosen == eos_id)
        tokens = torch.cat([tokens, chosen[:, None]], 1)
        if ended.all():
            break
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
    return tokens


@generate.misconception("the first row's draw for all")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """All rows are written with the first row's token. Each row draws its own: hand the whole
    (batch, vocab_size) to sample_next."""

    def choose(tokens):
        chosen = _next(model, tokens, temperature, top_k, top_p, generator)
        return chosen[:1].expand(len(tokens))

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("always the most likely")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You always take the most likely token. Draw with sample_next."""
    how = (max_new_tokens, eos_id, 0.0, top_k, top_p, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("temperature not handed on")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """temperature doesn't reach sample_next. Hand it on."""
    temperature = 0.0 if temperature == 0 else 1.0
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("top_k not handed on")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """top_k doesn't reach sample_next. Hand it on."""
    how = (max_new_tokens, eos_id, temperature, None, top_p, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("top_p not handed on")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """top_p doesn't reach sample_next. Hand it on."""
    how = (max_new_tokens, eos_id, temperature, top_k, None, generator)
    return _writer()(model, prompt, *how)


@generate.misconception("top_k and top_p swapped")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You hand top_p over as top_k. sample_next's order is (logits, temperature, top_k, top_p,
    generator)."""

    def choose(tokens):
        return _next(model, tokens, temperature, top_p, top_k, generator)

    return _written(prompt, max_new_tokens, eos_id, choose)


@generate.misconception("nothing handed on")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """Neither temperature nor top_k nor top_p nor generator reaches sample_next. Hand all four
    on."""
    how = (max_new_tokens, eos_id, 1.0, None, None, None)
    return _writer()(model, prompt, *how)


@generate.misconception("generator not handed on")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """The generator doesn't reach sample_next, so that nobody can repeat your text. Hand it on."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, None)
    return _writer()(model, prompt, *how)


@generate.misconception("the prompt changed")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """Your call changes the caller's prompt. Make a new tensor: torch.cat does."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    text = _writer()(model, prompt, *how)
    if max_new_tokens:
        prompt.copy_(text[:, -prompt.size(1) :])
    return text


@generate.misconception("a list")
@_signed
def _(model, prompt, max_new_tokens, eos_id, temperature, top_k, top_p, generator):
    """You return a list. Return a tensor, (batch, length)."""
    how = (max_new_tokens, eos_id, temperature, top_k, top_p, generator)
    return _writer()(model, prompt, *how).tolist()
