"""A run that is killed, Ctrl-C, workers that are killed, and a cluster: the grades stay the same.

The judge here is the quick one, in real processes; that a real judge gives the same grades on all
of them is tested last.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest
from nbgrader.api import Gradebook

from autograder.grading import schedule
from autograder.grading.class_run import ClassRun
from autograder.grading.collecting import submitted_folder
from autograder.grading.gradebook import database, secret_seed
from autograder.grading.job import judge
from autograder.grading.settings import settings
from autograder.grading.workers import Workers
from tests.autograder.grading.conftest import NAME
from tests.autograder.quick_judge import RIGHT, WRONG, slow_judge
from tests.autograder.small_lesson import ATTEND, LESSON, SOFTMAX
from workbook.home import root

pytestmark = pytest.mark.slow

COUNT = 16
RUN = """
import signal
from concurrent.futures import ThreadPoolExecutor
from autograder.grading.class_run import ClassRun
from autograder.grading.collecting import submitted_folder
from autograder.grading.settings import settings
from tests.autograder.quick_judge import slow_judge
from tests.autograder.small_lesson import LESSON
# Programs that a shell starts in the background ignore Ctrl-C, and so do those that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
with ThreadPoolExecutor(2) as executor:
    run = ClassRun(executor, settings(), "none", judge=slow_judge)
    for outcome in run.grade(submitted_folder(), [LESSON]):
        print(outcome.student, outcome.status, flush=True)
"""


@pytest.fixture
def many(hand_in):
    """A class in which everybody wrote something else."""
    chance = random.Random(8)
    for number in range(COUNT):
        answers = {
            name: f"{chance.choice((RIGHT, WRONG))}  # {number}" for name in ("softmax", "attend")
        }
        hand_in(f"s{number:02d}", **answers)
    secret_seed(NAME)


def grades():
    """Every grade in the gradebook, by student and cell."""
    with Gradebook(database()) as gradebook:
        return {
            (submission.student_id, grade.name): (grade.auto_score, grade.needs_manual_grade)
            for submission in gradebook.assignment_submissions(NAME)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def uninterrupted(executor, judging=slow_judge):
    run = ClassRun(executor, settings(), "none", judge=judging)
    outcomes = list(run.grade(submitted_folder(), [LESSON]))
    assert all(outcome.status != "problem" for outcome in outcomes), outcomes
    return grades()


def forget():
    """As before the first run, but for the seed, which an appeal would use too."""
    for name in ("receipts", "filed", "autograded", "collected"):
        path = root() / "grading" / name
        if path.exists():
            path.rename(root() / f"{name}-{time.monotonic_ns()}")
    (root() / "grading" / "gradebook.db").unlink()


def started(code=RUN):
    environment = os.environ | {"WORKBOOK_HOME": str(root())}
    place = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_after_three_kills_at_random_moments_the_grades_are_the_same(many):
    chance, graded = random.Random(3), []
    for _ in range(3):
        with started() as process:
            first = process.stdout.readline()
            time.sleep(chance.uniform(0.0, 1.5))
            process.send_signal(signal.SIGKILL)
            lines = [first, *process.stdout]
            graded.append([line.split() for line in lines if line.strip()])
    with started() as process:
        graded.append([line.split() for line in process.stdout])
        assert process.wait() == 0
    assert len(graded[-1]) == COUNT
    assert any(status == "unchanged" for _, status in graded[-1]), "it began anew"
    interrupted = grades()
    forget()
    with Workers(1, deadline=60) as one:
        assert uninterrupted(one) == interrupted


def test_ctrl_c_loses_nothing(many):
    with started() as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        done = 1 + len(list(process.stdout))
        assert process.wait() != 0
    assert done < COUNT
    with started() as process:
        statuses = [line.split()[1] for line in process.stdout]
    assert len(statuses) == COUNT
    assert statuses.count("unchanged") >= done


# ---- one worker, two, and a cluster of which one machine goes away ------------------------------


@contextmanager
def dask(count):
    """A scheduler and workers in processes of their own: its address, and the workers."""
    with ExitStack() as stack:

        def start(*arguments):
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                env=os.environ | {"WORKBOOK_HOME": str(root()), "PYTHONPATH": os.getcwd()},
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
            )
            stack.callback(process.stderr.close)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        for line in scheduler.stderr:
            if "Scheduler at:" in line:
                address = line.split()[-1]
                break
        options = ("--no-nanny", "--nthreads", "1", "--no-dashboard")
        workers = [start("worker", address, *options) for _ in range(count)]
        for worker in workers:
            for line in worker.stderr:
                if "Registered to" in line:
                    break
        yield address, workers


class KillsOne:
    """An executor that kills a worker of the cluster when a few jobs have been given out."""

    def __init__(self, executor, worker):
        self._executor, self._worker, self._given = executor, worker, 0

    def submit(self, function, job):
        self._given += 1
        if self._given == 5:
            self._worker.send_signal(signal.SIGKILL)
        return self._executor.submit(function, job)


@pytest.mark.filterwarnings("ignore")  # Dask's own, about ports and sockets of a killed worker
def test_a_cluster_that_loses_a_machine_gives_the_same_grades(many):
    with dask(2) as (address, workers), schedule.cluster(address) as (executor, at_once):
        assert at_once == 4
        clustered = uninterrupted(KillsOne(executor, workers[0]))
        assert workers[0].wait(30) == -signal.SIGKILL
    forget()
    with Workers(2, deadline=60) as two:
        assert uninterrupted(two) == clustered
    assert len(clustered) == 3 * COUNT


@pytest.mark.filterwarnings("ignore")
def test_a_real_judge_gives_the_same_grades_with_one_worker_with_two_and_on_a_cluster(hand_in):
    half = "def attend(query, keys, values):\n    return values.sum(0), keys @ query\n"
    hand_in("ana", softmax=SOFTMAX, attend=ATTEND)
    hand_in("ben", softmax=SOFTMAX, attend=half)
    hand_in("zoe", softmax="def softmax(scores, dim):\n    return scores\n")
    seen = []
    with Workers(1, deadline=300) as one:
        seen.append(uninterrupted(one, judge))
    forget()
    with Workers(2, deadline=300) as two:
        seen.append(uninterrupted(two, judge))
    forget()
    with dask(2) as (address, _), schedule.cluster(address) as (executor, _):
        seen.append(uninterrupted(executor, judge))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0]["ana", "attend"] == (3.5, False)
    assert 0 < seen[0]["ben", "attend"][0] < 3.5
    assert seen[0]["zoe", "attend"] == (0.0, False)
    kept = json.loads((root() / "grading" / "seeds.json").read_text())
    assert list(kept) == [NAME]
