"""What the class gets wrong: which mistake how many students made, exercise by exercise."""

import base64
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from autograder.checks.verdict import Verdict, printable
from autograder.exercises import exercises_of
from autograder.grading import filed, receipt_store, spreadsheet
from workbook.syllabus import Lesson

NO_NAME = "no known mistake"
_PLOTTED = 8  # mistakes of one exercise


@dataclass
class Mistake:
    """A mistake by name, the sentence its author reads, and who made it."""

    name: str
    message: str
    students: list[str] = field(default_factory=list)


@dataclass
class Counted:
    """One exercise: who got it right, and the mistakes of the others, most frequent first.

    `library` names who called the torch function that the exercise asks to write.
    """

    lesson: str
    exercise: str
    passed: list[str] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    library: list[str] = field(default_factory=list)


@dataclass
class Report:
    """A class, exercise by exercise."""

    submissions: int
    exercises: list[Counted]

    def as_json(self) -> dict[str, Any]:
        """Everything, with the students' ids."""
        return {
            "submissions": self.submissions,
            "exercises": [
                {
                    "lesson": each.lesson,
                    "exercise": each.exercise,
                    "passed": len(each.passed),
                    "library_calls": each.library,
                    "mistakes": [
                        {"name": m.name, "message": m.message, "students": m.students}
                        for m in each.mistakes
                    ],
                }
                for each in self.exercises
            ],
        }

    def csv(self) -> str:
        """A row for each mistake of each exercise, and one for the right answers."""
        table: list[list[object]] = [
            ["lesson", "exercise", "outcome", "students", "share", "message"]
        ]
        for each in self.exercises:
            whole = len(each.passed) + sum(len(m.students) for m in each.mistakes)
            rows = [("right", each.passed, "")]
            rows += [(m.name, m.students, m.message) for m in each.mistakes]
            for name, students, message in rows:
                share = f"{len(students) / whole:.3f}" if whole else ""
                told = [printable(name), len(students), share, printable(message)]
                table.append([each.lesson, each.exercise, *told])
        return spreadsheet.written(table)

    def html(self) -> str:
        """A page by itself: a plot and a table for each lesson. Nothing is fetched, no script."""
        parts = [_HEAD, f"<p>{self.submissions} graded submissions.</p>"]
        for lesson in dict.fromkeys(each.lesson for each in self.exercises):
            exercises = [each for each in self.exercises if each.lesson == lesson]
            parts.append(f"<h2>{escape(lesson)}</h2>")
            parts.append(_plot(exercises))
            parts += [_table(each) for each in exercises]
        return "\n".join([*parts, "</body></html>\n"])


def count(lessons: Sequence[Lesson]) -> Report:
    """The report on all that has been filed for these lessons."""
    submissions, exercises = 0, []
    for lesson in lessons:
        counted = {each.name: Counted(lesson.name, each.name) for each in exercises_of(lesson)}
        known: dict[tuple[str, str], Mistake] = {}
        here = 0
        for submission in filed.all_of(lesson.name):
            receipt = receipt_store.find(lesson.name, submission.receipt)
            if receipt is None:
                continue
            here += 1
            for name, verdict in receipt.verdicts.items():
                if name in counted:
                    _count(counted[name], verdict, submission.student, known)
        submissions += here
        if here:
            for each in counted.values():
                each.mistakes.sort(key=lambda mistake: (-len(mistake.students), mistake.name))
            exercises += counted.values()
    return Report(submissions, exercises)


def _count(
    counted: Counted, verdict: Verdict, student: str, known: dict[tuple[str, str], Mistake]
) -> None:
    if verdict.forbidden:
        counted.library.append(student)
    if verdict.passed:
        counted.passed.append(student)
        return
    told = verdict.told_first
    name = told.name if told else NO_NAME
    if (counted.exercise, name) not in known:
        mistake = Mistake(name, told.message if told else _first_failure(verdict))
        known[counted.exercise, name] = mistake
        counted.mistakes.append(mistake)
    known[counted.exercise, name].students.append(student)


def _first_failure(verdict: Verdict) -> str:
    failed = defaultdict(list)
    for result in verdict.results:
        failed[result.passed].append(result.name)
    return f"for example: {failed[False][0]}" if failed[False] else ""


# ---- how it looks ------------------------------------------------------------------------------

_RIGHT, _WRONG = "#2e7d5b", "#b3471d"
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>What the class gets wrong</title>
<style>
body { font-family: sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #111 }
table { border-collapse: collapse; width: 100%; margin: .5em 0 2em }
td, th { border-bottom: 1px solid #ccc; padding: .3em .6em; text-align: left; vertical-align: top }
td.count, th.count { text-align: right; white-space: nowrap }
img { max-width: 100% }
</style></head><body>
<h1>What the class gets wrong</h1>"""


def _table(each: Counted) -> str:
    rows = [
        f'<tr><td class="count">{len(mistake.students)}</td><td>{_text(mistake.name)}</td>'
        f"<td>{_text(mistake.message)}</td></tr>"
        for mistake in each.mistakes
    ]
    library = (
        f" {len(each.library)} called torch's own function: {_text(', '.join(each.library))}."
        if each.library
        else ""
    )
    return (
        f"<h3>{escape(each.exercise)}</h3><p>{len(each.passed)} got it right.{library}</p>"
        '<table><thead><tr><th class="count">students</th><th>mistake</th>'
        "<th>what they read</th></tr></thead><tbody>" + "".join(rows) + "</tbody></table>"
    )


def _text(text: str) -> str:
    return escape(printable(text))


def _plot(exercises: list[Counted]) -> str:
    """A bar for each outcome, grouped by exercise, as a picture in the page."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    labels, sizes, colours = [], [], []
    for each in exercises:
        labels.append(f"{each.exercise}: right")
        sizes.append(len(each.passed))
        colours.append(_RIGHT)
        for mistake in each.mistakes[:_PLOTTED]:
            labels.append(printable(mistake.name).replace("$", r"\$"))
            sizes.append(len(mistake.students))
            colours.append(_WRONG)
    figure = Figure(figsize=(8, 0.8 + 0.24 * len(labels)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = range(len(labels))
    bars = axes.barh(places, sizes, color=colours)
    axes.bar_label(bars, padding=3, fontsize=8)
    axes.set_yticks(places, labels, fontsize=8)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("students")
    axes.xaxis.get_major_locator().set_params(integer=True)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    told = "; ".join(f"{label}: {size}" for label, size in zip(labels, sizes, strict=True))
    data = base64.b64encode(picture.getvalue()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{escape(told)}">'
