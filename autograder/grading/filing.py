"""Receipts into the gradebook: nbgrader's own autograding, one submission after the other in one
process.

What is graded is staged in `grading/collected/`, a notebook rebuilt on its lesson under its right
name, so that nothing a student's folder holds can stop nbgrader. The submissions themselves stay as
they are.
"""

import contextlib
import hashlib
import json
import logging
import traceback
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties

from autograder.grading import filed
from autograder.grading.collecting import TIMESTAMP
from autograder.grading.gradebook import fill_gradebook, with_points
from autograder.grading.nbgrader_steps import SaveGrades
from autograder.grading.quick_opening import quick_opening
from autograder.grading.reading import read
from autograder.grading.receipt import Receipt
from autograder.grading.recording import record_all
from autograder.grading.settings import Settings
from autograder.lessons.release import nbgrader_config, released_notebook, released_path
from workbook.atomic import write_bytes, write_text
from workbook.home import root
from workbook.syllabus import Lesson

COLLECTED = "grading/collected"


class NotFiled(Exception):
    """nbgrader could not file a submission; the message is what it logged."""


class Clerk:
    """Files receipts, one lesson after the other."""

    def __init__(self, settings: Settings) -> None:
        config = nbgrader_config()
        config.CourseDirectory.submitted_directory = COLLECTED
        config.Autograde.pre_convert_hook = None  # `open` does it, once a lesson
        self._log = _Heard()
        self._course = CourseDirectory(config=config)
        self._parent = NbGraderAPI(self._course, config=config)
        self._settings = settings
        self._recorded: dict[Lesson, dict[str, datetime | None]] = {}
        self._released: dict[Lesson, NotebookNode] = {}
        self._due: dict[Lesson, datetime | None] = {}

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """The lessons that were opened."""
        return tuple(self._recorded)

    def open(self, lesson: Lesson) -> None:
        """Prepare the gradebook for a lesson, once. Raises CellsChanged, BadRoster and
        BadSettings."""
        if lesson in self._recorded:
            return
        fill_gradebook(lesson.name, self._course.db_url)
        self._released[lesson] = released_notebook(lesson)
        with quick_opening(), Gradebook(self._course.db_url) as gradebook:
            submissions = gradebook.assignment_submissions(lesson.name)
            self._recorded[lesson] = {each.student_id: each.timestamp for each in submissions}
            self._due[lesson] = gradebook.find_assignment(lesson.name).duedate

    def has_deadline(self, lesson: Lesson) -> bool:
        """Whether an opened lesson is due at some time."""
        return self._due[lesson] is not None

    def stage(self, student: str, lesson: Lesson, notebook: bytes, timestamp: str | None) -> None:
        """Put a submission where it is filed from."""
        folder = _staged(student, lesson)
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
        return (
            found is not None
            and found.state == state
            and student in self._recorded[lesson]
            and self._graded(student, lesson).is_file()
        )

    def file(
        self,
        student: str,
        lesson: Lesson,
        receipt: Receipt,
        state: str,
        notes: tuple[str, ...] = (),
    ) -> None:
        """File a staged submission. Raises NotFiled, and then neither notebook nor grades are
        filed that weren't before."""
        self._course.assignment_id, self._course.student_id = lesson.name, student
        converter = _Filing(coursedir=self._course, parent=self._parent)
        converter.force, converter.create_student = True, True
        converter.log = self._log.logger
        try:
            converter.about, converter.notebook = self._settled(student, lesson, receipt)
            converter.text = _text(converter.notebook)
        except Exception as error:
            raise NotFiled(_in_short(traceback.format_exc())) from error
        self._forget_time(student, lesson)
        try:
            with quick_opening():
                converter.start()
        except Exception as error:
            self._forget(student, lesson)
            raise NotFiled(self._log.errors() or _in_short(traceback.format_exc())) from error
        found = filed.find(lesson.name, student)
        if found is None or not self._graded(student, lesson).is_file():
            raise NotFiled("nbgrader graded nothing; was the lesson released?")
        self._recorded[lesson].setdefault(student, None)
        filed.note(replace(found, state=state, notes=notes))

    def _forget_time(self, student: str, lesson: Lesson) -> None:
        """Where a submission has no time of handing in any more; nbgrader would keep the old."""
        staged = _staged(student, lesson) / TIMESTAMP
        if self._recorded[lesson].get(student) is not None and not staged.is_file():
            with quick_opening(), Gradebook(self._course.db_url) as gradebook:
                gradebook.update_or_create_submission(lesson.name, student, timestamp=None)
            self._recorded[lesson][student] = None

    def _settled(
        self, student: str, lesson: Lesson, receipt: Receipt
    ) -> tuple[dict[str, Any], NotebookNode]:
        """What SaveGrades wants to know of a staged submission, and its graded notebook."""
        notebook = read((_staged(student, lesson) / f"{lesson.name}.ipynb").read_bytes())
        with_points(notebook, self._settings)
        earned = record_all(notebook, self._released[lesson], receipt, self._settings)
        return {"receipt": receipt.key, "points": earned}, notebook

    def _forget(self, student: str, lesson: Lesson) -> None:
        """Take a submission without grades, which nbgrader counts as one with 0 points, out of the
        gradebook again."""
        if student in self._recorded[lesson]:
            return
        with (
            contextlib.suppress(Exception),  # what stopped the filing may stop this as well
            quick_opening(),
            Gradebook(self._course.db_url) as gradebook,
        ):
            gradebook.remove_submission(lesson.name, student)

    def _graded(self, student: str, lesson: Lesson) -> Path:
        graded = self._course.autograded_directory
        folder = self._course.format_path(graded, student, lesson.name)
        return Path(folder, f"{lesson.name}.ipynb")


def _staged(student: str, lesson: Lesson) -> Path:
    return root() / COLLECTED / student / lesson.name


def _text(notebook: NotebookNode) -> str:
    nbformat.validate(notebook)
    text = nbformat.writes(notebook) + "\n"
    text.encode()  # what no file can hold is found here, before anything is filed
    return text


class _Filing(Autograde):
    """nbgrader's autograding of a notebook that is graded already: it is written first, then its
    grades are saved, and nbgrader takes it away again where that fails."""

    about: Any = None
    notebook: Any = None
    text: Any = None

    def convert_single_notebook(self, notebook_filename: str) -> None:
        resources = self.init_single_notebook_resources(notebook_filename)
        about = resources["nbgrader"]
        about |= self.about
        folder = self._format_dest(about["assignment"], about["student"])
        write_text(Path(folder, Path(notebook_filename).name), self.text)
        for step in (SaveGrades, AssignLatePenalties):
            step(parent=self.parent).preprocess(self.notebook, resources)


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
        return _in_short(next((line for line in lines if _TRACE in line), "\n".join(lines)))


_TRACE = "Traceback (most recent call last):"


def _in_short(told: str) -> str:
    """The line that says what went wrong: the first that isn't indented below the last traceback;
    where there is none, the last."""
    _, trace, below = told.rpartition(_TRACE)
    lines = [line for line in below.split("\n") if line.strip()]
    said = [line for line in lines if not line.startswith((" ", "\t"))]
    if not said:
        return ""
    return said[0] if trace else said[-1]
