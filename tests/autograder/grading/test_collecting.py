"""Submissions, found in a folder as real classes fill it."""

import codecs
import copy
import io
import json
import os
import tracemalloc
import zipfile
from pathlib import Path

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
    hand_in("ana", "plot.png", content=b"")
    hand_in("ben", softmax=RIGHT)
    assert refused(found) == "no notebook in the folder; it holds essay.docx, ana/plot.png"
    assert softmax(found()["ben"]) == RIGHT


def test_who_handed_in_another_lesson_only_is_not_mentioned(hand_in, found):
    hand_in("ana", f"{OTHER.name}/notes.txt", content=b"")
    hand_in("ben", f"{OTHER.name}.pdf", content=b"")
    hand_in("ben", "plot.png", content=b"")
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
    assert found()[""].message == "ben is a link, and is not followed"


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


def put(name, content=b""):
    """A file at the top of the folder."""
    submitted_folder().mkdir(exist_ok=True)
    path = submitted_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def zipped(*entries, method=zipfile.ZIP_DEFLATED):
    """The bytes of a zip of `(name, content)`."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return made.getvalue()


@pytest.fixture
def right(released):
    return as_bytes(released, softmax=RIGHT)


@pytest.mark.parametrize(
    "name",
    [
        f"ana-{NAME}.ZIP",
        f"ana_{NAME}.zip",
        f"ana-{NAME} 2.zip",
        f"ana-{NAME} (1).zip",
        f"ana-{NAME}-1.zip",
        f"ana-{NAME.upper()}.zip",
        f"ana/ana-{NAME}.zip",
        f"ana/{NAME}/homework.zip",
        f"ana/{NAME} (1).zip",
        f"ana-{NAME}.ipynb",
        f"ana_{NAME}.IPYNB",
        f"ana-{NAME}.ipynb.txt",
    ],
)
def test_what_names_its_student_and_lesson_is_taken(found, right, name, course):
    put(name, zipped((f"x/{FILE}", right)) if ".zip" in name.lower() else right)
    submission = found()["ana"]
    assert softmax(submission) == RIGHT
    assert submission.place.startswith(name)
    assert list(found()) == ["ana"]
    canonical = name in (f"ana/ana-{NAME}.zip",)
    assert submission.notes == (() if canonical else (f"found as {submission.place}",))


@pytest.mark.parametrize("entry", [f"{NAME}.IPYNB", f"a/{NAME}.ipynb.txt", "homework.ipynb"])
def test_a_notebook_in_a_zip_may_have_another_name(found, right, entry, course):
    put(f"ana-{NAME}.zip", zipped((entry, right), ("__MACOSX/._x.ipynb", b"Mac"), (".x", b"")))
    submission = found()["ana"]
    assert softmax(submission) == RIGHT
    assert submission.notes == (f"found as ana-{NAME}.zip/{entry.rpartition('/')[2]}",)


def test_whose_a_zip_is_its_name_says_and_nothing_in_it(found, right, course):
    put(f"ana-{NAME}.zip", zipped((f"ben/{NAME}/{FILE}", right)))
    put(f"zoe/ben-{NAME}.zip", zipped((f"../ben/{NAME}/{FILE}", right)))
    assert sorted(found()) == ["ana", "zoe"]


def test_of_several_in_a_zip_the_one_written_last_is_taken(found, released, course):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for place, year, answer in [("a", 2026, WRONG), ("b", 2027, RIGHT), ("c", 2025, WRONG)]:
            entry = zipfile.ZipInfo(f"{place}/{FILE}", (year, 1, 1, 0, 0, 0))
            archive.writestr(entry, as_bytes(released, softmax=answer))
    put(f"ana-{NAME}.zip", made.getvalue())
    assert softmax(found()["ana"]) == RIGHT


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (f"ana-{NAME}.7z", b"7z", "neither a notebook nor a zip"),
        (f"ana-{NAME}.zip", zipped(), "has no notebook in it; it holds nothing"),
        (f"ana-{NAME}.zip", zipped(("a/b.docx", b"")), "no notebook in it; it holds a/b.docx"),
        (f"ana/ana-{NAME}.zip", zipped(("b.txt", b"")), "no notebook in it; it holds b.txt"),
        (f"ana/{NAME}.pdf", b"", f"not looked at: ana/{NAME}.pdf"),
        ("ana/essay.docx", b"", "no lesson's notebook in the folder; it holds ana/essay.docx"),
        (f"Ana Díaz-{NAME}.zip", b"", f"rename Ana Díaz-{NAME}.zip"),
        ("essay.docx", b"", "essay.docx was not looked at: a submission is"),
        ("class.zip", b"", "class.zip names no student and lesson: rename it"),
        (FILE, b"", f"{FILE} names no student and lesson: put it into STUDENT/LESSON"),
        ("homework.ipynb", b"", "names no student and lesson: put it into STUDENT/LESSON"),
        (f"{NAME}/ana/{FILE}", b"", f"{NAME} is named after a lesson"),
    ],
)
def test_what_is_not_taken_is_told(found, course, name, content, says):
    put(name, content)
    (problem,) = found().values()
    assert isinstance(problem, Problem)
    assert says in problem.message
    assert "\n" not in problem.message


def test_an_empty_folder_is_told(found, course):
    (submitted_folder() / "ana").mkdir(parents=True)
    assert "it holds nothing" in refused(found)


def test_what_lies_beside_a_notebook_is_told(hand_in, found):
    hand_in("ana", softmax=RIGHT)
    for name in ("plot.png", "a.py", "b.py", "c.py", "d.py", "e.py", ".DS_Store", "Thumbs.db"):
        hand_in("ana", f"{NAME}/{name}", content=b"")
    hand_in("ana", "essay.docx", content=b"")
    hand_in("ana", f"{OTHER.name}/notes.txt", content=b"")
    (note,) = found()["ana"].notes
    told = ", ".join(f"ana/{NAME}/{name}.py" for name in "abcde")
    assert note == f"not looked at: {told} and 2 more"


def test_what_lies_beside_a_notebook_in_a_zip_is_told(found, right, course):
    put(f"ana-{NAME}.zip", zipped((FILE, right), ("essay.docx", b""), ("a/.DS_Store", b"")))
    assert found()["ana"].notes == (f"not looked at: ana-{NAME}.zip/essay.docx",)


def test_what_systems_drop_is_nothing(found, course):
    for name in (".DS_Store", "__MACOSX/ana/._x.ipynb", "Thumbs.db", ".ipynb_checkpoints/x.ipynb"):
        put(name)
    assert found() == {}


def test_a_link_to_a_folder_is_told(hand_in, found, tmp_path):
    path = hand_in("ana", softmax=RIGHT)
    (path.parent / "more").symlink_to(tmp_path)
    assert found()["ana"].notes == (f"ana/{NAME}/more is a link, and is not followed",)


def test_a_folder_that_is_closed_is_told(hand_in, found, monkeypatch):
    hand_in("ana", softmax=RIGHT)
    hand_in("ben", softmax=RIGHT)
    scandir = os.scandir

    def closed(place):
        if os.fspath(place).endswith(os.path.join("ana", NAME)):
            raise PermissionError(13, "Permission denied", place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", closed)
    assert refused(found) == f"ana/{NAME} can't be read: Permission denied"
    assert softmax(found()["ben"]) == RIGHT


def test_who_is_asked_for_alone_is_told_of_alone(hand_in, course):
    hand_in("ana", softmax=RIGHT)
    put("essay.docx")
    (submission,) = collect(submitted_folder(), [LESSON], ["ana"])
    assert isinstance(submission, Submission)


def damaged(right):
    """A zip whose packed bytes are no longer what they were."""
    content = bytearray(zipped((FILE, right)))
    start = 30 + len(FILE) + 20
    content[start : start + 40] = b"\xff" * 40
    return bytes(content)


def misnamed(right):
    """A zip with a name that says it is UTF-8, and isn't."""
    name = f"ñ{NAME}.ipynb"
    return zipped((name, right)).replace(name.encode(), b"\xff\xfe" + name.encode()[2:])


