"""Grades as a learning platform takes them: a CSV file with the columns that its importer maps.

A student who handed in nothing has no grade, as each of them understands it, and not 0.

- `csv`: everything, a row a student, with points, penalties and what isn't graded yet.
- `canvas`: as Canvas' gradebook exports and imports it. Canvas finds students by `ID`, `SIS User
  ID` or `SIS Login ID`, wants `Student` and `Section` there, and reads the points possible from the
  second line. Columns that the roster has are given back as they came. An empty cell is no score.
- `moodle`: for “Grades › Import › CSV file”, which asks which column is whose: students are found
  by `ID number`, `Username` or `Email address`. A dash is no grade, in a new column too, where an
  empty cell would be one.
"""

from collections.abc import Callable, Mapping

from autograder.grading import spreadsheet
from autograder.grading.grades import Grade, Row, Table
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
            about = [_number(grade.penalty), grade.by_hand] if grade.handed_in else ["", ""]
            values += [_score(grade), *about]
        rows.append([*values, _total(row), _number(sum(table.most.values()))])
    return spreadsheet.written([[*heading, "total", "of"], *rows])


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
        rows.append([*values, *(_score(row.grades[name]) for name in table.most)])
    heading = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles]
    return spreadsheet.written([heading, possible, *rows])


def as_moodle(table: Table, people: People, columns: Columns) -> str:
    """For Moodle: Grades › Import › CSV file."""
    titles = [_title(name, columns) for name in table.most]
    by, _ = _moodle_id(people)
    rows = []
    for row in table.rows:
        given = people[row.id].row if row.id in people else {}
        values = [row.first_name, row.last_name, given.get(by, row.id), row.email]
        rows.append([*values, *(_score(row.grades[name], "-") for name in table.most)])
    return spreadsheet.written([["First name", "Last name", by, "Email address", *titles], *rows])


def _moodle_id(people: People) -> tuple[str, bool]:
    """The roster's column to find everybody by, and whether they all have something there; a class
    without such a column has id numbers."""
    given = [person.row for person in people.values()]
    there = [name for name in ("ID number", "Username") if any(name in row for row in given)]
    whole = [name for name in there if all(row.get(name) for row in given)]
    return next(iter(whole or there), "ID number"), bool(whole or not there)


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
    for name in table.most:
        missing = [row.grades[name] for row in table.rows if not row.grades[name].handed_in]
        if missing:
            have = "no grade here; --missing-as-zero gives 0" if missing[0].score is None else "0"
            found.append(
                f"{name}: {len(missing)} of {len(table.rows)} students handed in nothing that could"
                f" be graded, and have {have}"
            )
    if people:
        strangers = [row.id for row in table.rows if row.id not in people]
        if strangers:
            found.append(f"not on the roster: {', '.join(strangers)}")
        by, everybody = _moodle_id(people)
        if form == "moodle" and not everybody:
            found.append(f"some have no {by}; let Moodle find the students by Email address")
    elif form == "moodle":
        found.append("without a roster there are no names and addresses; Moodle maps the ids")
    return found


def _title(name: str, columns: Columns) -> str:
    lesson = find_lesson(name)
    return columns.get(name, f"{lesson.number:02d} {lesson.title}")


def _last_first(row: Row) -> str:
    names = ", ".join(filter(None, (row.last_name, row.first_name)))
    return names or row.id


def _total(row: Row) -> str:
    scores = [grade.score for grade in row.grades.values() if grade.score is not None]
    return _number(sum(scores)) if scores else ""


def _score(grade: Grade, nothing: str = "") -> str:
    return nothing if grade.score is None else _number(grade.score)


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
