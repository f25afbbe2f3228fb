"""What every test shares: a toolbox of its own, how the tests are dealt out to processes, and the
table of checks at the end of the run."""

import os
from collections import defaultdict

import pytest
from xdist.scheduler import LoadScopeScheduling

CHECKED = "checked"
# Long modules whose parameter begins with a lesson or an exercise: what belongs to one of those
# stays in one process, and the module as a whole doesn't have to.
SPREAD = ("tests/exercises/test_checks.py", "tests/notebooks/test_running.py")


class ByLessonAndExercise(LoadScopeScheduling):
    """A module's tests go to one process; those of the long modules by lesson or exercise."""

    def _split_scope(self, nodeid):
        module, _, parameters = nodeid.partition("[")
        if not module.startswith(SPREAD):
            return super()._split_scope(nodeid)
        return f"{module.partition('::')[0]}[{parameters.partition(':')[0].rstrip(']')}]"


def pytest_xdist_make_scheduler(config, log):
    if config.getoption("dist") == "loadscope":
        return ByLessonAndExercise(config, log)
    return None


def pytest_addoption(parser):
    parser.addoption(
        "--seeds",
        type=int,
        help="random seeds for each wrong and right answer, 20 before a release; without it 5 for "
        "functions and 2 for classes, which take longer, and 2 among the quick tests",
    )


@pytest.fixture(autouse=True)
def own_toolbox(tmp_path, monkeypatch):
    """No test reads or writes the toolbox of whoever runs it."""
    monkeypatch.setenv("WORKBOOK_TOOLBOX", str(tmp_path / "toolbox"))
    return tmp_path / "toolbox"


def pytest_configure(config):
    # A test session inside another one's environment would find that one's folders.
    os.environ.pop("WORKBOOK_HOME", None)


def pytest_terminal_summary(terminalreporter):
    """The table that says whether the checks can be trusted: what was caught, named, accepted."""
    totals = defaultdict(lambda: defaultdict(int))
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) != "call":
                continue
            for name, counts in report.user_properties:
                if name == CHECKED:
                    for what, number in counts.items():
                        if what != "exercise":
                            totals[counts["exercise"]][what] += number
    if not totals:
        return
    write = terminalreporter.write_line
    terminalreporter.section("the checks, checked")
    columns = ("wrong", "caught", "named", "right", "accepted")
    write(f"{'exercise':<30}" + "".join(f"{column:>10}" for column in columns))
    for exercise, counts in [*sorted(totals.items()), ("all", _sum(totals.values()))]:
        write(f"{exercise:<30}" + "".join(f"{counts[column]:>10}" for column in columns))


def _sum(rows):
    total = defaultdict(int)
    for row in rows:
        for what, number in row.items():
            total[what] += number
    return total
