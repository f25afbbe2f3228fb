"""The students' zip: everything they need, nothing that gives an answer away."""

import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.setup.conftest import make_lesson
from workbook import bundle as bundle_module
from workbook.bundle import FILES, FOLDERS, TOP, CannotBundle, bundle
from workbook.home import root

LESSON = "01-rnn-recap"
SHOWN = {
    "README.md",
    "LICENSE",
    "course.py",
    ".gitignore",
    ".github/map.png",
    "workbook/__init__.py",
    "workbook/work/kept.py",
    "workbook/setup/jupyter/labconfig/page_config.json",
    "autograder/exercises/__init__.py",
    "datasets/sources.toml",
    "datasets/phrasebook/train.tsv",
    f"lessons/{LESSON}/{LESSON}.ipynb",
    f"lessons/{LESSON}/curve.json",
}
# The instructor's: solutions, correct answers, attacks, and whatever they lay beside the course.
HIDDEN = {
    f"solutions/{LESSON}/{LESSON}.py",
    "tests/exercises/correct/rnn.py",
    ".github/workflows/ci.yml",
    ".github/not-in-the-readme.png",
    ".ci/run",
    "roster.csv",
    "Spring class.tsv",
    "class/roster.csv",
    "datasets/roster.csv",
    "datasets/roster.tsv",
    "lessons/roster.csv",
    "lessons/02-group-a/02-group-a.ipynb",
    f"lessons/{LESSON}/grades.csv",
    "grading.toml",
    "gradebook.db",
    "notes.md",
    "slides/01.ipynb",
    f"downloaded/{LESSON}/archive/anna_01.ipynb",
    f"submitted/ana/{LESSON}/{LESSON}.ipynb",
    "grading/gradebook.db",
}
MADE = {
    ".venv/bin/python.py",
    ".setup.lock",
    ".coverage",
    f"work/{LESSON}/{LESSON}.ipynb",
    "toolbox/RNN.py",
    "models/small.safetensors",
    "datasets/fetched/tatoeba/spa.txt",
    "workbook/__pycache__/x.pyc",
    "lessons/.ipynb_checkpoints/x.ipynb",
    f"lessons/{LESSON}/.ipynb_checkpoints/{LESSON}-checkpoint.ipynb",
    "transformer_workbook.egg-info/PKG-INFO",
    "ana-01-rnn-recap.zip",
}


@pytest.fixture
def course(tmp_path: Path) -> Path:
    folder = tmp_path / "course"
    for name in SHOWN | HIDDEN | MADE:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (folder / "README.md").write_text("![map](.github/map.png), [CI](.github/workflows/ci.yml)")
    make_lesson(folder / "lessons", LESSON)
    return folder


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        listed = archive.namelist()
    assert listed == sorted(listed)
    assert len(listed) == len(set(listed))
    return {name.removeprefix(f"{TOP}/") for name in listed}


def git(course: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(course), *arguments], check=True, capture_output=True)


def test_without_git_the_course_and_nothing_beside_it_is_in_it(course, tmp_path):
    made = bundle(course, tmp_path / "out.zip")
    assert names(made.path) == SHOWN
    assert made.count == len(SHOWN)


def test_with_git_nothing_beside_the_course_is_in_it_though_it_is_tracked(course, tmp_path):
    git(course, "init")
    git(course, "add", "--force", ".")
    made = bundle(course, tmp_path / "out.zip")
    assert names(made.path) == SHOWN
    assert made.untracked == ()


def test_with_git_only_what_it_tracks_is_in_it_and_the_rest_is_told(course, tmp_path):
    git(course, "init")
    git(course, "add", "--force", "README.md", "workbook/__init__.py", "lessons", "solutions")
    made = bundle(course, tmp_path / "out.zip")
    in_lessons = {name for name in SHOWN if name.startswith("lessons/")}
    assert names(made.path) == {"README.md", "workbook/__init__.py", *in_lessons}
    assert set(made.untracked) == SHOWN - names(made.path)


