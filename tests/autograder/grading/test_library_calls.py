"""The text of an answer that calls the function it was to write, and texts that don't."""

import pytest

from autograder.exercises import exercise
from autograder.grading.library_calls import library_calls


def calls(*sources, of="softmax"):
    return library_calls(exercise(of), sources)


@pytest.mark.parametrize(
    "source",
    [
        "def softmax(s, dim):\n    return torch.softmax(s, dim)",
        "def softmax(s, dim):\n    return s.softmax(dim)",
        "def softmax(s, dim):\n    return torch.nn.functional.softmax(s, dim)",
        "def softmax(s, dim):\n    return getattr(torch, 'softmax')(s, dim)",
        "from torch.nn.functional import softmax as f\ndef softmax(s, dim):\n    return f(s)",
        "softmax = torch.softmax",
        "softmax = lambda s, dim: torch.softmax(s, dim)",
        "theirs = torch.softmax\ndef softmax(s, dim):\n    return theirs(s, dim)",
        "class Helper:\n    def __call__(self, s):\n        return torch.softmax(s, 0)\n"
        "def softmax(s, dim):\n    return Helper()(s)",
    ],
)
def test_a_call_in_what_the_piece_uses_is_found(source):
    assert calls(source) == ("softmax",)


def test_a_call_in_another_cell_that_it_uses_is_found():
    assert calls(
        "def softmax(s, dim):\n    return helper(s)", "def helper(s):\n    return s.softmax(0)"
    )


@pytest.mark.parametrize(
    "source",
    [
        "def softmax(s, dim):\n    return s.exp()\nprint(torch.softmax(x, 0))",
        "def softmax(s, dim):\n    exp = s.exp()\n    return exp\nexp = torch.softmax(x, 0)",
        "def softmax(s, dim):\n    'like torch.softmax'\n    return s.exp()  # torch.softmax",
        "def compare(s):\n    return torch.softmax(s, 0) - softmax(s, 0)\n"
        "def softmax(s, dim):\n    return s.exp()",
        "%matplotlib inline\ntorch.softmax(x, 0)",
        "def softmax(:",
        "x = " + "-" * 5000 + "1",
    ],
)
def test_anything_else_is_no_call(source):
    assert calls(source) == ()


BROKEN = {
    "an argument twice": "def softmax(s, s):\n    return torch.softmax(s, 0)",
    "an argument that is global": "def softmax(s, dim):\n    global dim\n    return s.softmax(0)",
    "global too late": "def softmax(s):\n    t = s\n    global t\n    return s.softmax(0)",
    "nonlocal outside of a function": "class softmax:\n    x = torch.softmax\n    nonlocal x",
    "half a character": "softmax = torch.softmax  # \ud83d",
    "a null byte": "softmax = torch.softmax  # \0",
    "nested deeply": "softmax = torch.softmax\nx = " + "(" * 150 + "1" + ")" * 150,
    "a long sum": "softmax = torch.softmax(x)" + " + 1" * 20_000,
}


@pytest.mark.parametrize("how", sorted(BROKEN.keys() - {"nested deeply"}))
def test_what_python_refuses_defines_nothing_and_stops_nothing(how):
    assert calls(BROKEN[how]) == ()
    assert calls(BROKEN[how], "def softmax(s, dim):\n    return s.exp()") == ()
    assert calls(BROKEN[how], "def softmax(s, dim):\n    return s.softmax(0)") == ("softmax",)


@pytest.mark.parametrize(
    "source",
    [
        BROKEN["nested deeply"],
        "softmax = " + "-" * 600 + "torch.softmax(x)",
        "def softmax(s, dim):\n    return " + "-" * 600 + "helper(s)\nhelper = torch.softmax",
    ],
)
def test_what_python_takes_is_read_however_deep_it_is(source):
    assert calls(source) == ("softmax",)


def test_what_is_written_out_wrongly_is_read_all_the_same(monkeypatch):
    monkeypatch.setattr("ast.unparse", lambda statement: "def (")
    assert calls("def softmax(s, dim):\n    return helper(s)", "helper = torch.softmax") == (
        "softmax",
    )


def test_a_piece_that_calls_the_students_own_function_is_right():
    sources = (
        "def scaled_dot_product_attention(q, k, v):\n    return q",
        "class SelfAttention(nn.Module):\n"
        "    def forward(self, x):\n        return scaled_dot_product_attention(x, x, x)",
    )
    assert calls(*sources, of="SelfAttention") == ()
    own = "class SelfAttention(nn.Module):\n    def forward(self, x):\n        return self.gru(x)\n"
    assert calls(own, of="SelfAttention") == ()


def test_the_function_itself_inside_a_class_is_found():
    source = (
        "class SelfAttention(nn.Module):\n    def forward(self, x):\n"
        "        return nn.functional.scaled_dot_product_attention(x, x, x)"
    )
    assert calls(source, of="SelfAttention") == ("scaled_dot_product_attention",)


def test_an_exercise_that_forbids_nothing_finds_nothing():
    assert calls("def project_qkv(x):\n    return torch.softmax(x, 0)", of="project_qkv") == ()
