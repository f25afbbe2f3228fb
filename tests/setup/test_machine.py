"""What a machine is refused for, and how its room and its GPU are judged."""

import shutil
import sys
from collections import namedtuple

import pytest

from workbook.setup import machine
from workbook.setup.failures import SetupFailure


@pytest.fixture
def on(monkeypatch):
    """Pretend to be another machine."""

    def pretend(system, processor="x86_64", bits=64, macos="15.1", libc="glibc"):
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(sys, "maxsize", 2 ** (bits - 1) - 1)
        monkeypatch.setattr(machine.platform, "machine", lambda: processor)
        monkeypatch.setattr(machine.platform, "mac_ver", lambda: (macos, (), ""))
        monkeypatch.setattr(machine.platform, "libc_ver", lambda: (libc, "2.36" if libc else ""))

    return pretend


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"system": "win32", "bits": 32}, "32-bit Python"),
        ({"system": "darwin"}, "Intel Macs"),
        ({"system": "darwin", "processor": "arm64", "macos": "13.6"}, "macOS 13.6, and PyTorch"),
        ({"system": "linux", "libc": "musl"}, "doesn't use glibc"),
    ],
)
def test_a_machine_that_pytorch_has_no_build_for_is_told_so(on, given, problem):
    on(**given)
    with pytest.raises(SetupFailure) as caught:
        machine.require_supported_machine()
    assert problem in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize(
    "given",
    [
        {"system": "linux"},
        {"system": "linux", "processor": "aarch64"},
        {"system": "linux", "libc": ""},  # a Python that doesn't say: pip will
        {"system": "win32", "processor": "AMD64", "libc": ""},
        {"system": "darwin", "processor": "arm64", "macos": "14.0", "libc": ""},
    ],
)
def test_the_usual_machines_are_let_through(on, given):
    on(**given)
    assert machine.require_supported_machine() is None


@pytest.mark.parametrize(("free", "enough"), [(3.0, True), (2.9, False)])
def test_room_is_measured_where_the_course_is(tmp_path, monkeypatch, free, enough):
    usage = namedtuple("usage", "free")
    asked = []

    def disk_usage(folder):
        asked.append(folder)
        return usage(int(free * machine.GIB))

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    if enough:
        machine.require_room(tmp_path, 3 * machine.GIB)
    else:
        with pytest.raises(SetupFailure, match=r"2\.9 GB free; the packages need 3 GB"):
            machine.require_room(tmp_path, 3 * machine.GIB)
    assert asked == [tmp_path]


@pytest.mark.parametrize(
    ("system", "nvidia", "needed"),
    [
        ("linux", True, machine.ROOM_FOR_CUDA),
        ("linux", False, machine.ROOM_FOR_CPU),
        ("win32", True, machine.ROOM_FOR_CPU),
    ],
)
def test_cuda_needs_more_room(monkeypatch, system, nvidia, needed):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(machine, "has_nvidia_driver", lambda: nvidia)
    assert machine.room_needed() == needed


def test_a_driver_is_seen_by_its_program_or_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_NVIDIA_SIGNS", (str(tmp_path / "nvidia0"),))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not machine.has_nvidia_driver()
    (tmp_path / "nvidia0").touch()
    assert machine.has_nvidia_driver()
    (tmp_path / "nvidia0").unlink()
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert machine.has_nvidia_driver()