@pytest.mark.parametrize("with_git", [True, False])
def test_what_lies_beside_the_course_is_told(course, tmp_path, with_git):
    if with_git:
        git(course, "init")
        git(course, "add", "README.md", "lessons")
    told = bundle(course, tmp_path / "out.zip").beside
    assert {"Spring class.tsv", "roster.csv", "notes.md", "slides", "solutions"} <= set(told)
    assert not {"README.md", "lessons", "datasets", ".git", ".venv"} & set(told)


def test_a_link_is_left_out(course, tmp_path):
    (course / "workbook" / "linked.py").symlink_to(course / "solutions" / LESSON / f"{LESSON}.py")
    (course / "workbook" / "keys").symlink_to(course / "solutions")
    assert names(bundle(course, tmp_path / "one.zip").path) == SHOWN
    git(course, "init")
    git(course, "add", "--force", ".")
    assert names(bundle(course, tmp_path / "two.zip").path) == SHOWN


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


def no_git(*arguments, **options):
    raise FileNotFoundError("there is no git")


def test_a_machine_without_git_bundles_too(course, tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_module.subprocess, "run", no_git)
    assert names(bundle(course, tmp_path / "out.zip").path) == SHOWN


@pytest.mark.parametrize("below", ["", "course"])
@pytest.mark.parametrize("why", ["dubious ownership", "there is no git"])
def test_a_repository_that_git_does_not_read_is_refused(course, tmp_path, monkeypatch, why, below):
    git(course.parent if below else course, "init")
    git(course, "add", "--force", ".")
    (course / "workbook" / "exam_answers.py").touch()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)  # which may call every folder safe
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("LC_ALL", "C")
    if why == "there is no git":
        monkeypatch.setattr(bundle_module.subprocess, "run", no_git)
    with pytest.raises(CannotBundle, match=rf"git repository(?s:.*){why}(?s:.*)What to do"):
        bundle(course, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_a_picture_of_the_readme_that_is_not_there_is_no_matter(course, tmp_path):
    (course / ".github" / "map.png").unlink()
    assert names(bundle(course, tmp_path / "out.zip").path) == SHOWN - {".github/map.png"}


def ignored_by_git():
    """A file for each line of .gitignore: at the top, and below where the line means that too."""
    lines = (root() / ".gitignore").read_text(encoding="utf-8").splitlines()
    for line in filter(None, lines):
        if line.startswith("#"):
            continue
        name = line.strip("/").replace("*", "x") + ("/x.pyc" if line.endswith("/") else "")
        yield name
        if not line.startswith("/"):
            for folder in ("datasets", "workbook", "autograder", f"lessons/{LESSON}"):
                yield f"{folder}/{name}"


def test_what_git_ignores_is_left_out_where_there_is_no_git(course, tmp_path):
    ignored = list(ignored_by_git())
    assert {"downloaded/x.pyc", "lessons/01-rnn-recap/x.db", "datasets/fetched/x.pyc"} <= {*ignored}
    for name in ignored:
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        if not (course / name).exists():
            (course / name).touch()
    assert names(bundle(course, tmp_path / "out.zip").path) == SHOWN


# The course itself.


@pytest.fixture
def tracked():
    """What git tracks of this repository."""
    listing = ["git", "-C", str(root()), "ls-files", "-z"]
    try:
        done = subprocess.run(listing, capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("this copy of the course is no git repository")
    return set(done.stdout.decode().split("\0")) - {""}


def test_every_part_of_the_course_is_given_or_withheld_on_purpose(tracked):
    withheld = {"solutions", "tests", ".ci", ".github"}
    given = {name.split("/")[0] for name in (*FILES, *FOLDERS)}
    assert not withheld & given
    assert {name.split("/")[0] for name in tracked} == withheld | given


def test_the_course_loses_none_of_its_files(tracked, tmp_path):
    parts = ("workbook/", "autograder/", "lessons/", "datasets/")
    listed = names(bundle(root(), tmp_path / "out.zip").path)
    here = {name for name in tracked if (root() / name).is_file()}
    assert {name for name in here if name.startswith(parts)} <= listed
    assert {name for name in here if "/" not in name} <= listed


def test_the_readme_of_the_course_keeps_its_pictures(tmp_path):
    readme = (root() / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert shown
    assert set(shown) <= names(bundle(root(), tmp_path / "out.zip").path)
