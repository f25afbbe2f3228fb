"""The process behind `workers.Workers`: reads tasks, writes outcomes, ends with its parent."""

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
from typing import BinaryIO

from autograder.channel.frames import EndOfFrames, read_frame, write_frame
from autograder.grading.quick_start import leave_out_address_grammars
from autograder.sandbox.warm import close_all

_LONGEST = 2**31
READY = "ready?"


def serve(tasks: BinaryIO, outcomes: BinaryIO) -> None:
    """Answer every task until there are no more: with its result, or with its exception.

    When the parent is gone, the task in hand is given up: its outcome would reach nobody.
    """
    waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(tasks, waiting), daemon=True).start()
    # An interrupt is how the reader says that the parent is gone; a broken pipe says the same.
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        while (task := waiting.get()) is not None:
            write_frame(outcomes, _outcome(task))


def _read(tasks: BinaryIO, waiting: queue.SimpleQueue) -> None:
    with contextlib.suppress(EndOfFrames, OSError):
        while True:
            waiting.put(read_frame(tasks, _LONGEST))
    os.kill(os.getpid(), signal.SIGINT)
    waiting.put(None)


def _outcome(task: bytes) -> bytes:
    what = pickle.loads(task)
    if what == READY:
        return pickle.dumps(what)
    function, arguments, named = what
    try:
        outcome = function(*arguments, **named)
    except Exception as error:
        outcome = error
    try:
        return pickle.dumps(outcome)
    except Exception as error:  # an exception that can't be pickled is told in words
        return pickle.dumps(RuntimeError(f"{type(outcome).__name__}: {outcome} ({error})"))


def main() -> None:
    """Serve on standard input and output; what is printed meanwhile goes to standard error."""
    leave_out_address_grammars()
    # A shell starts what it runs in the background with interrupts ignored, and so would we be.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    outcomes = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, outcomes)
    close_all()
    os._exit(0)  # the reader may still hold standard input, and would be waited for


if __name__ == "__main__":
    main()
