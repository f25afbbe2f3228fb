"""The command line of bubblewrap, which wraps a warm parent, and whether it works on this machine.

Root gives the parent a few capabilities and each submission a user of its own, since a limit on
processes means nothing to root. Anybody else gets them inside a user namespace. In either case the
parent is the first process of a PID namespace: whatever a submission starts can be ended at once,
and the parent can't be.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

from autograder.sandbox.confine import HOME
from autograder.sandbox.view import packages, visible
from workbook.syllabus import LESSONS

_PATIENCE = 30  # seconds for a trial that takes a hundredth of one
_SMALL, _ROOM = str(2**20), str(2**26)
_CAPABILITIES_OF_ROOT = ("SYS_ADMIN", "SETUID", "SETGID", "KILL", "CHOWN")
_FRESH_PROC, _NO_PROC = ("--proc", "/proc"), ("--tmpfs", "/proc", "--remount-ro", "/proc")
_FIRST_USER, _USERS = 2_000_000_000, 100_000_000


@dataclass(frozen=True)
class Wrapping:
    """A way to call bubblewrap that works here. `as_root` says that a submission takes a user of
    its own; `fresh_proc` that /proc shows the sandbox's own processes, and isn't empty."""

    program: str
    version: str
    as_root: bool
    fresh_proc: bool
    nested: bool  # whether a submission could make user namespaces, were it not for the filter
    sizes: bool = True  # whether a folder in memory can be given one, as since 0.7

    def command(self, visible: list[str]) -> list[str]:
        """bubblewrap with its arguments; what follows them is the command to run inside."""
        if self.as_root:
            apart = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
            apart += ["--unshare-cgroup-try", "--cap-drop", "ALL"]
            for name in _CAPABILITIES_OF_ROOT:
                apart += ["--cap-add", f"CAP_{name}"]
        else:
            apart = ["--unshare-all", "--unshare-user", "--cap-add", "CAP_SYS_ADMIN"]
            apart += [] if self.nested else ["--disable-userns"]
        return [
            self.program,
            *apart,
            *("--die-with-parent", "--as-pid-1", "--hostname", "sandbox"),
            *self._in_memory("/tmp", _SMALL),
            *visible,
            *("--dev", "/dev"),
            *(_FRESH_PROC if self.fresh_proc else _NO_PROC),
            # The parent's own, while it starts; each submission's folder will cover it.
            *self._in_memory(HOME, _ROOM),
            *("--dir", f"{HOME}/tmp", "--chdir", HOME),
            *("--remount-ro", "/tmp", "--remount-ro", "/dev", "--remount-ro", "/"),
        ]

    def _in_memory(self, folder: str, most: str) -> tuple[str, ...]:
        """A folder that only we write to: its size is one more fence, and a submission's own folder
        has another."""
        return (*(("--size", most) if self.sizes else ()), "--tmpfs", folder)

    def user(self) -> int | None:
        """The number of the user that a submission takes, None where it keeps this one. It has no
        name, and nobody else has it."""
        return _FIRST_USER + os.getpid() % _USERS if self.as_root else None


@cache
def find() -> tuple[Wrapping | None, str]:
    """The first way that works, with all a submission is to have; or None, and what bubblewrap
    said."""
    program = shutil.which("bwrap")
    if program is None:
        return None, "bubblewrap is not installed"
    version = _version(program)
    said = ""
    for as_root in [True, False] if os.geteuid() == 0 else [False]:
        for fresh_proc in (True, False):
            nested = as_root or version < (0, 8)
            text = ".".join(map(str, version))
            wrapping = Wrapping(program, text, as_root, fresh_proc, nested, version >= (0, 7))
            failure = _try(wrapping)
            if not failure:
                return wrapping, ""
            said = said or failure
    return None, said


def _version(program: str) -> tuple[int, ...]:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return tuple(int(part) for part in re.findall(r"\d+", done.stdout)[:3])


def _try(wrapping: Wrapping) -> str:
    """What went wrong when a process was confined in this way; empty where nothing did."""
    user = wrapping.user()
    trial = [sys.executable, "-S", "-m", "autograder.sandbox.confine"]
    trial += [] if user is None else [str(user)]
    command = [*wrapping.command(visible(LESSONS[0])), *trial]
    surroundings = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(packages())}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
            env=surroundings,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0 and done.stdout.startswith("confined"):
        return ""
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return lines[-1]
