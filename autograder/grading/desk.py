"""Where a receipt comes from when nbgrader asks for one: from those that are kept, else a worker.

The worker is a process of its own, kept for the next question. So this works in `nbgrader
autograde` and in the grading page's server alike, which waits for the answer and must neither be
forked nor wait without end.
"""

import atexit
from functools import cache

from nbformat import NotebookNode

from autograder.channel.limits import Limits
from autograder.grading import receipt_store
from autograder.grading.job import Job, judge
from autograder.grading.reading import write
from autograder.grading.receipt import BadReceipt, Receipt, environment, key_of
from autograder.grading.workers import Workers, deadline
from autograder.sandbox import choose
from workbook.syllabus import Lesson


def receipt_for(
    notebook: NotebookNode,
    released: NotebookNode,
    lesson: Lesson,
    seed: int,
    limits: Limits,
    sandbox: str,
) -> Receipt:
    """The receipt of a rebuilt notebook, kept from before or made now. Raises NoSandbox, and
    WorkerEnded where no answer came in time."""
    key = key_of(notebook, released, lesson, seed, limits, environment(choose(sandbox)))
    receipt = receipt_store.find(lesson.name, key)
    if receipt is None:
        job = Job(write(notebook), lesson.name, seed, limits, sandbox)
        receipt = checked(_worker(deadline(limits)).submit(judge, job).result(), key)
        receipt_store.keep(receipt)
    return receipt


def checked(receipt: Receipt, key: str) -> Receipt:
    """The receipt, if it is the one that was asked for. Raises BadReceipt."""
    if receipt.key != key:
        raise BadReceipt(
            "a worker judged with another version of the course, of Python, of torch or of the "
            "sandbox than is here; its receipt doesn't count. Install the same on all machines."
        )
    return receipt


@cache
def _worker(seconds: float) -> Workers:
    worker = Workers(1, seconds)
    atexit.register(worker.shutdown, cancel_futures=True)
    return worker
