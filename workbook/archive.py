"""A zip file that is the same, byte for byte, whenever the same files go in."""

import os
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that the format knows
_UNIX = 3


def write_zip(target: Path, entries: Iterable[tuple[str, bytes]]) -> int:
    """Write `(name, content)` entries to `target` in the order given; how many there were.

    The file appears whole or not at all. Raises OSError where the folder can't be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    count = 0
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            for name, content in entries:
                entry = zipfile.ZipInfo(name, _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                entry.create_system = _UNIX
                archive.writestr(entry, content)
                count += 1
        os.chmod(temporary, 0o644)  # mkstemp's is for the owner alone
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return count
