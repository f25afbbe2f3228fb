"""The grades as nbgrader's gradebook has them: a row a student, a column a lesson."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from nbgrader.api import Assignment, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.api import Grade as GradedCell
from sqlalchemy import func

from autograder.grading.gradebook import database, is_there
from workbook.syllabus import Lesson


@dataclass(frozen=True)
class Grade:
    """A student's grade in a lesson. `score` has the late penalty taken off, and is None where
    nothing was handed in; `by_hand` counts the answers that nobody has graded yet."""

    score: float | None
    penalty: float = 0.0
    by_hand: int = 0
    handed_in: bool = True
    at: datetime | None = None


@dataclass(frozen=True)
class Row:
    """A student, and the grades by lesson."""

    id: str
    first_name: str
    last_name: str
    email: str
    grades: dict[str, Grade] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """All grades in the lessons that somebody handed in; `most` has the points that each gives at
    most."""

    most: dict[str, float]
    rows: list[Row]

    def missing_as_zero(self) -> "Table":
        """The same, with 0 points for what wasn't handed in."""
        rows = [
            replace(
                row,
                grades={
                    name: grade if grade.handed_in else replace(grade, score=0.0)
                    for name, grade in row.grades.items()
                },
            )
            for row in self.rows
        ]
        return replace(self, rows=rows)

    def as_json(self) -> list[dict[str, Any]]:
        """An object for each student."""
        return [
            {
                "student": row.id,
                "first_name": row.first_name,
                "last_name": row.last_name,
                "email": row.email,
                "lessons": {
                    name: {
                        "score": grade.score,
                        "max_score": self.most[name],
                        "late_penalty": grade.penalty,
                        "ungraded_answers": grade.by_hand,
                        "handed_in": grade.handed_in,
                    }
                    for name, grade in row.grades.items()
                },
            }
            for row in self.rows
        ]


def grades(lessons: Sequence[Lesson]) -> Table:
    """The grades of all students in those of these lessons that somebody handed in."""
    if not is_there():
        return Table({}, [])
    with Gradebook(database()) as gradebook:
        rows = {
            student.id: Row(
                student.id, student.first_name or "", student.last_name or "", student.email or ""
            )
            for student in gradebook.students
        }
        most = {}
        for lesson in lessons:
            handed_in = _handed_in(gradebook, lesson)
            if not handed_in:
                continue
            most[lesson.name] = gradebook.find_assignment(lesson.name).max_score
            for row in rows.values():
                row.grades[lesson.name] = handed_in.get(row.id, Grade(None, handed_in=False))
    by_name = sorted(rows.values(), key=lambda row: (row.last_name, row.first_name, row.id))
    return Table(most, by_name if most else [])


def to_grade_by_hand(lessons: Sequence[Lesson]) -> int:
    """How many answers wait for a person."""
    table = grades(lessons)
    return sum(grade.by_hand for row in table.rows for grade in row.grades.values())


def _handed_in(gradebook: Gradebook, lesson: Lesson) -> dict[str, Grade]:
    """The grades in a lesson by student, of those who handed it in: asked for all at once, since
    nbgrader's objects ask the database again for each number of each student."""
    rows = (
        gradebook.db.query(
            SubmittedAssignment.student_id,
            SubmittedAssignment.timestamp,
            func.coalesce(SubmittedNotebook.late_submission_penalty, 0.0),
            func.coalesce(func.sum(GradedCell.score), 0.0),
            func.count(GradedCell.id).filter(GradedCell.needs_manual_grade),
        )
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .outerjoin(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .outerjoin(GradedCell, GradedCell.notebook_id == SubmittedNotebook.id)
        .filter(Assignment.name == lesson.name)
        .group_by(SubmittedAssignment.id)
    )
    return {
        student: Grade(max(0.0, score - penalty), penalty, by_hand, at=at)
        for student, at, penalty, score, by_hand in rows  # a lesson is one notebook
    }
