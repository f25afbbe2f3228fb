"""The file a student hands in, up to the place where nbgrader grades it."""

import os
import re
import zipfile

import pytest

from tests.setup.conftest import make_lesson
from workbook import handin
from workbook.handin import NothingToHandIn, hand_in
from workbook.syllabus import LESSONS

LESSON = "01-rnn-recap"
CELLS = {"rnn_step": "raise NotImplementedError", "RNN": "...", "question-1": "YOUR ANSWER"}


@pytest.fixture
def folders(tmp_path):
    make_lesson(tmp_path / "lessons", LESSON, CELLS)
    make_lesson(tmp_path / "work", LESSON, {**CELLS, "rnn_step": "return 1"})
    return tmp_path


def submit(folders, lesson=LESSON, student="ana.diaz"):
    return hand_in(lesson, student, folders / "work", folders / "lessons", folders / "out")


def test_the_file_holds_the_notebook_where_nbgrader_keeps_submissions(folders):
    made = submit(folders)
    assert made.path == folders / "out" / f"ana.diaz-{LESSON}.zip"
    with zipfile.ZipFile(made.path) as archive:
        assert archive.namelist() == [f"ana.diaz/{LESSON}/{LESSON}.ipynb"]
        content = archive.read(archive.namelist()[0])
    assert content == (folders / "work" / LESSON / f"{LESSON}.ipynb").read_bytes()


def test_cells_that_are_as_released_are_named(folders):
    assert submit(folders).unanswered == ("RNN", "question-1")
    assert submit(folders).missing == ()


def test_deleted_cells_are_named(folders):
    make_lesson(folders / "work", LESSON, {"rnn_step": "return 1"})
    assert submit(folders).missing == ("RNN", "question-1")


def test_space_around_a_cell_is_no_answer(folders):
    make_lesson(folders / "work", LESSON, {name: f"\n{text}  \n" for name, text in CELLS.items()})
    assert submit(folders).unanswered == tuple(CELLS)


def test_a_cell_kept_as_a_list_of_lines_is_read_too(folders):
    path = folders / "work" / LESSON / f"{LESSON}.ipynb"
    text = path.read_text().replace('"source": "..."', '"source": [".", ".", "."]')
    path.write_text(text)
    assert "RNN" in submit(folders).unanswered


def test_the_same_notebook_gives_the_same_file(folders):
    first = submit(folders).path.read_bytes()
    os.utime(folders / "work" / LESSON / f"{LESSON}.ipynb", (1_000_000, 1_000_000))
    assert submit(folders).path.read_bytes() == first


def test_a_missing_notebook_is_a_sentence(folders):
    with pytest.raises(NothingToHandIn, match="isn't there"):
        submit(folders, "02-dot-product-attention")
    assert not (folders / "out").exists()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"cells": 3}', '{"cells": ["x"]}', "[" * 100_000],
    ids=["empty", "cut", "list", "number", "text", "deep"],
)
def test_a_broken_notebook_is_a_sentence(folders, content):
    (folders / "work" / LESSON / f"{LESSON}.ipynb").write_text(content)
    with pytest.raises(NothingToHandIn, match="isn't a notebook that can be read"):
        submit(folders)


@pytest.mark.parametrize(
    "student",
    ["", "ana diaz", "../ana", "a/b", "-ana", ".ana", "ana+1", "áña", "a" * 129, "a" * 300],
)
def test_an_id_that_could_not_be_filed_is_refused(folders, student):
    with pytest.raises(NothingToHandIn, match="can't be a student id") as caught:
        submit(folders, student=student)
    assert "begins with a letter or digit" in str(caught.value)
    assert "up to 128" in str(caught.value)


def test_an_id_may_be_as_long_as_the_gradebook_has_room(folders):
    from nbgrader.api import Student

    room = Student.id.property.columns[0].type.length
    assert submit(folders, student="a" * room).path.is_file()
    with pytest.raises(NothingToHandIn):
        submit(folders, student="a" * (room + 1))


def test_a_file_that_could_not_be_finished_leaves_the_one_before(folders, monkeypatch):
    before = submit(folders).path.read_bytes()
    make_lesson(folders / "work", LESSON, {"rnn_step": "return 2"})

    def refuse(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        submit(folders)
    assert [path.name for path in (folders / "out").iterdir()] == [f"ana.diaz-{LESSON}.zip"]
    assert next((folders / "out").iterdir()).read_bytes() == before


def test_nbgrader_collects_the_file(folders):
    from nbgrader.plugins.zipcollect import ExtractorPlugin, FileNameCollectorPlugin

    submit(folders)
    submit(folders, student="li")
    ExtractorPlugin().extract(str(folders / "out"), str(folders / "extracted"))
    collector = FileNameCollectorPlugin(named_regexp=handin.COLLECT_PATTERN)
    found = [collector.collect(str(path)) for path in (folders / "extracted").rglob("*.ipynb")]
    expected = [
        {"student_id": name, "lesson": LESSON, "file_id": LESSON} for name in ("ana.diaz", "li")
    ]
    assert sorted(found, key=str) == expected


@pytest.mark.parametrize("lesson", [lesson.name for lesson in LESSONS])
@pytest.mark.parametrize("slash", ["/", "\\"])
def test_every_lessons_file_is_collected_on_every_system(lesson, slash):
    path = slash.join(["", "class", "extracted", f"ana-{lesson}", "ana", lesson, f"{lesson}.ipynb"])
    match = re.match(handin.COLLECT_PATTERN, path)
    assert match["student_id"] == "ana"
    assert match["file_id"] == lesson


TIMED = "gradebook_nlp_02_ana_attempt_2027-03-03-10-00-00_"
INSIDE = f"ana/{LESSON}/{LESSON}.ipynb"
FORGED = "x_attempt_2020-01-01-00-00-00_"


@pytest.mark.parametrize("slash", ["/", "\\"])
@pytest.mark.parametrize(
    "path",
    [
        f"/class/downloaded/{LESSON}/extracted/{TIMED}ana-{LESSON}/{INSIDE}",
        f"/class/downloaded/{LESSON}/extracted/{TIMED}{FORGED}ana/{INSIDE}",
        f"/class/downloaded/{LESSON}/extracted/{TIMED}ana/{FORGED}/{INSIDE}",
        f"/class/downloaded/{LESSON}/extracted/{TIMED}ana/extracted/{FORGED}/{INSIDE}",
    ],
)
def test_a_time_is_the_platforms_and_not_the_students(path, slash):
    match = re.match(handin.TIMED_COLLECT_PATTERN, path.replace("/", slash))
    assert match["timestamp"] == "2027-03-03-10-00-00"
    assert (match["student_id"], match["file_id"]) == ("ana", LESSON)


def test_without_the_platforms_time_a_students_own_is_none():
    path = f"/class/extracted/{FORGED}ana/{INSIDE}"
    assert "timestamp" not in re.match(handin.COLLECT_PATTERN, path).groupdict()
    assert re.match(handin.TIMED_COLLECT_PATTERN, f"/class/extracted/ana/{INSIDE}") is None
