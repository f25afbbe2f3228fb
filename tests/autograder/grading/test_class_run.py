"""A class, from a folder of submissions to the gradebook, and again."""

import json
import shutil
from dataclasses import replace
from datetime import datetime

import pytest
from nbgrader.api import Gradebook

from autograder.grading import class_run, filed, receipt_store
from autograder.grading.class_run import AlreadyGrading, ClassRun
from autograder.grading.collecting import submitted_folder
from autograder.grading.gradebook import database, secret_seed
from autograder.grading.settings import settings
from autograder.lessons.release import read_notebook
from tests.autograder.grading.conftest import NAME
from tests.autograder.quick_judge import CALLED, RIGHT, WRONG, Inline, quick_judge
from tests.autograder.small_lesson import LESSON, answered, by_grade_id
from workbook.home import root

SCORES = {"ana": 8.5, "ben": 5 + 3.5 / 4, "zoe": 0.0}


def book(student):
    """What the gradebook says: the automatic points by cell, and what waits for a person."""
    with Gradebook(database()) as gradebook:
        notebook = gradebook.find_submission_notebook(NAME, NAME, student)
        return (
            {grade.name: grade.auto_score for grade in notebook.grades},
            [grade.name for grade in notebook.grades if grade.needs_manual_grade],
        )


def grade_by_hand(student, cell, points):
    """What the grading page does when somebody types points."""
    with Gradebook(database()) as gradebook:
        grade = gradebook.find_grade(cell, NAME, NAME, student)
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()


def by_hand(student, cell="question-why"):
    with Gradebook(database()) as gradebook:
        grade = gradebook.find_grade(cell, NAME, NAME, student)
        return grade.manual_score, bool(grade.needs_manual_grade), grade.score


def test_a_class_is_graded_and_the_gradebook_says_the_same(handed_in, graded):
    outcomes = graded()
    assert {name: each.score for name, each in outcomes.items()} == SCORES
    assert {each.max_score for each in outcomes.values()} == {8.5}
    assert {each.status for each in outcomes.values()} == {"graded"}
    for student, score in SCORES.items():
        points, _ = book(student)
        assert points["softmax"] + points["attend"] == pytest.approx(score)


def test_the_graded_notebook_holds_the_panel_the_hint_and_one_number(handed_in, graded):
    graded()
    path = root() / "grading" / "autograded" / "ben" / NAME / f"{NAME}.ipynb"
    panel, number = by_grade_id(read_notebook(path), "attend").outputs
    assert "Mind the second." in panel.data["text/html"]
    assert float(number.data["text/plain"]) == 3.5 / 4


def test_what_was_judged_and_filed_is_neither_judged_nor_filed_again(handed_in, graded):
    graded()
    outcomes = graded()
    assert {each.status for each in outcomes.values()} == {"unchanged"}
    assert {name: each.score for name, each in outcomes.items()} == SCORES
    assert graded.executor.done == 0


def test_while_a_run_is_at_work_another_is_told_so_and_touches_nothing(
    handed_in, graded, monkeypatch
):
    monkeypatch.setattr(class_run, "PATIENCE", 0.1)
    first = ClassRun(Inline(), settings(), "none", judge=quick_judge, at_once=1)
    outcomes = first.grade(submitted_folder(), [LESSON])
    assert next(outcomes).student == "ana"
    before = sorted(path for path in (root() / "grading").rglob("*"))
    with pytest.raises(AlreadyGrading, match=r"another run is grading into .*Let it end"):
        graded()
    assert graded.executor.done == 0
    assert sorted(path for path in (root() / "grading").rglob("*")) == before
    assert [each.student for each in outcomes] == ["ben", "zoe"]
    assert {each.status for each in graded().values()} == {"unchanged"}


def test_a_run_that_is_given_up_makes_room_for_the_next(handed_in, graded, monkeypatch):
    monkeypatch.setattr(class_run, "PATIENCE", 0.1)
    outcomes = ClassRun(Inline(), settings(), "none", judge=quick_judge).grade(
        submitted_folder(), [LESSON]
    )
    next(outcomes)
    outcomes.close()
    assert {name: each.score for name, each in graded().items()} == SCORES


