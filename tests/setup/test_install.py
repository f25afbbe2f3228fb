"""`.venv` in every state it can be found in, and every way in which making it can fail."""

import os
import shutil
import sys
from collections import namedtuple

import pytest

from tests.setup.conftest import make_python
from workbook.setup import install, machine
from workbook.setup.environment import State
from workbook.setup.failures import SetupFailure
from workbook.setup.install import CPU_INDEX, prepare

OFFLINE = (
    1,
    [
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'",
        "ERROR: Could not find a version that satisfies the requirement numpy==2.4.6",
        "ERROR: No matching distribution found for numpy==2.4.6",
    ],
)


class Interrupted:
    """A function that Ctrl-C hits, until it is `over`."""

    def __init__(self, real) -> None:
        self.real, self.over = real, False

    def __call__(self, *arguments, **options):
        if not self.over:
            raise KeyboardInterrupt
        return self.real(*arguments, **options)


def ready(environment, level="lab", python="3.11", **change) -> None:
    """An environment as a finished set-up leaves it."""
    make_python(environment, python)
    state = {
        "status": "ready",
        "made_here": True,
        "root": str(environment.root),
        "python": python,
        "keys": {level: environment.key(level), "lab": environment.key("lab")},
    }
    environment.write_state(State(**{**state, **change}))


def test_a_first_set_up_makes_the_environment_and_says_that_it_is_ready(environment, steps):
    prepare(environment, "lab", steps)
    assert environment.ready("lab")
    assert not environment.ready("test")
    assert environment.state().made_here
    assert "Making .venv" in steps.shown
    assert str(environment.lock("lab")) in steps.pip()[-2]
    assert steps.pip()[-1][-2:] == ["-e", str(environment.root)]


def test_the_course_is_installed_without_asking_any_server(environment, steps):
    prepare(environment, "lab", steps)
    assert {"--no-deps", "--no-build-isolation"} <= set(steps.pip()[-1])


def test_a_second_set_up_runs_nothing(environment, steps):
    prepare(environment, "lab", steps)
    steps.commands.clear()
    prepare(environment, "lab", steps)
    assert steps.commands == []


def test_the_tests_environment_serves_the_lessons_as_well(environment, steps):
    prepare(environment, "test", steps)
    assert environment.ready("lab")
    assert environment.ready("test")


def test_new_lock_files_are_installed_into_the_environment_that_is_there(environment, steps):
    ready(environment)
    (environment.root / "requirements.lock").write_text("torch==2.14.0\n")
    (environment.folder / "mine").touch()
    prepare(environment, "lab", steps)
    assert environment.ready("lab")
    assert (environment.folder / "mine").exists()


def test_an_interrupted_set_up_is_made_anew(environment, steps):
    ready(environment, status="installing")
    leftover = environment.folder / "lib" / "half" / "a file"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    prepare(environment, "lab", steps)
    assert not leftover.exists()
    assert environment.ready("lab")


def test_a_set_up_that_is_killed_at_any_command_is_mended_by_the_next(environment, steps):
    prepare(environment, "lab", steps)
    commands = len(steps.commands)
    for last in range(1, commands + 1):
        shutil.rmtree(environment.folder)
        steps.commands.clear()

        def kill(command, last=last):
            if len(steps.commands) == last:
                raise KeyboardInterrupt

        steps.before = kill
        with pytest.raises(KeyboardInterrupt):
            prepare(environment, "lab", steps)
        assert not environment.ready("lab")
        steps.before = lambda command: None
        prepare(environment, "lab", steps)
        assert environment.ready("lab")


def test_an_interruption_while_clearing_away_is_mended_by_the_next_set_up(
    environment, steps, monkeypatch
):
    ready(environment)
    (environment.folder / "lib").mkdir()
    monkeypatch.setattr(shutil, "rmtree", interrupted := Interrupted(shutil.rmtree))
    with pytest.raises(KeyboardInterrupt):
        prepare(environment, "lab", steps, fresh=True)
    interrupted.over = True
    prepare(environment, "lab", steps)
    assert environment.ready("lab")
    assert environment.state().made_here


def test_clearing_away_keeps_the_page_that_says_whose_the_folder_is(environment, steps):
    ready(environment)
    install._empty(environment)
    assert list(environment.folder.iterdir()) == [environment.state_file]


