"""Published weights from the net to the disk: on request, resumed, checked, whole or not at all.

What can be fetched is written in `datasets/weights.toml`.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests

from workbook.download import CannotFetch, ResumingDownload, reason
from workbook.home import datasets_folder


@dataclass(frozen=True)
class File:
    """One file of a model: its size in bytes, its sha256 in hexadecimal, and where it is."""

    name: str
    size: int
    sha256: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A published model."""

    name: str
    title: str
    licence: str
    licence_text: str
    attribution: str
    files: tuple[File, ...]

    @property
    def folder(self) -> Path:
        """Where its files are put, and kept out of git."""
        return datasets_folder() / "fetched" / self.name

    @property
    def is_here(self) -> bool:
        """Whether all of its files are here, whole."""
        return not self.missing

    @property
    def missing(self) -> list[File]:
        """The files that aren't here, or not in their whole size. The sha256 was compared when a
        file came: it takes seconds for each 500 MB."""
        return [file for file in self.files if _size(self.folder / file.name) != file.size]


def models() -> dict[str, Model]:
    """Every model of `datasets/weights.toml` by its name. Raises ValueError for a file that can't
    be read as one."""
    path = datasets_folder() / "weights.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: _model(name, table) for name, table in tables.items()}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path} should list the weights that can be fetched, and can't be read "
            f"({type(error).__name__}: {error}); take the file of the course again"
        ) from error


def model(name: str) -> Model:
    """The model of this name. Raises KeyError, naming those there are, for any other."""
    known = models()
    if name not in known:
        raise KeyError(f"no weights are called {name!r}; there is {', '.join(known)}")
    return known[name]


def fetch_weights(
    wanted: Model, say: Callable[[str], None] = print, progress: bool | None = None
) -> Path:
    """Bring the files of a model that aren't here yet, or not whole; the folder they are in.

    A download that breaks off is taken up where it broke, now or the next time. `progress` shows a
    bar; None leaves that to whether stderr is a terminal.

    Raises CannotFetch where no address gives a file, and OSError where it can't be written.
    """
    missing = wanted.missing
    if not missing:
        say(f"{wanted.name} is here already: {wanted.folder}")
        return wanted.folder
    for file in missing:
        if (size := _size(wanted.folder / file.name)) is not None:
            say(f"{file.name} has {size:,} bytes instead of {file.size:,}, and is fetched again.")
    say(f"{wanted.title}.")
    say(f"Licence: {wanted.licence} ({wanted.licence_text}). Attribution: {wanted.attribution}.")
    wanted.folder.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel("ERROR")  # what it would say is said here
    for file in missing:
        _fetch(file, wanted, say, progress)
    say(f"Saved in {wanted.folder}")
    return wanted.folder


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _fetch(file: File, wanted: Model, say: Callable[[str], None], progress: bool | None) -> None:
    for address in file.addresses:
        download = ResumingDownload(wanted.folder, progress)
        for _ in range(2):  # what was kept of an earlier download may be of another file
            try:
                pooch.retrieve(
                    address,
                    known_hash=f"sha256:{file.sha256}",
                    fname=file.name,
                    path=wanted.folder,
                    downloader=download,
                )
                return
            except (ValueError, requests.RequestException) as error:
                # pooch has thrown away what has another hash.
                other = "what came is another file than was published"
                why = other if type(error) is ValueError else reason(error)
                if type(error) is not ValueError or not download.resumed:
                    break
        say(f"Not from {address}: {why}.")
    raise CannotFetch(_what_to_do(file, wanted))


def _model(name: str, table: dict) -> Model:
    files = tuple(
        File(**{**file, "addresses": tuple(file["addresses"])}) for file in table["files"]
    )
    return Model(name=name, **{**table, "files": files})


def _what_to_do(file: File, wanted: Model) -> str:
    return "\n".join(
        [
            f"{file.name} of {wanted.name} could not be fetched.",
            "What to do: try again with a network (what has come is kept), or, with a browser on "
            "any machine,",
            f"  1. download {file.addresses[0]} ({file.size / 1e6:.1f} MB)",
            f"  2. put it into {wanted.folder}",
        ]
    )
