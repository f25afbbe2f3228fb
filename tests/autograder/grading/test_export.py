"""Grades, as a table and as learning platforms take them; and what the class gets wrong."""

import csv
import io
import json
from html.parser import HTMLParser

import pytest
from nbgrader.api import Gradebook

from autograder.grading import export, report, roster
from autograder.grading.gradebook import database
from autograder.grading.grades import grades, to_grade_by_hand
from tests.autograder.grading.conftest import NAME
from tests.autograder.quick_judge import CALLED, RIGHT, WRONG
from tests.autograder.small_lesson import LESSON
from workbook.syllabus import lesson

ROSTER = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Email\n"
    "    Points Possible,,,,,\n"
    '"Díaz, Ana",77,ana,adiaz,A,ana@x.org\n'
    '"Li, Ben",78,ben,bli,B,ben@x.org\n'
    '"Moss, Zoe",79,zoe,zmoss,B,\n'
)


@pytest.fixture
def people(course):
    (course / "roster.csv").write_text(ROSTER)
    (course / "grading.toml").write_text('roster = "roster.csv"\n')
    return {person.id: person for person in roster.read(course / "roster.csv")}


@pytest.fixture
def table(people, hand_in, graded):
    """Ana has half of it, with a written answer; Ben is late; Zoe handed in nothing."""
    path = hand_in("ana", softmax=RIGHT, attend=WRONG)
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "question-why":
            cell["source"] = "Because of the variance."
    path.write_text(json.dumps(notebook))
    hand_in("ben", softmax=CALLED, attend=RIGHT)
    graded()
    with Gradebook(database()) as gradebook:
        notebook = gradebook.find_submission_notebook(NAME, NAME, "ben")
        notebook.late_submission_penalty = 1.0
        gradebook.db.commit()
    return grades([LESSON])


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_table_has_everybody_in_the_order_of_names(table):
    assert [row.id for row in table.rows] == ["ana", "ben", "zoe"]
    assert table.most == {NAME: 10.5}
    ana, ben, zoe = (row.grades[NAME] for row in table.rows)
    assert (ana.score, ana.by_hand, ana.handed_in) == (5.875, 1, True)
    assert (ben.score, ben.penalty) == (2.5, 1.0)
    assert (zoe.score, zoe.handed_in) == (0.0, False)
    assert to_grade_by_hand([LESSON]) == 1
    assert grades([lesson(3)]).rows == []


def test_the_plain_table_says_everything(table, people):
    ana, ben, _ = rows(export.as_csv(table, people, {}))
    assert ana["student"] == "ana"
    assert (ana["first_name"], ana["last_name"]) == ("Ana", "Díaz")
    assert (ana[NAME], ana[f"{NAME} ungraded answers"], ana["of"]) == ("5.875", "1", "10.5")
    assert (ben[NAME], ben[f"{NAME} late penalty"], ben["total"]) == ("2.5", "1", "2.5")


def test_canvas_finds_its_students_and_the_points_possible(table, people):
    possible, ana, *_ = rows(export.as_canvas(table, people, {NAME: "Attention (12345)"}))
    assert list(ana)[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert possible["Student"] == "Points Possible"
    assert possible["Attention (12345)"] == "10.5"
    assert ana == {
        "Student": "Díaz, Ana",
        "ID": "77",
        "SIS User ID": "ana",
        "SIS Login ID": "adiaz",
        "Section": "A",
        "Attention (12345)": "5.875",
    }


def test_without_a_roster_canvas_gets_the_ids(table):
    _, ana, *_ = rows(export.as_canvas(table, {}, {}))
    assert (ana["Student"], ana["SIS User ID"]) == ("Díaz, Ana", "ana")


def test_moodle_maps_ids_names_and_addresses(table, people):
    ana, *_ = rows(export.as_moodle(table, people, {}))
    assert ana == {
        "First name": "Ana",
        "Last name": "Díaz",
        "ID number": "ana",
        "Email address": "ana@x.org",
        f"02 {LESSON.title}": "5.875",
    }


def test_answers_that_nobody_graded_are_warned_of(table, people):
    (warning,) = export.warnings(table, people, "canvas")
    assert "1 written answers of 1 students are not graded yet" in warning
    assert (
        "not on the roster: ana, ben, zoe"
        in export.warnings(table, {"yan": roster.Person("yan")}, "csv")[-1]
    )
    assert "without a roster" in export.warnings(table, {}, "moodle")[-1]


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-cmd|x", "@SUM(A1)", "\tx"])
def test_no_name_is_a_formula(text):
    (row,) = csv.reader(io.StringIO(export._written([[text, -1.5, "-3.5"]])))
    assert row == [f"'{text}", "-1.5", "-3.5"]


# ---- the report --------------------------------------------------------------------------------


@pytest.fixture
def counted(hand_in, graded):
    hand_in("ana", softmax=WRONG, attend=WRONG)
    hand_in("ben", softmax=WRONG, attend=RIGHT)
    hand_in("yan", softmax=CALLED)
    hand_in("zoe", softmax=RIGHT)
    graded()
    return report.count([LESSON, lesson(3)])


def test_mistakes_are_counted_by_exercise_most_frequent_first(counted):
    softmax, attend = counted.exercises[:2]
    assert counted.submissions == 4
    assert softmax.passed == ["zoe"]
    assert [(each.name, each.students) for each in softmax.mistakes] == [
        ("the second forgotten", ["ana", "ben"]),
        ("torch's own softmax", ["yan"]),
    ]
    assert softmax.library == ["yan"]
    assert [each.name for each in attend.mistakes] == ["not written yet", "the second forgotten"]
    assert {each.lesson for each in counted.exercises} == {NAME}


def test_the_csv_has_a_row_for_each_outcome(counted):
    found = rows(counted.csv())
    assert found[0] == {
        "lesson": NAME,
        "exercise": "softmax",
        "outcome": "right",
        "students": "1",
        "share": "0.250",
        "message": "",
    }
    assert (found[1]["outcome"], found[1]["students"]) == ("the second forgotten", "2")
    assert found[1]["message"] == "Mind the second."


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.pictures = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "img":
            self.pictures.append(dict(attributes))


def test_the_page_has_a_plot_with_words_and_no_script(counted):
    page = Page(counted.html())
    (picture,) = page.pictures
    assert picture["src"].startswith("data:image/png;base64,")
    assert "softmax: right: 1; the second forgotten: 2" in picture["alt"]
    assert page.tags.count("table") == len(counted.exercises)
    assert not {"script", "link", "iframe"} & set(page.tags)


def test_a_students_words_are_words_in_the_page(counted):
    counted.exercises[0].mistakes[0].message = "<script>alert(1)</script> $\\frac$ \ud83d"
    counted.exercises[0].mistakes[0].name = "<b>$x$</b>"
    text = counted.html()
    assert "<script>" not in text
    assert "<b>" not in text
    text.encode()


def test_nothing_graded_is_an_empty_report(course):
    assert report.count([LESSON]).submissions == 0
