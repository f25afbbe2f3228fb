"""What becomes of memory that a step of training frees."""

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_KEPT = 2**30  # bytes


@cache
def keep_freed_memory() -> bool:
    """From now on, memory that this process frees is kept for its next step, up to 1 GiB; returns
    whether that could be had.

    Every step on a CPU asks for the same large tensors and frees them. The C library of Linux gives
    them back to the system each time and gets them again page by page: a tenth of a step's time.
    Other C libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # musl has no such function
        return False
    return all(mallopt(setting, _KEPT) == 1 for setting in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))
