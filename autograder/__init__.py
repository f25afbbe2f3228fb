"""The autograder: decides whether a piece is right, and grades a class.

A lesson imports one name from it: `from autograder import check`.
"""

from typing import Any

_OF_A_LESSON = ("check", "CheckFailed")


def __getattr__(name: str) -> Any:
    if name in _OF_A_LESSON:
        from autograder import practice

        return getattr(practice, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
