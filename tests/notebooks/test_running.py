"""The notebooks run: the master gives what is stored, the released lesson says what is missing."""

import os
import shutil
import subprocess
import sys

import pytest
from nbclient import NotebookClient

from autograder.lessons.cells import grade_id, is_check
from autograder.lessons.release import (
    CELL_SECONDS,
    from_text,
    master_notebook,
    released_notebook,
)
from workbook.home import root

pytestmark = pytest.mark.notebook


def test_nbval_finds_the_stored_outputs(lesson, tmp_path):
    """One run of the whole lesson, in a folder like a student's: nbval compares every output that
    is the same everywhere, and every piece ends in the toolbox. `test_drift` proves that a released
    lesson whose blanks are filled is this notebook."""
    notebook, toolbox = tmp_path / master_notebook(lesson).name, tmp_path / "toolbox"
    shutil.copy(master_notebook(lesson), notebook)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env"),
            *("--nbval-cell-timeout", str(CELL_SECONDS)),
            *("-p", "no:cacheprovider", "-p", "no:xdist"),
            *("-p", "tests.notebooks.stored_views"),
            *("-c", os.devnull, "--rootdir", str(tmp_path), "-q", str(notebook)),
        ],
        cwd=root(),
        env=os.environ | {"WORKBOOK_TOOLBOX": str(toolbox)},
        capture_output=True,
        text=True,
        timeout=4 * CELL_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    code_cells = sum(cell.cell_type == "code" for cell in from_text(lesson).cells)
    assert f"{code_cells} passed" in done.stdout
    assert {path.stem for path in toolbox.glob("*.py")} == set(lesson.pieces)


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
