"""The judge's end of a worker: asked, bounded in time and output, and ended.

Whatever the worker does, the judge gets an answer or a PieceLost within the limits.
"""

import contextlib
import select
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

from autograder.channel.absent import absent_modules
from autograder.channel.alone import Alone
from autograder.channel.bench import Reply, Request
from autograder.channel.frames import EndOfFrames, FrameTooLong
from autograder.channel.limits import Limits
from autograder.channel.piece import Piece, PieceLost
from autograder.channel.polled import PolledLine
from autograder.channel.replies import is_reply
from autograder.channel.threaded import ThreadedLine
from autograder.channel.wire import WireError, decode, encode
from autograder.channel.working import Silence, TooMuchOutput, Worker
from workbook.syllabus import Lesson

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
        kind = PolledLine if hasattr(select, "poll") else ThreadedLine
        self._line = kind(self._worker, limits.message_bytes, limits.output_bytes)
        self._ended: PieceLost | None = None
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
        self._line.close()

    @property
    def lost(self) -> bool:
        """Whether the worker is gone: it ended, or had to be ended."""
        return self._ended is not None

    @property
    def output(self) -> str:
        """The first of what the submission printed."""
        return self._line.output.decode("utf-8", "replace")

    @property
    def output_descriptor(self) -> int:
        """Where what is printed arrives; it ends when nothing that could print is left."""
        return self._worker.output.fileno()

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
            nonlocal deadline
            began = time.monotonic()
            if request["op"] == "make":
                # Our own code, and the first optimizer makes torch import a large part of itself.
                reply = self._ask(request, _bound(self._limits.start_seconds))
                deadline += time.monotonic() - began
                return reply
            left = deadline - began
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
        try:
            reply = decode(self._line.exchange(encode(request), seconds))
        except Silence:
            raise self._end("time", over) from None
        except WireError:
            raise self._end("died", NO_ANSWER) from None
        except (EndOfFrames, FrameTooLong, TooMuchOutput, OSError) as error:
            cause, message = self._why_it_stopped(error)
            raise self._end(cause, message) from None
        if not is_reply(reply, to=request.get("op")):
            raise self._end("died", NO_ANSWER)
        if "died" in reply:
            raise self._end("died", _how_it_died(reply["died"]))
        return reply

    def _end(self, cause: str, message: str) -> PieceLost:
        self._worker.end()
        self._ended = self._ended or PieceLost(cause, message)
        return self._ended

    def _why_it_stopped(self, error: Exception) -> tuple[str, str]:
        """The cause and the message of a worker that gave no answer."""
        if isinstance(error, FrameTooLong):
            size = self._limits.message_bytes // 2**20
            return "memory", f"It returned more than {size} MB."
        if isinstance(error, TooMuchOutput):
            size = self._limits.output_bytes // 2**20
            return "output", f"It printed more than {size} MB, and was stopped."
        ending = self._worker.end(_LAST_BREATH)
        if ending.cause == "memory":
            size = self._limits.memory_bytes // 2**20
            return "memory", f"It took more than {size} MB of memory, and was stopped."
        if ending.code is None:
            return "died", "Its process closed the channel."
        return "died", _how_it_died(ending.code)


def _bound(seconds: float) -> tuple[float, str]:
    return seconds, f"It took longer than {seconds:.3g} seconds."


def _how_it_died(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"Its process was ended by the signal {signal.Signals(-code).name}."
    return f"Its process ended by itself, with the exit code {code}."
