"""The source of a piece written in a notebook, as a file that stands alone."""

import subprocess
import sys
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.source import (
    NotStandingAlone,
    NotWrittenHere,
    defining_cell,
    is_broken,
    standing_alone,
    uses,
)

EXERCISES = ("softmax", "attend", "SelfAttention")
SETUP = """\
import math
import torch
import torch.nn as nn
import torch.nn.functional as F
import numpy as np
from torch import Tensor
from collections import defaultdict as dd
from math import sqrt, pi
"""


def dedent(text):
    return textwrap.dedent(text).strip("\n") + "\n"


class Session:
    """A notebook: cells run one after the other, as the student ran them."""

    def __init__(self, *cells):
        self.names = {"__name__": "__main__"}
        self.cells = []
        for cell in cells:
            self.run(cell)

    def run(self, cell):
        cell = dedent(cell)
        self.cells.append(cell)
        exec(compile(cell, "<cell>", "exec"), self.names)

    def file(self, name="softmax"):
        return standing_alone(name, defining_cell(name, self.cells), self.names, EXERCISES)


def loaded(source, name="softmax"):
    """What the file defines, when nothing of the notebook is there."""
    names = {"__name__": "alone"}
    exec(compile(source, "<file>", "exec"), names)
    return names[name]


# ---- which cell --------------------------------------------------------------------------------


def test_the_newest_cell_that_defines_the_name_is_taken():
    cells = ["def softmax(x): return 1", "x = softmax(2)", "def softmax(x): return 2", "softmax(3)"]
    assert defining_cell("softmax", cells) == cells[2]


@pytest.mark.parametrize(
    "cell",
    [
        "def softmax(x): ...",
        "async def softmax(x): ...",
        "class softmax: ...",
        "softmax = lambda x: x",
        "softmax: object = 3",
        "a, (softmax, b) = 1, (2, 3)",
        "import math as softmax",
        "from torch import softmax",
        "from torch import exp as softmax",
        "if True:\n    def softmax(x): ...",
        "try:\n    def softmax(x): ...\nexcept ValueError:\n    pass",
        "with open('x') as f:\n    softmax = 3",
        "for softmax in range(3): pass",
        "(softmax := 3)",
        "@decorated\ndef softmax(x): ...",
    ],
)
def test_a_name_can_be_bound_in_many_ways(cell):
    assert defining_cell("softmax", [cell, "softmax(3)"]) == cell


@pytest.mark.parametrize(
    "cell",
    [
        "softmax(3)",
        "softmax.calls = 0",
        "results[softmax] = 3",
        "def other():\n    softmax = 3",
        "class Other:\n    def softmax(self): ...",
        "other = lambda softmax: softmax",
        "[softmax for softmax in range(3)]",
        "import softmax.other as x",
        "softmax",
        "del softmax",
    ],
)
def test_using_a_name_is_not_defining_it(cell):
    with pytest.raises(NotWrittenHere, match="no cell that you have run defines softmax"):
        defining_cell("softmax", [cell])
    assert defining_cell("softmax", ["def softmax(x): ...", cell]) == "def softmax(x): ..."


def test_a_cell_that_does_not_parse_is_passed_over():
    cells = ["def softmax(x): ...", "def softmax(x:", "%%timeit\ndef softmax(x): ..."]
    assert defining_cell("softmax", cells) == cells[0]


@pytest.mark.parametrize(
    "later", ["def softmax(x:\n    pass", "x = 1\nclass softmax(:", "  def softmax(x)"]
)
def test_a_newer_definition_that_does_not_parse_is_noticed(later):
    cell = "def softmax(x): ..."
    assert is_broken("softmax", [cell, "y = 1", later])
    assert is_broken("softmax", [later])
    assert not is_broken("softmax", [later, cell])
    assert not is_broken("softmax", [cell, later, cell])
    assert not is_broken("attend", ["def attend(): ...", later])


@pytest.mark.parametrize(
    "later",
    ["softmax(3", "def softmax_2(x:", "def softmax(x): return 2", "# def softmax(x:\n(", "("],
)
def test_other_cells_that_do_not_parse_are_none_of_its_business(later):
    cell = "def softmax(x): ..."
    assert not is_broken("softmax", [cell, later])
    assert not is_broken("softmax", [later])


