"""What being late costs follows the score, the deadline and the time of handing in."""

import zipfile
from datetime import datetime

import pytest
from nbgrader.api import Gradebook

from autograder.grading import penalties
from autograder.grading.gradebook import database
from tests.autograder.grading.conftest import NAME
from tests.autograder.quick_judge import RIGHT
from tests.autograder.small_lesson import LESSON

DUE = f"[due]\n{NAME} = 2027-03-02T23:59:00\n"
LATE = "[late]\npercent_per_day = 10\n"
NEXT_DAY = "2027-03-03 10:00:00 UTC"


@pytest.fixture
def settings_say(course):
    def write(text):
        (course / "grading.toml").write_text(text)

    return write


@pytest.fixture
def late(hand_in, settings_say):
    """Ana, all right and a day late; where her time stands."""
    settings_say(DUE + LATE)
    time = hand_in("ana", softmax=RIGHT, attend=RIGHT).with_name("timestamp.txt")
    time.write_text(NEXT_DAY)
    return time


def penalty():
    with Gradebook(database()) as gradebook:
        return gradebook.find_submission(NAME, "ana").late_submission_penalty


def deadline():
    with Gradebook(database()) as gradebook:
        return gradebook.find_assignment(NAME).duedate


def set_deadline(when):
    """What nbgrader's own page does."""
    with Gradebook(database()) as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate=when)


def give_points(points):
    with Gradebook(database()) as gradebook:
        grade = gradebook.find_grade("question-why", NAME, NAME, "ana")
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()


def test_points_given_by_hand_lose_their_share_at_the_next_grading(late, graded, settings_say):
    graded()
    assert penalty() == pytest.approx(0.85)
    give_points(2.0)
    assert graded()["ana"].status == "unchanged"
    assert penalty() == pytest.approx(1.05)
    settings_say(f"{DUE}{LATE}[points]\nBert = 3\n")  # something else is the reason to file anew
    assert graded()["ana"].status == "graded"
    assert penalty() == pytest.approx(1.05)


def test_another_deadline_counts_without_grading_anew(late, graded, settings_say):
    graded()
    settings_say(DUE.replace("2027-03-02", "2027-03-12") + LATE)
    penalties.settle([LESSON])
    assert not penalty()
    settings_say(DUE + LATE)
    penalties.settle([LESSON])
    assert penalty() == pytest.approx(0.85)
    settings_say(LATE)
    penalties.settle([LESSON])
    assert deadline() is None
    assert not penalty()


def test_a_share_is_taken_anew_of_one_student_and_of_no_other_lesson(late, graded):
    graded()
    give_points(2.0)
    penalties.settle([LESSON], "ben")
    penalties.settle([])
    assert penalty() == pytest.approx(0.85)
    penalties.settle([LESSON], "ana")
    assert penalty() == pytest.approx(1.05)


def test_before_a_student_reads_of_it_the_share_is_taken_anew(late, graded):
    graded()
    give_points(2.0)
    hook = penalties.nbgrader_config().GenerateFeedback.pre_convert_hook
    hook(assignment=NAME, student="ana", notebooks=[])
    assert penalty() == pytest.approx(1.05)


def test_without_a_gradebook_there_is_nothing_to_settle(course):
    penalties.settle([LESSON])
    assert not (course / "grading" / "gradebook.db").exists()


def test_another_plugin_of_nbgraders_is_asked_the_same_way(late, graded, course):
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(
            "\nfrom nbgrader.plugins import LateSubmissionPlugin\n"
            "c.AssignLatePenalties.plugin_class = LateSubmissionPlugin\n"
            "c.LateSubmissionPlugin.penalty_method = 'zero'\n"
        )
    graded()
    assert penalty() == pytest.approx(8.5)
    give_points(2.0)
    graded()
    assert penalty() == pytest.approx(10.5)


def test_a_deadline_that_is_deleted_costs_nothing_any_more(late, graded, settings_say):
    graded()
    with Gradebook(database()) as gradebook:
        gradebook.grant_extension(NAME, "ana", hours=1)
    settings_say(LATE)
    outcome = graded()["ana"]
    assert (outcome.status, outcome.notes) == ("graded", ())
    assert (deadline(), penalty()) == (None, 0.0)
    settings_say(DUE + LATE)
    graded()
    assert penalty() == pytest.approx(0.85)


@pytest.mark.parametrize("with_file", [False, True])
def test_a_deadline_that_somebody_set_in_nbgraders_page_stays(
    late, graded, settings_say, with_file
):
    settings_say((DUE if with_file else "") + LATE)
    graded()
    set_deadline(datetime(2027, 3, 1))
    settings_say(LATE)
    for _ in range(2):
        graded()
        assert deadline() == datetime(2027, 3, 1)
        assert penalty() == pytest.approx(3 * 0.85)


def test_a_later_deadline_of_nbgraders_page_is_followed(late, graded, settings_say):
    settings_say(LATE)
    graded()
    set_deadline(datetime(2027, 3, 1))
    graded()
    assert penalty() == pytest.approx(3 * 0.85)
    set_deadline(datetime(2027, 4, 1))
    graded()
    assert penalty() == 0.0
    with Gradebook(database()) as gradebook:
        gradebook.grant_extension(NAME, "ana", hours=1)
    set_deadline(None)  # nbgrader itself fails on what this leaves
    assert graded()["ana"].status == "unchanged"


def test_a_time_that_is_taken_away_is_forgotten(late, graded):
    graded()
    late.unlink()
    assert graded()["ana"].untimed
    assert penalty() == 0.0


def test_a_time_that_is_none_is_told_and_not_counted(late, graded):
    graded()
    for text, status in [("yesterday", "graded"), ("9" * 400, "unchanged")]:
        late.write_text(text)
        outcome = graded()["ana"]
        assert outcome.status == status
        assert "holds no time" in outcome.notes[0]
        assert outcome.untimed
        assert penalty() == 0.0


def test_only_with_a_deadline_a_time_is_missed(hand_in, graded, late, settings_say):
    hand_in("ben")
    outcomes = graded()
    assert {name: each.untimed for name, each in outcomes.items()} == {"ana": False, "ben": True}
    settings_say(LATE)
    assert not graded()["ben"].untimed


def test_a_students_zip_brings_no_time_of_its_own(course, late, graded):
    """The one beside the notebook counts, though: it is the instructor's."""
    forged = "2027-01-01 00:00:00 UTC"
    notebook = late.with_name(f"{NAME}.ipynb")
    with zipfile.ZipFile(course / "submitted" / f"ana-{NAME}.zip", "w") as handed_in:
        handed_in.write(notebook, f"ana/{NAME}/{NAME}.ipynb")
        handed_in.writestr(f"ana/{NAME}/timestamp.txt", forged)
    notebook.unlink()
    graded()
    assert penalty() == pytest.approx(0.85)
    late.unlink()
    assert graded()["ana"].untimed
