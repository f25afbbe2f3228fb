"""What a class handed in, found in a folder as real classes fill it.

nbgrader's place for a submission is `submitted/STUDENT/LESSON/LESSON.ipynb`. Beside that:

1. Every notebook anywhere in a student's folder counts, and so does one in a zip there. At the top
   a file counts whose name says the student and the lesson: the zip `STUDENT-LESSON.zip`, which
   `course.py submit` writes, or a lone notebook. Whose it is, the outermost name says, never what
   is in a zip. Links are not followed.
2. A notebook belongs to the lesson whose cells it holds. Its name and folder decide only where it
   holds no lesson's cells.
3. Of several for one lesson, the one that was changed last is taken; of those changed at the same
   time, the one with the lesson's own name.
4. What can't be read is reported, and costs nobody else anything.
5. What isn't looked at is mentioned, but for hidden files and what systems drop.
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

from autograder.grading.reading import LARGEST, Unreadable, read, read_file
from autograder.lessons.cells import grade_id, is_locked
from autograder.lessons.release import released_notebook, released_path
from workbook.home import root
from workbook.syllabus import LESSONS, Lesson

TIMESTAMP = "timestamp.txt"
UNPACKED = 200 * 2**20  # bytes that the notebooks of one zip may have together
ENTRIES, NOTEBOOKS = 100_000, 100  # of one zip; a whole course folder with its environment has less
_STUDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")
_ONE_OF_THEM = "|".join(re.escape(lesson.name) for lesson in LESSONS)
_HANDED_IN = re.compile(
    rf"(?P<student>.+)[-_](?P<lesson>{_ONE_OF_THEM})(?:[^a-z0-9].*)?", re.IGNORECASE | re.DOTALL
)
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others can't be bounded as they unpack
_OTHERWISE_PACKED = "is packed by a rare method: zip it anew, with the system's own program"
_DROPPINGS = {"__MACOSX", "__pycache__", "Icon\r", "Thumbs.db", "desktop.ini"}
_YEAR_FIRST = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?!\d)")
_TOLD = 5  # names in a line
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
    """A file that may be a notebook, or the `entry` of a zip that may be one, not read yet."""

    place: str
    lesson: Lesson | None  # by its name or folder
    changed: float = 0.0
    named_right: bool = False
    problem: str = ""
    path: Path | None = None
    entry: zipfile.ZipInfo | None = None

    def read(self) -> NotebookNode:
        if self.problem:
            raise Unreadable(self.problem)
        if self.entry is not None:
            return read(_unpacked(self.path, self.entry))
        try:
            return read_file(self.path)
        except OSError as error:
            raise Unreadable(_cannot(error)) from None

    @property
    def preference(self) -> tuple:
        within = () if self.entry is None else self.entry.date_time  # all of a zip are as old as it
        return round(self.changed), within, self.named_right, self.place


@dataclass
class _Student:
    """All files of one student. `beside` are those that are no notebooks, by lesson."""

    files: list[_File] = field(default_factory=list)
    folders: dict[Lesson, list[str]] = field(default_factory=dict)
    beside: dict[Lesson | None, list[str]] = field(default_factory=lambda: defaultdict(list))
    timestamps: dict[Lesson, Path] = field(default_factory=dict)


def submitted_folder() -> Path:
    """Where submissions are."""
    return root() / "submitted"


def expected(folder: Path, lessons: Sequence[Lesson]) -> dict[Lesson, set[str]]:
    """Who seems to have handed in which of these lessons, by the names of files and folders."""
    seem: dict[Lesson, set[str]] = {lesson: set() for lesson in lessons}
    for student, owned in _found(folder)[0].items():
        for lesson in {file.lesson for file in owned.files} & seem.keys():
            seem[lesson].add(student)
    return seem


def collect(
    folder: Path, lessons: Sequence[Lesson], students: Sequence[str] = ()
) -> Iterator[Submission | Problem]:
    """The submissions for these lessons, student by student, read as they are asked for.

    With `students`, theirs only.
    """
    found, strays = _found(folder)
    for student, owned in sorted(found.items()):
        if students and student not in students:
            continue
        if not _STUDENT.fullmatch(student):
            there = (
                "the folder to the student's"
                if (folder / student).is_dir()
                else f"{owned.files[0].place} so that it starts with the student's"
            )
            message = f"letters, digits and . _ - @ make an id; rename {there}"
            yield Problem(student, "", message)
            continue
        try:
            yield from _of_student(student, owned, lessons)
        except Exception as error:  # whatever nobody foresaw in one student's files
            yield Problem(student, "", f"can't be collected: {type(error).__name__}: {error}")
    if not students:
        yield from (Problem("", "", stray) for stray in strays)


def _of_student(
    student: str, owned: _Student, lessons: Sequence[Lesson]
) -> Iterator[Submission | Problem]:
    by_lesson: dict[Lesson, list[_File]] = defaultdict(list)
    taken: dict[Lesson, tuple[_File, NotebookNode, list[str]]] = {}
    unread: dict[Lesson | None, list[str]] = defaultdict(list)
    for file in owned.files:
        try:
            notebook = file.read()
            lesson, notes = _whose(notebook, file)
        except Unreadable as error:
            unread[file.lesson].append(f"{file.place} {error}")
            continue
        by_lesson[lesson].append(file)
        if lesson not in taken or file.preference > taken[lesson][0].preference:
            taken[lesson] = file, notebook, notes
    broken, loose = unread[None], owned.beside[None]  # of whatever lesson: they are told once
    for lesson in lessons:
        problems, beside = [*unread[lesson]], [*owned.beside[lesson]]
        here = owned.folders.get(lesson, [])
        if lesson in taken or lesson in owned.folders:
            problems, beside, here = problems + broken, beside + loose, here + loose
            broken, loose = [], []
        if lesson not in taken:
            problems += [
                f"{file.place} holds {other.name}"
                for other, found in by_lesson.items()
                for file in found
                if file.lesson == lesson
            ]
            if not problems and lesson in owned.folders:
                problems.append(f"no notebook in the folder; it holds {_listed(here)}")
            elif beside:
                aside = f"not looked at: {_listed(beside)}"
                problems[-1:] = [f"{problems[-1]}; {aside}" if problems else aside]
            for problem in problems:
                yield Problem(student, lesson.name, problem)
            continue
        file, notebook, notes = taken[lesson]
        others = [other.place for other in by_lesson[lesson] if other is not file]
        if others:
            told = _listed(others)
            notes = [*notes, f"took {file.place}, which was changed last, and not {told}"]
        if beside:
            problems.append(f"not looked at: {_listed(beside)}")
        timestamp, trouble = _timestamp(owned.timestamps.get(lesson))
        yield Submission(
            student,
            lesson,
            notebook,
            file.place,
            timestamp,
            (*notes, *problems, *trouble, *_older(notebook, lesson)),
        )
    for problem in broken:
        yield Problem(student, "", problem)
    other_lessons = owned.files or owned.folders or any(owned.beside[each] for each in LESSONS)
    if not other_lessons:
        message = f"no lesson's notebook in the folder; it holds {_listed(loose)}"
        yield Problem(student, "", message)


def _listed(names: Sequence[str]) -> str:
    """Some names in a line."""
    told = ", ".join(names[:_TOLD]) or "nothing"
    return told + (f" and {len(names) - _TOLD} more" if len(names) > _TOLD else "")


def _timestamp(path: Path | None) -> tuple[str | None, list[str]]:
    """When it was handed in, as nbgrader reads it, and what is to be said where it can't."""
    if path is None:
        return None, []
    from nbgrader.utils import parse_utc

    try:
        with path.open("rb") as file:
            text = file.read(1000).decode("utf-8", "replace").strip()
        if not text:
            return None, []
        parse_utc(text)
        if _YEAR_FIRST.match(text):
            return text, []
        # Of 04/03/2027 the parser makes the third of April, wherever it was written.
        trouble = f"holds no time that begins with the year, but {text[:40]!r}"
    except OSError as error:
        trouble = _cannot(error)
    except Exception:  # whatever a text that is no time makes the parser do
        trouble = f"holds no time, but {text[:40]!r}"
    return None, [f"{path.name} {trouble}: it counts as in time; write 2027-03-02 23:59:00 UTC"]


