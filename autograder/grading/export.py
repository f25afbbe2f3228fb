"""Grades as a learning platform takes them: a CSV file with the columns that its importer maps.

- `csv`: everything, a row a student, with points, penalties and what isn't graded yet.
- `canvas`: as Canvas' gradebook exports and imports it. Canvas finds students by `ID`, `SIS User
  ID` or `SIS Login ID`, wants `Student` and `Section` there, and reads the points possible from the
  second line. Columns that the roster has are given back as they came.
- `moodle`: for “Grades › Import › CSV file”, which asks which column is whose: students are found
  by `ID number`, `Username` or `Email address`.
"""

import csv
import io
from collections.abc import Callable, Mapping

from autograder.grading.grades import Row, Table
from autograder.grading.roster import Person
from workbook.syllabus import lesson as find_lesson

People = Mapping[str, Person]
Columns = Mapping[str, str]


def as_csv(table: Table, people: People, columns: Columns) -> str:
    """Everything that the gradebook knows of the grades."""
    heading = ["student", "first_name", "last_name", "email"]
    for name in table.most:
        heading += [name, f"{name} late penalty", f"{name} ungraded answers"]
    rows = []
    for row in table.rows:
        values: list[object] = [row.id, row.first_name, row.last_name, row.email]
        for name in table.most:
            grade = row.grades[name]
            values += [_number(grade.score), _number(grade.penalty), grade.by_hand]
        rows.append([*values, _number(_total(row)), _number(sum(table.most.values()))])
    return _written([[*heading, "total", "of"], *rows])


def as_canvas(table: Table, people: People, columns: Columns) -> str:
    """For Canvas: Grades › Import."""
    titles = [_title(name, columns) for name in table.most]
    possible = ["Points Possible", "", "", "", "", *(_number(most) for most in table.most.values())]
    rows = []
    for row in table.rows:
        given = people[row.id].row if row.id in people else {}
        student = given.get("Student") or _last_first(row)
        login = given.get("SIS Login ID", "")
        user = given.get("SIS User ID", "") or ("" if login else row.id)
        values = [student, given.get("ID", ""), user, login, given.get("Section", "")]
        rows.append([*values, *(_number(row.grades[name].score) for name in table.most)])
    heading = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles]
    return _written([heading, possible, *rows])


def as_moodle(table: Table, people: People, columns: Columns) -> str:
    """For Moodle: Grades › Import › CSV file."""
    titles = [_title(name, columns) for name in table.most]
    known = {name for person in people.values() for name in person.row}
    # Which of its columns the roster's ids come from; a class without a roster has id numbers.
    by = "Username" if "Username" in known and "ID number" not in known else "ID number"
    rows = [
        [
            *(row.first_name, row.last_name, row.id, row.email),
            *(_number(row.grades[name].score) for name in table.most),
        ]
        for row in table.rows
    ]
    return _written([["First name", "Last name", by, "Email address", *titles], *rows])


FORMATS: Mapping[str, Callable[[Table, People, Columns], str]] = {
    "csv": as_csv,
    "canvas": as_canvas,
    "moodle": as_moodle,
}


def warnings(table: Table, people: People, form: str) -> list[str]:
    """What somebody should know before these grades are given out."""
    found = []
    for name in table.most:
        waiting = [row.id for row in table.rows if row.grades[name].by_hand]
        if waiting:
            answers = sum(row.grades[name].by_hand for row in table.rows)
            found.append(
                f"{name}: {answers} written answers of {len(waiting)} students are not graded yet, "
                "and count 0 here (Formgrader, in `course.py lab`)"
            )
    if people:
        strangers = [row.id for row in table.rows if row.id not in people]
        if strangers:
            found.append(f"not on the roster: {', '.join(strangers)}")
    elif form == "moodle":
        found.append("without a roster there are no names and addresses; Moodle maps the ids")
    return found


def _title(name: str, columns: Columns) -> str:
    lesson = find_lesson(name)
    return columns.get(name, f"{lesson.number:02d} {lesson.title}")


def _last_first(row: Row) -> str:
    names = ", ".join(filter(None, (row.last_name, row.first_name)))
    return names or row.id


def _total(row: Row) -> float:
    return sum(grade.score for grade in row.grades.values())


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _written(rows: list[list[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([map(_harmless, row) for row in rows])
    return text.getvalue()


def _harmless(value: object) -> object:
    """A text that a spreadsheet doesn't take for a formula."""
    is_formula = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if is_formula and not value[1:].replace(".", "", 1).isdigit() else value
