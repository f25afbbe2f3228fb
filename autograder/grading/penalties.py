"""What late submissions lose in the gradebook, kept true to what they have now.

nbgrader takes the penalty when it autogrades a submission, of the score at that time. Points that
are given by hand come later, and so may another deadline; here grading.toml's is set, and the same
plugin asked again.
"""

from collections.abc import Iterable
from functools import cache

from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.plugins import BasePlugin
from nbgrader.preprocessors import AssignLatePenalties

from autograder.grading.gradebook import database, is_there, set_deadline
from autograder.grading.quick_opening import quick_opening
from autograder.grading.settings import settings
from autograder.lessons.release import nbgrader_config
from workbook.syllabus import Lesson


def settle(lessons: Iterable[Lesson], student: str | None = None) -> None:
    """Bring the deadlines of these lessons up to date, and the penalties of all submissions, or of
    one student's. Raises what `settings` raises."""
    if not is_there():
        return
    due = settings().due
    plugin = cache(_plugin)
    with quick_opening(), Gradebook(database()) as gradebook, gradebook.db.no_autoflush:
        for lesson in lessons:
            try:
                assignment = gradebook.find_assignment(lesson.name)
            except MissingEntry:
                continue
            set_deadline(gradebook, assignment, due.get(lesson.name))
            submissions = {each.id: each for each in gradebook.assignment_submissions(lesson.name)}
            for notebook in gradebook.notebook_submissions(lesson.name, lesson.name):
                submission = submissions[notebook.assignment_id]
                if student not in (None, submission.student_id):
                    continue
                penalty, seconds = None, _seconds_late(submission)
                if seconds > 0:
                    told = plugin().late_submission_penalty(
                        submission.student_id, notebook.score, seconds
                    )
                    penalty = told if told is None else min(max(0, told), notebook.score)
                if notebook.late_submission_penalty != penalty:
                    notebook.late_submission_penalty = penalty
        gradebook.db.commit()


def _plugin() -> BasePlugin:
    """The one that nbgrader is configured to ask."""
    step = AssignLatePenalties(config=nbgrader_config())
    step.init_plugin()
    return step.plugin_inst


def _seconds_late(submission: SubmittedAssignment) -> float:
    # nbgrader fails on an extension of no deadline.
    return submission.total_seconds_late if submission.assignment.duedate is not None else 0.0
