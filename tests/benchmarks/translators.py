"""Translators of different kinds on the same sentences: `python -m tests.benchmarks.translators`.

Trains what `workbook.translator.comparison` compares, scores it more finely, with several seeds,
and records nothing. On the phrasebook: exact match on all sentences in which two words meet that
never met in training, on sentences held out at random by their length, on two sentences at once
(longer than any in training), and on both probes, greedily. On Tatoeba (`--corpus tatoeba`, where
it has been fetched): BLEU and chrF with their intervals, with a beam of 4, beside a copy of the
source.
"""

import argparse
from dataclasses import replace

from workbook.corpus import mixture, phrasebook
from workbook.device import describe_device, pick_device
from workbook.translator.comparison import KINDS, compare, exact, probed
from workbook.translator.making import learn_words, to_draw
from workbook.translator.presets import preset
from workbook.translator.scoring import scores
from workbook.translator.translation import Translator

LENGTHS = ((1, 4), (5, 7), (8, 10), (11, 99))  # English words, marks not counted


def finely(translator: Translator) -> dict[str, float]:
    """Exact match by kinds of sentences of the phrasebook, and its probes."""
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
    return found | probed(translator, "bank") | probed(translator, "it")


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.translators")
    parser.add_argument("--corpus", choices=("phrasebook", "tatoeba"), default="phrasebook")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--tokens", type=int, help="of training; the preset's if not given")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--also-at", type=float, nargs="*", default=[], help="shares of training")
    arguments = parser.parse_args()
    size = preset(arguments.preset)
    tokens = arguments.tokens or size.tokens
    corpus = mixture.gather(arguments.corpus, drawn=to_draw(tokens))
    print(f"{describe_device(pick_device())}; {corpus.about}; {tokens:,} target tokens")
    if corpus.name == "tatoeba":
        copied = scores([p.english for p in corpus.test], [p.spanish for p in corpus.test])
        print("a copy of the source:", *copied)
    learnt = learn_words(corpus.training, size.vocab_size)
    for seed in arguments.seeds:
        print(f"seed {seed}", flush=True)
        compare(
            corpus, learnt, size, tokens, arguments.kinds, seed,
            shares=(*arguments.also_at, 1.0),
            score=finely if corpus.name == "phrasebook" else None,
            say=lambda line: print("    " + line, flush=True),
        )  # fmt: skip


if __name__ == "__main__":
    main()
