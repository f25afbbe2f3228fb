"""An exercise and a piece, put together."""

import gc
import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import here
from autograder.channel.worker import FileRunner
from autograder.checks.examine import examine
from autograder.exercises import all_exercises, exercise
from tests.autograder.strange_values import Odd, strange
from workbook import pieces

ATTENTION = exercise("scaled_dot_product_attention")
SOFTMAX = exercise("softmax")
SELF_ATTENTION = exercise("SelfAttention")


def verdict_on(subject, of=ATTENTION):
    return examine(of, here(subject))


def student(source, name):
    """The piece of a student's file."""
    runner = FileRunner()
    assert runner.run(source, f"{name}.py") is None
    return runner.names[name]


def changed(change):
    """An attention that is right but for what is done to its result."""

    def attention(query, key, value, mask=None, dropout_p=0.0):
        return change(*pieces.scaled_dot_product_attention(query, key, value, mask, dropout_p))

    return attention


def result(verdict, name):
    return next(each for each in verdict.results if each.name == name)


def test_a_right_answer_has_all_the_points():
    verdict = verdict_on(changed(lambda output, weights: (output, weights)))
    assert verdict.passed
    assert verdict.score == verdict.max_score == ATTENTION.points
    assert (verdict.diagnosis, verdict.error, verdict.cause) == (None, None, "")
    assert all(each.message == "" for each in verdict.results)


# ---- on the accelerator ------------------------------------------------------------------------


@pytest.fixture
def accelerator(monkeypatch):
    """A machine with a GPU that stands on its CPU: how often something was to go there."""
    went = []
    monkeypatch.setattr("autograder.checks.examine.pick_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(
        "autograder.channel.bench.pick_device", lambda: went.append(1) or torch.device("cpu")
    )
    return went


def test_what_is_right_on_the_cpu_is_tried_on_the_accelerator(accelerator):
    assert verdict_on(pieces.softmax, SOFTMAX).passed
    assert len(accelerator) == 1


def test_what_is_wrong_on_the_cpu_never_gets_there_nor_do_known_mistakes(accelerator):
    for misconception in SOFTMAX.misconceptions:
        verdict = verdict_on(misconception.wrong, SOFTMAX)
        assert verdict.diagnosis.name == misconception.name
    assert not accelerator


def test_a_piece_that_was_there_is_tried_on_the_cpu_first_when_it_is_examined_again(accelerator):
    def only_once(scores, dim):
        return scores if accelerator else pieces.softmax(scores, dim)

    piece = here(only_once)
    for _ in range(2):
        assert not examine(SOFTMAX, piece).passed
    assert len(accelerator) == 1


def test_what_goes_wrong_only_on_the_accelerator_fails_there(accelerator):
    def only_on_the_cpu(scores, dim):
        if accelerator:
            raise RuntimeError("Expected all tensors to be on the same device")
        return pieces.softmax(scores, dim)

    verdict = verdict_on(only_on_the_cpu, SOFTMAX)
    assert [each.name for each in verdict.results if not each.passed] == [
        "float32, on this machine's device"
    ]
    assert verdict.error["type"] == "RuntimeError"


# ---- not tried ---------------------------------------------------------------------------------


def refused(subject, of, cause):
    verdict = verdict_on(subject, of)
    assert (verdict.passed, verdict.score, verdict.cause) == (False, 0.0, cause)
    assert verdict.max_score == of.points
    assert verdict.diagnosis.name == cause
    return verdict.diagnosis.message


@pytest.mark.parametrize(
    ("subject", "what"),
    [
        (3, "of type int"),
        (None, "of type NoneType"),
        (torch.softmax, "of type builtin_function_or_method"),
        (nn.Softmax(-1), "of type Softmax"),
        (nn.Softmax, "class"),
    ],
)
def test_a_name_that_stands_for_no_function_is_refused(subject, what):
    message = refused(subject, SOFTMAX, "not a function")
    assert message == f"softmax should be a function; what the name stands for here is {what}."


