"""The doctor: every protection holds on this machine, and where there is none, it says so."""

import json
import tempfile
from pathlib import Path

import pytest

from autograder.cli import FAILED, OK, main
from autograder.sandbox import NoSandbox, Sandbox, view
from autograder.sandbox import doctor as doctoring
from autograder.sandbox.doctor import Protection, examine
from autograder.sandbox.view import packages
from autograder.sandbox.warm import WarmParent
from workbook.syllabus import lesson


@pytest.mark.slow
def test_every_protection_holds_here(sandbox):
    found = list(examine(sandbox))
    assert len(found) >= 15
    assert [each for each in found if not each.held] == []
    assert len({each.name for each in found}) == len(found)


@pytest.mark.slow
def test_a_course_in_a_folder_of_the_system_is_out_of_sight_too(sandbox, monkeypatch, tmp_path):
    """As /usr/src/course would be: all of /usr can be seen, except for that."""
    around = packages().parent
    monkeypatch.setattr(view, "_SYSTEM", (*view._SYSTEM, str(around)))
    attacks = (doctoring._your_files, doctoring._answers, doctoring._writing)
    monkeypatch.setattr(doctoring, "_ATTACKS", attacks)
    with tempfile.TemporaryDirectory(dir=around) as beside:  # that it can be seen, for sure
        (Path(beside) / "seen").touch()
        Path(beside).chmod(0o755)
        assert [each for each in examine(sandbox) if not each.held] == []
        parent = WarmParent(sandbox, lesson(2), 120.0)
        try:
            assert doctoring._Inside(parent).ask("list_folders", [beside]) != []
        finally:
            parent.close()


@pytest.mark.slow
def test_without_a_sandbox_the_attacks_win(monkeypatch, tmp_path):
    """They are real: where nothing protects, they come back with something."""
    attacks = (doctoring._your_files, doctoring._network, doctoring._processes)
    monkeypatch.setattr(doctoring, "_ATTACKS", attacks)
    assert [each.held for each in examine(Sandbox("none"))] == [False, False, False]


@pytest.fixture
def findings(monkeypatch):
    def find(*found):
        monkeypatch.setattr(doctoring, "examine", lambda sandbox: iter(found))

    return find


def test_the_command_tells_each_protection(capsys, findings):
    findings(Protection("time is bounded", True, "it ended"), Protection("x", False, "got 1"))
    assert main(["doctor"]) == FAILED
    out = capsys.readouterr().out
    assert "✓ time is bounded: it ended" in out
    assert "✗ x: got 1" in out
    assert "1 of 2 protections held." in out


def test_json_is_one_object(capsys, findings):
    findings(Protection("time is bounded", True, "it ended"))
    assert main(["doctor", "--json"]) == OK
    found = json.loads(capsys.readouterr().out)
    assert found["held"] is True
    assert found["sandbox"].startswith("bubblewrap")
    assert found["protections"] == [{"name": "time is bounded", "held": True, "seen": "it ended"}]


def test_where_there_is_no_sandbox_the_remedy_is_told(capsys, monkeypatch):
    def refuse(wanted):
        raise NoSandbox("install it")

    monkeypatch.setattr("autograder.sandbox.choose", refuse)
    assert main(["doctor"]) == FAILED
    assert "✗ install it" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == FAILED
    assert json.loads(capsys.readouterr().out)["trouble"] == "install it"
