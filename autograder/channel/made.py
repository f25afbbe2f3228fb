"""What a piece needs from outside itself, made on its side of the channel by name.

Code never crosses the channel, so a sublayer, a random generator or a list of parameters with
gradients is asked for by a name of this closed set and plain options. A lesson that needs another
kind adds it here.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from autograder.channel import translators


def generator(seed: int) -> torch.Generator:
    """A random generator of its own, on the CPU."""
    return torch.Generator().manual_seed(seed)


def linear(weight: torch.Tensor, bias: torch.Tensor | None = None) -> nn.Linear:
    """A callable layer x → x weightᵀ + bias; weight (out, in), bias (out,)."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
    return layer


def dropout(p: float) -> nn.Dropout:
    """A dropout layer in training mode."""
    return nn.Dropout(p)


class OnePass(Iterator[nn.Parameter]):
    """An iterator whose parameters can be looked at after it has run out."""

    def __init__(self, held: list[nn.Parameter]) -> None:
        self.held = held
        self._rest = iter(held)

    def __next__(self) -> nn.Parameter:
        return next(self._rest)


def parameters(
    values: list[torch.Tensor], gradients: list[torch.Tensor | None], iterator: bool = False
) -> list[nn.Parameter] | OnePass:
    """Parameters with these gradients (None: the parameter has none yet), as a list or as an
    iterator that gives each of them once, as `module.parameters()` does."""
    made = []
    for value, gradient in zip(values, gradients, strict=True):
        parameter = nn.Parameter(value.detach().clone())
        parameter.grad = None if gradient is None else gradient.detach().clone()
        made.append(parameter)
    return OnePass(made) if iterator else made


class Recurrent(nn.Module):
    """A network (batch, length, input) -> (outputs, last), with last (batch, hidden)."""

    def __init__(self, network: nn.RNNBase) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        outputs, last = self.network(x)
        return outputs, last[0]


def recurrent(cell: str, weights: list[torch.Tensor]) -> Recurrent:
    """A recurrent network of one layer, `cell` "RNN" or "GRU", whose weights are those of torch's:
    input to hidden (gates · hidden, input), hidden to hidden, and the two biases."""
    hidden, inputs = weights[1].shape[1], weights[0].shape[1]
    network = {"RNN": nn.RNN, "GRU": nn.GRU}[cell](
        inputs, hidden, batch_first=True, dtype=weights[0].dtype
    )
    with torch.no_grad():
        for parameter, weight in zip(network.parameters(), weights, strict=True):
            parameter.copy_(weight)
    return Recurrent(network)


def sgd(module: nn.Module, rate: float) -> torch.optim.Optimizer:
    """Plain gradient descent over a module that lives on this side."""
    return torch.optim.SGD(module.parameters(), lr=rate)


MAKERS: dict[str, Callable[..., Any]] = {
    make.__name__: make for make in (generator, linear, dropout, parameters, recurrent, sgd)
}
MAKERS |= translators.MAKERS
