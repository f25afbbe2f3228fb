"""What protection this machine gives: each protection is attacked from inside, for real.

A claim holds if the attack failed, as seen from out here: a file that wasn't there, a connection
that never came, a process that is still alive.
"""

import contextlib
import inspect
import json
import os
import secrets
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder.channel.absent import absent_modules
from autograder.channel.limits import Limits
from autograder.channel.piece import PieceLost
from autograder.channel.process import Process
from autograder.sandbox.choice import Sandbox
from autograder.sandbox.view import packages
from autograder.sandbox.warm import WarmParent
from workbook.home import grading_folder, root, solutions_folder
from workbook.syllabus import lesson

_LESSON = lesson(2)
_TIGHT = Limits(
    request_seconds=20.0,
    cell_seconds=20.0,
    memory_bytes=256 * 2**20,
    disk_bytes=16 * 2**20,
    processes=24,
    output_bytes=2**20,
)
_ANSWER = "ANSWER "


@dataclass(frozen=True)
class Protection:
    """One thing that is protected; whether it was, when it was attacked; and what was seen."""

    name: str
    held: bool
    seen: str


Outcome = tuple[bool, str]  # whether a protection held, and what was seen


class _Inside:
    """A submission's place, to try things in."""

    def __init__(self, parent: WarmParent) -> None:
        self.parent = parent

    @contextlib.contextmanager
    def process(self, limits: Limits = _TIGHT) -> Iterator[Process]:
        with Process(_LESSON, limits, True, start=lambda: self.parent.fork(limits)) as process:
            yield process

    def ask(self, attempt: str, *arguments: Any) -> Any:
        """What an attempt returned, in a worker of its own."""
        with self.process() as process:
            return _try(process, attempt, *arguments)


def _try(process: Process, attempt: str, *arguments: Any) -> Any:
    code = (
        "import json\nfrom autograder.sandbox import attempts\n"
        f"print({_ANSWER!r} + json.dumps(attempts.{attempt}(*{arguments!r})), flush=True)"
    )
    error = process.run(code, "attempt")
    if error is not None:
        return f"{error['type']}: {error['message']}"
    lines = [line for line in process.output.splitlines() if line.startswith(_ANSWER)]
    return json.loads(lines[-1].removeprefix(_ANSWER)) if lines else "no answer"


def examine(sandbox: Sandbox) -> Iterator[Protection]:
    """Attack every protection, one after the other. Raises NoSandbox where nothing can be run."""
    parent = WarmParent(sandbox, _LESSON, _TIGHT.start_seconds)
    try:
        inside = _Inside(parent)
        for attack in _ATTACKS:
            try:
                held, seen = attack(inside)
            except PieceLost as lost:
                held, seen = False, f"the attack could not be tried: {lost.message}"
            yield Protection(inspect.cleandoc(attack.__doc__ or ""), held, seen)
    finally:
        parent.close()


def _nothing(got: Any, seen: str) -> Outcome:
    """Held if the attempt came back empty-handed."""
    return got == [], seen if got == [] else f"got {str(got)[:200]}"


def _your_files(inside: _Inside) -> Outcome:
    """your files can't be read"""
    secret = secrets.token_hex(16)
    with contextlib.ExitStack() as stack:
        paths = []
        for folder in (tempfile.gettempdir(), str(Path.home()), str(root())):
            with contextlib.suppress(OSError):
                file = stack.enter_context(tempfile.NamedTemporaryFile("w", dir=folder))
                file.write(secret)
                file.flush()
                paths.append(file.name)
        found = [text for text in inside.ask("read_files", paths) if secret in text]
        seen = f"{len(paths)} files in your folders were not there"
    return _nothing(found, seen)


def _answers(inside: _Inside) -> Outcome:
    """exercises, solutions and submissions are out of sight"""
    folders = [str(packages() / "autograder" / name) for name in ("exercises", "checks", "grading")]
    folders += [str(solutions_folder()), str(root() / "submitted"), str(grading_folder())]
    found = inside.ask("list_folders", folders)
    found += inside.ask("import_modules", absent_modules(_LESSON))
    return _nothing(found, "none of their folders is there, and nothing could be imported")


def _writing(inside: _Inside) -> Outcome:
    """nothing outside its folder can be written"""
    name = f"written-{secrets.token_hex(4)}"
    folders = ["/", "/usr", "/usr/bin", "/etc", "/dev", sys.prefix, str(packages() / "workbook")]
    folders += [str(packages() / "autograder"), str(Path.home()), str(root())]
    written = inside.ask("write_files", [f"{folder}/{name}" for folder in folders])
    for path in written:
        with contextlib.suppress(OSError):
            Path(path).unlink()
    seen = f"{len(folders)} places refused a file"
    return _nothing(written, seen)


def _network(inside: _Inside) -> Outcome:
    """no network, your machine's own neither"""
    name = f"doctor-{secrets.token_hex(8)}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as named:
        with contextlib.suppress(OSError):  # abstract names are Linux's
            named.bind(f"\0{name}")
            named.listen()
        reached = inside.ask("connect", server.getsockname()[1], name)
    return _nothing(reached, "no connection arrived")


