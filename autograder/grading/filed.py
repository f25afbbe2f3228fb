"""What has been filed in the gradebook: `grading/filed/LESSON/STUDENT.json`, one a submission.

It says which receipt the grades come from, so that nothing is filed twice, and what the written
answers were, so that one that was graded by hand is not asked for again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from autograder.lessons.cells import grade_id, is_answer
from workbook.atomic import write_text
from workbook.home import grading_folder


@dataclass(frozen=True)
class Filed:
    """A submission in the gradebook.

    `receipt` is the receipt's key, `answers` a hash of each written answer by its nbgrader id,
    `points` what each check earned. `state` identifies all that was filed; it is empty as long as
    the graded notebook isn't on disk, and where nbgrader filed it without us.
    """

    student: str
    lesson: str
    receipt: str
    answers: Mapping[str, str]
    points: Mapping[str, float]
    state: str = ""
    notes: tuple[str, ...] = field(default=())

    def same_answer(self, other: "Filed", name: str) -> bool:
        """Whether an answer, or what a check earned, is the same in both."""
        if name in other.answers:
            return self.answers.get(name) == other.answers[name]
        return self.points.get(name) == other.points.get(name)


def written_answers(notebook: NotebookNode) -> dict[str, str]:
    """A hash of every answer that a person grades."""
    return {
        grade_id(cell): hashlib.sha256(cell.source.encode("utf-8", "replace")).hexdigest()
        for cell in notebook.cells
        if is_answer(cell) and cell.metadata.nbgrader.get("grade")
    }


def note(filed: Filed) -> None:
    """Put it on disk."""
    text = json.dumps(asdict(filed), ensure_ascii=True, indent=1) + "\n"
    write_text(_path(filed.lesson, filed.student), text)


def find(lesson: str, student: str) -> Filed | None:
    """What was noted last about a submission; None where nothing was, or nothing readable."""
    return _read(_path(lesson, student))


def all_of(lesson: str) -> Iterator[Filed]:
    """Everything that was noted about a lesson, by student."""
    for path in sorted(_path(lesson, "any").parent.glob("*.json")):
        if (filed := _read(path)) is not None:
            yield filed


def _read(path: Path) -> Filed | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Filed(**told | {"notes": tuple(told["notes"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _path(lesson: str, student: str) -> Path:
    return grading_folder() / "filed" / lesson / f"{student}.json"
