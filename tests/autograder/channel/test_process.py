"""A worker under all sorts of code: answered or lost within the limits, and nothing left of it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from autograder.channel.limits import Limits
from autograder.channel.piece import PieceLost, PieceRaised
from autograder.channel.process import Process
from workbook.syllabus import LESSONS, lesson

# Far more than anything here takes; only something that never ends reaches it.
ENDLESS = 60

ROOMY = Limits(memory_bytes=6 * 2**30, output_bytes=2**20, message_bytes=2**20)
TWO_SECONDS = replace(ROOMY, request_seconds=2.0, cell_seconds=2.0)

STUDENT = '''\
import os
import signal
import sys
import threading
import time

import torch


def where():
    return os.getpgrp(), os.getcwd()


def echo(value=None):
    return value


def hangs():
    time.sleep(1000)


def dozes(x=None):
    time.sleep(0.3)


def dies(how):
    if how == "exit":
        os._exit(0)
    os.kill(os.getpid(), getattr(signal, how))


def prints(megabytes):
    line = "x" * 1023
    for _ in range(megabytes * 1024):
        print(line)


def allocates(terabytes):
    return len(bytearray(terabytes * 2**40))


def allocates_a_tensor(terabytes):
    return torch.empty(terabytes, 2**38).shape


def returns(megabytes):
    return torch.ones(megabytes, 2**18)


def returns_a_promise():
    return torch.ones(1).expand(2**20, 2**20)


def every_descriptor(use):
    for descriptor in range(3, 64):  # 0, 1 and 2 are not the channel
        try:
            use(descriptor)
        except OSError:
            pass


def writes_garbage():
    every_descriptor(lambda descriptor: os.write(descriptor, b"\\\\xff" * 100))


def writes_half_a_frame():
    every_descriptor(lambda descriptor: os.write(descriptor, b"\\\\x10" + b"\\\\0" * 7 + b"{"))
    time.sleep(1000)


def forges(reply):
    from autograder.channel.frames import write_frame
    from autograder.channel.wire import encode

    def forge(descriptor):
        with os.fdopen(os.dup(descriptor), "wb") as pipe:
            write_frame(pipe, encode(reply))

    every_descriptor(forge)


def floods_with_frames():
    from autograder.channel.frames import write_frame
    from autograder.channel.wire import encode

    frame = encode({"value": torch.zeros(2**14), "calls": []})

    def forge(descriptor):
        with os.fdopen(os.dup(descriptor), "wb") as pipe:
            while True:
                write_frame(pipe, frame)

    threading.Thread(target=every_descriptor, args=(forge,), daemon=True).start()
    time.sleep(1000)


def closes_everything():
    os.closerange(0, 64)


def closes_prints():
    sys.stdout.close()
    sys.stderr.close()
    os.close(1)
    os.close(2)
    return "still here"


def stops_later():
    """Answers, and then never reads again."""

    def stop():
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGSTOP)

    threading.Thread(target=stop).start()


def leaves_threads():
    for _ in range(5):
        threading.Thread(target=time.sleep, args=(1000,)).start()
    return threading.active_count()


def forks(escape):
    child = os.fork()
    if child == 0:
        if escape:
            os.setsid()
        time.sleep(1000)
    return child


def reads_input():
    return sys.stdin.read(), input()


def echo_memory_limit():
    import resource

    return resource.getrlimit(resource.RLIMIT_AS)[1]


def looks_around():
    return dict(os.environ), sys.argv
'''


@pytest.fixture(autouse=True)
def alarm():
    """Ends a test that would never end."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def ring(*_):
        raise TimeoutError(f"still going after {ENDLESS} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(ENDLESS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def living(group):
    """The processes of a group that are more than a zombie."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@contextlib.contextmanager
def worker(limits=ROOMY):
    """A worker that has read STUDENT; afterwards nothing may be left of it."""
    threads = threading.active_count()
    with Process(lesson(2), limits, notebook=False) as process:
        assert process.run(STUDENT, "student.py") is None
        with process.piece("where") as piece:
            group, folder = piece()
        assert living(group)
        assert Path(folder).is_dir()
        yield process
    psutil.wait_procs(living(group), timeout=10)  # killed, and not yet gone
    assert living(group) == []
    assert not Path(folder).exists()
    assert threading.active_count() == threads


def called_and_described(process, name, *args):
    with process.piece(name) as piece:
        piece(*args)
        piece.describe()


def lost(name, *args, limits=ROOMY):
    """How a worker is lost when this piece of STUDENT is called, and asked once more."""
    with worker(limits) as process:
        with pytest.raises(PieceLost) as gone:
            called_and_described(process, name, *args)
        assert process.lost
        with pytest.raises(PieceLost) as again:
            process.run("x = 1", "later")
        assert again.value.cause == gone.value.cause
    return gone.value


@pytest.fixture(scope="module")
def steady():
    """One worker for what a worker survives."""
    with worker() as process:
        yield process


def call(process, name, *args):
    with process.piece(name) as piece:
        return piece(*args)


# ---- what it survives --------------------------------------------------------------------------


def test_every_piece_lies_in_a_process_of_its_own(steady):
    assert (
        steady.run("count = []\ndef add():\n    count.append(1)\n    return len(count)", "") is None
    )
    for _ in range(2):
        with steady.piece("add") as piece:
            assert [piece(), piece()] == [1, 2]


def test_a_name_that_nothing_has_is_no_piece(steady):
    with steady.piece("nothing_has_this_name") as piece:
        assert piece is None


def test_a_file_that_does_not_parse_is_the_students_error(steady):
    error = steady.run("x = (\n", "broken.py")
    assert (error["type"], error["line"]) == ("SyntaxError", 1)


def test_an_error_at_the_top_of_a_file_has_its_line(steady):
    error = steady.run("x = 1\ny = undefined\n", "broken.py")
    assert (error["type"], error["line"], error["code"]) == ("NameError", 2, "y = undefined")


@pytest.mark.parametrize(
    "source", ["import sys\nsys.exit()", "raise KeyboardInterrupt", "raise SystemExit"]
)
def test_a_file_that_wants_to_leave_is_an_error(steady, source):
    assert steady.run(source, "leaving.py")["type"] in ("SystemExit", "KeyboardInterrupt")


def test_source_that_python_chokes_on_shows_no_line_of_ours(steady):
    error = steady.run("x = " + "-" * 100_000 + "1", "deep.py")
    assert (error["code"], error["line"]) == ("", 0)


def test_a_main_block_does_not_run(steady):
    assert steady.run("if __name__ == '__main__':\n    raise ValueError", "main.py") is None


def test_input_is_at_its_end(steady):
    with steady.piece("reads_input") as piece, pytest.raises(PieceRaised, match="EOFError"):
        piece()


def test_its_surroundings_say_little(steady, monkeypatch):
    assert "SECRET" not in os.environ
    environment, arguments = call(steady, "looks_around")
    assert set(environment) <= {
        "PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT", "HOME", "TMPDIR",
        "IPYTHONDIR", "MPLBACKEND", "MPLCONFIGDIR", "PYTHONPATH", "PYTHONIOENCODING",
        "PYTHONUNBUFFERED", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "WORKBOOK_HOME",
        "WORKBOOK_TOOLBOX",
    }  # fmt: skip
    assert environment["HOME"] == environment["TMPDIR"]
    assert len(arguments) == 1


def test_submissions_are_judged_on_the_cpu_whatever_there_is(steady):
    environment, _ = call(steady, "looks_around")
    assert environment["CUDA_VISIBLE_DEVICES"] == ""
    source = (
        "import torch\nfrom workbook.device import pick_device\n"
        "torch.backends.mps.is_built = lambda: True\nassert pick_device().type == 'cpu'"
    )
    assert steady.run(source, "device.py") is None


def test_closed_prints_hurt_nobody(steady):
    assert call(steady, "closes_prints") == "still here"
    assert call(steady, "echo", 1) == 1


def test_threads_left_behind_hurt_nobody(steady):
    assert call(steady, "leaves_threads") >= 5
    assert call(steady, "echo", 2) == 2


def test_a_process_left_behind_ends_with_the_worker():
    with worker() as process:
        child = call(process, "forks", False)
        assert psutil.pid_exists(child)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("name", ["allocates", "allocates_a_tensor", "returns_a_promise"])
def test_more_memory_than_there_may_be_is_an_error(steady, name):
    arguments = [] if name == "returns_a_promise" else [1]
    with steady.piece(name) as piece, pytest.raises(PieceRaised) as raised:
        piece(*arguments)
    assert raised.value.is_a(RuntimeError, MemoryError)


def test_memory_is_bounded_by_what_the_limits_say(steady):
    beyond = call(steady, "echo_memory_limit") - ROOMY.memory_bytes
    assert 0 < beyond < 2**34  # what its imports take, CUDA's included


def test_a_piece_that_cannot_be_described_does_not_disturb_the_next(steady):
    source = (
        "class Defensive:\n    def __repr__(self):\n        raise ValueError\n"
        "def guarded(x=Defensive()):\n    pass\n"
    )
    assert steady.run(source, "guarded.py") is None
    with pytest.raises(PieceRaised), steady.piece("guarded") as piece:
        piece.describe()
    assert call(steady, "echo", 3) == 3


def test_a_question_that_fails_here_does_not_disturb_the_next(steady):
    with pytest.raises(ZeroDivisionError), steady.piece("echo"):
        raise ZeroDivisionError
    assert call(steady, "echo", 4) == 4


def test_what_it_prints_is_kept_up_to_a_length(steady):
    call(steady, "prints", 0)
    assert steady.run("print('él', flush=True)", "printing.py") is None
    with steady.piece("echo"):  # a round trip, so that the print has been on its way for a while
        pass
    assert len(steady.output) <= 20_000


# ---- what can be imported over there -----------------------------------------------------------


def importing(process, module):
    error = process.run(f"import {module}", "importing.py")
    return None if error is None else error["type"]


def test_exercises_and_references_of_this_and_later_lessons_are_absent(steady):
    absent = ["autograder.exercises", "autograder.exercises.dot_product_attention"]
    absent += [f"workbook.pieces.{each.module}" for each in LESSONS[1:]]
    for module in absent:
        assert importing(steady, module) == "ModuleNotFoundError", module
    for borrowing in (
        "from workbook.toolbox import softmax",
        "from workbook.pieces import MultiHeadAttention",
        "from workbook.toolbox import borrow; borrow('SelfAttention')",
    ):
        assert steady.run(borrowing, "borrowing.py") is not None, borrowing


def test_references_of_earlier_lessons_can_be_borrowed(steady):
    for module in ("workbook.pieces", "workbook.pieces.rnn_recap", "workbook.toolbox"):
        assert importing(steady, module) is None, module
    assert steady.run("from workbook.toolbox import RNN\nassert RNN(2, 3)", "earlier.py") is None


def test_check_does_nothing_over_there(steady):
    source = "from autograder import check\nassert check('softmax') is None"
    assert steady.run(source, "checking.py") is None


def test_a_course_elsewhere_is_found_and_the_packages_too(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    with Process(lesson(2), ROOMY, notebook=False) as process:
        source = f"from workbook.home import root\nassert str(root()) == {str(tmp_path)!r}"
        assert process.run(source, "home.py") is None


# ---- what it does not survive ------------------------------------------------------------------


def test_a_call_that_hangs_is_ended():
    gone = lost("hangs", limits=TWO_SECONDS)
    assert (gone.cause, gone.message) == ("time", "It took longer than 2 seconds.")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("exit", "ended by itself, with the exit code"),
        ("SIGKILL", "ended by the signal SIGKILL"),
        pytest.param("SIGSEGV", "ended by the signal SIGSEGV", marks=pytest.mark.slow),
    ],
)
def test_a_process_that_ends_is_told_by_how_it_ended(how, words):
    gone = lost("dies", how)
    assert gone.cause == "died"
    assert words in gone.message


@pytest.mark.slow
def test_a_cell_that_hangs_is_ended():
    with worker(TWO_SECONDS) as process:
        with pytest.raises(PieceLost, match="longer than 2 seconds"):
            process.run("import time\ntime.sleep(1000)", "hanging.py")
        assert process.lost


@pytest.mark.slow
def test_many_slow_calls_are_ended_together():
    def doze(process):
        with process.piece("dozes") as piece:
            for _ in range(100):
                piece()

    with worker(Limits(exercise_seconds=2.0)) as process, pytest.raises(PieceLost) as gone:
        doze(process)
    assert gone.value.cause == "time"
    assert gone.value.message == "Its calls took longer than 2 seconds together."


@pytest.mark.slow
def test_the_time_of_a_submission_is_bounded_as_a_whole():
    def doze():
        with Process(lesson(2), Limits(submission_seconds=3.0), notebook=False) as process:
            for _ in range(100):
                assert process.run("import time\ntime.sleep(0.5)", "dozing.py") is None

    with pytest.raises(PieceLost, match="All of it took longer than 3 seconds") as gone:
        doze()
    assert gone.value.cause == "time"


@pytest.mark.slow
def test_a_flood_of_prints_is_stopped():
    gone = lost("prints", 100)
    assert (gone.cause, gone.message) == ("output", "It printed more than 1 MB, and was stopped.")


@pytest.mark.slow
def test_an_answer_that_is_too_large_is_not_read():
    gone = lost("returns", 20)
    assert (gone.cause, gone.message) == ("memory", "It returned more than 1 MB.")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["writes_garbage", "writes_half_a_frame", "closes_everything"])
def test_a_disturbed_channel_is_a_lost_piece(name):
    assert lost(name, limits=TWO_SECONDS).cause in ("died", "memory", "time")


@pytest.mark.slow
@pytest.mark.parametrize(
    "reply",
    [
        {"died": "soon"},
        {"error": "text", "calls": [["unhashable"]]},
    ],
    ids=["died", "error"],
)
def test_a_forged_answer_of_another_form_is_a_lost_piece(reply):
    gone = lost("forges", reply)
    assert gone.cause == "died"
    assert "no answer" in gone.message


@pytest.mark.slow
def test_answers_nobody_asked_for_fill_no_memory():
    before = psutil.Process().memory_info().rss
    gone = lost("floods_with_frames", limits=TWO_SECONDS)
    assert gone.cause in ("time", "died")
    assert psutil.Process().memory_info().rss - before < 200 * 2**20


@pytest.mark.slow
def test_a_worker_that_stops_reading_holds_nobody_up():
    def ask_and_ask(process):
        with process.piece("stops_later") as piece:
            piece()
            for _ in range(100):  # more than a pipe holds, again and again
                piece.ask({"op": "describe", "ballast": torch.zeros(2**18)})

    with worker(TWO_SECONDS) as process, pytest.raises(PieceLost) as gone:
        ask_and_ask(process)
    assert gone.value.cause in ("time", "died")


@pytest.mark.slow
def test_a_process_that_gets_away_holds_nobody_up():
    with Process(lesson(2), ROOMY, notebook=False) as process:
        assert process.run(STUDENT, "student.py") is None
        child = call(process, "forks", True)
    # Only a sandbox can end what has left its group; the judge goes on all the same.
    psutil.Process(child).kill()


@pytest.mark.slow
def test_a_worker_that_does_not_start_leaves_nothing(monkeypatch):
    made = []
    original = subprocess.Popen

    def slow(command, **options):
        made.append(original([sys.executable, "-c", "import time; time.sleep(1000)"], **options))
        return made[0]

    monkeypatch.setattr(subprocess, "Popen", slow)
    threads = threading.active_count()
    with pytest.raises(PieceLost) as gone:
        Process(lesson(2), Limits(start_seconds=0.5), notebook=False)
    assert (gone.value.cause, gone.value.message) == ("time", "It didn't start within 0.5 seconds.")
    assert made[0].poll() is not None
    assert threading.active_count() <= threads


def test_a_worker_that_cannot_start_says_so(monkeypatch):
    original = subprocess.Popen
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda command, **options: original([sys.executable, "-c", "exit(3)"], **options),
    )
    with pytest.raises(PieceLost, match="by itself, with the exit code 3"):
        Process(lesson(2), Limits(), notebook=False)


# ---- a notebook's cells ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def notebook():
    with Process(lesson(2), ROOMY, notebook=True) as process:
        yield process


def test_cells_run_as_in_a_notebook(notebook):
    assert notebook.run("import math\n%timeit -n1 -r1 math.sqrt(2)", "cell 1") is None
    assert notebook.run("!echo from the shell", "cell 2") is None
    assert notebook.run("value = math.pi\nvalue", "cell 3") is None
    assert notebook.run("def area(r):\n    return value * r * r", "cell 4") is None
    with notebook.piece("area") as piece:
        assert piece(1.0) == pytest.approx(3.14159, abs=1e-4)
        assert piece.describe()["module"] == "__main__"


def test_an_error_in_a_cell_has_its_line_and_the_next_cell_runs(notebook):
    error = notebook.run("a = 1\nb = a / 0", "cell 5")
    assert (error["type"], error["line"], error["code"]) == ("ZeroDivisionError", 2, "b = a / 0")
    assert notebook.run("assert a == 1", "cell 6") is None


def test_a_cell_that_does_not_parse_has_its_line(notebook):
    error = notebook.run("x = 1\ndef f(:\n    pass", "cell 7")
    assert (error["type"], error["line"], error["code"]) == ("SyntaxError", 2, "def f(:")


def test_a_piece_that_raises_has_the_line_of_its_cell(notebook):
    assert notebook.run("def broken(x):\n    return x.nothing", "cell 8") is None
    with notebook.piece("broken") as piece, pytest.raises(PieceRaised) as raised:
        piece(1)
    assert raised.value.error["code"] == "return x.nothing"


def test_a_class_of_the_notebook_can_be_made(notebook):
    source = (
        "from torch import nn\n"
        "class Layer(nn.Module):\n"
        "    def __init__(self, size):\n"
        "        super().__init__()\n"
        "        self.weight = nn.Parameter(torch.ones(size))\n"
        "    def forward(self, x):\n"
        "        return x * self.weight\n"
    )
    assert notebook.run("import torch\n" + source, "cell 9") is None
    with notebook.piece("Layer") as piece:
        assert piece.construct(2)(torch.ones(2)).tolist() == [1, 1]


def test_leaving_a_cell_is_an_error_like_any_other(notebook):
    assert notebook.run("import sys\nsys.exit(3)", "cell 10")["type"] == "SystemExit"
    assert notebook.run("assert a == 1", "cell 11") is None
