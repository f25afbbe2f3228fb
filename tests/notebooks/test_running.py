"""The notebooks run: the master gives what is stored, the released lesson works once filled."""

import os
import subprocess
import sys

import pytest
from nbclient import NotebookClient

from autograder.lessons.cells import grade_id, is_answer, is_check
from autograder.lessons.release import (
    CELL_SECONDS,
    from_text,
    master_notebook,
    read_notebook,
    released_notebook,
)
from workbook.home import root

pytestmark = pytest.mark.notebook


def showing_otherwise(run, stored):
    """Ids of the cells that show something in one notebook and nothing in the other."""
    outputs = {cell["id"]: cell.get("outputs") for cell in stored.cells}
    return [
        cell["id"] for cell in run.cells if bool(cell.get("outputs")) != bool(outputs[cell["id"]])
    ]


def test_nbval_finds_the_stored_outputs(lesson, tmp_path):
    """One run of the whole lesson; nbval compares every output that is the same everywhere."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env"),
            *("--nbval-cell-timeout", str(CELL_SECONDS)),
            *("-p", "no:cacheprovider", "-p", "no:xdist"),
            *("-p", "tests.notebooks.stored_views"),
            *("-c", os.devnull, "--rootdir", str(root()), "-q", str(master_notebook(lesson))),
        ],
        cwd=root(),
        env=os.environ | {"WORKBOOK_TOOLBOX": str(tmp_path / "toolbox")},
        capture_output=True,
        text=True,
        timeout=4 * CELL_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    code_cells = sum(cell.cell_type == "code" for cell in from_text(lesson).cells)
    assert f"{code_cells} passed" in done.stdout


def test_the_released_lesson_runs_once_its_blanks_are_filled(lesson, tmp_path):
    """The student's way: the released notebook, the answers typed in, "run all"."""
    notebook, toolbox = released_notebook(lesson), tmp_path / "toolbox"
    answers = {grade_id(cell): cell.source for cell in from_text(lesson).cells if is_answer(cell)}
    for cell in notebook.cells:
        if is_answer(cell):
            cell.source = answers[grade_id(cell)]
    NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": tmp_path}},
    ).execute(env=os.environ | {"WORKBOOK_TOOLBOX": str(toolbox)})
    checks = {grade_id(cell): cell.outputs for cell in notebook.cells if is_check(cell)}
    for name, outputs in checks.items():
        assert [output.output_type for output in outputs] == ["display_data"], name
        assert "All" in outputs[0]["data"]["text/plain"]
    assert {path.stem for path in toolbox.glob("*.py")} == set(lesson.pieces)
    # nbval has nothing to compare where no output is stored: here it would be seen to be missing.
    stored = read_notebook(master_notebook(lesson))
    assert showing_otherwise(notebook, stored) == []
    for cell in stored.cells:
        if is_check(cell):
            cell.outputs = []
    assert showing_otherwise(notebook, stored) == list(checks)


def test_the_released_lesson_runs_to_its_end_untouched(lesson, tmp_path):
    """A student who presses "run all" at once gets a sentence at every check, and the checks' only
    errors are their own."""
    notebook = released_notebook(lesson)
    NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": tmp_path}},
    ).execute(env=os.environ | {"WORKBOOK_TOOLBOX": str(tmp_path / "toolbox")})
    for cell in notebook.cells:
        if is_check(cell):
            panel, error = cell.outputs
            assert "not written yet" in panel["data"]["text/plain"], grade_id(cell)
            assert error["ename"] == "CheckFailed"
            assert len(error["traceback"]) == 1
