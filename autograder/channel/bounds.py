"""The limits that the system holds a process to, and whatever that process starts."""

import contextlib
import mmap
from collections.abc import Mapping
from pathlib import Path


def bound(limits: Mapping[str, int], others: int | None = None) -> None:
    """Bound this process, as far as this system knows the limits; Windows knows none of them.

    `limits` is what `Limits.of_a_process` says. `others` is how many processes of the same user
    there are beside it. Where nobody knows, outside of the sandbox, processes aren't bounded.
    """
    try:
        import resource
    except ImportError:
        return
    wanted = {
        "RLIMIT_AS": _address_space() + limits["memory_bytes"],
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": limits["disk_bytes"],
        "RLIMIT_NOFILE": limits["open_files"],
        "RLIMIT_MEMLOCK": 2**20,
        "RLIMIT_MSGQUEUE": 2**20,
        "RLIMIT_NICE": 0,
        "RLIMIT_RTPRIO": 0,
        "RLIMIT_SIGPENDING": 1024,
    }
    if others is not None:
        wanted["RLIMIT_NPROC"] = limits["processes"] + others
    for name, value in wanted.items():
        which = getattr(resource, name, None)
        if which is not None:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(which, (value, value))


def _address_space() -> int:
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return pages * mmap.PAGESIZE
    return 2**31  # no /proc: what torch takes, and a little
