"""The commands of course.py: each makes the environment ready and opens the door it names."""

import argparse
import getpass
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from workbook import syllabus
from workbook.bundle import CannotBundle, bundle
from workbook.handin import NothingToHandIn, hand_in
from workbook.setup import install, server
from workbook.setup.environment import Environment
from workbook.setup.failures import SetupFailure, explain_error
from workbook.setup.lessons import copy_lessons, last_edited, lesson_names
from workbook.setup.steps import Steps, spoken
from workbook.setup.turns import turn
from workbook.typed_number import typed_number

QUICK = "not slow and not browser and not notebook"
# Door -> the package whose command line takes the arguments, and the arguments put before them.
PASSED_ON: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "release": ("autograder", ("release",)),
    "grade": ("autograder", ("grade",)),
    "translator": ("workbook", ("translator",)),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def main(arguments: Sequence[str] | None, root: str) -> int:
    """Run one command of the course in `root`; the exit status.

    0 all right, 1 something failed, 2 a wrong use, 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console that lacks a letter shows a question mark
            stream.reconfigure(errors="replace")
    options, rest = _parser().parse_known_args(arguments)
    if rest and not options.takes_more:
        _parser().error(f"{options.command} doesn't know {' '.join(rest)}")
    course = Course(Path(root), options, rest)
    try:
        return options.door(course)
    except SetupFailure as failure:
        _tell(failure, course)
        return 1
    except (NothingToHandIn, CannotBundle) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        _tell(explain_error(options.command, error), course)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command takes up where it is needed.", file=sys.stderr)
        return 130


class Course:
    """The course in one folder, and what was asked of it."""

    def __init__(self, root: Path, options: argparse.Namespace, rest: Sequence[str]) -> None:
        self.root = root
        self.options = options
        self.rest = list(rest)
        self.environment = Environment(root)
        self.steps = Steps()

    @property
    def lessons(self) -> Path:
        return self.root / "lessons"

    @property
    def work(self) -> Path:
        return self.root / "work"

    def prepare(self, level: str) -> None:
        """Make the packages of a level ready, unless this Python was said to have them."""
        if self.options.here:
            return
        fresh = self.options.fresh
        if fresh or not self.environment.ready(level):
            self.steps.say("Setting up the course; later this takes a second.")
        try:
            install.prepare(self.environment, level, self.steps, fresh, self.options.adopt)
        except SetupFailure as failure:
            if not (failure.usable and failure.offline and level == "lab"):
                raise
            self.steps.say(
                "The packages can't be updated without a network; going on with the ones of your "
                "last set-up."
            )

    @property
    def python(self) -> Path:
        return Path(sys.executable) if self.options.here else self.environment.python

    @property
    def variables(self) -> dict[str, str]:
        variables = dict(os.environ) if self.options.here else self.environment.variables()
        # Otherwise a kernel that the user once installed for another Python may be started.
        variables["JUPYTER_PREFER_ENV_PATH"] = "1"
        settings = [str(server.SETTINGS), variables.get("JUPYTER_CONFIG_PATH", "")]
        variables["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, settings))
        return variables

    def run(self, *command: str, variables: Mapping[str, str] | None = None) -> int:
        """Run Python with these arguments in the course's folder, to its end."""
        sys.stdout.flush()
        done = subprocess.run(
            [str(self.python), *command], cwd=self.root, env=dict(variables or self.variables)
        )
        return done.returncode


def lab(course: Course) -> int:
    """Everything a student needs, and JupyterLab at the lesson they were in."""
    course.prepare("lab")
    _report_copies(course)
    course.run("-m", "workbook.doctor")
    if course.options.setup_only:
        return 0
    notebook = _notebook(course)
    port = server.free_port(course.options.port)
    if port != course.options.port:
        print(f"Port {course.options.port} is taken by another program; using {port}.")
    opening = notebook.parent.name if notebook else "an empty desk"
    print(f"Opening JupyterLab at {opening}. Its address appears below; Ctrl-C, then y, stops it.")
    command = server.lab_command(
        course.python, course.root, notebook, port, browser=not course.options.no_browser
    )
    return server.become(command, course.root, course.variables)


