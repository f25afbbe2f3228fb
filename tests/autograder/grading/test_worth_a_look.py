"""What a grader is told to read, and what is no matter."""

import pytest
from nbformat.v4 import new_code_cell

from autograder.grading.worth_a_look import worth_a_look
from autograder.lessons.submission import rebuild
from tests.autograder.small_lesson import ANSWERS, LESSON, answered


def told(released, source):
    notebook = answered(released, **ANSWERS)
    notebook.cells.append(new_code_cell(source))
    return worth_a_look(rebuild(notebook, released).notebook, released, LESSON)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import ctypes", "imports ctypes"),
        ("x = 1\nfrom subprocess import run", "line 2: imports subprocess"),
        ("import autograder.channel.bench as bench", "imports autograder.channel.bench"),
        ("from autograder.channel import wire", "imports autograder.channel"),
        ("exec('x = 1')", "calls exec"),
        ("torch.allclose = lambda *args: True", "replaces torch.allclose"),
        ("setattr(torch, 'allclose', max)", "replaces something in torch"),
        ("getattr(torch, 'soft' + 'max')", "puts together"),
        ("torch._C.DisableTorchFunction()", "uses ._C"),
        ("name = 'softmax'", 'has the text "softmax"'),
    ],
)
def test_such_a_line_is_told(released, source, what):
    assert any(what in each for each in told(released, source)), told(released, source)


@pytest.mark.parametrize(
    "source",
    [
        "import math, random, numpy, matplotlib.pyplot as plt\nimport torch.nn.functional as F",
        "from autograder import check\nfrom workbook import figures",
        "layer = nn.Linear(2, 3)\nlayer.weight.data = torch.zeros(3, 2)",
        "torch.softmax(torch.ones(2), 0)",
        "%time x = 1",
        "def broken(:",
    ],
)
def test_an_honest_line_is_not(released, source):
    assert told(released, source) == []
