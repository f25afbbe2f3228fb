"""What an instructor chooses in grading.toml."""

from datetime import UTC, datetime

import pytest

from autograder.channel.limits import Limits
from autograder.grading import settings as module
from autograder.grading.settings import BadSettings, Late, Settings, settings
from autograder.lessons.release import released_path
from workbook.syllabus import lesson


@pytest.fixture
def told(tmp_path):
    """The settings of a file with this text."""

    def read(text, encoding="utf-8"):
        path = tmp_path / "grading.toml"
        path.write_text(text, encoding=encoding)
        return settings(path)

    return read


def test_no_file_is_the_lessons_own_points_and_no_deadline(tmp_path):
    chosen = settings(tmp_path / "grading.toml")
    assert chosen == Settings()
    assert chosen.points_of("softmax", 5.0) == 5.0
    assert chosen.late.share(10**6) == 0.0


def test_the_example_in_the_documentation_is_read(told):
    text = module.__doc__.partition(":")[2].partition("\n")[2]
    lines = text.partition("lessons =")
    chosen = told("\n".join(line.strip() for line in (lines[1] + lines[2]).splitlines()))
    assert chosen.lessons == (lesson(2), lesson(3))
    assert chosen.roster.name == "roster.csv"
    assert chosen.library_share == 0.0
    assert chosen.points == {"softmax": 10.0, "question-why-scale": 0.0}
    assert chosen.due == {lesson(2).name: datetime(2027, 3, 2, 22, 59, tzinfo=UTC)}
    assert chosen.late == Late(10.0, 10.0, 50.0)
    assert chosen.limits == Limits(cell_seconds=120.0)
    assert chosen.columns == {lesson(2).name: "Attention (12345)"}


def test_a_deadline_with_its_own_offset_needs_no_time_zone(told):
    assert told("[due]\n02 = 2027-03-02T23:59:00-05:00").due == {
        lesson(2).name: datetime(2027, 3, 3, 4, 59, tzinfo=UTC)
    }


def test_without_a_time_zone_it_is_utc_and_summer_time_is_known(told):
    assert told("[due]\n02 = 2027-07-02T12:00:00").due[lesson(2).name].hour == 12
    summer = told('timezone = "Europe/Madrid"\n[due]\n02 = 2027-07-02T12:00:00')
    assert summer.due[lesson(2).name].hour == 10


@pytest.mark.parametrize(
    ("seconds", "share"),
    [(-5, 0), (0, 0), (600, 0), (601, 0.1), (86400, 0.1), (87001, 0.2), (10**7, 0.5)],
)
def test_a_day_that_has_begun_counts(seconds, share):
    assert Late(10, 10, 50).share(seconds) == share


def test_a_byte_order_mark_is_nothing_and_whole_numbers_stay_whole(told):
    chosen = told("[limits]\nmemory_bytes = 1000000000\ncell_seconds = 7\n", "utf-8-sig")
    assert chosen.limits.memory_bytes == 10**9
    assert isinstance(chosen.limits.memory_bytes, int)
    assert isinstance(chosen.limits.cell_seconds, float)


def test_points_are_for_every_exercise_and_for_the_questions_of_released_lessons(told, course):
    text = "[points]\nsoftmax = 10\ngreedy_decode = 2\nquestion-why = 0\n"
    assert told(text).points == {"softmax": 10.0, "greedy_decode": 2.0, "question-why": 0.0}
    path = released_path(lesson(2))
    path.write_text(path.read_text().replace("question-why", "question-how"))
    with pytest.raises(BadSettings, match="did you mean question-how"):
        told(text)
    path.write_text("no notebook")
    with pytest.raises(BadSettings, match="'question-why' means nothing in"):
        told(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lesson = ['02']", "'lesson' means nothing in the file; did you mean lessons?"),
        ("lessons = ['12']", "no lesson is called '12'"),
        ("lessons = '02'", "lessons should be a list in brackets"),
        ("[points]\nsoftmax = -1", "points.softmax should be a number that is not negative"),
        ("[points]\nsoftmax = true", "points.softmax should be a number"),
        ("[points]\nsoftmax = nan", "points.softmax should be a number"),
        ("points = 3", "points should be a table"),
        ("[points]\nsofmax = 10", "'sofmax' means nothing in [points]; did you mean softmax?"),
        ("[points]\nsoftmax-answer = 10", "means nothing in [points]; did you mean softmax?"),
        ("[points]\nquestion-why-scal = 0", "did you mean question-why-scale?"),
        ("[points]\nzzz = 0", "`autograder exercises` lists the exercises"),
        ("[due]\n02 = '2027-03-02'", "due.02 should be a date and a time, unquoted"),
        ("[due]\n02 = 2027-03-02", "due.02 should be a date and a time"),
        ("timezone = 'Madrid'", "timezone 'Madrid' isn't known here"),
        ("timezone = '../etc'", "isn't known here"),
        ("timezone = 'Europe'", "timezone 'Europe' isn't known here"),
        ("timezone = 1", "timezone should be a text"),
        ("library_share = 2", "library_share should be between 0 and 1"),
        ("[late]\npercent = 10", "'percent' means nothing in [late]"),
        ("[limits]\ncell_second = 10", "did you mean cell_seconds?"),
        ("roster = ''", "roster should be a text in quotes"),
        ("lessons = [", "can't be read"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_can(told, text, says):
    with pytest.raises(BadSettings) as refusal:
        told(text)
    assert says in str(refusal.value)
    assert "grading.toml" in str(refusal.value)
