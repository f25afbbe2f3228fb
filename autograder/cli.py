"""The command `autograder`: exit code 0 all right, 1 something failed its check, 2 bad usage or
input."""

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder.exercises import UnknownExercise, all_exercises, exercise
from autograder.grading.commands import CannotDo, add_to
from autograder.sandbox import WANTED, NoSandbox
from workbook.syllabus import LESSONS
from workbook.syllabus import lesson as find_lesson

OK, FAILED, BAD_INPUT = 0, 1, 2


class BadInput(Exception):
    """What was asked for can't be done; the message says what to do instead."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # inside a notebook it is no file
            stream.reconfigure(errors="replace")  # a terminal may know no ✓; that is no failure
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except (BadInput, CannotDo, NoSandbox) as error:
        print(f"autograder: {error}", file=sys.stderr)
        return BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autograder", description="Decides whether a piece is right."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("exercises", help="every exercise: lesson, signature, points")
    listing.add_argument("--json", action="store_true", help="print it as JSON")
    listing.set_defaults(run=_exercises)

    check = commands.add_parser("check", help="judge one implementation, or one lesson notebook")
    check.add_argument("what", nargs="+", metavar="EXERCISE FILE.py | NOTEBOOK.ipynb")
    check.add_argument("--json", action="store_true", help="print the verdict as JSON")
    check.add_argument(
        "--sandbox",
        choices=WANTED,
        help="where the code runs: in bubblewrap, or with your own rights (none); "
        "default: in bubblewrap where it works",
    )
    check.set_defaults(run=_check)

    doctor = commands.add_parser(
        "doctor", help="what protection this machine gives, attacked to prove it"
    )
    doctor.add_argument("--json", action="store_true", help="print it as JSON")
    doctor.add_argument("--sandbox", choices=WANTED, default="auto", help="which one to examine")
    doctor.set_defaults(run=_doctor)

    release = commands.add_parser(
        "release", help="solutions → lessons, and prove that nothing leaked"
    )
    release.add_argument(
        "lessons", nargs="*", metavar="LESSON", help="default: all that are written"
    )
    release.add_argument(
        "--keep-outputs",
        action="store_true",
        help="don't execute: keep the stored outputs (the lesson's code must not have changed)",
    )
    release.set_defaults(run=_release)
    add_to(commands)
    return parser


def _exercises(arguments: argparse.Namespace) -> int:
    rows = [
        {
            "exercise": each.name,
            "lesson": each.lesson.name,
            "signature": each.signature,
            "forward": each.forward_signature,
            "points": each.points,
            "misconceptions": len(each.misconceptions),
        }
        for each in all_exercises()
    ]
    if arguments.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return OK
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("lesson", no_wrap=True)
    table.add_column("points", justify="right")
    table.add_column("signature", overflow="fold")
    for row in rows:
        lines = [row["signature"], *([f"  {row['forward']}"] if row["forward"] else [])]
        table.add_row(row["lesson"], f"{row['points']:g}", "\n".join(lines))
    Console().print(table)
    return OK


def _check(arguments: argparse.Namespace) -> int:
    match arguments.what:
        case [notebook] if notebook.endswith(".ipynb"):
            return _check_notebook(Path(notebook), arguments.json, arguments.sandbox)
        case [name, file]:
            return _check_file(name, Path(file), arguments.json, arguments.sandbox)
    raise BadInput(
        "check takes an exercise and a Python file, or one lesson notebook:\n"
        "  autograder check softmax my_softmax.py\n"
        "  autograder check 02-dot-product-attention.ipynb"
    )


def _check_file(name: str, path: Path, as_json: bool, sandbox: str | None) -> int:
    from autograder.checks.panel import Panel
    from autograder.grading.judge import judge_file

    try:
        verdict = judge_file(exercise(name), path, sandbox=_sandbox(sandbox))
    except UnknownExercise as error:
        raise BadInput(f"{error}. `autograder exercises` lists them all.") from None
    except OSError as error:
        raise BadInput(_unreadable(path, error)) from None
    if as_json:
        print(json.dumps(verdict.as_json(), indent=2, ensure_ascii=False))
    else:
        print(Panel(verdict).text())
    return OK if verdict.passed else FAILED


def _check_notebook(path: Path, as_json: bool, sandbox: str | None) -> int:
    from autograder.checks.panel import Panel
    from autograder.grading.judge import judge_notebook
    from autograder.grading.reading import Unreadable, read_file
    from autograder.lessons.release import released_notebook, released_path
    from autograder.lessons.submission import rebuild

    try:
        submitted = read_file(path)
    except OSError as error:
        raise BadInput(_unreadable(path, error)) from None
    except Unreadable as error:
        raise BadInput(f"{path} {error}. Was it saved from JupyterLab as .ipynb?") from None
    lesson = _lesson_of_notebook(path)
    try:
        released = released_notebook(lesson)
    except OSError as error:
        raise BadInput(
            f"{lesson.name} can't be compared with what was released: "
            f"{_unreadable(released_path(lesson), error)}"
        ) from None
    rebuilt = rebuild(submitted, released)
    verdicts = judge_notebook(rebuilt.notebook, released, lesson, sandbox=_sandbox(sandbox))
    if as_json:
        rows = [verdict.as_json() for verdict in verdicts.values()]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for repair in rebuilt.repairs:
            print(f"· {repair}")
        for verdict in verdicts.values():
            print(Panel(verdict).text())
        score = sum(verdict.score for verdict in verdicts.values())
        print(f"{score:g} of {sum(v.max_score for v in verdicts.values()):g} points")
    return OK if all(verdict.passed for verdict in verdicts.values()) else FAILED


def _sandbox(wanted: str | None) -> str:
    """The one that was asked for. Without a word, the best there is: what is checked by hand is
    mostly one's own."""
    from autograder.sandbox import choose

    if wanted is not None:
        return wanted
    try:
        choose("auto")
    except NoSandbox:
        return "none"
    return "auto"