def test_a_piece_uses_the_names_it_looks_up_outside_of_its_cell():
    cell = dedent("""
        def helper(x):
            return softmax(x)
        def attend(query):
            scores = math.exp(query)
            return helper(scores)
        other(attend)
    """)
    assert uses("attend", cell) == {"math", "softmax"}
    assert uses("helper", cell) == {"softmax"}


# ---- which lines -------------------------------------------------------------------------------


def test_a_function_is_kept_as_it_was_written():
    cell = dedent("""
        def softmax(scores, dim):
            # the largest score first
            peak = scores.amax(dim, keepdim=True)  # (B, 1)

            exp = (scores - peak).exp()
            return exp / exp.sum(dim, keepdim=True)
    """)
    assert Session(cell).file() == cell


def test_what_the_piece_does_not_need_is_left_out():
    source = Session("""
        import os
        unused = 3
        def helper(x):
            return x + 1
        def other(x):
            return x
        def softmax(x):
            return helper(x)
        print(softmax(1))
        assert softmax(1) == 2
    """).file()
    assert source == dedent("""
        def helper(x):
            return x + 1


        def softmax(x):
            return helper(x)
    """)


def test_what_a_helper_needs_is_kept_too_and_in_order():
    source = Session(
        SETUP,
        """
        EPS, SCALE = 1e-9, 2
        table = {}
        table["a"] = EPS
        table["b"] = SCALE
        def inner(x): return x + table["a"]
        def outer(x): return inner(x) * SCALE
        def softmax(x): return outer(x)
    """,
    ).file()
    assert loaded(source)(1) == pytest.approx(2.0)
    order = ["EPS, SCALE", 'table["a"]', 'table["b"]', "def inner", "def outer", "def softmax"]
    assert [source.index(words) for words in order] == sorted(source.index(w) for w in order)


def test_a_compound_statement_is_kept_whole():
    source = Session("""
        try:
            limit = undefined
        except NameError:
            limit = 5
        if limit > 3:
            def bound(x):
                return min(x, limit)
        else:
            def bound(x):
                return x
        def softmax(x):
            return bound(x)
    """).file()
    assert loaded(source)(7) == 5


def test_decorators_are_kept():
    source = Session(
        SETUP,
        """
        import functools
        def twice(function):
            return lambda *args: 2 * function(*args)
        @twice
        @functools.cache
        def softmax(x):
            return x
    """,
    ).file()
    assert loaded(source)(3) == 6
    assert "@twice\n@functools.cache\ndef softmax" in source


def test_two_statements_on_one_line_are_written_once():
    source = Session("a = 1; b = 2\ndef softmax(x): return x + a + b\n").file()
    assert source.count("a = 1; b = 2") == 1
    assert loaded(source)(0) == 3


def test_a_trailing_comment_is_kept():
    source = Session("EPS = 1e-9  # small\ndef softmax(x): return x + EPS\n").file()
    assert "EPS = 1e-9  # small" in source


def test_a_name_bound_by_assignment_brings_what_it_stands_for():
    source = Session("""
        def mine(x):
            return x + 1
        softmax = mine
    """).file()
    assert loaded(source)(1) == 2


def test_text_with_indentation_and_other_letters_survives():
    source = Session('''
        def softmax(x):
            """Größe – 1/√d_k.

                indented
            """
            return f"""{x}
        at the margin"""
    ''').file()
    assert loaded(source)(3) == "3\nat the margin"
    assert "√d_k" in loaded(source).__doc__


# ---- what it uses from elsewhere ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("use", "line"),
    [
        ("torch.exp(x)", "import torch"),
        ("nn.Identity()(x)", "from torch import nn"),
        ("F.relu(x)", "from torch.nn import functional as F"),
        ("np.asarray(x)", "import numpy as np"),
        ("math.sqrt(x)", "import math"),
        ("sqrt(x)", "from math import sqrt"),
        ("isinstance(x, Tensor)", "from torch import Tensor"),
        ("dd(list)", "from collections import defaultdict as dd"),
    ],
)
def test_what_comes_from_a_module_is_imported(use, line):
    source = Session(SETUP, f"def softmax(x):\n    return {use}\n").file()
    assert source == f"{line}\n\n\ndef softmax(x):\n    return {use}\n"


