"""The instructor's commands: `autograder grade`, `export` and `report`."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from workbook.syllabus import Lesson
from workbook.syllabus import lesson as find_lesson
from workbook.typed_number import typed_number

OK, FAILED = 0, 1
SANDBOXES = ("auto", "bubblewrap", "none")


class CannotDo(Exception):
    """What was asked for can't be done; the message says what to do instead."""


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the three commands to a parser's."""
    grade = commands.add_parser("grade", help="grade a class: submitted/ → gradebook; resumable")
    _lessons(grade)
    jobs = typed_number(int, lambda number: number >= 1, "a number of processes, 1 or more")
    grade.add_argument("--jobs", type=jobs, metavar="N", help="default: one a core")
    grade.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster's, tcp://…")
    grade.add_argument(
        "--sandbox", choices=SANDBOXES, default="auto", help="none gives up all protection"
    )
    grade.add_argument("--student", action="append", default=[], help="only this one; repeatable")
    grade.add_argument("--submitted", type=Path, metavar="FOLDER", help="default: submitted/")
    grade.add_argument("--again", action="store_true", help="judge anew what was judged before")
    grade.add_argument("--json", action="store_true", help="print the outcomes as JSON")
    grade.set_defaults(run=_reporting(_grade))

    export = commands.add_parser("export", help="the gradebook's grades, for an LMS")
    _lessons(export)
    export.add_argument("--format", choices=("csv", "canvas", "moodle"), default="csv")
    export.add_argument("--to", type=Path, metavar="FILE", help="default: standard output")
    export.add_argument(
        "--missing-as-zero",
        action="store_true",
        help="0 for who handed in nothing; default: no grade",
    )
    export.add_argument("--json", action="store_true", help="print the grades as JSON")
    export.set_defaults(run=_reporting(_export))

    report = commands.add_parser("report", help="which misconceptions the class has")
    _lessons(report)
    report.add_argument(
        "--to", type=Path, metavar="FOLDER", help="for report.html and report.csv; default: grading"
    )
    report.add_argument("--json", action="store_true", help="print the counts as JSON")
    report.set_defaults(run=_reporting(_report))


def _lessons(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "lessons", nargs="*", metavar="LESSON", help="default: those of grading.toml, or all"
    )


def _reporting(run):
    """The command, with every foreseen trouble as a sentence."""

    def command(arguments: argparse.Namespace) -> int:
        from autograder.grading.roster import BadRoster
        from autograder.grading.schedule import NoScheduler
        from autograder.grading.settings import BadSettings
        from autograder.sandbox import NoSandbox

        try:
            return run(arguments)
        except (BadSettings, BadRoster, NoScheduler, NoSandbox) as error:
            raise CannotDo(str(error)) from None

    return command


def _chosen(arguments: argparse.Namespace, settings) -> list[Lesson]:
    """The lessons that were asked for; else the settings'; else all that are released."""
    from autograder.lessons.release import released_path
    from workbook.syllabus import LESSONS

    try:
        asked = [find_lesson(name) for name in arguments.lessons]
    except KeyError as error:
        raise CannotDo(error.args[0]) from None
    asked = asked or list(settings.lessons or ())
    for lesson in asked:
        if not released_path(lesson).is_file():
            raise CannotDo(
                f"{lesson.name} was not released, so nothing can be compared with it: "
                f"autograder release {lesson.name}"
            )
    chosen = asked or [lesson for lesson in LESSONS if released_path(lesson).is_file()]
    if not chosen:
        raise CannotDo("no lesson has been released yet: autograder release")
    return chosen


# ---- grade -------------------------------------------------------------------------------------


