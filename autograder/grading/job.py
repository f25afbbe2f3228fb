"""The unit of work: a submission's bytes in, its receipt out.

A job is a pure function of what it is given, and both it and its receipt can be pickled: it may run
here, in another process, or on another machine that has the same version of the course.
"""

import contextlib
import threading
import time
from dataclasses import dataclass, field

from autograder.channel.limits import Limits
from autograder.grading import judging_code
from autograder.grading.reading import read
from autograder.grading.receipt import Receipt, environment, key_of
from autograder.lessons.release import released_notebook
from autograder.lessons.submission import rebuild
from autograder.sandbox import NoSandbox, choose
from workbook.syllabus import lesson as find_lesson

_ONE_AT_A_TIME = threading.Lock()  # a process has one warm parent; a cluster may run threads


@dataclass(frozen=True)
class Job:
    """A submission to judge: `notebook` is its file's content, `sandbox` a word of
    `autograder.sandbox.WANTED`."""

    notebook: bytes
    lesson: str
    seed: int
    limits: Limits = field(default_factory=Limits)
    sandbox: str = "auto"


def prepare(lesson: str, limits: Limits, sandbox: str) -> None:
    """Get this process ready for jobs of a lesson: the warm parent starts while the exercises are
    imported. Raises NoSandbox."""
    from autograder.exercises import exercises_of
    from autograder.sandbox.warm import at_hand

    def start() -> None:
        with contextlib.suppress(NoSandbox), at_hand(choose(sandbox), of, limits):
            pass

    of = find_lesson(lesson)
    choose(sandbox)
    parent = threading.Thread(target=start)
    parent.start()
    exercises_of(of)
    parent.join()


def judge(job: Job) -> Receipt:
    """The receipt of a submission. Raises for trouble of ours (no release, no sandbox) and
    Unreadable for what is no notebook, never for what a submission does."""
    # torch comes with it, which a process that only gives out jobs (a server, say) can spare.
    from autograder.grading.judge import judge_notebook
    from autograder.grading.worth_a_look import worth_a_look

    lesson = find_lesson(job.lesson)
    released = released_notebook(lesson)
    notebook = rebuild(read(job.notebook), released).notebook
    surroundings = environment(choose(job.sandbox))
    with _ONE_AT_A_TIME:
        started = time.monotonic()
        verdicts = judge_notebook(notebook, released, lesson, job.seed, job.limits, job.sandbox)
        seconds = time.monotonic() - started
    return Receipt(
        key=key_of(notebook, released, lesson, job.seed, job.limits, surroundings),
        lesson=lesson.name,
        seed=job.seed,
        judge=judging_code.version(lesson),
        environment=surroundings,
        verdicts=verdicts,
        look=tuple(worth_a_look(notebook, released, lesson)),
        seconds=seconds,
    )
