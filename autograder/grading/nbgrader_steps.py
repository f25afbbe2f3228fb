"""Our steps in nbgrader's autograding, which stays the gradebook and the grading page.

nbgrader sanitizes a submission, then executes it and reads the grades from the outputs. Here the
first part rebuilds the notebook on the released lesson, and in the second the receipt takes the
place of the execution: each verdict is written as a panel and one number, and never anything to
stderr, which nbgrader counts as failure.
"""

from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbformat import NotebookNode
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
from traitlets import Unicode

from autograder.grading import filed
from autograder.grading.desk import receipt_for
from autograder.grading.gradebook import secret_seed
from autograder.grading.hints import next_hint
from autograder.grading.reading import read
from autograder.grading.recording import record
from autograder.grading.settings import settings
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


class LenientExporter(NotebookExporter):
    """Reads submissions as they come: with a byte order mark, of an old format, with outputs of
    any size."""

    def from_file(self, file_stream, resources=None, **more):
        """Convert what is in a file. Raises Unreadable."""
        content = file_stream.buffer.read()  # it was opened as UTF-8, which it may not be
        return self.from_notebook_node(read(content), resources=resources, **more)


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
    """Writes the verdicts of the submission's receipt into the notebook; what isn't judged yet, a
    process of its own judges."""

    sandbox = Unicode("auto", help="auto, bubblewrap, or none: no protection").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        lesson, released = find_lesson(resources["nbgrader"]["assignment"]), _released(resources)
        chosen = settings()
        receipt = receipt_for(
            nb, released, lesson, secret_seed(lesson.name), chosen.limits, self.sandbox
        )
        points = {}
        for cell in nb.cells:
            if not is_check(cell):
                continue
            name = grade_id(cell)
            verdict = receipt.verdicts.get(name)
            hint = next_hint(released, verdict) if verdict else None
            most = float(cell.metadata.nbgrader["points"])
            points[name] = record(cell, verdict, most, chosen.library_share, hint)
        resources["nbgrader"] |= {"receipt": receipt.key, "points": points}
        return nb, resources


class SaveGrades(SaveAutoGrades):
    """Saves the grades, and asks for a person only where there is something new to grade.

    nbgrader asks again for every answer that was graded by hand, at each autograding.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        about = resources["nbgrader"]
        before = filed.find(about["assignment"], about["student"])
        answers = filed.written_answers(nb)
        self._unchanged = set()
        if before is not None:
            now = {**answers, **about["points"]}
            then = {**before.answers, **before.points}
            self._unchanged = {name for name, told in now.items() if then.get(name) == told}
        nb, resources = super().preprocess(nb, resources)
        filed.note(
            filed.Filed(
                about["student"], about["assignment"], about["receipt"], answers, about["points"]
            )
        )
        return nb, resources

    def _add_score(self, cell: NotebookNode, resources: ResourcesDict) -> None:
        grade = self.gradebook.find_grade(
            grade_id(cell), self.notebook_id, self.assignment_id, self.student_id
        )
        seen = grade.manual_score is not None and not grade.needs_manual_grade
        super()._add_score(cell, resources)
        if seen and grade_id(cell) in self._unchanged:
            grade.needs_manual_grade = False
            self.gradebook.db.commit()


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
    SaveGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
