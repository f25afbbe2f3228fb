"""The pieces a translator is assembled from: the course's, or the student's own.

With `mine`, every piece comes from the toolbox, as a lesson would get it: the student's where it
has passed its check, the course's, with a badge, where it hasn't.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from workbook import pieces, toolbox
from workbook.syllabus import PIECES

USED = ("Transformer", "train_step", "greedy_decode", "beam_search")


@dataclass(frozen=True)
class Pieces:
    """What is needed to build, train and use a translator. `mine`: taken from the toolbox."""

    Transformer: Callable[..., nn.Module]
    train_step: Callable[..., tuple[float, int]]
    greedy_decode: Callable[..., Tensor]
    beam_search: Callable[..., tuple[Tensor, Tensor]]
    mine: bool = False


def take(mine: bool = False) -> Pieces:
    """The pieces. Raises `toolbox.BrokenPiece` where a student's file doesn't load."""
    shelf: Any = toolbox if mine else pieces
    return Pieces(**{name: getattr(shelf, name) for name in USED}, mine=mine)


def parts(assembled: Pieces, model: nn.Module) -> dict[str, bool]:
    """Every piece of the course that is at work in a model and around it; True where it is the
    student's own."""
    found = [getattr(assembled, name) for name in USED[1:]]
    found += [type(module) for module in model.modules()]
    named = {piece.__name__: piece.__module__.startswith("toolbox.") for piece in found}
    return {name: named[name] for name in PIECES if name in named}


def credit(own: dict[str, bool]) -> str:
    """`parts` in a sentence."""
    mine = [name for name, is_mine in own.items() if is_mine]
    others = [name for name, is_mine in own.items() if not is_mine]
    if not others:
        return f"All {len(own)} pieces at work in it are yours."
    told = f"{len(mine)} of the {len(own)} pieces at work in it are yours"
    return f"{told}{': ' + ', '.join(mine) if mine else ''}. Borrowed: {', '.join(others)}."
