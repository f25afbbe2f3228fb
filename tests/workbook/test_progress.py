"""What counts is what can be written: every lesson that was released can be finished."""

import pytest

from tests.setup.conftest import make_lesson
from workbook.progress import progress
from workbook.syllabus import LESSONS, PIECES
from workbook.toolbox import save

FIRST, SECOND = LESSONS[:2]


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course in which the first two lessons have been released."""
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    for lesson in (FIRST, SECOND):
        make_lesson(tmp_path / "lessons", lesson.name)
    return tmp_path


def test_the_pieces_of_the_released_lessons_count(course):
    reached = progress()
    assert reached.released == (FIRST, SECOND)
    assert reached.pieces == FIRST.pieces + SECOND.pieces
    assert str(reached) == "0 of 12 pieces are yours"


def test_who_has_done_every_lesson_has_every_piece(course):
    for piece in FIRST.pieces + SECOND.pieces:
        save(piece, "")
    assert str(progress()) == "12 of 12 pieces are yours"
    make_lesson(course / "lessons", LESSONS[2].name)
    assert str(progress()) == "12 of 16 pieces are yours"


def test_a_piece_of_ones_own_counts_though_its_lesson_was_not_released(course):
    save("GPT", "")
    reached = progress()
    assert reached.pieces == (*FIRST.pieces, *SECOND.pieces, "GPT")
    assert str(reached) == "1 of 13 pieces are yours"


def test_with_every_lesson_released_all_pieces_count(course):
    for lesson in LESSONS:
        make_lesson(course / "lessons", lesson.name)
    assert progress().pieces == PIECES


def test_without_lessons_nothing_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    assert str(progress()) == "0 of 0 pieces are yours"