def _grade(arguments: argparse.Namespace) -> int:
    from autograder.grading.quick_start import leave_out_address_grammars

    leave_out_address_grammars()
    from autograder.grading import schedule
    from autograder.grading.collecting import expected
    from autograder.grading.job import prepare
    from autograder.grading.settings import settings
    from autograder.grading.workers import deadline
    from autograder.sandbox import choose

    started = time.perf_counter()
    chosen = settings()
    lessons = _chosen(arguments, chosen)
    folder = _folder(arguments)
    seem = expected(folder, lessons)
    total = len(arguments.student) or sum(map(len, seem.values()))
    if arguments.scheduler:
        place = schedule.cluster(arguments.scheduler)
    else:
        choose(arguments.sandbox)
        most = max(lessons, key=lambda lesson: len(seem[lesson]))
        first = partial(prepare, most.name, chosen.limits, arguments.sandbox)
        place = schedule.here(arguments.jobs, deadline(chosen.limits), first)
    outcomes = []
    with place as (executor, at_once):
        # The workers start while this process imports what it needs.
        from autograder.grading.class_run import AlreadyGrading, ClassRun
        from autograder.grading.gradebook import CellsChanged

        run = ClassRun(executor, chosen, arguments.sandbox, at_once, arguments.again)
        try:
            with _Bar(total) as bar:
                for outcome in run.grade(folder, lessons, arguments.student):
                    outcomes.append(outcome)
                    bar.show(outcome)
        except (AlreadyGrading, CellsChanged) as error:
            raise CannotDo(str(error)) from None
        except KeyboardInterrupt:
            print(
                f"\nStopped. {len(outcomes)} submissions are in the gradebook; the same command "
                "goes on from here.",
                file=sys.stderr,
            )
            return 130
    seconds = time.perf_counter() - started
    if arguments.json:
        told = {
            "submissions": [asdict(outcome) for outcome in outcomes],
            "seconds": round(seconds, 3),
            "judging_seconds": round(run.tally.judging_seconds, 3),
            "spent": {name: round(value, 3) for name, value in run.tally.seconds.items()},
        }
        print(json.dumps(told, indent=2, ensure_ascii=False))
    _say_summary(outcomes, run.tally, seconds, chosen, lessons, arguments.student)
    return FAILED if any(outcome.status == "problem" for outcome in outcomes) else OK


def _folder(arguments: argparse.Namespace) -> Path:
    """Where the submissions are. Raises CannotDo where there are none."""
    from workbook.home import root

    folder = arguments.submitted or root() / "submitted"
    if not folder.is_dir():
        raise CannotDo(
            f"there is no folder {folder}. It holds STUDENT/LESSON/LESSON.ipynb for each "
            "submission; zips that `course.py submit` wrote may lie in it as they are."
        )
    if not any(folder.iterdir()):
        raise CannotDo(f"{folder} is empty: nobody has handed in anything.")
    return folder


