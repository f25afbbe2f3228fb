"""Our steps in nbgrader's autograding, which stays the gradebook and the grading page.

nbgrader sanitizes a submission, then executes it and reads the grades from the outputs. Here the
first part rebuilds the notebook on the released lesson, and in the second the judge takes the place
of the executor: it writes each verdict as a panel and one number, and never anything to stderr,
which nbgrader counts as failure.
"""

from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    IgnorePattern,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)

from autograder.checks.panel import Panel
from autograder.checks.verdict import Verdict
from autograder.grading.gradebook import secret_seed
from autograder.grading.judge import judge_notebook
from autograder.lessons.cells import grade_id, is_check
from autograder.lessons.release import released_notebook
from autograder.lessons.submission import rebuild
from workbook.syllabus import lesson as find_lesson

EXTENSIONS_TO_IGNORE = [
    ".ipynb_checkpoints",
    "*.py",  # the masters: nbgrader would copy them into the release
    "*.pyc",
    "__pycache__",
    ".nbgrader.log",
    ".DS_Store",
]


class RebuildSubmission(NbGraderPreprocessor):
    """Puts the submission back onto the released lesson, and logs what had to be put right."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        rebuilt = rebuild(nb, _released(resources))
        for repair in rebuilt.repairs:
            self.log.warning("%s: %s", resources["nbgrader"]["student"], repair)
        return rebuilt.notebook, resources


class JudgeSubmission(NbGraderPreprocessor):
    """Judges every exercise in a process of its own, and writes the verdicts into the notebook."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        lesson = find_lesson(resources["nbgrader"]["assignment"])
        seed = secret_seed(lesson.name)
        verdicts = judge_notebook(nb, _released(resources), lesson, seed)
        for cell in nb.cells:
            if is_check(cell):
                points = float(cell.metadata.nbgrader["points"])
                record(cell, verdicts.get(grade_id(cell)), points)
        return nb, resources


def record(cell: NotebookNode, verdict: Verdict | None, points: float) -> None:
    """Write a verdict into its check cell as nbgrader reads it. No verdict is no points, in words:
    nbgrader would give full marks to a cell without output."""
    if verdict is None:
        panel = {
            "text/plain": "This cell was not judged: it is no exercise of the lesson. 0 points."
        }
        score = 0.0
    else:
        panel = Panel(verdict)._repr_mimebundle_()
        score = points * verdict.score / verdict.max_score if verdict.max_score else 0.0
        score = min(score, points)  # nbgrader refuses a rounding error above the points
    cell.execution_count = None
    cell.outputs = [
        new_output("display_data", data=panel),
        new_output("execute_result", data={"text/plain": repr(score)}, execution_count=None),
    ]


def _released(resources: ResourcesDict) -> NotebookNode:
    return released_notebook(find_lesson(resources["nbgrader"]["assignment"]))


SANITIZE_STEPS = [
    ClearOutput,
    RebuildSubmission,
    OverwriteKernelspec,
    OverwriteCells,
    CheckCellMetadata,
]
AUTOGRADE_STEPS = [
    JudgeSubmission,
    IgnorePattern,
    ClearMetadataPreprocessor,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