def _doctor(arguments: argparse.Namespace) -> int:
    from autograder.sandbox import choose
    from autograder.sandbox.doctor import examine

    found, trouble, name = [], "", None
    try:
        sandbox = choose(arguments.sandbox)
        name = sandbox.name
        if not arguments.json:
            print(f"Submissions run here in: {name}. Now it is attacked.", flush=True)
        for protection in examine(sandbox):
            found.append(protection)
            if not arguments.json:
                mark = "✓" if protection.held else "✗"
                print(f"  {mark} {protection.name}: {protection.seen}", flush=True)
    except NoSandbox as error:
        trouble = str(error)
    held = not trouble and all(protection.held for protection in found)
    if arguments.json:
        rows = [vars(protection) for protection in found]
        report = {"sandbox": name, "held": held, "trouble": trouble, "protections": rows}
        print(json.dumps(report, indent=2, ensure_ascii=False))
    elif trouble:
        print(f"✗ {trouble}")
    else:
        kept = sum(protection.held for protection in found)
        print(f"{kept} of {len(found)} protections held.")
    return OK if held else FAILED


def _lesson_of_notebook(path: Path):
    try:
        return find_lesson(path.stem)
    except KeyError:
        names = ", ".join(f"{lesson.name}.ipynb" for lesson in LESSONS)
        raise BadInput(
            f"{path.name} is not named as a lesson is, so it isn't clear which one it answers. "
            f"Name it one of {names}."
        ) from None


def _release(arguments: argparse.Namespace) -> int:
    from autograder.lessons.release import ReleaseError, release, written_lessons

    try:
        chosen = [find_lesson(name) for name in arguments.lessons] or written_lessons()
    except KeyError as error:
        raise BadInput(error.args[0]) from None
    try:
        for lesson in chosen:
            print(f"{lesson.name}: building …", flush=True)
            for line in release(lesson, execute=not arguments.keep_outputs):
                print(f"{lesson.name}: {line}", flush=True)
    except ReleaseError as error:
        print(f"autograder: {error}", file=sys.stderr)
        return FAILED
    return OK


def _unreadable(path: Path, error: OSError) -> str:
    if not path.exists():
        return f"there is no file {path}; is the name right, and is this the right folder?"
    return f"{path} can't be read: {error.strerror or error}"


if __name__ == "__main__":
    sys.exit(main())