def test(course: Course) -> int:
    """The linter, then every test; further arguments go to pytest."""
    _note_missing_programs(course)
    return _tests(course, course.rest)


def check(course: Course) -> int:
    """The linter and the tests that take under three minutes; further arguments go to pytest."""
    return _tests(course, ["-m", QUICK, *course.rest])


def pass_on(course: Course) -> int:
    """Hand the arguments to the package that answers this door."""
    wants_help = bool({"-h", "--help"} & set(course.rest))
    if wants_help and not course.options.here and not course.environment.ready("lab"):
        print("Its own help is there once the course is set up: python3 course.py lab --setup-only")
        return 0
    course.prepare("lab")
    package, before = PASSED_ON[course.options.command]
    start = (
        f"import sys; from {package}.cli import main; sys.argv[0] = {package!r}; sys.exit(main())"
    )
    return course.run("-c", start, *before, *course.rest)


def submit(course: Course) -> int:
    """One file to hand in, and what isn't answered in it."""
    lesson = _lesson_to_submit(course)
    student = course.options.student or getpass.getuser()
    made = hand_in(lesson, student, course.work, course.lessons, course.options.to or course.root)
    age = spoken(max(0.0, time.time() - made.saved))
    print(f"{made.path}")
    print(f"holds {lesson} of {student}, as it was saved {age} ago. Hand in this file.")
    if made.unanswered:
        print(f"Not answered yet: {', '.join(made.unanswered)}.")
    if made.missing:
        print(f"Deleted from your copy, and worth nothing: {', '.join(made.missing)}.")
    return 0


def make_bundle(course: Course) -> int:
    """The students' zip."""
    target = course.options.output or course.root / "transformer-workbook.zip"
    made = bundle(course.root, target)
    print(f"{made.path} holds {made.count} files, and no solutions.")
    if made.untracked:
        print("Left out, because git doesn't track them: " + ", ".join(made.untracked))
    if made.beside:
        print("Left out, because they are no part of the course: " + ", ".join(made.beside))
    return 0


