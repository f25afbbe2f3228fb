"""What the locked cell calls, in a real kernel and outside of one."""

import os
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from autograder import CheckFailed, check, practice
from autograder.exercises import UnknownExercise
from tests.autograder.small_lesson import ATTEND, SOFTMAX
from workbook.toolbox import piece_file

WRONG = """\
import warnings


def softmax(scores, dim):
    print("<b>loud</b>")
    warnings.warn("careful")
    return scores.exp() / scores.exp().sum(dim, keepdim=True)
"""
HELPED = SOFTMAX.replace("def softmax(scores, dim):", "def helper(scores, dim):")
SELF_ATTENTION = """\
class SelfAttention(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.q_proj = nn.Linear(d_model, d_k, bias=False)
        self.k_proj = nn.Linear(d_model, d_k, bias=False)
        self.v_proj = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x, mask=None):
        scores = self.q_proj(x) @ self.k_proj(x).mT / math.sqrt(self.q_proj.out_features)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = softmax(scores, -1)
        return weights @ self.v_proj(x), weights
"""

# What a student does, one after the other, in one kernel.
SESSION = {
    "start": "import math\nimport torch\nfrom torch import nn\nfrom autograder import check",
    "undefined": 'check("softmax")',
    "stub": "def softmax(scores, dim):\n    raise NotImplementedError  # replace this line",
    "check the stub": 'check("softmax")',
    "wrong": WRONG,
    "check the wrong one": 'check("softmax")',
    "raises": "def softmax(scores, dim):\n    return scores.exp(dim)",
    "check what raises": 'check("softmax")',
    "helper": HELPED,
    "helped": "def softmax(scores, dim):\n    return helper(scores, dim)",
    "check the helped one": 'check("softmax")',
    "right": SOFTMAX,
    "a random number": "torch.manual_seed(3)\nprint(torch.rand(1).item())",
    "seed again": "torch.manual_seed(3)",
    "check the right one": 'check("softmax")',
    "the same number": "print(torch.rand(1).item())",
    "does not parse": "def softmax(scores, dim:\n    return scores",
    "check after it": 'check("softmax")',
    "mended": SOFTMAX,
    "fails halfway": "import no_such_module\n\ndef softmax(scores, dim):\n    return 'never ran'",
    "check what was there before": 'check("softmax")',
    "show the file": "import os\nfrom workbook.toolbox import piece_file\n"
    "print(piece_file('softmax').read_text())",
    "attend": ATTEND,
    "check attend": 'check("attend")',
    "class": SELF_ATTENTION,
    "class fails halfway": "1 / 0\nclass SelfAttention: ...",
    "check the class": 'check("SelfAttention")',
    "borrow": "from workbook.toolbox import borrow\nsoftmax = borrow('softmax')",
    "check what is borrowed": 'check("softmax")',
    "from torch": "from torch.nn.functional import softmax",
    "check what is from torch": 'check("softmax")',
    "from the toolbox": "from workbook.toolbox import softmax",
    "check what is from the toolbox": 'check("softmax")',
    "made by exec": "exec('def softmax(scores, dim): return scores')",
    "check what was made by exec": 'del In[:-1]\ncheck("softmax")',
    "unknown": 'check("sofmax")',
}


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """The outputs of each cell of SESSION, and the folder of its toolbox."""
    toolbox = tmp_path_factory.mktemp("home") / "toolbox"
    notebook = new_notebook(cells=[new_code_cell(source) for source in SESSION.values()])
    NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(toolbox.parent)}},
    ).execute(env=os.environ | {"WORKBOOK_TOOLBOX": str(toolbox)})
    outputs = dict(zip(SESSION, (cell.outputs for cell in notebook.cells), strict=True))
    return SimpleNamespace(outputs=outputs, toolbox=toolbox)


def panel(session, cell, passed):
    """The text of the panel that a check showed; besides it there is its own error at most."""
    shown = session.outputs[cell]
    assert [output.output_type for output in shown] == (
        ["display_data"] if passed else ["display_data", "error"]
    ), shown
    if not passed:
        error = shown[1]
        assert error.ename == "CheckFailed"
        assert error.traceback == [f"CheckFailed: {error.evalue}"]
        assert error.evalue.startswith("softmax: ")
        assert error.evalue.endswith("The panel above says more.")
    assert "<div" in shown[0].data["text/html"]
    return shown[0].data["text/plain"]


def printed(session, cell):
    (stream,) = session.outputs[cell]
    assert stream.name == "stdout"
    return stream.text


def test_a_piece_that_is_not_there_yet(session):
    text = panel(session, "undefined", passed=False)
    assert text.startswith("✗ softmax: not defined.")
    assert "No softmax here yet: run the cell that defines it first." in text


def test_a_newer_cell_that_does_not_parse_is_not_passed_over(session):
    text = panel(session, "check after it", passed=False)
    assert text.startswith("✗ softmax: does not parse.")
    assert "softmax is still the one from before" in text


def test_a_blank_that_is_not_filled_yet(session):
    assert "not written yet" in panel(session, "check the stub", passed=False)


def test_a_mistake_is_named_and_what_was_printed_is_in_the_panel(session):
    text = panel(session, "check the wrong one", passed=False)
    assert "exp of a score in the thousands is infinite" in text
    assert "  | <b>loud</b>" in text
    assert "UserWarning: careful" in text
    html = session.outputs["check the wrong one"][0].data["text/html"]
    assert "&lt;b&gt;loud&lt;/b&gt;" in html