def encrypted(right):
    content = bytearray(zipped((FILE, right)))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (damaged, "can't be unpacked (Error -3 while decompressing"),
        (misnamed, "is a broken zip ('utf-8' codec can't decode byte"),
        (encrypted, "can't be unpacked (File"),
        (lambda right: zipped((FILE, right))[:-30], "is a broken zip (File is not a zip file)"),
        (lambda right: zipped((FILE, right), method=zipfile.ZIP_LZMA), "packed by a rare method"),
        (lambda right: b"", "is a broken zip"),
    ],
)
@pytest.mark.parametrize("place", [f"ana-{NAME}.zip", f"ana/ana-{NAME}.zip"])
def test_a_broken_zip_costs_nobody_else_anything(hand_in, found, right, broken, says, place):
    put(place, broken(right))
    hand_in("ben", softmax=RIGHT)
    message = refused(found)
    assert says in message
    assert message.startswith(place)
    assert "\n" not in message
    assert softmax(found()["ben"]) == RIGHT


def test_a_pipe_with_a_zips_name_stops_nothing(found, course):
    submitted_folder().mkdir()
    os.mkfifo(submitted_folder() / f"ana-{NAME}.zip")
    assert "is no file" in refused(found)


def test_a_zip_of_fifty_megabytes_of_outputs_is_read(found, released, course):
    notebook = answered(released, softmax=RIGHT)
    big = new_output("stream", name="stdout", text="x" * 50 * 2**20)
    by_grade_id(notebook, "softmax").outputs = [big]
    put(f"ana-{NAME}.zip", zipped((FILE, json.dumps(notebook).encode())))
    assert softmax(found()["ana"]) == RIGHT


