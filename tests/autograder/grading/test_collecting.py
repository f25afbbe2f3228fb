"""Submissions, found in a folder as real classes fill it."""

import codecs
import copy
import json
import os
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_output

from autograder.grading.collecting import Problem, Submission, collect, expected, submitted_folder
from autograder.grading.reading import Unreadable, read, write
from autograder.lessons.release import write_notebook
from tests.autograder.grading.conftest import FILE, NAME
from tests.autograder.quick_judge import RIGHT, WRONG
from tests.autograder.small_lesson import LESSON, answered, by_grade_id
from workbook.home import lessons_folder
from workbook.syllabus import lesson as find_lesson

OTHER = find_lesson(3)


@pytest.fixture
def found(course):
    """What is found for the lesson, by student; each student once."""

    def find(lessons=(LESSON,)):
        everything = list(collect(submitted_folder(), lessons))
        by_student = {each.student: each for each in everything}
        assert len(by_student) == len(everything)
        return by_student

    return find


def softmax(submission):
    return by_grade_id(submission.notebook, "softmax-answer").source


def as_bytes(released, **answers):
    return json.dumps(answered(released, **answers)).encode()


def refused(found, student="ana"):
    each = found()[student]
    assert isinstance(each, Problem)
    return each.message


# ---- names and places --------------------------------------------------------------------------


def test_a_submission_in_its_place_needs_no_words(hand_in, found):
    hand_in("ana", softmax=RIGHT)
    submission = found()["ana"]
    assert (submission.notes, submission.timestamp) == ((), None)
    assert submission.place == f"ana/{NAME}/{FILE}"
    assert softmax(submission) == RIGHT


@pytest.mark.parametrize(
    "place",
    [
        f"{NAME}/{NAME} (1).ipynb",
        f"{NAME}/homework.ipynb",
        f"{NAME}/{NAME}-Copy1.ipynb",
        f"{NAME}/{NAME}.ipynb.txt",
        f"{NAME}/{NAME}.IPYNB",
        f"{NAME}/{NAME}/{FILE}",
        FILE,
        "Downloads/final_FINAL.ipynb",
        f"{OTHER.name}/{OTHER.name}.ipynb",
    ],
)
def test_a_wrong_name_or_place_is_told_and_graded(hand_in, found, place):
    hand_in("ana", place, softmax=RIGHT)
    submission = found()["ana"]
    assert softmax(submission) == RIGHT
    assert len(submission.notes) == 1
    assert place in submission.notes[0]


def test_of_two_attempts_the_later_counts_and_the_other_is_named(hand_in, found):
    hand_in("ana", softmax=WRONG, at=1_000_000)
    hand_in("ana", f"{NAME}/{NAME} (1).ipynb", softmax=RIGHT, at=2_000_000)
    submission = found()["ana"]
    assert softmax(submission) == RIGHT
    assert f"not ana/{NAME}/{FILE}" in submission.notes[-1]


def test_of_attempts_of_the_same_time_the_rightly_named_counts(hand_in, found):
    hand_in("ana", softmax=RIGHT, at=1_000_000)
    hand_in("ana", f"{NAME}/{NAME} (1).ipynb", softmax=WRONG, at=1_000_000)
    assert softmax(found()["ana"]) == RIGHT


def test_a_folder_without_a_notebook_is_told(hand_in, found):
    hand_in("ana", f"{NAME}/essay.docx", content=b"words")
    hand_in("ben", softmax=RIGHT)
    assert refused(found) == "no notebook in the folder; it holds essay.docx"
    assert softmax(found()["ben"]) == RIGHT


def test_who_handed_in_another_lesson_only_is_not_mentioned(hand_in, found):
    hand_in("ana", f"{OTHER.name}/notes.txt", content=b"")
    assert found() == {}


def test_hidden_files_and_checkpoints_are_not_looked_at(hand_in, found):
    hand_in("ana", softmax=RIGHT, at=1_000_000)
    hand_in("ana", f"{NAME}/.ipynb_checkpoints/{FILE}", softmax=WRONG, at=2_000_000)
    hand_in("ana", f"{NAME}/._{FILE}", content=b"\x00Mac", at=2_000_000)
    assert found()["ana"].notes == ()


def test_a_name_that_is_no_id_is_told(hand_in, found):
    hand_in("Ana Díaz", softmax=RIGHT)
    hand_in("ben", softmax=RIGHT)
    assert "rename the folder" in refused(found, "Ana Díaz")
    assert isinstance(found()["ben"], Submission)


