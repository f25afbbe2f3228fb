"""The command `autograder`: what it prints, and its exit codes."""

import json
import os
import subprocess
import sys

import pytest

from autograder.checks.verdict import Diagnosis, Result, Verdict
from autograder.cli import BAD_INPUT, FAILED, OK, main
from autograder.exercises import all_exercises
from autograder.lessons.release import ReleaseError
from tests.autograder.small_lesson import ANSWERS, LESSON, SOFTMAX, answered

RIGHT = Verdict("softmax", (Result("one", True, 2.0), Result("two", True, 1.0)))
WRONG = Verdict(
    "softmax",
    (Result("one", True, 2.0), Result("two", False, 1.0, "It differs at [0, 1] — look.")),
    diagnosis=Diagnosis("no maximum subtracted", "Subtract it."),
)


@pytest.fixture
def judged(monkeypatch):
    """Lets a test say what the judge finds, and hear what it was asked."""
    asked = []

    def judge(verdict):
        def judge_file(exercise, path, sandbox):
            asked.append((exercise.name, path.name, path.read_text()))
            return verdict

        monkeypatch.setattr("autograder.grading.judge.judge_file", judge_file)
        return asked

    return judge


@pytest.fixture
def answer(tmp_path):
    path = tmp_path / "my_softmax.py"
    path.write_text("import torch\n" + SOFTMAX)
    return path


