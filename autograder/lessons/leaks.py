"""What must never reach a released lesson, looked for in what was released."""

import re

from nbformat import NotebookNode

from autograder.lessons.cells import is_answer

_REGION = re.compile(
    r"BEGIN SOLUTION[^\n]*\n(?P<solution>.*?)\n[^\n]*END SOLUTION"
    r"|BEGIN MARK SCHEME[^\n]*\n(?P<scheme>.*?)\n[^\n]*END MARK SCHEME",
    re.DOTALL,
)
_TELLING = 12  # characters: a shorter line ("else:", "return x") says nothing by itself


def leaks(master: NotebookNode, released: NotebookNode) -> list[str]:
    """A sentence for each thing of the master that the release gives away; empty where all is
    well."""
    found = []
    given_away = _secret_lines(master)
    for number, cell in enumerate(released.cells, start=1):
        where = f"released cell {number} ({cell.get('id', '?')})"
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
            found.append(f"{where} has outputs")
        for marker in ("BEGIN SOLUTION", "END SOLUTION", "MARK SCHEME", "BEGIN HIDDEN TESTS"):
            if marker in cell.source:
                found.append(f"{where} holds the marker {marker!r}")
        for line in cell.source.split("\n"):
            if line.strip() in given_away:
                found.append(f"{where} holds a line of a solution: {line.strip()!r}")
    if "jupytext" in released.metadata:
        found.append("the notebook's metadata names jupytext, and with it the master")
    return found


def _secret_lines(master: NotebookNode) -> set[str]:
    """Lines that stand in a solution or mark scheme and nowhere else in the master. The cell of an
    answer without such a region is all solution: nbgrader replaces the whole of it."""
    secret, public = set(), set()
    for cell in master.cells:
        regions = list(_REGION.finditer(cell.source))
        for match in regions:
            secret |= _lines(match["solution"] or match["scheme"] or "")
        if is_answer(cell) and not any(match["solution"] is not None for match in regions):
            secret |= _lines(_REGION.sub("", cell.source))
        else:
            public |= _lines(_REGION.sub("", cell.source))
    return {line for line in secret - public if len(line) >= _TELLING}


def _lines(text: str) -> set[str]:
    return {line.strip() for line in text.split("\n") if line.strip()}
