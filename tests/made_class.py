"""A class of made-up students: every one of them hands in something else, right or wrong.

The answers are the exercises' own named mistakes and the right answers that the tests collect, as
text that stands in a notebook cell by itself.
"""

import ast
import copy
import inspect
import random
import sys
from collections.abc import Iterator
from functools import cache

from nbformat import NotebookNode

from autograder.exercises import exercises_of
from autograder.lessons.cells import grade_id, is_answer, is_demonstration
from autograder.lessons.release import from_text
from tests.exercises.correct import all_variants
from workbook.syllabus import Lesson

_OURS = ("workbook", "autograder", "tests")
RIGHT, WRONG = 0.6, 0.9  # below: a right answer, a named mistake; above: nothing written


def submissions(
    lesson: Lesson, released: NotebookNode, count: int, seed: int = 0
) -> Iterator[NotebookNode]:
    """As many different submissions of a lesson; each is the released notebook with answers."""
    chance = random.Random(seed)
    pools = {each.name: answers(lesson, each.name) for each in exercises_of(lesson)}
    for number in range(count):
        notebook = copy.deepcopy(released)
        for cell in notebook.cells:
            name = (grade_id(cell) or "").removesuffix("-answer")
            if name in pools and is_answer(cell):
                right, wrong = pools[name]
                draw = chance.random()
                if draw < WRONG:
                    cell.source = chance.choice(right if draw < RIGHT else wrong or right)
                cell.source += f"\n# student {number}"
            elif is_answer(cell) and cell.cell_type == "markdown":
                cell.source = f"Because of the variance, says student {number}."
        yield notebook


@cache
def answers(lesson: Lesson, name: str) -> tuple[list[str], list[str]]:
    """The right and the wrong answers to an exercise, as cells."""
    master = {grade_id(cell): cell.source for cell in from_text(lesson).cells if is_answer(cell)}
    right = [master[f"{name}-answer"]]
    right += _cells(name, (piece for of, _, piece in all_variants() if of == name))
    (exercise,) = (each for each in exercises_of(lesson) if each.name == name)
    wrong = _cells(name, (each.wrong for each in exercise.misconceptions))
    return right, wrong + _slips(right[0])


def _slips(right: str) -> list[str]:
    """A right answer with one arithmetic sign taken for another, in every place there is."""
    swapped = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
    slips = []
    count = sum(type(getattr(node, "op", None)) in swapped for node in ast.walk(ast.parse(right)))
    for number in range(count):
        tree = ast.parse(right)
        signs = [node for node in ast.walk(tree) if type(getattr(node, "op", None)) in swapped]
        signs[number].op = swapped[type(signs[number].op)]()
        slips.append(ast.unparse(tree))
    return slips


def without_demonstrations(notebook: NotebookNode) -> NotebookNode:
    """The notebook without the cells that grading leaves out, for a fair race against a kernel."""
    slim = copy.deepcopy(notebook)
    slim.cells = [cell for cell in slim.cells if not is_demonstration(cell)]
    return slim


def _cells(name: str, pieces) -> list[str]:
    found = (as_cell(name, piece) for piece in pieces)
    return [text for text in found if text is not None]


def as_cell(name: str, piece) -> str | None:
    """The text of a cell that defines `piece` under a name, with what it leans on. None where it
    leans on something that a notebook doesn't have."""
    if not (inspect.isfunction(piece) or inspect.isclass(piece)):
        return None
    module = ast.parse(inspect.getsource(sys.modules[piece.__module__]))
    defined, imports = {}, []
    for node in module.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            if (getattr(node, "module", None) or node.names[0].name).split(".")[0] in _OURS:
                defined |= {alias.asname or alias.name: None for alias in node.names}
            else:
                imports.append(node)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            defined[node.name] = None if node.decorator_list else node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            made = isinstance(node.value, ast.Call)
            defined[node.targets[0].id] = None if made else node
    try:
        start = inspect.getsourcelines(piece)[1]
    except (OSError, TypeError):
        return None
    own = next(
        (
            node
            for node in module.body
            if start
            in (node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ())))
        ),
        None,
    )
    if own is None or not isinstance(own, (ast.FunctionDef, ast.ClassDef)):
        return None
    own = copy.deepcopy(own)
    own.decorator_list, own.name = [], name
    needed: dict[str, ast.AST] = {}
    waiting = [own]
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Name) and node.id in defined and node.id != name:
                if defined[node.id] is None:
                    return None
                if node.id not in needed:
                    needed[node.id] = defined[node.id]
                    waiting.append(defined[node.id])
    parts = [*imports, *sorted(needed.values(), key=lambda node: node.lineno), own]
    return "\n".join(ast.unparse(part) for part in parts)