def test_imports_of_the_cell_itself_are_kept_as_written():
    source = Session("""
        import torch.nn.functional as F, os
        from math import (pi,
                          sqrt)
        def softmax(x):
            return sqrt(x) + F.relu.__name__.count("r") + pi
    """).file()
    assert source.startswith("import torch.nn.functional as F, os\n")
    assert loaded(source)(4) == pytest.approx(2 + 1 + 3.14159, abs=1e-3)


def test_a_star_import_is_resolved():
    source = Session("from math import *", "def softmax(x):\n    return sqrt(x)\n").file()
    assert source.startswith("from math import sqrt\n")


def test_other_exercises_come_from_the_toolbox():
    session = Session(
        "def softmax(x):\n    return x\n",
        """
        def attend(query, keys, values):
            return softmax(query)
    """,
    )
    assert session.file("attend") == dedent("""
        from workbook.toolbox import softmax


        def attend(query, keys, values):
            return softmax(query)
    """)


def test_other_exercises_of_the_same_cell_come_from_the_toolbox_too():
    source = Session("""
        def softmax(x):
            return x
        def attend(query):
            return softmax(query)
    """).file("attend")
    assert "def softmax" not in source
    assert "from workbook.toolbox import softmax" in source


@pytest.mark.parametrize("origin", ["toolbox.softmax", "workbook.pieces.dot_product_attention"])
def test_a_piece_under_another_name_comes_from_the_toolbox(origin):
    session = Session("def sm(x): return x", "def attend(query):\n    return sm(query)\n")
    session.names["sm"].__module__, session.names["sm"].__name__ = origin, "softmax"
    assert session.file("attend").startswith("from workbook.toolbox import softmax as sm\n")


def test_imports_of_the_course_come_last():
    source = Session(
        SETUP,
        "def softmax(x): ...",
        """
        def attend(query):
            return softmax(torch.exp(np.exp(query)))
    """,
    ).file("attend")
    assert source.split("\n")[:3] == [
        "import numpy as np",
        "import torch",
        "from workbook.toolbox import softmax",
    ]


def test_builtins_need_nothing():
    source = Session("def softmax(x):\n    return max(abs(x), len(str(x)))\n").file()
    assert source.startswith("def softmax")


def test_a_builtin_that_the_notebook_replaced_is_no_builtin():
    session = Session("def sum(x):\n    return 0", "def softmax(x):\n    return sum(x)\n")
    with pytest.raises(NotStandingAlone, match="uses `sum`"):
        session.file()


def test_annotations_are_looked_up_too():
    source = Session(
        SETUP,
        """
        def softmax(x: Tensor, mask: "Tensor | None" = None) -> dict[str, Tensor]:
            y: np.ndarray = x
            return y
    """,
    ).file()
    assert "from torch import Tensor" in source
    loaded(source)


def test_an_import_from_the_future_stays_at_the_top():
    source = Session(
        "from __future__ import annotations\n"
        + SETUP
        + dedent("""
        class softmax:
            def merged(self, other: softmax) -> softmax:
                return math.sqrt(4)
    """)
    ).file()
    assert source.startswith("from __future__ import annotations\n")
    assert loaded(source)().merged(None) == 2


# ---- what it may not use -----------------------------------------------------------------------


def refused(*cells, name="softmax"):
    with pytest.raises(NotStandingAlone) as leaning:
        Session(*cells).file(name)
    return leaning.value


def test_a_helper_of_another_cell_is_refused_by_name():
    error = refused("def helper(x): return x", "def softmax(x):\n    return helper(x)\n")
    assert error.names == ("helper",)
    assert str(error) == (
        "softmax uses `helper`, which another cell defines. Move `helper` into the cell of "
        "softmax, so that the piece can be used on its own in later lessons."
    )


def test_all_of_them_are_named_at_once():
    error = refused(
        "EPS = 1e-9\nclass Helper: ...\nmodel = Helper()",
        "def softmax(x):\n    return Helper, model, EPS\n",
    )
    assert error.names == ("EPS", "Helper", "model")


@pytest.mark.parametrize(
    "use",
    [
        "[helper(x) for x in y]",
        "{x: helper(x) for x in y}",
        "(lambda z: helper(z))(y)",
        "f'{helper(y)}'",
        "y if helper else y",
        "[z for z in y if helper(z)]",
    ],
)
def test_a_name_is_found_wherever_it_is_used(use):
    cells = "def helper(x): return x", f"def softmax(y):\n    return {use}\n"
    assert refused(*cells).names == ("helper",)


