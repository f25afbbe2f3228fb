"""What a step shows, and what it leaves in the log."""

import os
import sys
from io import StringIO
from types import SimpleNamespace

import pytest

from workbook.setup.steps import Step, Steps, spoken


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (3.4, "3 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s")]
)
def test_a_duration_is_told_as_one_says_it(seconds, text):
    assert spoken(seconds) == text


def test_a_step_is_one_line_with_its_time():
    steps = Steps(StringIO())
    with steps.step("Making something"):
        pass
    assert steps.stream.getvalue() == "  Making something ... done in 0 s\n"


class Terminal(StringIO):
    def isatty(self):
        return True


def test_in_a_terminal_the_line_is_redrawn_with_what_is_being_done(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    steps = Steps(Terminal())
    step = Step("Installing")
    step.note = "3 of 9 torch"
    one_second = iter([False, True])
    steps._tick(step, SimpleNamespace(wait=lambda seconds: next(one_second)))
    assert steps.stream.getvalue() == "\r" + " " * 49 + "\r  Installing ... 3 of 9 torch, 0 s"


def test_in_a_terminal_the_last_line_says_how_it_ended(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    steps = Steps(Terminal())
    with steps.step("Installing"):
        pass
    assert steps.stream.getvalue().endswith("\r  Installing ... done in 0 s\n")


def test_a_step_that_fails_says_that_it_stopped():
    steps = Steps(StringIO())
    with pytest.raises(ZeroDivisionError), steps.step("Dividing"):
        raise ZeroDivisionError
    assert steps.stream.getvalue() == "  Dividing ... stopped after 0 s\n"


def test_a_command_gives_its_status_and_both_its_streams_and_leaves_them_in_the_log(tmp_path):
    steps = Steps(StringIO(), log=tmp_path / "setup.log")
    program = "import sys; print('¿qué?'); print('oh', file=sys.stderr); sys.exit(3)"
    heard = []
    command = [sys.executable, "-X", "utf8", "-u", "-c", program]
    assert steps.run(command, os.environ, heard.append) == (3, ["¿qué?", "oh"])
    assert heard == ["¿qué?", "oh"]
    assert steps.log.read_text(encoding="utf-8").splitlines()[-2:] == ["¿qué?", "oh"]


def test_a_command_has_no_standard_input_to_wait_for():
    steps = Steps(StringIO())
    command = [sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"]
    assert steps.run(command, os.environ) == (0, ["''"])


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path):
    steps = Steps(StringIO(), log=tmp_path / "no folder" / "setup.log")
    with steps.step("Going on"):
        pass
    assert "done" in steps.stream.getvalue()


def test_a_command_that_is_not_there_raises_oserror(tmp_path):
    with pytest.raises(OSError, match=r"No such file|cannot find"):
        Steps(StringIO()).run([str(tmp_path / "nothing")], os.environ)
