"""A file from the net, resumed where an earlier download of it broke off."""

import hashlib
from pathlib import Path

import requests
from tqdm import tqdm

from workbook.atomic import write_text

_PATIENCE = (10, 60)  # seconds: for a connection, and between two bytes
_ATTEMPTS = 4  # at one address, each going on where the last one broke off
# Some servers answer only what calls itself a browser.
_BROWSER = "Mozilla/5.0 (compatible; transformer-workbook)"


class CannotFetch(Exception):
    """No address gave a file; the message says why not, and what to do instead."""


class ResumingDownload:
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


def reason(error: Exception) -> str:
    """Why a download failed, in a few words."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server says {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "no connection, or one that broke off"
    return str(error)