def test_only_what_changed_is_judged(handed_in, hand_in, graded):
    graded()
    hand_in("zoe", softmax=RIGHT)
    outcomes = graded()
    assert {name: each.status for name, each in outcomes.items()} == {
        "ana": "unchanged",
        "ben": "unchanged",
        "zoe": "graded",
    }
    assert graded.executor.done == 1
    assert book("zoe")[0]["softmax"] == 5.0


def test_again_judges_everything_anew(handed_in, graded):
    graded()
    graded(again=True)
    assert graded.executor.done == 3


def test_the_same_code_is_judged_once(hand_in, graded):
    for student in ("ana", "ben", "zoe"):
        hand_in(student, softmax=RIGHT)
    graded()
    graded()
    assert graded.executor.done == 0
    assert len(list((receipt_store.folder() / NAME).glob("*.json"))) == 1


def test_a_changed_exercise_regrades_itself(handed_in, graded, monkeypatch):
    graded()
    monkeypatch.setattr("autograder.grading.judging_code.version", lambda lesson: "another")
    assert {each.status for each in graded().values()} == {"graded"}
    assert graded.executor.done == 3


def test_a_new_seed_regrades(handed_in, graded):
    graded()
    (root() / "grading" / "seeds.json").write_text(json.dumps({NAME: secret_seed(NAME) + 1}))
    graded()
    assert graded.executor.done == 3


def test_one_student_alone(handed_in, graded):
    assert list(graded("ben")) == ["ben"]


@pytest.mark.parametrize("lost", ["gradebook.db", "filed", "autograded", "collected"])
def test_what_was_lost_is_made_again_from_the_receipts(handed_in, graded, lost):
    graded()
    path = root() / "grading" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    graded()
    assert graded.executor.done == 0
    for student, score in SCORES.items():
        points, _ = book(student)
        assert points["softmax"] + points["attend"] == pytest.approx(score)
        assert (root() / "grading" / "autograded" / student).is_dir()


def test_a_broken_receipt_is_none(handed_in, graded):
    graded()
    for path in (receipt_store.folder() / NAME).glob("*.json"):
        path.write_text(path.read_text()[:-40])
    graded()
    assert graded.executor.done == 3


