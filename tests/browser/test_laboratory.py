"""What counts as a complaint of the server's."""

from pathlib import Path

from tests.browser.laboratory import Laboratory

FINE = ["[I 2026-11-30 04:27:40.486 ServerApp] Saving file", "[C 2026-11-30 ServerApp] Unwritable"]
UNCAUGHT = [
    "[E 2026-11-30 04:27:40.486 ServerApp] Uncaught exception GET /lab/api/settings",
    "    Traceback (most recent call last):",
    '      File "web.py", line 2004, in _execute',
]
LEFT = [*UNCAUGHT, "    tornado.iostream.StreamClosedError: Stream is closed"]
BROKEN = [*UNCAUGHT, "    KeyError: 'x'"]
BARE = ["Traceback (most recent call last):", '  File "x.py"', "ValueError: no"]


def errors(*lines):
    return Laboratory(Path(), lines=[line for part in lines for line in part]).errors


def test_an_answer_that_nobody_waits_for_any_more_is_none():
    assert errors(FINE, LEFT, FINE) == []


def test_everything_else_that_went_wrong_is_told_whole():
    found = errors(FINE, LEFT, BROKEN, FINE, BARE, FINE)
    assert [each.splitlines()[-1].strip() for each in found] == ["KeyError: 'x'", "ValueError: no"]
