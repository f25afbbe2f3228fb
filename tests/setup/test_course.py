"""course.py itself: what somebody with the wrong Python is told, in words any Python can read."""

import ast
import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "course.py"


@pytest.fixture
def course():
    spec = importlib.util.spec_from_file_location("course", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_old_python_can_read_the_script():
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 8))
    newer = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.Starred, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        assert not isinstance(node, newer), f"line {node.lineno}: Python 2.7 can't read it"
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
            assert not node.args.kwonlyargs
            assert not node.args.posonlyargs
            assert all(one.annotation is None for one in node.args.args)


def test_the_script_holds_ascii_only():
    assert SCRIPT.read_bytes().isascii()  # Python 2.7 refuses anything else without a coding line


def test_only_the_standard_library_is_imported_before_the_version_is_known():
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    imported = [
        name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names
    ]
    assert imported == ["os", "sys"]
    assert not [node for node in tree.body if isinstance(node, ast.ImportFrom)]


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 8, 18), (3, 10, 13)])
def test_an_old_python_is_named_with_what_to_do(course, version, monkeypatch, capsys):
    monkeypatch.setattr(course, "other_pythons", list)
    assert course.main(["lab"], version) == 2
    told = capsys.readouterr().err
    assert (
        f"This is Python {'.'.join(map(str, version))}; the course needs Python 3.11 to 3.13"
        in told
    )
    assert "What to do: install Python 3.13" in told


def test_a_newer_python_on_the_machine_is_named(course, monkeypatch, capsys):
    monkeypatch.setattr(course, "other_pythons", lambda: ["python3.12"])
    assert course.main(["lab"], (3, 9, 6)) == 2
    assert "type  python3.12 course.py lab" in capsys.readouterr().err


def test_pythons_are_looked_for_newest_first(course, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: name if name != "python3.13" else None)
    assert course.other_pythons() == ["python3.12", "python3.11"]


def test_a_python_that_is_too_new_is_warned_about_and_goes_on(course, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("workbook.setup.doors.main", lambda *given: opened.append(given) or 0)
    monkeypatch.setattr(course, "other_pythons", list)
    assert course.main(["lab"], (3, 15, 0)) == 0
    assert opened == [(["lab"], str(SCRIPT.parent))]
    assert "newer than the course is tested with (3.11 to 3.13)" in capsys.readouterr().err


def test_a_tested_python_is_told_nothing(course, monkeypatch, capsys):
    monkeypatch.setattr("workbook.setup.doors.main", lambda *given: 5)
    assert course.main(["lab"], (3, 13, 1)) == 5
    assert capsys.readouterr() == ("", "")
