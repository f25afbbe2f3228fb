"""Downloads whose names carry the time of handing in, from nbgrader's zip_collect to the grade."""

import zipfile

import pytest
from nbgrader.api import Gradebook

from autograder.grading.gradebook import database
from tests.autograder.grading.conftest import FILE, NAME
from tests.autograder.grading.test_nbgrader_steps import nbgrader
from tests.autograder.quick_judge import RIGHT


@pytest.mark.slow
def test_the_platforms_time_decides_and_nothing_of_the_students(course, hand_in, graded):
    (course / "grading.toml").write_text(
        f"[due]\n{NAME} = 2027-03-02T23:59:00\n[late]\npercent_per_day = 10\n"
    )
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text().replace("COLLECT_PATTERN", "TIMED_COLLECT_PATTERN"))
    archive = course / "downloaded" / NAME / "archive"
    archive.mkdir(parents=True)
    in_time, late = "2027-03-02-22-00-00", "2027-03-03-10-00-00"
    for student, time in [("ana", in_time), ("ben", late)]:
        notebook = hand_in(student, softmax=RIGHT, attend=RIGHT)
        own = f"x_attempt_{in_time}_{student}-{NAME}"  # the name that the student chose
        path = archive / f"gradebook_nlp_02_{student}_attempt_{time}_{own}.zip"
        with zipfile.ZipFile(path, "w") as handed_in:
            handed_in.write(notebook, f"{student}/{NAME}/{FILE}")
            handed_in.writestr(f"{student}/{NAME}/timestamp.txt", "2027-01-01 00:00:00 UTC")
        notebook.unlink()
    done = nbgrader(course, "zip_collect", NAME)
    assert done.returncode == 0, done.stderr[-3000:]
    times = [
        (course / "submitted" / student / NAME / "timestamp.txt").read_text()
        for student in ("ana", "ben")
    ]
    assert times == ["2027-03-02 22:00:00", "2027-03-03 10:00:00"]
    assert not any(each.untimed for each in graded().values())
    with Gradebook(database()) as gradebook:
        lost = {
            each.student_id: each.late_submission_penalty
            for each in gradebook.assignment_submissions(NAME)
        }
    assert lost == {"ana": 0.0, "ben": pytest.approx(0.85)}
