"""Which protection there is, and what is said where there is none."""

import pytest

from autograder.sandbox import NoSandbox, Sandbox, bubblewrap, choose, remedies
from autograder.sandbox.bubblewrap import Wrapping
from autograder.sandbox.remedies import remedy


@pytest.fixture
def no_bubblewrap(monkeypatch):
    monkeypatch.setattr(bubblewrap, "find", lambda: (None, "bubblewrap is not installed"))


@pytest.mark.parametrize("wanted", ["auto", "bubblewrap"])
def test_this_machine_has_bubblewrap(wanted):
    sandbox = choose(wanted)
    assert sandbox.name.startswith("bubblewrap 0.")
    assert sandbox.wrapping is not None


def test_none_is_only_for_those_who_ask(no_bubblewrap):
    assert choose("none") == Sandbox("none")
    for wanted in ("auto", "bubblewrap"):
        with pytest.raises(NoSandbox, match="sudo apt install bubblewrap") as refused:
            choose(wanted)
        assert 'the sandbox "none" in so many words' in str(refused.value)


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="auto, bubblewrap, none"):
        choose("docker")


def test_where_no_way_works_the_first_failure_is_told(monkeypatch, tmp_path):
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\n[ $1 = --version ] && echo bubblewrap 0.6.1 && exit\n"
        "echo 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    wrapping, trouble = bubblewrap.find.__wrapped__()
    assert wrapping is None
    assert trouble == "bwrap: setting up uid map: Permission denied"


def test_without_the_program_that_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert bubblewrap.find.__wrapped__() == (None, "bubblewrap is not installed")


def wrapping(**changed):
    settings = {"as_root": False, "fresh_proc": True, "nested": False} | changed
    return Wrapping("bwrap", "0.8.0", **settings)


def test_root_gives_each_submission_a_user_and_others_a_namespace():
    root, user = wrapping(as_root=True), wrapping()
    assert root.user() > 2_000_000_000
    assert user.user() is None
    assert "--unshare-user" not in root.command([])
    assert "--unshare-user" in user.command([])


@pytest.mark.parametrize("as_root", [True, False])
def test_every_way_takes_the_network_and_the_processes_away(as_root):
    command = wrapping(as_root=as_root).command(["--ro-bind", "/usr", "/usr"])
    for option in ("--unshare-net", "--unshare-pid", "--unshare-ipc"):
        assert option in command or "--unshare-all" in command
    assert "--die-with-parent" in command
    assert "--as-pid-1" in command
    assert command[-2:] == ["--remount-ro", "/"]


def test_an_older_bubblewrap_gets_no_option_it_does_not_know():
    assert "--disable-userns" in wrapping().command([])
    assert "--disable-userns" not in wrapping(nested=True).command([])
    assert wrapping().command([]).count("--size") == 2
    older = wrapping(sizes=False).command([])
    assert "--size" not in older
    assert older.count("--tmpfs") == wrapping().command([]).count("--tmpfs")


def test_where_proc_is_refused_it_is_covered():
    command = wrapping(fresh_proc=False).command([])
    assert "--proc" not in command
    assert command[command.index("/proc") - 1] == "--tmpfs"


# ---- what to do --------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """`machine(setting=number)` is a Linux machine whose kernel has these settings."""
    for name in ("_APPARMOR", "_CLONE", "_MOST"):
        monkeypatch.setattr(remedies, name, tmp_path / name)
    monkeypatch.setattr(remedies.sys, "platform", "linux")
    monkeypatch.setattr(remedies.platform, "release", lambda: "6.8.0-31-generic")
    monkeypatch.setattr(remedies, "_is_container", lambda: False)
    monkeypatch.setattr(remedies.os, "geteuid", lambda: 1000)

    def make(**settings):
        for name, number in settings.items():
            (tmp_path / name).write_text(f"{number}\n")

    return make


DENIED = "bwrap: setting up uid map: Permission denied"


def test_ubuntus_rule_gets_a_profile(machine):
    machine(_APPARMOR=1)
    said = remedy(DENIED)
    assert "/etc/apparmor.d/bwrap" in said
    assert "userns," in said
    assert "kernel.apparmor_restrict_unprivileged_userns=0" in said


def test_debians_switch_and_the_number_of_namespaces(machine):
    machine(_APPARMOR=0, _CLONE=0)
    assert "kernel.unprivileged_userns_clone=1" in remedy(DENIED)
    machine(_CLONE=1, _MOST=0)
    assert "user.max_user_namespaces" in remedy(DENIED)


def test_containers_are_told_docker_s_flags(machine, monkeypatch):
    monkeypatch.setattr(remedies, "_is_container", lambda: True)
    assert "--security-opt seccomp=unconfined" in remedy(DENIED)


def test_wsl_1_is_told_of_wsl_2(machine, monkeypatch):
    monkeypatch.setattr(remedies.platform, "release", lambda: "4.4.0-19041-Microsoft")
    assert "wsl --set-version" in remedy(DENIED)


def test_other_systems_are_told_of_linux(machine, monkeypatch):
    monkeypatch.setattr(remedies.sys, "platform", "darwin")
    assert "WSL 2" in remedy("bubblewrap is not installed")


def test_files_that_only_root_can_read_are_told(machine, monkeypatch):
    monkeypatch.setattr(remedies.os, "geteuid", lambda: 0)
    assert "chmod -R o+rX" in remedy("PermissionError: [Errno 13] Permission denied: '/x'")


def test_a_bubblewrap_that_is_too_old_is_told(machine):
    assert "0.5 or newer" in remedy("bwrap: Unknown option --perms")


def test_anything_else_can_be_tried_by_hand(machine):
    assert "bwrap --unshare-all" in remedy("bwrap: something new")
