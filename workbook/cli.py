"""The command `workbook`: exit code 0 all right, 1 something is wrong, 2 bad usage or input."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from math import inf
from pathlib import Path

from workbook.syllabus import LESSONS
from workbook.typed_number import typed_number


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code, 130 after Ctrl-C."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # what a console lacks becomes a question mark
            stream.reconfigure(errors="replace")
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read the answers, `head` say, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="workbook", description="What a student has built so far, and what it can do."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    progress = commands.add_parser("progress", help="which pieces of the Transformer are yours")
    progress.add_argument("--json", action="store_true", help="print it as JSON")
    progress.set_defaults(run=_progress)
    fetch = commands.add_parser("fetch", help="bring sentences that don't ship with the course")
    fetch.add_argument("name", nargs="?", default="tatoeba", help="default: %(default)s")
    fetch.set_defaults(run=_fetch)
    make = commands.add_parser("translator", help="train a translator, or take the saved one")
    _choose_translator(make, size="by default small, or what makes most of --minutes")
    make.add_argument("--again", action="store_true", help="train anew, whatever is saved")
    make.add_argument(
        "--minutes",
        type=_positive,
        help="how long to train, instead of what the size asks; with a saved one, add --again",
    )
    make.set_defaults(run=_translator)
    about = "translate English sentences to Spanish"
    translate = commands.add_parser(
        "translate",
        help=about,
        description=f"{about[0].upper()}{about[1:]}, with the best translator that is saved. With "
        "nothing saved, it first fetches sentences (2.8 MB, unless --offline) and trains one: of "
        "size small, that takes some twenty minutes on two cores, less on more.",
    )
    translate.add_argument(
        "sentence",
        nargs="*",
        help="one in quotes, or several; words without quotes are one sentence; default: the lines "
        "of standard input, each answered when it has come",
    )
    _choose_translator(translate, size="by default the best that is saved, else small")
    translate.add_argument(
        "--beam", type=_beam, default=4, help="beginnings followed at once, 1 to 64; 1 is greedy"
    )
    translate.set_defaults(run=_translate)
    return parser


def _choose_translator(command: argparse.ArgumentParser, size: str) -> None:
    command.add_argument(
        "--preset", choices=("tiny", "small", "medium", "base"), help=f"its size; {size}"
    )
    command.add_argument(
        "--data",
        choices=("auto", "tatoeba", "phrasebook"),
        default="auto",
        help="what it is trained on; auto is Tatoeba where it is here or can be fetched",
    )
    command.add_argument("--offline", action="store_true", help="fetch nothing")
    command.add_argument("--mine", action="store_true", help="built of your pieces in toolbox/")
    command.add_argument("--json", action="store_true", help="print it as JSON")


_positive = typed_number(float, lambda number: 0 < number < inf, "a number of minutes above 0")
_beam = typed_number(int, lambda number: 1 <= number <= 64, "a number of beginnings, 1 to 64")


def _progress(arguments: argparse.Namespace) -> int:
    from workbook.progress import progress

    reached = progress()
    if arguments.json:
        print(json.dumps({piece: piece in reached.own for piece in reached.pieces}, indent=2))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, title_justify="left")
    for heading in ("lesson", "yours", "still to write"):
        table.add_column(heading, overflow="fold")
    for lesson in LESSONS:
        done = [f"✓ {piece}" for piece in lesson.pieces if piece in reached.own]
        open_ = ", ".join(piece for piece in lesson.pieces if piece not in reached.own)
        if lesson not in reached.released:
            open_ = "(not released yet)"
        table.add_row(f"{lesson.number:02d} {lesson.title}", "\n".join(done), open_)
    console = Console()
    console.print(table)
    console.print(f"\n{reached}.")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    from workbook.corpus import tatoeba
    from workbook.corpus.fetching import fetch
    from workbook.corpus.sources import source
    from workbook.download import CannotFetch

    try:
        chosen = source(arguments.name)
    except KeyError as error:
        return _failed(error.args[0], 2)
    try:
        path = _brought() or fetch(chosen)
        print(f"{len(tatoeba.load(path)):,} sentence pairs, {tatoeba.edition(path)}.")
    except (CannotFetch, ValueError, OSError) as error:
        return _failed(error)
    return 0


def _brought() -> Path | None:
    """The Tatoeba file where there is one already, in `WORKBOOK_DATA` or fetched; else None."""
    from workbook.corpus import tatoeba

    try:
        path = tatoeba.find()
    except tatoeba.NoTatoeba:
        if vain := tatoeba.looked_in_vain():
            print(f"{vain}.")
        return None
    print(f"tatoeba is here already: {path}")
    return path


def _translator(arguments: argparse.Namespace) -> int:
    from workbook.training import Budget

    # To the millisecond, so that minutes as they are shown are the same budget when typed again.
    budget = Budget(seconds=round(60 * arguments.minutes, 3)) if arguments.minutes else None
    try:
        with redirect_stdout(sys.stderr):
            made = _made(arguments, budget=budget, again=arguments.again)
    except _failures() as error:
        return _failed(error)
    own = _credit(made)
    if arguments.json:
        card = made.card
        told = {"preset": card.preset, "corpus": card.corpus, "share": card.share}
        told |= {"scores": list(card.scores), "expect": card.expect, "mine": own}
        print(json.dumps(told, ensure_ascii=False, indent=2))
    return 0 if made.card.share >= 1 else 1


def _translate(arguments: argparse.Namespace) -> int:
    try:
        with redirect_stdout(sys.stderr):
            translator = _saved(arguments)
            if translator is None:
                _say("No translator is saved yet, so one is trained first.")
                translator = _made(arguments)
                if translator.card.share < 1:
                    return 130
    except _failures() as error:
        return _failed(error)
    answers = []
    several = len(arguments.sentence) != 1
    for number, sentence in enumerate(_typed_sentences(arguments.sentence), 1):
        with redirect_stdout(sys.stderr):  # a student's own pieces may print
            answer = translator.translate(sentence, arguments.beam)
        answers.append(answer)
        if not arguments.json:
            # Of several a line for each, also where there is no answer: so they can be paired.
            if answer.answered or several:
                print(answer.text if answer.answered else "", flush=True)
            for note in answer.notes:
                _say(f"({number}: {note})" if several else f"({note})")
    if not answers:
        return _failed("there is nothing to translate; type an English sentence", 2)
    if arguments.json:
        rows = [
            {"source": a.source, "translation": a.text if a.answered else None, "notes": a.notes}
            for a in answers
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    _credit(translator)
    return 0 if all(answer.answered for answer in answers) else 2


def _typed_sentences(given: Sequence[str]) -> Iterator[str]:
    """What is to be translated, one after the other, as soon as it is there."""
    if len(given) > 1 and not any(" " in text for text in given):
        yield " ".join(given)
    elif given:
        yield from given
    else:
        if sys.stdin.isatty():
            _say("Type English sentences, one a line; an end of file (Ctrl-D) ends it.")
        for line in sys.stdin:
            yield line.rstrip("\n")


def _saved(arguments: argparse.Namespace):
    """A translator that has been saved, or None. A student's pieces take the course's weights where
    they have none of their own whose training was finished: names and shapes are the same."""
    from workbook.device import pick_device
    from workbook.translator.assembly import take
    from workbook.translator.saved import goes_on, is_finished, saved
    from workbook.translator.translation import Translator

    path = saved(arguments.preset, arguments.data, arguments.mine)
    if arguments.mine and (path is None or not is_finished(path)):
        lent = saved(arguments.preset, arguments.data)
        if lent is not None and (path is None or is_finished(lent)):
            _say("Your pieces, with the weights of the course's translator.")
            path = lent
    if path is None:
        return None
    translator = Translator.load(path, take(arguments.mine), pick_device())
    if translator.card.share < 1:
        _say(f"(Its training was interrupted at {translator.card.done}.)")
        if command := goes_on(path):
            _say(f"(To go on with it: {command})")
    return translator


def _made(arguments: argparse.Namespace, **more):
    from workbook.training.live_progress import live
    from workbook.translator.making import translator
    from workbook.translator.presets import preset, preset_for

    minutes = getattr(arguments, "minutes", None)
    return translator(
        preset(arguments.preset) if arguments.preset else preset_for(minutes),
        arguments.data,
        mine=arguments.mine,
        fetch=not arguments.offline,
        say=_say,
        watchers=[live()],
        **more,
    )


def _credit(translator) -> dict[str, bool] | None:
    """Say how many of the pieces at work are the student's, where they should be."""
    from workbook.translator.credits import credits, in_a_terminal

    if not translator.pieces.mine:
        return None
    counted = credits(in_a_terminal(trained=translator.card.mine))
    _say(str(counted))
    return counted.by_name()


def _failures() -> tuple[type[Exception], ...]:
    """What may go wrong outside of our code, each with a message that says what to do."""
    from workbook.download import CannotFetch
    from workbook.toolbox import BrokenPiece
    from workbook.training import Diverged

    return (CannotFetch, BrokenPiece, Diverged, ValueError, OSError)


def _say(line: str) -> None:
    """What happens goes to stderr, so that stdout holds the answers alone."""
    print(line, file=sys.stderr)


def _failed(problem: object, status: int = 1) -> int:
    print(problem, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
