"""What a class handed in, found in a folder as real classes fill it.

nbgrader's place for a submission is `submitted/STUDENT/LESSON/LESSON.ipynb`. Beside that:

1. Every notebook anywhere in a student's folder counts, and so does a zip `STUDENT-LESSON.zip`,
   which `course.py submit` writes, at the top. Links are not followed, hidden files not looked at.
2. A notebook belongs to the lesson whose cells it holds. Its name and folder decide only where it
   holds no lesson's cells.
3. Of several for one lesson, the one that was changed last is taken; of those changed at the same
   time, the one with the lesson's own name.
4. What can't be read is reported, and costs nobody else anything.
"""

import os
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.grading.reading import LARGEST, Unreadable, read
from autograder.lessons.cells import grade_id, is_locked
from autograder.lessons.release import released_notebook, released_path
from workbook.home import root
from workbook.syllabus import LESSONS, Lesson

TIMESTAMP = "timestamp.txt"
_STUDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")
_HANDED_IN = re.compile(r"(?P<student>.+)-(?P<lesson>\d\d-[a-z0-9-]+?)(?P<copy> ?\(\d+\))?\.zip")
_OLDER = 0.1  # the share of a lesson's untouchable cells that differ, from which on it is another


@dataclass(frozen=True)
class Submission:
    """One student's notebook for one lesson, and what is to be said about how it was found."""

    student: str
    lesson: Lesson
    notebook: NotebookNode
    place: str
    timestamp: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Something that was handed in and can't be graded. `student` and `lesson` as far as known."""

    student: str
    lesson: str
    message: str


@dataclass
class _File:
    """A file that may be a notebook, not read yet."""

    place: str
    lesson: Lesson | None  # by its name or folder
    changed: float
    named_right: bool
    content: bytes = b""
    problem: str = ""
    path: Path | None = None

    def read(self) -> NotebookNode:
        if self.problem:
            raise Unreadable(self.problem)
        if self.path is None:
            return read(self.content)
        try:
            if self.path.stat().st_size > LARGEST:
                raise Unreadable(f"has more than {LARGEST // 2**20} MB")
            return read(self.path.read_bytes())
        except OSError as error:
            raise Unreadable(f"can't be read: {error.strerror or error}") from None


@dataclass
class _Student:
    """All files of one student."""

    files: list[_File] = field(default_factory=list)
    folders: dict[str, list[str]] = field(default_factory=dict)
    timestamps: dict[str, str] = field(default_factory=dict)


def submitted_folder() -> Path:
    """Where submissions are."""
    return root() / "submitted"


def expected(folder: Path, lessons: Sequence[Lesson]) -> dict[Lesson, set[str]]:
    """Who seems to have handed in which of these lessons, by the names of files and folders."""
    seem: dict[Lesson, set[str]] = {lesson: set() for lesson in lessons}
    for student, owned in _found(folder).items():
        for lesson in {file.lesson for file in owned.files} & seem.keys():
            seem[lesson].add(student)
    return seem


def collect(
    folder: Path, lessons: Sequence[Lesson], students: Sequence[str] = ()
) -> Iterator[Submission | Problem]:
    """The submissions for these lessons, student by student, read as they are asked for.

    With `students`, theirs only.
    """
    for student, owned in sorted(_found(folder).items()):
        if students and student not in students:
            continue
        if not _STUDENT.fullmatch(student):
            message = "letters, digits and . _ - @ make an id; rename the folder to the student's"
            yield Problem(student, "", message)
            continue
        yield from _of_student(student, owned, lessons)


def _of_student(
    student: str, owned: _Student, lessons: Sequence[Lesson]
) -> Iterator[Submission | Problem]:
    by_lesson: dict[Lesson, list[tuple[_File, NotebookNode, list[str]]]] = defaultdict(list)
    unread: dict[Lesson | None, list[str]] = defaultdict(list)
    for file in owned.files:
        try:
            notebook = file.read()
            lesson, notes = _whose(notebook, file)
            by_lesson[lesson].append((file, notebook, notes))
        except Unreadable as error:
            unread[file.lesson].append(f"{file.place} {error}")
    for lesson in lessons:
        candidates = by_lesson.get(lesson)
        problems = unread.get(lesson, []) + (unread.get(None, []) if not candidates else [])
        if not candidates:
            problems += [
                f"{file.place} holds {other.name}"
                for other, found in by_lesson.items()
                for file, *_ in found
                if file.lesson == lesson
            ]
            for problem in problems:
                yield Problem(student, lesson.name, problem)
            if not problems and lesson.name in owned.folders:
                there = ", ".join(owned.folders[lesson.name][:5])
                message = f"no notebook in the folder; it holds {there or 'nothing'}"
                yield Problem(student, lesson.name, message)
            continue
        file, notebook, notes = max(candidates, key=lambda each: _preference(each[0]))
        if len(candidates) > 1:
            others = ", ".join(other.place for other, *_ in candidates if other is not file)
            notes = [*notes, f"took {file.place}, which was changed last, and not {others}"]
        yield Submission(
            student,
            lesson,
            notebook,
            file.place,
            owned.timestamps.get(lesson.name),
            (*notes, *problems, *_older(notebook, lesson)),
        )