def test_an_interruption_before_the_first_file_is_mended_by_the_next_set_up(environment, steps):
    environment.folder.mkdir()
    environment.state_draft.write_text("{")
    prepare(environment, "lab", steps)
    assert environment.ready("lab")


def test_an_environment_whose_python_is_gone_is_made_anew(environment, steps):
    ready(environment)
    environment.python.unlink()
    prepare(environment, "lab", steps)
    assert environment.ready("lab")
    assert any("venv" in command for command in steps.commands)


def test_an_environment_whose_python_became_another_version_is_made_anew(environment, steps):
    ready(environment)
    environment.python.write_text("3.13")
    prepare(environment, "lab", steps)
    assert any("venv" in command for command in steps.commands)


def test_fresh_makes_a_working_environment_anew(environment, steps):
    ready(environment)
    prepare(environment, "lab", steps, fresh=True)
    assert any("venv" in command for command in steps.commands)


@pytest.mark.parametrize("fresh", [False, True])
def test_somebody_elses_environment_is_neither_deleted_nor_installed_into(
    environment, steps, fresh
):
    make_python(environment)
    with pytest.raises(SetupFailure, match="wasn't made by this course") as caught:
        prepare(environment, "lab", steps, fresh=fresh)
    assert "rename or delete it" in caught.value.remedy
    assert steps.commands == []
    assert environment.python.exists()


def test_somebody_elses_environment_is_installed_into_when_asked_and_stays_theirs(
    environment, steps
):
    make_python(environment)
    prepare(environment, "lab", steps, adopt=True)
    assert environment.ready("lab")
    assert not environment.state().made_here
    assert not any("venv" in command for command in steps.commands)


def test_an_interruption_in_somebody_elses_environment_deletes_nothing(environment, steps):
    ready(environment, made_here=False, status="installing")
    (environment.folder / "theirs").touch()
    prepare(environment, "lab", steps)
    assert (environment.folder / "theirs").exists()
    assert environment.ready("lab")


def test_somebody_elses_environment_with_an_old_python_is_refused(environment, steps):
    make_python(environment, "3.9")  # as text, 3.9 would come after 3.11
    with pytest.raises(SetupFailure, match=r"no Python 3\.11 or newer"):
        prepare(environment, "lab", steps, adopt=True)


def test_a_moved_environment_has_its_scripts_pointed_at_the_new_place(environment, steps, tmp_path):
    old = str(tmp_path / "old place")
    ready(environment, root=old)
    script = environment.scripts / "jupyter"
    start = f"#!/bin/sh\n'''exec' \"{old}{os.sep}.venv{os.sep}bin{os.sep}python\" \"$0\"\n"
    script.write_text(start)
    (environment.scripts / "program").write_bytes(b"\x7fELF\x00" + old.encode())
    prepare(environment, "lab", steps)
    assert str(environment.folder) in script.read_text()
    assert old not in script.read_text()
    assert old.encode() in (environment.scripts / "program").read_bytes()
    assert environment.ready("lab")


def test_without_a_network_the_first_set_up_says_so(environment, steps):
    steps.answers["requirements.lock"] = OFFLINE
    with pytest.raises(SetupFailure, match="the network doesn't answer") as caught:
        prepare(environment, "lab", steps)
    assert "connect to the internet" in caught.value.remedy
    assert caught.value.offline
    assert not caught.value.usable
    assert caught.value.lines[-1] == OFFLINE[1][-1]
    assert not environment.ready("lab")


def test_an_update_that_fails_before_it_changes_anything_leaves_the_old_packages_usable(
    environment, steps
):
    ready(environment)
    before = environment.state()
    (environment.root / "requirements.lock").write_text("torch==2.14.0\n")
    steps.answers["requirements.lock"] = OFFLINE
    with pytest.raises(SetupFailure) as caught:
        prepare(environment, "lab", steps)
    assert caught.value.usable
    assert environment.state() == before


def test_an_update_that_fails_halfway_is_remembered_as_unfinished(environment, steps):
    ready(environment)
    (environment.root / "requirements.lock").write_text("torch==2.14.0\n")
    full = ["Installing collected packages: torch", "ERROR: [Errno 28] No space left on device"]
    steps.answers["requirements.lock"] = (1, full)
    with pytest.raises(SetupFailure, match="the disk is full") as caught:
        prepare(environment, "lab", steps)
    assert not caught.value.usable
    assert environment.state().status == "installing"