def test_a_function_in_place_of_a_class_is_refused():
    message = refused(lambda d_model, d_k, d_v: None, SELF_ATTENTION, "not a class")
    assert message.endswith("here is function.")


def test_other_parameter_names_are_refused_with_both_signatures():
    def softmax(x, axis): ...

    message = refused(softmax, SOFTMAX, "another signature")
    assert "asks for softmax(scores, dim); your parameters are (x, axis)." in message


def test_parameters_in_another_order_are_refused():
    def softmax(dim, scores): ...

    assert "(dim, scores)" in refused(softmax, SOFTMAX, "another signature")


def test_no_parameters_at_all_are_told_as_none():
    def softmax(): ...

    assert "your parameters are (none)" in refused(softmax, SOFTMAX, "another signature")


def test_another_default_is_refused_by_name():
    def attention(query, key, value, mask=None, dropout_p=0.1): ...

    message = refused(attention, ATTENTION, "another signature")
    assert message == f"The exercise asks for {ATTENTION.signature}; yours has dropout_p=0.1."


def test_a_missing_default_is_refused_by_name():
    def attention(query, key, value, mask, dropout_p=0.0): ...

    assert "yours has no default for mask." in refused(attention, ATTENTION, "another signature")


def test_the_same_number_written_in_another_way_is_the_same_default():
    def attention(query, key, value, mask=None, dropout_p=0):
        return pieces.scaled_dot_product_attention(query, key, value, mask, dropout_p)

    assert verdict_on(attention).passed


def test_another_forward_is_refused():
    class Attention(nn.Module):
        def __init__(self, d_model, d_k, d_v): ...

        def forward(self, x, masks=None): ...

    message = refused(Attention, SELF_ATTENTION, "another signature")
    assert "asks for forward(x, mask=None); your parameters are (x, masks)." in message


def test_a_missing_forward_is_told():
    class Attention(nn.Module):
        def __init__(self, d_model, d_k, d_v): ...

    message = refused(Attention, SELF_ATTENTION, "no module, or no forward")
    assert message.startswith(
        "SelfAttention should be an nn.Module with a method forward(x, mask=None)"
    )


def test_a_class_that_is_no_module_is_told():
    class Attention:
        def __init__(self, d_model, d_k, d_v): ...

        def forward(self, x, mask=None): ...

    assert "should be an nn.Module" in refused(
        Attention, SELF_ATTENTION, "no module, or no forward"
    )


def test_a_stub_is_told_as_one():
    stub = student(
        "def softmax(scores, dim):\n"
        "    raise NotImplementedError  # replace this line by your code\n",
        "softmax",
    )
    assert refused(stub, SOFTMAX, "not written yet").startswith("softmax still raises")


@pytest.mark.parametrize("where", ["__init__", "forward"])
def test_a_stub_of_a_class_is_told_as_one(where):
    text = (
        "from torch import nn\n"
        "class SelfAttention(nn.Module):\n"
        "    def __init__(self, d_model, d_k, d_v):\n"
        "        super().__init__()\n"
        "        raise NotImplementedError\n"
        "    def forward(self, x, mask=None):\n"
        "        raise NotImplementedError\n"
    )
    if where == "forward":
        text = text.replace(
            "        super().__init__()\n        raise", "        return\n        raise"
        )
        text = text.replace("        return\n", "        super().__init__()\n        return\n")
    stub = student(text, "SelfAttention")
    assert "SelfAttention still raises" in refused(stub, SELF_ATTENTION, "not written yet")


def test_an_unwritten_piece_that_is_used_is_named():
    text = (
        "def softmax(scores, dim):\n    raise NotImplementedError\n"
        "def attend(query, keys, values):\n    return softmax(keys @ query, 0) @ values\n"
    )
    message = refused(student(text, "attend"), exercise("attend"), "not written yet")
    assert "your softmax, which still raises NotImplementedError" in message


