"""A worker that is started by itself, with its own Python: slower, and on every system."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from autograder.channel.working import Ending
from workbook.home import root


class Alone:
    """A worker in a process group and with a temporary folder of its own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="worker-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "autograder.channel.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder.name,
            env=environment(self._folder.name),
            start_new_session=True,
        )
        self.requests, self.replies = self._process.stdin, self._process.stdout
        self.output = self._process.stderr
        self._lock = threading.Lock()
        self._ending: Ending | None = None

    def end(self, patience: float = 0.0) -> Ending:
        with self._lock:
            if self._ending is None:
                self._ending = self._end(patience)
            return self._ending

    def _end(self, patience: float) -> Ending:
        code = self._process.poll()
        if code is None and patience:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(patience)
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()
        return Ending(code)


def environment(folder: str) -> dict[str, str]:
    """What a worker knows of its surroundings: where Python and the course are, and no more."""
    kept = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": folder,
        "TMPDIR": folder,
        "IPYTHONDIR": str(Path(folder) / "ipython"),
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": folder,
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",  # CUDA survives no fork, and a class gets equal numbers
        "WORKBOOK_HOME": str(root()),
        "WORKBOOK_TOOLBOX": str(Path(folder) / "toolbox"),
    }
