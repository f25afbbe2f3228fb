"""A course in a temporary folder, and a set-up in which no program really runs."""

import json
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path

import pytest

from workbook.setup import environment as environment_module
from workbook.setup import install, machine
from workbook.setup.environment import Environment
from workbook.setup.steps import Steps

LOCK = "torch==2.13.0\nappnope==1.0.0 ; sys_platform == 'darwin'\nnumpy==2.4.6  # via torch\n"
UNCONFIGURED = ("global.cert='/some/file'",)


class ScriptedSteps(Steps):
    """Steps whose commands are answered from a script.

    `answers` maps a word of a command to (status, lines); `commands` is what was asked for.
    """

    def __init__(self) -> None:
        super().__init__(stream=StringIO())
        self.commands: list[list[str]] = []
        self.answers: dict[str, tuple[int, Sequence[str]]] = {}
        self.before: Callable[[list[str]], None] = lambda command: None

    def run(self, command, variables: Mapping[str, str], on_line=None):
        command = list(command)
        self.commands.append(command)
        self.before(command)
        status, lines = 0, []
        for word, answer in self.answers.items():
            if any(word in part for part in command):
                status, lines = answer
        for line in lines:
            if on_line:
                on_line(line)
        if "venv" in command and status == 0:
            make_python(Environment(Path(command[-1]).parent))
        return status, list(lines)

    @property
    def shown(self) -> str:
        return self.stream.getvalue()

    def pip(self) -> list[list[str]]:
        """The arguments of every `pip install`."""
        return [one[one.index("install") + 1 :] for one in self.commands if "install" in one]


def make_python(environment: Environment, version: str = "3.11") -> None:
    environment.scripts.mkdir(parents=True, exist_ok=True)
    environment.python.write_text(version)


def make_lesson(folder: Path, name: str, cells: Mapping[str, str] | None = None) -> Path:
    """A notebook with one solution cell for each nbgrader id."""
    path = folder / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbgrader = {"schema_version": 3, "solution": True, "grade": False, "locked": False}
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {
                "cell_type": "code",
                "id": key,
                "execution_count": None,
                "outputs": [],
                "metadata": {"nbgrader": {**nbgrader, "grade_id": key}},
                "source": source,
            }
            for key, source in (cells or {"rnn_step": "raise NotImplementedError"}).items()
        ],
    }
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course's folder, with a space in its path."""
    folder = tmp_path / "my course"
    folder.mkdir()
    (folder / "requirements.lock").write_text(LOCK)
    (folder / "requirements-test.lock").write_text(LOCK + "pytest==9.2.0\n")
    (folder / "pyproject.toml").write_text("[project]\n")
    return folder


@pytest.fixture
def environment(root: Path) -> Environment:
    return Environment(root)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> ScriptedSteps:
    """A set-up on a machine with room and no GPU, where a Python is a file with a version."""

    def version_of(python: Path) -> str | None:
        return python.read_text() if python.is_file() else None

    monkeypatch.setattr(environment_module, "version_of", version_of)
    monkeypatch.setattr(install, "version_of", version_of)
    monkeypatch.setattr(machine, "has_nvidia_driver", lambda: False)
    monkeypatch.setattr(machine, "require_supported_machine", lambda: None)
    monkeypatch.setattr(machine, "require_room", lambda folder, needed: None)
    scripted = ScriptedSteps()
    scripted.answers["config"] = (0, UNCONFIGURED)
    return scripted