def test_a_zip_that_would_unpack_to_far_too_much_is_left_packed(hand_in, found, course):
    blank = b" " * (101 * 2**20)
    put(f"ana-{NAME}.zip", zipped((FILE, blank), ("b.ipynb", blank)))
    many = [(f"{number}.ipynb", b"{}") for number in range(101)]
    put(f"zoe-{NAME}.zip", zipped(*many))
    hand_in("ben", softmax=RIGHT)
    tracemalloc.start()
    told = found()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "was left packed: notebooks in it 2, together 202 MB" in told["ana"].message
    assert "was left packed: notebooks in it 101, together 0 MB" in told["zoe"].message
    assert softmax(told["ben"]) == RIGHT
    assert peak < 50 * 2**20


def test_a_zip_that_says_less_than_it_holds_is_not_unpacked_further(found, course):
    content = bytearray(zipped((FILE, b" " * (60 * 2**20))))
    size = content.index(b"PK\x01\x02") + 24
    content[size : size + 4] = (1000).to_bytes(4, "little")
    put(f"ana-{NAME}.zip", bytes(content))
    tracemalloc.start()
    message = refused(found)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "can't be unpacked (Bad CRC-32" in message
    assert peak < 30 * 2**20


def test_a_zip_of_far_too_many_files_is_left_packed(found, monkeypatch, course):
    monkeypatch.setattr("autograder.grading.collecting.ENTRIES", 10)
    put(f"ana-{NAME}.zip", zipped(*((f"{number}.txt", b"") for number in range(11))))
    assert "has 11 files in it, which is no submission" in refused(found)


