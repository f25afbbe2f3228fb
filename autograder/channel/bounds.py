"""The limits that the system holds a process to, and whatever that process starts."""

import contextlib
import mmap
import platform
from collections.abc import Mapping
from pathlib import Path


def bound(limits: Mapping[str, int], count_processes: bool = True) -> None:
    """Bound this process, as far as this system knows the limits; Windows knows none of them.

    `limits` has some of the fields of `Limits`. `count_processes` is for the sandbox: outside of
    it, all the processes of a user count.
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
    if count_processes:
        wanted["RLIMIT_NPROC"] = limits["processes"] + _counted_already()
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


def _counted_already() -> int:
    """Processes that count against the limit though they aren't the submission's.

    Since Linux 5.14 a user is counted in each user namespace apart; before, all of the user's
    processes on the machine count, and none of them can be seen from here.
    """
    release = platform.release().split(".")
    with contextlib.suppress(ValueError, IndexError):
        if (int(release[0]), int(release[1].split("-")[0])) >= (5, 14):
            return 2  # the parent, and a thread that it may have
    return 4096
