"""The course's pieces in the place of a student's own, so that one mistake costs once.

Where a piece fails and an earlier one of its lesson does too, it is judged again with the course's
earlier pieces. Their source is cut out of the lesson's module of `workbook.pieces`, which isn't on
the other side of the channel: the piece that is being judged, and later ones, never cross.
"""

import ast
import inspect
from functools import cache
from importlib import import_module

from autograder.channel.bench import Request
from workbook.syllabus import lesson_of


@cache
def lent_to(name: str) -> Request | None:
    """What is lent to the piece of this name, as a worker takes it; None where there is nothing."""
    lesson = lesson_of(name)
    module_name = f"workbook.pieces.{lesson.module}"
    tree = ast.parse(inspect.getsource(import_module(module_name)))
    statements = {bound: each for each in tree.body for bound in _bound(each)}
    earlier = lesson.pieces[: lesson.pieces.index(name)]
    withheld = set(lesson.pieces) - set(earlier)
    needed = {piece: _needed(piece, statements) for piece in earlier}
    lent = [piece for piece in earlier if not needed[piece] & withheld]
    if not lent:
        return None
    kept = set().union(*(needed[piece] for piece in lent))
    body = [each for each in tree.body if _bound(each) & kept or _is_import(each)]
    source = ast.unparse(ast.Module(body, type_ignores=[]))
    return {"module": module_name, "source": source, "names": lent}


def _needed(name: str, statements: dict[str, ast.stmt]) -> set[str]:
    """The names of the module that this one uses, itself included, directly or through others."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each in found or each not in statements:
            continue
        found.add(each)
        nodes = ast.walk(statements[each])
        waiting += [node.id for node in nodes if isinstance(node, ast.Name)]
    return found


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, ast.Assign):
        return {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return set()


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Import, ast.ImportFrom))
