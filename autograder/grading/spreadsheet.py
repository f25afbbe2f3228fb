"""Tables for spreadsheets, as CSV: what a student wrote is text there, and never a formula.

A spreadsheet takes a cell that begins with one of some characters for a formula, quoted or not, and
a formula can send what stands beside it to anybody. An apostrophe before it makes it text.
"""

import csv
import io
from collections.abc import Iterable

_BEGINNINGS = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")
_NOTHING = "-"  # by itself, as Moodle writes where there is no grade


def written(rows: Iterable[Iterable[object]]) -> str:
    """The rows as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([map(_harmless, row) for row in rows])
    return text.getvalue()


def _harmless(value: object) -> object:
    if not isinstance(value, str) or value == _NOTHING:
        return value
    # Some versions of `csv` leave a return unquoted: to a spreadsheet a row would begin there.
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    if not value.startswith(_BEGINNINGS):
        return value
    return value if value[1:].replace(".", "", 1).isdigit() else f"'{value}"
