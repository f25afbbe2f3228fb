"""The student's own copies of the lessons, in `work/`: made once, and never written over.

`work/.copied.json` remembers the released file that each copy was made from. So a copy that
nobody has touched follows an update of the course, and one with answers in it stays as it is.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

RECORD = ".copied.json"


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
        released = _number(source)
        if not target.exists():
            copies.made.append(name)
        elif record.get(name) == released or _number(target) == released:
            record[name] = released
            continue
        elif record.get(name) == _number(target):
            copies.renewed.append(name)
        else:
            copies.outdated.append(name)
            continue
        _copy(source, target)
        record[name] = released
    _write(work / RECORD, json.dumps(record, indent=1, sort_keys=True) + "\n")
    return copies


def released_files(lessons: Path) -> Iterator[Path]:
    """Every file of every lesson, in order; nothing hidden, so no checkpoints."""
    for path in sorted(lessons.rglob("*")):
        parts = path.relative_to(lessons).parts
        if path.is_file() and len(parts) > 1 and not any(part.startswith(".") for part in parts):
            yield path


def lesson_names(folder: Path) -> list[str]:
    """The lessons in `lessons/` or `work/`, in order: folders with a notebook of their own name."""
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if (path / f"{path.name}.ipynb").is_file())


def last_edited(lessons: Path, work: Path) -> str | None:
    """The lesson that was saved last among those with changes; None where nothing has changed."""
    changed = []
    for name in lesson_names(work):
        copy, released = work / name / f"{name}.ipynb", lessons / name / f"{name}.ipynb"
        if not released.is_file() or _number(copy) != _number(released):
            changed.append((copy.stat().st_mtime, name))
    return max(changed)[1] if changed else None


def _number(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_record(work: Path) -> dict[str, str]:
    try:
        record = json.loads((work / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # without it, every copy counts as touched
        return {}
    return record if isinstance(record, dict) else {}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, temporary)
    os.replace(temporary, target)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
