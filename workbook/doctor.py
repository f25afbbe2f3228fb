"""What this machine and this copy of the course have: PyTorch, the device, lessons, data sets.

`python -m workbook.doctor` prints it, with what to do about anything that is missing.
"""

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from workbook.corpus import tatoeba
from workbook.corpus.phrasebook.shipping import PROBES
from workbook.corpus.phrasebook.splits import SPLITS
from workbook.home import datasets_folder, lessons_folder, root, work_folder
from workbook.progress import progress
from workbook.setup.lessons import lesson_names
from workbook.syllabus import LESSONS

PROJECT = "transformer-workbook"


@dataclass(frozen=True)
class Finding:
    """One line of the report. `remedy` says what to do; without one, all is well."""

    subject: str
    found: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """Everything worth knowing before the first lesson, one finding at a time."""
    yield Finding("Python", f"{platform.python_version()} on {platform.system()}")
    yield from _torch()
    if given := _home_in_vain():
        found = f"WORKBOOK_HOME is {given}, and no course is there"
        yield Finding("course", found, "correct or unset WORKBOOK_HOME")
        return
    yield from _packages()
    yield _lessons()
    yield _toolbox()
    yield _phrasebook(datasets_folder() / "phrasebook")
    yield from _tatoeba()


def _home_in_vain() -> str | None:
    """What WORKBOOK_HOME is set to where it leads to no course."""
    try:
        there = datasets_folder().is_dir()
    except FileNotFoundError:
        there = False
    return None if there else os.environ.get("WORKBOOK_HOME")


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except Exception as error:  # a library that it lacks is an OSError on Windows
        found = f"doesn't load: {type(error).__name__}: {error}"
        yield Finding("PyTorch", found, "run  python3 course.py lab --fresh")
        return
    from workbook.device import describe_device, pick_device

    yield Finding("PyTorch", torch.__version__)
    yield Finding("device", describe_device(pick_device()))


def _packages() -> Iterator[Finding]:
    """The packages that are missing or too old, by what the project says it needs."""
    from packaging.requirements import Requirement

    try:
        declared = metadata.requires(PROJECT) or []
    except metadata.PackageNotFoundError:
        remedy = f"run  python -m pip install --no-deps -e {root()}"
        yield Finding("packages", f"{PROJECT} isn't installed in this Python", remedy)
        return
    needed = [Requirement(line) for line in declared]
    needed = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [problem for one in needed if (problem := _lack(one.name, one.specifier))]
    if wrong:
        yield Finding("packages", "; ".join(wrong), "run  python3 course.py lab --fresh")
    else:
        yield Finding("packages", f"all {len(needed)} that the lessons need")


def _lack(name: str, specifier) -> str:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is missing"
    if specifier.contains(version, prereleases=True):
        return ""
    return f"{name} is {version}, and {specifier} is needed"


def _lessons() -> Finding:
    released, begun = lesson_names(lessons_folder()), lesson_names(work_folder())
    found = f"{len(released)} of {len(LESSONS)} released, {len(begun)} in work/"
    if released:
        return Finding("lessons", found)
    remedy = "download the course again, or, with solutions/ here, run  python3 course.py release"
    return Finding("lessons", found, remedy)


def _toolbox() -> Finding:
    return Finding("toolbox", str(progress()))


def _phrasebook(folder: Path) -> Finding:
    names = (*SPLITS, "famous", "everyday", *(f"probe-{name}" for name in PROBES))
    lacks = [f"{name}.tsv" for name in names if not (folder / f"{name}.tsv").is_file()]
    if lacks:
        found = f"the phrasebook lacks {', '.join(lacks)}"
        return Finding("datasets", found, "download the course again")
    return Finding("datasets", "phrasebook, shipped with the course")


def _tatoeba() -> Iterator[Finding]:
    """The sentences that don't ship: found, or asked for in vain; to have none is no problem."""
    try:
        yield Finding("datasets", f"Tatoeba, {tatoeba.find()}")
    except tatoeba.NoTatoeba:
        if found := tatoeba.looked_in_vain():
            yield Finding("datasets", found, "correct or unset WORKBOOK_DATA")
    except ValueError as error:  # the list of what can be fetched is broken
        yield Finding("datasets", str(error), "download the course again")


def main() -> int:
    """Print the report. 0 where all is well, else 1."""
    status = 0
    for finding in examine():
        print(f"  {finding.subject:<10}{finding.found}", flush=True)
        if finding.remedy:
            print(f"  {'':<10}What to do: {finding.remedy}", flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
