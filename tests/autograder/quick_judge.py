"""A judge that runs nothing: an answer is right when it says so. Where it isn't the verdicts that
are tested, but what becomes of them."""

import time
from concurrent.futures import Executor, Future

from autograder.checks.examine import unjudged
from autograder.checks.verdict import Diagnosis, Result, Verdict
from autograder.exercises import exercises_of
from autograder.grading import judging_code
from autograder.grading.job import Job
from autograder.grading.reading import read
from autograder.grading.receipt import Receipt, environment, key_of
from autograder.lessons.cells import grade_id
from autograder.lessons.release import released_notebook
from autograder.lessons.submission import rebuild
from autograder.sandbox import choose
from workbook.syllabus import lesson as find_lesson

RIGHT, WRONG, CALLED = "answer = 'right'", "answer = 'wrong'", "answer = 'torch'"


class Inline(Executor):
    """Does its work at once, here; counts it."""

    def __init__(self):
        self.done = 0

    def submit(self, function, /, *arguments, **named):
        future = Future()
        self.done += 1
        try:
            future.set_result(function(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


def quick_judge(job: Job) -> Receipt:
    """The receipt of a submission whose answers say what they are."""
    lesson = find_lesson(job.lesson)
    released = released_notebook(lesson)
    notebook = rebuild(read(job.notebook), released).notebook
    sources = {grade_id(cell): cell.source for cell in notebook.cells}
    verdicts = {
        exercise.name: _verdict(exercise, sources.get(f"{exercise.name}-answer", ""))
        for exercise in exercises_of(lesson)
    }
    surroundings = environment(choose(job.sandbox))
    key = key_of(notebook, released, lesson, job.seed, job.limits, surroundings)
    judge = judging_code.version(lesson)
    return Receipt(key, lesson.name, job.seed, judge, surroundings, verdicts, seconds=0.25)


def slow_judge(job: Job) -> Receipt:
    """The same, in a moment that is long enough to be killed in."""
    time.sleep(0.2)
    return quick_judge(job)


def _verdict(exercise, source):
    if "raise" in source or not source.strip():
        return unjudged(exercise, "not written yet", "Nothing is written here.")
    held = RIGHT in source or CALLED in source
    return Verdict(
        exercise.name,
        (Result("one", True, 1.0), Result("two", held, 3.0, "" if held else "It differs.")),
        diagnosis=None if held else Diagnosis("the second forgotten", "Mind the second."),
        forbidden=("softmax",) if CALLED in source else (),
        printed="half of a character: \ud83d" if "odd" in source else "",
    )