def test_what_nobody_foresaw_in_one_students_files_is_theirs_alone(hand_in, found, monkeypatch):
    from autograder.grading import collecting

    hand_in("ana", softmax=RIGHT)
    hand_in("ben", softmax=RIGHT)
    whose = collecting._whose

    def choke(notebook, file):
        if file.place.startswith("ana"):
            raise SystemError("a notebook like no other")
        return whose(notebook, file)

    monkeypatch.setattr(collecting, "_whose", choke)
    assert refused(found) == "can't be collected: SystemError: a notebook like no other"
    assert softmax(found()["ben"]) == RIGHT


@pytest.mark.parametrize(
    "content",
    [b"yesterday\nevening", b"\xff\xfe\x00", b"2027-13-45 00:00:00", b"04/03/2027 10:00"],
)
def test_a_time_that_is_none_is_told_and_the_notebook_graded(hand_in, found, content):
    path = hand_in("ana", softmax=RIGHT)
    (path.parent / "timestamp.txt").write_bytes(content)
    submission = found()["ana"]
    assert (softmax(submission), submission.timestamp) == (RIGHT, None)
    assert "timestamp.txt holds no time" in submission.notes[0]


def test_a_time_that_cannot_be_read_is_told(hand_in, found, monkeypatch):
    path = hand_in("ana", softmax=RIGHT)
    (path.parent / "timestamp.txt").write_text("2027-03-02 23:59:00 UTC\n")

    opened = Path.open

    def closed(self, *more, **named):
        if self.name == "timestamp.txt":
            raise PermissionError(13, "Permission denied")
        return opened(self, *more, **named)

    monkeypatch.setattr(Path, "open", closed)
    (note,) = found()["ana"].notes
    assert "timestamp.txt can't be read: Permission denied" in note


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
    assert refused(found, "ben").endswith(f"; not looked at: ben/{NAME}/nothing.txt")


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


@pytest.mark.parametrize(
    ("source", "read_as"),
    [
        ("x = '\ud83d'", "x = '\ufffd'"),
        ("\ufeffx = 'ñ 漢 😀\ude00'", "\ufeffx = 'ñ 漢 😀\ufffd'"),
        ("x = 1", "x = 1"),
    ],
)
def test_half_a_character_is_read_as_the_mark_for_one(source, read_as):
    cell = {"cell_type": "code", "source": source, "metadata": {}}
    notebook = read(json.dumps({"cells": [cell]}).encode())
    assert notebook.cells[0].source == read_as
    assert read(write(notebook)) == notebook


def nested(depth):
    told = 1
    for _ in range(depth):
        told = {"a": told}
    return told


@pytest.mark.parametrize("depth", [600, 900])
def test_metadata_that_is_nested_deeply_stops_nothing(hand_in, found, released, depth):
    in_a_cell, elsewhere = (json.loads(as_bytes(released, softmax=RIGHT)) for _ in range(2))
    in_a_cell["cells"][0]["metadata"]["odd"] = nested(depth)
    hand_in("ana", content=json.dumps(in_a_cell).encode())
    elsewhere["metadata"]["odd"] = elsewhere["cells"][0]["odd"] = nested(depth)
    hand_in("ben", content=json.dumps(elsewhere).encode())
    hand_in("zoe", softmax=RIGHT)
    assert "nested too deeply" in refused(found)
    assert softmax(found()["ben"]) == softmax(found()["zoe"]) == RIGHT


def test_of_a_notebook_only_what_a_lesson_has_is_read():
    cell = {"cell_type": "code", "source": "", "metadata": {}, "id": "a", "collapsed": None}
    told = {"cells": [cell], "metadata": {"kernelspec": {"name": "k"}, "widgets": {"a": 1}}}
    notebook = read(json.dumps(told).encode())
    assert notebook.metadata == {"kernelspec": {"name": "k"}}
    assert set(notebook.cells[0]) == {
        *("cell_type", "execution_count", "id", "metadata", "outputs", "source")
    }


def test_what_is_too_large_is_no_notebook(monkeypatch):
    monkeypatch.setattr("autograder.grading.reading.LARGEST", 10)
    with pytest.raises(Unreadable, match="no honest notebook"):
        read(b" " * 11)
