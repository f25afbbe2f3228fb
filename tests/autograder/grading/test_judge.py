"""One submission in, its verdicts out."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from autograder.channel.limits import Limits
from autograder.channel.piece import PieceLost, here
from autograder.channel.worker import FileRunner
from autograder.checks.examine import examine
from autograder.exercises import exercise
from autograder.grading import judge as judging
from autograder.grading.judge import judge_file, judge_notebook
from autograder.lessons.submission import rebuild
from autograder.sandbox import NoSandbox
from tests.autograder.small_lesson import ANSWERS, ATTEND, LESSON, SOFTMAX, answered, by_grade_id

SOFTMAX_EXERCISE = exercise("softmax")
SHORT = Limits(request_seconds=2.0, cell_seconds=2.0)

# ---- a file ------------------------------------------------------------------------------------


def judged(tmp_path, source, of=SOFTMAX_EXERCISE, **more):
    path = tmp_path / f"{of.name}.py"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return judge_file(of, path, **more)


WRONG = "def softmax(scores, dim):\n    return scores.exp() / scores.exp().sum(dim, keepdim=True)\n"


@pytest.mark.parametrize("source", ["import torch\n" + SOFTMAX, WRONG], ids=["right", "wrong"])
def test_a_file_gets_the_verdict_it_gets_here(tmp_path, source):
    runner = FileRunner()
    assert runner.run(source, "softmax.py") is None
    for seed in (1, 2):
        over_there = judged(tmp_path, source, seed=seed)
        assert over_there == examine(SOFTMAX_EXERCISE, here(runner.names["softmax"]), seed=seed)
    assert over_there.passed == (source != WRONG)


@pytest.mark.slow
def test_a_class_gets_the_verdict_it_gets_here(tmp_path):
    source = (
        "import torch\n"
        "from torch import nn\n"
        "class SelfAttention(nn.Module):\n"
        "    def __init__(self, d_model, d_k, d_v):\n"
        "        super().__init__()\n"
        "        self.q_proj = nn.Linear(d_model, d_k, bias=False)\n"
        "        self.k_proj = nn.Linear(d_model, d_k, bias=False)\n"
        "        self.v_proj = nn.Linear(d_model, d_v, bias=False)\n"
        "    def forward(self, x, mask=None):\n"
        "        q, k, v = self.q_proj(x), self.k_proj(x), self.v_proj(x)\n"
        "        scores = q @ k.mT / k.shape[-1] ** 0.5\n"
        "        if mask is not None:\n"
        "            scores = scores.masked_fill(~mask, -torch.inf)\n"
        "        weights = scores.softmax(-1)\n"
        "        return weights @ v, weights\n"
    )
    runner = FileRunner()
    assert runner.run(source, "SelfAttention.py") is None
    asked = exercise("SelfAttention")
    assert judged(tmp_path, source, asked) == examine(asked, here(runner.names["SelfAttention"]))


NOT_JUDGED = {
    "empty": ("", "not defined", "Nothing here is called softmax."),
    "does not parse": ("def softmax(scores, dim:\n    pass", "does not parse", "Python can't read"),
    "stops before": ("x = undefined\n" + SOFTMAX, "not defined", "stops before it does"),
    "imported from torch": ("from torch.nn.functional import softmax", "not written here", "torch"),
    "not utf-8": (b"# caf\xe9\ndef softmax(scores, dim): ...", "not a Python file", "UTF-8"),
}


@pytest.fixture(scope="module")
def not_judged(tmp_path_factory):
    """The verdict on each of these files."""
    return {
        how: judged(tmp_path_factory.mktemp("files"), source)
        for how, (source, _, _) in NOT_JUDGED.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("how", NOT_JUDGED)
def test_a_file_without_the_piece_says_why(not_judged, how):
    _, cause, words = NOT_JUDGED[how]
    verdict = not_judged[how]
    assert (verdict.cause, verdict.passed, verdict.score) == (cause, False, 0.0)
    assert verdict.max_score == SOFTMAX_EXERCISE.points
    assert words in verdict.diagnosis.message


@pytest.mark.slow
def test_what_went_wrong_before_the_piece_is_shown_with_its_line(not_judged):
    error = not_judged["stops before"].error
    assert (error["type"], error["line"], error["code"]) == ("NameError", 1, "x = undefined")
    assert not_judged["does not parse"].error["line"] == 1
    assert not_judged["empty"].error is None


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    source = b"\xef\xbb\xbf" + ("import torch\n" + SOFTMAX).replace("\n", "\r\n").encode()
    assert judged(tmp_path, source).passed


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        judge_file(SOFTMAX_EXERCISE, tmp_path / "softmax.py")


def test_a_worker_that_does_not_start_is_the_machines_fault(tmp_path):
    with pytest.raises(NoSandbox, match="start"):
        judged(tmp_path, SOFTMAX, limits=Limits(start_seconds=0.0001))


def test_what_a_file_prints_is_kept(tmp_path):
    source = "import torch\nprint('from the file')\n" + SOFTMAX.replace(
        "    exp =", "    print('from the piece')\n    exp ="
    )
    printed = judged(tmp_path, source).printed
    assert "from the file" in printed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("while True: pass", "time"),
        ("import os; os._exit(0)", "died"),
    ],
)
def test_a_piece_that_is_lost_has_no_points_and_a_cause(tmp_path, body, cause):
    verdict = judged(tmp_path, f"def softmax(scores, dim):\n    {body}\n", limits=SHORT)
    assert (verdict.cause, verdict.score) == (cause, 0.0)


# ---- a notebook --------------------------------------------------------------------------------


def verdicts(notebook, released, limits=SHORT, seed=1):
    found = judge_notebook(rebuild(notebook, released).notebook, released, LESSON, seed, limits)
    assert list(found) == list(LESSON.pieces)
    return found


def causes(found):
    return [found[name].cause for name in ("softmax", "attend")]


def test_a_solved_notebook_has_all_the_points_of_what_it_asks(released):
    found = verdicts(answered(released, **ANSWERS), released)
    assert [found[name].passed for name in LESSON.pieces] == [True, True, False, False, False]
    assert found["project_qkv"].cause == "not run"
    assert found["project_qkv"].diagnosis.message == (
        "The check of project_qkv is not in the notebook."
    )


def test_a_notebook_gets_the_verdict_that_a_check_gives(released):
    found = verdicts(answered(released, softmax=WRONG), released, seed=5)
    runner = FileRunner()
    assert runner.run(WRONG, "wrong.py") is None
    assert found["softmax"] == examine(SOFTMAX_EXERCISE, here(runner.names["softmax"]), seed=5)
    assert found["attend"].cause == "not written yet"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("undefined\n" + SOFTMAX, "not defined"),
        ("from torch.nn.functional import softmax", "not written here"),
    ],
    ids=["an error in the cell", "imported"],
)
def test_one_mistake_costs_one_exercise(released, source, cause):
    attend = ATTEND.replace("softmax(keys @ query, dim=0)", "torch.softmax(keys @ query, 0)")
    found = verdicts(answered(released, softmax=source, attend=attend), released)
    assert causes(found) == [cause, ""]
    assert found["attend"].passed


@pytest.mark.slow
def test_a_cell_and_a_piece_that_are_lost_cost_themselves_and_nothing_else(released):
    notebook = answered(
        released,
        softmax="import os\nos._exit(3)",
        attend="def attend(query, keys, values):\n    while True: pass",
    )
    notebook.cells.insert(3, new_code_cell("import time\ntime.sleep(1000)"))
    notebook.cells.append(new_code_cell("def project_qkv(x): ..."))
    found = verdicts(notebook, released)
    assert causes(found) == ["died", "time"]
    assert "exit code 3" in found["softmax"].diagnosis.message
    assert found["project_qkv"].cause == "not run"


def test_what_one_check_does_is_not_seen_by_the_next(released):
    spoiling = (
        "import torch\n"
        "exp = torch.Tensor.exp\n"
        "def softmax(scores, dim):\n"
        "    torch.Tensor.exp = torch.Tensor.mul\n"
        "    globals().clear()\n"
        "    return scores\n"
    )
    attend = (
        "def attend(query, keys, values):\n"
        "    weights = (keys @ query - (keys @ query).max()).exp()\n"
        "    weights = weights / weights.sum()\n"
        "    return weights @ values, weights\n"
    )
    found = verdicts(answered(released, softmax=spoiling, attend=attend), released)
    assert found["softmax"].score < found["softmax"].max_score
    assert found["attend"].passed


def test_untouched_demonstrations_and_checks_do_not_run(released):
    released = nbformat.from_dict(released)
    released.cells[2].source = "raise SystemError('a demonstration ran')"
    by_grade_id(released, "softmax").source = "del softmax"
    notebook = answered(released, softmax=SOFTMAX)
    notebook.cells[-1].source = "softmax = None"
    found = verdicts(notebook, released)
    assert found["softmax"].passed
    assert found["attend"].cause == "not written yet"


def test_a_helper_in_another_cell_and_a_magic_are_fine(released):
    helper = SOFTMAX.replace("def softmax", "def helper")
    notebook = answered(
        released, softmax="def softmax(scores, dim):\n    return helper(scores, dim)\n"
    )
    notebook.cells.insert(2, new_code_cell(f"%matplotlib inline\n{helper}"))
    assert verdicts(notebook, released)["softmax"].passed


def test_after_the_time_of_a_submission_the_rest_is_not_run(released):
    notebook = answered(released, **ANSWERS)
    notebook.cells.insert(4, new_code_cell("import time\ntime.sleep(1000)"))
    limits = Limits(submission_seconds=4.0)
    found = verdicts(notebook, released, limits)
    assert found["attend"].cause in ("not run", "time")
    assert found["attend"].score == 0.0
    assert "4 seconds" in found["attend"].diagnosis.message


def test_where_no_worker_answers_nobody_gets_a_verdict(released, monkeypatch):
    """It isn't the submission's doing, so it costs it no points."""

    def refuse(*args, **kwargs):
        raise PieceLost("died", "no worker today")

    monkeypatch.setattr(judging, "Process", refuse)
    with pytest.raises(NoSandbox, match="no worker today"):
        verdicts(answered(released, **ANSWERS), released)


def test_an_earlier_mistake_costs_a_later_piece_nothing(released):
    found = verdicts(answered(released, softmax=WRONG, attend=ATTEND), released)
    assert not found["softmax"].passed
    assert found["attend"].passed
    assert found["attend"].lent == ("softmax",)
    assert found["softmax"].lent == ()


def test_a_piece_that_is_wrong_by_itself_is_told_so_with_the_students_own(released):
    wrong = ATTEND.replace("keys @ query", "-keys @ query")
    found = verdicts(answered(released, softmax=SOFTMAX, attend=wrong), released)
    assert found["softmax"].passed
    assert not found["attend"].passed
    assert found["attend"].lent == ()


def test_what_an_answer_has_taken_from_a_wrong_piece_is_taken_anew(released):
    answer = "mine = softmax\n" + ATTEND.replace("softmax(", "mine(")
    found = verdicts(answered(released, softmax=WRONG, attend=answer), released)
    assert found["attend"].passed


def test_a_demonstration_runs_where_a_students_cell_needs_its_name(released):
    released = nbformat.from_dict(released)
    released.cells[2].source = "base = 2.718281828459045"
    notebook = answered(
        released, softmax=SOFTMAX.replace("(scores - peak).exp()", "power(scores - peak)")
    )
    notebook.cells.insert(4, new_code_cell("print(base)\ndef power(x):\n    return x.exp()"))
    assert verdicts(notebook, released)["softmax"].passed


def test_what_torchs_own_function_earns_is_a_setting(released):
    answer = SOFTMAX.replace("return exp", "torch.softmax(exp, dim)\n    return exp")
    notebook = rebuild(answered(released, softmax=answer), released).notebook
    for share in (0.0, 0.25, 1.0):
        found = judge_notebook(notebook, released, LESSON, library_share=share)["softmax"]
        assert found.forbidden == ("softmax",)
        assert found.score == share * found.max_score
        assert not found.passed


def test_a_text_that_cannot_be_read_for_calls_costs_nobody_a_verdict(released, monkeypatch, caplog):
    def choke(*arguments):
        raise SystemError("a text like no other")

    monkeypatch.setattr(judging, "library_calls", choke)
    found = verdicts(answered(released, **ANSWERS), released)
    assert (found["softmax"].passed, found["attend"].passed) == (True, True)
    assert "a text like no other" in caplog.text


def test_a_comparison_with_torchs_own_beside_the_piece_costs_nothing(released):
    notebook = answered(released, **ANSWERS)
    by_grade_id(
        notebook, "softmax-answer"
    ).source += "\nexp = peak = total = torch.softmax(torch.ones(3), 0)\n"
    assert verdicts(notebook, released)["softmax"].passed


def test_a_word_that_is_no_sandbox_is_refused(released):
    with pytest.raises(ValueError, match="auto, bubblewrap, none"):
        judge_notebook(released, released, LESSON, sandbox="some")


@pytest.mark.slow
def test_without_a_sandbox_the_verdicts_are_the_same(released):
    notebook = rebuild(answered(released, softmax=WRONG, attend=ATTEND), released).notebook
    apart = judge_notebook(notebook, released, LESSON, sandbox="bubblewrap")
    assert judge_notebook(notebook, released, LESSON, sandbox="none") == apart
