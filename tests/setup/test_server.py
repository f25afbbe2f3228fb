"""JupyterLab's port and command."""

import socket
import sys
from pathlib import Path

import pytest

from workbook.setup import server
from workbook.setup.failures import SetupFailure

ROOT = Path("/somewhere/my course")
NOTEBOOK = ROOT / "work" / "01-rnn-recap" / "01-rnn-recap.ipynb"


@pytest.fixture
def taken():
    """A port of this machine that something listens on."""
    with socket.socket() as listener:
        listener.bind((server.HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_seen(taken):
    assert not server.is_free(taken)


def test_the_port_that_was_asked_for_is_used_when_it_is_free(monkeypatch):
    monkeypatch.setattr(server, "is_free", lambda port: True)
    assert server.free_port(8893) == 8893


def test_the_next_free_port_is_taken(monkeypatch):
    monkeypatch.setattr(server, "is_free", lambda port: port >= 8891)
    assert server.free_port(8888) == 8891


def test_no_free_port_is_a_sentence(monkeypatch):
    monkeypatch.setattr(server, "is_free", lambda port: False)
    with pytest.raises(SetupFailure, match="no port from 65530 to 65535 is free") as caught:
        server.free_port(65530)
    assert "--port" in caught.value.remedy


def options(**change):
    given = {"notebook": NOTEBOOK, "port": 8890, "browser": False, **change}
    return server.lab_command(Path("python"), ROOT, **given)


def test_the_server_serves_the_course_on_this_machine_only_and_opens_the_lesson():
    command = options()
    assert f"--ServerApp.ip={server.HOST}" in command
    assert "--ServerApp.port=8890" in command
    assert f"--ServerApp.root_dir={ROOT}" in command
    assert f"--FileContentsManager.preferred_dir={ROOT / 'work'}" in command
    assert "--LabApp.default_url=/lab/tree/work/01-rnn-recap/01-rnn-recap.ipynb" in command


def test_no_secret_is_on_the_command_line():
    assert not [part for part in options() if "token" in part or "password" in part]


def test_without_a_lesson_jupyterlab_opens_as_it_is():
    assert not [part for part in options(notebook=None) if "default_url" in part]


def test_the_browser_is_opened_unless_told_otherwise():
    assert "--ServerApp.open_browser=False" in options()
    assert "--ServerApp.open_browser=False" not in options(browser=True)


@pytest.mark.skipif(not hasattr(server.os, "geteuid"), reason="Windows has no root")
@pytest.mark.parametrize("user", [0, 1000])
def test_root_is_allowed_as_in_a_container(monkeypatch, user):
    monkeypatch.setattr(server.os, "geteuid", lambda: user)
    assert ("--ServerApp.allow_root=True" in options()) == (user == 0)


def test_under_wsl_the_browser_gets_an_address_and_not_a_hidden_file(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(server.platform, "release", lambda: "5.15.0-microsoft-standard-WSL2")
    assert "--ServerApp.use_redirect_file=False" in options(browser=True)
