"""How much a submission may use: defaults that an instructor would choose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds of wall time, and bytes.

    `request_seconds` bounds one call of a piece, `exercise_seconds` all of an exercise's check,
    `cell_seconds` one cell of a notebook, `submission_seconds` all of a notebook, `start_seconds`
    the start of a process.
    """

    request_seconds: float = 10.0
    exercise_seconds: float = 30.0
    cell_seconds: float = 60.0
    submission_seconds: float = 300.0
    start_seconds: float = 120.0
    memory_bytes: int = 8 * 2**30
    output_bytes: int = 10 * 2**20
    message_bytes: int = 256 * 2**20
