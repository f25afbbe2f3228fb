"""JupyterLab, opened at a lesson: which port, which folder, which command."""

import os
import platform
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbook.setup.failures import SetupFailure

HOST = "127.0.0.1"
PORT = 8888
# A folder of JupyterLab settings: without it, its first question is whether to fetch its news.
SETTINGS = Path(__file__).parent / "jupyter"


def is_free(port: int) -> bool:
    """Whether a server can listen on this port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":  # as Jupyter does; on Windows the option would share a taken port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(wanted: int = PORT, tries: int = 100) -> int:
    """The first free port from `wanted` on. Raises SetupFailure after `tries` of them."""
    for port in range(wanted, min(wanted + tries, 65536)):
        if is_free(port):
            return port
    raise SetupFailure(
        f"no port from {wanted} to {min(wanted + tries, 65536) - 1} is free.",
        "close a server that you don't need, or choose another with --port.",
    )


def lab_command(
    python: Path, root: Path, notebook: Path | None, port: int, browser: bool
) -> list[str]:
    """The command that starts JupyterLab for the course in `root`, at `notebook`.

    The served folder is the course's own, as nbgrader's grading page asks for; the file browser
    begins in `work/`. To be run in `root`, where nbgrader looks for nbgrader_config.py.
    """
    command = [
        *(str(python), "-m", "jupyterlab"),
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={root}",
        f"--FileContentsManager.preferred_dir={root / 'work'}",
        "--Application.log_level=WARN",
    ]
    if notebook is not None:
        place = notebook.relative_to(root).as_posix()
        command.append(f"--LabApp.default_url=/lab/tree/{place}")
    if not browser:
        command.append("--ServerApp.open_browser=False")
    elif _browser_lacks_hidden_files():
        command.append("--ServerApp.use_redirect_file=False")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--ServerApp.allow_root=True")
    return command


def become(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> int:
    """Run a program in `folder` in this one's place, so that signals reach it; its exit status.

    Doesn't return where the system can replace a process.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.chdir(folder)
        os.execve(command[0], list(command), dict(variables))
    with subprocess.Popen(list(command), cwd=folder, env=dict(variables)) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the program got it too, and asks or ends by itself
                continue


def _browser_lacks_hidden_files() -> bool:
    """Whether Jupyter's start page in a hidden folder is out of the browser's reach.

    It is under WSL, where the browser is Windows', and in browsers from Ubuntu's snap store.
    """
    if not sys.platform.startswith("linux"):
        return False
    snaps = ("/snap/bin/firefox", "/snap/bin/chromium")
    return "microsoft" in platform.release().lower() or any(Path(snap).exists() for snap in snaps)
