"""Where translators are saved, which of them is taken, and what of a training is kept.

What a training has learnt is minutes or hours of somebody's time: it is given up where they say so,
and not because another training begins or ends.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from workbook.atomic import write_bytes
from workbook.corpus import tatoeba
from workbook.home import root
from workbook.one_at_a_time import one_at_a_time
from workbook.tensor_file import BrokenTensorFile, read_note
from workbook.training import Budget
from workbook.translator.presets import PRESETS
from workbook.translator.translation import Card, Translator, card_of, training_command


class TrainingKept(ValueError):
    """A training that was interrupted is kept, and another one would be in its place."""


class AlreadyTraining(ValueError):
    """Another process is training the same translator."""


def models_folder() -> Path:
    """Where translators are saved; not in git."""
    return root() / "models"


def saved_at(preset: str, corpus: str, mine: bool = False) -> Path:
    """The file of a translator."""
    return models_folder() / f"{preset}-{corpus}{'-mine' if mine else ''}.safetensors"


def checkpoint_of(path: Path) -> Path:
    """Where a training of the translator saved here keeps what it goes on from."""
    return path.with_name(f".{path.stem}.checkpoint.safetensors")


def saved(preset: str | None = None, choice: str = "auto", mine: bool = False) -> Path | None:
    """The best translator that has been saved: a finished one if there is any, else the one whose
    training came furthest; of equals Tatoeba before phrasebook, the higher BLEU, the largest
    preset. None where there is none. A damaged file is as good as none."""
    sizes = [preset] if preset else list(reversed(PRESETS))
    data = ["tatoeba", "phrasebook"] if choice == "auto" else [choice]
    ranks = {
        path: (card.share, name == "tatoeba", card.bleu)
        for name in data
        for size in sizes
        if (card := _card_at(path := saved_at(size, name, mine))) is not None
    }
    return max(ranks, key=ranks.__getitem__, default=None)


def is_finished(path: Path) -> bool:
    """Whether a translator is saved here whose training was done to its end."""
    card = _card_at(path)
    return card is not None and card.share >= 1


def goes_on(path: Path) -> str:
    """The command that goes on with the interrupted training of the translator saved here, an
    empty string where nothing is kept to go on from. Raises as `Translator.load`."""
    budget = _interrupted_budget(path)
    if budget is None:
        return ""
    card = card_of(path)
    return _command(card.preset, card.corpus, card.mine, budget)


def _command(preset: str, corpus: str, mine: bool, budget: Budget) -> str:
    command = training_command(preset, corpus, mine)
    if budget.seconds:
        command += f" --minutes {budget.seconds / 60:.9g}"
    return command


def _places(preset: str, choice: str, mine: bool) -> dict[str, Path]:
    """Where a translator may be saved that is as good as the one asked for, by the data it is
    trained on, the best first."""
    names = [choice]
    if choice == "auto":
        # One on the phrasebook will do where there are no better data to train on.
        names = ["tatoeba"] if _tatoeba_is_here() else ["tatoeba", "phrasebook"]
    return {name: saved_at(preset, name, mine) for name in names}


def to_reuse(
    preset: str, choice: str, mine: bool, budget: Budget, say: Callable[[str], None]
) -> Path | None:
    """The saved translator to take instead of training one, if any; only whole trainings count.
    None as well where one was being trained anew, on this budget, and was interrupted."""
    for path in _places(preset, choice, mine).values():
        if is_finished(path):
            return None if _interrupted_budget(path) == budget else path
        if path.exists() and _card_at(path) is None:
            say(
                f"{path} is damaged or of another version of the course; a new one takes its place."
            )
    return None


def to_go_on(preset: str, choice: str, mine: bool, budget: Budget | None) -> Budget | None:
    """The budget of the training that was interrupted, if any; else the one asked for. Raises
    TrainingKept where they differ."""
    for name, path in _places(preset, choice, mine).items():
        kept = _interrupted_budget(path)
        if kept is None:
            continue
        if budget not in (None, kept):
            raise TrainingKept(
                "What a training with another budget had learnt when it was interrupted is kept. "
                f"To go on with it: {_command(preset, name, mine, kept)}. To give it up and train "
                "for as long as you say, add --again."
            )
        return kept
    return budget


def alone(path: Path) -> AbstractContextManager[None]:
    """Two trainings of the translator saved here would write one checkpoint. Raises
    AlreadyTraining on the way in."""
    refusal = AlreadyTraining(
        f"another process is training {path} right now. Let it end, or end it, and run the same "
        "command again: it goes on from there."
    )
    return one_at_a_time(path.with_name(f".{path.stem}.lock"), refusal)


def _tatoeba_is_here() -> bool:
    try:
        tatoeba.find()
    except tatoeba.NoTatoeba:
        return False
    return True


def keep_unfinished(made: Translator, path: Path, say: Callable[[str], None]) -> None:
    """Save what an interrupted training came to, unless a translator is there that was trained
    further, or to its end."""
    there = _card_at(path)
    if there is not None and there.share > made.card.share:
        which = "finished" if there.share >= 1 else "further trained"
        say(f"The {which} translator {path} stays as it was.")
    else:
        made.save(path)
        say(f"What it has learnt is saved as {path}.")
    if command := goes_on(path):
        say(f"To go on with this training: {command}")
    else:
        say("It was stopped within a step, before anything was kept to go on from.")


def keep_better(path: Path, card: Card, say: Callable[[str], None]) -> None:
    """Put a finished translator that is better than its successor beside it, unless one that is
    better still has been put there before."""
    before = _card_at(path)
    if before is None or before.share < 1 or before.bleu <= card.bleu:
        return
    kept = path.with_name(f"{path.stem}.before{path.suffix}")
    older = _card_at(kept)
    if older is None or older.bleu <= before.bleu:
        write_bytes(kept, path.read_bytes())
        say(
            f"The translator that was here before is better ({before.scores[0]}) and is kept as "
            f"{kept}. To have it back, rename it to {path.name}."
        )


def _card_at(path: Path) -> Card | None:
    """The card of a translator; None where none is saved, or a damaged one."""
    try:
        return card_of(path)
    except (BrokenTensorFile, OSError):
        return None


def _interrupted_budget(path: Path) -> Budget | None:
    """Of the training of this translator that was interrupted; None where none was."""
    try:
        return Budget(**read_note(checkpoint_of(path))["settings"]["budget"])
    except (BrokenTensorFile, OSError, KeyError, TypeError, ValueError):
        return None
