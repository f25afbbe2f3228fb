"""What course.py runs before any package is installed may import the standard library alone."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imports(path: Path) -> set[str]:
    """Every module that a file imports anywhere, as `workbook.setup.steps` or `json`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(node.module)
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def file_of(module: str) -> Path | None:
    """The file of one of our own modules; None for a name inside one."""
    path = ROOT / Path(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def test_everything_behind_the_doors_imports_the_standard_library_only():
    waiting, seen = ["workbook", "workbook.setup", "workbook.setup.doors"], set()
    while waiting:
        module = waiting.pop()
        if module in seen or (path := file_of(module)) is None:
            continue
        seen.add(module)
        for name in imports(path):
            first = name.split(".")[0]
            assert first == "workbook" or first in sys.stdlib_module_names, f"{path} imports {name}"
            waiting.append(name)
    assert {"workbook.setup.install", "workbook.handin", "workbook.bundle"} <= seen


def test_importing_the_package_imports_nothing_else():
    assert imports(ROOT / "workbook" / "__init__.py") == set()
