"""A worker as the judge holds it, whoever started it, and the line to it."""

from dataclasses import dataclass
from typing import BinaryIO, Protocol

KEPT_OUTPUT = 20_000


@dataclass(frozen=True)
class Ending:
    """How a worker ended: its exit code, as `subprocess` gives it, or None where it was ended;
    `cause` is "memory" where it took too much of it."""

    code: int | None = None
    cause: str = ""


class Worker(Protocol):
    """A process that runs `autograder.channel.worker`, from outside: the judge's ends of its pipes,
    and a way to end it with all that it started."""

    requests: BinaryIO
    replies: BinaryIO
    output: BinaryIO

    def end(self, patience: float = 0.0) -> Ending:
        """End it, after giving it this many seconds to end by itself. Nothing of it is left
        afterwards, files neither. May be called again, and by several threads."""
        ...


class Silence(Exception):
    """No answer came in time."""


class TooMuchOutput(Exception):
    """More was printed than may be."""
