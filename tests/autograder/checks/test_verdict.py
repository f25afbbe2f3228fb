"""What a check found out, and its JSON form."""

import json

import pytest

from autograder.checks.verdict import Diagnosis, Result, Verdict, printable


def verdict(*passed, **more):
    results = tuple(
        Result(f"property {i}", held, i + 0.5, "" if held else "why")
        for i, held in enumerate(passed)
    )
    return Verdict("softmax", results, **more)


def test_points_are_those_of_the_properties_that_hold():
    assert (verdict(True, False, True).score, verdict(True, False, True).max_score) == (3.0, 4.5)


def test_all_properties_have_to_hold():
    assert verdict(True, True).passed
    assert not verdict(True, False).passed


def test_the_torch_call_that_is_the_answer_costs_everything():
    used = verdict(True, True, forbidden=("softmax",))
    assert (used.passed, used.score, used.max_score) == (False, 0.0, 2.0)


def test_a_piece_that_was_not_judged_has_no_points():
    lost = verdict(True, True, cause="time")
    assert (lost.passed, lost.score) == (False, 0.0)


def test_the_json_form_is_the_one_that_is_promised():
    failed = verdict(True, False, diagnosis=Diagnosis("not scaled", "Divide."))
    assert failed.as_json() == {
        "exercise": "softmax",
        "passed": False,
        "score": 0.5,
        "max_score": 2.0,
        "diagnosis": {"name": "not scaled", "message": "Divide."},
        "properties": [
            {"name": "property 0", "passed": True, "message": ""},
            {"name": "property 1", "passed": False, "message": "why"},
        ],
    }
    assert list(failed.as_json()) == [
        "exercise",
        "passed",
        "score",
        "max_score",
        "diagnosis",
        "properties",
    ]
    assert verdict(True).as_json()["diagnosis"] is None
    assert json.loads(json.dumps(failed.as_json())) == failed.as_json()


def test_what_was_printed_is_no_part_of_the_verdict():
    assert verdict(True, printed="hello") == verdict(True, printed="")
    assert verdict(True) != verdict(False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("él — 1/√d_k\n\tsecond line", "él — 1/√d_k\n\tsecond line"),
        ("\x1b[31mred\x07", "\ufffd[31mred\ufffd"),
        ("half \ud800 a character", "half \ufffd a character"),
        ("\r\x85\x7f", "\ufffd\ufffd\ufffd"),
    ],
)
def test_what_a_terminal_or_a_file_would_choke_on_is_replaced(text, shown):
    assert printable(text) == shown


def test_words_without_end_are_cut():
    assert printable("x" * 10**6) == "x" * 4000 + " …"


def test_the_json_form_can_always_be_written():
    odd = Verdict(
        "softmax",
        (Result("one", False, 1.0, "\ud800\x1b"),),
        diagnosis=Diagnosis("died", "\udfff" + "x" * 10**6),
    )
    text = json.dumps(odd.as_json(), ensure_ascii=False)
    assert "\x1b" not in text
    assert len(text.encode()) < 10_000


def test_a_program_reads_which_call_was_the_answer_itself():
    told = Verdict("softmax", (Result("one", True, 1.0),), forbidden=("softmax",)).as_json()
    assert told["passed"] is False
    assert told["score"] == 0
    assert told["diagnosis"]["name"] == "torch's own softmax"
    assert "the answer itself" in told["diagnosis"]["message"]


def test_an_exercise_says_in_its_own_words_what_to_do_instead():
    told = Verdict("count", (), forbidden=("numel",), instead="Calculate the number.")
    assert told.told_first.message == "Calculate the number."
