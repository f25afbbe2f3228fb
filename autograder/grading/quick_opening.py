"""nbgrader's gradebook, opened without what nbgrader does anew at every opening.

It opens the gradebook seven times for a submission. With one engine behind them all, SQLAlchemy
translates each query once; tables that are there aren't asked for one by one; and the version of a
new gradebook's tables is read from nbgrader's files, where nbgrader starts a program for it, which
takes seconds and has to be on PATH.
"""

import contextlib
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import nbgrader
import nbgrader.api
from sqlalchemy import Engine, MetaData, create_engine, inspect
from sqlalchemy.exc import SAWarning


@contextlib.contextmanager
def quick_opening() -> Iterator[None]:
    """As long as the block runs, gradebooks open quickly in this process."""
    with (
        mock.patch.object(nbgrader.api, "create_engine", _engine),
        mock.patch.object(nbgrader.api, "get_alembic_version", version_of_tables),
        mock.patch.object(nbgrader.api.Base.metadata, "create_all", _create_missing),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's own, about its own sessions
        yield


@cache
def version_of_tables() -> str:
    """What `nbgrader.api.get_alembic_version` says."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(Path(nbgrader.__file__).parent / "alembic")).get_current_head()


@cache
def _engine(address: str, **options: Any) -> Engine:
    return create_engine(address, **options)


def _create_missing(bind: Engine) -> None:
    tables = nbgrader.api.Base.metadata
    if not set(tables.tables) <= set(inspect(bind).get_table_names()):
        MetaData.create_all(tables, bind=bind)
