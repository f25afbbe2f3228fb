"""The next hint for an exercise that isn't right yet: one of those that fold out in the lesson.

Whoever has nothing that works gets the first, whoever is on the way the second; the last one, which
is nearly the solution, is never sent.
"""

import re

from nbformat import NotebookNode

from autograder.checks.verdict import Verdict
from autograder.lessons.cells import grade_id

_HINT = re.compile(
    r"<details>\s*<summary>\s*(?:<b>)?(?P<title>Hint \d[^<]*)(?:</b>)?\s*</summary>"
    r"(?P<text>.*?)(?=<details>|</details>)",
    re.DOTALL,
)


def hints(released: NotebookNode, exercise: str) -> list[tuple[str, str]]:
    """The exercise's hints in the lesson, in order: title and markdown text."""
    found: list[tuple[str, str]] = []
    for cell in released.cells:
        if grade_id(cell) in (exercise, f"{exercise}-answer"):
            break
        if grade_id(cell) is not None:
            found = []  # they belonged to an exercise before this one
        elif cell.cell_type == "markdown":
            found += [(hint["title"], hint["text"].strip()) for hint in _HINT.finditer(cell.source)]
    else:
        return []
    return found


def next_hint(released: NotebookNode, verdict: Verdict) -> tuple[str, str] | None:
    """The hint for the author of a piece that got this verdict; None where it passed, and where
    the lesson has none."""
    if verdict.passed:
        return None
    found = hints(released, verdict.exercise)
    on_the_way = not verdict.cause and any(result.passed for result in verdict.results)
    # Of three, the last one is nearly the solution.
    return found[min(int(on_the_way), max(len(found) - 2, 0))] if found else None
