"""The students' zip: everything they need, nothing that gives an answer away."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.setup.conftest import make_lesson
from workbook import bundle as bundle_module
from workbook.bundle import MADE, MADE_ANYWHERE, TOP, CannotBundle, bundle

LESSON = "01-rnn-recap"
SHOWN = {
    "README.md",
    "course.py",
    "workbook/__init__.py",
    "workbook/work/kept.py",
    "datasets/phrasebook/train.tsv",
    f"lessons/{LESSON}/{LESSON}.ipynb",
}
HIDDEN = {
    f"solutions/{LESSON}/{LESSON}.py",
    "tests/exercises/correct/rnn.py",
    ".github/workflows/ci.yml",
    ".ci/run",
}
MADE_FILES = {
    ".venv/bin/python",
    f"work/{LESSON}/{LESSON}.ipynb",
    "toolbox/RNN.py",
    "submitted/ana/answers.ipynb",
    "grading/gradebook.db",
    "workbook/__pycache__/x.pyc",
    "lessons/.ipynb_checkpoints/x.ipynb",
    "transformer_workbook.egg-info/PKG-INFO",
    "ana-01-rnn-recap.zip",
}


@pytest.fixture
def course(tmp_path: Path) -> Path:
    root = tmp_path / "course"
    for name in SHOWN | HIDDEN | MADE_FILES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    make_lesson(root / "lessons", LESSON)
    return root


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        listed = archive.namelist()
    assert listed == sorted(listed)
    assert len(listed) == len(set(listed))
    return {name.removeprefix(f"{TOP}/") for name in listed}


def git(course: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(course), *arguments], check=True, capture_output=True)


def test_without_git_everything_but_the_withheld_and_the_made_is_in_it(course, tmp_path):
    made = bundle(course, tmp_path / "out.zip")
    assert names(made.path) == SHOWN
    assert made.count == len(SHOWN)


def test_with_git_only_what_it_tracks_is_in_it_and_the_rest_is_told(course, tmp_path):
    git(course, "init")
    git(
        course,
        "add",
        "--force",
        "README.md",
        "course.py",
        "workbook/__init__.py",
        "lessons",
        "solutions",
    )
    made = bundle(course, tmp_path / "out.zip")
    assert names(made.path) >= {"README.md", "course.py", f"lessons/{LESSON}/{LESSON}.ipynb"}
    assert "datasets/phrasebook/train.tsv" not in names(made.path)
    assert "datasets/phrasebook/train.tsv" in made.untracked
    assert not any(name.startswith(("solutions/", "tests/")) for name in made.untracked)
    assert not any(name.startswith("solutions") for name in names(made.path))


def test_a_tracked_file_that_was_deleted_is_left_out(course, tmp_path):
    git(course, "init")
    git(course, "add", "--force", "README.md", "course.py", "lessons")
    (course / "course.py").unlink()
    assert "course.py" not in names(bundle(course, tmp_path / "out.zip").path)


def test_a_repository_that_tracks_nothing_yet_is_read_from_the_folder(course, tmp_path):
    git(course, "init")
    assert names(bundle(course, tmp_path / "out.zip").path) == SHOWN


def test_the_same_files_give_the_same_bytes(course, tmp_path):
    first = bundle(course, tmp_path / "one.zip").path.read_bytes()
    (course / "README.md").touch()
    (course / "README.md").chmod(0o600)
    assert bundle(course, tmp_path / "two.zip").path.read_bytes() == first


def test_what_is_unpacked_can_be_read_by_everybody(course, tmp_path):
    made = bundle(course, tmp_path / "out.zip")
    with zipfile.ZipFile(made.path) as archive:
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}


def test_a_course_without_released_lessons_is_refused(course, tmp_path):
    (course / "lessons" / LESSON / f"{LESSON}.ipynb").unlink()
    with pytest.raises(CannotBundle, match=r"course\.py release"):
        bundle(course, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_a_lesson_with_a_solution_in_it_is_refused(course, tmp_path):
    make_lesson(course / "lessons", LESSON, {"rnn_step": "### BEGIN SOLUTION\nreturn 1"})
    with pytest.raises(CannotBundle, match="holds a solution"):
        bundle(course, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_a_machine_without_git_bundles_too(course, tmp_path, monkeypatch):
    def no_git(*arguments, **options):
        raise FileNotFoundError("git")

    monkeypatch.setattr(bundle_module.subprocess, "run", no_git)
    assert names(bundle(course, tmp_path / "out.zip").path) == SHOWN


def test_what_is_made_at_run_time_is_what_git_ignores():
    ignored = (Path(__file__).parents[2] / ".gitignore").read_text(encoding="utf-8").split("\n")
    ignored = {line.strip("/") for line in ignored if line and not line.startswith("#")}
    assert set(MADE) | set(MADE_ANYWHERE) <= ignored
