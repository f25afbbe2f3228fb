"""A small course in which students hand in, and a class run whose judge is quick."""

import json
import os
from functools import cache

import pytest
from nbgrader.api import get_alembic_version

from autograder.grading.class_run import ClassRun
from autograder.grading.collecting import submitted_folder
from autograder.grading.settings import settings
from tests.autograder.quick_judge import RIGHT, WRONG, Inline, quick_judge
from tests.autograder.small_lesson import LESSON, answered

NAME = LESSON.name
alembic_version = cache(get_alembic_version)
FILE = f"{NAME}.ipynb"


@pytest.fixture(autouse=True)
def gradebooks_open_at_once(monkeypatch):
    """nbgrader asks a program for its version whenever it makes a gradebook; it stays the same."""
    monkeypatch.setattr("nbgrader.api.get_alembic_version", alembic_version)


@pytest.fixture
def hand_in(course, released):
    """`hand_in("ana", softmax=RIGHT)` puts a notebook where nbgrader wants it; the path.

    `at` is its time of change, `place` another path below the student's folder, `content` other
    bytes than a notebook's.
    """

    def put(student, place=f"{NAME}/{FILE}", at=None, content=None, **answers):
        path = submitted_folder() / student / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            content = json.dumps(answered(released, **answers)).encode()
        path.write_bytes(content)
        if at is not None:
            os.utime(path, (at, at))
        return path

    return put


@pytest.fixture
def graded(course):
    """Grades what was handed in; the outcomes by student. `graded.executor` counts the judging."""

    def grade(*students, again=False, executor=None):
        grade.executor = executor or Inline()
        run = ClassRun(
            grade.executor, settings(), "none", again=again, judge=quick_judge, at_once=3
        )
        outcomes = list(run.grade(submitted_folder(), [LESSON], students))
        return {outcome.student: outcome for outcome in outcomes}

    return grade


@pytest.fixture
def handed_in(hand_in):
    """A class of three: all right, half right, nothing."""
    hand_in("ana", softmax=RIGHT, attend=RIGHT)
    hand_in("ben", softmax=RIGHT, attend=WRONG)
    hand_in("zoe")
