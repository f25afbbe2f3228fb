"""The student's toolbox: their own pieces where they have passed, the course's elsewhere."""

import importlib.util
import os
import subprocess
import sys

import pytest

from workbook import pieces, toolbox
from workbook.toolbox import Badge, BrokenPiece, MissingPiece, borrow, own, passed, piece_file, save

MINE = "def softmax(scores, dim):\n    return 'mine'\n"


def test_nothing_has_passed_at_first(own_toolbox):
    assert passed() == set()
    assert not own_toolbox.exists()
    with pytest.raises(FileNotFoundError, match="softmax hasn't passed its check yet"):
        own("softmax")


def test_a_saved_piece_is_a_readable_file_and_ones_own(own_toolbox):
    path = save("softmax", MINE)
    assert path == own_toolbox / "softmax.py"
    assert path.read_text(encoding="utf-8") == (
        '"""softmax: written in lesson 02-dot-product-attention and checked there."""\n\n' + MINE
    )
    assert passed() == {"softmax"}
    assert own("softmax")(None, 0) == "mine"


def test_ones_own_piece_is_imported_without_a_badge(capsys):
    save("softmax", MINE)
    from workbook.toolbox import softmax

    assert softmax(None, 0) == "mine"
    assert capsys.readouterr().out == ""


def test_a_piece_that_has_not_passed_is_the_courses_with_a_badge(capsys):
    from workbook.toolbox import attend

    assert attend is pieces.attend
    assert capsys.readouterr().out == (
        "[borrowed] attend is the course's; yours is made in lesson 02.\n"
    )


def test_borrowing_on_purpose_gives_the_courses_even_so(capsys):
    save("softmax", MINE)
    assert borrow("softmax") is pieces.softmax
    assert "[borrowed] softmax" in capsys.readouterr().out


def test_the_badge_says_the_same_in_html():
    badge = Badge("GPT")
    assert repr(badge) == "[borrowed] GPT is the course's; yours is made in lesson 08."
    assert "borrowed</span> <code>GPT</code> is the course's; yours is made in lesson 08." in (
        badge._repr_html_()
    )


def test_a_name_that_is_no_piece_is_refused():
    for ask in (piece_file, borrow, own, lambda name: save(name, MINE)):
        with pytest.raises(KeyError, match="'sofmax' is not a piece"):
            ask("sofmax")
    with pytest.raises(AttributeError, match="no attribute 'sofmax'"):
        _ = toolbox.sofmax
    with pytest.raises(ImportError):
        from workbook.toolbox import sofmax  # noqa: F401


@pytest.fixture
def unwritten(monkeypatch):
    """A piece whose lesson the course doesn't have yet."""
    real = importlib.util.find_spec

    def find_spec(name, package=None):
        return None if name == "workbook.pieces.gpt" else real(name, package)

    monkeypatch.setattr(pieces, "find_spec", find_spec)
    monkeypatch.delitem(vars(pieces), "GPT", raising=False)
    return "GPT"


def test_a_piece_that_the_course_does_not_have_yet_is_told_with_its_lesson(unwritten):
    told = "the course's GPT is not here: it comes with lesson 08-gpt"
    with pytest.raises(MissingPiece, match=told):
        borrow(unwritten)
    with pytest.raises(ImportError, match=told):
        from workbook.toolbox import GPT  # noqa: F401


def test_ones_own_piece_counts_where_the_course_has_none(unwritten):
    save(unwritten, "class GPT:\n    pass\n")
    from workbook.toolbox import GPT

    assert GPT is own("GPT")
    assert "GPT" in dir(toolbox)


def test_the_pieces_there_are_are_listed(unwritten):
    assert "GPT" not in dir(toolbox)
    assert {"softmax", "borrow", *dir(pieces)} <= set(dir(toolbox))


def test_a_file_that_is_no_piece_does_not_count(own_toolbox):
    own_toolbox.mkdir()
    (own_toolbox / "helper.py").write_text("x = 1")
    (own_toolbox / "attend.py").mkdir()
    assert passed() == set()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def softmax(", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("def sofmax(): ...", "AttributeError"),
        ("\0", "SyntaxError"),
    ],
)
def test_a_broken_file_says_what_to_do(own_toolbox, source, why):
    own_toolbox.mkdir()
    (own_toolbox / "softmax.py").write_text(source)
    with pytest.raises(BrokenPiece, match=f"softmax.py doesn't give a softmax \\({why}") as broken:
        own("softmax")
    assert "Run the check of softmax in lesson 02-dot-product-attention again" in str(broken.value)
    with pytest.raises(BrokenPiece):
        from workbook.toolbox import softmax  # noqa: F401


def test_a_piece_that_was_mended_after_breaking_loads():
    save("softmax", "1 / 0")
    with pytest.raises(BrokenPiece):
        own("softmax")
    save("softmax", MINE)
    assert own("softmax")(None, 0) == "mine"


def test_a_file_is_loaded_once_and_anew_when_it_changes(monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    save("softmax", MINE)
    first = own("softmax")
    assert own("softmax") is first
    save("softmax", MINE.replace("mine", "best"))  # as long as before, within the same second
    assert own("softmax")(None, 0) == "best"
    assert first(None, 0) == "mine"


def test_loading_leaves_no_other_files(own_toolbox, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    save("softmax", MINE)
    own("softmax")
    assert [path.name for path in own_toolbox.iterdir()] == ["softmax.py"]


def test_each_toolbox_has_its_own_pieces(tmp_path, monkeypatch):
    save("softmax", MINE)
    monkeypatch.setenv("WORKBOOK_TOOLBOX", str(tmp_path / "other"))
    assert passed() == set()
    save("softmax", MINE.replace("mine", "theirs"))
    assert own("softmax")(None, 0) == "theirs"


def test_a_piece_may_use_another_from_the_toolbox(capsys):
    save("softmax", MINE)
    save(
        "attend",
        "from workbook.toolbox import softmax\n\n\ndef attend():\n    return softmax(0, 0)\n",
    )
    assert own("attend")() == "mine"


def test_a_failed_save_leaves_the_old_piece(monkeypatch):
    save("softmax", MINE)

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            save("softmax", "def softmax(")
    assert own("softmax")(None, 0) == "mine"
    assert [path.name for path in piece_file("softmax").parent.iterdir()] == ["softmax.py"]


def test_a_class_of_the_toolbox_knows_where_it_comes_from():
    save("SelfAttention", "class SelfAttention:\n    pass\n")
    assert own("SelfAttention").__module__ == "toolbox.SelfAttention"


def test_importing_the_toolbox_brings_no_plots_and_no_widgets():
    program = (
        "import sys, workbook.toolbox\n"
        "heavy = {'matplotlib', 'ipywidgets', 'transformers', 'tokenizers', 'IPython', 'torch'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
