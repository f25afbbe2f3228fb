"""The student's copies: made where they are missing, and never written over."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.setup.conftest import make_lesson
from workbook.setup.lessons import RECORD, copy_lessons, last_edited, lesson_names

FIRST, SECOND = "01-rnn-recap", "02-dot-product-attention"


@pytest.fixture
def lessons(tmp_path):
    for name in (FIRST, SECOND):
        make_lesson(tmp_path / "lessons", name)
    return tmp_path / "lessons"


@pytest.fixture
def work(tmp_path):
    return tmp_path / "work"


def notebook(folder, name=FIRST):
    return folder / name / f"{name}.ipynb"


def test_every_lesson_is_copied_once(lessons, work):
    copies = copy_lessons(lessons, work)
    assert copies.made == [f"{FIRST}/{FIRST}.ipynb", f"{SECOND}/{SECOND}.ipynb"]
    assert notebook(work).read_bytes() == notebook(lessons).read_bytes()
    again = copy_lessons(lessons, work)
    assert (again.made, again.renewed, again.outdated) == ([], [], [])


def test_answers_are_never_written_over(lessons, work):
    copy_lessons(lessons, work)
    notebook(work).write_text("my answers")
    copy_lessons(lessons, work)
    assert notebook(work).read_text() == "my answers"


def test_answers_survive_a_new_release_and_the_student_is_told(lessons, work):
    copy_lessons(lessons, work)
    notebook(work).write_text("my answers")
    make_lesson(lessons, FIRST, {"rnn_step": "a newer exercise"})
    copies = copy_lessons(lessons, work)
    assert notebook(work).read_text() == "my answers"
    assert copies.outdated == [f"{FIRST}/{FIRST}.ipynb"]
    assert copies.renewed == []


def test_a_copy_that_nobody_touched_follows_a_new_release(lessons, work):
    copy_lessons(lessons, work)
    make_lesson(lessons, FIRST, {"rnn_step": "a newer exercise"})
    copies = copy_lessons(lessons, work)
    assert copies.renewed == [f"{FIRST}/{FIRST}.ipynb"]
    assert notebook(work).read_bytes() == notebook(lessons).read_bytes()


@pytest.mark.parametrize("record", [None, "torn {", "[]"])
def test_without_a_record_a_copy_counts_as_answers(lessons, work, record):
    copy_lessons(lessons, work)
    if record is None:
        (work / RECORD).unlink()
    else:
        (work / RECORD).write_text(record)
    before = notebook(work).read_bytes()
    make_lesson(lessons, FIRST, {"rnn_step": "a newer exercise"})
    assert copy_lessons(lessons, work).outdated == [f"{FIRST}/{FIRST}.ipynb"]
    assert notebook(work).read_bytes() == before


def test_a_lesson_that_was_moved_away_is_copied_again(lessons, work):
    copy_lessons(lessons, work)
    (work / FIRST).rename(work / "old answers")
    assert copy_lessons(lessons, work).made == [f"{FIRST}/{FIRST}.ipynb"]
    assert (work / "old answers").is_dir()


def test_a_lessons_other_files_are_copied_and_hidden_ones_are_not(lessons, work):
    (lessons / FIRST / "curve.json").write_text("[]")
    checkpoint = lessons / FIRST / ".ipynb_checkpoints" / "x.ipynb"
    checkpoint.parent.mkdir()
    checkpoint.touch()
    copy_lessons(lessons, work)
    assert (work / FIRST / "curve.json").exists()
    assert not (work / FIRST / ".ipynb_checkpoints").exists()


def test_no_lessons_are_no_error(tmp_path):
    assert copy_lessons(tmp_path / "none", tmp_path / "work").made == []
    assert lesson_names(tmp_path / "none") == []


def test_a_copy_that_fails_leaves_nothing_behind_under_the_lessons_name(lessons, work, monkeypatch):
    def refuse(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        copy_lessons(lessons, work)
    assert not notebook(work).exists()


def test_the_lesson_saved_last_is_found_among_the_changed_ones(lessons, work):
    copy_lessons(lessons, work)
    assert last_edited(lessons, work) is None
    notebook(work, SECOND).write_text("answers to the second")
    assert last_edited(lessons, work) == SECOND
    notebook(work, FIRST).write_text("answers to the first")
    os.utime(notebook(work, SECOND), (1_000_000, 1_000_000))
    assert last_edited(lessons, work) == FIRST


def test_lessons_are_the_courses_folders_with_a_notebook_of_their_name(lessons):
    (lessons / "figures").mkdir()
    (lessons / "README.md").touch()
    (lessons / "03-multi-head-attention").mkdir()
    assert lesson_names(lessons) == [FIRST, SECOND]


@pytest.mark.parametrize("name", ["scratch", "11-my-own", f"{FIRST}-Copy1", "99"])
def test_a_notebook_of_ones_own_is_no_lesson(lessons, work, name):
    copy_lessons(lessons, work)
    make_lesson(work, name, {"rnn_step": "return 1"})
    assert lesson_names(work) == [FIRST, SECOND]
    assert last_edited(lessons, work) is None


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["copy", "answer", "release"]), max_size=8))
def test_in_any_order_of_events_an_answer_stays(tmp_path_factory, events):
    folder = tmp_path_factory.mktemp("course")
    lessons, work, answer = folder / "lessons", folder / "work", None
    make_lesson(lessons, FIRST)
    for number, event in enumerate(events):
        if event == "copy":
            copy_lessons(lessons, work)
        elif event == "release":
            make_lesson(lessons, FIRST, {"rnn_step": f"release {number}"})
        elif notebook(work).exists():
            answer = f"answer {number}"
            notebook(work).write_text(answer)
        if answer is not None:
            assert notebook(work).read_text() == answer


def test_opening_a_lesson_is_no_work_on_it(lessons, work):
    copy_lessons(lessons, work)
    opened = json.loads(notebook(work).read_text())
    opened["metadata"]["language_info"] = {"name": "python", "version": "3.12.1"}
    for cell in opened["cells"]:
        cell["metadata"]["collapsed"] = False
    notebook(work).write_text(json.dumps(opened))
    assert last_edited(lessons, work) is None
    make_lesson(lessons, FIRST, {"rnn_step": "a newer exercise"})
    assert copy_lessons(lessons, work).renewed == [f"{FIRST}/{FIRST}.ipynb"]