def test_an_exception_is_shown_with_the_students_line(session):
    text = panel(session, "check what raises", passed=False)
    assert "TypeError" in text
    assert "line 2: return scores.exp(dim)" in text


def test_a_helper_in_another_cell_is_to_be_moved(session):
    text = panel(session, "check the helped one", passed=False)
    assert "leans on another cell" in text
    assert "Move `helper` into the cell of softmax" in text


def test_a_right_piece_is_saved_and_counted(session):
    text = panel(session, "check the right one", passed=True)
    assert text.startswith("✓ softmax: right. All 7 properties hold.")
    assert "Saved as toolbox/softmax.py. Lesson 02: 1 of 5 pieces." in text


def test_a_check_draws_no_number_of_the_notebooks(session):
    assert printed(session, "a random number") == printed(session, "the same number")


def test_a_cell_that_failed_before_it_defined_the_piece_is_not_saved(session):
    assert session.outputs["fails halfway"][0].ename == "ModuleNotFoundError"
    panel(session, "check what was there before", passed=True)
    assert "never ran" not in printed(session, "show the file")
    assert SOFTMAX in printed(session, "show the file")
    panel(session, "check the class", passed=True)
    assert SELF_ATTENTION in (session.toolbox / "SelfAttention.py").read_text(encoding="utf-8")


def test_a_piece_that_uses_another_takes_it_from_the_toolbox(session):
    text = panel(session, "check attend", passed=True)
    assert "Lesson 02: 2 of 5 pieces." in text
    source = (session.toolbox / "attend.py").read_text(encoding="utf-8")
    assert "from workbook.toolbox import softmax\n\n\ndef attend" in source


def test_a_borrowed_piece_earns_nothing(session):
    text = panel(session, "check what is borrowed", passed=False)
    assert text.startswith("✗ softmax: borrowed.")
    assert "This softmax is the course's." in text


def test_a_piece_of_torchs_earns_nothing(session):
    text = panel(session, "check what is from torch", passed=False)
    assert "This softmax comes from torch.nn.functional." in text


def test_a_piece_taken_back_from_the_toolbox_is_not_written_here(session):
    text = panel(session, "check what is from the toolbox", passed=False)
    assert "not written here" in text


def test_a_piece_that_no_cell_defines_is_not_written_here(session):
    assert "not written here" in panel(session, "check what was made by exec", passed=False)


def test_a_name_that_is_no_exercise_is_an_error_with_the_nearest_ones(session):
    (error,) = session.outputs["unknown"]
    assert error.ename == "UnknownExercise"
    assert "the nearest names are softmax" in error.evalue


def test_nothing_is_ever_written_to_stderr(session):
    for cell, outputs in session.outputs.items():
        assert not any(output.get("name") == "stderr" for output in outputs), cell


def test_the_saved_files_import_in_a_fresh_interpreter(session):
    assert {path.name for path in session.toolbox.iterdir()} == {
        "softmax.py",
        "attend.py",
        "SelfAttention.py",
    }
    program = textwrap.dedent("""
        import torch
        from workbook.toolbox import SelfAttention, attend, softmax

        context, weights = attend(torch.ones(2), torch.eye(3, 2), torch.eye(3))
        assert torch.allclose(weights, softmax(torch.tensor([1.0, 1.0, 0.0]), 0))
        assert SelfAttention(4, 3, 2)(torch.ones(1, 5, 4))[0].shape == (1, 5, 2)
    """)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"WORKBOOK_TOOLBOX": str(session.toolbox)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ---- without a kernel --------------------------------------------------------------------------


@pytest.fixture
def notebook(monkeypatch):
    """Runs cells, and is what a check finds."""
    names, cells = {"__name__": "__main__"}, []

    def run(*sources):
        for source in sources:
            cells.append(source)
            exec(compile(source, "<cell>", "exec"), names)

    monkeypatch.setattr(practice, "_notebook", lambda: practice.Notebook(names, cells))
    return run


def test_a_check_outside_of_a_notebook_prints_its_panel(notebook, capsys):
    notebook("import torch", SOFTMAX)
    assert check("softmax") is None
    captured = capsys.readouterr()
    assert captured.out.startswith("✓ softmax: right.")
    assert captured.err == ""
    assert piece_file("softmax").is_file()


def test_a_failed_check_raises_and_saves_nothing(notebook, capsys):
    notebook(WRONG)
    with pytest.raises(CheckFailed, match="softmax: not yet"):
        check("softmax")
    assert not piece_file("softmax").exists()
    assert "careful" in capsys.readouterr().out


def test_a_failed_check_leaves_the_piece_that_had_passed(notebook, capsys):
    notebook("import torch", SOFTMAX)
    check("softmax")
    before = piece_file("softmax").read_text(encoding="utf-8")
    notebook(WRONG)
    with pytest.raises(CheckFailed):
        check("softmax")
    assert piece_file("softmax").read_text(encoding="utf-8") == before


def test_a_name_that_is_no_exercise_is_a_lookup_error():
    with pytest.raises(UnknownExercise, match="softmax"):
        check("sofmax")
    assert issubclass(UnknownExercise, LookupError)


def test_a_script_can_check_its_own_piece(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(
        f'import torch\nfrom autograder import check\n\n{SOFTMAX}\ncheck("softmax")\n'
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Saved as toolbox/softmax.py" in done.stdout


def test_what_is_imported_from_autograder_is_what_a_lesson_needs():
    import autograder

    assert autograder.check is check
    with pytest.raises(AttributeError, match="no attribute 'chek'"):
        _ = autograder.chek
