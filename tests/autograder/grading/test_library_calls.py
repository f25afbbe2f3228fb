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
