"""Files written whole or not at all: a reader sees the old one or the new one, never half of
one."""

import os
import secrets
import stat
from pathlib import Path


def write_bytes(path: Path, content: bytes) -> None:
    """Put `content` at `path`, making its folder where there is none.

    A new file may be read by whom the umask lets; one that is replaced keeps its permissions. A
    link is replaced: whoever laid it there doesn't decide what is written over.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = _permissions(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    # Never more than is kept, so that nobody else reads a private file while it is written.
    allowed = 0o666 if kept is None else kept
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, allowed)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        if kept is not None:
            temporary.chmod(kept)  # of which the umask may have taken some
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """The same for text: UTF-8, line ends as they are in `text`."""
    write_bytes(path, text.encode())


def _permissions(path: Path) -> int | None:
    """Those of the file that is there; None for none, for a link, and on Windows, which has no such
    permissions."""
    if os.name != "posix" or path.is_symlink() or not path.exists():
        return None
    return stat.S_IMODE(path.stat().st_mode)
