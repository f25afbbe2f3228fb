"""Who is in the class: a CSV file, as a spreadsheet or an LMS saves it.

Columns are known by their names, in any order and case: `id` (or `student_id`, `ID number`, `SIS
User ID`, `SIS Login ID`, `Username`), `name` or `first_name` and `last_name` (`First name`,
`Surname`, `Student`), `email` (`Email address`). Others are kept: an LMS may ask for them when the
grades come back.
"""

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

_COLUMNS = {
    "id": ("id", "student_id", "id number", "sis user id", "sis login id", "username"),
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


def read(path: Path) -> list[Person]:
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
    found = _found([name or "" for name in rows[0]])
    if "id" not in found:
        raise BadRoster(f"{path.name} has no column “id”; it has {', '.join(map(str, rows[0]))}")
    people: dict[str, Person] = {}
    for number, row in enumerate(rows, start=2):
        values = {name: (row.get(column) or "").strip() for name, column in found.items()}
        if not values["id"]:
            if any((value or "").strip() for value in values.values()):
                # Canvas writes the points possible under the heading, with no student.
                if values.get("name", "").lower().strip() == "points possible":
                    continue
                raise BadRoster(f"{path.name}, line {number}: {values} has no id")
            continue
        if values["id"] in people:
            raise BadRoster(f"{path.name}, line {number}: {values['id']} is there twice")
        first, last = _names(values)
        kept = {name: value for name, value in row.items() if name and isinstance(value, str)}
        people[values["id"]] = Person(values["id"], first, last, values.get("email") or None, kept)
    return list(people.values())


def _found(columns: list[str]) -> dict[str, str]:
    """What a column is for -> its name."""
    lower = {column.strip().lower(): column for column in columns}
    found = {}
    for what, names in _COLUMNS.items():
        if what == "id" and any(name in lower for name in _STUDENTS_OWN):
            names = tuple(name for name in names if name != _CANVAS_ID)
        for name in names:
            if name in lower:
                found[what] = lower[name]
                break
    return found


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
