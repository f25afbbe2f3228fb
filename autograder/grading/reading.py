"""A file that should be a notebook, read as leniently as can be: what can be graded is graded.

Outputs are left where they are: nothing that is graded stands in them, and they may be large. So is
whatever other tools add to a notebook: it may be of any size and form.
"""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

LARGEST = 500 * 2**20  # bytes; what isn't a mistake is smaller by far
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TOO_DEEP = "is nested too deeply to be a notebook"
_OF_A_NOTEBOOK = ("kernelspec", "language_info")  # of its metadata
_OF_A_CELL = ("cell_type", "id", "metadata", "source", "attachments")


class Unreadable(ValueError):
    """The file is no notebook; the message says what it is, or what is wrong with it."""


def read_file(path: Path) -> NotebookNode:
    """The notebook in a file. Raises Unreadable for what is none, and OSError."""
    if path.stat().st_size > LARGEST:
        raise Unreadable(f"has more than {LARGEST // 2**20} MB, which is no honest notebook")
    return read(path.read_bytes())


def read(content: bytes) -> NotebookNode:
    """The notebook in a file's bytes, in today's format, without outputs. Raises Unreadable."""
    from nbformat import from_dict

    told = _json(content)
    if not isinstance(told, dict):
        raise Unreadable("is no notebook: its JSON is not an object")
    form = told.get("nbformat", 4)
    if not isinstance(form, int) or form < 1:
        raise Unreadable(f"is no notebook: its format is {form!r}")
    if form < 4:
        told = _upgraded(told, form)
    cells = told.get("cells")
    if not isinstance(cells, list):
        raise Unreadable("is no notebook: it has no cells")
    metadata = told.get("metadata")
    lean = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": _only(_OF_A_NOTEBOOK, metadata) if isinstance(metadata, dict) else {},
        "cells": [_lean(cell) for cell in cells],
    }
    try:
        return from_dict(lean)
    except RecursionError:
        raise Unreadable(_TOO_DEEP) from None


def write(notebook: NotebookNode) -> bytes:
    """The same notebook as JSON, in ASCII."""
    return json.dumps(notebook, ensure_ascii=True).encode()


def _json(content: bytes) -> Any:
    if len(content) > LARGEST:
        raise Unreadable(f"has {len(content) / 2**20:.0f} MB, which is no honest notebook")
    if not content.strip():
        raise Unreadable("is empty")
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return json.loads(content.decode(encoding))
    except UnicodeDecodeError:
        raise Unreadable("is not text in UTF-8") from None
    except RecursionError:
        raise Unreadable(_TOO_DEEP) from None
    except ValueError as error:
        raise Unreadable(f"is not JSON{_what_it_is(content)} ({error})") from None


def _what_it_is(content: bytes) -> str:
    start = content.lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html")):
        return ", but a web page: the notebook itself wasn't downloaded"
    if start.startswith(b"pk\x03\x04"):
        return ", but an archive with another ending"
    if b"<<<<<<< " in content and b">>>>>>> " in content:
        return ": it holds the marks of an unfinished git merge"
    return ""


def _upgraded(told: dict[str, Any], form: int) -> dict[str, Any]:
    """A notebook of an old format, in today's; outputs are taken out first."""
    import nbformat

    for sheet in _dicts(told.get("worksheets")):
        for cell in _dicts(sheet.get("cells")):
            if "outputs" in cell:
                cell["outputs"] = []
    try:
        return nbformat.convert(nbformat.from_dict(told), 4)
    except Exception as error:  # whatever a broken file of an old format makes the converter do
        raise Unreadable(f"is in notebook format {form} and broken ({error!r})") from None


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _only(keys: tuple[str, ...], of: dict[str, Any]) -> dict[str, Any]:
    return {key: of[key] for key in keys if key in of}


def _lean(cell: Any) -> Any:
    """A cell without its outputs, its source one text with Unix line ends and whole characters.
    What is no cell stays as it is: `submission.rebuild` leaves it out, and says so."""
    if not isinstance(cell, dict):
        return cell
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if isinstance(source, str):
        source = _whole(source.replace("\r\n", "\n").replace("\r", "\n"))
    lean = _only(_OF_A_CELL, cell) | {"source": source}
    if cell.get("cell_type") == "code":
        lean |= {"outputs": [], "execution_count": None}
    return lean


def _whole(text: str) -> str:
    """The text with a mark where it has half a character: JSON can say that, and no file can."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
