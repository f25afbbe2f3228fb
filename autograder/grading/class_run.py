"""A class is graded: submissions are collected, judged by workers, and filed in the gradebook.

Everything is kept as soon as it is known: a receipt when its submission was judged, a note when it
was filed. So a run that was stopped or killed at any moment is taken up by the next one, and what
was judged or filed isn't judged or filed again.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder.grading import penalties, receipt_store
from autograder.grading.collecting import Problem, Submission, collect
from autograder.grading.desk import checked
from autograder.grading.filing import Clerk, NotFiled
from autograder.grading.gradebook import secret_seed, with_submissions
from autograder.grading.job import Job, judge
from autograder.grading.reading import write
from autograder.grading.receipt import Receipt, environment, key_of
from autograder.grading.settings import Settings
from autograder.lessons.cells import grade_id, is_check
from autograder.lessons.release import released_notebook
from autograder.lessons.submission import rebuild
from autograder.sandbox import choose
from workbook.home import grading_folder
from workbook.one_at_a_time import one_at_a_time
from workbook.syllabus import Lesson

GRADED, UNCHANGED, PROBLEM = "graded", "unchanged", "problem"
PATIENCE = 5.0  # seconds; what a killed run had started is gone by then


class AlreadyGrading(RuntimeError):
    """Another run is writing in this gradebook."""


@dataclass(frozen=True)
class Outcome:
    """What became of one submission. `score` is what the checks gave, without written answers;
    `library` names the pieces that call the torch function they were to write, `look` lines of the
    submission that are worth a look. `untimed`: the lesson has a deadline, nobody said when this
    was handed in, and so it counts as in time."""

    student: str
    lesson: str
    status: str
    score: float = 0.0
    max_score: float = 0.0
    notes: tuple[str, ...] = ()
    library: tuple[str, ...] = ()
    look: tuple[str, ...] = ()
    judged_now: bool = False
    untimed: bool = False


@dataclass
class Tally:
    """How a run went: submissions by status, and where the time went, in seconds."""

    statuses: dict[str, int] = field(default_factory=dict)
    judged: int = 0
    judging_seconds: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> None:
        """Add one submission."""
        self.statuses[outcome.status] = self.statuses.get(outcome.status, 0) + 1
        self.judged += outcome.judged_now

    def spent(self, what: str, since: float) -> None:
        """Add the time since then, in the time of `time.perf_counter`."""
        self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - since


@dataclass(frozen=True)
class _Ready:
    """A submission that is staged, and the key of the receipt it needs."""

    submission: Submission
    notebook: bytes
    repairs: tuple[str, ...]
    key: str


class ClassRun:
    """One run over a class.

    `executor` does the judging with `judge`; `at_once` is how many submissions it is given at a
    time. `again` judges submissions anew that have a receipt. Raises NoSandbox where the machine
    doesn't give the protection that is wanted.
    """

    def __init__(
        self,
        executor: Executor,
        settings: Settings,
        sandbox: str = "auto",
        at_once: int = 8,
        again: bool = False,
        judge: Callable[[Job], Receipt] = judge,
    ) -> None:
        self._executor, self._settings, self._sandbox = executor, settings, sandbox
        self._at_once, self._again, self._judge = at_once, again, judge
        self._environment = environment(choose(sandbox))
        self._clerk = Clerk(settings)
        self._released = {}
        self.tally = Tally()

    def grade(
        self, folder: Path, lessons: Sequence[Lesson], students: Sequence[str] = ()
    ) -> Iterator[Outcome]:
        """Grade the submissions in a folder; yields each one's outcome when it is in the
        gradebook. Raises FileNotFoundError for a lesson that isn't released, CellsChanged for one
        that was released anew and can't be filed, and AlreadyGrading while another run is at
        work."""
        with _only_run():
            yield from self._grade(folder, lessons, students)

    def _grade(
        self, folder: Path, lessons: Sequence[Lesson], students: Sequence[str]
    ) -> Iterator[Outcome]:
        known = with_submissions()
        for lesson in lessons:
            self._released[lesson] = released_notebook(lesson)
            if lesson.name in known:  # others are opened when somebody hands them in
                self._clerk.open(lesson)
        waiting: dict[Future, _Ready] = {}
        try:
            for found in self._timed("collecting", collect(folder, lessons, students)):
                outcome = self._begin(found, waiting)
                if outcome is not None:
                    yield self._counted(outcome)
                while len(waiting) >= self._at_once:
                    yield from self._finish_some(waiting)
            while waiting:
                yield from self._finish_some(waiting)
            penalties.settle(self._clerk.lessons)
        finally:
            for future, ready in waiting.items():  # of a run that is stopped
                if not future.cancel():
                    _keep_if_done(future, ready)

    def _begin(self, found: Submission | Problem, waiting: dict[Future, _Ready]) -> Outcome | None:
        """Stage a submission and give it to a worker, or finish it where it has its receipt."""
        if isinstance(found, Problem):
            return Outcome(found.student, found.lesson, PROBLEM, notes=(found.message,))
        started = time.perf_counter()
        lesson, chosen = found.lesson, self._settings
        self._clerk.open(lesson)
        released, seed = self._released[lesson], secret_seed(lesson.name)
        try:
            rebuilt = rebuild(found.notebook, released)
            key = key_of(rebuilt.notebook, released, lesson, seed, chosen.limits, self._environment)
            notebook = write(rebuilt.notebook)
        except Exception as error:  # whatever nobody foresaw in one student's notebook
            said = f"{type(error).__name__}: {error}".partition("\n")[0]
            message = f"not judged, and left as it was: {said}"
            return Outcome(found.student, lesson.name, PROBLEM, notes=(message, *found.notes))
        ready = _Ready(found, notebook, rebuilt.repairs, key)
        self._clerk.stage(found.student, lesson, notebook, found.timestamp)
        receipt = None if self._again else receipt_store.find(lesson.name, key)
        self.tally.spent("rebuilding", started)
        if receipt is not None:
            return self._file(ready, receipt, judged_now=False)
        job = Job(notebook, lesson.name, seed, chosen.limits, self._sandbox)
        waiting[self._executor.submit(self._judge, job)] = ready
        return None

    def _finish_some(self, waiting: dict[Future, _Ready]) -> Iterable[Outcome]:
        started = time.perf_counter()
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        self.tally.spent("waiting for workers", started)
        for future in [each for each in waiting if each in done]:  # in the order of their names
            ready = waiting.pop(future)
            try:
                receipt = checked(future.result(), ready.key)
            except Exception as error:  # trouble of ours: no points, no zero either, and a sentence
                message = f"not judged, and left as it was: {error or type(error).__name__}"
                yield self._counted(_problem(ready, message))
                continue
            receipt_store.keep(receipt)
            self.tally.judging_seconds += receipt.seconds
            yield self._counted(self._file(ready, receipt, judged_now=True))

    def _file(self, ready: _Ready, receipt: Receipt, judged_now: bool) -> Outcome:
        found, started = ready.submission, time.perf_counter()
        where = (found.lesson, ready.notebook, found.timestamp)
        state = self._clerk.state(receipt.key, *where)
        notes = (*found.notes, *ready.repairs)
        status = GRADED
        try:
            if not judged_now and self._clerk.is_filed(found.student, found.lesson, state):
                status = UNCHANGED
            else:
                self._clerk.file(found.student, found.lesson, receipt, state, notes)
        except NotFiled as error:
            return _problem(ready, f"judged, but nbgrader could not file it: {error}")
        finally:
            self.tally.spent("filing", started)
        score, most = self._score(receipt, found.lesson)
        library = tuple(name for name, each in receipt.verdicts.items() if each.forbidden)
        return Outcome(
            found.student,
            found.lesson.name,
            status,
            score,
            most,
            notes,
            library,
            receipt.look,
            judged_now,
            untimed=self._clerk.has_deadline(found.lesson) and not found.timestamp,
        )

    def _score(self, receipt: Receipt, lesson: Lesson) -> tuple[float, float]:
        score = most = 0.0
        for cell in filter(is_check, self._released[lesson].cells):
            name = grade_id(cell)
            points = self._settings.points_of(name, float(cell.metadata.nbgrader["points"]))
            verdict = receipt.verdicts.get(name)
            most += points
            if verdict is not None and verdict.max_score:
                share = replace(verdict, library_share=self._settings.library_share).score
                score += points * share / verdict.max_score
        return score, most

    def _counted(self, outcome: Outcome) -> Outcome:
        self.tally.count(outcome)
        return outcome

    def _timed(self, what: str, things: Iterable) -> Iterator:
        source = iter(things)
        while True:
            started = time.perf_counter()
            try:
                thing = next(source)
            except StopIteration:
                return
            finally:
                self.tally.spent(what, started)
            yield thing


def _keep_if_done(future: Future, ready: _Ready) -> None:
    """What was judged already needn't be judged by the next run."""
    if future.done():
        with suppress(Exception):
            receipt_store.keep(checked(future.result(), ready.key))


def _problem(ready: _Ready, message: str) -> Outcome:
    found = ready.submission
    return Outcome(
        found.student, found.lesson.name, PROBLEM, notes=(message, *found.notes, *ready.repairs)
    )


@contextmanager
def _only_run() -> Iterator[None]:
    """Two runs at once would judge and file the same submissions."""
    grading_folder().mkdir(exist_ok=True)
    refusal = AlreadyGrading(
        f"another run is grading into {grading_folder()}. Let it end, or end it, and run the "
        "same command again: it goes on from there."
    )
    with one_at_a_time(grading_folder() / ".run.lock", refusal, PATIENCE):
        yield
