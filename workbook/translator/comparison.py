"""Translators of different kinds, alike in everything else: the same sentences, sub-words, batches,
loss, tokens of training and schedule, and about as many parameters.

    python -m workbook.translator.comparison phrasebook      # writes comparison-phrasebook.json

trains each kind, scores it at some shares of its training and records the curves beside this file,
with the seed, the date and the kind of machine. Lesson 09 draws what is recorded. Kinds that aren't
trained again stay, where they were recorded with the same settings, corpus and machine; otherwise
the new record takes the place of the old one, and what is dropped is named.

The recurrent ones are trained by AdamW, as nearly everybody trains them; the Transformer by Muon,
as we do, and by AdamW. All of these begin at random; "transformer, aligned" begins where the
course's translator does (`beginning`).
"""

import argparse
import datetime
import json
import os
import platform
import shlex
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from workbook.atomic import write_text
from workbook.corpus import mixture, phrasebook
from workbook.corpus.mixture import Corpus
from workbook.device import pick_device
from workbook.pieces import Transformer
from workbook.training import Budget, Moment, WarmupAndDecay, adam, muon, train
from workbook.translator.assembly import take
from workbook.translator.beginning import Pairs, begin_aligned
from workbook.translator.making import (
    MAX_LENGTH,
    encoded_pairs,
    evaluate,
    learn_words,
    to_draw,
)
from workbook.translator.presets import Preset, preset
from workbook.translator.recurrent import RecurrentTranslator
from workbook.translator.scoring import scores
from workbook.translator.sentence_case import SentenceCase
from workbook.translator.text import Batches, SubwordTokenizer
from workbook.translator.translation import Card, Translator, words_of
from workbook.translator.vocabulary_loss import train_step

SHARES = (0.125, 0.25, 0.5, 1.0)
_SCORED = 400  # sentences of a set, and of a probe, so that scoring stays short beside training


def transformer(vocab_size: int, size: Preset) -> nn.Module:
    return Transformer(
        vocab_size, vocab_size, size.d_model, size.num_heads, size.num_layers, size.d_ff,
        size.dropout, share_embeddings=True, max_length=MAX_LENGTH,
    )  # fmt: skip


def without_positions(vocab_size: int, size: Preset) -> nn.Module:
    made = transformer(vocab_size, size)
    made.positions = nn.Dropout(size.dropout)
    return made


def recurrent(attention: bool) -> Callable[[int, Preset], nn.Module]:
    """As wide as the Transformer's number of parameters allows, with one layer on either side."""

    def make(vocab_size: int, size: Preset) -> nn.Module:
        room = count(transformer(vocab_size, size))
        with torch.device("meta"):
            widths = [d for d in range(32, 1024, 8) if count(widest(vocab_size, d)) <= room]
        return widest(vocab_size, widths[-1])

    def widest(vocab_size: int, d_model: int) -> nn.Module:
        return RecurrentTranslator(vocab_size, d_model, attention=attention)

    return make


@dataclass(frozen=True)
class Kind:
    """How a kind of translator is made and trained. peak: the learning rate's largest; None: the
    preset's. begin: what is done to it before training, given the pairs; None: nothing."""

    make: Callable[[int, Preset], nn.Module]
    optimizer: Callable[[nn.Module], torch.optim.Optimizer]
    peak: float | None
    begin: Callable[[nn.Module, Pairs], None] | None = None

    def made(self, pairs: Pairs, vocab_size: int, size: Preset, seed: int) -> nn.Module:
        """A model of this kind, on the processor, before its training on these pairs."""
        torch.manual_seed(seed)
        model = self.make(vocab_size, size)
        if self.begin is not None:
            self.begin(model, pairs)
        return model


KINDS = {
    "transformer": Kind(transformer, muon, None),
    "transformer, aligned": Kind(transformer, muon, None, begin_aligned),
    "transformer, AdamW": Kind(transformer, adam, 3e-3),
    "no positions": Kind(without_positions, muon, None),
    "GRU": Kind(recurrent(attention=False), adam, 3e-3),
    "GRU, attention": Kind(recurrent(attention=True), adam, 3e-3),
}
COMPARED = ("transformer", "GRU, attention", "GRU")


