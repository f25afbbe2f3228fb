"""What a process does to itself before it runs a submission's code: nothing of it can be undone.

It is run by a fork of the warm parent (see `parent`) inside bubblewrap, which has taken away the
network, the other processes and nearly all of the disk. A fork adds what is its own: a temporary
folder, shared memory and message queues that end with it, limits, no privilege, and fewer system
calls. It imports nothing heavy, so that it can be tried in a few milliseconds.
"""

import ctypes
import os
import platform
import re
import struct
import sys
from pathlib import Path
from typing import Any

from autograder.channel.bounds import bound

HOME = "/home/student"

_NEW_MOUNTS, _NEW_IPC = 0x00020000, 0x08000000
_NOSUID, _NODEV, _BIND, _RECURSIVE, _PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000
_SET_DUMPABLE, _SET_SECCOMP, _SET_NO_NEW_PRIVILEGES, _AMBIENT = 4, 22, 38, 47
_MOST_FILES = 20_000  # of the temporary folder


class CannotConfine(OSError):
    """A step of the confinement failed; the message names it."""


def confine(limits: dict[str, int], user: int | None) -> list[str]:
    """Confine this process for good. `user` is the number it takes where it is root's.

    Returns what this kernel doesn't give and a submission can be judged without. Raises
    CannotConfine for what it can't.
    """
    _step("mount namespace", _libc().unshare(_NEW_MOUNTS | _NEW_IPC))
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    owner = os.getuid() if user is None else user
    options = f"size={limits['disk_bytes']},nr_inodes={_MOST_FILES},mode=700"
    _mount("tmpfs", HOME, "tmpfs", _NOSUID | _NODEV, options)
    for name, place in (("tmp", "/tmp"), ("shared", "/dev/shm")):
        folder = Path(HOME, name)
        folder.mkdir(mode=0o700)
        os.chown(folder, owner, -1)
        if not any(Path(place).iterdir()):  # the course itself may lie below /tmp
            _mount(str(folder), place, None, _BIND)
    os.chown(HOME, owner, -1)
    bound(limits, _others() if user is None else 0)
    _drop_privileges(user)
    missing = [] if _filter_system_calls() else ["a filter of system calls"]
    os.chdir(HOME)
    return missing


def hide_from_others() -> None:
    """Nobody may trace this process or read its memory, its own user included."""
    _libc().prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def _others() -> int:
    """Processes that count against the limit though they aren't the submission's.

    Since Linux 5.14 a user is counted in each user namespace apart: here, that is the parent.
    Before, all of the user's processes on the machine count, and none of them can be seen.
    """
    release = [int(part) for part in re.findall(r"\d+", platform.release())[:2]]
    return 1 if release >= [5, 14] else 4096


def _drop_privileges(user: int | None) -> None:
    libc = _libc()
    _step("ambient capabilities", libc.prctl(_AMBIENT, 4, 0, 0, 0))
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header = struct.pack("Ii", 0x20080522, 0)
    _step("capabilities", libc.capset(header, bytes(24)))
    _step("no new privileges", libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _step("its own files in /proc", libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0))


# ---- system calls ------------------------------------------------------------------------------

