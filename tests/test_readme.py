"""The README tells the truth: its commands run, its table is today's."""

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.exercises import all_exercises
from autograder.lessons.cells import grade_id, is_answer
from autograder.lessons.release import from_text, released_notebook, write_notebook, written_lessons
from tests.exercises.correct import all_variants
from workbook.home import root
from workbook.syllabus import lesson

README = (root() / "README.md").read_text(encoding="utf-8")
ATTENTION = lesson("02-dot-product-attention")
STUDENT = "s1234567"
MADE_AT_RUN_TIME = (".git", ".venv", "work", "toolbox", "submitted", "grading")
RIGHT_SOFTMAX = """
def softmax(scores, dim):
    peak = scores.amax(dim, keepdim=True)
    powers = (scores - peak.masked_fill(peak == -float("inf"), 0.0)).exp()
    total = powers.sum(dim, keepdim=True)
    return powers / total.masked_fill(total == 0.0, 1.0)
"""


def commands():
    """The lines that a reader is to type, in the order of the page."""
    blocks = re.findall(r"^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def runnable(command):
    """The same command with this test's Python, and without a set-up of its own."""
    first, *rest = shlex.split(command)
    if first == "python3":
        here = ["--here"] if rest[1] in ("release", "grade") else []
        return [sys.executable, *rest, *here]
    assert first.startswith(".venv/bin/"), command
    return [str(Path(sys.executable).parent / first.removeprefix(".venv/bin/")), *rest]


def made_at_run_time(folder, names):
    """Of the names in a folder, those that a copy of the repository does without."""
    made = MADE_AT_RUN_TIME if Path(folder) == root() else ()
    return {name for name in names if name in (*made, "__pycache__") or name.endswith(".zip")}


@pytest.fixture
def course(tmp_path):
    """A copy of the repository in which a student has solved lesson 02."""
    copy = tmp_path / "course"
    shutil.copytree(root(), copy, ignore=made_at_run_time)
    notebook = released_notebook(ATTENTION)
    solved = {grade_id(cell): cell.source for cell in from_text(ATTENTION).cells if is_answer(cell)}
    for cell in notebook.cells:
        if is_answer(cell):
            cell.source = solved[grade_id(cell)]
    write_notebook(notebook, copy / "work" / ATTENTION.name / f"{ATTENTION.name}.ipynb")
    (copy / "my_softmax.py").write_text(RIGHT_SOFTMAX, encoding="utf-8")
    return copy


@pytest.mark.slow
def test_every_command_runs_and_the_grade_is_exported(course):
    environment = os.environ | {
        "PYTHONPATH": str(course),
        "WORKBOOK_HOME": str(course),
        "WORKBOOK_TOOLBOX": str(course / "toolbox"),
    }
    typed = commands()
    assert len(typed) >= 8
    for command in typed:
        if "course.py grade" in command:  # before it, the page says where the zips go
            (course / "submitted").mkdir()
            shutil.move(course / f"{STUDENT}-{ATTENTION.name}.zip", course / "submitted")
        done = subprocess.run(
            runnable(command),
            cwd=course,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    with (course / "grading" / "grades.csv").open(encoding="utf-8") as file:
        _, row = list(csv.DictReader(file))  # the first one has the points possible
    automatic = sum(exercise.points for exercise in all_exercises() if exercise.lesson == ATTENTION)
    assert row["SIS User ID"] == STUDENT
    assert float(row[f"02 {ATTENTION.title}"]) == automatic
    assert list((course / "grading" / "feedback").rglob("*.html"))


def test_the_table_is_todays():
    rows = re.findall(r"^\| `(\w+)` \|(?: (\d+) \|){5}$", README, re.MULTILINE)
    told = {}
    for line in README.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and re.fullmatch(r"`\w+`", cells[0]):
            told[cells[0].strip("`")] = [int(cell) for cell in cells[1:]]
    assert len(rows) == len(told)
    right = [name for name, _, _ in all_variants()]
    true = {}
    for exercise in all_exercises():
        wrong, accepted = len(exercise.misconceptions), right.count(exercise.name)
        true[exercise.name] = [wrong, wrong, wrong, accepted, accepted]
    assert told == true


def test_the_lessons_that_are_there_are_listed():
    listed = re.findall(r"^\| \*\*(\d\d) ", README, re.MULTILINE)
    assert listed == [f"{each.number:02d}" for each in written_lessons()]


def test_every_room_is_named():
    rooms = {"lessons", "solutions", "workbook", "autograder", "datasets", "tests"}
    for room in rooms:
        assert (root() / room).is_dir()
        assert f"| `{room}/` |" in README


def test_its_pictures_are_there():
    for target in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README):
        assert (root() / target).is_file(), target
