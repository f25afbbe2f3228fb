"""A data set from the net to the disk: several addresses, resumed, checked, whole or not at all."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pooch
import requests
from tqdm import tqdm

from workbook.atomic import write_bytes, write_text
from workbook.corpus.sources import Archive, Source

_PATIENCE = (10, 60)  # seconds: for a connection, and between two bytes
_ATTEMPTS = 4  # at one address, each going on where the last one broke off
_LARGEST = 500_000_000  # bytes unpacked; a few times what any of our data sets has
# Some servers answer only what calls itself a browser.
_BROWSER = "Mozilla/5.0 (compatible; transformer-workbook)"


class CannotFetch(Exception):
    """No address gave the data; the message says why not, and what to do instead."""


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
            say(f"Not from {archive.address}: {_reason(error)}.")
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
    download = _ResumingDownload(folder, progress)
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


class _ResumingDownload:
    """A downloader for pooch that goes on where an earlier one stopped.

    What has come of an address is kept in `folder` as a `.part` file, with the server's mark of
    the version (ETag or date) beside it, so that halves of two versions are never joined.
    """

    def __init__(self, folder: Path, progress: bool | None) -> None:
        self.folder = folder
        self.hidden = None if progress is None else not progress
        self.resumed = False

    def __call__(self, address: str, output: str, _pooch: object = None) -> None:
        name = hashlib.sha256(address.encode()).hexdigest()[:12]
        part, mark = self.folder / f".{name}.part", self.folder / f".{name}.version"
        for attempt in range(_ATTEMPTS):
            try:
                self._go_on(address, part, mark)
                break
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                came = part.stat().st_size if part.is_file() else 0
                if not came or attempt == _ATTEMPTS - 1:
                    raise
        part.replace(output)
        mark.unlink(missing_ok=True)

    def _go_on(self, address: str, part: Path, mark: Path) -> None:
        there = part.stat().st_size if part.is_file() else 0
        headers = {"User-Agent": _BROWSER, "Accept-Encoding": "identity"}
        if there:
            headers["Range"] = f"bytes={there}-"
            if mark.is_file():
                headers["If-Range"] = mark.read_text(encoding="utf-8")
        with requests.get(address, headers=headers, stream=True, timeout=_PATIENCE) as answer:
            if answer.status_code == 416 and there:  # nothing after what we have, or it shrank
                if answer.headers.get("Content-Range") == f"bytes */{there}":
                    self.resumed = True
                    return
                part.unlink(missing_ok=True)
                mark.unlink(missing_ok=True)
                return self._go_on(address, part, mark)
            answer.raise_for_status()
            follows = answer.headers.get("Content-Range", "").startswith(f"bytes {there}-")
            joined = bool(there) and answer.status_code == 206 and follows
            self.resumed = self.resumed or joined
            version = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
            if version and not version.startswith("W/"):
                write_text(mark, version)
            else:
                mark.unlink(missing_ok=True)
            length = answer.headers.get("Content-Length")
            start = there if joined else 0
            total = start + int(length) if length else None
            with (
                part.open("ab" if joined else "wb") as file,
                tqdm(
                    desc=address.rpartition("/")[2],
                    initial=start,
                    total=total,
                    unit="B",
                    unit_scale=True,
                    disable=self.hidden,
                ) as bar,
            ):
                for block in answer.iter_content(1 << 12):
                    file.write(block)
                    bar.update(len(block))
        if total is not None and part.stat().st_size < total:
            raise requests.ConnectionError("the connection broke off")


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
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise _Wrong(f"what came is no intact zip file ({error})") from error
    found = hashlib.sha256(content).hexdigest()
    if not archive.changing and found != source.sha256:
        raise _Wrong(
            f"{archive.member} has the sha256 {found[:12]}…, and {source.sha256[:12]}… is expected"
        )
    return content


def _reason(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server says {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "no connection, or one that broke off"
    return str(error)


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
