"""What turns gradients into steps: AdamW, and Muon for the matrices with AdamW for the rest.

Sources: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019); Jordan et al.,
"Muon: an optimizer for hidden layers in neural networks" (2024), for the update of a matrix and the
coefficients of its iteration.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

_BETAS = (0.9, 0.98)  # the paper's, section 5.3
_EPS = 1e-9
_MOMENTUM = 0.95
_ITERATIONS = 5
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
# What is smaller is set to zero. A unit that has died has no gradient, and what is remembered of it
# shrinks until its square (in the norm) or its fourth power (in the iteration) is too small for a
# normal number; many processors take thirty times as long for such a product.
_NO_MOMENTUM = 1e-18
_NO_SHARE = 1e-9  # of a matrix whose norm is one


def adam(model: nn.Module) -> torch.optim.Optimizer:
    """AdamW with the paper's betas (section 5.3) and no weight decay; the loop sets its rate."""
    parameters = list(model.parameters())
    return torch.optim.AdamW(parameters, **_as_adam(parameters))


def muon(model: nn.Module, times_rate: float = 2.0, decay: float = 0.1) -> torch.optim.Optimizer:
    """Muon for the weights of linear layers, AdamW as `adam` has it for all other parameters.

    Tables of vectors (embeddings, a head tied to one) aren't maps from one space to another, so
    they are AdamW's. times_rate: Muon's rate, as a multiple of the rate that the loop sets. decay:
    what each step takes off Muon's matrices, as a multiple of Muon's rate; on a few passes over the
    data it does what dropout would, and costs nothing.
    """
    tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    linear = {id(m.weight) for m in model.modules() if isinstance(m, nn.Linear)} - tables
    parameters = list(model.parameters())
    return Muon(
        [p for p in parameters if id(p) in linear],
        [p for p in parameters if id(p) not in linear],
        times_rate,
        decay,
    )


def _as_adam(parameters: list[nn.Parameter]) -> dict[str, Any]:
    # One kernel for all parameters, where torch has it for sure.
    fused = all(p.device.type in ("cpu", "cuda") for p in parameters)
    return {"lr": 0.0, "betas": _BETAS, "eps": _EPS, "weight_decay": 0.0, "fused": fused}


class Muon(torch.optim.AdamW):
    """Each matrix moves along the nearest orthogonal matrix to its averaged gradient, so that all
    directions of a step are equally long; everything else moves as AdamW has it.

    matrices: parameters of two axes. others: all the rest. A matrix of m rows and n columns moves
    by `lr * times_rate * sqrt(max(1, m / n))` in every direction, and shrinks by
    `lr * times_rate * decay` of itself. torch has had this optimizer
    since 2.9, in bfloat16 whatever the processor makes of it, one matrix after another; here the
    precision is the surrounding one, and matrices of one shape are done together.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        others: Iterable[nn.Parameter],
        times_rate: float,
        decay: float = 0.0,
    ) -> None:
        groups: list[dict[str, Any]] = [
            {"params": list(matrices), "times_rate": times_rate, "decay": decay},
            {"params": list(others), "times_rate": 0.0, "decay": 0.0},
        ]
        flat = [p for p in groups[0]["params"] if p.ndim != 2]
        if flat:
            raise ValueError(
                f"Muon moves matrices; got a parameter of shape {tuple(flat[0].shape)}"
            )
        groups = [group for group in groups if group["params"]]
        super().__init__(groups, **_as_adam([p for group in groups for p in group["params"]]))

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
        """One step of all parameters that have a gradient."""
        loss = closure() if closure is not None else None
        gradients: dict[nn.Parameter, Tensor] = {}
        for group in self.param_groups:
            if group["times_rate"]:
                moving = [p for p in group["params"] if p.grad is not None]
                self._move(moving, group["lr"] * group["times_rate"], group["decay"])
                gradients |= {p: p.grad for p in moving}
        # AdamW leaves alone what has no gradient.
        for parameter in gradients:
            parameter.grad = None
        super().step()
        for parameter, gradient in gradients.items():
            parameter.grad = gradient
        return loss

    def _move(self, matrices: list[nn.Parameter], rate: float, decay: float) -> None:
        alike: dict[tuple[int, ...], list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
        for matrix in matrices:
            state = self.state[matrix]
            if not state:
                state["step"] = torch.tensor(0.0)  # AdamW's loading asks every state for one
                state["momentum"] = torch.zeros_like(matrix)
            state["step"] += 1
            remembered = state["momentum"].lerp(matrix.grad, 1 - _MOMENTUM)
            torch.hardshrink(remembered, _NO_MOMENTUM, out=state["momentum"])
            ahead = matrix.grad.lerp(state["momentum"], _MOMENTUM)  # Nesterov's
            wide = ahead if ahead.size(0) <= ahead.size(1) else ahead.T
            alike[tuple(wide.shape)].append((matrix, wide))
        for together in alike.values():
            directions = orthogonalised(torch.stack([wide for _, wide in together]))
            for (matrix, _), direction in zip(together, directions, strict=True):
                rows, columns = matrix.shape
                longer = max(1.0, rows / columns) ** 0.5
                matrix.mul_(1 - rate * decay)
                matrix.add_(direction if rows <= columns else direction.T, alpha=-rate * longer)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Nearly the orthogonal matrices that are nearest: singular values of about 0.7 to 1.2.

    matrices (B, m, n) with m <= n -> the same shape and dtype. A few steps of a polynomial that
    draws all singular values towards one (Newton and Schulz's iteration, tuned for speed).
    """
    a, b, c = _COEFFICIENTS
    x = matrices / matrices.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    x = torch.hardshrink(x, _NO_SHARE)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.to(matrices.dtype)
