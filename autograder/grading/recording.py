"""A verdict, written into its check cell as nbgrader reads it: a panel, then one number."""

from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.checks.panel import Panel
from autograder.checks.verdict import Verdict
from autograder.grading.grading_page import clean_text


def earned(verdict: Verdict, points: float, library_share: float = 0.0) -> float:
    """The points for a verdict, of `points`. `library_share` is the part that a piece keeps which
    calls the torch function it was to write; the verdict says that it does either way."""
    if verdict.cause or not verdict.max_score:
        return 0.0
    held = sum(result.points for result in verdict.results if result.passed)
    share = library_share if verdict.forbidden else 1.0
    score = points * share * held / verdict.max_score
    return min(score, points)  # nbgrader refuses a rounding error above the points


def record(
    cell: NotebookNode,
    verdict: Verdict | None,
    points: float,
    library_share: float = 0.0,
    hint: tuple[str, str] | None = None,
) -> float:
    """Write a verdict into its check cell; the points. No verdict is no points, in words: nbgrader
    would give full marks to a cell without output. `hint` is a title and markdown text."""
    if verdict is None:
        panel = {
            "text/plain": "This cell was not judged: it is no exercise of the lesson. 0 points."
        }
        score = 0.0
    else:
        panel = Panel(verdict)._repr_mimebundle_()
        score = earned(verdict, points, library_share)
    if hint is not None:
        title, text = hint
        panel["text/plain"] += f"\n  {title}: {text}"
        if "text/html" in panel:
            panel["text/html"] += clean_text(f"**{title}**\n\n{text}")
    cell.execution_count = None
    cell.outputs = [
        new_output("display_data", data=panel),
        new_output("execute_result", data={"text/plain": repr(score)}, execution_count=None),
    ]
    return score
