"""A course of one small lesson in a folder of its own: two exercises, a question, a demonstration.

It takes the name of lesson 02, so that its exercises exist.
"""

import copy
import shutil
from pathlib import Path

from workbook.figures.picture import WIDGET_VIEW
from workbook.home import root
from workbook.syllabus import lesson

LESSON = lesson(2)
EXERCISES = ("softmax", "attend")

SOFTMAX = """\
def softmax(scores, dim):
    peak = scores.amax(dim, keepdim=True)
    peak = peak.masked_fill(peak == -torch.inf, 0.0)
    exp = (scores - peak).exp()
    total = exp.sum(dim, keepdim=True)
    return exp / total.masked_fill(total == 0, 1.0)
"""
ATTEND = """\
def attend(query, keys, values):
    weights = softmax(keys @ query, dim=0)
    return weights @ values, weights
"""
ANSWERS = {"softmax": SOFTMAX, "attend": ATTEND}
SECRET_WORDS = "Divide by the square root of the size of a key."


def _metadata(grade_id: str, **changed: bool | float) -> str:
    settings = {
        "grade": False,
        "grade_id": grade_id,
        "locked": False,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    return "nbgrader=" + str(settings | changed).replace("'", '"').replace(
        "False", "false"
    ).replace("True", "true")


def _answer(name: str) -> str:
    head, _, body = ANSWERS[name].partition("\n")
    return f"{head}\n    ### BEGIN SOLUTION\n{body}    ### END SOLUTION\n"


MASTER = f"""\
# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A small lesson

# %% tags=["setup"]
import torch

from autograder import check

# %%
print("a demonstration")

# %% {_metadata("softmax-answer", solution=True)}
{_answer("softmax")}
# %% {_metadata("softmax", grade=True, locked=True, points=5)}
check("softmax")

# %% [markdown] {_metadata("read-me", locked=True)}
# Read this before you go on.

# %% {_metadata("attend-answer", solution=True)}
{_answer("attend")}
# %% {_metadata("attend", grade=True, locked=True, points=3.5)}
check("attend")

# %% [markdown]
# Why is the score divided?

# %% [markdown] {_metadata("question-why", grade=True, solution=True, points=2)}
# {SECRET_WORDS}

# %%
display({{"{WIDGET_VIEW}": {{"model_id": "x"}}, "text/plain": "a slider"}}, raw=True)
"""


def build_course(folder: Path, master: str = MASTER) -> Path:
    """A course's folder with this master and the real nbgrader configuration."""
    shutil.copy(root() / "nbgrader_config.py", folder / "nbgrader_config.py")
    text = folder / "solutions" / LESSON.name / f"{LESSON.name}.py"
    text.parent.mkdir(parents=True)
    text.write_text(master, encoding="utf-8")
    return folder


def by_grade_id(notebook, name):
    """The one cell with this nbgrader id."""
    (cell,) = [
        cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name
    ]
    return cell


def answered(released, **answers):
    """A copy of the released lesson with these answers typed in."""
    notebook = copy.deepcopy(released)
    for name, source in answers.items():
        by_grade_id(notebook, f"{name}-answer").source = source
    return notebook
