"""The warm parent: `python -m autograder.sandbox.parent CONTROL`.

It imports what lessons import, once, and then forks a worker for each submission that the judge
announces on the socket CONTROL, one after the other. No student's code ever runs in it. In the
sandbox it is the first process of its PID namespace, so no signal from within reaches it, it can
end all the others at once, and what they leave behind is its to bury.

The socket carries JSON, one object a packet:

    ← {"ready": true}                          it has imported everything
    → {"limits": {…}, "user": …} and 3 pipes   fork a worker with these requests, replies, output
    → {"end": patience}                        end it, once it had so many seconds to end by itself
    ← {"code": …, "cause": …}                  how it ended; nothing of it is left
"""

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.channel.absent import refuse
from autograder.channel.bench import Bench
from autograder.channel.bounds import bound
from autograder.channel.frames import read_frame
from autograder.channel.wire import decode, encode
from autograder.channel.worker import LONGEST, NotebookRunner, converse, prepare
from autograder.sandbox.confine import confine, hide_from_others

_WARM = (
    *("numpy", "matplotlib.pyplot", "matplotlib.backends.backend_agg", "torch.nn.functional"),
    *("torch.nested._internal.nested_tensor", "torch.overrides"),
    *("workbook.device", "workbook.toolbox", "workbook.figures", "workbook.corpus"),
)
_TICK = 0.1  # seconds between two looks at a worker's memory
_LARGEST_PACKET = 2**16
_NOT_CONFINED = 71  # the exit code of a worker that couldn't be confined


def main(control: socket.socket, setting: dict[str, Any]) -> None:
    """Fork workers until the judge closes its end."""
    confined = setting["confined"]
    if confined:
        hide_from_others()
    refuse(setting["absent"])
    prepare()
    _warm_up(setting["lesson"])
    control.send(json.dumps({"ready": True}).encode())
    while True:
        packet, pipes = _receive(control)
        if not packet:
            return
        if "limits" in packet:
            worker = _Forked(packet, pipes, confined, control)
            worker.watch(control)


def _warm_up(lesson: str) -> None:
    import torch

    for name in _WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with contextlib.suppress(ImportError, AttributeError):
        figures = importlib.import_module("workbook.figures")
        for name in dir(figures):
            getattr(figures, name)
    NotebookRunner().run("import math\nimport torch\nfrom torch import nn", "warm")
    # What numbers need when they are first computed: no threads, and no gradients yet.
    scores = torch.ones(2, 3) @ torch.ones(3, 4)
    scores.masked_fill(scores == 0, 0.0).exp().softmax(-1).sum(0, keepdim=True)
    bench = Bench(torch.add)
    bench.handle(decode(encode({"op": "describe", "with": scores})))
    gc.collect()
    gc.freeze()


class _Forked:
    """The worker of one submission, and whatever it starts."""

    def __init__(
        self, packet: dict[str, Any], pipes: list[int], confined: bool, control: socket.socket
    ) -> None:
        self._limits = packet["limits"]
        self._confined = confined
        self._folder = None if confined else tempfile.mkdtemp(prefix="worker-")
        self._code: int | None = None
        self._cause = ""
        self._inherited = _anonymous_bytes("self")
        self._pid = os.fork()
        if self._pid == 0:
            self._become_worker(packet, pipes, control)
        for pipe in pipes:
            os.close(pipe)

    def _become_worker(
        self, packet: dict[str, Any], pipes: list[int], control: socket.socket
    ) -> None:
        try:
            control.close()
            os.setsid()
            requests, replies, output = pipes
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            if self._confined:
                confine(self._limits, packet["user"])
            else:
                _settle(self._folder)
                bound(self._limits)
            with os.fdopen(requests, "rb", buffering=0) as asked, os.fdopen(replies, "wb") as told:
                notebook = decode(read_frame(asked, LONGEST))["notebook"]
                converse(asked, told, notebook)
        except OSError as error:
            print(error, file=sys.stderr)
            os._exit(_NOT_CONFINED)
        finally:
            os._exit(0)

    def watch(self, control: socket.socket) -> None:
        """Wait until the judge says that it shall end, and end it; sooner where it takes too much
        memory."""
        while True:
            ready, _, _ = select.select([control], [], [], _TICK)
            if ready:
                packet, _ = _receive(control)
                break
            self._bury()
            if not self._cause and self._memory() > self._limits["memory_bytes"]:
                self._cause = "memory"
                self._kill()
        deadline = time.monotonic() + packet.get("end", 0.0)
        while self._bury() and time.monotonic() < deadline:
            time.sleep(0.002)
        killed = self._code is None
        self._kill()
        code = None if killed or self._cause else self._code
        with contextlib.suppress(OSError):  # the judge may be gone
            control.send(json.dumps({"code": code, "cause": self._cause}).encode())

    def _bury(self) -> bool:
        """Take note of what has ended; whether the worker itself still runs."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == self._pid:
                    self._code = os.waitstatus_to_exitcode(status)
                elif pid == 0:
                    break
        return self._code is None

    def _kill(self) -> None:
        """End all of it. Afterwards there is no other process in the sandbox."""
        if self._confined and os.getpid() == 1:
            # One call ends every process but the first, whoever is its parent and while it forks.
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.waitpid(-1, 0)
        elif self._code is None or not self._confined:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
            if self._code is None:
                os.waitpid(self._pid, 0)
        if self._code is None:
            self._code = -signal.SIGKILL
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _memory(self) -> int:
        """Bytes that the worker and all it started hold beyond what they inherited."""
        if not (self._confined and os.getpid() == 1):
            return 0
        return sum(
            max(0, _anonymous_bytes(pid) - self._inherited) for pid in _processes() if pid != "1"
        )


def _settle(folder: str) -> None:
    """A temporary folder of its own, where no sandbox gives one."""
    os.chdir(folder)
    for name in ("HOME", "TMPDIR", "MPLCONFIGDIR"):
        os.environ[name] = folder
    os.environ["IPYTHONDIR"] = str(Path(folder) / "ipython")
    os.environ["WORKBOOK_TOOLBOX"] = str(Path(folder) / "toolbox")
    tempfile.tempdir = None


def _processes() -> Iterator[str]:
    with contextlib.suppress(OSError):
        yield from (name for name in os.listdir("/proc") if name.isdigit())


def _anonymous_bytes(pid: str) -> int:
    """Memory of a process that no file stands for, in bytes; 0 where that can't be seen."""
    try:
        status = Path("/proc", pid, "status").read_text()
    except OSError:
        return 0
    kilobytes = 0
    for line in status.splitlines():
        if line.startswith(("RssAnon:", "RssShmem:")):
            kilobytes += int(line.split()[1])
    return 1024 * kilobytes


def _receive(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next packet and its pipes; an empty one when the judge is gone."""
    try:
        data, pipes, _, _ = socket.recv_fds(control, _LARGEST_PACKET, 3)
    except OSError:
        return {}, []
    return (json.loads(data) if data else {}), pipes


if __name__ == "__main__":
    _control = socket.socket(fileno=int(sys.argv[1]))
    main(_control, json.loads(_control.recv(_LARGEST_PACKET)))
