"""Lesson 09's part of the closed set: models to decode, a model to train, and what goes with them.

A decoder is judged on models whose next token is known beforehand. None of them is a Transformer:
what a lesson asks for is not lying about where its answers run.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn


class Table:
    """A model in place of a network: its next-token logits are a fixed function of the source's
    first token, of its length without padding, and of every token written so far."""

    def __init__(self, mix: Tensor, never: list[int], pad_id: int) -> None:
        self.mix = mix
        self.never = never
        self.pad_id = pad_id

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        return source[:, :1, None].to(self.mix.dtype), (source != self.pad_id)[:, None, None]

    def decode(self, target_in: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        steps = torch.arange(target_in.size(1))
        about = memory + memory_mask.sum(-1)  # (B, 1, 1)
        logits = 3 * (self.mix[steps, target_in].cumsum(1) + about).sin()
        logits[..., self.never] = -60.0
        return logits


def table(mix: Tensor, never: list[int], pad_id: int = 0) -> Table:
    """A `Table` of random numbers mix (positions, vocab, vocab), which never writes the tokens
    `never`."""
    return Table(mix, never, pad_id)


class Chain:
    """A model whose next token depends on the last one alone, with another table for each source:
    that of its first token."""

    def __init__(self, logits: Tensor, pad_id: int) -> None:
        self.logits = logits
        self.pad_id = pad_id

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        return source[:, :1, None].to(self.logits.dtype), (source != self.pad_id)[:, None, None]

    def decode(self, target_in: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        which = memory[:, :, 0].long().expand(target_in.shape)
        return self.logits[which, target_in]


def chain(logits: Tensor, pad_id: int = 0) -> Chain:
    """A `Chain`: logits (sources, vocab, vocab), row by the last token."""
    return Chain(logits, pad_id)


class Learner(nn.Module):
    """The least that `train_step` can train: embeddings, a mean of the source, a head.

    In training some features are left out, always the same ones, as dropout leaves out others
    each time: so a step's values tell the mode that it ran in.
    """

    def __init__(self, weights: dict[str, Tensor], kept: Tensor, pad_id: int) -> None:
        super().__init__()
        for name, weight in weights.items():
            self.register_parameter(name, nn.Parameter(weight.detach().clone()))
        self.register_buffer("kept", kept)
        self.pad_id = pad_id

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        real = (source != self.pad_id).unsqueeze(-1)
        total = (self.source[source] * real).sum(1, keepdim=True)
        return total / real.sum(1, keepdim=True).clamp(min=1), real[:, None, None, :, 0]

    def decode(self, target_in: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        x = torch.tanh(self.target[target_in] + memory)
        return (x * self.kept if self.training else x) @ self.head.T

    def forward(self, source: Tensor, target_in: Tensor) -> Tensor:
        return self.decode(target_in, *self.encode(source))


def learner(weights: dict[str, Tensor], kept: Tensor, pad_id: int = 0) -> Learner:
    """A `Learner` in training mode; weights `source` (vocab, d), `target` (vocab, d), `head`
    (vocab, d); kept (d,), the factors of the features in training."""
    return Learner(weights, kept, pad_id)


def batch(source: Tensor, target_in: Tensor, target_out: Tensor) -> SimpleNamespace:
    """Sentences as `train_step` takes them."""
    return SimpleNamespace(source=source, target_in=target_in, target_out=target_out)


class Schedule:
    """Sets an optimizer's learning rate: the first at once, the next at every `step()`."""

    def __init__(self, optimizer: torch.optim.Optimizer, rates: list[float]) -> None:
        self._optimizer = optimizer
        self._rates = iter(rates)
        self.step()

    def step(self) -> None:
        rate = next(self._rates)
        for group in self._optimizer.param_groups:
            group["lr"] = rate


def schedule(optimizer: torch.optim.Optimizer, rates: list[float]) -> Schedule:
    """A learning-rate scheduler: rates, one more than there will be steps."""
    return Schedule(optimizer, rates)


class Writer(nn.Module):
    """What `decode_step` finds in a `Transformer`: its target side, in parts."""

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        num_heads: int,
        num_layers: int,
        d_ff: int,
        norm_first: bool,
        max_length: int,
    ) -> None:
        super().__init__()
        from workbook.pieces import Decoder, OutputHead, PositionalEncoding

        self.target_embedding = nn.Embedding(vocab_size, d_model)
        self.positions = PositionalEncoding(d_model, max_length, 0.3)
        self.decoder = Decoder(num_layers, d_model, num_heads, d_ff, 0.3, norm_first)
        self.head = OutputHead(d_model, vocab_size)


def writer(
    weights: dict[str, Tensor],
    vocab_size: int,
    d_model: int,
    num_heads: int,
    num_layers: int,
    d_ff: int,
    norm_first: bool,
    max_length: int,
) -> Writer:
    """A `Writer` of these sizes with these weights, in eval mode."""
    made = Writer(vocab_size, d_model, num_heads, num_layers, d_ff, norm_first, max_length)
    made = made.to(weights["target_embedding.weight"].dtype).eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            parameter.copy_(weights[name])
    return made


def empty_cache(num_layers: int) -> Any:
    """Lesson 08's `KVCache`, empty."""
    from workbook.pieces import KVCache

    return KVCache(num_layers)


MAKERS: dict[str, Callable[..., Any]] = {
    make.__name__: make for make in (table, chain, learner, batch, schedule, writer, empty_cache)
}
