"""One file to hand in: a lesson's notebook, zipped as nbgrader expects it.

The zip `STUDENT-LESSON.zip` holds `STUDENT/LESSON/LESSON.ipynb`. It goes into `submitted/` as it
is, or is collected with `nbgrader zip_collect` and the pattern below. It isn't unpacked in
`submitted/`: what a student's zip holds could lie in another student's folder.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook.archive import write_zip

# For nbgrader's FileNameCollectorPlugin, which matches it with an extracted file's whole path.
COLLECT_PATTERN = (
    r".*[/\\](?P<student_id>[A-Za-z0-9._@-]+)[/\\]"
    r"(?P<lesson>\d\d-[a-z0-9-]+)[/\\](?P<file_id>(?P=lesson))\.ipynb$"
)
# The same for a platform that writes the time of handing in into the names of its downloads, as
# Blackboard does (`..._attempt_2027-03-02-22-59-00_...`). Only the platform's own part is believed:
# the first time in the download's name, nothing of the names inside a student's zip. So this is no
# pattern for a platform that writes no time: there the student's file name could bring one.
TIMED_COLLECT_PATTERN = (
    r".*?[/\\]extracted[/\\][^/\\]*?_attempt_(?P<timestamp>\d{4}(?:-\d\d){5})_" + COLLECT_PATTERN
)
_STUDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}")  # as much as nbgrader has room for


class NothingToHandIn(Exception):
    """The lesson can't be handed in; the message says why and what to do."""


@dataclass(frozen=True)
class Handin:
    """The file that was written, and the graded cells that look as they were released."""

    path: Path
    saved: float
    unanswered: tuple[str, ...]
    missing: tuple[str, ...]


def hand_in(lesson: str, student: str, work: Path, lessons: Path, folder: Path) -> Handin:
    """Write the file for a lesson into `folder`, whole or not at all.

    `saved` is the notebook's time of last change, in seconds since 1970. Raises NothingToHandIn
    for a student id that nbgrader couldn't file, and for a notebook that isn't there or is broken.
    """
    if not _STUDENT.fullmatch(student):
        raise NothingToHandIn(
            f"{student!r} can't be a student id: one begins with a letter or digit and is made of "
            "up to 128 letters, digits and . _ - @. Give yours with --student."
        )
    notebook = work / lesson / f"{lesson}.ipynb"
    if not notebook.is_file():
        raise NothingToHandIn(
            f"{notebook} isn't there. The lesson's notebook has to keep its name and its place; "
            "`python3 course.py lab` puts back one that is missing."
        )
    content = notebook.read_bytes()
    answers = _cells(content, notebook)
    released = lessons / lesson / f"{lesson}.ipynb"
    asked = _cells(released.read_bytes(), released) if released.is_file() else {}
    same = [name for name, source in asked.items() if answers.get(name) == source]
    gone = [name for name in asked if name not in answers]
    path = folder / f"{student}-{lesson}.zip"
    write_zip(path, [(f"{student}/{lesson}/{lesson}.ipynb", content)])
    return Handin(path, notebook.stat().st_mtime, tuple(same), tuple(gone))


def _cells(content: bytes, path: Path) -> dict[str, str]:
    """The cells that a student is asked to fill in: nbgrader id to source, without outer space."""
    try:
        cells = json.loads(content)["cells"]
        return {
            cell["metadata"]["nbgrader"]["grade_id"]: _source(cell).strip()
            for cell in cells
            if cell.get("metadata", {}).get("nbgrader", {}).get("solution")
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NothingToHandIn(
            f"{path} isn't a notebook that can be read ({type(error).__name__}: {error}). Open it "
            "in JupyterLab, save it, and try again."
        ) from error


def _source(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