def outcome(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def bad_input(capsys, *arguments):
    code, out, err = outcome(capsys, *arguments)
    assert (code, out) == (BAD_INPUT, "")
    assert err.startswith("autograder: ")
    assert "Traceback" not in err
    return err


# ---- check -------------------------------------------------------------------------------------


def test_the_exit_codes_are_the_promised_ones():
    assert (OK, FAILED, BAD_INPUT) == (0, 1, 2)


def test_a_right_file_is_told_and_exits_0(capsys, judged, answer):
    asked = judged(RIGHT)
    code, out, err = outcome(capsys, "check", "softmax", answer)
    assert (code, err) == (0, "")
    assert out.startswith("✓ softmax: right.")
    assert asked == [("softmax", "my_softmax.py", answer.read_text())]


def test_a_wrong_file_is_told_and_exits_1(capsys, judged, answer):
    judged(WRONG)
    code, out, err = outcome(capsys, "check", "softmax", answer)
    assert (code, err) == (1, "")
    assert "✗ softmax: not yet" in out
    assert "→ Subtract it." in out


@pytest.mark.parametrize(("verdict", "expected"), [(RIGHT, 0), (WRONG, 1)])
def test_json_is_one_object_of_the_promised_form(capsys, judged, answer, verdict, expected):
    judged(verdict)
    code, out, _ = outcome(capsys, "check", "softmax", answer, "--json")
    found = json.loads(out)
    assert code == expected
    assert found == verdict.as_json()
    assert list(found) == [
        "exercise",
        "passed",
        "score",
        "max_score",
        "diagnosis",
        "properties",
    ]
    assert "—" in out or verdict is RIGHT, "letters are themselves, not escapes"


def test_a_name_that_is_nearly_right_gets_the_nearest_ones(capsys, answer):
    err = bad_input(capsys, "check", "sofmax", answer)
    assert "'sofmax'; the nearest names are softmax" in err
    assert "`autograder exercises` lists them all" in err


def test_a_file_that_is_not_there_or_is_a_folder_is_bad_input(capsys, tmp_path):
    assert "there is no file" in bad_input(capsys, "check", "softmax", tmp_path / "none.py")
    assert "can't be read" in bad_input(capsys, "check", "softmax", tmp_path)


@pytest.mark.parametrize("arguments", [["softmax"], ["a", "b", "c"], ["notes.txt"]])
def test_anything_else_to_check_is_bad_input_with_examples(capsys, arguments):
    assert "autograder check softmax my_softmax.py" in bad_input(capsys, "check", *arguments)


@pytest.mark.parametrize("arguments", [[], ["chek"], ["check"], ["check", "--jsn", "x", "y"]])
def test_a_command_that_is_none_exits_2(capsys, arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: autograder" in capsys.readouterr().err


def test_help_says_what_each_command_is_for(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    out = capsys.readouterr().out
    for command in ("exercises", "check", "release"):
        assert command in out


# ---- check of a notebook -----------------------------------------------------------------------


@pytest.fixture
def handed_in(course, released, tmp_path):
    """A solved notebook of the small lesson, as a student saved it."""
    path = tmp_path / f"{LESSON.name}.ipynb"
    path.write_text(json.dumps(answered(released, **ANSWERS)), encoding="utf-8")
    return path


def test_a_notebook_is_judged_exercise_by_exercise(capsys, handed_in):
    code, out, err = outcome(capsys, "check", handed_in, "--json")
    rows = json.loads(out)
    assert (code, err) == (1, "")  # three exercises of the lesson are not in the small notebook
    assert [(row["exercise"], row["passed"]) for row in rows] == [
        (name, name in ANSWERS) for name in LESSON.pieces
    ]


def test_what_was_put_right_in_a_notebook_is_told(capsys, handed_in, monkeypatch):
    notebook = json.loads(handed_in.read_text())
    del notebook["cells"][4]
    handed_in.write_text(json.dumps(notebook))
    monkeypatch.setattr(
        "autograder.grading.judge.judge_notebook",
        lambda notebook, released, lesson, sandbox: {"softmax": RIGHT},
    )
    code, out, _ = outcome(capsys, "check", handed_in)
    assert code == 0
    assert out.startswith("· softmax: the cell was missing and has been put back\n✓ softmax")
    assert out.endswith("3 of 3 points\n")


def test_a_notebook_that_is_none_or_not_there_is_bad_input(capsys, course, tmp_path):
    path = tmp_path / f"{LESSON.name}.ipynb"
    assert "there is no file" in bad_input(capsys, "check", path)
    path.write_text("not a notebook")
    assert f"{path} is not JSON" in bad_input(capsys, "check", path)
    path.write_text("{}")
    assert "is no notebook: it has no cells" in bad_input(capsys, "check", path)


def test_a_notebook_is_read_as_it_is_for_grading(capsys, handed_in, monkeypatch):
    """With a byte order mark and half a character, and whatever other tools put into it."""
    judged = []
    monkeypatch.setattr(
        "autograder.grading.judge.judge_notebook",
        lambda notebook, *more, **settings: judged.append(notebook) or {"softmax": RIGHT},
    )
    assert outcome(capsys, "check", handed_in)[0] == 0
    text = handed_in.read_text(encoding="utf-8")
    handed_in.write_text(text, encoding="utf-8-sig")
    assert outcome(capsys, "check", handed_in)[0] == 0
    assert judged[1] == judged[0]
    notebook = json.loads(text)
    notebook["cells"].append({"cell_type": "code", "source": "'\ud83d'", "metadata": {}, "x": 1})
    handed_in.write_text(json.dumps(notebook))
    assert outcome(capsys, "check", handed_in)[0] == 0
    assert judged[2].cells[-1].source == "'\ufffd'"


def test_a_notebook_of_no_lesson_is_bad_input(capsys, handed_in):
    other = handed_in.rename(handed_in.with_name("copy.ipynb"))
    err = bad_input(capsys, "check", other)
    assert f"Name it one of 01-rnn-recap.ipynb, {LESSON.name}.ipynb" in err


def test_a_notebook_of_a_lesson_that_was_not_released_is_bad_input(capsys, handed_in):
    other = handed_in.rename(handed_in.with_name("01-rnn-recap.ipynb"))
    err = bad_input(capsys, "check", other)
    assert "01-rnn-recap can't be compared with what was released: there is no file" in err


# ---- the others --------------------------------------------------------------------------------


def test_every_exercise_is_listed(capsys):
    code, out, _ = outcome(capsys, "exercises")
    assert code == 0
    for each in all_exercises():
        assert each.lesson.name in out
        assert each.name in out


def test_the_list_is_for_programs_too(capsys):
    code, out, _ = outcome(capsys, "exercises", "--json")
    rows = {row["exercise"]: row for row in json.loads(out)}
    assert code == 0
    assert list(rows) == [each.name for each in all_exercises()]
    assert rows["SelfAttention"] == {
        "exercise": "SelfAttention",
        "lesson": "02-dot-product-attention",
        "signature": "SelfAttention(d_model, d_k, d_v)",
        "forward": "forward(x, mask=None)",
        "points": 5.5,
        "misconceptions": rows["SelfAttention"]["misconceptions"],
    }


def test_a_release_is_told_step_by_step(capsys, course, monkeypatch):
    seen = []

    def release(lesson, execute):
        seen.append((lesson, execute))
        yield "nothing leaks"

    monkeypatch.setattr("autograder.lessons.release.release", release)
    code, out, _ = outcome(capsys, "release", "--keep-outputs", "02")
    assert code == 0
    assert out.endswith(f"{LESSON.name}: nothing leaks\n")
    assert outcome(capsys, "release")[0] == 0
    assert seen == [(LESSON, False), (LESSON, True)]


def test_a_release_that_fails_exits_1_and_says_why(capsys, course):
    code, _, err = outcome(capsys, "release", "--keep-outputs")
    assert code == 1
    assert err.startswith(f"autograder: there are no outputs of {LESSON.name} to keep")


def test_a_release_of_nothing_there_is_is_bad_input(capsys, course, monkeypatch):
    code, _, err = outcome(capsys, "release", "12-nothing")
    assert code == 2
    assert "no lesson is called '12-nothing'; the lessons are 01-rnn-recap" in err

    def release(lesson, execute):
        raise ReleaseError("something leaks")
        yield

    monkeypatch.setattr("autograder.lessons.release.release", release)
    assert outcome(capsys, "release")[0] == 1


def test_the_real_command_judges_a_file_on_a_terminal_that_knows_no_marks(answer):
    done = subprocess.run(
        [sys.executable, "-m", "autograder", "check", "softmax", str(answer)],
        capture_output=True,
        encoding="ascii",
        env=os.environ | {"PYTHONWARNINGS": "error", "PYTHONIOENCODING": "ascii"},
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("? softmax: right. All 7 properties hold.")
