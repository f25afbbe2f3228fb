"""What an attacker would try, each attempt bounded by itself: `autograder doctor` runs them inside.

They are seen from inside the sandbox, as the warm parent is, and import nothing of the course.
"""

import contextlib
import ctypes
import mmap
import os
import signal
import socket
import sys
import time
from pathlib import Path

_TOKEN_LIMIT = 4096


def read_files(paths: list[str]) -> list[str]:
    """What can be read of these files, by their names or through another process's root."""
    found = []
    for path in paths:
        for way in (path, f"/proc/1/root{path}", f"/proc/{os.getppid()}/root{path}"):
            with contextlib.suppress(OSError):
                found.append(Path(way).read_text(errors="replace")[:_TOKEN_LIMIT])
    return found


def list_folders(paths: list[str]) -> list[str]:
    """The names in these folders."""
    found = []
    for path in paths:
        with contextlib.suppress(OSError):
            found += os.listdir(path)
    return found


def write_files(paths: list[str]) -> list[str]:
    """Which of these files can be written."""
    written = []
    for path in paths:
        with contextlib.suppress(OSError):
            Path(path).write_text("written from inside")
            written.append(path)
    return written


def import_modules(names: list[str]) -> list[str]:
    """Which of these modules can be imported, once nothing in this process forbids it."""
    sys.meta_path[:] = [each for each in sys.meta_path if type(each).__name__ != "Absent"]
    found = []
    for name in names:
        with contextlib.suppress(Exception):
            __import__(name)
            found.append(name)
    return found


def connect(port: int, name: str) -> list[str]:
    """Which of the machine's sockets answer: on its loopback, in its abstract names, and the
    outside's."""
    reached = []
    for family, address in (
        (socket.AF_INET, ("127.0.0.1", port)),
        (socket.AF_UNIX, f"\0{name}"),
        (socket.AF_INET, ("192.0.2.1", 9)),  # an address that nobody has: no route is the answer
    ):
        with contextlib.suppress(OSError), socket.socket(family) as line:
            line.settimeout(0.3)
            line.connect(address)
            reached.append(str(address))
    return reached


def kill(pids: list[int]) -> list[int]:
    """Which of these processes a signal reaches."""
    reached = []
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
            reached.append(pid)
    return reached


def surroundings() -> list[str]:
    """Every environment that can be read: this process's and others'."""
    found = [repr(dict(os.environ))]
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                found.append(Path("/proc", name, "environ").read_text(errors="replace"))
    return found


def fork_many(count: int) -> int:
    """How many of so many processes start; they live for a moment."""
    started = []
    with contextlib.suppress(OSError):
        for _ in range(count):
            pid = os.fork()
            if pid == 0:
                time.sleep(5)
                os._exit(0)
            started.append(pid)
    for pid in started:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return len(started)


def take_memory(size: int) -> int:
    """How many of so many bytes one process gets and fills."""
    held, part = [], 2**24
    with contextlib.suppress(MemoryError, OSError):
        while part * len(held) < size:
            block = mmap.mmap(-1, part)
            block[::4096] = b"x" * (part // 4096)
            held.append(block)
    return part * len(held)


def take_memory_together(size: int, processes: int) -> None:
    """Fill so many bytes in several processes, none of which takes much."""
    for _ in range(processes):
        if os.fork() == 0:
            held = mmap.mmap(-1, size // processes)
            held[::4096] = b"x" * len(held[::4096])
            time.sleep(5)
            os._exit(0)
    time.sleep(3)


def take_disk(size: int) -> int:
    """How many of so many bytes can be written to the temporary folders together."""
    written, part = 0, bytes(2**20)
    for number in range(16):
        folder = ("/tmp", "/dev/shm", os.environ.get("HOME", "/"))[number % 3]
        with contextlib.suppress(OSError), open(f"{folder}/fill-{number}", "wb") as file:
            while written < size:
                file.write(part)
                written += len(part)
    return written


def leave_things(name: str) -> None:
    """Leave a file in each temporary folder, a message queue, and a process that got away."""
    for folder in ("/tmp", "/dev/shm", os.environ.get("HOME", "/")):
        with contextlib.suppress(OSError):
            Path(folder, name).write_text(name)
    ctypes.CDLL(None).msgget(0x5EED, 0o1666)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(30)  # it holds the pipes of its prints: as long as it lives, they are open
        os._exit(0)


def find_things(name: str) -> list[str]:
    """What is there of what another submission left."""
    folders = ("/tmp", "/dev/shm", os.environ.get("HOME", "/"))
    found = [folder for folder in folders if Path(folder, name).exists()]
    if ctypes.CDLL(None).msgget(0x5EED, 0o666) != -1:
        found.append("a message queue")
    return found


def call_the_kernel() -> list[str]:
    """Which calls are answered that lead out of sandboxes."""
    libc, answered = ctypes.CDLL(None, use_errno=True), []
    for name, flags in (("a user namespace", 0x10000000), ("a mount namespace", 0x00020000)):
        if os.fork() == 0:
            os._exit(0 if libc.unshare(flags) == 0 else 1)
        if os.waitstatus_to_exitcode(os.wait()[1]) == 0:
            answered.append(name)
    if libc.ptrace(16, os.getppid(), 0, 0) == 0:
        answered.append("tracing the parent")
    with contextlib.suppress(OSError):
        socket.socket(40, socket.SOCK_STREAM).close()
        answered.append("sockets between virtual machines")
    with contextlib.suppress(OSError):
        os.setuid(0)
        answered.append("being root")
    return answered
