"""`autograder grade`, `export` and `report`: what they print, and their exit codes."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.cli import main
from autograder.grading import class_run, schedule
from autograder.sandbox import NoSandbox
from tests.autograder.grading.conftest import FILE, NAME
from tests.autograder.quick_judge import CALLED, WRONG, Inline, quick_judge


@pytest.fixture
def here(monkeypatch, course):
    """The commands with the quick judge, in this process; hears with which `jobs`."""
    asked = []

    class Place:
        def __init__(self, jobs, deadline, prepare):
            asked.append(jobs)

        def __enter__(self):
            return Inline(), 2

        def __exit__(self, *exception):
            return None

    class Quick(class_run.ClassRun):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named, judge=quick_judge)

    monkeypatch.setattr(schedule, "here", Place)
    monkeypatch.setattr(class_run, "ClassRun", Quick)
    return asked


def outcome(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def graded(capsys, *arguments):
    return outcome(capsys, "grade", "--sandbox", "none", *arguments)


def test_a_line_for_each_submission_and_a_summary(capsys, here, handed_in):
    code, out, err = graded(capsys)
    lines = err.splitlines()
    assert (code, out) == (0, "")
    assert lines[0] == f"✓  ana  {NAME}  8.5/8.5"
    assert lines[1].startswith(f"✓  ben  {NAME}  5.875/8.5")
    assert "3 submissions in" in lines[3]
    assert "3 graded, 0 as they were, 0 with a problem." in lines[3]
    code, _, err = graded(capsys)
    assert code == 0
    assert err.startswith(f"=  ana  {NAME}  8.5/8.5")
    assert "0 graded, 3 as they were" in err


def test_a_problem_is_a_line_and_the_exit_code(capsys, here, handed_in, hand_in):
    hand_in("max", content=b"<html>")
    hand_in("yan", softmax=CALLED)
    code, _, err = graded(capsys)
    assert code == 1
    assert f"✗  max  {NAME} · max/{NAME}/{FILE} is not JSON, but a web page" in err
    assert "calls torch's own function in softmax" in err
    assert "4 graded, 0 as they were, 1 with a problem" in err


def test_programs_get_one_object(capsys, here, handed_in):
    code, out, _ = graded(capsys, "--json", "--jobs", "3", "02")
    told = json.loads(out)
    assert (code, here) == (0, [3])
    assert [each["student"] for each in told["submissions"]] == ["ana", "ben", "zoe"]
    assert told["submissions"][0]["score"] == 8.5
    assert set(told["spent"]) >= {"collecting", "filing"}


def test_one_student_and_another_folder(capsys, here, handed_in, course):
    _, _, err = graded(capsys, "--student", "ben")
    assert "1 submissions" in err
    (course / "submitted").rename(course / "handed-in")
    _, _, err = graded(capsys, "--submitted", course / "handed-in")
    assert "3 submissions" in err


def test_who_is_missing_and_who_is_unknown_is_told(capsys, here, handed_in, course):
    (course / "roster.csv").write_text("id,name\nana,Ana Díaz\nyan,Yan Li\n")
    (course / "grading.toml").write_text('roster = "roster.csv"\n')
    _, _, err = graded(capsys)
    assert "Not on the roster: ben, zoe." in err
    assert f"{NAME}: nothing from yan." in err


def test_ctrl_c_says_what_is_kept(capsys, here, handed_in, monkeypatch):
    def interrupted(self, *arguments):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(class_run.ClassRun, "grade", interrupted)
    code, _, err = graded(capsys)
    assert code == 130
    assert "Stopped. 0 submissions are in the gradebook; the same command goes on" in err


def refused(capsys, *arguments):
    code, out, err = outcome(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("autograder: ")
    return err


def test_what_cannot_be_graded_is_bad_input(capsys, here, course, hand_in):
    assert "there is no folder" in refused(capsys, "grade")
    (course / "submitted").mkdir()
    assert "nobody has handed in anything" in refused(capsys, "grade")
    hand_in("ana")
    assert "no lesson is called '12'" in refused(capsys, "grade", "12")
    assert "autograder release 03-multi" in refused(capsys, "grade", "03")
    (course / "grading.toml").write_text("lesson = 3\n")
    assert "did you mean lessons?" in refused(capsys, "grade")


def test_without_a_sandbox_grading_refuses(capsys, here, handed_in, monkeypatch):
    def none(wanted="auto"):
        raise NoSandbox("there is no protection here; sudo apt install bubblewrap")

    monkeypatch.setattr(class_run, "choose", none)
    assert "sudo apt install bubblewrap" in refused(capsys, "grade")


def test_on_a_machine_without_bubblewrap_nothing_is_graded(course, handed_in):
    environment = os.environ | {"PATH": str(Path(sys.executable).parent)}
    command = [sys.executable, "-m", "autograder", "grade"]
    done = subprocess.run(command, cwd=course, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "bubblewrap is not installed" in done.stderr
    assert "sudo apt install bubblewrap" in done.stderr
    assert not (course / "grading" / "receipts").exists()


def test_while_another_run_is_at_work_grading_refuses(capsys, here, handed_in, monkeypatch):
    monkeypatch.setattr(class_run, "PATIENCE", 0.1)
    with class_run._only_run():
        assert "another run is grading" in refused(capsys, "grade", "--sandbox", "none")
    assert graded(capsys)[0] == 0


def test_a_scheduler_that_does_not_answer_is_bad_input(capsys, here, handed_in):
    assert "no Dask scheduler answers" in refused(capsys, "grade", "--scheduler", "nowhere")


def test_grades_are_exported_in_each_form(capsys, here, handed_in, course):
    assert "the gradebook holds no grades yet" in refused(capsys, "export")
    graded(capsys)
    code, out, err = outcome(capsys, "export")
    assert (code, err) == (0, "")
    assert [row["total"] for row in csv.DictReader(io.StringIO(out))] == ["8.5", "5.875", "0"]
    assert outcome(capsys, "export", "--format", "canvas")[1].startswith("Student,ID,SIS User ID")
    _, out, err = outcome(capsys, "export", "--format", "moodle", "--to", course / "moodle.csv")
    assert out == ""
    assert "warning: without a roster" in err
    assert (course / "moodle.csv").read_text().startswith("First name,Last name,ID number")
    told = json.loads(outcome(capsys, "export", "--json")[1])
    assert told[1]["lessons"][NAME]["score"] == 5.875


def test_the_report_is_written_and_told(capsys, here, hand_in, course):
    assert "nothing has been graded yet" in refused(capsys, "report")
    hand_in("ana", softmax=WRONG)
    graded(capsys)
    code, out, _ = outcome(capsys, "report")
    assert code == 0
    for name in ("report.html", "report.csv"):
        path = course / "grading" / name
        assert str(path) in out
        assert "the second forgotten" in path.read_text()
    told = json.loads(outcome(capsys, "report", "--json")[1])
    assert told["exercises"][0]["mistakes"][0]["students"] == ["ana"]
