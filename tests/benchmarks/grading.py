"""A class graded by plain nbgrader and by us, side by side: `python -m tests.benchmarks.grading`.

Both sides get the same submissions of the same cells (lesson 02 without the demonstrations, which
we wouldn't run), from an empty gradebook, with one command each, and write grades and graded
notebooks. Plain nbgrader runs each notebook in a kernel of its own, and the check cells there run
the checks as a student's kernel does. Printed: seconds, the ratio, where our time goes, what one
more submission costs in time and memory, and the most memory that was in use.

    python -m tests.benchmarks.grading                     90 submissions, both sides
    python -m tests.benchmarks.grading --lesson 03 --count 10
    python -m tests.benchmarks.grading --count 1000 --ours  ours alone
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from autograder.lessons.release import released_notebook, released_path, write_notebook
from tests.made_class import submissions, without_demonstrations
from workbook.home import root
from workbook.syllabus import Lesson
from workbook.syllabus import lesson as find_lesson

STOCK_CONFIG = """
import os, sys
from pathlib import Path
from autograder.grading.gradebook import fill_gradebook
c = get_config()
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
root = Path(__file__).resolve().parent
(root / "grading").mkdir(exist_ok=True)
database = f"sqlite:///{root / 'grading' / 'gradebook.db'}"
c.CourseDirectory.course_id = "transformer-workbook"
c.CourseDirectory.root = str(root)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "lessons"
c.CourseDirectory.submitted_directory = "submitted"
c.CourseDirectory.autograded_directory = "grading/autograded"
c.CourseDirectory.db_url = database
c.Execute.timeout = 120
c.Autograde.pre_convert_hook = lambda assignment, **_: fill_gradebook(assignment, database)
"""


@dataclass
class Race:
    """One side: seconds in all and of processors, the moments at which submissions were done, and
    memory in MB. The processors' time says something on a busy machine too."""

    seconds: float = 0.0
    processors: float = 0.0
    done: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    output: str = ""

    @property
    def peak(self) -> float:
        return max((size for _, size in self.memory), default=0.0)

    @property
    def each(self) -> float:
        """Seconds between one submission and the next, once it runs."""
        later = self.done[len(self.done) // 5 :]
        return (later[-1] - later[0]) / (len(later) - 1) if len(later) > 1 else float("nan")

    @property
    def growth(self) -> float:
        """MB that are in use more for each submission, over the second half."""
        if len(self.done) < 20:
            return float("nan")
        half = self.done[len(self.done) // 2 : -1]
        sizes = [size for moment, size in self.memory if half[0] <= moment <= half[-1]]
        if len(sizes) < 4:
            return float("nan")
        line = statistics.linear_regression(range(len(sizes)), sizes)
        return line.slope * len(sizes) / len(half)


def make_course(folder: Path, lesson: Lesson, count: int) -> Path:
    """A course of one lesson, handed in by everybody."""
    folder.mkdir()
    slim = without_demonstrations(released_notebook(lesson))
    path = folder / released_path(lesson).relative_to(root())
    path.parent.mkdir(parents=True)
    write_notebook(slim, path)
    for number, notebook in enumerate(submissions(lesson, slim, count)):
        name = f"{lesson.name}.ipynb"
        place = folder / "submitted" / f"s{number:04d}" / lesson.name / name
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(notebook), encoding="utf-8")
    return folder


def run(command: list[str], folder: Path, is_done: str, limit: float) -> Race:
    """Run a command in a course's folder to its end, and watch its clock and its memory."""
    environment = os.environ | {
        "WORKBOOK_HOME": str(folder),
        "WORKBOOK_TOOLBOX": str(folder / "toolbox"),
        "PYTHONPATH": str(root()),
        "PYTHONUNBUFFERED": "1",
    }
    race, started, before = Race(), time.perf_counter(), _processors()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:

        def listen() -> None:
            for line in process.stderr:
                if is_done in line:
                    race.done.append(time.perf_counter() - started)

        def measure() -> None:
            while process.poll() is None:
                size = sum(map(_memory, _family(process.pid))) / 2**20
                race.memory.append((time.perf_counter() - started, size))
                time.sleep(0.5)

        watchers = [threading.Thread(target=each) for each in (listen, measure)]
        for watcher in watchers:
            watcher.start()
        clock = threading.Timer(limit, os.killpg, (process.pid, 9))
        clock.start()
        race.output = process.stdout.read()
        process.wait()
        race.seconds = time.perf_counter() - started
        race.processors = _processors() - before
        clock.cancel()
        for watcher in watchers:
            watcher.join()
    return race


def _processors() -> float:
    """Seconds that all children which ended have had of the processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                waiting += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def _memory(pid: int) -> int:
    """Bytes; pages that several processes share count once."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    return 0


def scores(folder: Path, lesson: Lesson) -> dict[str, float]:
    """What the gradebook says the checks gave each student."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder / 'grading' / 'gradebook.db'}") as gradebook:
        return {
            each.student_id: sum(
                grade.auto_score or 0.0 for notebook in each.notebooks for grade in notebook.grades
            )
            for each in gradebook.assignment_submissions(lesson.name)
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lesson", default="02")
    parser.add_argument("--count", type=int, default=90)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sandbox", default="auto", choices=("auto", "bubblewrap", "none"))
    parser.add_argument("--ours", action="store_true", help="without plain nbgrader")
    parser.add_argument("--limit", type=float, default=3600, help="seconds for each side")
    arguments = parser.parse_args()
    lesson, count = find_lesson(arguments.lesson), arguments.count
    with tempfile.TemporaryDirectory(prefix="class-") as place:
        ours = make_course(Path(place) / "ours", lesson, count)
        shutil.copy(root() / "nbgrader_config.py", ours)
        command = [sys.executable, "-m", "autograder", "grade", lesson.name, "--json"]
        command += ["--jobs", str(arguments.jobs), "--sandbox", arguments.sandbox]
        mine = run(command, ours, f"  {lesson.name}  ", arguments.limit)
        told = json.loads(mine.output)
        print(f"{count} submissions of {lesson.name}, {arguments.jobs} jobs")
        print(
            f"ours            {mine.seconds:8.1f} s  {mine.each:6.3f} s each  "
            f"processors {mine.processors:6.1f} s  peak {mine.peak:6.0f} MB, "
            f"{mine.growth:+.2f} MB each"
        )
        for what, seconds in told["spent"].items():
            print(f"    {what:<22}{seconds:8.1f} s  {seconds / count:6.3f} s each")
        judging = told["judging_seconds"]
        print(f"    judging, all workers  {judging:8.1f} s  {judging / count:6.3f} s each")
        again = run(command, ours, f"  {lesson.name}  ", arguments.limit)
        print(f"ours, a second time {again.seconds:4.1f} s: nothing is judged or filed twice")
        problems = [each for each in told["submissions"] if each["status"] != "graded"]
        if problems:
            print(f"not graded: {problems}")
            return 1
        if arguments.ours:
            return 0
        stock = make_course(Path(place) / "stock", lesson, count)
        (stock / "nbgrader_config.py").write_text(STOCK_CONFIG, encoding="utf-8")
        command = [sys.executable, "-m", "nbgrader", "autograde", lesson.name]
        theirs = run(command, stock, "Autograding ", arguments.limit)
        print(
            f"plain nbgrader  {theirs.seconds:8.1f} s  {theirs.each:6.3f} s each  "
            f"processors {theirs.processors:6.1f} s  peak {theirs.peak:6.0f} MB, "
            f"{theirs.growth:+.2f} MB each"
        )
        print(f"ratio           {theirs.seconds / mine.seconds:8.1f} times")
        print(f"ratio, each     {theirs.each / mine.each:8.1f} times")
        print(f"ratio, processors {theirs.processors / mine.processors:6.1f} times")
        full = {student for student, score in scores(ours, lesson).items() if score > 0}
        plain = {student for student, score in scores(stock, lesson).items() if score > 0}
        print(
            f"graded: {len(scores(ours, lesson))} by us, {len(scores(stock, lesson))} by nbgrader"
        )
        print(f"with points: {len(full)} by us, {len(plain)} by nbgrader (which knows no parts)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
