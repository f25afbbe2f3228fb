"""Verdicts, written into their check cells as nbgrader reads them: a panel, then one number."""

from dataclasses import replace

from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.checks.panel import Panel
from autograder.checks.verdict import Verdict
from autograder.grading.grading_page import clean_text
from autograder.grading.hints import next_hint
from autograder.grading.receipt import Receipt
from autograder.grading.settings import Settings
from autograder.lessons.cells import grade_id, is_check


def record_all(
    notebook: NotebookNode, released: NotebookNode, receipt: Receipt, chosen: Settings
) -> dict[str, float]:
    """Write a receipt's verdicts into a graded notebook, whose cells have the points of the class;
    what each check earned, by exercise."""
    earned = {}
    for cell in filter(is_check, notebook.cells):
        name = grade_id(cell)
        verdict = receipt.verdicts.get(name)
        hint = None
        if verdict is not None:
            verdict = replace(verdict, library_share=chosen.library_share)
            hint = next_hint(released, verdict)
        earned[name] = record(cell, verdict, float(cell.metadata.nbgrader["points"]), hint)
    return earned


def record(
    cell: NotebookNode,
    verdict: Verdict | None,
    points: float,
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
        score = points * verdict.score / verdict.max_score if verdict.max_score else 0.0
        score = min(score, points)  # nbgrader refuses a rounding error above the points
    if hint is not None:
        title, text = hint
        panel["text/plain"] += f"\n  {title}: {text}"
        panel["text/html"] += clean_text(f"**{title}**\n\n{text}")
    cell.execution_count = None
    cell.outputs = [
        new_output("display_data", data=panel),
        new_output("execute_result", data={"text/plain": repr(score)}, execution_count=None),
    ]
    return score
