"""Processes that judge: their results, their deaths, their deadline, their end."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from autograder.channel.limits import Limits
from autograder.grading.job import prepare
from autograder.grading.schedule import NoScheduler, cluster, here
from autograder.grading.workers import WorkerEnded, Workers
from workbook.home import root

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workers():
    with Workers(2, deadline=60) as running:
        yield running


def double(number):
    return 2 * number


def refuse():
    raise ValueError("not like this")


def refuse_strangely():
    error = ValueError("strange")
    error.thing = lambda: None
    raise error


def die_once(mark: Path):
    if not mark.exists():
        mark.write_text("died")
        os.kill(os.getpid(), signal.SIGKILL)
    return "the second time"


def die():
    os._exit(3)


def print_and_return():
    print("on standard output")
    return "clean"


def begin_without_end(mark: Path):
    begun = mark.read_text() if mark.exists() else ""
    try:
        mark.write_text(f"{begun}begun")
        time.sleep(600)
    finally:
        mark.write_text(f"{mark.read_text()}, tidied up")


def number_of_process():
    return os.getpid()


def test_results_come_back(workers):
    futures = [workers.submit(double, number) for number in range(5)]
    assert [future.result() for future in futures] == [0, 2, 4, 6, 8]


def test_what_a_job_prints_is_not_its_result(workers):
    assert workers.submit(print_and_return).result() == "clean"


def test_an_exception_is_the_outcome(workers):
    with pytest.raises(ValueError, match="not like this"):
        workers.submit(refuse).result()
    with pytest.raises(RuntimeError, match="ValueError: strange"):
        workers.submit(refuse_strangely).result()


def test_a_job_whose_worker_died_is_done_by_another(workers, tmp_path):
    assert workers.submit(die_once, tmp_path / "mark").result() == "the second time"


def test_a_job_that_ends_every_worker_is_given_up_and_the_others_are_done(workers):
    lost, fine = workers.submit(die), workers.submit(double, 21)
    assert fine.result() == 42
    with pytest.raises(WorkerEnded, match="exit code 3"):
        lost.result()
    assert workers.submit(double, 4).result() == 8


def test_a_job_without_end_is_ended():
    with Workers(1, deadline=1) as running:
        endless = running.submit(time.sleep, 600)
        with pytest.raises(WorkerEnded, match="no result within 1 seconds"):
            endless.result()


def test_after_the_shutdown_nothing_is_taken_and_nothing_runs():
    running = Workers(1, deadline=60)
    number = running.submit(number_of_process).result()
    waiting = [running.submit(time.sleep, 0.2) for _ in range(50)]
    running.shutdown(cancel_futures=True)
    assert any(future.cancelled() for future in waiting)
    with pytest.raises(RuntimeError, match="shut down"):
        running.submit(double, 1)
    assert not Path(f"/proc/{number}").exists()


def test_a_shutdown_without_waiting_gives_up_what_is_under_way(tmp_path):
    running = Workers(1, deadline=600)
    begun = tmp_path / "begun"
    under_way = running.submit(begin_without_end, begun)
    while not (begun.exists() and begun.read_text()):
        time.sleep(0.05)
    started = time.monotonic()
    running.shutdown(cancel_futures=True)
    assert time.monotonic() - started < 60  # and not the ten minutes of the job
    with pytest.raises(WorkerEnded):
        under_way.result()
    assert begun.read_text() == "begun, tidied up"  # and not begun again by another worker


def test_a_worker_that_ends_leaves_no_folder_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Workers(1, 120) as running:
        running.submit(prepare, "02-dot-product-attention", Limits(), "none").result()
        assert list(tmp_path.glob("warm-*"))
    assert not list(tmp_path.iterdir())


def test_a_worker_ends_with_its_parent():
    code = (
        "import time\nfrom autograder.grading.workers import Workers\n"
        "from tests.autograder.grading.test_workers import number_of_process\n"
        "running = Workers(1, 60)\nprint(running.submit(number_of_process).result(), flush=True)\n"
        "running.submit(time.sleep, 600)\ntime.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=root(), stdout=subprocess.PIPE, text=True
    )
    with parent:
        number = parent.stdout.readline().strip()
        parent.kill()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{number}/exe").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{number}/exe").exists()


def test_workers_prepare_themselves_before_any_job(tmp_path):
    mark = tmp_path / "mark"
    with Workers(1, 60, prepare=partial(mark.write_text, "ready")) as running:
        assert running.submit(mark.read_text).result() == "ready"
    with Workers(1, 60, prepare=refuse) as running:
        assert running.submit(double, 2).result() == 4


def test_what_prepares_itself_in_vain_is_ended_at_once():
    running = Workers(2, 600, prepare=partial(time.sleep, 500))
    time.sleep(0.5)
    started = time.monotonic()
    running.shutdown(cancel_futures=True)
    assert time.monotonic() - started < 60


def test_a_run_in_the_background_of_a_shell_is_ended_at_once_too():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as such a shell does
    try:
        running = Workers(1, 600)
        running.submit(double, 1).result()  # it is up and waits for work
        running.submit(time.sleep, 500)
        time.sleep(0.5)
        started = time.monotonic()
        running.shutdown(cancel_futures=True)
        assert time.monotonic() - started < 60
    finally:
        signal.signal(signal.SIGINT, before)


def test_as_many_workers_as_are_asked_for():
    with here(3, 60) as (executor, at_once):
        assert at_once == 6
        assert executor.submit(double, 1).result() == 2


def test_no_cluster_is_a_sentence(monkeypatch):
    with pytest.raises(NoScheduler, match="Start one with `dask scheduler`"), cluster("nothing"):
        pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(NoScheduler, match="pip install"), cluster("tcp://127.0.0.1:1"):
        pass