def test_torchs_own_missing_code_is_no_stub():
    text = (
        "def softmax(scores, dim):\n"
        "    mask = scores > 0\n"
        "    return mask.exp2().to(scores) / (mask.mT @ mask)\n"
    )
    verdict = verdict_on(student(text, "softmax"), SOFTMAX)
    assert verdict.cause == ""
    assert "NotImplementedError" in verdict.error["bases"]
    assert verdict.error["code"].startswith("return mask.exp2()")


# ---- tried, and wrong --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda output, weights: None, "it is None (is a return missing?)"),
        (lambda output, weights: output, "The result should be (output, weights); it is a tensor"),
        (lambda output, weights: (output,), "it has 1 parts"),
        (lambda output, weights: (output, weights, 3), "it has 3 parts"),
        (lambda output, weights: {"output": output}, "it is of type dict"),
        (lambda output, weights: (output, None), "weights should be a tensor; it is None"),
        (lambda output, weights: (output, weights.tolist()), "weights should be a tensor; it is a"),
        (lambda output, weights: (output, weights.float()), "should be float64, as its inputs"),
        (lambda output, weights: (output, weights.int()), "should be float64"),
        (
            lambda output, weights: (output.detach().numpy(), weights.detach().numpy()),
            "weights should be a tensor; it is of type ndarray",
        ),
        (lambda output, weights: np.float64(0.5), "it is of type"),
        (lambda output, weights: (output, weights.to_sparse()), "it is of type Tensor"),
        (lambda output, weights: (output, weights.flatten()), "weights should have the shape"),
        (lambda output, weights: (output, weights * math.nan), "yours is nan"),
        (lambda output, weights: (each for each in (output, weights)), "it is of type generator"),
    ],
)
def test_what_is_returned_in_the_wrong_form_is_told_in_words(change, words):
    verdict = verdict_on(changed(change))
    assert not verdict.passed
    message = result(verdict, "output and weights").message
    assert words in message
    assert message.startswith(ATTENTION.properties[0].sentence)


def test_a_list_in_place_of_a_tuple_is_accepted():
    assert verdict_on(changed(lambda output, weights: [output, weights])).passed


