"""Makes `.venv` ready: once, again where the lock files have changed, anew where it is broken.

1. Ready for the lock files that are here now: nothing to do.
2. No `.venv`, or one of ours that was interrupted or whose Python is gone: it is made anew.
3. Ready for other lock files, or in another place: the difference is installed.
4. Somebody else's `.venv`: it is never deleted, and installed into only when asked to (`adopt`).
"""

import os
import platform
import re
import shutil
import sys

from workbook.setup import machine
from workbook.setup.environment import Environment, State, pins, version_of
from workbook.setup.failures import SetupFailure, explain, explain_error
from workbook.setup.steps import Step, Steps
from workbook.setup.turns import turn

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
_PIP_SOURCE = re.compile(r"(^|[.:])(index-url|extra-index-url|find-links|no-index)=")
_COLLECTING = re.compile(r"^Collecting ([A-Za-z0-9._-]+)")
_DOWNLOADING = re.compile(r"^\s*Downloading (\S+?)-\S+ \((.+)\)")


def base_python() -> str:
    """The interpreter that environments are made from, even when this one runs inside `.venv`."""
    return getattr(sys, "_base_executable", None) or sys.executable


def prepare(
    environment: Environment, level: str, steps: Steps, fresh: bool = False, adopt: bool = False
) -> None:
    """Make the environment ready for `level` ("lab" or "test"); quick where it is ready already.

    `fresh` makes it anew in any case; `adopt` allows to install into a `.venv` that was there
    before the course, which may change the versions of packages in it.

    Raises SetupFailure, with `usable` set where an update failed that left the packages of the
    last set-up as they were.
    """
    if not fresh and environment.ready(level):
        return
    try:
        with turn(environment.root / ".setup.lock", steps.say) as handed_on:
            steps.handed_on = handed_on
            # Whoever had the turn before may have done the work.
            if fresh or not environment.ready(level):
                _set_up(environment, level, steps, fresh, adopt)
    except OSError as error:
        raise explain_error("setting up", error) from error


def _set_up(environment: Environment, level: str, steps: Steps, fresh: bool, adopt: bool) -> None:
    before = environment.state()
    keys = {level: environment.key(level), "lab": environment.key("lab")}
    ours = not _has_content(environment) or (before is not None and before.made_here)
    anew = ours and (fresh or before is None or not environment.whole(before))
    if anew:
        _make(environment, steps)
    elif fresh:
        raise _not_ours("wasn't made by this course, so it isn't deleted.")
    elif before is None and not adopt:
        raise _not_ours(
            "wasn't made by this course, so nothing is installed into it.",
            "To install into it after all, add --adopt; to use its packages as they are, run "
            "this script with its Python and --here.",
        )
    elif not _supported(version_of(environment.python)):
        raise _not_ours("has no Python 3.11 or newer that starts.")
    elif before is not None and before.root != str(environment.root):
        _move_scripts(environment, before.root)

    steps.log = environment.log
    root = str(environment.root)
    environment.write_state(State("installing", ours, root))
    packages = _Packages(environment, steps)
    try:
        packages.install(level)
    except SetupFailure as failure:
        if before is not None and not anew and not packages.changed:
            environment.write_state(before)
            failure.usable = before.status == "ready"
        raise
    version = version_of(environment.python) or ""
    environment.write_state(State("ready", ours, root, version, keys))


def _supported(version: str | None) -> bool:
    return version is not None and tuple(map(int, version.split("."))) >= (3, 11)


def _has_content(environment: Environment) -> bool:
    """Whether anything is in `.venv` beside what we keep there to know its state."""
    ours = (environment.state_file, environment.state_draft)
    folder = environment.folder
    return folder.exists() and any(path not in ours for path in folder.iterdir())


def _not_ours(problem: str, otherwise: str = "") -> SetupFailure:
    remedy = f"rename or delete it and run the same command again. {otherwise}".strip()
    return SetupFailure(f"the folder .venv {problem}", remedy)


