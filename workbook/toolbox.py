"""The student's toolbox: the pieces that passed, one readable file each, used by later lessons.

    from workbook.toolbox import MultiHeadAttention

gives the student's own class where `toolbox/MultiHeadAttention.py` exists, and otherwise the
course's, with a visible badge. `borrow("softmax")` takes the course's on purpose.
"""

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from workbook import pieces
from workbook.atomic import write_text
from workbook.home import toolbox_folder
from workbook.syllabus import PIECES, lesson_of


class BrokenPiece(ImportError):
    """A file of the toolbox doesn't load, or doesn't define its piece."""


class MissingPiece(ImportError):
    """The course itself has no such piece here; the message names the lesson it comes with."""


class Badge:
    """The notice that a piece is the course's and not the student's, in text and in HTML."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        lesson = lesson_of(self.name)
        return (
            f"[borrowed] {self.name} is the course's; yours is made in lesson {lesson.number:02d}."
        )

    def _repr_html_(self) -> str:
        return (
            '<span style="border:1px dashed currentColor;border-radius:.6em;padding:.1em .6em">'
            f"borrowed</span> <code>{self.name}</code> is the course's; yours is made in lesson "
            f"{lesson_of(self.name).number:02d}."
        )


def piece_file(name: str) -> Path:
    """Where a piece is kept. Raises KeyError for a name that is no piece of the course."""
    lesson_of(name)
    return toolbox_folder() / f"{name}.py"


def passed() -> set[str]:
    """The names of the student's own pieces."""
    return {name for name in PIECES if piece_file(name).is_file()}


def save(name: str, source: str) -> Path:
    """Keep the source of a piece that passed. The file is replaced whole or not at all."""
    path = piece_file(name)
    lesson = lesson_of(name)
    header = f'"""{name}: written in lesson {lesson.name} and checked there."""\n\n'
    write_text(path, header + source)
    return path


def own(name: str) -> Any:
    """The student's own piece. Raises FileNotFoundError where it hasn't passed yet, BrokenPiece
    where its file doesn't load."""
    path = piece_file(name)
    if not path.is_file():
        raise FileNotFoundError(f"{name} hasn't passed its check yet")
    try:
        return getattr(_load(name, path), name)
    except Exception as error:
        raise BrokenPiece(
            f"{path} doesn't give a {name} ({type(error).__name__}: {error}). Run the check of "
            f"{name} in lesson {lesson_of(name).name} again, or delete the file: then the "
            "course's is used."
        ) from error


def borrow(name: str) -> Any:
    """The course's own piece, with a badge. A borrowed piece earns no points and no place on the
    map.

    Raises KeyError for a name that is no piece of the course, MissingPiece where its lesson isn't
    written yet or is kept away from a submission that is judged.
    """
    lesson = lesson_of(name)
    if name not in dir(pieces):
        raise MissingPiece(
            f"the course's {name} is not here: it comes with lesson {lesson.name}, which this "
            "course doesn't have yet, or keeps away from a submission that is judged"
        )
    piece = getattr(pieces, name)
    _show(Badge(name))
    return piece


def __getattr__(name: str) -> Any:
    if name not in PIECES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return own(name) if piece_file(name).is_file() else borrow(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(pieces), *passed()})


def _load(name: str, path: Path) -> ModuleType:
    """The module of a file, loaded anew when its content has changed."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    module_name = f"toolbox.{name}"
    loaded = sys.modules.get(module_name)
    if loaded is not None and getattr(loaded, "__digest__", None) == digest:
        return loaded
    spec = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(spec)
    module.__digest__ = digest
    # Not by the loader, which takes bytecode from the same second for that of the new file.
    exec(compile(content, str(path), "exec"), vars(module))
    sys.modules[module_name] = module
    return module


def _show(badge: Badge) -> None:
    """Display in a notebook, print anywhere else."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        print(badge)
    else:
        ipython.display.display(badge)
