"""Whether what a process answered is an answer."""

import pytest
import torch
from hypothesis import given, settings

from autograder.channel.bench import Bench, describe_error
from autograder.channel.replies import is_description, is_error, is_reply
from tests.autograder.strange_values import strange

quick = settings(derandomize=True, deadline=None, max_examples=100)

ERROR = {
    "type": "ValueError",
    "message": "no",
    "code": "raise",
    "function": "f",
    "line": 3,
    "bases": ["ValueError"],
}


def softmax(scores, dim=-1): ...


class Layer(torch.nn.Module):
    def forward(self, x): ...


@pytest.mark.parametrize("subject", [softmax, Layer, 3, None])
def test_what_a_bench_says_of_a_subject_is_a_description(subject):
    reply = Bench(subject).handle({"op": "describe"})
    assert is_reply(reply, to="describe")
    assert is_description(reply["value"])


@pytest.mark.parametrize(
    "error",
    [ValueError("x" * 10**5), SystemExit(), SyntaxError("no", ("f", 3, 1, "def")), KeyError()],
)
def test_how_a_bench_tells_an_exception_is_an_error(error):
    assert is_error(describe_error(error))
    assert is_reply({"error": describe_error(error), "calls": ["exp"]})


def test_an_exception_of_a_long_name_is_cut():
    assert is_error(describe_error(type("X" * 10**5, (Exception,), {})()))


@pytest.mark.parametrize(
    "reply",
    [
        {"value": None, "calls": []},
        {"value": {"anything": 1}, "calls": ["exp"]},
        {"error": ERROR, "calls": []},
        {"died": -9},
        {"died": 70},
    ],
)
def test_these_are_replies(reply):
    assert is_reply(reply)


@pytest.mark.parametrize(
    "reply",
    [
        None,
        [],
        {},
        {"value": 1},
        {"calls": []},
        {"value": 1, "calls": None},
        {"value": 1, "calls": [["unhashable"]]},
        {"value": 1, "calls": ("exp",)},
        {"died": "soon"},
        {"died": True},
        {"died": 10**5000},
        {"error": "text", "calls": []},
        {"error": None, "value": 1, "calls": []},
        {"error": ERROR | {"line": "3"}, "calls": []},
        {"error": ERROR | {"line": 10**5000}, "calls": []},
        {"error": ERROR | {"bases": "ValueError"}, "calls": []},
        {"error": ERROR | {"message": None}, "calls": []},
        {"error": ERROR | {"message": "x" * 10**6}, "calls": []},
        {"error": {"type": "ValueError"}, "calls": []},
    ],
    ids=lambda reply: str(type(reply).__name__),
)
def test_these_are_none(reply):
    assert not is_reply(reply)


@pytest.mark.parametrize(
    "found",
    [
        None,
        {},
        {"kind": "function", "type": "function", "module": None},
        {"kind": 3, "type": "function", "module": None, "parameters": {}},
        {"kind": "function", "type": None, "module": None, "parameters": {}},
        {"kind": "function", "type": "function", "module": 3, "parameters": {}},
        {"kind": "function", "type": "function", "module": None, "parameters": {"call": "x"}},
        {"kind": "function", "type": "function", "module": None, "parameters": {"call": [("x",)]}},
        {"kind": "f", "type": "f", "module": None, "parameters": {"call": [("x", "y", 3)]}},
    ],
)
def test_these_are_no_descriptions(found):
    assert not is_description(found)


def test_a_description_is_the_only_answer_to_that_question():
    assert is_reply({"value": 3, "calls": []}, to="call")
    assert not is_reply({"value": 3, "calls": []}, to="describe")
    assert is_reply({"error": ERROR, "calls": []}, to="describe")


@quick
@given(strange())
def test_anything_at_all_can_be_asked_about(value):
    assert is_reply({"value": value, "calls": []})
    assert not is_reply({"calls": value} | {"error": value})
    assert not is_description(value)
    assert not is_error(value)
