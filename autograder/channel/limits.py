"""How much a submission may use: defaults that an instructor would choose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds of wall time, bytes, and counts.

    `request_seconds` bounds one call of a piece, `exercise_seconds` all of an exercise's check,
    `cell_seconds` one cell of a notebook, `submission_seconds` all of a notebook, `start_seconds`
    the start of a process. `memory_bytes` is what a submission may use beyond what its imports
    take, all of its processes together; `disk_bytes` bounds its temporary files together,
    `open_files` those open in one process, `processes` its processes and threads. `output_bytes`
    bounds what it prints, `message_bytes` one answer of a piece.
    """

    request_seconds: float = 10.0
    exercise_seconds: float = 30.0
    cell_seconds: float = 60.0
    submission_seconds: float = 300.0
    start_seconds: float = 120.0
    memory_bytes: int = 4 * 2**30
    disk_bytes: int = 512 * 2**20
    open_files: int = 256
    processes: int = 64
    output_bytes: int = 10 * 2**20
    message_bytes: int = 64 * 2**20

    def of_a_process(self) -> dict[str, int]:
        """Those that a process holds itself to."""
        return {
            "memory_bytes": self.memory_bytes,
            "disk_bytes": self.disk_bytes,
            "open_files": self.open_files,
            "processes": self.processes,
        }
