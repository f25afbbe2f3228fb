"""One set-up at a time in a folder; a second one waits for its turn.

The lock is the operating system's, so it goes when its process does, however that ended; on POSIX
a program that was given the lock's descriptor keeps it until it ends, too.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from workbook.setup.failures import SetupFailure

# The holder's number is written behind the locked byte: Windows lets nobody read a locked one.
_LOCKED_BYTES = 1


def _try_to_lock(file: BinaryIO) -> bool:
    file.seek(0)
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, _LOCKED_BYTES)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network folder without locks: going on is better than never starting
        return True
    return True


def _unlock(file: BinaryIO) -> None:
    # Closing the file gives flock back; Windows wants it said.
    if os.name == "nt":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, _LOCKED_BYTES)


def _holder(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(_LOCKED_BYTES)
            return file.read(32).decode("ascii", "replace").strip() or "unknown"
    except OSError:
        return "unknown"


@contextmanager
def turn(
    path: Path,
    say: Callable[[str], None],
    patience: float = 1800.0,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[int, ...]]:
    """Hold the lock file `path` while the block runs, after waiting up to `patience` seconds.

    Gives the descriptors to hand to the programs that the block starts (none on Windows): killing
    this process doesn't kill pip, and nobody may have the turn while pip is still writing.
    Raises SetupFailure, naming the process that holds it, when patience runs out.
    """
    with path.open("a+b") as file:
        waited = 0.0
        while not _try_to_lock(file):
            if waited == 0.0:
                say(f"Another set-up is running in this folder (process {_holder(path)}); waiting.")
            if waited >= patience:
                raise SetupFailure(
                    f"another set-up (process {_holder(path)}) has been running in this folder "
                    f"for over {patience / 60:.0f} minutes.",
                    "let it end, or end it, and run the same command again.",
                )
            pause(0.5)
            waited += 0.5
        file.truncate(0)
        file.write(b" " * _LOCKED_BYTES + str(os.getpid()).encode("ascii"))
        file.flush()
        try:
            yield () if os.name == "nt" else (file.fileno(),)
        finally:
            _unlock(file)