class _Bar:
    """A progress bar on standard error, and above it a line for each submission."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._task = self._progress.add_task("grading", total=total)
        self._live = self._console.is_terminal

    def __enter__(self) -> "_Bar":
        if self._live:
            self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live:
            self._progress.stop()

    def show(self, outcome) -> None:
        """The line of one submission."""
        self._console.print(line(outcome), markup=False)
        self._progress.advance(self._task)


def line(outcome) -> str:
    """One submission in a line: who, what, how much, and what is to be said about it."""
    marks = {"graded": "✓", "unchanged": "=", "problem": "✗"}
    parts = [marks[outcome.status], outcome.student, outcome.lesson]
    if outcome.status != "problem":
        parts.append(f"{outcome.score:.4g}/{outcome.max_score:.4g}")
    notes = list(outcome.notes)
    if outcome.library:
        notes.append(f"calls torch's own function in {', '.join(outcome.library)}")
    if outcome.look:
        notes.append(f"worth a look: {'; '.join(outcome.look[:3])}")
    return "  ".join(filter(None, parts)) + ("".join(f" · {note}" for note in notes))


def _say_summary(
    outcomes: Sequence, tally, seconds: float, chosen, lessons, students: Sequence[str]
) -> None:
    from autograder.grading import roster
    from autograder.grading.grades import to_grade_by_hand

    by_status = tally.statuses
    say = [
        f"{len(outcomes)} submissions in {seconds:.0f} s: {by_status.get('graded', 0)} graded, "
        f"{by_status.get('unchanged', 0)} as they were, {by_status.get('problem', 0)} with a "
        "problem."
    ]
    for student in sorted(set(students) - {outcome.student for outcome in outcomes}):
        say.append(f"{student} has handed in nothing: is that the id that submitted/ has?")
    if chosen.roster is not None:
        everybody = roster.read(chosen.roster)
        if left_out := everybody.about_left_out():
            say.append(left_out)
        known = set(everybody.by_id())
        here = {outcome.student for outcome in outcomes} - {""}
        if strangers := sorted(here - known):
            say.append(f"Not on the roster: {', '.join(strangers)}.")
        for lesson in lessons:
            handed_in = {each.student for each in outcomes if each.lesson == lesson.name}
            wanted = known.intersection(students) if students else known
            if handed_in and (missing := sorted(wanted - handed_in)):
                say.append(f"{lesson.name}: nothing from {', '.join(missing)}.")
    for lesson in lessons:
        filed = [
            each for each in outcomes if each.lesson == lesson.name and each.status != "problem"
        ]
        if untimed := sum(each.untimed for each in filed):
            say.append(
                f"{lesson.name} has a deadline, but {untimed} of {len(filed)} submissions have no "
                "hand-in time and count as in time. It goes into timestamp.txt beside the notebook "
                "(2027-03-02 23:59:00 UTC); for downloads whose names carry it, see "
                "nbgrader_config.py."
            )
    waiting = to_grade_by_hand(lessons)
    if waiting:
        say.append(f"{waiting} written answers wait for a person: Formgrader, in `course.py lab`.")
    print("\n".join(say), file=sys.stderr)


# ---- export and report -------------------------------------------------------------------------


def _export(arguments: argparse.Namespace) -> int:
    from autograder.grading import export, penalties, roster
    from autograder.grading.grades import grades
    from autograder.grading.settings import settings
    from workbook.atomic import write_text

    chosen = settings()
    everybody = roster.read(chosen.roster) if chosen.roster else roster.Roster()
    people = everybody.by_id()
    lessons = _chosen(arguments, chosen)
    penalties.settle(lessons)
    table = grades(lessons)
    if not table.rows:
        raise CannotDo("the gradebook holds no grades yet: autograder grade")
    if arguments.missing_as_zero:
        table = table.missing_as_zero()
    if arguments.json:
        text = json.dumps(table.as_json(), indent=2, ensure_ascii=False) + "\n"
    else:
        text = export.FORMATS[arguments.format](table, people, chosen.columns)
    if arguments.to:
        write_text(arguments.to, text)
    else:
        sys.stdout.write(text)
    warnings = export.warnings(table, people, arguments.format)
    for lesson in lessons if arguments.lessons else ():
        if lesson.name not in table.most:
            warnings.append(f"{lesson.name}: nobody handed in anything, so it isn't here")
    for warning in filter(None, [*warnings, everybody.about_left_out()]):
        print(f"autograder: warning: {warning}", file=sys.stderr)
    return OK


def _report(arguments: argparse.Namespace) -> int:
    from autograder.grading import report
    from autograder.grading.settings import settings
    from workbook.atomic import write_text
    from workbook.home import grading_folder

    counted = report.count(_chosen(arguments, settings()))
    if not counted.submissions:
        raise CannotDo("nothing has been graded yet: autograder grade")
    if arguments.json:
        print(json.dumps(counted.as_json(), indent=2, ensure_ascii=False))
        return OK
    folder = arguments.to or grading_folder()
    for name, text in (("report.html", counted.html()), ("report.csv", counted.csv())):
        write_text(folder / name, text)
        print(folder / name)
    return OK
