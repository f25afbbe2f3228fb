"""What can be fetched: `datasets/sources.toml`, read."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from workbook.home import datasets_folder


@dataclass(frozen=True)
class Archive:
    """A zip file on the net that holds the data as `member`. What a `changing` one holds today
    can't be known beforehand, so it has no sha256."""

    address: str
    member: str
    changing: bool = False


@dataclass(frozen=True)
class Source:
    """A data set that can be fetched. `sha256` is that of the unpacked `file`, in hexadecimal."""

    name: str
    title: str
    file: str
    sha256: str
    edition: str
    licence: str
    licence_text: str
    attribution: str
    archives: tuple[Archive, ...]

    @property
    def fetched(self) -> Path:
        """Where the file is put, and kept out of git."""
        return datasets_folder() / "fetched" / self.name / self.file


def sources() -> dict[str, Source]:
    """Every data set of `datasets/sources.toml` by its name.

    Raises ValueError for a file that can't be read as one.
    """
    path = datasets_folder() / "sources.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: _source(name, table) for name, table in tables.items()}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path} should list the data sets that can be fetched, and can't be read "
            f"({type(error).__name__}: {error}); take the file of the course again"
        ) from error


def source(name: str) -> Source:
    """The data set of this name. Raises KeyError, naming those there are, for any other."""
    known = sources()
    if name not in known:
        raise KeyError(f"no data set is called {name!r}; there is {', '.join(known)}")
    return known[name]


def _source(name: str, table: dict) -> Source:
    archives = tuple(Archive(**archive) for archive in table["archives"])
    return Source(name=name, **{**table, "archives": archives})
