"""The process in which a submission's code runs: `python -m autograder.channel.worker`.

It reads requests from what was its standard input and answers on what was its standard output;
everything the student's code prints goes to standard error, which the judge drains and counts.
Or it is forked from a process that has imported all this before (`autograder.sandbox.parent`) and
is given its pipes. It knows no exercise. Requests:

    run      execute a cell of a notebook, or a file
    open     put the piece of this name on a bench and serve it, in a fork of this process, so that
             nothing a check does to one piece is seen by the next; with other pieces "lent", the
             course's take their place there, and the cells of "again" are run on them
    (then)   everything `autograder.channel.bench` answers, until "close"
"""

import contextlib
import linecache
import os
import sys
import types
from typing import Any, BinaryIO, Protocol

import torch

import autograder
from autograder.channel.absent import refuse
from autograder.channel.bench import Bench, Reply, Request, describe_error
from autograder.channel.bounds import bound
from autograder.channel.frames import EndOfFrames, read_frame, write_frame
from autograder.channel.wire import decode, encode
from workbook.device import seed

LONGEST = 2**31
_SEED = 0  # a class draws equal numbers
FILE_MODULE = "submission"
CLOSED = 113  # how a fork ends when the judge has closed it; 0 is how a student's exit() ends one


class Runner(Protocol):
    """Something that runs a student's code; `names` is what that code has defined."""

    names: dict[str, Any]

    def run(self, source: str, label: str) -> BaseException | None: ...


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
        from traitlets.config import Config

        # A history on disk has a thread, which no fork would have.
        memory = Config({"HistoryManager": {"hist_file": ":memory:"}})
        self._shell = InteractiveShell.instance(colors="NoColor", config=memory)
        self._shell.showtraceback = lambda *args, **kwargs: None
        self._shell.enable_gui = lambda gui=None: None  # %matplotlib inline asks for it
        self.names = self._shell.user_ns

    def run(self, source: str, label: str) -> BaseException | None:
        result = self._shell.run_cell(source, store_history=True)
        return result.error_before_exec or result.error_in_exec


def main() -> None:
    """Serve until the judge closes its end, in a process that nobody has prepared."""
    requests, replies = _take_over_standard_streams()
    setting = decode(read_frame(requests, LONGEST))
    bound(setting["limits"])
    refuse(setting["absent"])
    prepare()
    converse(requests, replies, setting["notebook"])


def prepare() -> None:
    """What holds for this process and for all its forks."""
    # A fork that inherits a pool of threads waits for them without end; and a class shares the
    # cores. So there is one thread, whatever a notebook asks for.
    torch.set_num_threads(1)
    torch.set_num_threads = lambda number: None
    torch.backends.mps.is_available = lambda: False  # nor does Metal survive a fork
    autograder.check = lambda name: None


def converse(requests: BinaryIO, replies: BinaryIO, notebook: bool) -> None:
    """Say that the worker is there, then answer until the judge closes its end."""
    runner = NotebookRunner() if notebook else FileRunner()
    seed(_SEED)
    write_frame(replies, encode({"value": None, "calls": []}))
    with contextlib.suppress(EndOfFrames):
        while True:
            request = decode(read_frame(requests, LONGEST))
            if request["op"] == "run":
                write_frame(replies, encode(_run(runner, request)))
            elif request["op"] == "open":
                _serve_in_fork(requests, replies, runner, request)


def _run(runner: Runner, request: Request) -> Reply:
    error = runner.run(request["source"], request["label"])
    reply: Reply = {"value": None, "calls": []}
    return reply if error is None else reply | {"error": describe_error(error)}


def _serve_in_fork(requests: BinaryIO, replies: BinaryIO, runner: Runner, request: Request) -> None:
    """Serve one piece in a fork; where the system has none, in this process."""
    if not hasattr(os, "fork"):
        _serve(requests, replies, runner, request)
        return
    child = os.fork()
    if child == 0:
        try:
            _serve(requests, replies, runner, request)
            os._exit(CLOSED)
        finally:
            os._exit(70)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != CLOSED:
        write_frame(replies, encode({"died": code}))


def _serve(requests: BinaryIO, replies: BinaryIO, runner: Runner, request: Request) -> None:
    if request.get("lent") is not None:
        _lend(runner.names, request["lent"])
        for cell in request["again"]:
            runner.run(cell["source"], cell["label"])
    name = request["name"]
    write_frame(replies, encode({"value": name in runner.names, "calls": []}))
    bench = Bench(runner.names.get(name))
    while True:
        request = decode(read_frame(requests, LONGEST))
        if request["op"] == "close":
            write_frame(replies, encode({"value": None, "calls": []}))
            return
        write_frame(replies, _answer(bench, request))


def _lend(names: dict[str, Any], lent: Request) -> None:
    """Put the course's pieces of these names in the place of the student's own."""
    module = types.ModuleType(lent["module"])
    sys.modules[lent["module"]] = module
    exec(compile(lent["source"], lent["module"], "exec"), vars(module))
    names.update({name: getattr(module, name) for name in lent["names"]})


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


if __name__ == "__main__":
    main()
