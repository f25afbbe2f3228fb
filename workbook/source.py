"""The source of a piece written in a notebook, as a file that stands alone.

`inspect.getsource` fails on a notebook's classes, and a cell holds more than the piece. So:

1. Take the newest executed cell whose syntax tree binds the name at its top level.
2. Keep the statements of that cell which the piece needs, in order; drop the rest.
3. What it uses from elsewhere becomes an import: another exercise from the toolbox, a module or
   something a module holds from that module.
4. Anything else of the notebook is refused by name: the student moves it into the cell.
"""

import ast
import builtins
import re
import symtable
import sys
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_OWN_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class NotWrittenHere(LookupError):
    """No executed cell defines the name."""


class NotStandingAlone(ValueError):
    """The piece uses names of the notebook that a file of its own would not have."""

    def __init__(self, piece: str, names: Sequence[str]) -> None:
        self.names = tuple(names)
        listed = ", ".join(f"`{name}`" for name in names)
        super().__init__(
            f"{piece} uses {listed}, which another cell defines. Move {listed} into the cell of "
            f"{piece}, so that the piece can be used on its own in later lessons."
        )


def defining_cell(name: str, cells: Sequence[str]) -> str:
    """The newest cell that binds `name` at its top level by def, class, import or assignment.

    Raises NotWrittenHere.
    """
    for cell in reversed(cells):
        if _parses(cell) and _binds(cell, name):
            return cell
    raise NotWrittenHere(f"no cell that you have run defines {name}")


def uses(name: str, cell: str) -> set[str]:
    """The names from outside of its cell that a piece looks up."""
    kept = _needed(name, ast.parse(cell), leave=set())
    bound = set().union(*(_bound(statement) for statement in kept))
    return _global_names("\n\n".join(ast.unparse(statement) for statement in kept)) - bound


def is_broken(name: str, cells: Sequence[str]) -> bool:
    """Whether the newest cell that was to define `name` by def or class can't be parsed, so that
    the name still stands for what an older one made."""
    definition = re.compile(rf"^\s*(def|class)\s+{re.escape(name)}\b", re.MULTILINE)
    for cell in reversed(cells):
        if _parses(cell):
            if _binds(cell, name):
                return False
        elif definition.search(cell):
            return True
    return False


def _binds(cell: str, name: str) -> bool:
    return any(name in _bound(statement) for statement in ast.parse(cell).body)


def _parses(cell: str) -> bool:
    try:
        ast.parse(cell)
    except SyntaxError:
        return False
    return True


def standing_alone(
    name: str, cell: str, namespace: Mapping[str, Any], exercises: Iterable[str]
) -> str:
    """The Python file of a piece: its imports, then the statements of `cell` that it needs.

    `namespace` are the notebook's names, `exercises` the names that are pieces of their own.
    Raises NotStandingAlone where the piece leans on another name of the notebook.
    """
    others = set(exercises) - {name}
    tree = ast.parse(cell)
    kept = _needed(name, tree, leave=others)
    # Two statements on one line are one text.
    body = "\n\n\n".join(dict.fromkeys(_text(cell, statement) for statement in kept))
    bound = set().union(*(_bound(statement) for statement in kept))
    imports, missing = [], []
    for free in sorted(_global_names(body) - bound):
        if free in others:
            imports.append(f"from workbook.toolbox import {free}")
        elif free in namespace and namespace[free] is not getattr(builtins, free, None):
            line = _import_line(free, namespace[free], others)
            (imports if line else missing).append(line or free)
    if missing:
        raise NotStandingAlone(name, missing)
    future = [_text(cell, statement) for statement in tree.body if _is_of_the_future(statement)]
    lines = [*future, *sorted(imports, key=_import_order)]
    return "\n".join([*lines, "", "", body]).lstrip() + "\n"


def _needed(name: str, tree: ast.Module, leave: set[str]) -> list[ast.stmt]:
    """The statements that bind `name` and, through them, everything they use (except `leave`)."""
    wanted, kept = {name}, set()
    grew = True
    while grew:
        grew = False
        for position, statement in enumerate(tree.body):
            if position in kept:
                continue
            if not (_bound(statement) | _changed(statement)) & (wanted - leave):
                continue
            kept.add(position)
            wanted |= _global_names(ast.unparse(statement)) - leave
            grew = True
    return [tree.body[position] for position in sorted(kept)]


def _bound(node: ast.AST) -> set[str]:
    """The names that a statement, or what stands inside of it, binds at the top level."""
    if _is_of_the_future(node) or isinstance(node, _OWN_SCOPES):
        return set()
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Store) else set()
    return set().union(*map(_bound, ast.iter_child_nodes(node)))


def _changed(statement: ast.stmt) -> set[str]:
    """The names of what a statement changes without binding them: `table["a"] = 1`."""
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    parts = [target for target in targets if isinstance(target, (ast.Attribute, ast.Subscript))]
    return {node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)}


def _is_of_the_future(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _global_names(source: str) -> set[str]:
    """The names that running this source, and everything defined in it, looks up outside of it."""
    found: set[str] = set()

    def visit(table: symtable.SymbolTable, top: bool) -> None:
        for symbol in table.get_symbols():
            looked_up = symbol.is_referenced() and (top or symbol.is_global())
            if looked_up:
                found.add(symbol.get_name())
        for child in table.get_children():
            visit(child, top=False)

    visit(symtable.symtable(source, "<piece>", "exec"), top=True)
    return found


def _text(cell: str, statement: ast.stmt) -> str:
    """The statement as it was written, decorators and comments inside it included."""
    first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
    return "\n".join(cell.split("\n")[first - 1 : statement.end_lineno])


def _import_line(name: str, value: Any, exercises: set[str]) -> str | None:
    """How a file of its own gets what the notebook calls `name`; None where it can't."""
    if isinstance(value, types.ModuleType):
        parent, _, child = value.__name__.rpartition(".")
        if not parent:
            return f"import {child}" if child == name else f"import {child} as {name}"
        return _from(parent, child, name)
    module = getattr(value, "__module__", None)
    original = getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(original, str) or module == "__main__":
        return None
    if original in exercises and module.startswith(("toolbox.", "workbook.pieces.")):
        return _from("workbook.toolbox", original, name)
    if getattr(sys.modules.get(module), original, None) is not value:
        return None
    return _from(module, original, name)


def _from(module: str, original: str, name: str) -> str:
    return f"from {module} import {original}" + ("" if original == name else f" as {name}")


def _import_order(line: str) -> tuple[bool, str]:
    return (line.startswith("from workbook"), line)
