"""The unit of work: a submission's bytes in, its receipt out.

A job is a pure function of what it is given, and both it and its receipt can be pickled: it may run
here, in another process, or on another machine that has the same version of the course.
"""

import contextlib
import importlib
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
from autograder.sandbox.warm import at_hand
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
    """Get this process ready for jobs of a lesson: what a judge needs is imported while the warm
    parent starts. Raises NoSandbox."""

    def bring() -> None:
        from autograder.exercises import exercises_of

        exercises_of(of)
        # Torch imports it at the first gradient of several values.
        importlib.import_module("torch.fx.experimental.symbolic_shapes")
        judging_code.version(of)

    of = find_lesson(lesson)
    chosen = choose(sandbox)
    imports = threading.Thread(target=bring)
    imports.start()
    # Here and not in the thread: bubblewrap ends what it runs when the thread that started it does.
    with contextlib.suppress(NoSandbox), at_hand(chosen, of, limits):
        pass
    imports.join()


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
