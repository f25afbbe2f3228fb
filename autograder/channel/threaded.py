"""The judge's side of a worker's pipes on Windows, where one can't wait for several of them."""

import contextlib
import queue
import threading

from autograder.channel.frames import read_frame, write_frame
from autograder.channel.working import KEPT_OUTPUT, Silence, TooMuchOutput, Worker


class ThreadedLine:
    """One thread a pipe, which closes it: whatever the worker does with the other end, the judge
    doesn't wait for it."""

    def __init__(self, worker: Worker, longest: int, most_output: int) -> None:
        self._worker, self._longest, self._most_output = worker, longest, most_output
        self._requests: queue.Queue[bytes | None] = queue.Queue()
        self._replies: queue.Queue[bytes | Exception] = queue.Queue()
        self._asked = threading.Semaphore(0)
        self._closed = False
        self._output, self._output_size = bytearray(), 0
        self._threads = [
            threading.Thread(target=each, daemon=True)
            for each in (self._write_requests, self._read_replies, self._drain_output)
        ]
        for thread in self._threads:
            thread.start()

    def exchange(self, message: bytes, seconds: float) -> bytes:
        """Send a message and return the answer. Raises Silence, EndOfFrames, FrameTooLong,
        TooMuchOutput, OSError."""
        self._asked.release()
        self._requests.put(message)
        try:
            answer = self._replies.get(timeout=max(0.0, seconds))
        except queue.Empty:
            raise Silence from None
        if self._output_size > self._most_output:
            raise TooMuchOutput
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def output(self) -> bytes:
        """The first of what was printed."""
        return bytes(self._output)

    def close(self) -> None:
        """Let the threads go, which close the pipes."""
        self._requests.put(None)
        self._closed = True
        self._asked.release()
        for thread in self._threads:
            thread.join(timeout=2)  # longer only where something that got away holds a pipe open

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
                    self._replies.put(read_frame(pipe, self._longest))
            except (EOFError, OSError, ValueError) as error:
                self._replies.put(error)

    def _drain_output(self) -> None:
        with contextlib.suppress(OSError), self._worker.output as pipe:
            while part := pipe.read1(65536):
                self._output_size += len(part)
                self._output += part[: KEPT_OUTPUT - len(self._output)]
                if self._output_size > self._most_output:
                    self._worker.end()
                    return
