"""Whether an answer's own text calls the torch function that it was to write.

A worker notes such calls as they happen, but it is the student's process, and its word can be
bent. So the judge reads the text as well: the piece's definition, and whatever of the notebook it
uses, directly or through others. A comparison with torch's function in another cell is no call of
the piece.
"""

import ast
import symtable
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence

from autograder.checks.exercise import Exercise
from autograder.lessons.submission import NO_CODE

_Statements = dict[str, list[ast.stmt]]


def library_calls(exercise: Exercise, sources: Sequence[str]) -> tuple[str, ...]:
    """Which of the exercise's forbidden names the definition of the piece uses as torch's."""
    if not exercise.forbidden:
        return ()
    defined = _definitions(sources)
    used = {
        name
        for statement in _needed(exercise.name, defined)
        for name in _names_of_torch(statement)
        if name in exercise.forbidden
    }
    return tuple(sorted(used))


def _definitions(sources: Sequence[str]) -> _Statements:
    """The statements that bind each name at the top level of a cell."""
    found: _Statements = defaultdict(list)
    for source in sources:
        try:
            tree = ast.parse(source)
        except NO_CODE:
            continue  # a magic, say: what the worker notes still counts
        for statement in tree.body:
            for name in _bound(statement):
                found[name].append(statement)
    return found


def _bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        yield statement.name
    elif isinstance(statement, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in statement.names)
    elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def _needed(name: str, defined: _Statements) -> list[ast.stmt]:
    """The statements that define this name, and those that define what they use."""
    found: list[ast.stmt] = []
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        for statement in defined.get(each, ()):
            try:
                waiting += _looked_up(statement)
            except NO_CODE:
                if not _runs(statement):
                    continue
                waiting += (node.id for node in ast.walk(statement) if isinstance(node, ast.Name))
            found.append(statement)
    return found


def _looked_up(statement: ast.stmt) -> list[str]:
    """The names of the notebook that a statement looks up; a function's own are others. Raises one
    of NO_CODE for what can't be written out again, or isn't allowed where it stands."""
    top = symtable.symtable(ast.unparse(statement), "", "exec")
    tables, found = [top], []
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table is top or symbol.is_global()):
                found.append(symbol.get_name())
    return found


def _runs(statement: ast.stmt) -> bool:
    """Whether Python takes a statement that it could parse: one with an argument twice, or a
    `global` in the wrong place, defines nothing."""
    module = ast.Module([statement], type_ignores=[])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the student's, and not about us
            compile(module, "", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:
        return False
    except NO_CODE:
        return True  # no word against it: it may have run where there was more room
    return True


def _names_of_torch(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement takes from somewhere else: attributes, but for its own methods,
    imports, and texts that name an attribute."""
    body = statement.body if isinstance(statement, ast.ClassDef) else []
    own = {method.name for method in body if isinstance(method, ast.FunctionDef)}
    for node in ast.walk(statement):
        match node:
            case ast.Attribute(value=ast.Name(id="self")):
                pass
            case ast.Attribute(attr=name) if name not in own:
                yield name
            case ast.ImportFrom(module=str(module), names=names) if module.startswith("torch"):
                yield from (alias.name for alias in names)
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]):
                yield name
