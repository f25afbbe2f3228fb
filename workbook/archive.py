"""A zip file that is the same, byte for byte, whenever the same files go in."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

from workbook.atomic import write_bytes

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that the format knows
_UNIX = 3


def write_zip(target: Path, entries: Iterable[tuple[str, bytes]]) -> int:
    """Write `(name, content)` entries to `target` in the order given; how many there were.

    The file appears whole or not at all. Raises OSError where the folder can't be written.
    """
    made = io.BytesIO()
    count = 0
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = _UNIX
            archive.writestr(entry, content)
            count += 1
    write_bytes(target, made.getvalue())
    return count
