"""The plan of the house holds: lower rooms never import upper ones, and no import is a circle."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest

from autograder.exercises import all_exercises
from workbook.home import root

PACKAGES = ("workbook", "autograder")
# The autograder's rooms, the lowest storey first; rooms of one storey know nothing of each other.
STOREYS = (
    ("autograder.channel",),
    ("autograder.checks", "autograder.sandbox"),
    ("autograder.exercises", "autograder.lessons"),
    ("autograder.grading",),
    ("autograder.practice", "autograder.cli"),
)


def modules():
    """Name -> syntax tree of every module of both packages."""
    found = {}
    for package in PACKAGES:
        for path in (root() / package).rglob("*.py"):
            parts = path.relative_to(root()).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = modules()


def imports(name, everywhere=True):
    """The modules of ours that a module imports; only those at import time, unless `everywhere`."""
    tree = MODULES[name]
    nodes = ast.walk(tree) if everywhere else _at_import_time(tree.body)
    for node in nodes:
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            targets = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            while target and target not in MODULES:
                target = target.rpartition(".")[0]
            if target:
                yield target


def _at_import_time(body):
    for node in body:
        yield node
        if isinstance(node, ast.Try):
            yield from _at_import_time(node.body)


def test_both_packages_are_there():
    assert len(MODULES) > 40


def test_the_workbook_never_imports_the_autograder():
    for name in MODULES:
        if name.startswith("workbook"):
            for target in imports(name):
                assert not target.startswith("autograder"), f"{name} imports {target}"


def room_of(name):
    """The room that a module of the autograder is in, and its storey; of another module, None."""
    for number, rooms in enumerate(STOREYS):
        for one in rooms:
            if name == one or name.startswith(f"{one}."):
                return one, number
    return None


def test_every_module_of_the_autograder_is_in_a_room():
    outside = {name for name in MODULES if name.startswith("autograder") and room_of(name) is None}
    assert outside == {"autograder", "autograder.__main__"}


def test_no_room_of_the_autograder_imports_one_above_or_beside_it():
    for name in MODULES:
        for target in imports(name, everywhere=False):
            if room_of(name) and room_of(target) and room_of(name)[0] != room_of(target)[0]:
                assert room_of(target)[1] < room_of(name)[1], f"{name} imports {target}"


def test_nothing_imports_in_a_circle():
    graph = {name: set(imports(name, everywhere=False)) - {name} for name in MODULES}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
    assert set(order) >= set(MODULES)


@pytest.mark.parametrize(
    "room", ["autograder.channel.worker", "autograder.channel.bench", "autograder.channel.wire"]
)
def test_where_a_submission_runs_no_exercise_is_loaded(room):
    code = f"import sys, {room}; print(*[m for m in sys.modules if 'exercises' in m])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root()
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda each: each.name)
def test_an_exercise_stands_in_the_module_of_its_name(exercise):
    folder = root() / "autograder" / "exercises" / exercise.lesson.module
    plain = exercise.name.lower().replace("_", "")
    (module,) = (path for path in folder.glob("*.py") if path.stem.replace("_", "") == plain)
    declared = ast.parse(module.read_text(encoding="utf-8")).body
    assert exercise.name in {
        target.id for each in declared if isinstance(each, ast.Assign) for target in each.targets
    }


def test_the_command_line_stands_above_everything():
    for name in MODULES:
        for target in imports(name):
            above = target.endswith(".cli") and not name.endswith("__main__")
            assert not above, f"{name} imports {target}"


def test_no_room_is_called_a_lumber_room():
    for name in MODULES:
        for part in name.split("."):
            assert part not in {"utils", "util", "helpers", "common", "misc", "tools"}, name
