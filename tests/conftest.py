"""What every test shares: a toolbox of its own, and the table of checks at the end of the run."""

import os
from collections import defaultdict

import pytest

CHECKED = "checked"


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
