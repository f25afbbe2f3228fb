"""Receipts: what they depend on, how they are kept, and what counts as one."""

import copy
import json
import pickle
from dataclasses import replace

import pytest
from nbformat.v4 import new_code_cell

from autograder.channel.limits import Limits
from autograder.checks.examine import unjudged
from autograder.checks.verdict import Diagnosis, Result, Verdict
from autograder.exercises import exercise
from autograder.grading import judging_code, receipt_store
from autograder.grading.job import Job
from autograder.grading.receipt import BadReceipt, Receipt, environment, from_json, key_of
from autograder.lessons.submission import rebuild
from autograder.sandbox import Sandbox
from tests.autograder.quick_judge import RIGHT
from tests.autograder.small_lesson import LESSON, answered, by_grade_id
from workbook.home import root
from workbook.syllabus import lesson

HERE = environment(Sandbox("none"))


def key(notebook, released, seed=1, limits=None, surroundings=HERE, of=LESSON):
    rebuilt = rebuild(notebook, released).notebook
    return key_of(rebuilt, released, of, seed, limits or Limits(), surroundings)


@pytest.fixture
def submitted(released):
    return answered(released, softmax=RIGHT)


@pytest.fixture
def receipt():
    verdict = Verdict(
        "softmax",
        (Result("one", True, 2.0), Result("two", False, 1.0, "It isn't \ud83d.")),
        diagnosis=Diagnosis("a mistake", "Mend it."),
        error={"type": "ValueError", "message": "no", "line": 3, "bases": ["ValueError"]},
        forbidden=("softmax",),
        lent=("attend",),
        printed="hello",
    )
    verdicts = {"softmax": verdict, "attend": unjudged(exercise("attend"), "time", "Too long.")}
    return Receipt(
        "ab" * 32, LESSON.name, 7, "version", HERE, verdicts, ("cell 3, line 1: calls eval",), 1.5
    )


# ---- the key -----------------------------------------------------------------------------------


def test_the_same_code_has_the_same_key(submitted, released):
    again = copy.deepcopy(submitted)
    by_grade_id(again, "question-why").source = "Another answer in words."
    again.cells[0].source = "# Another title"
    assert key(submitted, released) == key(again, released)
    assert len(key(submitted, released)) == 64


def test_all_code_that_runs_is_in_the_key(submitted, released):
    keys = {key(submitted, released)}
    other = copy.deepcopy(submitted)
    by_grade_id(other, "softmax-answer").source += " "
    keys.add(key(other, released))
    other = copy.deepcopy(submitted)
    other.cells.append(new_code_cell("helper = 1"))
    keys.add(key(other, released))
    other = copy.deepcopy(submitted)
    other.cells[2].source = "print('played with')"
    keys.add(key(other, released))
    newer = copy.deepcopy(released)
    newer.cells[2].source = "print('another demonstration')"
    keys.add(key(submitted, newer))
    assert len(keys) == 5


def test_the_seed_the_limits_the_judge_and_the_environment_are_in_the_key(
    submitted, released, monkeypatch
):
    keys = {
        key(submitted, released),
        key(submitted, released, seed=2),
        key(submitted, released, limits=Limits(cell_seconds=1.0)),
        key(submitted, released, surroundings=environment(Sandbox("bubblewrap 0.8.0"))),
        key(submitted, released, surroundings=HERE | {"torch": "9.9"}),
        key(submitted, released, of=lesson(3)),
    }
    monkeypatch.setattr(judging_code, "version", lambda lesson: "another")
    keys.add(key(submitted, released))
    assert len(keys) == 7


def test_half_a_character_has_a_key(submitted, released):
    by_grade_id(submitted, "softmax-answer").source = "x = '\ud83d'"
    assert key(submitted, released)


# ---- kept --------------------------------------------------------------------------------------


def test_a_receipt_is_read_as_it_was_kept(course, receipt):
    receipt_store.keep(receipt)
    kept = receipt_store.find(LESSON.name, receipt.key)
    assert kept == receipt
    assert kept.verdicts["softmax"].printed == "hello"
    assert kept.verdicts["softmax"].score == receipt.verdicts["softmax"].score


def test_a_receipt_says_what_an_appeal_needs(course, receipt):
    receipt_store.keep(receipt)
    (path,) = (root() / "grading" / "receipts" / LESSON.name).iterdir()
    told = json.loads(path.read_text())
    assert told["seed"] == 7
    assert set(told["environment"]) == {"python", "torch", "sandbox"}
    assert told["environment"]["sandbox"] == "none"


def test_jobs_and_receipts_can_be_sent(receipt):
    job = Job(b"{}", LESSON.name, 3)
    assert pickle.loads(pickle.dumps(job)) == job
    assert pickle.loads(pickle.dumps(receipt)) == receipt


def test_what_is_not_there_or_broken_is_no_receipt(course, receipt):
    assert receipt_store.find(LESSON.name, receipt.key) is None
    receipt_store.keep(receipt)
    path = root() / "grading" / "receipts" / LESSON.name / f"{receipt.key}.json"
    whole = path.read_text()
    for broken in ("", "{}", "[]", "3", whole[:-9], whole.replace('"form": 1', '"form": 0')):
        path.write_text(broken)
        assert receipt_store.find(LESSON.name, receipt.key) is None
    path.write_text(whole)
    assert receipt_store.find(LESSON.name, receipt.key) == receipt


def test_the_receipt_of_another_submission_is_none(course, receipt):
    receipt_store.keep(replace(receipt, key="cd" * 32))
    folder = root() / "grading" / "receipts" / LESSON.name
    (folder / f"{'cd' * 32}.json").rename(folder / f"{receipt.key}.json")
    assert receipt_store.find(LESSON.name, receipt.key) is None
    with pytest.raises(BadReceipt, match="another submission"):
        from_json(replace(receipt, key="cd" * 32).as_json(), receipt.key)


# ---- the version of the judge ------------------------------------------------------------------


def test_the_version_covers_the_judge_the_exercises_and_what_runs_submissions():
    assert {
        "autograder.grading.judge",
        "autograder.checks.examine",
        "autograder.channel.bench",
        "autograder.sandbox.parent",
        f"autograder.exercises.{LESSON.module}",
        f"workbook.pieces.{LESSON.module}",
    } <= set(judging_code.reached(LESSON))


def test_neither_the_gradebook_nor_another_lesson_is_in_the_version():
    assert not {
        "autograder.grading.filing",
        "autograder.grading.export",
        f"autograder.exercises.{lesson(3).module}",
    } & set(judging_code.reached(LESSON))
    assert judging_code.version(LESSON) != judging_code.version(lesson(3))
