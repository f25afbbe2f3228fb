"""The student's own copies of the lessons, in `work/`: made once, and never written over.

`work/.copied.json` remembers the released file that each copy was made from, and its cells. So a
copy that nobody has written in follows an update of the course, and one with answers in it stays as
it is. Opening a notebook changes its file (JupyterLab rewrites metadata) and none of its cells.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from workbook.atomic import write_bytes, write_text
from workbook.syllabus import LESSONS

RECORD = ".copied.json"


class Mark(NamedTuple):
    """What a released file was when it was copied: all of it, and its cells alone."""

    file: str
    cells: str


NOTHING = Mark("", "")


@dataclass
class Copies:
    """What `copy_lessons` did, as paths relative to `work/`.

    `outdated` are copies with work in them whose lesson has been released anew since.
    """

    made: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)


def copy_lessons(lessons: Path, work: Path) -> Copies:
    """Copy each released file that `work` doesn't have, and renew the copies nobody has touched.

    A lesson whose copy was deleted or moved away is copied again: that is how to start it over.
    """
    copies = Copies()
    if not lessons.is_dir():
        return copies
    work.mkdir(exist_ok=True)
    record = _read_record(work)
    for source in released_files(lessons):
        name = source.relative_to(lessons).as_posix()
        target = work / name
        released = Mark(_digest(source.read_bytes()), _cells(source))
        if not target.exists():
            copies.made.append(name)
        elif record.get(name, NOTHING).file == released.file:
            continue
        elif record.get(name, NOTHING).cells == _cells(target):
            copies.renewed.append(name)
        elif _cells(target) == released.cells:
            record[name] = released
            continue
        else:
            copies.outdated.append(name)
            continue
        write_bytes(target, source.read_bytes())
        record[name] = released
    marks = {name: list(mark) for name, mark in record.items()}
    write_text(work / RECORD, json.dumps(marks, indent=1, sort_keys=True) + "\n")
    return copies


def released_files(lessons: Path) -> Iterator[Path]:
    """Every file of every lesson, in order; nothing hidden, so no checkpoints."""
    for path in sorted(lessons.rglob("*")):
        parts = path.relative_to(lessons).parts
        if path.is_file() and len(parts) > 1 and not any(part.startswith(".") for part in parts):
            yield path


def lesson_names(folder: Path) -> list[str]:
    """The lessons in `lessons/` or `work/`, in order: those of the course whose notebook is there.

    A student's own notebooks are none.
    """
    return [lesson.name for lesson in LESSONS if _notebook(folder, lesson.name).is_file()]


def last_edited(lessons: Path, work: Path) -> str | None:
    """The lesson that was saved last among those with changes; None where nothing has changed."""
    changed = []
    for name in lesson_names(work):
        copy, released = _notebook(work, name), _notebook(lessons, name)
        if not released.is_file() or _cells(copy) != _cells(released):
            changed.append((copy.stat().st_mtime, name))
    return max(changed)[1] if changed else None


def _notebook(folder: Path, name: str) -> Path:
    return folder / name / f"{name}.ipynb"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _cells(path: Path) -> str:
    """What somebody may have written: text and kind of each cell; of another file, all of it."""
    content = path.read_bytes()
    try:
        cells = [
            (cell["cell_type"], _text(cell["source"])) for cell in json.loads(content)["cells"]
        ]
    except (ValueError, KeyError, TypeError):
        return _digest(content)
    return _digest(json.dumps(cells).encode())


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _read_record(work: Path) -> dict[str, Mark]:
    """The marks by file name. Without a readable record, every copy counts as written in."""
    try:
        record = json.loads((work / RECORD).read_text(encoding="utf-8"))
        return {name: Mark(*mark) for name, mark in record.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
