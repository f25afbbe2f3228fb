"""Where the course lives on disk."""

import os
from pathlib import Path

import pytest

from workbook import home


def test_the_root_is_the_folder_above_the_package(monkeypatch):
    monkeypatch.delenv("WORKBOOK_HOME", raising=False)
    assert home.root() == Path(home.__file__).parents[1]
    assert (home.root() / "pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (home.work_folder, "work"),
        (home.lessons_folder, "lessons"),
        (home.solutions_folder, "solutions"),
        (home.datasets_folder, "datasets"),
        (home.toolbox_folder, "toolbox"),
    ],
)
def test_every_folder_lies_in_the_root(tmp_path, monkeypatch, folder, name):
    monkeypatch.delenv("WORKBOOK_TOOLBOX", raising=False)
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    assert folder() == tmp_path.resolve() / name


def test_the_toolbox_can_be_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBOOK_TOOLBOX", str(tmp_path / "mine"))
    assert home.toolbox_folder() == tmp_path.resolve() / "mine"
    assert home.work_folder() == home.root() / "work"


def test_the_users_home_and_steps_upwards_are_resolved(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("WORKBOOK_HOME", "~/a/../course")
    assert home.root() == tmp_path.resolve() / "course"


def test_an_empty_setting_is_none(monkeypatch):
    monkeypatch.setenv("WORKBOOK_HOME", "")
    monkeypatch.setenv("WORKBOOK_TOOLBOX", "")
    assert home.toolbox_folder() == Path(home.__file__).parents[1] / "toolbox"


@pytest.mark.skipif(os.name != "posix", reason="Windows takes any name for a user's")
@pytest.mark.parametrize("name", ["WORKBOOK_HOME", "WORKBOOK_TOOLBOX"])
def test_a_setting_with_an_unknown_user_is_named(monkeypatch, name):
    monkeypatch.setenv(name, "~no-such-user/course")
    told = rf"{name} is ~no-such-user/course, .*What to do: correct or unset {name}\."
    with pytest.raises(FileNotFoundError, match=told):
        home.toolbox_folder() if name == "WORKBOOK_TOOLBOX" else home.root()
