"""Writes down which properties each misconception fails: `python -m tests.exercises.failing`.

With names after it (`… failing EncoderLayer Tagger`), only these exercises are looked at again.
"""

import subprocess
import sys
from pathlib import Path

from autograder.channel.piece import here
from autograder.checks.examine import examine
from autograder.checks.exercise import marks
from autograder.exercises import all_exercises, failing


def practised(exercise, misconception):
    """The verdict on a wrong answer, with the seed that students practise with."""
    return examine(exercise, here(misconception.wrong))


def failures(exercise, judged=practised):
    """The marks of each misconception by its name; `judged` gives the verdict on it."""
    return {
        wrong.name: marks(result.passed for result in judged(exercise, wrong).results)
        for wrong in exercise.misconceptions
    }


def write(table, path):
    """The module that holds the table, as ruff formats it."""
    path.write_text(f'"""{failing.__doc__}"""\n\nFAILING = {table!r}\n', encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(path)], check=True)


def main(names):
    table = {
        each.name: failures(each) if each.name in names or not names else dict(each.failing)
        for each in all_exercises()
    }
    write(table, Path(failing.__file__))


if __name__ == "__main__":
    main(sys.argv[1:])
