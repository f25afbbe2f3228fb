"""A translator made, from the corpus to its scores, or taken from where it was saved."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from workbook.corpus import mixture
from workbook.corpus.mixture import Corpus
from workbook.corpus.pairs import SentencePair
from workbook.device import describe_device, pick_device
from workbook.tensor_file import BrokenTensorFile
from workbook.training import AnotherRun, Budget, Moment, Run, WarmupAndDecay, muon, train
from workbook.translator.assembly import Pieces, take
from workbook.translator.beginning import begin_aligned
from workbook.translator.presets import Preset
from workbook.translator.real_positions import real_positions_only
from workbook.translator.saved import (
    alone,
    checkpoint_of,
    keep_better,
    keep_unfinished,
    models_folder,
    saved_at,
    to_go_on,
    to_reuse,
)
from workbook.translator.scoring import Score, scores
from workbook.translator.sentence_case import SentenceCase
from workbook.translator.text import Batches, SubwordTokenizer
from workbook.translator.translation import Card, Translator, words_of
from workbook.translator.vocabulary_loss import train_step

MAX_LENGTH = 256  # positions of a sentence, in the model's table
_LONGEST = 100  # sub-words of a sentence that is trained on
_TOKENS_A_DRAW = 12  # a longer training chooses among more sentences of the phrasebook
_MOST_DRAWN = 600_000  # two cores write them in one minute or two
_FASTEST = 10_000  # target tokens that `small` reads a second, on a processor with many cores
_SCORED = 500  # test sentences for the figure that is shown after training


def translator(
    preset: Preset,
    choice: str = "auto",
    mine: bool = False,
    again: bool = False,
    fetch: bool = True,
    budget: Budget | None = None,
    say: Callable[[str], None] = print,
    watchers: Sequence[Callable[[Moment], None]] = (),
    seed: int = 0,
) -> Translator:
    """A translator of this size: the saved one, or a new one, trained and saved.

    It says which data it trains on, how long and what to expect. An interrupted training keeps
    what was learnt, and the next call without `again` goes on with it. A finished translator stays
    until another one is finished, and beside that one if it was better.

    Args:
        choice: of data, as `mixture.gather` has it.
        mine: of the student's own pieces.
        again: train anew, whatever there is.
        fetch: whether Tatoeba may be fetched.
        budget: instead of the preset's, or of that of the training that was interrupted.
        say: is told what happens, a sentence at a time.
        watchers: of the training, as `train` has them.

    Raises TrainingKept where one with another budget was interrupted, and `again` isn't asked for,
    AlreadyTraining, what `mixture.gather` raises, `toolbox.BrokenPiece`, `Diverged`, and OSError.
    """
    pieces = take(mine)
    device = pick_device()
    if not again:
        path = to_reuse(preset.name, choice, mine, budget or preset.budget, say)
        if path is not None:
            say(f"Using the translator saved as {path}.")
            if budget is not None:
                say(
                    "It isn't trained any further; to train one anew for as long as you say, "
                    "add --again."
                )
            kept = Translator.load(path, pieces, device)
            _describe(kept.card, say)
            return kept
        budget = to_go_on(preset.name, choice, mine, budget)
    budget = budget or preset.budget
    # What can't be written is better known before the training than after it.
    models_folder().mkdir(parents=True, exist_ok=True)
    read = _tokens_read(budget, preset, device)
    corpus = mixture.gather(choice, fetch, say, drawn=to_draw(read))
    say(f"Training the translator {preset.name!r} on {corpus.about}.")
    say(f"What to expect: {corpus.expect}")
    asked = f"Time: {budget.seconds / 60:g} min, as asked for" if budget.seconds else ""
    say(f"{asked or f'Size: {preset.about}'}. Here: {describe_device(device)}.")
    path = saved_at(preset.name, corpus.name, mine)
    with alone(path):
        made, run = train_translator(
            preset, corpus, pieces, device, budget, say, watchers, again, seed
        )
        say(f"Training {run}.")
        if run.finished:
            say("Scoring it on sentences that it hasn't seen.")
            reached = evaluate(made, _spread(corpus.test, _SCORED))
            made.card = replace(
                made.card,
                scores=tuple(str(score) for score in reached),
                bleu=reached[0].value,
                expect=expectation(corpus, reached[0].value),
            )
            keep_better(path, made.card, say)
            made.save(path)
            checkpoint_of(path).unlink(missing_ok=True)
            say(f"Saved as {path}.")
        else:
            made.card = replace(made.card, expect=expectation(corpus, None))
            keep_unfinished(made, path, say)
    _describe(made.card, say)
    return made


def to_draw(tokens: int) -> int:
    """How many sentences the phrasebook's grammar writes for a training of so many tokens."""
    return min(tokens // _TOKENS_A_DRAW, _MOST_DRAWN)


def _tokens_read(budget: Budget, preset: Preset, device: torch.device) -> int:
    """How many tokens a training reads, or at the most so many: whoever gives a minute shouldn't
    wait two for sentences that are never read."""
    if budget.tokens is not None:
        return budget.tokens
    if budget.seconds is not None and device.type == "cpu":
        return int(budget.seconds * _FASTEST)
    return preset.tokens


def train_translator(
    preset: Preset,
    corpus: Corpus,
    pieces: Pieces,
    device: torch.device,
    budget: Budget,
    say: Callable[[str], None] = print,
    watchers: Sequence[Callable[[Moment], None]] = (),
    again: bool = False,
    seed: int = 0,
) -> tuple[Translator, Run]:
    """Tokenizer, model and training of a translator on a corpus; nothing but the checkpoint is
    saved, from which a killed training goes on."""
    say("Learning its sub-words, and which words are translations of each other.")
    case, tokenizer = learn_words(corpus.training, preset.vocab_size)
    encoded = encoded_pairs(case, tokenizer, corpus.training)
    batches = Batches(encoded, preset.batch_tokens, seed)
    shape = {
        "source_vocab": len(tokenizer),
        "target_vocab": len(tokenizer),
        "d_model": preset.d_model,
        "num_heads": preset.num_heads,
        "num_layers": preset.num_layers,
        "d_ff": preset.d_ff,
        "dropout": preset.dropout,
        "share_embeddings": True,
        "pad_id": tokenizer.pad_id,
        "max_length": MAX_LENGTH,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = pieces.Transformer(**shape)
    begin_aligned(model, encoded)
    model.to(device)
    checkpoint = checkpoint_of(saved_at(preset.name, corpus.name, pieces.mine))
    if again:
        checkpoint.unlink(missing_ok=True)
    taken_up = checkpoint.exists()

    def tell(moment: Moment) -> None:
        # After the first step, not before: only then is it sure that the checkpoint fits.
        nonlocal taken_up
        if taken_up:
            say("Going on with a training that was interrupted.")
            taken_up = False

    def go() -> Run:
        return train(
            model,
            batches,
            budget,
            # The course's step has a faster twin; a student's own is taken as it is.
            step=real_positions_only(pieces.train_step) if pieces.mine else train_step,
            rate=WarmupAndDecay(preset.peak),
            optimizer=muon,
            watchers=[tell, *watchers],
            checkpoint=checkpoint,
            seed=seed,
            # Another tokenizer gives other ids: what was learnt of the old ones is no use then.
            name=f"{preset} on {corpus.digest} in sub-words {tokenizer.digest}",
        )

    try:
        run = go()
    except (AnotherRun, BrokenTensorFile) as error:
        why = (
            "the training that was interrupted had another budget, other sentences, other "
            "sub-words or another model"
            if isinstance(error, AnotherRun)
            else "what was kept of an interrupted training is damaged"
        )
        say(f"Beginning anew: {why}.")
        checkpoint.unlink(missing_ok=True)
        taken_up = False
        run = go()
    lengths = sorted(len(pair.english.split()) for pair in corpus.training)
    card = Card(
        preset=preset.name,
        corpus=corpus.name,
        about=corpus.about,
        expect=corpus.expect,
        shape=shape,
        words=words_of(pair.english for pair in corpus.training),
        longest=max(4, lengths[int(0.999 * (len(lengths) - 1))]),
        share=run.last.share,
        mine=pieces.mine,
    )
    return Translator(model, tokenizer, case, card, pieces), run


def learn_words(
    pairs: Sequence[SentencePair], vocab_size: int
) -> tuple[SentenceCase, SubwordTokenizer]:
    """What turns sentences of these pairs, of either language, into ids."""
    case = SentenceCase.learn(sentence for pair in pairs for sentence in pair)
    lowered = [case.lowered(sentence) for pair in pairs for sentence in pair]
    return case, SubwordTokenizer.train(lowered, vocab_size)


def encoded_pairs(
    case: SentenceCase, tokenizer: SubwordTokenizer, pairs: Sequence[SentencePair]
) -> list[tuple[list[int], list[int]]]:
    """Ids of both sides, without special tokens; without the few pairs that are very long."""
    english = tokenizer.encode_all(case.lowered(pair.english) for pair in pairs)
    spanish = tokenizer.encode_all(case.lowered(pair.spanish) for pair in pairs)
    both = zip(english, spanish, strict=True)
    return [pair for pair in both if max(map(len, pair)) < _LONGEST]


def evaluate(
    translator: Translator, pairs: Sequence[SentencePair], beam_size: int = 4
) -> tuple[Score, Score]:
    """BLEU and chrF on pairs, each with its 95 % interval."""
    written = translator.translate_all([pair.english for pair in pairs], beam_size)
    return scores(written, [pair.spanish for pair in pairs])


def expectation(corpus: Corpus, bleu: float | None) -> str:
    """What to expect of a translator that reached this BLEU on the corpus's test; None for one
    whose training was interrupted, and which wasn't scored."""
    if bleu is None:
        return f"Less than this, which a whole training gives: {corpus.expect}"
    if bleu >= corpus.trained:
        return corpus.expect
    return (
        "Little: it was trained too briefly, and most sentences still come out wrong. Trained for "
        f"longer: {corpus.expect}"
    )


def _spread(pairs: Sequence[SentencePair], most: int) -> list[SentencePair]:
    """At most so many of the pairs, from all over: Tatoeba's stand in order of length."""
    count = min(most, len(pairs))
    return [pairs[number * len(pairs) // count] for number in range(count)]


def _describe(card: Card, say: Callable[[str], None]) -> None:
    say(f"It was trained on {card.about}.")
    if card.share < 1:
        say(f"Its training was interrupted at {card.done}.")
    if card.scores:
        say(f"On sentences it hasn't seen: {', '.join(card.scores)} (95 % intervals).")
    say(f"What to expect: {card.expect}")
