"""Right answers, written in the different ways that students write them; one module a lesson."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

VARIANTS: dict[str, dict[str, Any]] = {}


def variant(exercise: str, how: str) -> Callable[[Any], Any]:
    """Register a right answer to an exercise, and how it differs from the others."""

    def register(piece: Any) -> Any:
        ways = VARIANTS.setdefault(exercise, {})
        assert how not in ways, f"{exercise} has two variants called {how!r}"
        ways[how] = piece
        return piece

    return register


def all_variants() -> list[tuple[str, str, Any]]:
    """(exercise, how, piece) of every right answer there is."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return [(name, how, piece) for name, ways in VARIANTS.items() for how, piece in ways.items()]
