"""Who is in the class: a CSV file, as a spreadsheet or an LMS saves it.

Columns are known by their names, in any order and case: `id` (or `student_id`, `ID number`, `SIS
User ID`, `SIS Login ID`, `Username`), `name` or `first_name` and `last_name` (`First name`,
`Surname`, `Student`), `email` (`Email address`). Others are kept: an LMS may ask for them when the
grades come back.

A row's id is in the first of these columns where it has one: Canvas leaves `SIS User ID` empty for
some, Moodle `ID number`. A row without any (a test student, a teacher) is left out, and named.
"""

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

_IDS = ("id", "student_id", "id number", "sis user id", "sis login id", "username")
_COLUMNS = {
    "name": ("name", "student", "full name"),
    "first_name": ("first_name", "first name", "given name"),
    "last_name": ("last_name", "last name", "surname", "family name"),
    "email": ("email", "email address", "e-mail"),
}
# Canvas has a column "ID" of its own, which is not the id that a student knows.
_CANVAS_ID, _STUDENTS_OWN = "id", ("sis user id", "sis login id")


class BadRoster(Exception):
    """The file is no roster; the message says why."""


@dataclass(frozen=True)
class Person:
    """One student. `row` is the line of the file, column by column."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    row: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Roster:
    """Everybody in the class, and in words the rows that are left out because they have no id."""

    people: tuple[Person, ...] = ()
    left_out: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def by_id(self) -> dict[str, Person]:
        """Everybody by id."""
        return {person.id: person for person in self.people}

    def about_left_out(self) -> str:
        """A sentence on who is left out; empty where nobody is."""
        if not self.left_out:
            return ""
        columns = " or ".join(f"“{column}”" for column in self.columns)
        return (
            f"Left out of the roster, without an id in {columns}: {'; '.join(self.left_out)}. "
            "Who is a student needs one there."
        )


def read(path: Path) -> Roster:
    """Everybody in the class. Raises BadRoster."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadRoster(f"the roster {path} can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise BadRoster(f"{path.name} is not UTF-8: save it as “CSV UTF-8”") from None
    comma = max(",;\t", key=text.partition("\n")[0].count)
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=comma))
    if not rows:
        raise BadRoster(f"{path.name} holds nobody")
    headings = [name or "" for name in rows[0]]
    found, ids = _found(headings), _id_columns(headings)
    if not ids:
        raise BadRoster(
            f"{path.name} has no column “id”; it has {', '.join(headings)}. Give the column of the "
            "students' ids that name."
        )
    people: dict[str, Person] = {}
    left_out = []
    for number, row in enumerate(rows, start=2):
        values = {name: (row.get(column) or "").strip() for name, column in found.items()}
        id = next(filter(None, ((row.get(column) or "").strip() for column in ids)), "")
        first, last = _names(values)
        if not id:
            # Canvas writes the points possible under the heading, with no student.
            named = " ".join(filter(None, (first, last))) or values.get("email", "")
            if named and values.get("name", "").lower() != "points possible":
                left_out.append(f"{named} (line {number})")
            continue
        if id in people:
            raise BadRoster(
                f"{path.name}, line {number}: {id} is there twice. Give each student one row, with "
                "an id of its own."
            )
        kept = {name: value for name, value in row.items() if name and isinstance(value, str)}
        people[id] = Person(id, first, last, values.get("email") or None, kept)
    roster = Roster(tuple(people.values()), tuple(left_out), tuple(ids))
    if not people:
        raise BadRoster(f"{path.name} holds nobody with an id. {roster.about_left_out()}".strip())
    return roster


def _found(columns: list[str]) -> dict[str, str]:
    """What a column is for -> its name."""
    lower = {column.strip().lower(): column for column in columns}
    found = {}
    for what, names in _COLUMNS.items():
        for name in names:
            if name in lower:
                found[what] = lower[name]
                break
    return found


def _id_columns(columns: list[str]) -> list[str]:
    """The columns that hold ids, the one to believe first coming first."""
    lower = {column.strip().lower(): column for column in columns}
    names = [name for name in _IDS if name in lower]
    if any(name in lower for name in _STUDENTS_OWN):
        names = [name for name in names if name != _CANVAS_ID]
    return [lower[name] for name in names]


def _names(values: dict[str, str]) -> tuple[str | None, str | None]:
    """First and last name; of “Díaz, Ana” and of “Ana Díaz” too."""
    first, last = values.get("first_name", ""), values.get("last_name", "")
    whole = values.get("name", "")
    if not (first or last) and whole:
        if "," in whole:
            last, _, first = (part.strip() for part in whole.partition(","))
        else:
            first, _, last = whole.rpartition(" ")
            first, last = (first, last) if first else (last, "")
    return first or None, last or None
