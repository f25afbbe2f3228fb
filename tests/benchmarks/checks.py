"""How long a check takes on a warm kernel: `python -m tests.benchmarks.checks [EXERCISE …]`.

For each exercise (of those named, or all): the median for the reference (right), and of its wrong
answers the median one and the slowest, each as a kernel's first wrong answer, diagnosis included.
Then which exercises are over their limit. Without names, what importing the course adds to
importing torch as well, in fresh processes, one after the other.
"""

import statistics
import subprocess
import sys
import time

from autograder.channel.piece import here
from autograder.checks import diagnosis
from autograder.checks.examine import examine
from autograder.exercises import all_exercises, exercise

REPEATS = 5
LIMIT = {False: 150, True: 400}  # ms for the median right and the median wrong answer; True: class
IMPORTS = """
import time; start = time.perf_counter()
import torch; torch_done = time.perf_counter()
import workbook, autograder
from autograder import check
from workbook.device import pick_device, seed
from workbook.toolbox import borrow
print(torch_done - start, time.perf_counter() - torch_done)
"""


def milliseconds(exercise, subject):
    """The median of one check, in ms; each starts without what an earlier one remembered."""
    times = []
    for _ in range(REPEATS):
        diagnosis.forget()
        start = time.perf_counter()
        examine(exercise, here(subject, noting=bool(exercise.forbidden)))  # as `check` does
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def measure(exercises):
    """Prints a line for each exercise, and then the names of those over their limit."""
    print(
        f"{'exercise':<30}{'right':>8}{'wrong':>8}{'slowest':>9}{'limit':>7}   "
        f"ms, median of {REPEATS}; the slowest wrong answer"
    )
    over = []
    for each in exercises:
        right = milliseconds(each, each.reference)
        wrong = {other.name: milliseconds(each, other.wrong) for other in each.misconceptions}
        middle, slowest = statistics.median(wrong.values()), max(wrong, key=wrong.get)
        limit = LIMIT[each.is_class]
        print(
            f"{each.name:<30}{right:>8.0f}{middle:>8.0f}{wrong[slowest]:>9.0f}{limit:>7}   "
            f"{slowest}",
            flush=True,
        )
        if max(right, middle) > limit:
            over.append(each.name)
    print(f"over the limit: {', '.join(over) or 'none'}")


def importing():
    """Prints what importing the course takes."""
    runs = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True
        )
        runs.append([float(number) for number in done.stdout.split()])
    base, added = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"importing torch {base:.2f} s; the course adds {added:.3f} s ({added / base:.0%})")


def main(names):
    measure([exercise(name) for name in names] or all_exercises())
    if not names:
        importing()


if __name__ == "__main__":
    main(sys.argv[1:])
