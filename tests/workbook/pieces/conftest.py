"""What the tests of all lessons share: seeded randomness, weights that differ everywhere, and the
names that torch gives to what the course calls otherwise."""

import re
from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(20170612)


def _random(module: nn.Module) -> nn.Module:
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.4)
    return module.double()


@pytest.fixture
def random() -> Callable[[nn.Module], nn.Module]:
    """A module in float64 with no weight or bias left at a constant."""
    return _random


_TORCH_NAMES = (
    ("self_attention", "self_attn"),
    ("cross_attention", "multihead_attn"),
    ("feed_forward.", ""),
)


def _as_torch(named: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
    renamed = {}
    for name, tensor in dict(named).items():
        for ours, theirs in _TORCH_NAMES:
            name = name.replace(ours, theirs)
        renamed[name] = tensor
    packed = {}
    for name, tensor in renamed.items():
        if match := re.fullmatch(r"(.*)q_proj\.(weight|bias)", name):
            before, kind = match.groups()
            parts = [renamed[f"{before}{part}_proj.{kind}"] for part in "qkv"]
            packed[f"{before}in_proj_{kind}"] = torch.cat(parts)
        elif not re.search(r"\b[kv]_proj\.", name):
            packed[name] = tensor
    return packed


@pytest.fixture
def as_torch() -> Callable[[Iterable[tuple[str, Tensor]]], dict[str, Tensor]]:
    """Our names of weights (or of their gradients) to those of `torch.nn`, q, k and v packed."""
    return _as_torch


@pytest.fixture
def assert_same_gradients():
    """The gradients of a module of ours and of its `torch.nn` twin are the same, name by name."""

    def check(ours: nn.Module, twin: nn.Module) -> None:
        expected = {name: parameter.grad for name, parameter in twin.named_parameters()}
        actual = _as_torch((name, parameter.grad) for name, parameter in ours.named_parameters())
        assert actual.keys() == expected.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(
                actual[name], gradient, rtol=1e-9, atol=1e-11, msg=lambda m, n=name: f"{n}: {m}"
            )

    return check