def test_points_given_by_hand_stay_and_are_asked_for_again_only_for_a_new_answer(
    hand_in, graded, released
):
    def with_answer(text, **answers):
        path = hand_in("ana", **answers)
        notebook = json.loads(path.read_text())
        for cell in notebook["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == "question-why":
                cell["source"] = text
        path.write_text(json.dumps(notebook))

    with_answer("Because of the variance.", softmax=WRONG)
    graded()
    assert by_hand("ana") == (None, True, 0.0)
    grade_by_hand("ana", "question-why", 1.5)
    grade_by_hand("ana", "softmax", 4.0)
    with_answer("Because of the variance.", softmax=WRONG, attend=RIGHT)
    graded()
    assert by_hand("ana") == (1.5, False, 1.5)
    assert by_hand("ana", "softmax") == (4.0, False, 4.0)
    with_answer("Because of the variance.", softmax=RIGHT, attend=RIGHT)
    graded()
    assert by_hand("ana", "softmax") == (4.0, True, 4.0), "other points: worth a look"
    with_answer("Because it is so.", softmax=RIGHT, attend=RIGHT)
    graded()
    assert by_hand("ana") == (1.5, True, 1.5)


def test_points_and_lessons_are_chosen_without_code(handed_in, graded, course):
    (course / "grading.toml").write_text("[points]\nsoftmax = 10\nquestion-why = 0\n")
    outcomes = graded()
    assert (outcomes["ana"].score, outcomes["ana"].max_score) == (13.5, 13.5)
    assert book("ben")[0]["softmax"] == 10.0
    (course / "grading.toml").write_text("[points]\nsoftmax = 2\n")
    outcomes = graded()
    assert outcomes["ana"].score == 5.5
    assert graded.executor.done == 0, "other points need no judging"
    assert book("ana")[0]["softmax"] == 2.0
    with Gradebook(database()) as gradebook:
        assert gradebook.find_assignment(NAME).max_score == 2 + 3.5 + 2


@pytest.mark.parametrize(("share", "score"), [(None, 0.0), (0.5, 2.5), (1, 5.0)])
def test_a_call_of_torchs_own_function_is_marked_and_scored_as_chosen(
    hand_in, graded, course, share, score
):
    if share is not None:
        (course / "grading.toml").write_text(f"library_share = {share}\n")
    hand_in("ana", softmax=CALLED)
    outcome = graded()["ana"]
    assert outcome.library == ("softmax",)
    assert outcome.score == book("ana")[0]["softmax"] == score


@pytest.mark.parametrize(
    ("handed_in_at", "penalty"),
    [
        ("2027-03-02 22:59:00 UTC", 0.0),  # 23:59 in Madrid
        ("2027-03-02 23:08:00 UTC", 0.0),  # within the ten minutes
        ("2027-03-03 10:00:00 UTC", 0.85),
        ("2027-03-03 11:00:00 +01:00", 0.85),
        ("2027-03-04 10:00:00 UTC", 1.7),
        ("2028-01-01 00:00:00 UTC", 4.25),
    ],
)
def test_late_penalties_and_deadlines_with_time_zones(
    hand_in, graded, course, handed_in_at, penalty
):
    (course / "grading.toml").write_text(
        'timezone = "Europe/Madrid"\n'
        "[due]\n02-dot-product-attention = 2027-03-02T23:59:00\n"
        "[late]\ngrace_minutes = 10\npercent_per_day = 10\nat_most_percent = 50\n"
    )
    path = hand_in("ana", softmax=RIGHT, attend=RIGHT)
    (path.parent / "timestamp.txt").write_text(handed_in_at)
    graded()
    with Gradebook(database()) as gradebook:
        submission = gradebook.find_submission(NAME, "ana")
        assert gradebook.find_assignment(NAME).duedate == datetime(2027, 3, 2, 22, 59)
        assert (submission.late_submission_penalty or 0.0) == pytest.approx(penalty)


def test_trouble_of_ours_gives_neither_points_nor_a_zero(handed_in, graded, monkeypatch):
    class Breaking(Inline):
        def submit(self, function, job):
            if b"answer = 'wrong'" in job.notebook:
                return super().submit(_break)
            return super().submit(function, job)

    outcomes = graded(executor=Breaking())
    assert outcomes["ben"].status == "problem"
    assert "the machine broke" in outcomes["ben"].notes[0]
    assert outcomes["ana"].status == "graded"
    assert filed.find(NAME, "ben") is None
    assert graded()["ben"].status == "graded"


def _break():
    raise RuntimeError("the machine broke")


def test_a_receipt_of_another_version_does_not_count(handed_in, course):
    def elsewhere(job):
        return replace(quick_judge(job), key="0" * 64)

    run = ClassRun(Inline(), settings(), "none", judge=elsewhere)
    outcomes = list(run.grade(submitted_folder(), [LESSON]))
    assert {each.status for each in outcomes} == {"problem"}
    assert "another version" in outcomes[0].notes[0]
    assert receipt_store.find(NAME, "0" * 64) is None


def test_what_nbgrader_cannot_file_is_one_students_problem(handed_in, graded, monkeypatch):
    from autograder.grading import filing

    record = filing.record_all

    def choke(notebook, *more):
        if "answer = 'wrong'" in by_grade_id(notebook, "attend-answer").source:
            raise OSError("disk full")
        return record(notebook, *more)

    monkeypatch.setattr(filing, "record_all", choke)
    outcomes = graded()
    assert outcomes["ben"].status == "problem"
    assert "disk full" in outcomes["ben"].notes[0]
    assert outcomes["zoe"].status == "graded"
    monkeypatch.undo()


def test_what_cannot_be_filed_is_not_half_filed(hand_in, graded, monkeypatch):
    """No points without the notebook that shows them, no zero, and the points from before stay."""
    from autograder.grading import filing

    def refuse(notebook):
        raise ValueError("Additional properties are not allowed\n\nFailed validating\n    'deep'")

    hand_in("ana", softmax=RIGHT, attend=WRONG)
    graded()
    hand_in("ana", softmax=RIGHT, attend=RIGHT)
    hand_in("ben", softmax=RIGHT)
    with monkeypatch.context() as patch:
        patch.setattr(filing.nbformat, "writes", refuse)
        outcomes = graded()
    assert outcomes["ben"].status == outcomes["ana"].status == "problem"
    assert outcomes["ben"].notes[0] == (
        "judged, but nbgrader could not file it: ValueError: Additional properties are not allowed"
    )
    assert book("ana")[0]["attend"] == 3.5 / 4
    with Gradebook(database()) as gradebook:
        submissions = gradebook.assignment_submissions(NAME)
        assert [each.student_id for each in submissions] == ["ana"]
    assert filed.find(NAME, "ben") is None
    outcomes = graded()
    assert {each.status for each in outcomes.values()} == {"graded"}
    assert book("ana")[0]["attend"] == 3.5
    assert book("ben")[0]["softmax"] == 5.0


def test_points_that_cannot_be_saved_leave_no_notebook_that_shows_them(
    hand_in, graded, monkeypatch
):
    from autograder.grading import filing

    def choke(self, notebook, resources):
        raise OSError("disk full")

    hand_in("ana", softmax=RIGHT)
    monkeypatch.setattr(filing.SaveGrades, "preprocess", choke)
    outcome = graded()["ana"]
    assert outcome.notes[0].endswith("could not file it: OSError: disk full")
    assert not (root() / "grading" / "autograded" / "ana" / NAME).exists()
    with Gradebook(database()) as gradebook:
        assert gradebook.assignment_submissions(NAME) == []


def test_cells_of_other_tools_and_half_a_character_are_filed(hand_in, graded, released):
    notebook = json.loads(json.dumps(answered(released, softmax=f"{RIGHT}  # \ud83d")))
    notebook["cells"] += [
        {"cell_type": "code", "source": "1", "metadata": {"collapsed": None}, "language": "py"},
        {"cell_type": "markdown", "source": "\ud83d", "metadata": {"tags": ["a", "a"]}},
        {"cell_type": "markdown", "source": "", "metadata": {}, "outputs": []},
    ]
    hand_in("ana", content=json.dumps(notebook).encode())
    outcome = graded()["ana"]
    assert (outcome.status, outcome.score) == ("graded", 5.0)
    path = root() / "grading" / "autograded" / "ana" / NAME / f"{NAME}.ipynb"
    filed_as = read_notebook(path)
    assert by_grade_id(filed_as, "softmax-answer").source == f"{RIGHT}  # \ufffd"
    assert [cell.source for cell in filed_as.cells[-3:]] == ["1", "\ufffd", ""]
    assert graded()["ana"].status == "unchanged"


def test_what_nobody_foresaw_in_one_submission_stops_nobody_else(handed_in, graded, monkeypatch):
    rebuild = class_run.rebuild

    def choke(notebook, released):
        if "answer = 'wrong'" in by_grade_id(notebook, "attend-answer").source:
            raise SystemError("a notebook like no other\nand more")
        return rebuild(notebook, released)

    monkeypatch.setattr(class_run, "rebuild", choke)
    outcomes = graded()
    assert outcomes["ben"].status == "problem"
    assert outcomes["ben"].notes[0] == (
        "not judged, and left as it was: SystemError: a notebook like no other"
    )
    assert outcomes["zoe"].status == outcomes["ana"].status == "graded"


def test_odd_output_of_a_students_is_filed(hand_in, graded):
    hand_in("ana", softmax=f"{WRONG}  # odd")
    assert graded()["ana"].status == "graded"


def test_a_roster_is_in_the_gradebook(handed_in, graded, course):
    (course / "roster.csv").write_text("id,name,email\nana,Ana Díaz,ana@x.org\nyan,Yan Li,\n")
    (course / "grading.toml").write_text('roster = "roster.csv"\n')
    graded()
    with Gradebook(database()) as gradebook:
        students = {student.id: student for student in gradebook.students}
        assert set(students) == {"ana", "ben", "zoe", "yan"}
        assert (students["ana"].first_name, students["ana"].last_name) == ("Ana", "Díaz")
        assert students["ana"].email == "ana@x.org"
