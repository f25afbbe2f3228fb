"""Receipts into the gradebook: nbgrader's own autograding, one submission after the other in one
process, on the notebooks as they were collected.

What is graded is staged in `grading/collected/`, a notebook rebuilt on its lesson under its right
name, so that nothing a student's folder holds can stop nbgrader. The submissions themselves stay as
they are.
"""

import contextlib
import hashlib
import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import nbgrader.api
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import SAWarning
from traitlets.config import PyFileConfigLoader

from autograder.grading import filed
from autograder.grading.collecting import TIMESTAMP
from autograder.grading.gradebook import fill_gradebook
from autograder.grading.settings import Settings
from autograder.lessons.release import released_path
from workbook.atomic import write_bytes, write_text
from workbook.home import root
from workbook.syllabus import Lesson

COLLECTED = "grading/collected"


class NotFiled(Exception):
    """nbgrader could not file a submission; the message is what it logged."""


class Clerk:
    """Files receipts of one lesson after the other; `sandbox` is what the receipts were made
    with."""

    def __init__(self, sandbox: str, settings: Settings) -> None:
        config = PyFileConfigLoader("nbgrader_config.py", path=str(root())).load_config()
        config.CourseDirectory.submitted_directory = COLLECTED
        config.JudgeSubmission.sandbox = sandbox
        config.Autograde.pre_convert_hook = None  # `open` does it, once a lesson
        self._log = _Heard()
        self._course = CourseDirectory(config=config)
        self._parent = NbGraderAPI(self._course, config=config)
        self._settings = settings
        self._recorded: dict[Lesson, set[str]] = {}

    def open(self, lesson: Lesson) -> None:
        """Prepare the gradebook for a lesson. Raises RuntimeError (nbgrader's) where its cells
        changed after submissions were recorded, BadRoster and BadSettings."""
        fill_gradebook(lesson.name, self._course.db_url)
        with Gradebook(self._course.db_url) as gradebook:
            submissions = gradebook.assignment_submissions(lesson.name)
            self._recorded[lesson] = {each.student_id for each in submissions}

    def stage(self, student: str, lesson: Lesson, notebook: bytes, timestamp: str | None) -> None:
        """Put a submission where it is filed from."""
        folder = root() / COLLECTED / student / lesson.name
        write_bytes(folder / f"{lesson.name}.ipynb", notebook)
        if timestamp:
            write_text(folder / TIMESTAMP, timestamp)
        else:
            (folder / TIMESTAMP).unlink(missing_ok=True)

    def state(self, receipt: str, lesson: Lesson, notebook: bytes, timestamp: str | None) -> str:
        """A hash of everything that decides what is filed."""
        chosen = self._settings
        due = chosen.due.get(lesson.name)
        told = [
            receipt,
            hashlib.sha256(notebook).hexdigest(),
            hashlib.sha256(released_path(lesson).read_bytes()).hexdigest(),
            timestamp,
            dict(chosen.points),
            chosen.library_share,
            due and due.isoformat(),
            repr(chosen.late),
        ]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def is_filed(self, student: str, lesson: Lesson, state: str) -> bool:
        """Whether exactly this is in the gradebook already."""
        found = filed.find(lesson.name, student)
        graded = self._course.autograded_directory
        return (
            found is not None
            and found.state == state
            and student in self._recorded[lesson]
            and Path(self._course.format_path(graded, student, lesson.name)).is_dir()
        )

    def file(
        self, student: str, lesson: Lesson, state: str, notes: tuple[str, ...] = ()
    ) -> filed.Filed:
        """File a staged submission whose receipt is kept. Raises NotFiled."""
        self._course.assignment_id, self._course.student_id = lesson.name, student
        converter = Autograde(coursedir=self._course, parent=self._parent)
        converter.force, converter.create_student = True, True
        converter.log = self._log.logger
        try:
            with _one_engine():
                converter.start()
        except Exception as error:
            raise NotFiled(self._log.errors() or str(error)) from error
        found = filed.find(lesson.name, student)
        if found is None:
            raise NotFiled("nbgrader graded nothing; was the lesson released?")
        done = replace(found, state=state, notes=notes)
        filed.note(done)
        return done


@contextlib.contextmanager
def _one_engine() -> Iterator[None]:
    """nbgrader opens the gradebook nine times for a submission. With one engine behind them all,
    SQLAlchemy translates each query once, and not at every opening: half of the time of filing."""
    with mock.patch.object(nbgrader.api, "create_engine", _engine), warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's own, about its own sessions
        yield


@cache
def _engine(address: str, **options: Any) -> Engine:
    return create_engine(address, **options)


class _Heard(logging.Handler):
    """What nbgrader logs, kept instead of shown."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.logger = logging.Logger("nbgrader filing")
        self.logger.addHandler(self)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())

    def errors(self) -> str:
        """What was logged since the last time, in short."""
        lines, self._lines = self._lines, []
        return lines[1].strip().splitlines()[-1] if len(lines) > 1 else "".join(lines)