def _make(environment: Environment, steps: Steps) -> None:
    """Make `.venv` from nothing, deleting what an earlier set-up of ours left there."""
    machine.require_environment_makers()
    machine.require_supported_machine()
    machine.require_room(environment.root, machine.room_needed())
    environment.folder.mkdir(exist_ok=True)
    # Before the first file goes, and kept until the last is in: whoever finds a half-cleared or
    # half-made folder has to know that it is ours.
    environment.write_state(State("installing", True, str(environment.root)))
    if _has_content(environment):
        with steps.step("Clearing away an earlier or interrupted set-up"):
            _empty(environment)
    steps.log = environment.log
    with steps.step(f"Making .venv with Python {platform.python_version()}"):
        command = [base_python(), "-I", "-m", "venv", str(environment.folder)]
        status, lines = steps.run(command, environment.variables())
    if status != 0:
        raise explain("making .venv", lines)


def _empty(environment: Environment) -> None:
    # The folder itself stays: it may be a link to a larger disk.
    for path in environment.folder.iterdir():
        if path == environment.state_file:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _move_scripts(environment: Environment, old_root: str) -> None:
    """Point the scripts of an environment that was moved or copied at its new place.

    Needed to work without a network after a move. Windows' launchers are programs and stay as
    they are; the course itself starts everything through Python.
    """
    old = f"{old_root}{os.sep}.venv{os.sep}".encode()
    new = f"{environment.folder}{os.sep}".encode()
    for script in environment.scripts.iterdir():
        if not script.is_file() or script.is_symlink():
            continue
        content = script.read_bytes()
        if content.startswith(b"#!") and old in content:
            temporary = script.with_name(script.name + ".new")
            temporary.write_bytes(content.replace(old, new))
            shutil.copymode(script, temporary)
            os.replace(temporary, script)


class _Packages:
    """pip, in an environment. `changed` tells whether it has begun to write there."""

    def __init__(self, environment: Environment, steps: Steps) -> None:
        self.environment = environment
        self.steps = steps
        self.changed = False
        self.variables = {
            **environment.variables(),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_USER": "0",  # a `user = true` in somebody's pip.conf is refused in an environment
        }

    def install(self, level: str) -> None:
        lock = self.environment.lock(level)
        if self._wants_cpu_build():
            torch = f"torch=={pins(lock)['torch']}"
            title = "Installing PyTorch for the CPU (about 200 MB to fetch)"
            self._pip(title, ["--no-deps", "--extra-index-url", CPU_INDEX, torch])
        count = len(pins(lock))
        self._pip(f"Installing {count} packages", ["--only-binary=:all:", "-r", str(lock)], count)
        course = ["--no-deps", "--no-build-isolation", "--ignore-requires-python"]
        self._pip("Installing the course", [*course, "-e", str(self.environment.root)])

    def _pip(self, title: str, arguments: list[str], count: int = 0) -> None:
        command = [str(self.environment.python), "-I", "-m", "pip", "install"]
        found = 0
        with self.steps.step(title) as step:

            def watch(line: str) -> None:
                nonlocal found
                self.changed = self.changed or line.startswith("Installing collected packages")
                found += bool(_COLLECTING.match(line))
                _describe(step, line, f"{found} of {count}" if count else "")

            status, lines = self.steps.run(
                [*command, "--progress-bar", "off", *arguments], self.variables, watch
            )
            if status != 0:
                raise explain(title[0].lower() + title[1:], lines)

    def _wants_cpu_build(self) -> bool:
        """Whether PyTorch's public index may be added, to spare a laptop gigabytes of CUDA."""
        if not sys.platform.startswith("linux") or machine.has_nvidia_driver():
            return False
        command = [str(self.environment.python), "-I", "-m", "pip", "config", "list"]
        _, lines = self.steps.run(command, self.variables)
        return not any(_PIP_SOURCE.search(line) for line in lines)


def _describe(step: Step, line: str, place: str) -> None:
    """Say in a step's note what a line of pip's output means."""
    if match := _DOWNLOADING.match(line):
        step.note = f"{place} fetching {match[1]}, {match[2]}".strip()
    elif match := _COLLECTING.match(line):
        step.note = f"{place} {match[1]}".strip()
    elif line.startswith("Installing collected packages"):
        step.note = "unpacking"
    elif "Retrying (Retry(" in line:
        step.note = "the network doesn't answer, trying again"
