"""A wrong answer that is a right module but for one thing: a method, or what its constructor does.

Each of these decorates a function that does that one thing as the mistake has it, and makes a
subclass of the right module of it. The function's docstring, what the author of such a mistake
reads, becomes the module's.
"""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from torch import nn

Change = Callable[..., Any]
Decorator = Callable[[Change], type[nn.Module]]
# A check calls a wrong answer often, and many are made of one right module.
_signature = cache(inspect.signature)


def wrong_method(right: type[nn.Module], name: str) -> Decorator:
    """Right but for this method: the function gets the module and all arguments in the method's
    order, its defaults filled in."""
    method = getattr(right, name)

    def wrap(change: Change) -> type[nn.Module]:
        def wrong(self, *args, **kwargs):
            given = _given(method, self, args, kwargs)
            return change(self, *given.values())

        return _but_for(right, name, wrong, change)

    return wrap


def wrong_forward(right: type[nn.Module]) -> Decorator:
    """Right but for its forward."""
    return wrong_method(right, "forward")


def wrong_constructor(right: type[nn.Module]) -> Decorator:
    """Right but for what is done after the right constructor: the function gets the module and
    those of the constructor's arguments that it names."""

    def wrap(change: Change) -> type[nn.Module]:
        def wrong(self, *args, **kwargs):
            given = _given(right.__init__, self, args, kwargs)
            right.__init__(self, **given)
            change(self, **_named(change, given))

        return _but_for(right, "__init__", wrong, change)

    return wrap


def wrong_arguments(right: type[nn.Module]) -> Decorator:
    """Right but for what its constructor is called with: the function gets those of the arguments
    that it names, and returns the ones to call it with instead."""

    def wrap(change: Change) -> type[nn.Module]:
        def wrong(self, *args, **kwargs):
            given = _given(right.__init__, self, args, kwargs)
            right.__init__(self, **given | change(**_named(change, given)))

        return _but_for(right, "__init__", wrong, change)

    return wrap


def _given(method: Callable, self: nn.Module, args: tuple, kwargs: dict) -> dict[str, Any]:
    """What a method is called with, by name, its defaults filled in."""
    bound = _signature(method).bind(self, *args, **kwargs)
    bound.apply_defaults()
    _, *given = bound.arguments.items()
    return dict(given)


def _named(change: Change, given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in _signature(change).parameters if name in given}


def _but_for(right: type[nn.Module], name: str, wrong: Callable, change: Change) -> type[nn.Module]:
    # A piece's signature is part of its exercise.
    wrong.__signature__ = _signature(getattr(right, name))  # type: ignore[attr-defined]
    return type("Wrong", (right,), {name: wrong, "__doc__": change.__doc__})
