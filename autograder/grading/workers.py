"""Processes on this machine that judge, as a `concurrent.futures.Executor`.

`concurrent.futures` has one, but there a worker that is killed breaks the pool for everybody, and a
worker outlives a parent that was killed. Here a job whose worker ended is given to another one
once, a worker has a deadline for each job, and it ends when its parent does. None is forked from
this process, which may be a server with threads.
"""

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from autograder.channel.frames import EndOfFrames, read_frame, write_frame
from autograder.channel.limits import Limits
from autograder.grading.worker import READY

_LONGEST_ANSWER = 2**30
_TRIES = 2


def deadline(limits: Limits) -> float:
    """Seconds after which a worker is given up: the judge ends by itself well before."""
    return limits.submission_seconds + limits.start_seconds + 30


class WorkerEnded(Exception):
    """A job's worker ended, or had to be ended, before there was a result."""


class Workers(Executor):
    """`count` processes; each starts with its first job, or at once where there is something for it
    to `prepare`, which is called there before any job. `deadline` is in seconds for one job,
    without the start of its worker."""

    def __init__(
        self, count: int, deadline: float, prepare: Callable[[], Any] | None = None
    ) -> None:
        self._deadline = deadline
        self._prepare = prepare
        self._at_work: list[_Worker] = []
        self._jobs: queue.SimpleQueue[tuple[Future, Callable, tuple, dict] | None]
        self._jobs = queue.SimpleQueue()
        self._closed = self._given_up = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable, /, *arguments: Any, **named: Any) -> Future:
        """Run a function, importable by name, in one of the processes."""
        if self._closed:
            raise RuntimeError("these workers were shut down")
        future: Future = Future()
        self._jobs.put((future, function, arguments, named))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes, after the jobs that were submitted; or now: a job that has not begun
        is cancelled, and one under way is given up with WorkerEnded."""
        self._closed = True
        if cancel_futures:
            self._given_up = True
            with contextlib.suppress(queue.Empty):
                while (waiting := self._jobs.get_nowait()) is not None:
                    waiting[0].cancel()
            for worker in list(self._at_work):
                worker.end()
        for _ in self._threads:
            self._jobs.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        with contextlib.ExitStack() as stack:
            worker = self._prepared(stack)
            while (job := self._jobs.get()) is not None:
                future, function, arguments, named = job
                if not future.set_running_or_notify_cancel():
                    continue
                for attempt in range(1, _TRIES + 1):
                    try:
                        worker = worker or self._started(stack)
                        outcome = worker.ask((function, arguments, named), self._deadline)
                    except WorkerEnded as ended:
                        worker = None
                        if attempt == _TRIES or self._given_up:
                            future.set_exception(ended)
                            break
                    except BaseException as error:  # it belongs to whoever waits for the future
                        future.set_exception(error)
                        break
                    else:
                        if isinstance(outcome, BaseException):
                            future.set_exception(outcome)
                        else:
                            future.set_result(outcome)
                        break

    def _prepared(self, stack: contextlib.ExitStack) -> "_Worker | None":
        """A worker that has prepared itself; None where there is nothing to prepare, or where it
        failed: the first job will tell why."""
        if self._prepare is None or self._closed:
            return None
        worker = self._started(stack)
        try:
            worker.ask((self._prepare, (), {}), self._deadline)
        except WorkerEnded:
            return None
        return worker

    def _started(self, stack: contextlib.ExitStack) -> "_Worker":
        worker = stack.enter_context(_Worker())
        self._at_work.append(worker)
        stack.callback(self._at_work.remove, worker)
        if self._given_up:  # while it was started
            worker.end()
        return worker


class _Worker:
    """One process. What is pickled comes from us and goes to us; a submission runs elsewhere."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "autograder.grading.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is the parent's affair
        )

    def __enter__(self) -> "_Worker":
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def end(self) -> None:
        """Let it give up what it does, tidy up and end."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # it ends when there is nothing more to read

    def ask(self, task: Any, seconds: float) -> Any:
        """The outcome of a task, which may be an exception. Raises WorkerEnded."""
        over = threading.Event()

        def end() -> None:
            over.set()
            self._process.kill()

        clock = threading.Timer(seconds, end)
        clock.daemon = True
        try:
            write_frame(self._process.stdin, pickle.dumps(READY))
            read_frame(self._process.stdout, _LONGEST_ANSWER)
            clock.start()
            write_frame(self._process.stdin, pickle.dumps(task))
            return pickle.loads(read_frame(self._process.stdout, _LONGEST_ANSWER))
        except (EndOfFrames, OSError, ValueError) as error:
            self._process.kill()
            code = self._process.wait()
            if over.is_set():
                raise WorkerEnded(f"there was no result within {seconds:.0f} seconds") from None
            raise WorkerEnded(f"a worker ended with the exit code {code} ({error})") from None
        finally:
            clock.cancel()


def _environment() -> dict[str, str]:
    house = str(Path(__file__).resolve().parents[2])
    paths = [house, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "OMP_NUM_THREADS": "1",  # there is a worker for each core
        "PYTHONIOENCODING": "utf-8",
    }
