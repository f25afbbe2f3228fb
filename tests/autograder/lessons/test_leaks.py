"""What must never reach a released lesson."""

import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.lessons.leaks import leaks

SECRET = "    weights = torch.exp(scores) / total"
ANSWER = {"nbgrader": {"grade_id": "x", "solution": True}}
MASTER = new_notebook(
    cells=[
        new_markdown_cell("Scores are divided by the root of d_k."),
        new_code_cell(
            "def softmax(scores, dim):\n    ### BEGIN SOLUTION\n"
            f"    total = torch.exp(scores).sum()\n{SECRET}\n    return weights\n"
            "    ### END SOLUTION",
            metadata=ANSWER,
        ),
        new_markdown_cell(
            "Why?\n\n=== BEGIN MARK SCHEME ===\n- 1 point: the variance grows\n"
            "=== END MARK SCHEME ==="
        ),
        new_markdown_cell("Because dot products of long vectors are large.", metadata=ANSWER),
        new_code_cell("print(torch.exp(scores).sum(-1))\n    total = torch.exp(scores).sum()"),
    ]
)
RELEASED = new_notebook(
    cells=[
        new_markdown_cell("Scores are divided by the root of d_k."),
        new_code_cell("def softmax(scores, dim):\n    raise NotImplementedError", metadata=ANSWER),
        new_markdown_cell("Why?"),
        new_markdown_cell("*Write your answer here.*", metadata=ANSWER),
        new_code_cell("print(torch.exp(scores).sum(-1))\n    total = torch.exp(scores).sum()"),
    ]
)


def planted(position, text):
    notebook = copy.deepcopy(RELEASED)
    notebook.cells[position].source += "\n" + text
    return notebook


def test_a_clean_release_gives_nothing_away():
    assert leaks(MASTER, RELEASED) == []


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize(
    "line",
    [
        SECRET,
        SECRET.strip(),
        "\t" + SECRET.strip() + "  ",
        "- 1 point: the variance grows",
        "Because dot products of long vectors are large.",
    ],
)
def test_a_line_of_a_solution_is_found_wherever_it_stands(position, line):
    (found,) = leaks(MASTER, planted(position, line))
    assert f"released cell {position + 1} " in found
    assert line.strip() in found


def test_a_line_that_the_master_shows_openly_is_no_secret():
    assert leaks(MASTER, planted(0, "    total = torch.exp(scores).sum()")) == []


def test_a_line_that_anybody_would_write_is_no_secret():
    assert leaks(MASTER, planted(0, "else:")) == []


@pytest.mark.parametrize(
    "marker", ["### BEGIN SOLUTION", "### END SOLUTION", "MARK SCHEME", "### BEGIN HIDDEN TESTS"]
)
def test_a_marker_is_found(marker):
    (found,) = leaks(MASTER, planted(4, marker))
    assert marker.removeprefix("### ") in found


def test_an_output_is_found():
    for change in ({"execution_count": 3}, {"outputs": [new_output("stream", text="5")]}):
        notebook = copy.deepcopy(RELEASED)
        notebook.cells[1].update(nbformat.from_dict(change))
        (found,) = leaks(MASTER, notebook)
        assert found.endswith("has outputs")


def test_the_masters_metadata_is_found():
    notebook = copy.deepcopy(RELEASED)
    notebook.metadata["jupytext"] = {"formats": "ipynb,py:percent"}
    (found,) = leaks(MASTER, notebook)
    assert "jupytext" in found


def test_a_solution_of_nothing_is_no_trouble():
    master = copy.deepcopy(MASTER)
    master.cells.append(new_code_cell("### BEGIN SOLUTION\n\n### END SOLUTION", metadata=ANSWER))
    assert leaks(master, RELEASED) == []
