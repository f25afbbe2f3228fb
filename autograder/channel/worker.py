"""The process in which a submission's code runs: `python -m autograder.channel.worker`.

It reads requests from what was its standard input and answers on what was its standard output;
everything the student's code prints goes to standard error, which the judge drains and counts.
It knows no exercise. Requests:

    run      execute a cell of a notebook, or a file
    open     put the piece of this name on a bench and serve it, in a fork of this process, so that
             nothing a check does to one piece is seen by the next
    (then)   everything `autograder.channel.bench` answers, until "close"
"""

import contextlib
import importlib.abc
import linecache
import os
import sys
import types
from typing import Any, BinaryIO

import torch

import autograder
from autograder.channel.bench import Bench, Request, describe_error
from autograder.channel.frames import EndOfFrames, read_frame, write_frame
from autograder.channel.wire import decode, encode

LONGEST = 2**31
FILE_MODULE = "submission"
CLOSED = 113  # how a fork ends when the judge has closed it; 0 is how a student's exit() ends one


class Absent(importlib.abc.MetaPathFinder):
    """Refuses to import what a submission must not lean on: exercises, and references it is to
    write."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if any(name == absent or name.startswith(absent + ".") for absent in self._names):
            raise ModuleNotFoundError(
                f"{name} is not there while a submission is judged", name=name
            )


class FileRunner:
    """Runs the text of a file as a module of its own (so an `if __name__ == "__main__"` does not
    run)."""

    def __init__(self) -> None:
        self.module = types.ModuleType(FILE_MODULE)
        sys.modules[FILE_MODULE] = self.module
        self.names = vars(self.module)

    def run(self, source: str, label: str) -> BaseException | None:
        linecache.cache[label] = (len(source), None, source.splitlines(keepends=True), label)
        try:
            exec(compile(source, label, "exec"), self.names)
        except BaseException as error:
            return error.with_traceback(error.__traceback__.tb_next)  # without this frame
        return None


class NotebookRunner:
    """Runs cells as a notebook does, magics included."""

    def __init__(self) -> None:
        from IPython.core.interactiveshell import InteractiveShell

        self._shell = InteractiveShell.instance(colors="NoColor")
        self._shell.showtraceback = lambda *args, **kwargs: None
        self._shell.enable_gui = lambda gui=None: None  # %matplotlib inline asks for it
        self.names = self._shell.user_ns

    def run(self, source: str, label: str) -> BaseException | None:
        result = self._shell.run_cell(source, store_history=True)
        return result.error_before_exec or result.error_in_exec


def main() -> None:
    """Serve until the judge closes its end."""
    requests, replies = _take_over_standard_streams()
    first = decode(read_frame(requests, LONGEST))
    _limit(first["memory_bytes"])
    sys.meta_path.insert(0, Absent(first["absent"]))
    # A fork must not inherit a pool of threads; and a class shares the cores.
    torch.set_num_threads(1)
    torch.backends.mps.is_available = lambda: False  # nor does Metal survive a fork
    autograder.check = lambda name: None
    runner = NotebookRunner() if first["notebook"] else FileRunner()
    write_frame(replies, encode({"value": None, "calls": []}))
    with contextlib.suppress(EndOfFrames):
        while True:
            request = decode(read_frame(requests, LONGEST))
            if request["op"] == "run":
                error = runner.run(request["source"], request["label"])
                reply = {"value": None, "calls": []}
                write_frame(
                    replies, encode(reply | ({"error": describe_error(error)} if error else {}))
                )
            elif request["op"] == "open":
                _serve_in_fork(requests, replies, runner.names, request["name"])


def _serve_in_fork(requests: BinaryIO, replies: BinaryIO, names: dict, name: str) -> None:
    """Serve one piece in a fork; where the system has none, in this process."""
    if not hasattr(os, "fork"):
        _serve(requests, replies, names, name)
        return
    child = os.fork()
    if child == 0:
        try:
            _serve(requests, replies, names, name)
            os._exit(CLOSED)
        finally:
            os._exit(70)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != CLOSED:
        write_frame(replies, encode({"died": code}))


def _serve(requests: BinaryIO, replies: BinaryIO, names: dict, name: str) -> None:
    defined = name in names
    write_frame(replies, encode({"value": defined, "calls": []}))
    bench = Bench(names.get(name))
    while True:
        request = decode(read_frame(requests, LONGEST))
        if request["op"] == "close":
            write_frame(replies, encode({"value": None, "calls": []}))
            return
        write_frame(replies, _answer(bench, request))


def _answer(bench: Bench, request: Request) -> bytes:
    try:
        return encode(bench.handle(request))
    except Exception as error:  # too large to be written down, say
        return encode({"error": describe_error(error), "calls": []})


def _take_over_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """The channel moves to private descriptors; prints go to standard error, reads find nothing."""
    requests, replies = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it lives as long as the process
    return requests, replies


def _limit(memory_bytes: int) -> None:
    """Bound the address space; Windows has no such limit, and its worker runs without."""
    try:
        import resource
    except ImportError:
        return
    for limit, value in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main()
