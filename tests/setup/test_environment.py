"""What `.venv/workbook.json` means, and what programs in `.venv` get to see."""

import os

import pytest

from tests.setup.conftest import make_python
from workbook.setup.environment import State, pins
from workbook.setup.failures import SetupFailure


def ready_state(environment, **change) -> State:
    keys = {"lab": environment.key("lab")}
    return State(**{**vars(State("ready", True, str(environment.root), "3.11", keys)), **change})


def test_an_environment_is_ready_when_everything_agrees(environment, steps):
    make_python(environment)
    environment.write_state(ready_state(environment))
    assert environment.ready("lab")


@pytest.mark.parametrize(
    "change",
    [{"status": "installing"}, {"root": "/elsewhere"}, {"python": "3.12"}, {"keys": {"lab": "0"}}],
)
def test_an_environment_is_not_ready_when_one_thing_differs(environment, steps, change):
    make_python(environment)
    environment.write_state(ready_state(environment, **change))
    assert not environment.ready("lab")


def test_an_environment_without_its_python_is_not_ready(environment, steps):
    environment.folder.mkdir()
    environment.write_state(ready_state(environment))
    assert not environment.ready("lab")


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_changed_file_asks_for_another_set_up(environment, steps, name):
    make_python(environment)
    environment.write_state(ready_state(environment))
    with (environment.root / name).open("a") as file:
        file.write("# changed\n")
    assert not environment.ready("lab")


def test_a_state_that_makes_no_sense_counts_as_somebody_elses(environment):
    environment.folder.mkdir()
    for content in ("", "[1]", '{"status": "ready"', '{"other": 1}'):
        environment.state_file.write_text(content)
        assert environment.state().status == "installing"
        assert not environment.state().made_here


def test_a_state_that_could_not_be_written_leaves_the_one_before(environment, monkeypatch):
    environment.folder.mkdir()
    before = ready_state(environment)
    environment.write_state(before)

    def refuse(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        environment.write_state(ready_state(environment, status="installing"))
    assert environment.state() == before


def test_another_pythons_packages_stay_out(environment):
    outside = {"PYTHONPATH": "/theirs", "PYTHONHOME": "/theirs", "PATH": "/bin", "LANG": "es"}
    inside = environment.variables(outside)
    assert "PYTHONPATH" not in inside
    assert "PYTHONHOME" not in inside
    assert inside["LANG"] == "es"
    assert inside["PATH"].split(os.pathsep) == [str(environment.scripts), "/bin"]
    assert inside["VIRTUAL_ENV"] == str(environment.folder)


def test_pins_are_read_with_and_without_conditions(environment):
    read = pins(environment.lock("lab"))
    assert read == {"torch": "2.13.0", "appnope": "1.0.0", "numpy": "2.4.6"}


def test_a_missing_file_of_the_course_is_named(environment):
    (environment.root / "pyproject.toml").unlink()
    with pytest.raises(SetupFailure, match=r"pyproject\.toml is missing"):
        environment.key("lab")