def test_a_full_disk_outside_pip_is_named_too(environment, steps):
    def fill(command):
        raise OSError(28, "No space left on device")

    steps.before = fill
    with pytest.raises(SetupFailure, match="the disk is full"):
        prepare(environment, "lab", steps)


def test_a_folder_that_cannot_be_written_is_named(environment, steps, monkeypatch):
    def refuse(path, *rest, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(install, "turn", refuse)
    with pytest.raises(SetupFailure, match="can't be written") as caught:
        prepare(environment, "lab", steps)
    assert "yours to write in" in caught.value.remedy


def test_too_little_room_is_told_before_anything_is_made(environment, steps, monkeypatch):
    monkeypatch.undo()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(machine, "require_supported_machine", lambda: None)
    monkeypatch.setattr(machine, "has_nvidia_driver", lambda: False)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10, 9, machine.GIB // 2))
    with pytest.raises(SetupFailure, match=r"0\.5 GB free; the packages need 3 GB"):
        prepare(environment, "lab", steps)
    assert not environment.folder.exists()


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_what_to_install(environment, steps, monkeypatch, module):
    find = machine.importlib.util.find_spec
    monkeypatch.setattr(
        machine.importlib.util, "find_spec", lambda name: None if name == module else find(name)
    )
    with pytest.raises(SetupFailure, match=f"no `{module}` module") as caught:
        prepare(environment, "lab", steps)
    assert "sudo apt install python3-venv" in caught.value.remedy
    assert not environment.folder.exists()


def test_venv_failing_by_itself_is_explained(environment, steps):
    line = (
        "The virtual environment was not created successfully because ensurepip is not available."
    )
    steps.answers["venv"] = (1, [line])
    with pytest.raises(SetupFailure, match="can't make environments"):
        prepare(environment, "lab", steps)


def test_a_missing_lock_file_is_named(environment, steps):
    (environment.root / "requirements.lock").unlink()
    with pytest.raises(SetupFailure, match=r"requirements\.lock is missing"):
        prepare(environment, "lab", steps)


def test_pytorchs_cpu_index_is_used_on_linux_without_a_gpu(environment, steps, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    prepare(environment, "lab", steps)
    torch = steps.pip()[0]
    assert torch[-1] == "torch==2.13.0"
    assert torch[torch.index("--extra-index-url") + 1] == CPU_INDEX
    assert not any(CPU_INDEX in arguments for arguments in steps.pip()[1:])


@pytest.mark.parametrize(
    "line",
    [
        "global.index-url='https://packages.example.org/simple'",
        "global.extra-index-url='file:///packages'",
        ":env:.find-links='/wheels'",
        "install.no-index='true'",
        "user.index-url='https://packages.example.org/simple'",
    ],
)
def test_a_pip_with_sources_of_its_own_is_left_alone(environment, steps, monkeypatch, line):
    monkeypatch.setattr(sys, "platform", "linux")
    steps.answers["config"] = (0, [line])
    prepare(environment, "lab", steps)
    assert not any(CPU_INDEX in arguments for arguments in steps.pip())


@pytest.mark.parametrize(
    ("platform", "nvidia"), [("linux", True), ("darwin", False), ("win32", False)]
)
def test_other_machines_take_the_usual_build(environment, steps, monkeypatch, platform, nvidia):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(machine, "has_nvidia_driver", lambda: nvidia)
    prepare(environment, "lab", steps)
    assert not any(CPU_INDEX in arguments for arguments in steps.pip())


def test_what_pip_is_doing_is_shown(environment, steps, monkeypatch):
    notes = []
    real = install._describe
    monkeypatch.setattr(
        install, "_describe", lambda step, *more: (real(step, *more), notes.append(step.note))
    )
    steps.answers["requirements.lock"] = (
        0,
        [
            "Collecting torch==2.13.0 (from -r requirements.lock (line 1))",
            "  Downloading torch-2.13.0-cp311-none-linux.whl (190.5 MB)",
            "WARNING: Retrying (Retry(total=4)) after connection broken",
            "Installing collected packages: torch",
        ],
    )
    prepare(environment, "lab", steps)
    assert notes[:4] == [
        "1 of 3 torch",
        "1 of 3 fetching torch, 190.5 MB",
        "the network doesn't answer, trying again",
        "unpacking",
    ]
