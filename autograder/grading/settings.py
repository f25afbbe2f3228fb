"""What an instructor chooses for a class, in `grading.toml`: no code to touch.

lessons = ["02", "03"]        # default: every lesson that was released
roster = "roster.csv"         # columns id, and name or first_name and last_name, email
timezone = "Europe/Madrid"    # of deadlines that name none; default UTC
library_share = 0.0           # of the points, where torch's own function was called; 0 to 1

[points]                      # by exercise or question; the others as in the lesson
softmax = 10
question-why-scale = 0

[due]                         # a local time, or one with its own offset
02-dot-product-attention = 2027-03-02T23:59:00

[late]                        # what a late submission loses of its score
grace_minutes = 10
percent_per_day = 10          # a day that has begun counts
at_most_percent = 50

[limits]                      # as in autograder/channel/limits.py
cell_seconds = 120

[columns]                     # what the grade's column is called in your Canvas or Moodle
02-dot-product-attention = "Attention (12345)"

# A deadline holds for submissions whose time of handing in is known. It stands in `timestamp.txt`
# beside the notebook, in nbgrader's format: 2027-03-02 23:59:00 UTC. `course.py submit` writes
# none, for a student's machine can say anything: it comes from the instructor, or with nbgrader's
# zip_collect from the names that a platform gives its downloads (nbgrader_config.py). A submission
# without a time counts as in time, and `autograder grade` says how many those are.
"""

import dataclasses
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autograder.channel.limits import Limits
from autograder.lessons.points import has_points, names_with_points
from workbook.home import root
from workbook.syllabus import Lesson
from workbook.syllabus import lesson as find_lesson

FILE = "grading.toml"


class BadSettings(Exception):
    """The file says something that can't be meant; the message says what, and what is possible."""


@dataclass(frozen=True)
class Late:
    """What a late submission loses: a share of its score for each day that has begun."""

    grace_minutes: float = 0.0
    percent_per_day: float = 0.0
    at_most_percent: float = 100.0

    def share(self, seconds: float) -> float:
        """The share of the score that is lost, 0 to 1, this many seconds after the deadline."""
        late = seconds - 60 * self.grace_minutes
        if late <= 0:
            return 0.0
        return min(math.ceil(late / 86400) * self.percent_per_day, self.at_most_percent) / 100


@dataclass(frozen=True)
class Settings:
    """A class's choices; without a file, the lessons' own points and no deadline."""

    lessons: tuple[Lesson, ...] | None = None
    roster: Path | None = None
    library_share: float = 0.0
    points: Mapping[str, float] = field(default_factory=dict)
    due: Mapping[str, datetime] = field(default_factory=dict)
    late: Late = field(default_factory=Late)
    limits: Limits = field(default_factory=Limits)
    columns: Mapping[str, str] = field(default_factory=dict)

    def points_of(self, name: str, released: float) -> float:
        """The points of an exercise or question, which has `released` in the lesson."""
        return self.points.get(name, released)


def settings(path: Path | None = None) -> Settings:
    """The class's choices from `grading.toml` beside course.py. Raises BadSettings."""
    path = path or root() / FILE
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(f"{path} can't be read: {error}") from None
    try:
        return _parsed(told, path.parent)
    except BadSettings as error:
        raise BadSettings(f"{path.name}: {error}") from None


def _parsed(told: dict[str, Any], folder: Path) -> Settings:
    zone = _zone(told.pop("timezone", "UTC"))
    read = {
        "lessons": lambda names: tuple(_lesson(name) for name in _list(names, "lessons")),
        "roster": lambda name: folder / _text(name, "roster"),
        "library_share": _share,
        "points": _points,
        "due": lambda table: {
            _lesson(name).name: _instant(when, name, zone)
            for name, when in _table(table, "due").items()
        },
        "late": lambda table: _numbers(Late, table, "late"),
        "limits": lambda table: _numbers(Limits, table, "limits"),
        "columns": lambda table: {
            _lesson(name).name: _text(title, f"columns.{name}")
            for name, title in _table(table, "columns").items()
        },
    }
    for name in told:
        _known(name, [*read, "timezone"], "the file")
    return Settings(**{name: read[name](value) for name, value in told.items()})


def _known(name: str, names: list[str], where: str) -> None:
    if name not in names:
        raise _unknown(name, names, where, f"there are {', '.join(names)}")


def _unknown(name: str, names: list[str], where: str, otherwise: str) -> BadSettings:
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else otherwise
    return BadSettings(f"{name!r} means nothing in {where}; {hint}")


def _lesson(name: object) -> Lesson:
    try:
        return find_lesson(str(name))
    except KeyError as error:
        raise BadSettings(error.args[0]) from None


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(_text(name, "timezone"))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, such as Europe
        raise BadSettings(
            f"timezone {name!r} isn't known here; write one such as Europe/Madrid"
        ) from None


def _instant(when: object, name: str, zone: ZoneInfo) -> datetime:
    if not isinstance(when, datetime):
        raise BadSettings(
            f"due.{name} should be a date and a time, unquoted: 2027-03-02T23:59:00; got {when!r}"
        )
    local = when if when.tzinfo else when.replace(tzinfo=zone)
    return local.astimezone(UTC)


def _share(value: object) -> float:
    share = _number(value, "library_share")
    if share > 1:
        raise BadSettings(f"library_share should be between 0 and 1; got {value!r}")
    return share


def _points(table: object) -> dict[str, float]:
    points = {}
    for name, value in _table(table, "points").items():
        if not has_points(name):
            raise _unknown(
                name,
                names_with_points(),
                "[points]",
                "`autograder exercises` lists the exercises, and a question of a released lesson "
                "is called as its cell, such as question-why-scale",
            )
        points[name] = _number(value, f"points.{name}")
    return points


def _numbers(kind: type, table: object, where: str) -> Any:
    """A dataclass of numbers from a table; a whole number stays one where that is the field's."""
    fields = {each.name: each for each in dataclasses.fields(kind)}
    values = {}
    for name, value in _table(table, where).items():
        _known(name, list(fields), f"[{where}]")
        number = _number(value, f"{where}.{name}")
        values[name] = int(number) if isinstance(fields[name].default, int) else number
    return kind(**values)


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise BadSettings(f"{where} should be a number that is not negative; got {value!r}")
    return float(value)


def _table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadSettings(f"{where} should be a table, [{where}]; got {value!r}")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadSettings(f"{where} should be a list in brackets; got {value!r}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise BadSettings(f"{where} should be a text in quotes; got {value!r}")
    return value