def _cannot(error: OSError) -> str:
    return f"can't be read: {error.strerror or error}"


# ---- where things lie --------------------------------------------------------------------------


def _found(folder: Path) -> tuple[dict[str, _Student], list[str]]:
    """The students' files, and a sentence for each thing that lies there and is nobody's."""
    found: dict[str, _Student] = defaultdict(_Student)
    strays: list[str] = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return found, strays
    for entry in entries:
        if _is_dropped(entry.name):
            continue
        path, handed_in = Path(entry.path), _HANDED_IN.fullmatch(entry.name)
        try:
            if entry.is_symlink():
                strays.append(f"{entry.name} {_LINK}")
            elif entry.is_dir():
                if entry.name in {lesson.name for lesson in LESSONS}:
                    strays.append(f"{entry.name} {_INSIDE_OUT}")
                else:
                    _walk(path, found[entry.name])
            elif handed_in is None:
                strays.append(f"{entry.name} {_nobodys(entry.name)}")
            else:
                student, lesson = handed_in["student"].strip(), _named(handed_in["lesson"])
                _add(path, entry.name, student, lesson, found[student])
        except OSError as error:  # it went while it was looked at, say
            strays.append(f"{entry.name} {_cannot(error)}")
    return found, strays


_LINK = "is a link, and is not followed"
_INSIDE_OUT = (
    "is named after a lesson; the folders here are the students', with the lessons' in them: "
    "STUDENT/LESSON/LESSON.ipynb"
)


