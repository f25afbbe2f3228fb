"""What a piece needs from outside itself, made on its side of the channel by name.

Code never crosses the channel, so a sublayer, a random generator or a list of parameters with
gradients is asked for by a name of this closed set and plain options. A lesson that needs another
kind adds it here.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from autograder.channel import leaky, translators


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


class PlainCache:
    """Keys and values by layer, grown by `append`; `contents` shows those of a layer.

    What an exercise that is handed a cache gets: it works whatever the student's own does.
    """

    def __init__(self, num_layers: int) -> None:
        self._held: list[list[torch.Tensor]] = [[] for _ in range(num_layers)]

    @property
    def length(self) -> int:
        held = self._held[0]
        return held[0].size(-2) if held else 0

    def append(
        self, layer: int, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        held, new = self._held[layer], [key, value]
        pairs = zip(held, new, strict=True)
        self._held[layer] = [torch.cat(pair, dim=-2) for pair in pairs] if held else new
        return self.contents(layer)

    def contents(self, layer: int) -> tuple[torch.Tensor, ...]:
        return tuple(self._held[layer])


def cache(num_layers: int) -> PlainCache:
    """An empty cache of keys and values."""
    return PlainCache(num_layers)


def attention(num_heads: int, weights: dict[str, torch.Tensor]) -> nn.Module:
    """Lesson 03's attention with these weights, in eval mode."""
    from workbook.pieces import MultiHeadAttention

    weight = weights["q_proj.weight"]
    module = MultiHeadAttention(weight.shape[1], num_heads).to(weight.dtype).eval()
    module.load_state_dict(weights)
    return module


class TableModel(nn.Module):
    """A language model that is a table: tokens (batch, length) -> logits (batch, length, vocab).

    The row of the table is the sum of the ids so far, each plus one, modulo the number of rows:
    what comes next hangs on all of them. Past `context` tokens it refuses, as a GPT does. `asked`
    has the shape of every call.
    """

    def __init__(self, table: torch.Tensor, context: int | None = None) -> None:
        super().__init__()
        self.table = nn.Parameter(table.detach().clone())
        self.context = context
        self.asked: list[list[int]] = []

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        self.asked.append(list(tokens.shape))
        if self.context is not None and tokens.size(1) > self.context:
            raise ValueError(f"{tokens.size(1)} tokens, and the context is {self.context}")
        return self.table[(tokens + 1).cumsum(1) % len(self.table)]


def table_model(table: torch.Tensor, context: int | None = None) -> TableModel:
    """A language model whose logits are known: `table` has a row for each sum of tokens."""
    return TableModel(table, context)


MAKERS: dict[str, Callable[..., Any]] = {
    make.__name__: make
    for make in (
        generator,
        linear,
        dropout,
        parameters,
        recurrent,
        sgd,
        cache,
        attention,
        table_model,
    )
}
MAKERS |= leaky.MAKERS | translators.MAKERS
