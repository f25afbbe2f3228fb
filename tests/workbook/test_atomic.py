"""Files written whole or not at all."""

import os
import stat

import pytest

from workbook.atomic import write_bytes, write_text

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")


def test_a_file_and_its_folders_are_made(tmp_path):
    path = tmp_path / "new" / "folder" / "file.txt"
    write_text(path, "él\r\nline\n")
    assert path.read_bytes() == "él\r\nline\n".encode()
    assert [each.name for each in path.parent.iterdir()] == ["file.txt"]


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "file"
    write_bytes(path, b"a long first content")
    write_bytes(path, b"\x00short")
    assert path.read_bytes() == b"\x00short"


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to("target")
    write_text(link, "new")
    assert not link.is_symlink()
    assert link.read_text() == "new"
    assert target.read_text() == "old"


@pytest.fixture
def umask():
    """Sets the umask; what it was before comes back after the test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@posix
@pytest.mark.parametrize(("mask", "left"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_may_be_read_by_whom_the_umask_lets(tmp_path, umask, mask, left):
    umask(mask)
    write_text(tmp_path / "file", "x")
    assert mode(tmp_path / "file") == left


@posix
@pytest.mark.parametrize("kept", [0o600, 0o664, 0o440])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, umask, kept):
    path = tmp_path / "file"
    path.touch()
    path.chmod(kept)
    write_text(path, "new")
    assert (path.read_text(), mode(path)) == ("new", kept)


@posix
def test_a_private_file_is_private_while_it_is_written(tmp_path, umask, monkeypatch):
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o600)
    seen = []
    really = os.fdopen

    def noted(handle, *how):
        seen.append(stat.S_IMODE(os.fstat(handle).st_mode))
        return really(handle, *how)

    monkeypatch.setattr(os, "fdopen", noted)
    write_text(path, "new")
    assert seen == [0o600]


@pytest.mark.parametrize("step", ["fdopen", "replace"])
@pytest.mark.parametrize("trouble", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch, step, trouble):
    path = tmp_path / "file"
    write_text(path, "old")

    class Full:
        def __init__(self, descriptor, mode):
            self.descriptor = descriptor

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            os.close(self.descriptor)

        def write(self, content):
            raise trouble

    def fail(*_):
        raise trouble

    monkeypatch.setattr(os, step, Full if step == "fdopen" else fail)
    with pytest.raises(type(trouble)):
        write_text(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_that_no_file_can_hold_changes_nothing(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half \ud800 a character")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
