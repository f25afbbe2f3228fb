"""Tensors and a note in one file."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import nn

from workbook import atomic, tensor_file
from workbook.tensor_file import (
    BrokenTensorFile,
    load_tensors,
    model_tensors,
    read_note,
    read_tensors,
    write_tensors,
)


def test_tensors_and_note_come_back(tmp_path):
    path = tmp_path / "models" / "a.safetensors"
    tensors = {"a": torch.randn(2, 3, dtype=torch.float64), "n": torch.tensor(3)}
    write_tensors(path, tensors, {"words": "¿qué?", "list": [1, None]})
    read, note = read_tensors(path)
    assert note == {"words": "¿qué?", "list": [1, None]} == read_note(path)
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_views_and_shared_memory_are_written_as_they_look(tmp_path):
    whole = torch.arange(6.0).view(2, 3)
    write_tensors(tmp_path / "a", {"t": whole.T, "row": whole[0], "whole": whole}, {})
    read, _ = read_tensors(tmp_path / "a")
    assert torch.equal(read["t"], whole.T)
    assert torch.equal(read["row"], whole[0])


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_tensors(path, {"a": torch.ones(2)}, {"old": True})

    def fail(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_tensors(path, {"a": torch.zeros(2)}, {"old": False})
    assert read_note(path) == {"old": True}
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_a_damaged_file_is_named_with_what_to_do(tmp_path, damage):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.ones(200)}, {})
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[:-100], "text": b"hello" * 20, "empty": b""}[damage])
    for read in (read_tensors, read_note):
        with pytest.raises(BrokenTensorFile, match=r"a\.safetensors is damaged.*delete it"):
            read(path)


def test_a_file_without_a_note_is_none_of_ours(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(1)}, tmp_path / "a")
    with pytest.raises(BrokenTensorFile):
        read_tensors(tmp_path / "a")


def test_a_missing_file_is_told_as_one(tmp_path):
    for read in (read_tensors, read_note):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "a")


@pytest.mark.parametrize("note", ["no JSON", "[1]"])
def test_a_note_of_another_kind_is_none_of_ours(tmp_path, note):
    (tmp_path / "a").write_bytes(save({"a": torch.ones(1)}, {"note": note}))
    for read in (read_tensors, read_note):
        with pytest.raises(BrokenTensorFile):
            read(tmp_path / "a")


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux lists what is mapped")
def test_what_was_read_is_not_mapped_to_the_file(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.ones(5_000)}, {})
    kept = read_tensors(path), read_note(path)
    assert str(path) not in Path("/proc/self/maps").read_text()
    assert len(kept) == 2


def test_what_was_read_can_be_written_to_and_leaves_the_file_alone(tmp_path):
    path = tmp_path / "a"
    write_tensors(path, {"a": torch.ones(2)}, {})
    read, _ = read_tensors(path)
    read["a"].add_(1)
    write_tensors(path, {"a": torch.zeros(2)}, {})
    assert torch.equal(read["a"], torch.full((2,), 2.0))
    assert torch.equal(read_tensors(path)[0]["a"], torch.zeros(2))


def test_tensors_and_note_are_of_the_same_file(tmp_path, monkeypatch):
    path, loads = tmp_path / "a", tensor_file.json.loads
    write_tensors(path, {"a": torch.zeros(1)}, {"a": 0})

    def meanwhile_replaced(text):
        write_tensors(path, {"a": torch.ones(1)}, {"a": 1})
        return loads(text)

    monkeypatch.setattr(tensor_file.json, "loads", meanwhile_replaced)
    tensors, note = read_tensors(path)
    assert tensors["a"].item() == note["a"]


class Tied(nn.Module):
    def __init__(self, size=4):
        super().__init__()
        self.embedding = nn.Embedding(size, 3)
        self.head = nn.Linear(3, size, bias=False)
        self.head.weight = self.embedding.weight
        self.register_buffer("table", torch.randn(2))


def test_tied_weights_are_saved_once_and_stay_tied():
    model, other = Tied(), Tied()
    tensors = model_tensors(model)
    assert sorted(tensors) == ["embedding.weight", "table"]
    load_tensors(other, tensors)
    assert other.head.weight is other.embedding.weight
    assert torch.equal(other.head.weight, model.embedding.weight)
    assert torch.equal(other.table, model.table)


@pytest.mark.parametrize("wrong", [Tied(5), nn.Linear(2, 2)])
def test_weights_of_another_model_are_refused_and_change_nothing(wrong):
    model = Tied()
    before = {name: tensor.clone() for name, tensor in model_tensors(model).items()}
    with pytest.raises(ValueError, match=r"embedding\.weight"):
        load_tensors(model, model_tensors(wrong))
    assert all(torch.equal(before[name], t) for name, t in model_tensors(model).items())


class Masked(nn.Module):
    """Rebuilds its mask, as a causal one is rebuilt, and shares one table by two names."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.register_buffer("mask", torch.ones(2, 2).tril(), persistent=False)
        self.register_buffer("scratch", torch.randn(2), persistent=False)
        self.register_buffer("table", self.scratch)


def test_what_a_model_rebuilds_is_not_saved():
    assert sorted(model_tensors(Masked())) == ["linear.bias", "linear.weight", "table"]


def test_a_file_that_holds_what_the_model_rebuilds_is_taken():
    model, other = Masked(), Masked()
    load_tensors(other, {**model_tensors(model), "mask": torch.zeros(2, 2)})
    assert torch.equal(other.linear.weight, model.linear.weight)
    assert torch.equal(other.table, model.table)
    assert torch.equal(other.mask, torch.ones(2, 2).tril())
    with pytest.raises(ValueError, match="only one of the two has musk"):
        load_tensors(other, {**model_tensors(model), "musk": torch.zeros(2, 2)})
