"""A gradebook that opens quickly is the gradebook that nbgrader opens."""

import os
import sqlite3

import nbgrader.api
import pytest
from nbgrader.api import Gradebook

from autograder.grading.quick_opening import quick_opening, version_of_tables


def tables(path):
    with sqlite3.connect(path) as database:
        return sorted(database.execute("select name, sql from sqlite_master")), sorted(
            database.execute("select * from alembic_version")
        )


def test_a_new_gradebook_is_the_one_that_nbgrader_makes(tmp_path):
    with Gradebook(f"sqlite:///{tmp_path / 'theirs.db'}"):
        pass
    with quick_opening(), Gradebook(f"sqlite:///{tmp_path / 'ours.db'}"):
        pass
    assert tables(tmp_path / "ours.db") == tables(tmp_path / "theirs.db")


def test_no_program_is_started_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with quick_opening(), Gradebook(f"sqlite:///{tmp_path / 'ours.db'}") as gradebook:
        gradebook.add_student("ana")
    assert tables(tmp_path / "ours.db")[1] == [(version_of_tables(),)]


def test_a_table_that_is_missing_is_made_and_a_new_file_has_all(tmp_path):
    path = tmp_path / "ours.db"
    for _ in range(2):
        with quick_opening(), Gradebook(f"sqlite:///{path}") as gradebook:
            gradebook.add_student("ana")
        with sqlite3.connect(path) as database:
            database.execute("drop table comment")
        with quick_opening(), Gradebook(f"sqlite:///{path}") as gradebook:
            assert [student.id for student in gradebook.students] == ["ana"]
        assert "comment" in {name for name, _ in tables(path)[0]}
        os.remove(path)


def test_afterwards_nbgrader_is_as_it_was():
    before = nbgrader.api.create_engine, nbgrader.api.get_alembic_version
    with pytest.raises(ZeroDivisionError), quick_opening():
        raise ZeroDivisionError
    assert (nbgrader.api.create_engine, nbgrader.api.get_alembic_version) == before
    assert "create_all" not in vars(nbgrader.api.Base.metadata)