@pytest.mark.parametrize(
    "body",
    [
        "def inner():\n        return helper(x)\n    return inner()",
        "class Inner:\n        y = helper\n    return Inner",
        "global helper\n    helper += 1\n    return helper",
    ],
)
def test_a_name_is_found_in_what_is_nested(body):
    assert refused("helper = 1", f"def softmax(x):\n    {body}\n").names == ("helper",)


@pytest.mark.parametrize(
    "body",
    [
        "helper = x\n    return helper",
        "return [helper for helper in x]",
        "for helper in x: pass\n    return helper",
        "def helper(): return x\n    return helper()",
        "import math as helper\n    return helper",
        "return (lambda helper: helper)(x)",
        "return x.helper",
        "return dict(helper=x)",
        "with x as helper:\n        return helper",
    ],
)
def test_a_name_of_the_pieces_own_is_no_other_cells(body):
    assert Session("helper = 1", f"def softmax(x):\n    {body}\n").file().startswith("def softmax")


def test_a_parameter_hides_a_name_of_the_notebook():
    text = Session("scores = 3", "def softmax(scores, dim=-1):\n    return scores\n").file()
    assert text.startswith("def softmax")


def test_defaults_decorators_and_bases_are_looked_up():
    for cell in (
        "def softmax(x=helper): ...",
        "@helper\ndef softmax(x): ...",
        "class softmax(helper): ...",
        "class softmax:\n    y = helper\n",
        "softmax = helper",
    ):
        assert refused("class helper:\n    def __init__(self, *a): ...", cell).names == ("helper",)


def test_class_attributes_and_methods_are_their_own():
    source = Session("""
        class softmax:
            scale = 2
            double = scale * 2
            def __call__(self, x):
                return self.scale * x + self.helper()
            def helper(self):
                return softmax.double
    """).file()
    assert loaded(source)()(1) == 6


# ---- the whole ---------------------------------------------------------------------------------


def test_the_file_runs_in_a_fresh_interpreter(tmp_path):
    source = Session(
        SETUP,
        """
        import functools

        LIMIT = 3  # of something

        @functools.lru_cache
        def bound(x):
            return min(x, LIMIT)

        class SelfAttention(nn.Module):
            names = [n for n in "qkv"]
            def __init__(self, d_model: int, scale: float = math.pi):
                super().__init__()
                self.parts = nn.ModuleDict({n: nn.Linear(d_model, d_model) for n in self.names})
                self.scale = scale
            def forward(self, x: Tensor) -> Tensor:
                return F.relu(self.parts["q"](x)) * np.float64(bound(5)) / sqrt(4)

        SelfAttention(2)
    """,
    ).file("SelfAttention")
    path = tmp_path / "SelfAttention.py"
    path.write_text(source, encoding="utf-8")
    program = (
        "import runpy, torch\n"
        f"piece = runpy.run_path({str(path)!r})['SelfAttention'](2)\n"
        "assert piece(torch.ones(1, 2)).shape == (1, 2)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")


names = st.sampled_from(["a", "b", "c", "helper", "math", "torch", "softmax", "x"])
expressions = st.recursive(
    names | st.integers(0, 9).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}, {pair[1]})"),
        st.tuples(names, inner).map(lambda pair: f"[{pair[1]} for {pair[0]} in ()]"),
        st.tuples(names, inner).map(lambda pair: f"(lambda {pair[0]}: {pair[1]})"),
    ),
    max_leaves=5,
)
statements = st.one_of(
    st.tuples(names, expressions).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    st.tuples(names, names, expressions).map(
        lambda three: f"def {three[0]}({three[1]}=0):\n    return {three[2]}"
    ),
    st.tuples(names, expressions).map(lambda pair: f"class {pair[0]}:\n    y = 1\n    z = y"),
    st.tuples(names, expressions).map(lambda pair: f"if True:\n    {pair[0]} = {pair[1]}"),
)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.lists(st.lists(statements, min_size=1, max_size=4), min_size=1, max_size=3))
def test_any_file_that_is_written_can_be_imported_by_itself(cells):
    session = Session("import math, torch\na = b = c = helper = x = 0\n")
    for cell in cells:
        try:
            session.run("\n".join(cell))
        except (NameError, TypeError):
            session.cells.pop()
    try:
        source = session.file()
    except (NotWrittenHere, NotStandingAlone):
        return
    loaded(source)  # raises where a name is missing, softmax or one that it needs