def count(model: nn.Module) -> int:
    """The number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


class Watch:
    """Calls `score(tokens)` at some shares of a training, which takes no account of that time."""

    def __init__(self, shares: Iterable[float], score: Callable[[int], None]) -> None:
        self._shares = sorted(shares)
        self._score = score

    def __call__(self, moment: Moment) -> None:
        while self._shares and moment.share >= self._shares[0] and not moment.stopped:
            self._shares.pop(0)
            self._score(moment.progress.tokens)


def exact(translator: Translator, pairs: Iterable[phrasebook.Pair]) -> float:
    """The share of English sentences that come out, greedily, as one of their translations."""
    accepted = defaultdict(set)
    for pair in pairs:
        accepted[pair.english].add(pair.spanish)
    written = translator.translate_all(list(accepted), beam_size=1)
    right = sum(mine in theirs for mine, theirs in zip(written, accepted.values(), strict=True))
    return right / len(accepted)


def probed(translator: Translator, name: str) -> dict[str, float]:
    """A probe, `"bank"` or `"it"`: the share of sentences that have the right word and not its
    rival, and the share of minimal pairs in which both have."""
    probes = phrasebook.load_probes(name)
    written = translator.translate_all([probe.pair.english for probe in probes], beam_size=1)
    right, whole = 0, defaultdict(list)
    for probe, mine in zip(probes, written, strict=True):
        words = phrasebook.normalise(mine).split()
        good = probe.answer in words and probe.rival not in words
        right += good
        whole[probe.minimal_pair].append(good)
    return {
        name: right / len(probes),
        f"{name}, both of a pair": sum(map(all, whole.values())) / len(whole),
    }


def on_the_phrasebook(translator: Translator) -> dict[str, float]:
    """Exact match on sentences in which words meet that never met in training, and on sentences
    held out at random; and both probes."""
    return {
        "new meetings": exact(translator, phrasebook.load_phrasebook("compositional")[:_SCORED]),
        "test": exact(translator, phrasebook.load_phrasebook("test")[:_SCORED]),
        **probed(translator, "bank"),
        **probed(translator, "it"),
    }


def on_tatoeba(translator: Translator, corpus: Corpus) -> dict[str, Any]:
    """BLEU and chrF with a beam of 4, each with its 95 % interval."""
    return {s.name: [s.value, s.low, s.high] for s in evaluate(translator, corpus.test)}


def compare(
    corpus: Corpus,
    learnt: tuple[SentenceCase, SubwordTokenizer],
    size: Preset,
    tokens: int,
    kinds: Sequence[str] = COMPARED,
    seed: int = 0,
    shares: Sequence[float] = SHARES,
    score: Callable[[Translator], dict[str, Any]] | None = None,
    say: Callable[[str], None] = print,
    keep: Callable[[dict[str, Any]], None] = lambda found: None,
) -> dict[str, Any]:
    """Train each kind and score it at these shares of its training: parameters, tokens and scores
    by the kind's name.

    learnt: of this corpus, as `learn_words` has it. score: by default `on_the_phrasebook` or
    `on_tatoeba`. keep: is given what there is after each kind.
    """
    device = pick_device()
    case, tokenizer = learnt
    if score is None and corpus.name == "tatoeba":
        score = partial(on_tatoeba, corpus=corpus)
    score = score or on_the_phrasebook
    encoded = encoded_pairs(case, tokenizer, corpus.training)
    card = Card(
        preset=size.name, corpus=corpus.name, about=corpus.about, expect=corpus.expect,
        shape={"max_length": MAX_LENGTH}, words=words_of(p.english for p in corpus.training),
        longest=99, share=1.0,
    )  # fmt: skip
    found: dict[str, Any] = {}
    for name in kinds:
        kind = KINDS[name]
        model = kind.made(encoded, len(tokenizer), size, seed).to(device)
        # A recurrent model has no keys and values to keep: lesson 09's own searches read it.
        pieces = replace(take(), mine=isinstance(model, RecurrentTranslator))
        translator = Translator(model, tokenizer, case, card, pieces)
        curve: list[dict[str, Any]] = []

        def note(at: int, translator=translator, model=model, curve=curve, name=name) -> None:
            was = model.training
            model.eval()
            reached = score(translator)
            model.train(was)
            curve.append({"tokens": at, **reached})
            say(f"{name}: {at:,} tokens, {reached}")

        run = train(
            model,
            Batches(encoded, size.batch_tokens, seed),
            Budget(tokens=tokens),
            step=train_step,
            rate=WarmupAndDecay(kind.peak or size.peak),
            optimizer=kind.optimizer,
            watchers=[Watch(shares, note)],
            seed=seed,
        )
        found[name] = {"parameters": count(model), "curve": curve, "precision": run.precision}
        say(f"{name}: {count(model):,} parameters; {run}")
        keep(found)
    return found


def recorded_at(corpus: str) -> Path:
    """Where the curves of a corpus are recorded."""
    return Path(__file__).with_name(f"comparison-{corpus}.json")


def recorded(corpus: str) -> dict[str, Any]:
    """The curves recorded last. Raises FileNotFoundError where there are none."""
    return json.loads(recorded_at(corpus).read_text(encoding="utf-8"))


def about_the_record(record: dict[str, Any]) -> str:
    """Where the curves come from, in a sentence."""
    return (
        f"Recorded on {record['date']} with seed {record['seed']} on {record['machine']}: "
        f"{record['command']}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workbook.translator.comparison")
    parser.add_argument("corpus", choices=("phrasebook", "tatoeba"))
    parser.add_argument("--preset", default="small")
    parser.add_argument("--tokens", type=int, help="of training; the preset's if not given")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(COMPARED))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    size = preset(arguments.preset)
    tokens = arguments.tokens or size.tokens
    corpus = mixture.gather(arguments.corpus, drawn=to_draw(tokens))
    learnt = learn_words(corpus.training, size.vocab_size)
    command = f"python -m workbook.translator.comparison {arguments.corpus}"
    command += f" --preset {size.name} --tokens {tokens}"
    if arguments.seed:
        command += f" --seed {arguments.seed}"
    record: dict[str, Any] = {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "seed": arguments.seed,
        "machine": kind_of_machine(),
        "torch": torch.__version__,
        "corpus": corpus.about,
        "sub-words": learnt[1].digest,
        "preset": repr(size),
    }
    if corpus.name == "tatoeba":
        copied = scores([p.english for p in corpus.test], [p.spanish for p in corpus.test])
        record["copy of the source"] = {s.name: [s.value, s.low, s.high] for s in copied}
    before = _recorded_alike(record, corpus.name, arguments.kinds)

    def keep(found: dict[str, Any]) -> None:
        # After each kind: whoever stops an hour's work keeps what is done.
        kinds = before | found
        whole = {**record, "command": command + _asking_for(kinds), "kinds": kinds}
        text = json.dumps(whole, indent=1, ensure_ascii=False)
        write_text(recorded_at(corpus.name), text + "\n")

    compare(corpus, learnt, size, tokens, arguments.kinds, arguments.seed, keep=keep)


def _asking_for(kinds: Collection[str]) -> str:
    """What a command needs in order to train these kinds; nothing for those it trains unasked."""
    return "" if set(kinds) == set(COMPARED) else f" --kinds {shlex.join(kinds)}"


def _recorded_alike(
    record: dict[str, Any], corpus: str, trained: Sequence[str], say: Callable[[str], None] = print
) -> dict[str, Any]:
    """The kinds recorded before, where everything but the day is the same; else none, and a word
    about those that aren't trained now."""
    try:
        old = recorded(corpus)
    except FileNotFoundError:
        return {}
    asked = {**record, "command": record["command"] + _asking_for(old["kinds"])}
    differ = [name for name, value in asked.items() if name != "date" and old.get(name) != value]
    if not differ:
        return old["kinds"]
    if others := [name for name in old["kinds"] if name not in trained]:
        say(
            f"{recorded_at(corpus)} was recorded with another {', '.join(differ)}; what it has of "
            f"{' and '.join(map(repr, others))} can't stand beside a new record and is dropped."
        )
    return {}


def kind_of_machine() -> str:
    """Of the machine, what explains its numbers: the device, the processor's kind, the cores."""
    device = pick_device()
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{os.cpu_count()} cores of {platform.machine()}, {torch.get_num_threads()} thread(s)"


if __name__ == "__main__":
    main()