def _nobodys(name: str) -> str:
    """What to do with a file whose name doesn't say whose it is."""
    if _is_zip(name):
        return (
            "names no student and lesson: rename it to STUDENT-LESSON.zip. A download of a whole "
            "class goes to downloaded/LESSON/archive/, for `nbgrader zip_collect LESSON`"
        )
    if _is_notebook(name):
        return "names no student and lesson: put it into STUDENT/LESSON"
    return (
        "was not looked at: a submission is STUDENT/LESSON/LESSON.ipynb, STUDENT-LESSON.zip or "
        "STUDENT-LESSON.ipynb"
    )


def _walk(folder: Path, owned: _Student) -> None:
    """All files below a student's folder. Links lead elsewhere, and aren't followed."""

    def closed(error: OSError) -> None:
        place = Path(error.filename).relative_to(folder.parent).as_posix()
        owned.files.append(_File(place, _named_inside(folder, place), problem=_cannot(error)))

    for here, folders, names in os.walk(folder, onerror=closed):
        folders[:] = sorted(name for name in folders if not _is_dropped(name))
        names = sorted(name for name in names if not _is_dropped(name))
        inside = Path(here).relative_to(folder).parts
        lesson = _named(inside[0]) if inside else None
        if lesson:
            owned.folders.setdefault(lesson, []).extend(names)
        links = [name for name in folders if Path(here, name).is_symlink()]
        for name in (*names, *links):
            path = Path(here, name)
            place = "/".join((folder.name, *inside, name))
            if name == TIMESTAMP and lesson and path.is_file() and not path.is_symlink():
                owned.timestamps[lesson] = path
            else:
                _add(path, place, folder.name, _named(path.stem) or lesson, owned, inside)