def _tests(course: Course, arguments: Sequence[str]) -> int:
    if not (course.root / "tests").is_dir():
        print("This copy of the course has no tests: it was made for students.", file=sys.stderr)
        return 2
    course.prepare("test")
    started = time.monotonic()
    variables = course.variables
    # Two test processes with all the cores each would wait for one another.
    threads = max(1, (os.cpu_count() or 2) // 2)
    variables.setdefault("OMP_NUM_THREADS", str(threads))
    linter = course.run("-m", "ruff", "check", ".", variables=variables)
    # Not reordered: in the folders' order whole lessons, which take minutes, come before many short
    # modules, and no process waits at the end for the other's lesson.
    spread = ["-n", "2", "--dist", "loadscope", "--no-loadscope-reorder"]
    tests = course.run(
        *("-m", "pytest", *spread, "--durations", "15"), *arguments, variables=variables
    )
    verdicts = f"linter {_verdict(linter)}, tests {_verdict(tests)}"
    print(f"{verdicts}; {spoken(time.monotonic() - started)} in all.")
    return 1 if linter or tests else 0


def _verdict(status: int) -> str:
    return "failed" if status else "passed"


def _note_missing_programs(course: Course) -> None:
    """Say which programs the tests would use and don't find; installing them is up to the user."""
    if not sys.platform.startswith("linux"):
        return
    missing = {
        "chromium": any(shutil.which(name) for name in BROWSERS),
        "bubblewrap": shutil.which("bwrap") is not None,
    }
    names = [name for name, found in missing.items() if not found]
    if names:
        course.steps.say(
            f"Not found: {' and '.join(names)}. What to do: sudo apt install {' '.join(names)}"
        )


def _report_copies(course: Course) -> None:
    with turn(course.root / ".setup.lock", course.steps.say):
        copies = copy_lessons(course.lessons, course.work)
    made = {name.split("/")[0] for name in copies.made}
    if made:
        print(f"Copied into work/: {', '.join(sorted(made))}")
    if copies.renewed:
        renewed = {name.split("/")[0] for name in copies.renewed}
        print(f"Renewed in work/, where you had changed nothing: {', '.join(sorted(renewed))}")
    for lesson in sorted({name.split("/")[0] for name in copies.outdated}):
        print(f"{lesson} was released anew; your copy stays as it is. To start it over, rename it.")


def _notebook(course: Course) -> Path | None:
    """The lesson asked for, else the one saved last, else the first."""
    names = lesson_names(course.work)
    if not names:
        return None
    if course.options.lesson:
        name = _named(course.options.lesson, course)
    else:
        name = last_edited(course.lessons, course.work) or names[0]
    return course.work / name / f"{name}.ipynb"


def _lesson_to_submit(course: Course) -> str:
    if course.options.lesson:
        return _named(course.options.lesson, course)
    name = last_edited(course.lessons, course.work)
    if name is None:
        raise NothingToHandIn(
            "no lesson in work/ has been worked on yet. `python3 course.py lab` opens the first "
            "one; save it there, then submit."
        )
    return name


def _named(asked: str, course: Course) -> str:
    """The lesson in work/ that is meant by `02`, `2` or its whole name."""
    names = lesson_names(course.work)
    try:
        name = syllabus.lesson(asked).name
        problem = f"work/ has no lesson {asked!r}"
    except KeyError:
        name, problem = None, f"{asked!r} is no lesson of the course"
    if name not in names:
        known = ", ".join(names) or "none yet: `python3 course.py lab` makes your copies"
        raise NothingToHandIn(f"{problem}. There are: {known}.")
    return name


def _tell(failure: SetupFailure, course: Course) -> None:
    """A failure as its user should read it; never a traceback."""
    print(f"\nThis stopped: {failure.problem}", file=sys.stderr)
    print(f"What to do: {failure.remedy}", file=sys.stderr)
    if failure.lines:
        place = course.environment.log
        print(f"The last lines of the log ({place}):", file=sys.stderr)
        for line in failure.lines:
            print(f"    {line}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="course.py", description="Write every piece of the Transformer yourself."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, door: Callable[[Course], int], text: str, **more: bool):
        command = commands.add_parser(
            name, help=text, description=text, add_help=name not in PASSED_ON, allow_abbrev=False
        )
        command.set_defaults(door=door, **{"takes_more": False, **more})
        return command

    def add_with_packages(name: str, door: Callable[[Course], int], text: str, **more: bool):
        command = add(name, door, text, **more)
        choice = command.add_mutually_exclusive_group()
        choice.add_argument("--fresh", action="store_true", help="make the environment anew")
        choice.add_argument(
            "--adopt", action="store_true", help="install into a .venv that was here before"
        )
        choice.add_argument(
            "--here",
            action="store_true",
            help="use the Python that runs this script and its packages (conda, containers)",
        )
        return command

    command = add_with_packages("lab", lab, "set everything up and open JupyterLab at your lesson")
    command.add_argument("lesson", nargs="?", help="02, or 02-dot-product-attention")
    port = typed_number(int, lambda number: 1 <= number <= 65535, "a port, 1 to 65535")
    command.add_argument("--port", type=port, default=server.PORT, help="default: %(default)s")
    command.add_argument("--no-browser", action="store_true", help="print the address only")
    command.add_argument("--setup-only", action="store_true", help="set up, and open nothing")
    add_with_packages(
        "test", test, "the linter and every test; further arguments go to pytest", takes_more=True
    )
    add_with_packages("check", check, "the tests that take under three minutes", takes_more=True)
    add_with_packages("release", pass_on, "make lessons/ from solutions/", takes_more=True)
    add_with_packages("grade", pass_on, "grade a class: submitted/ to gradebook", takes_more=True)
    add_with_packages("translator", pass_on, "train an English-Spanish translator", takes_more=True)
    command = add("submit", submit, "write one file to hand in")
    command.add_argument("lesson", nargs="?", help="default: the lesson you saved last")
    command.add_argument("--student", help="your student id; default: your login name")
    command.add_argument("--to", type=Path, help="the folder to write it in")
    command = add("bundle", make_bundle, "write the students' zip, without solutions")
    command.add_argument("--output", type=Path, help="default: transformer-workbook.zip")
    return parser
