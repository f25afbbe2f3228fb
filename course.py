#!/usr/bin/env python3
"""The course's one command: `python3 course.py lab` sets everything up and opens the first lesson.

This file is kept in words that even Python 2.7 can read, so that an old Python gets a sentence
and not a SyntaxError. What the commands do is in workbook/setup/, which needs nothing but the
standard library of the Python named here.
"""

import os
import sys

OLDEST = (3, 11)
NEWEST = (3, 13)
ROOT = os.path.dirname(os.path.abspath(__file__))


def dotted(version):
    return ".".join(str(part) for part in version)


def other_pythons():
    """Commands on this machine that start a Python the course is tested with, newest first."""
    try:
        from shutil import which
    except ImportError:
        return []
    minors = range(NEWEST[1], OLDEST[1] - 1, -1)
    names = ["python3.{0}".format(minor) for minor in minors]
    return [name for name in names if which(name)]


def too_old(version, others):
    """What to tell somebody whose Python is older than the course: the problem, and what to do."""
    lines = [
        "This is Python {0}; the course needs Python {1} to {2}.".format(
            dotted(version[:3]), dotted(OLDEST), dotted(NEWEST)
        )
    ]
    if others:
        lines.append(
            "What to do: this machine also has {0}: type  {0} course.py lab".format(others[0])
        )
    else:
        lines.append(
            "What to do: install Python {0} (Windows and macOS: python.org/downloads; Linux: your "
            "package manager), then type the same command with it.".format(dotted(NEWEST))
        )
    return "\n".join(lines)


def too_new(version, others):
    """What to tell somebody whose Python is newer than the ones the course is tested with."""
    line = "This is Python {0}, newer than the course is tested with ({1} to {2}).".format(
        dotted(version[:3]), dotted(OLDEST), dotted(NEWEST)
    )
    if others:
        return line + " If something fails, use {0}.".format(others[0])
    return line + " If something fails, install Python {0}.".format(dotted(NEWEST))


def main(arguments=None, version=None):
    """Check the Python, then hand over. Returns the exit status."""
    version = tuple(version or sys.version_info)
    if version[:2] < OLDEST:
        sys.stderr.write(too_old(version, other_pythons()) + "\n")
        return 2
    if version[:2] > NEWEST:
        sys.stderr.write(too_new(version, other_pythons()) + "\n")
    if ROOT not in sys.path:
        sys.path.insert(0, ROOT)
    from workbook.setup.doors import main as open_door

    return open_door(arguments, ROOT)


if __name__ == "__main__":
    sys.exit(main())
