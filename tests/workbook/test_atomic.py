"""Files written whole or not at all."""

import os
import stat

import pytest

from workbook.atomic import write_bytes, write_text


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


def test_a_link_is_replaced_and_not_written_through(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("theirs")
    link.symlink_to(target)
    write_text(link, "ours")
    assert target.read_text() == "theirs"
    assert link.read_text() == "ours"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
def test_everybody_may_read_it(tmp_path):
    write_text(tmp_path / "file", "x")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


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
