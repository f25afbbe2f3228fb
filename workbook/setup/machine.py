"""What this machine offers, asked before anything is downloaded."""

import importlib.util
import platform
import shutil
import sys
from pathlib import Path

from workbook.setup.failures import SetupFailure

GIB = 1024**3
# Measured on Linux: the environment, and beside it the downloads while they are unpacked.
ROOM_FOR_CPU = 3 * GIB
ROOM_FOR_CUDA = 12 * GIB

OLDEST_MACOS = 14  # of the locked PyTorch's builds

_NVIDIA_SIGNS = ("/proc/driver/nvidia/version", "/dev/nvidia0", "/usr/lib/wsl/lib/libcuda.so.1")


def has_nvidia_driver() -> bool:
    """Whether an NVIDIA driver can be seen, under WSL too."""
    return shutil.which("nvidia-smi") is not None or any(
        Path(sign).exists() for sign in _NVIDIA_SIGNS
    )


def room_needed() -> int:
    """Bytes that a first set-up may fill: CUDA's libraries are most of it where there is a GPU."""
    cuda = sys.platform.startswith("linux") and has_nvidia_driver()
    return ROOM_FOR_CUDA if cuda else ROOM_FOR_CPU


def require_environment_makers() -> None:
    """Raise SetupFailure where this Python lacks `venv` or `ensurepip`, which Debian splits off."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        minor = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SetupFailure(
            f"this Python has no `{missing[0]}` module, so it can't make an environment.",
            f"on Debian and Ubuntu:  sudo apt install python3-venv  (or {minor}); elsewhere "
            "install Python from python.org. Then run the same command again.",
        )


def require_supported_machine() -> None:
    """Raise SetupFailure where PyTorch has no build for this machine."""
    machine = platform.machine().lower()
    if sys.maxsize < 2**32:
        raise SetupFailure(
            "this is a 32-bit Python, and PyTorch needs a 64-bit one.",
            "install the 64-bit Python from python.org and run the same command with it.",
        )
    if sys.platform == "darwin" and machine == "x86_64":
        raise SetupFailure(
            "this Python is built for Intel Macs, and PyTorch has no build for them since 2.3.",
            "on an Apple-silicon Mac, install Python for Apple silicon from python.org and run "
            "the same command with it; on an Intel Mac, use another machine or a Linux container.",
        )
    if sys.platform == "darwin" and int(platform.mac_ver()[0].split(".")[0] or 0) < OLDEST_MACOS:
        raise SetupFailure(
            f"this is macOS {platform.mac_ver()[0]}, and PyTorch needs macOS {OLDEST_MACOS}.",
            f"update macOS to {OLDEST_MACOS} or newer and run the same command again.",
        )
    if sys.platform.startswith("linux") and platform.libc_ver()[0] not in ("glibc", ""):
        raise SetupFailure(
            "this Linux doesn't use glibc, and PyTorch has no build for it.",
            "use a Debian, Ubuntu, Fedora or similar machine or container.",
        )


def require_room(folder: Path, needed: int) -> None:
    """Raise SetupFailure where the disk of `folder` has less than `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupFailure(
            f"the disk has {free / GIB:.1f} GB free; the packages need {needed / GIB:.0f} GB "
            "while they are installed.",
            f"free some space on the disk of {folder}, or move the course to a larger one, and "
            "run the same command again.",
        )
