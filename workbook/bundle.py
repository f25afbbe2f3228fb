"""The repository as students get it: one zip of what belongs to the course, and nothing beside it.

What isn't named here stays with the instructor: solutions, tests, and also a roster, downloads or a
gradebook, whatever they are called and whether or not git tracks them. From git's list of files
where the course is in a repository, else from the folder. The same files give the same bytes.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workbook.archive import write_zip
from workbook.syllabus import LESSONS

TOP = "transformer-workbook"
FILES = (
    *("README.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE", "LICENSE-content"),
    *("course.py", "nbgrader_config.py", "pyproject.toml", "environment.yml"),
    *("requirements.lock", "requirements-test.lock"),
    *(".gitignore", ".gitattributes", ".editorconfig"),
    *("datasets/sources.toml", "datasets/weights.toml"),
)
FOLDERS = (
    *("workbook", "autograder", "datasets/phrasebook"),
    *(f"lessons/{lesson.name}" for lesson in LESSONS),
)
# How the files in those folders end; not a table of grades that was saved there, nor a cache.
ENDINGS = (".ipynb", ".json", ".md", ".png", ".py", ".svg", ".toml", ".tsv")
PICTURES = (".png", ".svg")
_PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)")


class CannotBundle(Exception):
    """The bundle would be of no use or would give something away; the message says what to do."""


@dataclass(frozen=True)
class Bundle:
    """The file that was written, how many files it holds, and what was left out.

    `untracked` are the course's files that git doesn't know, `beside` what is at the top of the
    folder and is no part of the course.
    """

    path: Path
    count: int
    untracked: tuple[str, ...]
    beside: tuple[str, ...]


def bundle(root: Path, target: Path) -> Bundle:
    """Write the students' zip of the course in `root` to `target`, whole or not at all.

    Raises CannotBundle where there are no released lessons, where one holds a solution, and where
    git doesn't say what it tracks.
    """
    pictures = _pictures(root)
    shown = {name for name in _walk(root, (*FILES, *FOLDERS, *pictures)) if _shown(name, pictures)}
    tracked = set(_tracked(root))
    untracked = shown - tracked if tracked else set()
    shown -= untracked
    _require_lessons(root, shown)
    entries = ((f"{TOP}/{name}", (root / name).read_bytes()) for name in sorted(shown))
    count = write_zip(target, entries)
    return Bundle(target, count, tuple(sorted(untracked)), tuple(sorted(_beside(root))))


def _shown(name: str, pictures: Iterable[str]) -> bool:
    """Whether a file, by its path from the root with forward slashes, is for students."""
    if name in FILES or name in pictures:
        return True
    path = PurePosixPath(name)
    if path.suffix not in ENDINGS or any(part.startswith(".") for part in path.parts):
        return False
    return any(name.startswith(f"{folder}/") for folder in FOLDERS)


def _pictures(root: Path) -> tuple[str, ...]:
    """The pictures that the README shows, wherever they are kept."""
    try:
        text = (root / "README.md").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    paths = [PurePosixPath(name) for name in _PICTURE.findall(text) if name.endswith(PICTURES)]
    return tuple(str(path) for path in paths if ".." not in path.parts and not path.is_absolute())


def _walk(root: Path, names: Iterable[str]) -> Iterator[str]:
    """The files of these names and in these folders, by their paths from `root`; no links."""
    for name in names:
        path = root / name
        for file in path.rglob("*") if path.is_dir() else (path,):
            if file.is_file() and not file.is_symlink():
                yield file.relative_to(root).as_posix()


def _tracked(root: Path) -> list[str]:
    """What git tracks below `root`; empty where it is in no repository.

    Raises CannotBundle where it is in one and git doesn't answer: then nobody knows what isn't
    tracked.
    """
    command = ["git", "-C", str(root), "ls-files", "-z"]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        folder = root.resolve()
        repository = next((at for at in (folder, *folder.parents) if (at / ".git").exists()), None)
        if repository is None:
            return []
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        raise CannotBundle(
            f"{repository} is a git repository, and git doesn't say what it tracks:\n"
            f"{said or error}\n"
            "What to do: make `git ls-files` work there, or bundle from a copy outside of any "
            "repository, which gives away all files in the course's folders."
        ) from error
    return [name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name]


def _beside(root: Path) -> Iterator[str]:
    """What is at the top of `root` and is no part of the course; nothing hidden."""
    parts = {name.split("/")[0] for name in (*FILES, *FOLDERS)}
    for path in root.iterdir():
        if path.name not in parts and not path.name.startswith("."):
            yield path.name


def _require_lessons(root: Path, names: Iterable[str]) -> None:
    lessons = [name for name in names if name.startswith("lessons/") and name.endswith(".ipynb")]
    if not lessons:
        raise CannotBundle(
            "there are no released lessons to bundle: run `python3 course.py release` first."
        )
    for name in sorted(lessons):
        if b"BEGIN SOLUTION" in (root / name).read_bytes():
            raise CannotBundle(
                f"{name} holds a solution: run `python3 course.py release` and bundle again."
            )
