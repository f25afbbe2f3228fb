"""nbgrader's own commands on a small course: grades, feedback and export."""

import copy
import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import PyFileConfigLoader

from autograder.lessons.release import read_notebook, released_path, write_notebook
from tests.autograder.small_lesson import (
    ANSWERS,
    ATTEND,
    LESSON,
    SOFTMAX,
    answered,
    build_course,
    by_grade_id,
)

SCRIPT = "<script>alert(1)</script>"


def place(notebook, name):
    return notebook.cells.index(by_grade_id(notebook, name))


def untouched(released):
    return copy.deepcopy(released)


def half_right(released):
    wrong = "def softmax(scores, dim):\n    return scores.exp() / scores.exp().sum(dim, True)\n"
    return answered(released, softmax=wrong)


def warns(released):
    noisy = SOFTMAX.replace(
        "    exp =",
        "    import sys, warnings\n    warnings.warn('careful')\n"
        "    print('oops', file=sys.stderr)\n    exp =",
    )
    return answered(released, softmax=noisy, attend=ATTEND)


def cheats(released):
    notebook = untouched(released)
    for name in ("softmax", "attend"):
        cell = by_grade_id(notebook, name)
        cell.source = "100"
        cell.metadata.nbgrader.update(points=100, schema_version=99)
        cell.outputs = [
            nbformat.v4.new_output("execute_result", data={"text/plain": "100"}, execution_count=1)
        ]
    notebook.cells.append(new_code_cell("100", metadata=by_grade_id(notebook, "softmax").metadata))
    return notebook


def rearranges(released):
    """Retyped, deleted, duplicated, in reverse order."""
    notebook = answered(released, **ANSWERS)
    for name in ("softmax", "softmax-answer"):
        where = place(notebook, name)
        cell = notebook.cells[where]
        notebook.cells[where] = new_markdown_cell(cell.source, metadata=cell.metadata)
    del notebook.cells[place(notebook, "attend")]
    for name in ("softmax", "attend-answer", "question-why"):
        notebook.cells.append(copy.deepcopy(by_grade_id(notebook, name)))
    notebook.cells.reverse()
    return notebook


def attacks(released):
    notebook = answered(
        released,
        softmax=f"print('{SCRIPT}')\ndef softmax(scores, dim):\n    raise ValueError('{SCRIPT}')",
        attend="import os\nos._exit(0)",
    )
    notebook.cells.append(
        new_code_cell(
            "5",
            outputs=[nbformat.v4.new_output("display_data", data={"text/html": SCRIPT})],
            execution_count=1,
        )
    )
    by_grade_id(notebook, "question-why").source = f"Because. {SCRIPT}"
    return notebook


STUDENTS = {
    each.__name__: each
    for each in (untouched, half_right, warns, rearranges, cheats, attacks)
}  # fmt: skip
FULL = {"softmax": 5.0, "attend": 3.5}
NONE = {"softmax": 0.0, "attend": 0.0}


def nbgrader(folder, *arguments):
    """Run the real command in a course's folder."""
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env=os.environ | {"WORKBOOK_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=1200,  # on a machine that is busy with other tests
        check=False,
    )


