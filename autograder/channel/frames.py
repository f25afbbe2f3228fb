"""Messages over a pair of pipes: eight bytes of length, then the message."""

import struct
from typing import BinaryIO

LENGTH = struct.Struct("<Q")


class EndOfFrames(EOFError):
    """The other side has closed its end, in the middle of a message or between two."""


class FrameTooLong(ValueError):
    """The other side announced a message longer than it may send."""


def frame(message: bytes) -> bytes:
    """A message as it is sent."""
    return LENGTH.pack(len(message)) + message


def write_frame(pipe: BinaryIO, message: bytes) -> None:
    """Send one message."""
    pipe.write(frame(message))
    pipe.flush()


def read_frame(pipe: BinaryIO, longest: int) -> bytes:
    """The next message. Raises EndOfFrames, and FrameTooLong before reading what is too long."""
    (length,) = LENGTH.unpack(_exactly(pipe, LENGTH.size))
    if length > longest:
        raise FrameTooLong(f"a message of {length} bytes; at most {longest} are allowed")
    return _exactly(pipe, length)


def _exactly(pipe: BinaryIO, count: int) -> bytes:
    parts, missing = [], count
    while missing:
        part = pipe.read(missing)
        if not part:
            raise EndOfFrames
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
