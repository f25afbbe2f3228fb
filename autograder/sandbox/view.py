"""What of this machine a submission's process can see: the system, Python, and of the course what a
lesson imports. Everything is read-only, and what is not named here is not there.
"""

import os
import sys
import sysconfig
from pathlib import Path

from workbook.home import datasets_folder, root
from workbook.syllabus import LESSONS, Lesson

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime",
             "timezone", "mime.types", "locale.conf")  # fmt: skip
# How many cores there are; and whether there are large pages, which the C library asks.
_OF_THE_KERNEL = ("/sys/devices/system/cpu", "/sys/kernel/mm/transparent_hugepage")
COURSE = "/course"  # what a submission takes for the course's folder
_OF_THE_AUTOGRADER = ("__init__.py", "channel", "sandbox")


def packages() -> Path:
    """The folder that both packages lie in."""
    return Path(__file__).resolve().parents[2]


def visible(lesson: Lesson) -> list[str]:
    """What is visible, as bubblewrap's arguments."""
    return _with_open_parents(_bound(lesson))


def _with_open_parents(arguments: list[str]) -> list[str]:
    """bubblewrap makes the folders above a place for its own user alone; here, for everybody."""
    # Those that lie in a folder which is bound are there by then, and stay as they are.
    found: list[str] = []
    seen: set[str] = set()
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument.startswith("--") and following.startswith("/"):
            for parent in reversed(Path(following).parents):
                if str(parent) not in seen:
                    seen.add(str(parent))
                    found += ["--perms", "0755", "--dir", str(parent)]
        found.append(argument)
    return found


def _bound(lesson: Lesson) -> list[str]:
    arguments: list[str] = []
    whole: list[str] = []  # folders of which everything can be seen
    for name in _SYSTEM:
        if Path(name).is_symlink():
            arguments += ["--symlink", os.readlink(name), name]
        elif Path(name).is_dir():
            whole.append(name)
            arguments += ["--ro-bind", name, name]
    for name in _SETTINGS:
        arguments += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in _OF_THE_KERNEL:
        arguments += ["--ro-bind-try", name, name]
    for prefix in _prefixes():
        if not any(Path(prefix).is_relative_to(each) for each in _SYSTEM):
            whole.append(prefix)
            arguments += ["--ro-bind", prefix, prefix]
    covered = _houses_in(whole)
    for house in covered:
        arguments += ["--tmpfs", house]
        for prefix in _prefixes():
            if Path(prefix).is_relative_to(house):
                arguments += ["--ro-bind", prefix, prefix]
    arguments += _of_the_course(lesson)
    for house in covered:
        arguments += ["--remount-ro", house]
    return arguments


def _prefixes() -> list[str]:
    return list(dict.fromkeys((sys.base_prefix, sys.base_exec_prefix, sys.prefix)))


def _houses_in(whole: list[str]) -> list[str]:
    """The course's folder, with solutions, submissions and gradebook, where it lies in a folder
    that can be seen, as /usr/src/course does; not where the course was installed beside torch."""
    beside_torch = {
        Path(path).resolve() for path in map(sysconfig.get_path, ("purelib", "platlib"))
    }
    return [
        str(house)
        for house in dict.fromkeys((root(), packages()))
        if house not in beside_torch and any(house.is_relative_to(each) for each in whole)
    ]


def _of_the_course(lesson: Lesson) -> list[str]:
    autograder, workbook = packages() / "autograder", packages() / "workbook"
    # Bytecode lies beside its source, so a whole folder is covered and what is allowed put back.
    arguments = ["--tmpfs", str(autograder)]
    for name in _OF_THE_AUTOGRADER:
        arguments += ["--ro-bind", str(autograder / name), str(autograder / name)]
    arguments += ["--remount-ro", str(autograder), "--ro-bind", str(workbook), str(workbook)]
    pieces = workbook / "pieces"
    hidden = {f"{each.module}.py" for each in LESSONS[lesson.number - 1 :]}
    arguments += ["--tmpfs", str(pieces)]
    for path in sorted(pieces.glob("*.py")):
        if path.name not in hidden:
            arguments += ["--ro-bind", str(path), str(path)]
    arguments += ["--remount-ro", str(pieces)]
    return [*arguments, "--ro-bind-try", str(datasets_folder()), f"{COURSE}/datasets"]
