"""Translators of different kinds on the same sentences: `python -m tests.benchmarks.translators`.

On the phrasebook: exact match on sentences in which two words meet that never met in training, on
sentences held out at random by their length, on two sentences at once (longer than any in
training), and on both probes, greedily. On Tatoeba (`--corpus tatoeba`, where it has been fetched):
BLEU and chrF with their intervals, with a beam of 4, beside a copy of the source.

All models have about as many parameters, the same tokenizer, batches, loss, tokens of training and
schedule. The recurrent ones are trained by AdamW, as nearly everybody trains them; the Transformer
by Muon, as we do, and by AdamW. "transformer, aligned" begins where the course's translator does.
"""

import argparse
import time
from dataclasses import replace

from workbook.corpus import mixture, phrasebook
from workbook.device import describe_device, pick_device
from workbook.training import Budget, WarmupAndDecay, train
from workbook.translator.assembly import take
from workbook.translator.comparison import KINDS, Watch, count, exact, probed
from workbook.translator.making import (
    MAX_LENGTH,
    encoded_pairs,
    evaluate,
    learn_words,
    to_draw,
)
from workbook.translator.presets import preset
from workbook.translator.recurrent import RecurrentTranslator
from workbook.translator.scoring import scores
from workbook.translator.text import Batches
from workbook.translator.translation import Card, Translator, words_of
from workbook.translator.vocabulary_loss import train_step

LENGTHS = ((1, 4), (5, 7), (8, 10), (11, 99))  # English words, marks not counted


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
        found |= probed(translator, name)
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
    corpus = mixture.gather(arguments.corpus, drawn=to_draw(tokens))
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
            model = kind.made(encoded, len(tokenizer), size, seed).to(device)
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

            def tell(tokens: int, score=score) -> None:
                print(f"    {tokens:>10,} tokens: {score()}", flush=True)

            watch, start = Watch(arguments.also_at, tell), time.perf_counter()
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
