"""`autograder grade`, `export` and `report`: what they print, and their exit codes."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.cli import main
from autograder.grading import class_run, schedule
from autograder.grading.gradebook import database
from autograder.lessons.release import read_notebook, released_path, write_notebook
from autograder.sandbox import NoSandbox
from tests.autograder.grading.conftest import FILE, NAME
from tests.autograder.quick_judge import CALLED, RIGHT, WRONG, Inline, quick_judge
from tests.autograder.small_lesson import LESSON, by_grade_id
from workbook.syllabus import lesson


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
    assert "nothing from" not in err
    _, _, err = graded(capsys, "--student", "bne")
    assert "bne has handed in nothing: is that the id that submitted/ has?" in err
    (course / "submitted").rename(course / "handed-in")
    _, _, err = graded(capsys, "--submitted", course / "handed-in")
    assert "3 submissions" in err


def test_who_is_missing_and_who_is_unknown_is_told(capsys, here, handed_in, course):
    (course / "roster.csv").write_text("id,name\nana,Ana Díaz\nyan,Yan Li\n")
    (course / "grading.toml").write_text('roster = "roster.csv"\n')
    _, _, err = graded(capsys)
    assert "Not on the roster: ben, zoe." in err
    assert f"{NAME}: nothing from yan." in err


def test_who_has_no_id_is_left_out_and_named_and_stops_nobody(capsys, here, handed_in, course):
    (course / "roster.csv").write_text(
        "Student,ID,SIS User ID,SIS Login ID\nAna,1,ana,\nBen,2,,ben\nZoe,3,zoe,\n"
        '"Student, Test",4,,\n'
    )
    (course / "grading.toml").write_text('roster = "roster.csv"\n')
    told = (
        "Left out of the roster, without an id in “SIS User ID” or “SIS Login ID”: Test Student "
        "(line 5). Who is a student needs one there."
    )
    code, _, err = graded(capsys)
    assert code == 0
    assert told in err
    code, out, err = outcome(capsys, "export", "--format", "canvas")
    assert code == 0
    assert told in err
    assert [row["Student"] for row in csv.DictReader(io.StringIO(out))][1:] == ["Ana", "Ben", "Zoe"]


def test_it_is_told_how_many_have_no_hand_in_time_where_there_is_a_deadline(
    capsys, here, handed_in, hand_in, course
):
    assert "hand-in time" not in graded(capsys)[2]
    (course / "grading.toml").write_text(f"[due]\n{NAME} = 2027-03-02T23:59:00\n")
    hand_in("max", content=b"<html>")
    time = course / "submitted" / "ana" / NAME / "timestamp.txt"
    time.write_text("2027-03-02 20:00:00 UTC")
    _, _, err = graded(capsys)
    (line,) = [line for line in err.splitlines() if "hand-in time" in line]
    assert line.startswith(f"{NAME} has a deadline, but 2 of 3 submissions have no hand-in time")
    assert "timestamp.txt beside the notebook (2027-03-02 23:59:00 UTC)" in line
    for student in ("ben", "zoe"):
        (course / "submitted" / student / NAME / "timestamp.txt").write_text(time.read_text())
    assert "hand-in time" not in graded(capsys)[2]


@pytest.fixture
def another_lesson(course):
    """Lesson 03 is released too."""
    other = lesson(3)
    text = released_path(LESSON).read_text()
    for old, new in [("softmax", "split_heads"), ("attend", "merge_heads"), ("-why", "-how")]:
        text = text.replace(old, new)
    released_path(other).parent.mkdir()
    released_path(other).write_text(text)
    return other.name


def exported(capsys, *arguments):
    _, out, err = outcome(capsys, "export", *arguments)
    return list(csv.DictReader(io.StringIO(out))), err


def test_lessons_that_nobody_handed_in_are_in_no_export(capsys, here, handed_in, another_lesson):
    graded(capsys)
    with Gradebook(database()) as gradebook:
        assert [each.name for each in gradebook.assignments] == [NAME]
        gradebook.add_assignment(another_lesson)  # as an earlier version did, or nbgrader's page
    (ana, *_), err = exported(capsys)
    assert another_lesson not in ana
    assert (ana["total"], ana["of"], err) == ("8.5", "10.5", "")
    assert list(exported(capsys, "--format", "canvas")[0][0])[5:] == [f"02 {LESSON.title}"]
    _, err = exported(capsys, "02", "03")
    assert f"{another_lesson}: nobody handed in anything, so it isn't here" in err


def test_a_lesson_that_somebody_hands_in_is_there_from_then_on(
    capsys, here, handed_in, another_lesson, course
):
    graded(capsys)
    text = released_path(lesson(3)).read_text().replace("raise NotImplementedError", RIGHT)
    path = course / "submitted" / "ana" / another_lesson / f"{another_lesson}.ipynb"
    path.parent.mkdir()
    path.write_text(text)
    _, _, err = graded(capsys)
    assert f"✓  ana  {another_lesson}" in err
    (ana, ben, _), err = exported(capsys)
    assert (ana[another_lesson], ben[another_lesson]) != ("", "")
    assert float(ana[another_lesson]) > 0
    assert (ben[another_lesson], ben["total"], ben["of"]) == ("", "5.875", "21")
    assert (
        f"{another_lesson}: 2 of 3 students handed in nothing that could be graded, and have no "
        "grade here; --missing-as-zero gives 0"
    ) in err
    (_, ben, _), err = exported(capsys, "--missing-as-zero")
    assert (ben[another_lesson], ben["total"]) == ("0", "5.875")
    assert "handed in nothing that could be graded, and have 0" in err
    told = json.loads(outcome(capsys, "export", "--json")[1])
    assert told[1]["lessons"][another_lesson]["score"] is None
    told = json.loads(outcome(capsys, "export", "--json", "--missing-as-zero")[1])
    assert told[1]["lessons"][another_lesson]["score"] == 0


def test_an_export_takes_the_late_penalty_of_what_there_is_now(capsys, here, handed_in, course):
    (course / "grading.toml").write_text(
        f"[due]\n{NAME} = 2027-03-02T23:59:00\n[late]\npercent_per_day = 10\n"
    )
    (course / "submitted" / "ana" / NAME / "timestamp.txt").write_text("2027-03-03 10:00:00 UTC")
    graded(capsys)
    with Gradebook(database()) as gradebook:
        grade = gradebook.find_grade("question-why", NAME, NAME, "ana")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        gradebook.db.commit()
    (ana, *_), _ = exported(capsys)
    assert (ana[NAME], ana[f"{NAME} late penalty"]) == ("9", "1")


def test_a_lesson_with_other_graded_cells_than_before_is_told_with_what_to_do(
    capsys, here, handed_in, another_lesson, course
):
    graded(capsys)
    changed = read_notebook(released_path(LESSON))
    by_grade_id(changed, "question-why").metadata.nbgrader.grade_id = "question-more"
    write_notebook(changed, released_path(LESSON))
    err = refused(capsys, "grade", "--sandbox", "none")
    assert f"{NAME} was released with other graded cells" in err
    assert "(new: question-more; gone: question-why)" in err
    assert f"nbgrader db assignment remove {NAME} --force" in err
    assert graded(capsys, "03")[0] == 0
    with Gradebook(database()) as gradebook:
        gradebook.remove_assignment(NAME)
    _, _, err = graded(capsys)
    assert "3 graded, 0 as they were, 0 with a problem" in err
    assert exported(capsys)[0][0]["total"] == "8.5"


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
