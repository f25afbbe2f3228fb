"""What to do where bubblewrap doesn't work, by what it said and where this is."""

import os
import platform
import sys
from pathlib import Path

_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_CLONE = Path("/proc/sys/kernel/unprivileged_userns_clone")
_MOST = Path("/proc/sys/user/max_user_namespaces")


def remedy(trouble: str) -> str:
    """One or two sentences: what to type, on this machine."""
    if sys.platform != "linux":
        return (
            "bubblewrap is a Linux program: grade on a Linux machine, in a virtual machine, or (on "
            "Windows) in WSL 2."
        )
    if "not installed" in trouble:
        return "install it (Debian, Ubuntu, WSL: sudo apt install bubblewrap)."
    if "Unknown option" in trouble:
        return "bring bubblewrap up to date: it takes 0.5 or newer."
    if "WSL1" in platform.release() or _is_wsl_1():
        return "WSL 1 has no namespaces: in PowerShell, wsl --set-version NAME 2."
    if _is_container():
        return (
            "in Docker, start the container with --security-opt seccomp=unconfined "
            "--security-opt apparmor=unconfined --cap-add SYS_ADMIN; in Kubernetes, give the "
            "pod the same rights, or grade on a virtual machine."
        )
    if _number(_APPARMOR) == 1:
        return (
            "Ubuntu 24.04 keeps unprivileged programs from namespaces. Allow bubblewrap: as root, "
            "write\n"
            "  abi <abi/4.0>,\n"
            "  include <tunables/global>\n"
            "  profile bwrap /usr/bin/bwrap flags=(unconfined) {\n"
            "    userns,\n"
            "  }\n"
            "into /etc/apparmor.d/bwrap and run apparmor_parser -r /etc/apparmor.d/bwrap. (For "
            "all programs, until the next start: sudo sysctl -w "
            "kernel.apparmor_restrict_unprivileged_userns=0.)"
        )
    if _number(_CLONE) == 0:
        return "allow namespaces: sudo sysctl -w kernel.unprivileged_userns_clone=1."
    if _number(_MOST) == 0:
        return "allow namespaces: sudo sysctl -w user.max_user_namespaces=15000."
    if os.geteuid() == 0 and ("Permission" in trouble or "No module" in trouble):
        return (
            "root judges each submission as a user of its own, who has to be able to read Python "
            "and the course: chmod -R o+rX on the folders of both."
        )
    return (
        "see whether bubblewrap works by itself, bwrap --unshare-all --ro-bind / / true: where it "
        "doesn't, what it says is this machine's to mend; where it does, the course would be glad "
        "of a report."
    )


def _is_container() -> bool:
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return True
    return "KUBERNETES_SERVICE_HOST" in os.environ


def _is_wsl_1() -> bool:
    release = platform.release()
    return release.endswith("-Microsoft")


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
