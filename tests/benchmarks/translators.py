"""Translators of different kinds on the same sentences: `python -m tests.benchmarks.translators`.

On the phrasebook: exact match on sentences in which two words meet that never met in training, on
sentences held out at random by their length, on two sentences at once (longer than any in
training), and on both probes, greedily. On Tatoeba (`--corpus tatoeba`, where it has been fetched):
BLEU and chrF with their intervals, with a beam of 4, beside a copy of the source.

All models have about as many parameters, the same tokenizer, batches, loss, tokens of training and
schedule. The recurrent ones are trained by AdamW, as nearly everybody trains them; the Transformer
by Muon, as we do, and by AdamW.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from workbook.corpus import mixture, phrasebook
from workbook.device import describe_device, pick_device
from workbook.pieces import Transformer
from workbook.training import Budget, Moment, WarmupAndDecay, adam, muon, train
from workbook.translator.assembly import take
from workbook.translator.making import (
    MAX_LENGTH,
    TOKENS_A_DRAW,
    encoded_pairs,
    evaluate,
    learn_words,
)
from workbook.translator.presets import Preset, preset
from workbook.translator.recurrent import RecurrentTranslator
from workbook.translator.scoring import scores
from workbook.translator.text import Batches
from workbook.translator.translation import Card, Translator, words_of
from workbook.translator.vocabulary_loss import train_step

LENGTHS = ((1, 4), (5, 7), (8, 10), (11, 99))  # English words, marks not counted


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
    make: Callable[[int, Preset], nn.Module]
    optimizer: Callable[[nn.Module], torch.optim.Optimizer]
    peak: float | None  # None: the preset's


KINDS = {
    "transformer": Kind(transformer, muon, None),
    "transformer, AdamW": Kind(transformer, adam, 3e-3),
    "no positions": Kind(without_positions, muon, None),
    "GRU": Kind(recurrent(attention=False), adam, 3e-3),
    "GRU, attention": Kind(recurrent(attention=True), adam, 3e-3),
}


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


class Watch:
    """Scores a model at some shares of its training, and takes no account of that time."""

    def __init__(self, shares: list[float], score: Callable[[], str]) -> None:
        self._shares = sorted(shares)
        self._score = score

    def __call__(self, moment: Moment) -> None:
        while self._shares and moment.share >= self._shares[0]:
            self._shares.pop(0)
            print(f"    {moment.progress.tokens:>10,} tokens: {self._score()}", flush=True)


def exact(translator: Translator, pairs) -> float:
    accepted = defaultdict(set)
    for pair in pairs:
        accepted[pair.english].add(pair.spanish)
    written = translator.translate_all(list(accepted), beam_size=1)
    right = sum(mine in theirs for mine, theirs in zip(written, accepted.values(), strict=True))
    return right / len(accepted)


def on_the_phrasebook(translator: Translator) -> str:
    found = {"new meetings": exact(translator, phrasebook.load_phrasebook("compositional"))}
    test = phrasebook.load_phrasebook("test")
    for low, high in LENGTHS:
        some = [p for p in test if low <= len(phrasebook.normalise(p.english).split()) <= high]
        found[f"{low}–{high} words" if high < 99 else f"{low} words on"] = exact(translator, some)
    plain = [p for p in test if p.english[-1] == p.spanish[-1] == "."]
    two = [
        replace(a, english=f"{a.english} {b.english}", spanish=f"{a.spanish} {b.spanish}")
        for a, b in zip(plain[::2], plain[1::2], strict=False)
    ]
    found["two sentences"] = exact(translator, two)
    for name in ("bank", "it"):
        probes = phrasebook.load_probes(name)
        written = translator.translate_all([probe.pair.english for probe in probes], beam_size=1)
        right, whole = 0, defaultdict(list)
        for probe, mine in zip(probes, written, strict=True):
            words = phrasebook.normalise(mine).split()
            good = probe.answer in words and probe.rival not in words
            right += good
            whole[probe.minimal_pair].append(good)
        found[name] = right / len(probes)
        found[f"{name}, both of a minimal pair"] = sum(map(all, whole.values())) / len(whole)
    return ", ".join(f"{name} {share:.3f}" for name, share in found.items())


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.translators")
    parser.add_argument("--corpus", choices=("phrasebook", "tatoeba"), default="phrasebook")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--tokens", type=int, help="of training; the preset's if not given")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--also-at", type=float, nargs="*", default=[], help="shares of training")
    arguments = parser.parse_args()
    size, device = preset(arguments.preset), pick_device()
    tokens = arguments.tokens or size.tokens
    corpus = mixture.gather(arguments.corpus, drawn=tokens // TOKENS_A_DRAW)
    print(f"{describe_device(device)}; {corpus.about}; {tokens:,} target tokens")
    case, tokenizer = learn_words(corpus.training, size.vocab_size)
    encoded = encoded_pairs(case, tokenizer, corpus.training)
    card = Card(
        preset=size.name, corpus=corpus.name, about=corpus.about, expect=corpus.expect,
        shape={"max_length": MAX_LENGTH}, words=words_of(p.english for p in corpus.training),
        longest=99, share=1.0,
    )  # fmt: skip
    if corpus.name == "tatoeba":
        copied = scores([p.english for p in corpus.test], [p.spanish for p in corpus.test])
        print("a copy of the source:", *copied)
    for name in arguments.kinds:
        kind = KINDS[name]
        for seed in arguments.seeds:
            torch.manual_seed(seed)
            model = kind.make(len(tokenizer), size).to(device)
            # A recurrent model has no keys and values to keep: lesson 09's own searches read it.
            pieces = replace(take(), mine=isinstance(model, RecurrentTranslator))
            translator = Translator(model, tokenizer, case, card, pieces)

            def score(translator=translator, model=model) -> str:
                was = model.training
                model.eval()
                if corpus.name == "tatoeba":
                    said = ", ".join(map(str, evaluate(translator, corpus.test)))
                else:
                    said = on_the_phrasebook(translator)
                model.train(was)
                return said

            print(f"{name}, seed {seed}: {count(model):,} parameters", flush=True)
            watch, start = Watch(arguments.also_at, score), time.perf_counter()
            run = train(
                model,
                Batches(encoded, size.batch_tokens, seed),
                Budget(tokens=tokens),
                step=train_step,
                rate=WarmupAndDecay(kind.peak or size.peak),
                optimizer=kind.optimizer,
                watchers=[watch],
                seed=seed,
            )
            print(f"    {run}; {time.perf_counter() - start:.0f} s with all scoring between")
            print(f"    at the end: {score()}", flush=True)


if __name__ == "__main__":
    main()
