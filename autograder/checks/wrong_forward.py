"""A wrong answer that is a right module but for its forward."""

from collections.abc import Callable
from typing import Any

from torch import nn

Change = Callable[..., Any]


def wrong_forward(base: type[nn.Module]) -> Callable[[Change], type[nn.Module]]:
    """Decorates `forward(self, x)`, whose docstring becomes the module's."""

    def wrap(change: Change) -> type[nn.Module]:
        class Wrong(base):
            def forward(self, x):
                return change(self, x)

        Wrong.__doc__ = change.__doc__
        return Wrong

    return wrap
