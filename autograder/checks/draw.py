"""The random inputs of a check.

Every size differs on every axis, so that no transposed or swapped axis goes unseen; values are
random and never constant, so that no swapped weight does. The same seed and property give the
same inputs: fresh to a student, equal for a class.
"""

import hashlib
from collections.abc import Sequence

import torch

PRACTICE_SEED = 20170612  # the day "Attention Is All You Need" appeared


class Draw:
    """A stream of sizes, tensors, masks and numbers, fixed by a seed and a name."""

    def __init__(self, seed: int, name: str = "") -> None:
        digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        self._generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))

    @property
    def state(self) -> bytes:
        """Where the stream is. Set to an earlier one, it gives the same again."""
        return self._generator.get_state().numpy().tobytes()

    @state.setter
    def state(self, state: bytes) -> None:
        self._generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))

    def sizes(self, count: int, low: int = 2, high: int | None = None) -> list[int]:
        """`count` sizes, no two alike, from low to high (default: a range a little longer than it
        needs to be)."""
        high = low + count + 2 if high is None else high
        if high - low + 1 < count:
            raise ValueError(f"there are no {count} different sizes from {low} to {high}")
        chosen = torch.randperm(high - low + 1, generator=self._generator)[:count] + low
        return chosen.tolist()

    def integer(self, low: int, high: int) -> int:
        """One integer from low to high, both included."""
        return int(torch.randint(low, high + 1, (), generator=self._generator))

    def uniform(self, low: float, high: float) -> float:
        """One number between low and high."""
        return low + (high - low) * float(torch.rand((), generator=self._generator))

    def normal(
        self,
        *shape: int,
        scale: float = 1.0,
        dtype: torch.dtype = torch.float64,
        requires_grad: bool = False,
    ) -> torch.Tensor:
        """Normal numbers with this standard deviation."""
        value = torch.randn(shape, generator=self._generator, dtype=torch.float64) * scale
        return value.to(dtype).requires_grad_(requires_grad)

    def tokens(self, *shape: int, low: int, high: int) -> torch.Tensor:
        """Token ids from low to high, both included."""
        return torch.randint(low, high + 1, shape, generator=self._generator)

    def mask(self, *shape: int, share: float = 0.6) -> torch.Tensor:
        """A boolean mask, True means "may attend": about `share` of it True, and in every row at
        least one True and, where a row is longer than one, at least one False."""
        mask = torch.rand(shape, generator=self._generator) < share
        width = shape[-1]
        rows = mask.view(-1, width)
        if width == 1:
            return torch.ones_like(mask)
        orders = [torch.randperm(width, generator=self._generator) for _ in rows]
        if orders:
            chosen = torch.stack(orders)
            rows.scatter_(1, chosen[:, :1], True)
            rows.scatter_(1, chosen[:, 1:2], False)
        return mask

    def weights(
        self,
        shapes: dict[str, Sequence[int]],
        scale: float = 1.0,
        dtype: torch.dtype = torch.float64,
    ) -> dict[str, torch.Tensor]:
        """Random weights for parameters of these shapes."""
        return {
            name: self.normal(*shape, scale=scale, dtype=dtype) for name, shape in shapes.items()
        }
