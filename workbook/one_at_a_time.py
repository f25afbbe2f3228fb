"""What two processes would spoil is done by one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def one_at_a_time(lock: Path, refusal: Exception, patience: float = 0) -> Iterator[None]:
    """Inside, no other process is inside with the same file, which is made where there is none.

    The lock is the operating system's: it goes when its process does, however that ended. Raises
    `refusal` where another one stays inside for more than `patience` seconds.
    """
    held = FileLock(lock, thread_local=False)
    try:
        held.acquire(timeout=patience)
    except Timeout:
        raise refusal from None
    try:
        yield
    finally:
        held.release()
