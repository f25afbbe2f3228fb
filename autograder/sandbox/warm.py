"""The judge's end of a warm parent: started once, then asked for one worker after another.

`at_hand` lends a parent and takes it back, so that the next submission finds it warm. There is one
for each lesson and protection, as long as nobody needs two at once; all end with this process.
"""

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from autograder.channel.absent import absent_modules
from autograder.channel.alone import environment
from autograder.channel.limits import Limits
from autograder.channel.working import Ending
from autograder.sandbox.choice import NoSandbox, Sandbox
from autograder.sandbox.confine import HOME
from autograder.sandbox.view import COURSE, visible
from workbook.home import datasets_folder
from workbook.syllabus import Lesson

_TO_END = 20.0  # seconds for a parent to end a worker, beyond the worker's own patience
_KEPT = 2  # idle parents; each holds some 150 MB


class WarmParent:
    """A process that has imported everything, in this protection. Raises NoSandbox where it doesn't
    start."""

    def __init__(self, sandbox: Sandbox, lesson: Lesson, start_seconds: float) -> None:
        self.key = _key(sandbox, lesson)
        self.made_by = os.getpid()
        self.sandbox = sandbox
        self._folder = tempfile.TemporaryDirectory(prefix="warm-", ignore_cleanup_errors=True)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the parent
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        wrapping = sandbox.wrapping
        home = self._folder.name if wrapping is None else HOME
        python = [sys.executable, "-m", "autograder.sandbox.parent", str(theirs.fileno())]
        self._process = subprocess.Popen(
            python if wrapping is None else [*wrapping.command(visible(lesson)), *python],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            cwd=self._folder.name,
            env=_surroundings(home),
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        setting = {
            "lesson": lesson.name,
            "absent": absent_modules(lesson),
            "confined": wrapping is not None,
        }
        self._control.settimeout(start_seconds)
        try:
            self._control.send(json.dumps(setting).encode())
            ready = self._control.recv(4096)
        except OSError:
            ready = b""
        if not ready:
            said = self._last_words()
            self.close()
            raise NoSandbox(f"The process that runs submissions doesn't start: {said}")

    @property
    def alive(self) -> bool:
        """Whether it can be asked for a worker."""
        return self._process.poll() is None

    def fork(self, limits: Limits) -> "Forked":
        """A new worker. Raises OSError where the parent is gone."""
        ends = [os.pipe() for _ in range(3)]
        (asks, asked), (told, tells), (shown, shows) = ends
        wrapping = self.sandbox.wrapping
        packet = {
            "limits": limits.of_a_process(),
            "user": None if wrapping is None else wrapping.user(),
        }
        try:
            socket.send_fds(self._control, [json.dumps(packet).encode()], [asks, tells, shows])
        except OSError:
            for end in (asked, told, shown):
                os.close(end)
            raise
        finally:
            for end in (asks, tells, shows):
                os.close(end)
        return Forked(self, asked, told, shown)

    def end_worker(self, patience: float) -> Ending:
        """End the worker that was forked last; where the parent doesn't answer, the parent too."""
        self._control.settimeout(patience + _TO_END)
        try:
            self._control.send(json.dumps({"end": patience}).encode())
            answer = json.loads(self._control.recv(4096))
            return Ending(answer["code"], answer["cause"])
        except (OSError, ValueError, KeyError):
            self.close()
            return Ending()

    def close(self) -> None:
        """End it, and with it everything in its sandbox."""
        self._control.close()
        if self.made_by != os.getpid():
            return  # this process is a fork of the one whose it is
        self._process.kill()
        self._process.wait()
        self._said.close()
        self._folder.cleanup()

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it doesn't say why."


class Forked:
    """A worker that a warm parent has forked (an `autograder.channel.working.Worker`)."""

    def __init__(self, parent: WarmParent, asked: int, told: int, shown: int) -> None:
        self.requests = os.fdopen(asked, "wb")
        self.replies = os.fdopen(told, "rb")
        self.output = os.fdopen(shown, "rb")
        self._parent = parent
        self._lock = threading.Lock()
        self._ending: Ending | None = None

    def end(self, patience: float = 0.0) -> Ending:
        with self._lock:
            if self._ending is None:
                self._ending = self._parent.end_worker(patience)
            return self._ending


_idle: list[WarmParent] = []
_lock = threading.Lock()


@contextlib.contextmanager
def at_hand(sandbox: Sandbox, lesson: Lesson, limits: Limits) -> Iterator[WarmParent]:
    """A warm parent, for as long as the block runs. Raises NoSandbox where none starts."""
    parent = _take(_key(sandbox, lesson)) or WarmParent(sandbox, lesson, limits.start_seconds)
    try:
        yield parent
    except BaseException:
        parent.close()  # nobody knows what state it is in
        raise
    _give_back(parent)


def _key(sandbox: Sandbox, lesson: Lesson) -> tuple[Any, ...]:
    """What a warm parent depends on."""
    data = datasets_folder()
    return sandbox, lesson.name, data if data.is_dir() else None


def _take(key: tuple[Any, ...]) -> WarmParent | None:
    with _lock:
        for parent in list(_idle):
            if parent.made_by != os.getpid() or not parent.alive:
                _idle.remove(parent)
                parent.close()
            elif parent.key == key:
                _idle.remove(parent)
                return parent
    return None


def _give_back(parent: WarmParent) -> None:
    with _lock:
        _idle.append(parent)
        surplus = _idle[:-_KEPT]
        del _idle[:-_KEPT]
    for each in surplus:
        each.close()


@atexit.register
def close_all() -> None:
    """End every warm parent of this process that is idle."""
    with _lock:
        parents = list(_idle)
        _idle.clear()
    for parent in parents:
        parent.close()


def _surroundings(home: str) -> dict[str, str]:
    told = environment(home) | {
        "USER": "student",
        "LOGNAME": "student",
        "PYTHONHASHSEED": "0",  # a class gets equal sets in equal orders
        # Memory in large pages has fewer of them, and a fork has fewer to write down: 3 ms for 30.
        "PYTHONMALLOC": "malloc",
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    }
    return told | {"TMPDIR": f"{HOME}/tmp", "WORKBOOK_HOME": COURSE} if home == HOME else told
