"""What went wrong while setting up, in a sentence, and what to do about it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

SHOWN_LINES = 8
SHOWN_WIDTH = 200


class SetupFailure(Exception):
    """A step of the set-up that can't go on.

    `problem` says what is wrong, `remedy` what to do, `lines` are the log's last useful lines.
    `offline` is true where nothing but the network is missing, `usable` where an environment from
    before is still there and works.
    """

    def __init__(
        self, problem: str, remedy: str, lines: Sequence[str] = (), offline: bool = False
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.lines = tuple(lines)
        self.offline = offline
        self.usable = False


@dataclass(frozen=True)
class Cause:
    """A known cause of failure: what its lines in a log look like, and what to say."""

    pattern: re.Pattern[str]
    problem: str
    remedy: str
    offline: bool = False


def _cause(pattern: str, problem: str, remedy: str, offline: bool = False) -> Cause:
    return Cause(re.compile(pattern, re.IGNORECASE), problem, remedy, offline)


# In this order: a full disk or a refused certificate also makes pip say that it found no version.
CAUSES: tuple[Cause, ...] = (
    _cause(
        r"no space left on device|errno 28\b|not enough space on the disk|winerror 112|"
        r"disk quota exceeded|errno 122\b",
        "the disk is full.",
        "free some space and run the same command again. If it is the folder for temporary files "
        "that is small, set TMPDIR (Windows: TEMP) to one with room.",
    ),
    _cause(
        r"certificate_verify_failed|certificate verify failed|sslcertverificationerror",
        "the connection's certificate was refused: a proxy of your school or company is reading "
        "the traffic.",
        "ask for its certificate file, then run  pip config set global.cert FILE  and the same "
        "command again.",
    ),
    _cause(
        r"name resolution|getaddrinfo failed|name or service not known|nodename nor servname|"
        r"network is unreachable|no route to host|newconnectionerror|connecttimeouterror|"
        r"read timed out|readtimeouterror|proxyerror|cannot connect to proxy|"
        r"connection refused|connection reset|connectionreseterror|protocolerror|"
        r"connection broken|incompleteread|max retries exceeded|nameresolutionerror",
        "the packages can't be fetched: the network doesn't answer.",
        "connect to the internet and run the same command again. It is needed once; afterwards "
        "the course works without. (Behind a proxy, set HTTPS_PROXY first.)",
        offline=True,
    ),
    _cause(
        r"these packages do not match the hashes|hashes are required",
        "a package arrived damaged.",
        "run the same command again; if it says so twice, run  python -m pip cache purge  first.",
    ),
    _cause(
        r"winerror 206|enable-long-paths|long path support",
        "a path is too long for Windows.",
        "move the course to a short folder such as C:\\workbook, or switch on Windows' support "
        "for long paths, and run the same command again.",
    ),
    _cause(
        r"because it contains the path separator",
        "the folder's name contains a colon, which no Python environment can live under.",
        "rename the folder and run the same command again.",
    ),
    _cause(
        r"ensurepip is not|no module named '?ensurepip|no module named '?venv",
        "this Python can't make environments: its `venv` or `ensurepip` module is missing.",
        "on Debian and Ubuntu:  sudo apt install python3-venv  ; elsewhere install Python from "
        "python.org. Then run the same command again.",
    ),
    _cause(
        r"no matching distribution found|is not a supported wheel|requires a different python",
        "a package has no build for this Python and this machine.",
        "use Python 3.11, 3.12 or 3.13 (64 bits) on Linux, Windows or an Apple-silicon Mac; "
        "the lines below name the package.",
    ),
    _cause(
        r"permission denied|winerror 5\b|access is denied|read-only file system|errno 30\b",
        "a file can't be written.",
        "close every JupyterLab that runs from this folder, make sure that the folder is yours "
        "to write in, and run the same command again.",
    ),
)

_NOISE = re.compile(
    r"^\s*$|^\[notice\]|^requirement already satisfied|^looking in |^ignoring |"
    r"^collecting |^\s*downloading |^\s*using cached|is ignored: it is neither",
    re.IGNORECASE,
)


def useful(lines: Sequence[str], count: int = SHOWN_LINES) -> list[str]:
    """The last `count` lines that say something, each cut to a width that can be read."""
    kept = [line.rstrip() for line in lines if not _NOISE.search(line)]
    return [_cut(line) for line in kept[-count:]]


def _cut(line: str) -> str:
    # Anywhere, not between words: a path or an address alone may be wider than what is shown.
    ending = " ..."
    return line if len(line) <= SHOWN_WIDTH else line[: SHOWN_WIDTH - len(ending)] + ending


def explain(what: str, lines: Sequence[str]) -> SetupFailure:
    """The failure behind a command's output; `what` is what was being done, for an unknown one."""
    text = "\n".join(lines)
    for cause in CAUSES:
        if cause.pattern.search(text):
            return SetupFailure(cause.problem, cause.remedy, useful(lines), cause.offline)
    return SetupFailure(
        f"{what} failed.",
        "read the lines below; run the same command again once that is mended. To begin anew, "
        "run  course.py lab --fresh.",
        useful(lines),
    )


def explain_error(what: str, error: OSError) -> SetupFailure:
    """The failure behind an operating system's refusal."""
    winerror = getattr(error, "winerror", None)
    codes = f"[Errno {error.errno}]" + (f" [WinError {winerror}]" if winerror else "")
    return explain(what, [f"{codes} {error}"])
