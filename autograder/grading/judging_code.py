"""Which version of the judge a verdict comes from: a hash of all the code that has a say in it.

The code is found from the imports, so that a new module counts without being listed, and a change
to the gradebook or to another lesson's exercises makes nobody's grade old.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import autograder
import workbook
from workbook.syllabus import LESSONS, Lesson

# What a verdict on any lesson depends on: the judge, and what runs where the submission runs.
_ROOTS = (
    "autograder.grading.judge",
    "autograder.channel.worker",
    "autograder.sandbox.parent",
)
_PACKAGES = {
    package.__name__: Path(package.__file__).resolve().parent for package in (autograder, workbook)
}


@cache
def version(lesson: Lesson) -> str:
    """The version of a lesson's judge, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, path in sorted(reached(lesson).items()):
        source = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name} {len(source)}\n".encode() + source)
    return digest.hexdigest()


def reached(lesson: Lesson) -> dict[str, Path]:
    """Module name -> file of every module of ours that has a say in a lesson's verdicts."""
    found: dict[str, Path] = {}
    # The references are imported by name: this lesson's judge, and earlier ones' may be borrowed.
    references = [f"workbook.pieces.{each.module}" for each in LESSONS[: lesson.number]]
    waiting = [*_ROOTS, f"autograder.exercises.{lesson.module}", *references]
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is None or name in found:
            continue
        found[name] = path
        waiting += _imports(path)
    return found


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(name: str) -> Path | None:
    package, *parts = name.split(".")
    if package not in _PACKAGES:
        return None
    place = _PACKAGES[package].joinpath(*parts)
    for candidate in (place.with_suffix(".py") if parts else place, place / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None
