"""What in a submission an instructor may want to read with their own eyes.

No machine can tell that an answer isn't torch's own, called from another process and dressed up.
So this costs no points and proves nothing: it is a list of lines that few honest answers have.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from autograder.exercises import exercises_of
from autograder.lessons.submission import NO_CODE, steps
from workbook.syllabus import Lesson

if TYPE_CHECKING:
    from nbformat import NotebookNode

_MODULES = {
    *("builtins", "concurrent", "ctypes", "gc", "importlib", "marshal", "mmap", "multiprocessing"),
    *("pickle", "ptrace", "signal", "socket", "subprocess", "threading", "_thread"),
}
_CALLS = {"__import__", "compile", "eval", "exec"}
_ATTRIBUTES = {
    *("_C", "_getframe", "__torch_function__", "__torch_dispatch__", "compile", "fork", "jit"),
    *("ops", "popen", "settrace", "setprofile", "system", "__subclasses__", "__builtins__"),
}
_LIBRARIES = {"torch", "nn", "F", "np", "numpy", "math", "workbook", "autograder", "sys", "os"}


def worth_a_look(notebook: NotebookNode, released: NotebookNode, lesson: Lesson) -> list[str]:
    """A sentence for each such line of a rebuilt notebook (see `submission.rebuild`)."""
    forbidden = {name for exercise in exercises_of(lesson) for name in exercise.forbidden}
    written = {cell.source for cell in released.cells}
    found: list[str] = []
    for step in steps(notebook, released):
        if step.exercise is not None or step.source in written:
            continue
        try:
            tree = ast.parse(step.source)
        except NO_CODE:
            continue
        found += [f"{step.label}, line {line}: {what}" for line, what in _remarks(tree, forbidden)]
    return list(dict.fromkeys(found))


def _remarks(tree: ast.Module, forbidden: set[str]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Import(names=names):
                yield from ((line, f"imports {each.name}") for each in _odd(names))
            case ast.ImportFrom(module=str(module)) if module.startswith("autograder."):
                yield line, f"imports {module}"
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in _MODULES:
                yield line, f"imports {module}"
            case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
                yield line, f"calls {name}"
            case ast.Attribute(attr=name) if name in _ATTRIBUTES:
                yield line, f"uses .{name}"
            case ast.Attribute(attr=name) | ast.Name(id=name) if name.startswith("DisableTorch"):
                yield line, f"uses {name}"
            case ast.Attribute(value=ast.Name(id=module), attr=name, ctx=ast.Store()) if (
                module in _LIBRARIES
            ):
                yield line, f"replaces {module}.{name}"
            case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id=module), *_]) if (
                module in _LIBRARIES
            ):
                yield line, f"replaces something in {module}"
            case ast.Call(func=ast.Name(id="getattr"), args=[_, name, *_]) if not isinstance(
                name, ast.Constant
            ):
                yield line, "looks up a name that it puts together"
            case ast.Constant(value=str(text)) if text in forbidden:
                yield line, f'has the text "{text}"'


def _odd(names: Iterable[ast.alias]) -> list[ast.alias]:
    return [
        each
        for each in names
        if each.name.partition(".")[0] in _MODULES or each.name.startswith("autograder.")
    ]