def test_links_are_not_followed(hand_in, found, tmp_path, released):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(as_bytes(released, softmax=RIGHT))
    place = submitted_folder() / "ana" / NAME
    place.mkdir(parents=True)
    (place / FILE).symlink_to(secret)
    assert "is a link, and is not followed" in refused(found)
    (submitted_folder() / "ben").symlink_to(place.parent)
    assert list(found()) == ["ana"]


def test_a_folder_with_a_notebooks_name_and_a_pipe_stop_nothing(hand_in, found):
    hand_in("ben", softmax=RIGHT)
    (submitted_folder() / "ana" / NAME / FILE).mkdir(parents=True)
    place = submitted_folder() / "zoe" / NAME
    place.mkdir(parents=True)
    os.mkfifo(place / FILE)
    assert "no notebook" in refused(found)
    assert "is no file" in refused(found, "zoe")
    assert softmax(found()["ben"]) == RIGHT


def test_a_zip_that_was_handed_in_is_read_where_it_lies(found, released, course):
    submitted_folder().mkdir()
    for student, content in (("ana", as_bytes(released, softmax=RIGHT)), ("ben", b"not JSON")):
        with zipfile.ZipFile(submitted_folder() / f"{student}-{NAME}.zip", "w") as archive:
            archive.writestr(f"{student}/{NAME}/{FILE}", content)
    (submitted_folder() / f"zoe-{NAME}.zip").write_bytes(b"PK\x03\x04 and nothing more")
    assert softmax(found()["ana"]) == RIGHT
    assert "is not JSON" in refused(found, "ben")
    assert "is a broken zip" in refused(found, "zoe")


def test_a_time_of_submission_is_taken_along(hand_in, found):
    path = hand_in("ana", softmax=RIGHT)
    (path.parent / "timestamp.txt").write_text("2027-03-02 23:59:00 UTC\n")
    assert found()["ana"].timestamp == "2027-03-02 23:59:00 UTC"


def test_an_empty_or_missing_folder_holds_nobody(course, found):
    assert found() == {}
    submitted_folder().mkdir()
    assert found() == {}


def test_how_many_seem_to_be_there(hand_in, course):
    hand_in("ana", softmax=RIGHT)
    hand_in("ben", content=b"broken")
    hand_in("ben", f"{OTHER.name}/x.ipynb", softmax=RIGHT)
    assert expected(submitted_folder(), [LESSON, OTHER]) == {
        LESSON: {"ana", "ben"},
        OTHER: {"ben"},
    }


# ---- content -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"   \n", "is empty"),
        (b"{'cells': []}", "is not JSON"),
        (b'{"cells": [', "is not JSON"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"PK\x03\x04....", "an archive with another ending"),
        (b'{\n<<<<<<< HEAD\n"a": 1\n=======\n>>>>>>> mine\n}', "an unfinished git merge"),
        (b"\xff\xfe\x00", "is not text in UTF-8"),
        (b"\x89PNG", "is not text in UTF-8"),
        (b"[]", "its JSON is not an object"),
        (b"{}", "it has no cells"),
        (b'{"nbformat": "four", "cells": []}', "its format is 'four'"),
        (b'{"nbformat": 3, "worksheets": 7}', "in notebook format 3 and broken"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_notebook_is_told_and_costs_nobody_else_anything(hand_in, found, content, says):
    hand_in("ana", content=content)
    hand_in("ben", softmax=RIGHT)
    message = refused(found)
    assert says in message
    assert f"ana/{NAME}/{FILE}" in message
    assert softmax(found()["ben"]) == RIGHT


def test_a_broken_attempt_beside_a_good_one_is_mentioned(hand_in, found):
    hand_in("ana", softmax=RIGHT)
    hand_in("ana", f"{NAME}/{NAME} (1).ipynb", content=b"<html>")
    submission = found()["ana"]
    assert softmax(submission) == RIGHT
    assert "a web page" in submission.notes[-1]


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, "utf-16", "utf-32"])
def test_a_byte_order_mark_is_nothing(hand_in, found, released, mark):
    text = as_bytes(released, softmax=f"{RIGHT}  # ñ").decode()
    content = text.encode(mark) if isinstance(mark, str) else mark + text.encode()
    hand_in("ana", content=content)
    assert softmax(found()["ana"]) == f"{RIGHT}  # ñ"
    assert found()["ana"].notes == ()


