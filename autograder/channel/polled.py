"""The judge's side of a worker's pipes, where the system can wait for several of them at once."""

import contextlib
import os
import select
import time

from autograder.channel.frames import LENGTH, EndOfFrames, FrameTooLong, frame
from autograder.channel.working import KEPT_OUTPUT, Silence, TooMuchOutput, Worker

_PART = 2**16


class PolledLine:
    """Asks and listens in one thread: nothing is handed over, so a question costs little more than
    its answer."""

    def __init__(self, worker: Worker, longest: int, most_output: int) -> None:
        self._pipes = (worker.requests, worker.replies, worker.output)
        self._asks, self._answers, self._prints = (pipe.fileno() for pipe in self._pipes)
        for pipe in self._pipes:
            os.set_blocking(pipe.fileno(), False)
        self._longest, self._most_output = longest, most_output
        self._heard = bytearray()
        self._output, self._output_size = bytearray(), 0
        self._poll = select.poll()
        self._poll.register(self._answers, select.POLLIN)
        self._poll.register(self._prints, select.POLLIN)
        self._printing = True

    def exchange(self, message: bytes, seconds: float) -> bytes:
        """Send a message and return the answer. Raises Silence, EndOfFrames, FrameTooLong,
        TooMuchOutput, OSError."""
        until = time.monotonic() + seconds
        unsent = memoryview(frame(message))
        unsent = unsent[self._send(unsent) :]
        if unsent:
            self._poll.register(self._asks, select.POLLOUT)
        try:
            while True:
                if not unsent and (answer := self._answer()) is not None:
                    return answer
                left = until - time.monotonic()
                if left <= 0:
                    raise Silence
                for pipe, event in self._poll.poll(1000 * left):
                    if pipe == self._prints:
                        self._listen_to_prints()
                    elif pipe == self._asks and event & (select.POLLERR | select.POLLHUP):
                        raise EndOfFrames
                    elif pipe == self._asks:
                        unsent = unsent[self._send(unsent) :]
                        if not unsent:
                            self._poll.unregister(self._asks)
                    elif not self._listen():
                        raise EndOfFrames
        finally:
            with contextlib.suppress(KeyError):
                self._poll.unregister(self._asks)

    @property
    def output(self) -> bytes:
        """The first of what was printed."""
        if self._printing:
            with contextlib.suppress(TooMuchOutput):
                self._listen_to_prints()
        return bytes(self._output)

    def close(self) -> None:
        """Close the pipes."""
        output = self.output  # what was printed last
        self._printing = False
        self._output[:] = output
        for pipe in self._pipes:
            with contextlib.suppress(OSError):
                pipe.close()

    def _send(self, unsent: memoryview) -> int:
        try:
            return os.write(self._asks, unsent) if unsent else 0
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            raise EndOfFrames from None

    def _listen(self) -> bool:
        """Read a part of the answer; whether there may be more. No more is kept than one answer
        and a part."""
        try:
            part = os.read(self._answers, max(_PART, self._missing()))
        except BlockingIOError:
            return True
        self._heard += part
        return bool(part)

    def _missing(self) -> int:
        if len(self._heard) < LENGTH.size:
            return 0
        (length,) = LENGTH.unpack_from(self._heard)
        return min(LENGTH.size + length - len(self._heard), 2**24)

    def _answer(self) -> bytes | None:
        """The next answer, None where it hasn't come whole."""
        if len(self._heard) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self._heard)
        if length > self._longest:
            raise FrameTooLong(f"a message of {length} bytes; at most {self._longest} are allowed")
        end = LENGTH.size + length
        if len(self._heard) < end:
            return None
        answer = bytes(self._heard[LENGTH.size : end])
        del self._heard[:end]
        return answer

    def _listen_to_prints(self) -> None:
        while True:
            try:
                part = os.read(self._prints, _PART)
            except BlockingIOError:
                return
            if not part:
                self._printing = False
                self._poll.unregister(self._prints)
                return
            self._output_size += len(part)
            self._output += part[: KEPT_OUTPUT - len(self._output)]
            if self._output_size > self._most_output:
                raise TooMuchOutput
            if len(part) < _PART:
                return
