"""Everyday sentences that people wrote and translated: the Tatoeba project's English–Spanish pairs.

    from workbook.corpus import tatoeba

    parts = tatoeba.load_split()          # training, validation and test, without a common sentence

The file is `$WORKBOOK_DATA/spa.txt` where that folder is given, else what `workbook fetch tatoeba`
brought. Two columns, tab-separated, English and Spanish, in UTF-8; newer exports have a third with
the authors.
"""

import os
import re
from pathlib import Path

from workbook.corpus.pairs import SentencePair, cleaned
from workbook.corpus.sources import Source, source
from workbook.corpus.splits import Split, split

TEST, VALIDATION = 2_000, 1_000  # different English sentences held out
_BYTE_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "gzip", b"PK": "zip"}
# What UTF-8 looks like after having been read as Latin-1 or Windows-1252 and written again.
_TWICE_ENCODED = re.compile("Ã[\u0080-\u00bf¡-¿ƒ‰“”‘’]|Â[¡¿]")


class NoTatoeba(FileNotFoundError):
    """The file is nowhere; the message says where it was looked for and how to get it."""


class BrokenFile(ValueError):
    """The file is not the pairs it should be; the message names the line and says what to do."""


def find() -> Path:
    """Where the file is.

    `$WORKBOOK_DATA` is the file, or a folder that holds it, itself or in a folder called `tatoeba`,
    `tatoeba-en-es` or `spa-eng`. Where it is set and holds nothing, what was fetched still counts.
    Raises NoTatoeba.
    """
    known = source("tatoeba")
    places = [*_places_given(known), known.fetched]
    for place in places:
        if place.is_file():
            return place
    looked = "\n".join(f"  {place}" for place in places)
    raise NoTatoeba(
        f"the Tatoeba sentences are not here. Looked for:\n{looked}\n"
        "What to do: run `workbook fetch tatoeba`, or set WORKBOOK_DATA to a folder with "
        f"{known.file}."
    )


def looked_in_vain() -> str | None:
    """That `$WORKBOOK_DATA` leads to no such file, for when `find` has found none; None where it
    isn't set."""
    given = os.environ.get("WORKBOOK_DATA")
    return f"WORKBOOK_DATA is {given}, and no spa.txt is there" if given else None


def read(path: Path) -> list[SentencePair]:
    """The pairs of a file as they stand there, one a line.

    Raises BrokenFile, with the number of the line, for a file that is empty, cut off, in another
    encoding or in another layout; nothing of a broken file is used. Raises OSError where it can't
    be read.
    """
    content = path.read_bytes()
    if not content.strip():
        raise BrokenFile(_told(path, None, "is empty"))
    for mark, name in _BYTE_MARKS.items():
        if content.startswith(mark):
            raise BrokenFile(_told(path, None, f"is {name} and should be plain text in UTF-8"))
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if lines[-1]:
        raise BrokenFile(_told(path, len(lines), "has no line end: the file was cut off there"))
    return [_pair(path, number, line) for number, line in enumerate(lines[:-1], start=1)]


def load(path: Path | None = None) -> list[SentencePair]:
    """The pairs, cleaned (NFC, single blanks, straight quotes) and without repetitions.

    path: by default what `find` finds. Raises NoTatoeba, BrokenFile, OSError.
    """
    return cleaned(read(path or find()))


def load_split(
    path: Path | None = None, test: int = TEST, validation: int = VALIDATION, salt: str = "1"
) -> Split:
    """The pairs in three parts, so that no English or Spanish sentence is in two of them.

    `test` and `validation` are numbers of different English sentences, drawn by a hash: the same
    on every machine. Raises what `load` raises, and ValueError where too little is left.
    """
    return split(load(path), test, validation, salt)


def edition(path: Path) -> str:
    """In words: whether a file is the one whose sha256 the course knows."""
    from workbook.corpus.fetching import sha256  # which brings what only a download needs

    known = source("tatoeba")
    if sha256(path) == known.sha256:
        return f"the edition of {known.edition}"
    return f"another file than the edition of {known.edition}"


def _places_given(known: Source) -> list[Path]:
    given = os.environ.get("WORKBOOK_DATA")
    if not given:
        return []
    folder = Path(given).expanduser()
    if folder.is_file():
        return [folder]
    return [folder / name / known.file for name in (".", "tatoeba", "tatoeba-en-es", "spa-eng")]


def _pair(path: Path, number: int, line: bytes) -> SentencePair:
    try:
        text = line.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        shown = line[max(0, error.start - 10) : error.start + 10]
        raise BrokenFile(
            _told(path, number, f"is not UTF-8: byte {line[error.start]:#04x} in {shown!r}")
        ) from error
    columns = text.split("\t")
    if len(columns) not in (2, 3) or not all(column.strip() for column in columns[:2]):
        raise BrokenFile(
            _told(
                path,
                number,
                "should be English, a tab and Spanish (and, in newer files, a tab and the "
                f"authors); it is {text[:60]!r}",
            )
        )
    if "\0" in text or "\ufffd" in text:
        raise BrokenFile(_told(path, number, f"holds damaged letters: {text[:60]!r}"))
    if _TWICE_ENCODED.search(columns[1]):
        raise BrokenFile(_told(path, number, f"was encoded twice: {columns[1][:60]!r}"))
    return SentencePair(columns[0], columns[1])


def _told(path: Path, number: int | None, problem: str) -> str:
    place = f"{path}" if number is None else f"{path}, line {number:,},"
    return (
        f"{place} {problem}. What to do: delete the file and run `workbook fetch tatoeba` again, "
        "or put an intact one in its place."
    )
