"""Lesson 06's part of the closed set: models of which it is known who notices which token.

None of them is a decoder: what a lesson asks for is not lying about where its answers run. Whatever
another token a token is swapped for, the change is the same, so that any choice can be judged.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class _Asked(list[tuple[Tensor, bool]]):
    """The tokens of every call, and whether it came in training mode. A copy of the model writes
    into the same list: what the copy is asked counts too."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Asked":
        return self


class Watcher(nn.Module):
    """Outputs that change by known amounts wherever a token is another one than it was.

    Position t of sentence b gives base[b, t] plus effect[b, t, s] for every position s whose token
    has been swapped. In training mode noise is added, as dropout would.
    """

    def __init__(self, tokens: Tensor, base: Tensor, effect: Tensor, vocab_size: int) -> None:
        super().__init__()
        self.original, self.base, self.effect = tokens.clone(), base, effect
        self.vocab_size = vocab_size
        self._asked = _Asked()

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens (batch, length), of the sentences it knows, or the beginnings of some
        -> (batch, length, features). Raises IndexError for a token outside the vocabulary."""
        if tokens.min() < 0 or tokens.max() >= self.vocab_size:
            raise IndexError(
                f"index out of range: token ids go from 0 to {self.vocab_size - 1}, and there is a "
                f"{int(tokens.max())}"
            )
        self._asked.append((tokens.clone(), self.training))
        length = tokens.size(1)
        differs = tokens[:, None] != self.original[None, :, :length]  # (rows, sentences, length)
        which = differs.sum(-1).argmin(-1)  # a sentence may come alone, or several times
        if tokens.size(0) == self.original.size(0):
            which = torch.arange(tokens.size(0))
        swapped = differs[torch.arange(tokens.size(0)), which].to(self.base.dtype)
        effect = self.effect[which, :length, :length]
        outputs = self.base[which, :length] + torch.einsum("btsd,bs->btd", effect, swapped)
        return outputs + torch.rand_like(outputs) if self.training else outputs

    def asked(self) -> list[Tensor]:
        """The tokens of every call so far."""
        return [tokens for tokens, _ in self._asked]

    def asked_in_training(self) -> int:
        """How many of these calls came while it was in training mode."""
        return sum(training for _, training in self._asked)

    def mode(self) -> str:
        """The mode it is in."""
        return "training" if self.training else "eval"


def watcher(tokens: Tensor, base: Tensor, effect: Tensor, vocab_size: int) -> Watcher:
    """A `Watcher` in training mode: tokens (batch, length), base (batch, length, features), effect
    (batch, position, swapped position, features)."""
    return Watcher(tokens, base, effect, vocab_size)


def watching(
    tokens: Tensor, base: Tensor, effect: Tensor, vocab_size: int
) -> Callable[[Tensor], Tensor]:
    """The same as a plain function, which has no modes."""
    model = Watcher(tokens, base, effect, vocab_size).eval()
    return lambda tokens: model(tokens)


def tied(head: nn.Module, weight: Tensor) -> nn.Module:
    """The head, with another parameter in the place of its `weight`, as when the weight is shared
    with an embedding's."""
    head.weight = nn.Parameter(weight.detach().clone())
    return head


MAKERS: dict[str, Callable[..., Any]] = {make.__name__: make for make in (watcher, watching, tied)}
