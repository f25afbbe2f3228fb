"""How long a check takes on a warm kernel: `python -m tests.benchmarks.checks`.

For each exercise, over repeated examinations: the median for the reference (right), for the median
wrong answer and for the slowest one, diagnosis included. Then what importing the course adds to
importing torch, in fresh processes, one after the other.
"""

import statistics
import subprocess
import sys
import time

from autograder.channel.piece import here
from autograder.checks.diagnosis import _conduct
from autograder.checks.examine import examine
from autograder.exercises import all_exercises

REPEATS = 5
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
        _conduct.cache_clear()
        start = time.perf_counter()
        examine(exercise, here(subject))
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def main():
    print(
        f"{'exercise':<30}{'right':>8}{'wrong':>8}{'slowest wrong':>15}   ms, median of {REPEATS}"
    )
    for exercise in all_exercises():
        right = milliseconds(exercise, exercise.reference)
        wrong = [milliseconds(exercise, each.wrong) for each in exercise.misconceptions]
        middle, slowest = statistics.median(wrong), max(wrong)
        print(f"{exercise.name:<30}{right:>8.0f}{middle:>8.0f}{slowest:>15.0f}")
    runs = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True
        )
        runs.append([float(number) for number in done.stdout.split()])
    base, added = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"importing torch {base:.2f} s; the course adds {added:.3f} s ({added / base:.0%})")


if __name__ == "__main__":
    main()
