"""The bench: what it says of a subject, which calls it notes, how it tells an exception."""

import functools
import sys
import types

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.bench import Bench, CallRecorder, describe_error
from autograder.channel.piece import here
from autograder.channel.worker import FileRunner
from workbook import pieces
from workbook.toolbox import own, save


def student(source, label="student.py"):
    """The names of a student's file."""
    runner = FileRunner()
    error = runner.run(source, label)
    assert error is None, error
    return types.SimpleNamespace(**runner.names)


def described(subject):
    return here(subject).describe()


# ---- what a name is bound to -------------------------------------------------------------------


def test_a_function_is_described_by_its_parameters():
    def attend(query, keys, *, scale=None, **more): ...

    assert described(attend) == {
        "kind": "function",
        "type": "function",
        "module": __name__,
        "parameters": {
            "call": [
                ("query", "POSITIONAL_OR_KEYWORD", ""),
                ("keys", "POSITIONAL_OR_KEYWORD", ""),
                ("scale", "KEYWORD_ONLY", "None"),
                ("more", "VAR_KEYWORD", ""),
            ]
        },
    }


def test_a_module_is_described_by_its_constructor_and_its_forward():
    class Layer(nn.Module):
        def __init__(self, size, bias=True):
            super().__init__()

        def forward(self, x, mask=None): ...

    found = described(Layer)
    assert (found["kind"], found["type"]) == ("class", "type")
    assert [name for name, _, _ in found["parameters"]["construct"]] == ["size", "bias"]
    assert found["parameters"]["call"] == [
        ("x", "POSITIONAL_OR_KEYWORD", ""),
        ("mask", "POSITIONAL_OR_KEYWORD", "None"),
    ]


def test_a_forward_that_is_inherited_counts():
    class Base(nn.Module):
        def forward(self, x): ...

    class Derived(Base): ...

    assert [name for name, _, _ in described(Derived)["parameters"]["call"]] == ["x"]


def test_a_module_without_forward_has_none():
    class Layer(nn.Module): ...

    assert described(Layer)["parameters"]["call"] is None


def test_a_class_that_is_no_module_has_no_call():
    class Cache:
        def forward(self, x): ...

    assert described(Cache)["parameters"]["call"] is None


@pytest.mark.parametrize(
    "subject",
    [3, None, torch.softmax, functools.partial(F.relu), nn.Linear(1, 1), "softmax", sys],
    ids=["number", "None", "builtin", "partial", "instance", "text", "module"],
)
def test_anything_else_is_of_another_kind(subject):
    found = described(subject)
    assert (found["kind"], found["parameters"]) == ("other", {})
    assert found["type"] == type(subject).__name__


def test_a_subject_that_resists_description_is_an_error_and_no_crash():
    class Defensive:
        def __repr__(self):
            raise ValueError("none of your business")

    def softmax(scores, dim=Defensive()): ...  # noqa: B008 - the default is the point

    reply = Bench(softmax).handle({"op": "describe"})
    assert reply["error"]["type"] == "ValueError"


def test_an_unknown_request_is_an_error_and_no_crash():
    assert Bench(None).handle({"op": "pickle"})["error"]["type"] == "KeyError"


# ---- which torch calls are noted ---------------------------------------------------------------

X = torch.randn(2, 3, 4)


def calls(function, *args):
    recorder = CallRecorder()
    with recorder:
        function(*args)
    return recorder.names


WAYS_TO_CALL_SOFTMAX = {
    "torch.softmax": "torch.softmax(x, -1)",
    "a name made up on the way": "getattr(torch, 'soft' + 'max')(x, -1)",
    "an alias": "alias(x, dim=-1)",
    "a method": "x.softmax(-1)",
    "a method of the class": "torch.Tensor.softmax(x, -1)",
    "functional": "F.softmax(x, dim=-1)",
    "a module": "nn.Softmax(dim=-1)(x)",
    "special": "torch.special.softmax(x, -1)",
    "masked": "torch.masked.softmax(x, -1)",
    "an operator": "torch.ops.aten.softmax.int(x, -1)",
    "under vmap": "torch.func.vmap(lambda row: row.softmax(-1))(x)",
    "inside a comprehension": "[row.softmax(-1) for row in x]",
}


@pytest.mark.parametrize("way", WAYS_TO_CALL_SOFTMAX)
def test_softmax_is_seen_however_it_is_called(way):
    text = (
        "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"
        f"from torch import softmax as alias\ndef piece(x):\n    {WAYS_TO_CALL_SOFTMAX[way]}\n"
    )
    assert "softmax" in calls(student(text).piece, X)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("grad", [True, False])
