"""The judge's end of a worker: asked, bounded in time and output, and ended.

Whatever the worker does, the judge gets an answer or a PieceLost within the limits.
"""

import contextlib
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

from autograder.channel.absent import absent_modules
from autograder.channel.alone import Alone
from autograder.channel.bench import Reply, Request
from autograder.channel.frames import EndOfFrames, FrameTooLong, read_frame, write_frame
from autograder.channel.limits import Limits
from autograder.channel.piece import Piece, PieceLost
from autograder.channel.replies import is_reply
from autograder.channel.wire import WireError, decode, encode
from autograder.channel.working import Worker
from workbook.syllabus import Lesson

KEPT_OUTPUT = 20_000
NO_ANSWER = "Its process answered something that is no answer."
_LAST_BREATH = 5.0  # seconds in which a worker that has closed its channel may end by itself


class Process:
    """A conversation with a worker. Use it as a context manager; afterwards nothing of the worker
    is left.

    `lesson` is the one whose pieces are being judged: its references, and later lessons', can't be
    imported there. `notebook` runs cells as a notebook does, otherwise files as Python does.
    `deadline`, in the time of `time.monotonic`, is when the submission's time is over; without it,
    that is `submission_seconds` from now. `start` starts the worker. Raises PieceLost where none
    answers.
    """

    def __init__(
        self,
        lesson: Lesson,
        limits: Limits,
        notebook: bool,
        deadline: float | None = None,
        start: Callable[[], Worker] = Alone,
    ) -> None:
        self._limits = limits
        self._deadline = (
            time.monotonic() + limits.submission_seconds if deadline is None else deadline
        )
        self._worker = start()
        self._requests: queue.Queue[bytes | None] = queue.Queue()
        self._replies: queue.Queue[Reply | PieceLost] = queue.Queue()
        self._asked = threading.Semaphore(0)
        self._closed = False
        self._output = bytearray()
        self._output_size = 0
        self._ended: PieceLost | None = None
        # One thread a pipe, which closes it: whatever the worker does with the other end, the judge
        # doesn't wait for it.
        self._threads = [
            threading.Thread(target=each, daemon=True)
            for each in (self._write_requests, self._read_replies, self._drain_output)
        ]
        for thread in self._threads:
            thread.start()
        setting = {
            "notebook": notebook,
            "absent": absent_modules(lesson),
            "limits": limits.of_a_process(),
        }
        seconds = limits.start_seconds
        try:
            self._ask(setting, (seconds, f"It didn't start within {seconds:.3g} seconds."))
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._worker.end()
        self._requests.put(None)
        self._closed = True
        self._asked.release()
        for thread in self._threads:
            thread.join(timeout=2)  # longer only where something that got away holds a pipe open

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
        return self._ask(request, _bound(self._limits.cell_seconds)).get("error")

    @contextlib.contextmanager
    def piece(self, name: str, lent: Request | None = None) -> Iterator[Piece | None]:
        """The piece of this name on a bench over there; None where nothing has that name.

        `lent` has other pieces in the place of the student's (see `autograder.channel.worker`).
        """
        seconds = self._limits.exercise_seconds
        deadline = time.monotonic() + seconds
        together = f"Its calls took longer than {seconds:.3g} seconds together."

        def send(request: Request) -> Reply:
            left = deadline - time.monotonic()
            return self._ask(request, _bound(self._limits.request_seconds), (left, together))

        def close() -> None:
            if self._ended is None:
                self._ask({"op": "close"}, _bound(self._limits.request_seconds))

        defined = send({"op": "open", "name": name} | (lent or {})).get("value")
        try:
            yield Piece(send) if defined is True else None
        except Exception:
            close()
            raise
        close()

    def _ask(self, request: Request, *bounds: tuple[float, str]) -> Reply:
        """The reply, within the least of the bounds: seconds from now, and what to say when they
        are over."""
        if self._ended is not None:
            raise self._ended
        whole = f"All of it took longer than {self._limits.submission_seconds:.3g} seconds."
        seconds, over = min(*bounds, (self._deadline - time.monotonic(), whole))
        self._asked.release()
        self._requests.put(encode(request))
        try:
            reply = self._replies.get(timeout=max(0.0, seconds))
        except queue.Empty:
            raise self._end("time", over) from None
        if isinstance(reply, PieceLost):
            raise self._end(reply.cause, reply.message)
        if not is_reply(reply, to=request.get("op")):
            raise self._end("died", NO_ANSWER)
        if "died" in reply:
            raise self._end("died", _how_it_died(reply["died"]))
        return reply

    def _end(self, cause: str, message: str) -> PieceLost:
        self._worker.end()
        self._ended = self._ended or PieceLost(cause, message)
        return self._ended

    def _write_requests(self) -> None:
        # An OSError: it is gone, and the reader says why.
        with contextlib.suppress(OSError), self._worker.requests:
            while (request := self._requests.get()) is not None:
                write_frame(self._worker.requests, request)

    def _read_replies(self) -> None:
        with self._worker.replies as pipe:
            try:
                while True:
                    self._asked.acquire()  # what nobody asked for is not read, and fills no memory
                    if self._closed:
                        return
                    self._replies.put(decode(read_frame(pipe, self._limits.message_bytes)))
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
            return PieceLost("died", NO_ANSWER)
        ending = self._worker.end(_LAST_BREATH)
        if ending.cause == "memory":
            size = self._limits.memory_bytes // 2**20
            return PieceLost("memory", f"It took more than {size} MB of memory, and was stopped.")
        if ending.code is None:
            return PieceLost("died", "Its process closed the channel.")
        return PieceLost("died", _how_it_died(ending.code))

    def _drain_output(self) -> None:
        with contextlib.suppress(OSError), self._worker.output as pipe:
            while part := pipe.read1(65536):
                self._output_size += len(part)
                self._output += part[: KEPT_OUTPUT - len(self._output)]
                if self._output_size > self._limits.output_bytes:
                    self._worker.end()
                    return


def _bound(seconds: float) -> tuple[float, str]:
    return seconds, f"It took longer than {seconds:.3g} seconds."


def _how_it_died(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"Its process was ended by the signal {signal.Signals(-code).name}."
    return f"Its process ended by itself, with the exit code {code}."
