"""Our steps in nbgrader's autograding, which stays the gradebook and the grading page.

nbgrader sanitizes a submission, then executes it and reads the grades from the outputs. Here the
first part rebuilds the notebook on the released lesson: nothing but the student's text is taken
from the submission, so there is nothing left to overwrite or to check. In the second part the
receipt takes the place of the execution: each verdict is written as a panel and one number, and
never anything to stderr, which nbgrader counts as failure.
"""

from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.preprocessors import AssignLatePenalties, NbGraderPreprocessor
from traitlets import Unicode

from autograder.grading import filed
from autograder.grading.desk import receipt_for
from autograder.grading.gradebook import secret_seed, with_points
from autograder.grading.reading import read
from autograder.grading.recording import record_all
from autograder.grading.settings import settings
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
    """Puts the submission back onto the released lesson, with the class's points, and logs what had
    to be put right."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        rebuilt = rebuild(nb, _released(resources))
        for repair in rebuilt.repairs:
            self.log.warning("%s: %s", resources["nbgrader"]["student"], repair)
        return with_points(rebuilt.notebook, settings()), resources


class JudgeSubmission(NbGraderPreprocessor):
    """Writes the verdicts of the submission's receipt into the notebook; what isn't judged yet, a
    process of its own judges."""

    sandbox = Unicode("auto", help="auto, bubblewrap, or none: no protection").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        lesson, released = find_lesson(resources["nbgrader"]["assignment"]), _released(resources)
        chosen, seed = settings(), secret_seed(lesson.name)
        receipt = receipt_for(nb, released, lesson, seed, chosen.limits, self.sandbox)
        earned = record_all(nb, released, receipt, chosen)
        resources["nbgrader"] |= {"receipt": receipt.key, "points": earned}
        return nb, resources


class SaveGrades(NbGraderPreprocessor):
    """Saves the grades of a submission, all or none, and asks for a person only where there is
    something new to grade.

    nbgrader's own SaveAutoGrades saves them one by one, and asks again at each autograding for
    every answer that was graded by hand.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        about = resources["nbgrader"]
        student, assignment = about["student"], about["assignment"]
        now = filed.Filed(
            student, assignment, about["receipt"], filed.written_answers(nb), about["points"]
        )
        before = filed.find(assignment, student)
        with Gradebook(about["db_url"]) as gradebook:
            kept = gradebook.find_submission_notebook(about["notebook"], assignment, student)
            grades = {grade.name: grade for grade in kept.grades}
            comments = {comment.name: comment for comment in kept.comments}
            for cell in nb.cells:
                if utils.is_grade(cell):
                    grade = grades[cell.metadata.nbgrader["grade_id"]]
                    grade.auto_score, _ = utils.determine_grade(cell, self.log)
                    if grade.manual_score is None:
                        grade.needs_manual_grade = grade.auto_score is None
                    elif before is None or not before.same_answer(now, grade.name):
                        grade.needs_manual_grade = True
                if utils.is_solution(cell):
                    as_released = utils.compute_checksum(cell)
                    untouched = cell.metadata.nbgrader.get("checksum") == as_released
                    comment = comments[cell.metadata.nbgrader["grade_id"]]
                    comment.auto_comment = "No response." if untouched else None
            gradebook.db.commit()
        filed.note(now)
        return nb, resources


def _released(resources: ResourcesDict) -> NotebookNode:
    return released_notebook(find_lesson(resources["nbgrader"]["assignment"]))


SANITIZE_STEPS = [RebuildSubmission]
AUTOGRADE_STEPS = [JudgeSubmission, SaveGrades, AssignLatePenalties]
