"""The repository as students get it: one zip, without the solutions and what would give them away.

From git's list of files where git is there, else from the folder itself without what is made at
run time. The same files give the same bytes.
"""

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workbook.archive import write_zip

TOP = "transformer-workbook"
# The instructor's. The tests compare with solutions, hold correct answers, and attack the grader.
WITHHELD = ("solutions", "tests", ".ci", ".github")
# Made at run time, at the top and anywhere; .gitignore says the same.
MADE = tuple(".venv .setup.lock work toolbox models submitted grading build dist".split())
CACHES = ("__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".ruff_cache", ".hypothesis")
MADE_ANYWHERE = (*CACHES, "fetched")


class CannotBundle(Exception):
    """The bundle would be of no use or would give something away; the message says what to do."""


@dataclass(frozen=True)
class Bundle:
    """The file that was written, how many files it holds, and what git doesn't know."""

    path: Path
    count: int
    untracked: tuple[str, ...]


def bundle(root: Path, target: Path) -> Bundle:
    """Write the students' zip of the course in `root` to `target`, whole or not at all.

    Raises CannotBundle where there are no released lessons, or where one holds a solution.
    """
    tracked = _git(root, "--cached")
    untracked: list[str] = []
    if tracked:
        names = [name for name in tracked if (root / name).is_file()]
        untracked = [name for name in _git(root, "--others", "--exclude-standard") if _shown(name)]
    else:
        names = list(_walk(root, root))
    shown = sorted(name for name in set(names) if _shown(name))
    _require_lessons(root, shown)
    count = write_zip(target, ((f"{TOP}/{name}", (root / name).read_bytes()) for name in shown))
    return Bundle(target, count, tuple(sorted(untracked)))


def _shown(name: str) -> bool:
    """Whether a file, by its path from the root with forward slashes, is for students."""
    parts = PurePosixPath(name).parts
    return parts[0] not in WITHHELD and not (len(parts) == 1 and name.endswith(".zip"))


def _git(root: Path, *options: str) -> list[str]:
    """git's list of files below `root`; empty where it is no repository, or there is no git."""
    command = ["git", "-C", str(root), "ls-files", "-z", *options]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    return [name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name]


def _walk(root: Path, folder: Path) -> Iterator[str]:
    """The files below `folder`, by their paths from `root`, without what is made at run time."""
    skipped = (".git", *MADE_ANYWHERE, *(MADE if folder == root else ()))
    for path in folder.iterdir():
        if path.name in skipped or path.is_symlink() or path.suffix in (".pyc", ".egg-info"):
            continue
        if path.is_dir():
            yield from _walk(root, path)
        else:
            yield path.relative_to(root).as_posix()


def _require_lessons(root: Path, names: Iterable[str]) -> None:
    lessons = [name for name in names if name.startswith("lessons/") and name.endswith(".ipynb")]
    if not lessons:
        raise CannotBundle(
            "there are no released lessons to bundle: run `python3 course.py release` first."
        )
    for name in lessons:
        if b"BEGIN SOLUTION" in (root / name).read_bytes():
            raise CannotBundle(
                f"{name} holds a solution: run `python3 course.py release` and bundle again."
            )
