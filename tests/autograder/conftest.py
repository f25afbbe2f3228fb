"""A student's file, its pieces opened here and across the channel; and a small course."""

import contextlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from autograder.channel.limits import Limits
from autograder.channel.piece import here
from autograder.channel.process import Process
from autograder.channel.worker import FileRunner
from autograder.lessons.release import (
    from_text,
    read_notebook,
    released_path,
    without_solutions,
    write_notebook,
)
from tests.autograder.small_lesson import LESSON, build_course
from workbook.syllabus import lesson


@pytest.fixture(scope="module", params=["here", "in another process"])
def opened(request):
    """`with opened("name") as piece`, the piece being of the test module's STUDENT, which is the
    text of a student's file."""
    source = request.module.STUDENT
    if request.param == "here":
        runner = FileRunner()
        assert runner.run(source, "student.py") is None
        yield lambda name: contextlib.nullcontext(here(runner.names[name]))
    else:
        with Process(lesson(2), Limits(), notebook=False) as process:
            assert process.run(source, "student.py") is None
            yield process.piece


@pytest.fixture(scope="session", autouse=True)
def commands_beside_python():
    """nbgrader runs the command `alembic`, which lies beside the Python that runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def small_course(tmp_path_factory):
    """The folder of a course of one small lesson, released."""
    folder = build_course(tmp_path_factory.mktemp("course"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBOOK_HOME", str(folder))
        released = without_solutions(from_text(LESSON), LESSON)
        write_notebook(released, released_path(LESSON))
    return folder


@pytest.fixture
def course(small_course, tmp_path, monkeypatch):
    """The small course in a folder of the test's own, as the course in use."""
    folder = tmp_path / "course"
    shutil.copytree(small_course, folder)
    monkeypatch.setenv("WORKBOOK_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def released(small_course):
    """The small lesson as students get it. Copy it before changing it."""
    return read_notebook(small_course / "lessons" / LESSON.name / f"{LESSON.name}.ipynb")
