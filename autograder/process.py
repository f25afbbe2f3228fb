"""The judge's end of a worker: started, asked, bounded in time and output, and ended.

Whatever the worker does, the judge gets an answer or a PieceLost within the limits.
"""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from autograder.bench import Reply, Request
from autograder.frames import EndOfFrames, FrameTooLong, read_frame, write_frame
from autograder.limits import Limits
from autograder.piece import Piece, PieceLost
from autograder.wire import WireError, decode, encode
from workbook.home import root
from workbook.syllabus import LESSONS, Lesson

KEPT_OUTPUT = 20_000


class Process:
    """A worker. Use it as a context manager; afterwards nothing of it is left running.

    `lesson` is the one whose pieces are being judged: its references, and later lessons', can't be
    imported there. `notebook` runs cells as a notebook does, otherwise files as Python does.
    """

    def __init__(self, lesson: Lesson, limits: Limits, notebook: bool) -> None:
        self._limits = limits
        self._folder = tempfile.TemporaryDirectory(prefix="worker-", ignore_cleanup_errors=True)
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "autograder.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder.name,
            env=_environment(self._folder.name),
            start_new_session=True,
        )
        self._replies: queue.Queue[Reply | PieceLost] = queue.Queue()
        self._output = bytearray()
        self._output_size = 0
        self._ended: PieceLost | None = None
        self._readers = [
            threading.Thread(target=self._read_replies, daemon=True),
            threading.Thread(target=self._drain_output, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        absent = [f"workbook.pieces.{later.module}" for later in LESSONS[lesson.number - 1 :]]
        self._ask(
            {
                "notebook": notebook,
                "absent": ["autograder.exercises", *absent],
                "memory_bytes": limits.memory_bytes,
            },
            limits.start_seconds,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._kill()
        for reader in self._readers:
            reader.join(timeout=5)
        for pipe in (self._worker.stdin, self._worker.stdout, self._worker.stderr):
            with contextlib.suppress(OSError):
                pipe.close()
        self._folder.cleanup()

    @property
    def lost(self) -> bool:
        """Whether the worker is gone: it ended, or had to be ended."""
        return self._ended is not None

    @property
    def output(self) -> str:
        """The first of what the submission printed."""
        return self._output.decode("utf-8", "replace")

    def run(self, source: str, label: str) -> dict[str, Any] | None:
        """Run a cell or a file; the student's exception as data, None where there was none.

        Raises PieceLost.
        """
        request = {"op": "run", "source": source, "label": label}
        return self._ask(request, self._limits.cell_seconds).get("error")

    @contextlib.contextmanager
    def piece(self, name: str) -> Iterator[Piece | None]:
        """The piece of this name on a bench over there; None where nothing has that name."""
        deadline = time.monotonic() + self._limits.exercise_seconds

        def send(request: Request) -> Reply:
            left = max(0.0, deadline - time.monotonic())
            return self._ask(request, min(self._limits.request_seconds, left))

        defined = send({"op": "open", "name": name})["value"]
        yield Piece(send) if defined is True else None
        if self._ended is None:
            self._ask({"op": "close"}, self._limits.request_seconds)

    def _ask(self, request: Request, seconds: float) -> Reply:
        if self._ended is not None:
            raise self._ended
        try:
            write_frame(self._worker.stdin, encode(request))
            reply = self._replies.get(timeout=seconds)
        except queue.Empty:
            raise self._end("time", f"It took longer than {seconds:.3g} seconds.") from None
        except OSError:
            reply = self._replies.get(timeout=self._limits.request_seconds)
        if isinstance(reply, PieceLost):
            raise self._end(reply.cause, reply.message)
        if "died" in reply:
            raise self._end("died", _how_it_died(reply["died"]))
        if not isinstance(reply.get("calls"), list) or not {"value", "error"} & reply.keys():
            raise self._end("died", "Its process answered something that is no answer.")
        return reply

    def _end(self, cause: str, message: str) -> PieceLost:
        self._kill()
        self._ended = self._ended or PieceLost(cause, message)
        return self._ended

    def _kill(self) -> None:
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._worker.pid, signal.SIGKILL)
        self._worker.kill()
        self._worker.wait()

    def _read_replies(self) -> None:
        try:
            while True:
                reply = decode(read_frame(self._worker.stdout, self._limits.message_bytes))
                if not isinstance(reply, dict):
                    raise WireError("a reply is a dictionary")
                self._replies.put(reply)
        except (EndOfFrames, OSError, ValueError) as error:
            self._replies.put(self._why_it_stopped(error))

    def _why_it_stopped(self, error: Exception) -> PieceLost:
        if isinstance(error, FrameTooLong):
            size = self._limits.message_bytes // 2**20
            return PieceLost("memory", f"It returned more than {size} MB.")
        if self._output_size > self._limits.output_bytes:
            size = self._limits.output_bytes // 2**20
            return PieceLost("output", f"It printed more than {size} MB, and was stopped.")
        if isinstance(error, WireError):
            return PieceLost("died", "Its process answered something that is no answer.")
        with contextlib.suppress(subprocess.TimeoutExpired):
            return PieceLost("died", _how_it_died(self._worker.wait(timeout=5)))
        return PieceLost("died", "Its process closed the channel.")

    def _drain_output(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while part := self._worker.stderr.read1(65536):
                self._output_size += len(part)
                self._output += part[: KEPT_OUTPUT - len(self._output)]
                if self._output_size > self._limits.output_bytes:
                    self._kill()
                    return


def _environment(folder: str) -> dict[str, str]:
    """What a worker knows of its surroundings: where Python and the course are, and no more."""
    kept = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": folder,
        "TMPDIR": folder,
        "IPYTHONDIR": str(Path(folder) / "ipython"),
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": folder,
        "PYTHONPATH": str(root()),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "WORKBOOK_HOME": str(root()),
        "WORKBOOK_TOOLBOX": str(Path(folder) / "toolbox"),
    }


def _how_it_died(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"Its process was ended by the signal {signal.Signals(-code).name}."
    return f"Its process ended by itself, with the exit code {code}."
