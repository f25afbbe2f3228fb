"""How nbgrader works on this course: its folders, our judge in place of its executor."""

import os
import sys
from pathlib import Path

from autograder.grading.gradebook import database, fill_gradebook
from autograder.grading.grading_page import TAGS, clean_html, clean_markdown
from autograder.grading.late_penalty import LatePenalty
from autograder.grading.nbgrader_steps import (
    AUTOGRADE_STEPS,
    EXTENSIONS_TO_IGNORE,
    SANITIZE_STEPS,
    LenientExporter,
)
from autograder.grading.penalties import settle
from workbook.handin import COLLECT_PATTERN
from workbook.syllabus import lesson

c = get_config()  # noqa: F821 - given by traitlets

# nbgrader starts `alembic` by name, also when the environment hasn't been activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

root = Path(__file__).resolve().parent
gradebook = database(root)

c.CourseDirectory.course_id = "transformer-workbook"
c.CourseDirectory.root = str(root)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "lessons"
c.CourseDirectory.submitted_directory = "submitted"
c.CourseDirectory.autograded_directory = "grading/autograded"
c.CourseDirectory.feedback_directory = "grading/feedback"
c.CourseDirectory.db_url = gradebook
c.CourseDirectory.ignore = EXTENSIONS_TO_IGNORE

c.ClearSolutions.code_stub = {
    "python": "raise NotImplementedError  # replace this line by your code"
}
c.ClearSolutions.text_stub = "*Write your answer here.*"
# Rubrics stand in the cells of written questions; nbgrader expects them in its "task" cells only.
c.ClearMarkScheme.enforce_metadata = False

c.Autograde.exporter_class = LenientExporter
c.Autograde.sanitize_preprocessors = SANITIZE_STEPS
c.Autograde.autograde_preprocessors = AUTOGRADE_STEPS
c.Autograde.pre_convert_hook = lambda assignment, **_: fill_gradebook(assignment, gradebook)

c.AssignLatePenalties.plugin_class = LatePenalty
# What a student reads is made anew each time: points given by hand, a new file, another deadline.
c.GenerateFeedback.force = True
# Points given by hand since the autograding lose their share too, before a student reads of it.
c.GenerateFeedback.pre_convert_hook = lambda assignment, student, **_: settle(
    [lesson(assignment)], student
)

# nbgrader's Validate button runs the student's notebook; some cells train a model.
c.Execute.timeout = 600

# A student's output is shown in the grader's browser: no script of theirs may run there.
c.HTMLExporter.sanitize_html = True
c.SanitizeHTML.tags = sorted(TAGS)
c.HTMLExporter.filters = {"markdown2html": clean_markdown, "clean_html": clean_html}
# Sanitized, the HTML around a picture would be shown as text; the picture itself is safe.
c.DataTypeFilter.display_data_priority = [
    "image/png",
    "image/jpeg",
    "text/html",
    "text/markdown",
    "text/latex",
    "text/plain",
]

# Collects what `course.py submit` writes, from a folder of downloads. `TIMED_COLLECT_PATTERN`, from
# the same module, takes the time of handing in from the downloads' names where the platform writes
# it there, as Blackboard does; change it where yours writes it otherwise. nbgrader takes these
# times as UTC; where they are local, leave `timezone` out of grading.toml: then deadlines are
# read the same way.
c.FileNameCollectorPlugin.named_regexp = COLLECT_PATTERN
