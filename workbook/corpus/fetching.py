"""A data set from the net to the disk: several addresses, resumed, checked, whole or not at all."""

import hashlib
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pooch
import requests

from workbook.atomic import write_bytes
from workbook.corpus.sources import Archive, Source
from workbook.download import CannotFetch, ResumingDownload, reason

_LARGEST = 500_000_000  # bytes unpacked; a few times what any of our data sets has
# What `zipfile` raises for a file that is damaged, cut off, encrypted or packed in an unknown way.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


class _Wrong(Exception):
    """An address answered, but not with the data."""


def fetch(source: Source, say: Callable[[str], None] = print, progress: bool | None = None) -> Path:
    """Bring a data set to `source.fetched`, unless it is there already; its path.

    Its addresses are tried in order. A connection that breaks is taken up where it broke, now or
    the next time this is called. `progress` shows a bar; None leaves that to whether stderr is a
    terminal. `say` is told the licence, and in a sentence what is going on.

    Raises CannotFetch where no address gives the data, and OSError where it can't be written.
    """
    if source.fetched.is_file():
        say(f"{source.name} is here already: {source.fetched}")
        return source.fetched
    say(f"{source.title}.")
    say(f"Licence: {source.licence} ({source.licence_text}). Attribution: {source.attribution}.")
    failures = []
    for archive in source.archives:
        try:
            _fetch_from(archive, source, progress)
        except (_Wrong, requests.RequestException) as error:
            failures.append((archive, error))
            say(f"Not from {archive.address}: {reason(error)}.")
            continue
        if archive.changing:
            say(
                f"This is the edition of today and not that of {source.edition}, which the "
                "course measured with: figures will differ a little."
            )
        say(f"Saved as {source.fetched}")
        return source.fetched
    raise CannotFetch(_what_to_do(source, failures))


def sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    return pooch.file_hash(str(path), alg="sha256")


def _fetch_from(archive: Archive, source: Source, progress: bool | None) -> None:
    folder = source.fetched.parent
    folder.mkdir(parents=True, exist_ok=True)
    download = ResumingDownload(folder, progress)
    pooch.get_logger().setLevel("ERROR")  # its notes about a missing hash are answered below
    again = True
    while again:
        download.resumed = False
        zipped = Path(
            pooch.retrieve(
                archive.address,
                known_hash=None,  # an archive's own says nothing: the text's is compared
                fname=f".{source.file}.zip",
                path=folder,
                downloader=download,
            )
        )
        try:
            content = _unpacked(zipped, archive, source)
        except _Wrong:
            # What was there of an earlier download may be of another file: once more, from 0.
            again = download.resumed
            if not again:
                raise
        else:
            write_bytes(source.fetched, content)
            again = False
        finally:
            zipped.unlink(missing_ok=True)


def _unpacked(zipped: Path, archive: Archive, source: Source) -> bytes:
    """The data in an archive, compared with what is known about it. Raises _Wrong."""
    try:
        with zipfile.ZipFile(zipped) as opened:
            names = opened.namelist()
            if archive.member not in names:
                raise _Wrong(f"it holds {', '.join(names[:5])} and no {archive.member}")
            size = opened.getinfo(archive.member).file_size
            if size > _LARGEST:
                raise _Wrong(f"{archive.member} would unpack to {size:,} bytes")
            content = opened.read(archive.member)
    except _BROKEN as error:
        raise _Wrong(f"what came is no intact zip file ({error})") from error
    found = hashlib.sha256(content).hexdigest()
    if not archive.changing and found != source.sha256:
        raise _Wrong(
            f"{archive.member} has the sha256 {found[:12]}…, and {source.sha256[:12]}… is expected"
        )
    return content


def _what_to_do(source: Source, failures: list[tuple[Archive, Exception]]) -> str:
    offline = all(isinstance(error, requests.ConnectionError) for _, error in failures)
    lines = [
        f"{source.name} could not be fetched: "
        + ("none of its servers can be reached." if offline else "no address gave the file.")
    ]
    kept = sum(part.stat().st_size for part in source.fetched.parent.glob(".*.part"))
    if kept:
        lines.append(f"The {kept:,} bytes that came are kept; the same command goes on from there.")
    lines += [
        "What to do: try again with a network, or, with a browser on any machine,",
        f"  1. download {source.archives[0].address}",
        f"  2. unpack {source.file} from it into a folder",
        "  3. set the environment variable WORKBOOK_DATA to that folder.",
    ]
    return "\n".join(lines)