def _add(
    path: Path,
    place: str,
    student: str,
    lesson: Lesson | None,
    owned: _Student,
    inside: tuple[str, ...] | None = None,
) -> None:
    """Put a file to its student's: as a notebook, as those of a zip, or as what lies beside.
    `inside` are the folders that it lies in below the student's; at the top it is None."""
    name = path.name
    if path.is_symlink():
        owned.files.append(_File(place, lesson, problem=_LINK))
    elif not (_is_notebook(name) or _is_zip(name)):
        if inside is None:
            problem = "is neither a notebook nor a zip: put the notebook into STUDENT/LESSON"
            owned.files.append(_File(place, lesson, problem=problem))
        else:
            owned.beside[lesson].append(place)
    elif not path.is_file():
        owned.files.append(_File(place, lesson, problem="is no file"))
    elif _is_zip(name):
        right = lesson is not None and name == f"{student}-{lesson.name}.zip"
        owned.files += _zipped(path, place, lesson, right, owned.beside[lesson])
    else:
        right = lesson is not None and inside == (lesson.name,) and name == f"{lesson.name}.ipynb"
        owned.files.append(_File(place, lesson, path.stat().st_mtime, right, path=path))


def _zipped(
    path: Path, place: str, lesson: Lesson | None, right: bool, beside: list[str]
) -> Iterator[_File]:
    """The notebooks in a zip. Nothing is unpacked, and each is read when it is its turn."""
    try:
        changed = path.stat().st_mtime
        if path.stat().st_size > LARGEST:
            raise Unreadable(f"has more than {LARGEST // 2**20} MB")
        with zipfile.ZipFile(path) as archive:
            entries = [each for each in archive.infolist() if not each.is_dir()]
        if len(entries) > ENTRIES:
            raise Unreadable(f"has {len(entries)} files in it, which is no submission")
        kept = [each for each in entries if not any(map(_is_dropped, _parts(each)))]
        notebooks = [each for each in kept if _is_notebook(_parts(each)[-1])]
        if not notebooks:
            told = _listed([each.filename for each in kept])
            raise Unreadable(f"has no notebook in it; it holds {told}")
        size = sum(each.file_size for each in notebooks)
        if len(notebooks) > NOTEBOOKS or size > UNPACKED:
            raise Unreadable(
                f"was left packed: notebooks in it {len(notebooks)}, together {size / 2**20:.0f} "
                f"MB; a submission has at most {NOTEBOOKS} and {UNPACKED // 2**20} MB"
            )
    except Unreadable as error:
        yield _File(place, lesson, problem=str(error))
        return
    except Exception as error:  # whatever a broken file makes the reader of zips do
        yield _File(place, lesson, problem=f"is a broken zip ({error})")
        return
    beside += [f"{place}/{each.filename}" for each in kept if each not in notebooks]
    for entry in notebooks:
        *folders, name = _parts(entry)
        named = next(filter(None, map(_named, (name, *reversed(folders)))), lesson)
        problem = "" if entry.compress_type in _PACKED else _OTHERWISE_PACKED
        at_home = right and named == lesson and name == f"{lesson.name}.ipynb"
        yield _File(f"{place}/{name}", named, changed, at_home, problem, path, entry)


def _unpacked(path: Path, entry: zipfile.ZipInfo) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive, archive.open(entry) as stream:
            return stream.read(entry.file_size + 1)  # a size makes it stop at what was said
    except Exception as error:  # as above
        raise Unreadable(f"can't be unpacked ({error})") from None


def _parts(entry: zipfile.ZipInfo) -> list[str]:
    return [part for part in re.split(r"[/\\]", entry.filename) if part]


def _is_dropped(name: str) -> bool:
    return name.startswith(".") or name in _DROPPINGS


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def _is_notebook(name: str) -> bool:
    return ".ipynb" in name.lower() and not _is_zip(name)  # some browsers add a .txt or .json


def _named(name: str) -> Lesson | None:
    """The lesson that a file or folder is named after, copies (`NAME (1)`, `NAME-Copy1`) and zips
    (`STUDENT-NAME`) too."""
    if handed_in := _HANDED_IN.fullmatch(name):
        name = handed_in["lesson"]
    return next((lesson for lesson in LESSONS if name.lower().startswith(lesson.name)), None)


def _named_inside(folder: Path, place: str) -> Lesson | None:
    return next(filter(None, map(_named, Path(place).parts[1:])), None)


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