def _preference(file: _File) -> tuple[float, bool, str]:
    return round(file.changed), file.named_right, file.place


# ---- where things lie --------------------------------------------------------------------------


def _found(folder: Path) -> dict[str, _Student]:
    found: dict[str, _Student] = defaultdict(_Student)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return found
    for entry in entries:
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir():
            _walk(Path(entry.path), found[entry.name])
        elif handed_in := _HANDED_IN.fullmatch(entry.name):
            found[handed_in["student"]].files += _zipped(Path(entry.path))
    return found


def _walk(folder: Path, owned: _Student) -> None:
    """All notebooks below a student's folder. Links lead elsewhere, and aren't followed."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(place)
        inside = here.relative_to(folder).parts
        lesson = _named(inside[0]) if inside else None
        if lesson:
            owned.folders.setdefault(lesson.name, []).extend(sorted(names))
        for name in sorted(names):
            path = here / name
            if name.startswith("."):
                continue
            told = path.relative_to(folder.parent).as_posix()
            stem_lesson = _named(path.stem) or lesson
            right = bool(lesson) and name == f"{lesson.name}.ipynb" and len(inside) == 1
            if name == TIMESTAMP and lesson and not path.is_symlink():
                owned.timestamps[lesson.name] = path.read_text("utf-8", "replace").strip()
            elif ".ipynb" not in name.lower():  # some browsers add a .txt or .json
                continue
            elif path.is_symlink() or not path.is_file():
                problem = "is a link, and is not followed" if path.is_symlink() else "is no file"
                owned.files.append(_File(told, stem_lesson, 0.0, right, problem=problem))
            else:
                changed = path.stat().st_mtime
                owned.files.append(_File(told, stem_lesson, changed, right, path=path))


def _zipped(path: Path) -> Iterator[_File]:
    """The notebooks in a zip that was handed in, read in memory: nothing is unpacked."""
    changed = path.stat().st_mtime
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                name = entry.filename.rpartition("/")[2]
                if entry.is_dir() or not name.endswith(".ipynb") or name.startswith("."):
                    continue
                file = _File(f"{path.name}/{name}", _named(name[:-6]), changed, True)
                if entry.file_size > LARGEST:
                    file.problem = f"has more than {LARGEST // 2**20} MB"
                else:
                    with archive.open(entry) as stream:
                        file.content = stream.read(LARGEST + 1)
                yield file
    except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        lesson = _named(_HANDED_IN.fullmatch(path.name)["lesson"])
        yield _File(path.name, lesson, changed, False, problem=f"is a broken zip ({error})")


def _named(name: str) -> Lesson | None:
    """The lesson that a file or folder is named after, copies (`NAME (1)`, `NAME-Copy1`) too."""
    return next((lesson for lesson in LESSONS if name.startswith(lesson.name)), None)


# ---- whose cells they are ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    """What is telling of a released lesson."""

    graded: frozenset[str]
    untouchable: dict[str, str]


@cache
def _known_at(lesson: Lesson, changed: float, place: Path) -> _Known:
    released = released_notebook(lesson)
    return _Known(
        frozenset(name for cell in released.cells if (name := grade_id(cell))),
        {
            cell["id"]: cell.source
            for cell in released.cells
            if is_locked(cell) or (cell.cell_type == "markdown" and not grade_id(cell))
        },
    )


def _known(lesson: Lesson) -> _Known | None:
    path = released_path(lesson)
    return _known_at(lesson, path.stat().st_mtime, path) if path.is_file() else None


def _whose(notebook: NotebookNode, file: _File) -> tuple[Lesson, list[str]]:
    """The lesson that a notebook is of. Raises Unreadable where nothing tells."""
    names = {_grade_id(cell) for cell in notebook.cells} - {None}
    shared = {lesson: len(names & known.graded) for lesson in LESSONS if (known := _known(lesson))}
    most = max(shared.values(), default=0)
    if most == 0:
        if file.lesson is None:
            raise Unreadable("holds no lesson's cells, and isn't named after one")
        return file.lesson, ["no cell of it says which lesson it is: its name was believed"]
    best = file.lesson if shared.get(file.lesson) == most else max(shared, key=shared.get)
    if best != file.lesson:
        named = f"is named after {file.lesson.name}" if file.lesson else "has another name"
        return best, [f"{file.place} {named}, and holds {best.name}"]
    notes = [] if file.named_right else [f"found as {file.place}"]
    return best, notes


def _older(notebook: NotebookNode, lesson: Lesson) -> list[str]:
    """Whether the submission was made from another release of the lesson."""
    known = _known(lesson)
    submitted = {
        str(cell.get("id")): cell.get("source") for cell in notebook.cells if isinstance(cell, dict)
    }
    shared = known.untouchable.keys() & submitted.keys()
    differ = sum(submitted[each] != known.untouchable[each] for each in shared)
    if not shared or differ < max(2, _OLDER * len(shared)):
        return []
    return [f"was made from another release: {differ} of {len(shared)} cells read otherwise there"]


def _grade_id(cell: Any) -> str | None:
    usable = isinstance(cell, dict) and isinstance(cell.get("metadata"), dict)
    return grade_id(cell) if usable else None
