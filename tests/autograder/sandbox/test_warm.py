"""A warm parent: one worker after another, and it survives them all."""

import gc
import os
import subprocess
import sys
import threading
import time

import psutil
import pytest

from autograder.channel.limits import Limits
from autograder.channel.piece import PieceLost
from autograder.channel.process import Process
from autograder.grading.job import prepare
from autograder.sandbox import NoSandbox, Sandbox, choose, warm
from autograder.sandbox.warm import WarmParent, at_hand
from tests.autograder.sandbox.conftest import LIMITS
from workbook.home import root
from workbook.syllabus import lesson

NONE = Sandbox("none")


def test_no_exercise_and_no_reference_of_the_lesson_is_loaded_in_it(inside):
    _, output = inside(
        "import sys\n"
        "print([m for m in sys.modules if 'exercises' in m or 'checks' in m or 'grading' in m])\n"
        "print([m for m in sys.modules if m.startswith('workbook.pieces.')])"
    )
    assert output.split() == ["[]", "[]"]


def test_everything_a_lesson_imports_is_loaded_already(inside):
    _, output = inside(
        "import sys\n"
        "print([m for m in ('torch', 'numpy', 'matplotlib.pyplot', 'IPython', 'workbook.figures')\n"
        "       if m not in sys.modules])"
    )
    assert output.strip() == "[]"


def test_forks_know_nothing_of_each_other(inside):
    assert inside("mine = 1\nimport torch\ntorch.kept = 1")[0] is None
    error, _ = inside("mine")
    assert error["type"] == "NameError"
    error, _ = inside("import torch\ntorch.kept")
    assert error["type"] == "AttributeError"


def test_random_numbers_are_the_same_for_a_whole_class(inside):
    code = "import random, numpy, torch\nprint(random.random(), numpy.random.rand(), torch.rand(1))"
    assert inside(code)[1] == inside(code)[1]


def test_what_is_started_ahead_is_what_the_first_job_takes():
    warm.close_all()
    prepare("02", LIMITS, "auto")
    time.sleep(0.5)  # time in which it would be ended
    (waiting,) = warm._idle
    assert waiting.alive
    with at_hand(choose("auto"), lesson("02"), LIMITS) as parent:
        assert parent is waiting


def test_how_a_worker_ended_is_told(parent):
    for code, words in (
        ("import os\nos._exit(3)", "the exit code 3"),
        ("import os\nos.kill(os.getpid(), 9)", "the signal SIGKILL"),
        ("import os\nos.abort()", "the signal SIGABRT"),
    ):
        with (
            Process(lesson(2), LIMITS, True, start=lambda: parent.fork(LIMITS)) as process,
            pytest.raises(PieceLost, match=words),
        ):
            process.run(code, "cell 1")


def test_memory_that_several_processes_take_together_is_counted(parent):
    code = (
        "import os, time\n"
        "for _ in range(6):\n"
        "    if os.fork() == 0:\n"
        "        held = bytearray(b'x') * (200 * 2**20)\n"
        "        time.sleep(20)\n"
        "time.sleep(10)"
    )
    with (
        Process(lesson(2), LIMITS, True, start=lambda: parent.fork(LIMITS)) as process,
        pytest.raises(PieceLost, match="more than 512 MB of memory") as lost,
    ):
        process.run(code, "cell 1")
    assert lost.value.cause == "memory"


def test_a_parent_is_kept_warm_and_given_again(sandbox):
    with at_hand(sandbox, lesson(2), LIMITS) as first:
        pass
    with at_hand(sandbox, lesson(2), LIMITS) as second:
        assert second is first
    assert first.alive
    warm.close_all()
    assert not first.alive


def test_a_parent_that_is_gone_is_replaced(sandbox):
    with at_hand(sandbox, lesson(2), LIMITS) as first:
        pass
    first._process.kill()
    first._process.wait()
    with at_hand(sandbox, lesson(2), LIMITS) as second:
        assert second is not first
        assert second.alive
    warm.close_all()


def test_after_trouble_a_parent_is_not_used_again():
    with pytest.raises(ZeroDivisionError), at_hand(NONE, lesson(2), LIMITS) as parent:
        raise ZeroDivisionError
    assert not parent.alive


def test_it_ends_with_the_process_that_started_it(tmp_path):
    code = (
        "import os, signal\n"
        "from autograder.channel.limits import Limits\n"
        "from autograder.sandbox import choose\n"
        "from autograder.sandbox.warm import at_hand\n"
        "from workbook.syllabus import lesson\n"
        "with at_hand(choose('bubblewrap'), lesson(2), Limits()) as parent:\n"
        "    print(parent._process.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=root(),
        timeout=120,
        check=False,
    )
    pid = int(done.stdout)
    _, alive = psutil.wait_procs(
        [psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=20
    )
    assert not alive


def test_without_a_sandbox_it_works_as_well_and_leaves_no_folder():
    parent = WarmParent(NONE, lesson(2), 120.0)
    try:
        with Process(lesson(2), LIMITS, True, start=lambda: parent.fork(LIMITS)) as process:
            assert process.run("import os\nprint(os.getcwd())\nopen('x', 'w').close()", "1") is None
            folder = process.output.strip()
            assert os.path.isdir(folder)
        assert not os.path.exists(folder)
    finally:
        parent.close()


def test_a_parent_that_does_not_start_says_why(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(NoSandbox, match="doesn't start"):
        WarmParent(NONE, lesson(2), 20.0)


def test_no_thread_and_no_descriptor_is_left(parent):
    def use():
        with Process(lesson(2), LIMITS, True, start=lambda: parent.fork(LIMITS)) as process:
            process.run("print(1)", "cell 1")

    use()
    gc.collect()
    before = threading.active_count(), psutil.Process().num_fds()
    for _ in range(3):
        use()
    gc.collect()
    assert (threading.active_count(), psutil.Process().num_fds()) == before


def test_limits_travel_as_whole_numbers():
    assert all(isinstance(value, int) for value in Limits().of_a_process().values())