@pytest.fixture(scope="module")
def graded(small_course, released, tmp_path_factory):
    """A class that was graded with one command, from an empty gradebook."""
    folder = build_course(tmp_path_factory.mktemp("class"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBOOK_HOME", str(folder))
        write_notebook(released, released_path(LESSON))
    for name, make in STUDENTS.items():
        path = folder / "submitted" / name / LESSON.name / f"{LESSON.name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(make(released)), encoding="utf-8")  # as found, valid or not
    assert not (folder / "grading" / "gradebook.db").exists()
    done = nbgrader(folder, "autograde", LESSON.name)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def database(folder):
    return f"sqlite:///{folder / 'grading' / 'gradebook.db'}"


def automatic_scores(folder, student):
    with Gradebook(database(folder)) as gradebook:
        submission = gradebook.find_submission_notebook(LESSON.name, LESSON.name, student)
        return {grade.name: grade.auto_score for grade in submission.grades if grade.name in FULL}


def autograded(folder, student):
    path = folder / "grading" / "autograded" / student / LESSON.name / f"{LESSON.name}.ipynb"
    return read_notebook(path)


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("student", ["warns", "rearranges"])
def test_a_right_answer_has_all_its_points_whatever_became_of_the_cells(graded, student):
    assert automatic_scores(graded, student) == FULL


@pytest.mark.parametrize("student", ["untouched", "cheats", "attacks"])
def test_no_answer_has_no_points_whatever_the_cells_claim(graded, student):
    assert automatic_scores(graded, student) == NONE


def test_part_of_an_answer_has_part_of_the_points(graded):
    scores = automatic_scores(graded, "half_right")
    assert 0 < scores["softmax"] < 5
    assert scores["attend"] == 0


def test_the_graded_notebook_holds_the_panel_and_one_number(graded):
    for student in STUDENTS:
        notebook = autograded(graded, student)
        assert [by_grade_id(notebook, name).source for name in FULL] == [
            'check("softmax")',
            'check("attend")',
        ]
        for name, score in automatic_scores(graded, student).items():
            panel, number = by_grade_id(notebook, name).outputs
            assert name in panel.data["text/plain"]
            assert "<div" in panel.data["text/html"]
            assert float(number.data["text/plain"]) == score
        assert not any(
            output.get("name") == "stderr"
            for cell in notebook.cells
            for output in cell.get("outputs", [])
        )


def test_every_released_cell_is_in_the_graded_notebook(graded, released):
    for student in STUDENTS:
        ids = [cell["id"] for cell in autograded(graded, student).cells]
        assert [each for each in ids if not each.startswith("added-")] == [
            cell["id"] for cell in released.cells
        ]


def test_a_written_answer_waits_for_a_person_and_an_untouched_one_has_nothing(graded):
    with Gradebook(database(graded)) as gradebook:
        for student, waits in [("attacks", True), ("untouched", False)]:
            grade = gradebook.find_grade("question-why", LESSON.name, LESSON.name, student)
            assert grade.needs_manual_grade == waits
            assert grade.max_score == 2.0


def test_the_whole_class_has_one_secret_seed(graded):
    seeds = json.loads((graded / "grading" / "seeds.json").read_text())
    assert list(seeds) == [LESSON.name]
    assert 0 <= seeds[LESSON.name] < 2**53


def test_feedback_is_made_and_no_script_of_a_students_is_in_it(graded):
    config = PyFileConfigLoader("nbgrader_config.py", path=str(graded)).load_config()
    nbgrader = NbGraderAPI(CourseDirectory(config=config), config=config)
    made = nbgrader.generate_feedback(LESSON.name, student_id="attacks")
    assert made["success"], made["log"]
    (page,) = (graded / "grading" / "feedback" / "attacks").rglob("*.html")
    text = page.read_text(encoding="utf-8")
    assert "ValueError" in text
    shown = "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert text.count(shown) == text.count("alert(1)") >= 3


def test_grades_are_exported(graded):
    done = nbgrader(graded, "export", "--to", "grades.csv")
    assert done.returncode == 0, done.stderr[-3000:]
    with (graded / "grades.csv").open(encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert float(rows["warns"]["score"]) == 8.5
    assert float(rows["untouched"]["score"]) == 0.0
    assert {float(row["max_score"]) for row in rows.values()} == {10.5}


def test_downloads_of_a_learning_platform_are_collected(small_course, released, tmp_path):
    """What `course.py submit` wrote, as Moodle and Canvas pack it for download."""
    folder = tmp_path / "class"
    shutil.copytree(small_course, folder)
    archive = folder / "downloaded" / LESSON.name / "archive"
    places = {
        "s1": archive / "Ana Diaz_12345_assignsubmission_file_" / f"s1-{LESSON.name}.zip",
        "s2": archive / f"liben_4711_889_s2-{LESSON.name}.zip",
    }
    for student, path in places.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as handed_in:
            name = f"{student}/{LESSON.name}/{LESSON.name}.ipynb"
            handed_in.writestr(name, json.dumps(answered(released, softmax=SOFTMAX)))
    (archive / "readme.txt").write_text("from the platform")
    done = nbgrader(folder, "zip_collect", LESSON.name)
    assert done.returncode == 0, done.stderr[-3000:]
    for student in places:
        path = folder / "submitted" / student / LESSON.name / f"{LESSON.name}.ipynb"
        assert by_grade_id(read_notebook(path), "softmax-answer").source == SOFTMAX