def test_windows_line_ends_are_unix_line_ends(hand_in, found, released):
    notebook = answered(released, softmax=f"one = 1\n{RIGHT}")
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", "\r\n")
    hand_in("ana", content=json.dumps(notebook, indent=1).replace("\n", "\r\n").encode())
    submission = found()["ana"]
    assert softmax(submission) == f"one = 1\n{RIGHT}"
    assert submission.notes == ()


def test_sources_in_lines_are_texts(hand_in, found, released):
    hand_in("ana", content=nbformat.writes(answered(released, softmax=f"a = 1\n{RIGHT}")).encode())
    assert softmax(found()["ana"]) == f"a = 1\n{RIGHT}"


def test_notebook_format_3_is_read(hand_in, found, released):
    old = nbformat.convert(answered(released, softmax=RIGHT), 3)
    hand_in("ana", content=json.dumps(old).encode())
    assert softmax(found()["ana"]) == RIGHT


def test_outputs_of_fifty_megabytes_are_left_where_they_are(hand_in, found, released):
    notebook = answered(released, softmax=RIGHT)
    big = new_output("stream", name="stdout", text="x" * 50 * 2**20)
    by_grade_id(notebook, "softmax").outputs = [big]
    hand_in("ana", content=json.dumps(notebook).encode())
    submission = found()["ana"]
    assert softmax(submission) == RIGHT
    assert len(write(submission.notebook)) < 100_000


def test_another_lessons_notebook_is_not_this_lessons(course, hand_in, found, released):
    other = copy.deepcopy(released)
    for cell in other.cells:
        told = cell.metadata.get("nbgrader")
        if told:
            told["grade_id"] = f"other-{told['grade_id']}"
    write_notebook(other, lessons_folder() / OTHER.name / f"{OTHER.name}.ipynb")
    hand_in("ana", content=json.dumps(other).encode())
    assert refused(found) == f"ana/{NAME}/{FILE} holds {OTHER.name}"
    submission = found((OTHER,))["ana"]
    assert submission.lesson == OTHER
    assert submission.notes == (f"ana/{NAME}/{FILE} is named after {NAME}, and holds {OTHER.name}",)


def test_a_notebook_of_no_lesson_is_told_and_its_name_believed(hand_in, found):
    content = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []})
    hand_in("ana", content=content.encode())
    assert "its name was believed" in found()["ana"].notes[0]
    hand_in("ben", "x.ipynb", content=content.encode())
    hand_in("ben", f"{NAME}/nothing.txt", content=b"")
    assert "holds no lesson's cells" in refused(found, "ben")


def test_an_older_release_is_told_and_graded(hand_in, found, released):
    notebook = answered(released, softmax=RIGHT)
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and not cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = f"An older text. {cell.source}"
    hand_in("ana", content=json.dumps(notebook).encode())
    submission = found()["ana"]
    assert softmax(submission) == RIGHT
    assert "was made from another release" in submission.notes[0]


def test_deleted_exercises_and_cells_out_of_order_are_put_right(hand_in, graded, released):
    notebook = answered(released, softmax=RIGHT, attend=RIGHT)
    notebook.cells.reverse()
    hand_in("ana", content=json.dumps(notebook).encode())
    shorter = answered(released, softmax=RIGHT)
    shorter.cells = [cell for cell in shorter.cells if "attend" not in cell["id"]]
    hand_in("ben", content=json.dumps(shorter).encode())
    outcomes = graded()
    assert outcomes["ana"].score == 8.5
    assert outcomes["ben"].score == 5.0
    assert "attend: the cell was missing and has been put back" in outcomes["ben"].notes


@pytest.mark.parametrize(
    "cell", [3, "text", None, {"cell_type": "code"}, {"cell_type": "code", "source": [1]}]
)
def test_what_is_no_cell_is_left_to_the_rebuilding(cell):
    content = json.dumps({"nbformat": 4, "cells": [cell]}).encode()
    assert len(read(content).cells) == 1


def test_half_a_character_survives_reading_and_writing():
    cell = {"cell_type": "code", "source": "x = '\ud83d'", "metadata": {}}
    notebook = read(json.dumps({"cells": [cell]}).encode())
    assert read(write(notebook)).cells[0].source == "x = '\ud83d'"


def test_what_is_too_large_is_no_notebook(monkeypatch):
    monkeypatch.setattr("autograder.grading.reading.LARGEST", 10)
    with pytest.raises(Unreadable, match="no honest notebook"):
        read(b" " * 11)