def _processes(inside: _Inside) -> Outcome:
    """your processes can't be reached"""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as sleeper:
        reached = inside.ask("kill", [sleeper.pid])
        with contextlib.suppress(subprocess.TimeoutExpired):
            sleeper.wait(0.2)
        alive = sleeper.poll() is None
        sleeper.kill()
    found = [] if alive and not reached else [sleeper.pid]
    return _nothing(found, "a process of yours lives on")


def _environment(inside: _Inside) -> Outcome:
    """your environment isn't told"""
    secret = secrets.token_hex(16)
    os.environ["AUTOGRADER_DOCTOR"] = secret
    try:
        parent = WarmParent(inside.parent.sandbox, _LESSON, _TIGHT.start_seconds)
        try:
            texts = _Inside(parent).ask("surroundings")
        finally:
            parent.close()
    finally:
        del os.environ["AUTOGRADER_DOCTOR"]
    found = [text for text in texts if secret in text]
    return _nothing(found, "a variable of yours was nowhere")


def _number_of_processes(inside: _Inside) -> Outcome:
    """processes are bounded"""
    most = _TIGHT.processes
    started = inside.ask("fork_many", 4 * most)
    held = isinstance(started, int) and started <= most
    return held, f"{started} started, at most {most} may"


def _memory(inside: _Inside) -> Outcome:
    """memory is bounded"""
    most = _TIGHT.memory_bytes
    taken = inside.ask("take_memory", 2 * most)
    held = isinstance(taken, int) and taken <= most
    megabytes = f"{taken // 2**20}" if isinstance(taken, int) else str(taken)
    return held, f"{megabytes} MB of {most // 2**20}"


def _memory_together(inside: _Inside) -> Outcome:
    """memory is bounded for all its processes together"""
    with inside.process() as process:
        try:
            _try(process, "take_memory_together", 2 * _TIGHT.memory_bytes, 8)
        except PieceLost as lost:
            return lost.cause == "memory", lost.message
    return False, "eight processes took twice what they may"


def _disk(inside: _Inside) -> Outcome:
    """disk space is bounded"""
    most = _TIGHT.disk_bytes
    taken = inside.ask("take_disk", 4 * most)
    held = isinstance(taken, int) and taken <= most
    return held, f"{taken} bytes of {most}"


def _time(inside: _Inside) -> Outcome:
    """time is bounded"""
    with inside.process(replace(_TIGHT, cell_seconds=1.0)) as process:
        try:
            process.run("while True: pass", "attempt")
        except PieceLost as lost:
            return lost.cause == "time", lost.message
    return False, "an endless loop ended"


def _output(inside: _Inside) -> Outcome:
    """output is bounded"""
    with inside.process() as process:
        try:
            process.run("for _ in range(10_000): print('x' * 1000)", "attempt")
        except PieceLost as lost:
            return lost.cause == "output", lost.message
    return False, "10 MB were printed"


def _leftovers(inside: _Inside) -> Outcome:
    """nothing is left behind, no process and no file"""
    name = f"left-{secrets.token_hex(4)}"
    with inside.process() as process:
        _try(process, "leave_things", name)
        watched = os.dup(process.output_descriptor)
    # The process that got away holds the other end: only when it is gone, this one ends.
    gone = bool(select.select([watched], [], [], 5)[0]) and _ends(watched)
    os.close(watched)
    found = inside.ask("find_things", name)
    found = found if gone else [*found, "a process"]
    what = "a process that had got away was ended, and the next submission found no file"
    return _nothing(found, what)


def _ends(descriptor: int) -> bool:
    os.set_blocking(descriptor, False)
    with contextlib.suppress(BlockingIOError):
        while os.read(descriptor, 2**16):
            pass
        return True
    return False


def _kernel(inside: _Inside) -> Outcome:
    """the kernel refuses what leads out of sandboxes"""
    answered = inside.ask("call_the_kernel")
    what = "no namespace, no tracing, no virtual machine's socket, not root"
    return _nothing(answered, what)


def _the_next(inside: _Inside) -> Outcome:
    """the next submission is safe from this one"""
    with inside.process() as process:
        process.run(
            "import os, signal\n"
            "for name in ('SIGSTOP', 'SIGTERM', 'SIGKILL'):\n"
            "    try:\n"
            "        os.kill(os.getppid(), getattr(signal, name))\n"
            "    except OSError:\n"
            "        pass\n",
            "attempt",
        )
    alive = inside.parent.alive and inside.ask("find_things", "nothing") == []
    seen = "the process that starts the next one is alive" if alive else "it was ended"
    return alive, seen


_ATTACKS: tuple[Callable[[_Inside], Outcome], ...] = (
    _your_files,
    _answers,
    _writing,
    _environment,
    _network,
    _processes,
    _kernel,
    _number_of_processes,
    _memory,
    _memory_together,
    _disk,
    _time,
    _output,
    _leftovers,
    _the_next,
)
