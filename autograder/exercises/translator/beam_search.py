"""The best of several beginnings kept side by side."""

import math
from collections.abc import Callable
from typing import Any

import torch

from autograder.channel import translators
from autograder.channel.piece import Piece
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.exercises.translator.token_ids import BOS, EOS, PAD
from autograder.exercises.translator.written import (
    chain_case,
    expect_written,
    source_ids,
    table_case,
)
from workbook import pieces

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
        rest = [token for token in row[end:] if token != PAD]
        expect.that(not rest, f"{where} goes on after its eos, where pad_id should stand.")
        return row[:end]
    expect.that(
        len(row) >= most and PAD not in row[:most],
        f"{where} ends without eos, before max_length.",
    )
    return row[:most]


def _expect_found(
    piece: Piece, kind: str, made_of: dict, source: torch.Tensor, most: int, **options: Any
) -> None:
    """Sentences as good as ours, and scores that are true of them."""
    found = piece(Made(kind, made_of), source, most, BOS, EOS, **options)
    model = translators.MAKERS[kind](**made_of)
    _expect_as_good(found, model, source, most, **options)


def _expect_as_good(
    found: Any, model: Any, source: torch.Tensor, most: int, **options: Any
) -> None:
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
    ours, best = pieces.beam_search(model, source, most, BOS, EOS, **options)
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
    p[..., [BOS, EOS, PAD]] *= 1e-6
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
    return {"logits": p.log(), "pad_id": PAD}


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
        ("table", table_case(draw, vocab, most), source_ids(draw, 3)),
    ):
        found = piece(Made(kind, made_of), source, most, BOS, EOS, beam_size=1)
        tokens = expect.several(found, "tokens", "scores")[0]
        model = translators.MAKERS[kind](**made_of)
        wanted = pieces.greedy_decode(model, source, most, BOS, EOS)
        expect_written(tokens, wanted, "A beam of 1")
        _expect_as_good(found, model, source, most, beam_size=1)


@beam_search.property("several sentences at once", points=2)
def _(piece: Piece, draw: Draw) -> None:
    """Each sentence of a batch has a beam of its own and finds what it finds alone."""
    lengths = draw.sizes(3, low=2, high=6)
    _expect_found(piece, "chain", *chain_case(draw, lengths), max(lengths) + 1, beam_size=2)
    vocab, most = draw.sizes(2, low=6, high=9)
    made_of = table_case(draw, vocab, most)
    for beam_size in (2, 4):
        _expect_found(piece, "table", made_of, source_ids(draw, 3), most, beam_size=beam_size)


@beam_search.property("the length penalty", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A score is the log-probability over ((5 + len) / 6)^length_penalty; len counts the tokens of
    the sentence, eos included. A larger penalty prefers the longer one."""
    first = draw.uniform(0.52, 0.58)
    p = _unlikely(draw, 8)
    p[0, BOS, 4], p[0, BOS, 5] = first, 1 - first
    p[0, 4, EOS] = p[0, 5, 6] = p[0, 6, 7] = 1.0
    p[0, 7, EOS] = draw.uniform(0.8, 0.9)
    made_of = {"logits": p.log(), "pad_id": PAD}
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
    made_of = {"logits": p.log(), "pad_id": PAD}
    _expect_found(piece, "chain", made_of, _ONE, 4, beam_size=2, length_penalty=3.0)


@beam_search.property("a wide beam finds the best there is", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A beam with room for every beginning finds the best sentence of all; what has not ended at
    max_length counts as a sentence too."""
    for endless in (False, True):
        made_of = table_case(draw, 6, 3, endless)
        _expect_found(piece, "table", made_of, source_ids(draw, 2), 3, beam_size=16)


@beam_search.property("4 and 0.6 by default", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Without further arguments, the beam is 4 wide and the penalty's exponent is 0.6."""
    vocab, most = draw.sizes(2, low=6, high=8)
    _expect_found(piece, "table", table_case(draw, vocab, most), source_ids(draw, 2), most)


@beam_search.property("inputs stay as they were", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """A call should leave the source as it was."""
    made_of, source = table_case(draw, 6, 4), source_ids(draw, 2)
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
