"""The set-up as its user sees it: one line a step, with the time it took, and a log of the rest."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


class Step:
    """The step in progress. Its `note` is what a terminal shows behind the title."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.note = ""
        self.started = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self.started


def spoken(seconds: float) -> str:
    """A duration as one says it: `3 s`, `2 min 5 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


class Steps:
    """Shows steps on `stream` and writes every command's output to `log`.

    In a terminal the running step's line is redrawn each second; elsewhere it is written once.
    """

    def __init__(self, stream: TextIO | None = None, log: Path | None = None) -> None:
        self.stream = stream or sys.stdout
        self.log = log
        self.live = self.stream.isatty()
        self.handed_on: tuple[int, ...] = ()  # descriptors that every command inherits

    def say(self, line: str = "") -> None:
        self.stream.write(line + "\n")
        self.stream.flush()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show `title` while the block runs, and the time it took when it is over."""
        current = Step(title)
        over = threading.Event()
        self._record(f"== {title}")
        self.stream.write(f"  {title} ... ")
        self.stream.flush()
        clock = threading.Thread(target=self._tick, args=(current, over), daemon=True)
        if self.live:
            clock.start()
        ending = "stopped after"
        try:
            yield current
            ending = "done in"
        finally:
            over.set()
            if self.live:
                clock.join()
                self._redraw(f"  {title} ... ")
            self.say(f"{ending} {spoken(current.seconds())}")

    def run(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        on_line: Callable[[str], None] | None = None,
    ) -> tuple[int, list[str]]:
        """Run a command to its end: (exit status, its output's lines, both streams together).

        Each line goes to the log and to `on_line` as it arrives. Raises OSError where the
        command can't be started.
        """
        self._record("$ " + " ".join(command))
        lines: list[str] = []
        with subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(variables),
            text=True,
            encoding="utf-8",
            errors="replace",
            pass_fds=self.handed_on,
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    lines.append(line.rstrip("\n"))
                    self._record(lines[-1])
                    if on_line:
                        on_line(lines[-1])
            except BaseException:
                process.terminate()
                raise
        return process.returncode, lines

    def _record(self, line: str) -> None:
        if self.log is None:
            return
        try:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError:  # a full disk is reported by the step that needs the room
            self.log = None

    def _tick(self, step: Step, over: threading.Event) -> None:
        while not over.wait(1.0):
            note = f"{step.note}, " if step.note else ""
            self._redraw(f"  {step.title} ... {note}{spoken(step.seconds())}")

    def _redraw(self, line: str) -> None:
        # Spaces wipe out the rest of the line before: not every console knows the escape for it.
        width = shutil.get_terminal_size().columns - 1
        self.stream.write("\r" + " " * width + "\r" + line[:width])
        self.stream.flush()
