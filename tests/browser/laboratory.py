"""JupyterLab as `course.py lab` starts it, on a course of its own, while a test needs it."""

import os
import queue
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from workbook.home import root as repository
from workbook.setup.server import HOST
from workbook.syllabus import Lesson

START_SECONDS = 400
STOP_SECONDS = 60
_NOBODY_WAITS = "tornado.iostream.StreamClosedError: Stream is closed"
_ADDRESS = re.compile(rf"http://{re.escape(HOST)}:\d+/\S+token=\S+")


@dataclass
class Laboratory:
    """A running JupyterLab.

    Attributes:
        root: the course's folder.
        address: what `course.py lab` prints for the browser: the lesson, with the secret token.
        lines: what the server has said so far.
    """

    root: Path
    address: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def toolbox(self) -> Path:
        return self.root / "toolbox"

    @property
    def errors(self) -> list[str]:
        """What the server's loggers marked as errors, with what stands below it; nothing of
        answers whose page had gone on to another address before they came."""
        found = re.split(r"^(?=\[[A-Z] |Traceback)", "\n".join(self.lines), flags=re.MULTILINE)
        errors = [each.strip() for each in found if re.match(r"\[E |Traceback", each)]
        return [each for each in errors if not each.endswith(_NOBODY_WAITS)]

    def address_of(self, notebook: Path) -> str:
        """Where a notebook of this course opens, for a browser that has been let in before."""
        place = notebook.relative_to(self.root).as_posix()
        return f"{self.address.partition('/lab/')[0]}/lab/tree/{place}"


def course_in(folder: Path, lesson: Lesson) -> Path:
    """A course in `folder` as a student has it before the first start, with one lesson.

    Raises FileNotFoundError where the lesson hasn't been released.
    """
    for name in ("course.py", "nbgrader_config.py"):
        shutil.copyfile(repository() / name, folder / name)
    released = Path("lessons", lesson.name, f"{lesson.name}.ipynb")
    (folder / released).parent.mkdir(parents=True)
    try:
        shutil.copyfile(repository() / released, folder / released)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{released.as_posix()} isn't there. Make it with:  python3 course.py release"
        ) from None
    return folder


@contextmanager
def laboratory(root: Path, lesson: Lesson) -> Iterator[Laboratory]:
    """`course.py lab` in the course `root`, at a lesson; stopped, with its kernels, at the end.

    Raises RuntimeError when the server ends, or says no address, within START_SECONDS.
    """
    command = [sys.executable, "course.py", "lab", lesson.name, "--here", "--no-browser"]
    process = subprocess.Popen(
        [*command, "--port", str(_some_port())],
        cwd=root,
        env=_environment(root),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    running = Laboratory(root)
    said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(process.stdout, running.lines, said))
    reader.start()
    try:
        running.address = _address(said, running.lines)
        yield running
    finally:
        _stop(process)
        reader.join(STOP_SECONDS)
        process.stdout.close()


def _some_port() -> int:
    """A port that was free a moment ago; `course.py lab` takes the next one if it no longer is."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _environment(root: Path) -> dict[str, str]:
    """A newcomer's: the settings, the workspaces and the toolbox of whoever runs the tests stay
    out of it, and are left alone."""
    ours = ("JUPYTER", "IPYTHON", "WORKBOOK_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    home = root / ".home"
    return kept | {
        "WORKBOOK_HOME": str(root),
        "WORKBOOK_TOOLBOX": str(root / "toolbox"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONUNBUFFERED": "1",
    }


def _read(stream, lines: list[str], said: queue.SimpleQueue) -> None:
    for line in stream:
        lines.append(line.rstrip("\n"))
        said.put(line)
    said.put(None)


def _address(said: queue.SimpleQueue, lines: list[str]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            line = said.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            line = None
        if line is None:
            raise RuntimeError(
                f"JupyterLab gave no address within {START_SECONDS} s. It said:\n"
                + "\n".join(lines[-40:])
            )
        if found := _ADDRESS.search(line):
            return found.group()


def _stop(process: subprocess.Popen) -> None:
    """Ask the server to end: it ends its kernels first. Kill it if it doesn't."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise RuntimeError(f"JupyterLab did not stop within {STOP_SECONDS} s; killed.") from None
