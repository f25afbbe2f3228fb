"""One warm parent in the machine's real sandbox, for all tests of the sandbox."""

import pytest

from autograder.channel.limits import Limits
from autograder.channel.process import Process
from autograder.sandbox import choose
from autograder.sandbox.warm import WarmParent
from workbook.syllabus import lesson

LIMITS = Limits(
    request_seconds=20.0,
    cell_seconds=20.0,
    memory_bytes=512 * 2**20,
    disk_bytes=8 * 2**20,
    processes=24,
    open_files=64,
    output_bytes=2**20,
)


@pytest.fixture(scope="session")
def sandbox():
    """bubblewrap: where it doesn't work, the tests fail with what to do."""
    return choose("bubblewrap")


@pytest.fixture(scope="session")
def parent(sandbox):
    warm = WarmParent(sandbox, lesson(2), 120.0)
    yield warm
    warm.close()


@pytest.fixture
def inside(parent):
    """`inside(code)` runs a cell in a fork of its own: its error, and what it printed."""

    def run(code, limits=LIMITS):
        with Process(lesson(2), limits, True, start=lambda: parent.fork(limits)) as process:
            error = process.run(code, "cell 1")
            return error, process.output

    return run
