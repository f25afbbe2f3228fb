"""The course's own environment, `.venv`: where it is, what it holds, and how programs run in it.

What `.venv` is worth is written in `.venv/workbook.json`: "installing" from before its first file
is made until the last package is in, so that an interrupted set-up is recognised, then "ready".
"""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbook.setup.failures import SetupFailure

# Raise it when install.py's steps change, so that existing environments take them again.
VERSION = "1"
# What a level installs: what a student needs, or that and what the tests need.
LOCKS = {"lab": "requirements.lock", "test": "requirements-test.lock"}
# Variables that would let another Python's packages in.
_FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__")
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;]+)", re.MULTILINE)


def pins(lock: Path) -> dict[str, str]:
    """The exact version that a lock file gives each package."""
    return dict(_PIN.findall(lock.read_text(encoding="utf-8")))


def version_of(python: Path) -> str | None:
    """`3.12` for a Python that starts, None for one that doesn't."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [str(python), "-I", "-c", ask], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


@dataclass(frozen=True)
class State:
    """What `.venv/workbook.json` says.

    `made_here` is false for an environment that was there before and was adopted; `keys` gives, for
    each level that is installed, the `Environment.key` it was installed for.
    """

    status: str
    made_here: bool
    root: str
    python: str = ""
    keys: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Environment:
    """The environment of the course in the folder `root`."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / ".venv"

    @property
    def scripts(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    @property
    def python(self) -> Path:
        return self.scripts / ("python.exe" if os.name == "nt" else "python")

    @property
    def log(self) -> Path:
        return self.folder / "setup.log"

    @property
    def state_file(self) -> Path:
        return self.folder / "workbook.json"

    @property
    def state_draft(self) -> Path:
        return self.folder / "workbook.new"

    def lock(self, level: str) -> Path:
        """The file that names the versions of this level. Raises SetupFailure where it is gone."""
        return self._own_file(LOCKS[level])

    def key(self, level: str) -> str:
        """A number for all that an environment of this level depends on."""
        digest = hashlib.sha256(VERSION.encode())
        for path in (self.lock(level), self._own_file("pyproject.toml")):
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def state(self) -> State | None:
        """What is known about `.venv`; None where the course has never worked on it."""
        try:
            return State(**json.loads(self.state_file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):  # not a page of ours: treat the folder as somebody else's
            return State(status="installing", made_here=False, root=str(self.root))

    def write_state(self, state: State) -> None:
        self.state_draft.write_text(json.dumps(vars(state), indent=1) + "\n", encoding="utf-8")
        os.replace(self.state_draft, self.state_file)

    def whole(self, state: State) -> bool:
        """Whether a set-up came to its end here, and its Python still starts."""
        return state.status == "ready" and version_of(self.python) == state.python

    def ready(self, level: str) -> bool:
        """Whether everything of this level is installed, here, as its lock file says now."""
        state = self.state()
        return (
            state is not None
            and state.keys.get(level) == self.key(level)
            and state.root == str(self.root)
            and self.whole(state)
        )

    def variables(self, outside: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment variables of a program that runs in here."""
        kept = {
            name: value
            for name, value in (os.environ if outside is None else outside).items()
            if name not in _FOREIGN
        }
        kept["VIRTUAL_ENV"] = str(self.folder)
        kept["PATH"] = os.pathsep.join([str(self.scripts), kept.get("PATH", os.defpath)])
        kept["PYTHONNOUSERSITE"] = "1"
        return kept

    def _own_file(self, name: str) -> Path:
        path = self.root / name
        if not path.is_file():
            raise SetupFailure(
                f"{name} is missing from {self.root}.",
                "this copy of the course is incomplete: download or clone it again.",
            )
        return path