# Numbers of what no lesson needs and attacks do: namespaces, mounts, tracing, keys, kernel
# programs, other processes' memory; on x86-64 and on ARM.
_REFUSED = {
    "x86_64": {
        "ptrace": 101, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161,
        "unshare": 272, "setns": 308, "keyctl": 250, "add_key": 248, "request_key": 249,
        "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "process_vm_readv": 310,
        "process_vm_writev": 311, "open_by_handle_at": 304, "io_uring_setup": 425,
        "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432, "pidfd_getfd": 438,
        "mount_setattr": 442, "init_module": 175, "finit_module": 313, "kexec_load": 246,
        "swapon": 167, "reboot": 169, "sethostname": 170, "acct": 163, "syslog": 103,
        "personality": 135, "modify_ldt": 154,
    },
    "aarch64": {
        "ptrace": 117, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51,
        "unshare": 97, "setns": 268, "keyctl": 219, "add_key": 217, "request_key": 218,
        "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "process_vm_readv": 270,
        "process_vm_writev": 271, "open_by_handle_at": 265, "io_uring_setup": 425,
        "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432, "pidfd_getfd": 438,
        "mount_setattr": 442, "init_module": 105, "finit_module": 273, "kexec_load": 104,
        "swapon": 224, "reboot": 142, "sethostname": 161, "acct": 89, "syslog": 116,
        "personality": 92,
    },
}  # fmt: skip
_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SOCKET = {"x86_64": 41, "aarch64": 198}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW… flag
_FAMILIES = (1, 2, 10, 16)  # Unix, IPv4, IPv6, netlink; virtual machines' sockets know no namespace
_ALLOW, _REFUSE, _NO_SUCH_CALL = 0x7FFF0000, 0x00050001, 0x00050026


def _filter_system_calls() -> bool:
    """Whether the kernel took the filter."""
    machine = platform.machine()
    if machine not in _ARCHITECTURE:
        return False
    program = _program(machine)
    code = ctypes.create_string_buffer(program, len(program))
    form = struct.pack("HP", len(program) // 8, ctypes.addressof(code))
    return _libc().prctl(_SET_SECCOMP, 2, ctypes.c_char_p(form), 0, 0) == 0


def _program(machine: str) -> bytes:
    """The filter in the kernel's bytecode: (operation, skip if true, skip if false, operand)."""
    load, equal, least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06
    number, architecture, first_argument = 0, 4, 16
    lines: list[tuple[int, int, int, int]] = [
        (load, 0, 0, architecture),
        (equal, 1, 0, _ARCHITECTURE[machine]),
        (give, 0, 0, _REFUSE),  # the 32-bit calls, whose numbers are others
        (load, 0, 0, number),
        (least, 0, 1, 0x40000000),  # x32
        (give, 0, 0, _REFUSE),
        (equal, 0, 1, _CLONE3),  # its flags lie in memory; the C library falls back on clone
        (give, 0, 0, _NO_SUCH_CALL),
    ]
    for call in _REFUSED[machine].values():
        lines += [(equal, 0, 1, call), (give, 0, 0, _REFUSE)]
    lines += [
        (equal, 0, 4, _CLONE[machine]),
        (load, 0, 0, first_argument),
        (any_bit, 0, 1, _NEW_NAMESPACES),
        (give, 0, 0, _REFUSE),
        (give, 0, 0, _ALLOW),
        (equal, 0, len(_FAMILIES) + 2, _SOCKET[machine]),
        (load, 0, 0, first_argument),
    ]
    for place, family in enumerate(_FAMILIES):
        lines.append((equal, len(_FAMILIES) - place, 0, family))
    lines += [(give, 0, 0, _REFUSE), (give, 0, 0, _ALLOW)]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


# ---- the C library -----------------------------------------------------------------------------


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _mount(source: str | None, place: str, kind: str | None, flags: int, options: str = "") -> None:
    texts = [None if text is None else text.encode() for text in (source, place, kind)]
    done = _libc().mount(*texts, ctypes.c_ulong(flags), options.encode() or None)
    _step(f"mount on {place}", done)


def _step(what: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise CannotConfine(number, f"{what}: {os.strerror(number)}")


def _trial(user: int | None) -> None:
    limits = {"memory_bytes": 2**30, "disk_bytes": 2**20, "open_files": 64, "processes": 8}
    missing = confine(limits, user)
    Path(HOME, "tmp", "written").write_text("its own")
    for needed in (sys.prefix, sys.base_prefix, str(Path(__file__).parent)):
        os.listdir(needed)
    print("confined", *(f"without {each}" for each in missing))


if __name__ == "__main__":
    _trial(int(sys.argv[1]) if sys.argv[1:] else None)
