"""The device in its order of preference, and the seed."""

import random
from types import SimpleNamespace

import numpy
import pytest
import torch

from workbook.device import describe_device, pick_device, seed, seed_torch


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_cuda_comes_before_mps_and_mps_before_the_cpu(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device() == torch.device(expected)


def draws() -> list[float]:
    return [random.random(), float(numpy.random.rand()), float(torch.rand(()))]


def test_the_same_seed_gives_the_same_numbers():
    seed(7)
    first = draws()
    seed(7)
    assert draws() == first


def test_another_seed_changes_every_generator():
    seed(7)
    first = draws()
    seed(8)
    assert all(before != after for before, after in zip(first, draws(), strict=True))


@pytest.mark.parametrize("number", [-1, 2**32])
def test_a_seed_that_numpy_would_refuse_is_named(number):
    with pytest.raises(ValueError, match=f"0 to 4294967295, and this is {number}"):
        seed(number)


@pytest.mark.parametrize(("threads", "told"), [(1, "CPU, 1 thread"), (4, "CPU, 4 threads")])
def test_the_cpu_is_described_with_its_threads(monkeypatch, threads, told):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert describe_device(torch.device("cpu")) == told


def test_a_gpu_is_described_with_its_memory(monkeypatch):
    properties = SimpleNamespace(name="A fine GPU", total_memory=24 * 1024**3)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    assert describe_device(torch.device("cuda")) == "A fine GPU, 24 GiB"


def test_apples_gpu_is_described_with_what_it_lacks():
    assert "no float64" in describe_device(torch.device("mps"))


def test_seeding_torch_alone_gives_torchs_numbers_and_notes_nothing_down():
    torch.manual_seed(7)
    expected, waiting = torch.rand(3), len(torch.cuda._queued_calls)
    seed_torch(7)
    assert torch.rand(3).tolist() == expected.tolist()
    assert len(torch.cuda._queued_calls) == waiting or torch.accelerator.is_available()
