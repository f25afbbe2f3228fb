"""The pieces a translator is assembled from: the course's, or the student's own.

With `mine`, every piece comes from the toolbox, as a lesson would get it: the student's where it
has passed its check, the course's, with a badge, where it hasn't.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from workbook import pieces, toolbox

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