def test_a_subclass_of_tensor_is_only_what_it_holds():
    class Liar(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            if function in (torch.isclose, torch.allclose, torch.equal):
                return torch.tensor(True)
            return super().__torch_function__(function, types, args, kwargs or {})

    wrong = changed(lambda output, weights: ((output * 2).as_subclass(Liar), weights))
    assert not result(verdict_on(wrong), "output and weights").passed


def test_one_mistake_is_named_and_its_property_says_what_was_seen():
    def attention(query, key, value, mask=None, dropout_p=0.0):
        scores = query @ key.transpose(-2, -1)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = pieces.softmax(scores, -1)
        return F.dropout(weights, dropout_p) @ value, weights

    verdict = verdict_on(attention)
    assert verdict.diagnosis.name == "not scaled"
    assert "weights differs at [0, 0, 0, 0]" in result(verdict, "output and weights").message
    assert 0 < verdict.score < verdict.max_score


def test_of_two_mistakes_at_once_the_first_property_that_fails_decides():
    def attention(query, key, value, mask=None, dropout_p=0.0):
        scores = query @ key.transpose(-2, -1)  # not scaled
        if mask is not None:
            scores = scores.masked_fill(mask, -math.inf)  # and inverted
        weights = pieces.softmax(scores, -1)
        return F.dropout(weights, dropout_p) @ value, weights

    assert verdict_on(attention).diagnosis.name == "not scaled"


def test_an_exception_is_kept_with_the_students_line():
    text = "def softmax(scores, dim):\n    return scores.exp(dim)\n"
    verdict = verdict_on(student(text, "softmax"), SOFTMAX)
    assert (verdict.error["line"], verdict.error["code"]) == (2, "return scores.exp(dim)")
    assert "Your code raised TypeError" in verdict.results[0].message
    assert all("raised" in each.message and "TypeError" in each.message for each in verdict.results)


def test_the_torch_call_that_is_the_answer_costs_the_points_and_is_named():
    def softmax(scores, dim):
        blocked = (scores == -math.inf).all(dim, keepdim=True)
        return torch.softmax(scores.masked_fill(blocked, 0.0), dim).masked_fill(blocked, 0.0)

    verdict = verdict_on(softmax, SOFTMAX)
    assert all(each.passed for each in verdict.results)
    assert (verdict.passed, verdict.score, verdict.forbidden) == (False, 0.0, ("softmax",))


@pytest.mark.parametrize("seed", range(5))
def test_a_seed_decides_what_is_seen(seed):
    wrong = changed(lambda output, weights: (output, weights + 1e-3))
    messages = [
        [each.message for each in examine(ATTENTION, here(wrong), seed=s).results]
        for s in (seed, seed, seed + 1)
    ]
    assert messages[0] == messages[1] != messages[2]


# ---- whatever a piece does ---------------------------------------------------------------------


def returning(of, value):
    """A piece with the right signature that always returns `value`."""
    if not of.is_class:

        def piece(*args, **kwargs):
            return value

        piece.__signature__ = inspect.signature(of.reference)
        return piece

    class Strange(of.reference):
        pass

    for name, method in inspect.getmembers(of.reference, inspect.isfunction):
        if vars(of.reference).get(name) is method and not name.startswith("_"):

            def answer(self, *args, **kwargs):
                return value

            answer.__signature__ = inspect.signature(method)
            setattr(Strange, name, answer)
    return Strange


@pytest.mark.parametrize("of", [pytest.param(each, id=each.name) for each in all_exercises()])
@settings(derandomize=True, deadline=None, max_examples=12)
@given(value=strange())
def test_no_strange_value_gets_past_the_properties(of, value):
    verdict = examine(of, here(returning(of, value)))
    assert not verdict.passed
    assert verdict.cause == ""
    assert all(each.passed or each.message for each in verdict.results)


class Baffling(BaseException):
    def __str__(self):
        raise ValueError("speechless")


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(0),
        GeneratorExit(),
        StopIteration(),
        RecursionError(),
        MemoryError(),
        Baffling(),
        ExceptionGroup("several", [ValueError()]),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_strange_exception_gets_past_the_check(error):
    def softmax(scores, dim):
        raise error

    verdict = verdict_on(softmax, SOFTMAX)
    assert (verdict.passed, verdict.score) == (False, 0.0)
    assert verdict.error["type"] == type(error).__name__


@pytest.mark.parametrize("subject", [Odd(), Odd], ids=["an odd object", "an odd class"])
def test_no_strange_subject_gets_past_the_check(subject):
    assert verdict_on(subject, SOFTMAX).cause == "not a function"


def test_a_subject_that_cannot_be_described_is_not_judged():
    class Defensive:
        def __repr__(self):
            raise ValueError("none of your business")

    def softmax(scores, dim=Defensive()): ...  # noqa: B008 - the default is the point

    assert "none of your business" in refused(softmax, SOFTMAX, "died")


def test_a_check_leaves_the_notebooks_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    verdict_on(ATTENTION.reference)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("collecting", [True, False])
def test_no_garbage_is_collected_in_the_middle_of_a_check(collecting):
    during = []

    def attention(query, key, value, mask=None, dropout_p=0.0):
        during.append(gc.isenabled())
        return ATTENTION.reference(query, key, value, mask, dropout_p)

    try:
        gc.enable() if collecting else gc.disable()
        assert verdict_on(attention).passed
        assert gc.isenabled() == collecting
    finally:
        gc.enable()
    assert not any(during)
