"""One warm parent for all the attacks, and what must be as it was after each of them."""

import os
from pathlib import Path

import psutil
import pytest

from autograder.channel.limits import Limits
from autograder.grading.judge import judge_notebook
from autograder.lessons.release import released_notebook
from autograder.lessons.submission import rebuild
from tests.attacks.table import MARK
from tests.attacks.wrong_notebook import LESSON, WRONG, handed_in
from workbook.home import root

# Tight, so that an attack on time is soon over; and roomy for what honest answers take.
TIGHT = Limits(
    request_seconds=3.0,
    exercise_seconds=8.0,
    cell_seconds=3.0,
    submission_seconds=40.0,
    memory_bytes=512 * 2**20,
    disk_bytes=64 * 2**20,
    processes=32,
    output_bytes=2**20,
    message_bytes=16 * 2**20,
)


def judge(notebook, limits=TIGHT, **settings):
    """The verdicts on a notebook as it was handed in, by the machine's real sandbox."""
    released = released_notebook(LESSON)
    rebuilt = rebuild(notebook, released).notebook
    return judge_notebook(rebuilt, released, LESSON, 7, limits, "bubblewrap", **settings)


@pytest.fixture(scope="session")
def honest_scores():
    """What the wrong answers earn by themselves."""
    return {name: verdict.score for name, verdict in judge(handed_in(WRONG)).items()}


def wrapped_processes():
    """The processes that this one has started and that still live: the warm parents, wrapped."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = process.name()
        except psutil.Error:
            pass
    return found


def files_left():
    """The files an attack was to leave, in every place that one of them tries."""
    places = ["/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/etc", "/usr", "/dev", Path.home()]
    places += [root(), root() / "workbook", root() / "grading", os.getcwd()]
    return [place for place in places if Path(place, MARK).exists()]