def test_torchs_attention_is_seen_through_its_modules(training, grad):
    text = (
        "from torch import nn\n"
        "def attend(x):\n    return nn.MultiheadAttention(4, 2, batch_first=True)"
        f".train({training})(x, x, x)\n"
        "def layer(x):\n    return nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)"
        f".train({training})(x)\n"
    )
    names = student(text)
    with torch.set_grad_enabled(grad):
        assert "multi_head_attention_forward" in calls(names.attend, X)
        assert "multi_head_attention_forward" in calls(names.layer, X)


def test_the_fused_attention_is_seen():
    text = "from torch.nn import functional as F\nsdpa = F.scaled_dot_product_attention\n"
    assert "scaled_dot_product_attention" in calls(student(text).sdpa, X, X, X)


def test_a_borrowed_piece_does_not_count_as_the_students_calls():
    text = (
        "from workbook.pieces import scaled_dot_product_attention as borrowed\n"
        "def piece(x):\n    return borrowed(x, x, x)[0].relu()\n"
    )
    assert calls(student(text).piece, X) == {"relu"}


def test_a_piece_of_the_students_toolbox_does_count():
    save("softmax", "def softmax(scores, dim):\n    return scores.softmax(dim)\n")
    assert "softmax" in calls(own("softmax"), X, -1)


def test_calls_of_the_course_around_the_piece_do_not_count():
    with CallRecorder() as recorder:
        pieces.softmax(X, -1)
    assert recorder.names == set()


def test_calls_before_and_after_an_exception_are_noted():
    text = "import torch\ndef piece(x):\n    x.exp()\n    raise ValueError\n"
    reply = Bench(student(text).piece).handle(
        {"op": "call", "args": (X,), "kwargs": {}, "target": None, "method": ""}
    )
    assert "exp" in reply["calls"]
    assert calls(torch.zeros, 3) == {"zeros"}, "and the noting has ended"


def test_what_the_course_called_first_still_counts_when_the_student_calls_it():
    text = (
        "from workbook.pieces import softmax as borrowed\n"
        "def piece(x):\n    borrowed(x, -1)\n    return x.softmax(-1)\n"
    )
    assert "softmax" in calls(student(text).piece, X)


def test_a_constructors_calls_are_not_noted():
    text = (
        "import torch\nclass Doubled(torch.nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.two = torch.ones(2).sum()\n"
        "    def forward(self, x):\n        return self.two * x\n"
    )
    piece = here(student(text).Doubled)
    instance = piece.construct()
    assert piece.torch_calls == set()
    instance(X)
    assert {"mul", "sum"} & piece.torch_calls == {"mul"}


def test_the_keyboards_interruption_goes_through():
    names = student("def piece():\n    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        here(names.piece)()


# ---- how an exception is told ------------------------------------------------------------------


def raised_by(function, *args):
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - any will do
        function(*args)
    return describe_error(raised.value)


def test_the_line_is_the_deepest_one_of_the_students():
    names = student(
        "import torch\n"
        "def outer(x):\n"
        "    return inner(x)\n"
        "\n"
        "def inner(x):\n"
        "    return torch.cat([x, torch.zeros(1, 1, 1, 1)])  # here\n"
    )
    error = raised_by(names.outer, X)
    assert (error["line"], error["function"]) == (6, "inner")
    assert error["code"] == "return torch.cat([x, torch.zeros(1, 1, 1, 1)])  # here"


def test_an_exception_outside_the_students_code_has_no_line():
    error = raised_by(torch.cat, [])
    assert (error["line"], error["code"], error["function"]) == (0, "", "")


def test_a_syntax_error_has_the_line_that_does_not_parse():
    runner = FileRunner()
    error = describe_error(runner.run("x = 1\ndef f(:\n    pass\n", "student.py"))
    assert error["type"] == "SyntaxError"
    assert (error["line"], error["code"]) == (2, "def f(:")


def test_an_error_of_reading_the_file_shows_no_line_of_ours():
    error = describe_error(FileRunner().run("x = 1\n\0", "student.py"))
    assert (error["line"], error["code"]) == (0, "")


def test_long_words_are_cut():
    error = raised_by(student("def f():\n    raise ValueError('x' * 100_000)\n").f)
    assert len(error["message"]) == 2000


def test_a_key_error_is_told_with_its_key():
    error = raised_by(student("def f():\n    return {}['W_q']\n").f)
    assert (error["type"], error["message"]) == ("KeyError", "'W_q'")
    assert {"LookupError", "Exception"} <= set(error["bases"])
