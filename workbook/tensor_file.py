"""Tensors and a note in JSON in one file, which is written whole or not at all.

The format is safetensors, whose header holds the note: weights and what belongs to them can't be
parted by a crash, and reading a file runs no code.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor, nn

from workbook.atomic import write_bytes

_NOTE = "note"


class BrokenTensorFile(ValueError):
    """The file is not what `write_tensors` wrote; the message says what to do."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor], note: Mapping[str, Any]) -> None:
    """Write tensors by name and a note that JSON can hold. Raises OSError, and TypeError for a
    note that JSON can't hold."""
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_bytes(path, save(own, {_NOTE: json.dumps(note, ensure_ascii=False)}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and the note of a file. Nothing ties them to it: it can be replaced
    while they are in use. Raises BrokenTensorFile, and OSError where it can't be read."""
    content = path.read_bytes()
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise _broken(path, error) from error
    # The format: the header's length in eight bytes, then the header. `load` keeps the note back.
    end = 8 + int.from_bytes(content[:8], "little")
    return tensors, _note(path, json.loads(content[8:end]).get("__metadata__"))


def read_note(path: Path) -> dict[str, Any]:
    """The note alone, without loading the tensors. Raises as `read_tensors`."""
    with path.open("rb"):  # a missing file is told as Python tells it
        pass
    try:
        with safe_open(path, framework="pt") as file:
            return _note(path, file.metadata())
    except SafetensorError as error:
        raise _broken(path, error) from error


def model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """What has to be saved of a model: the parameters and persistent buffers themselves, by name;
    what is tied, once, where `state_dict()` has it under each of its names."""
    own: dict[int, tuple[str, Tensor]] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if isinstance(tensor, Tensor):  # and not a module's extra state
            own.setdefault(id(tensor), (name, tensor))
    return dict(own.values())


@torch.no_grad()
def load_tensors(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put what `model_tensors` gave back into a model of the same kind.

    A tensor that the model has only as a non-persistent buffer is passed over. Raises ValueError
    where names or shapes differ; the model is then as it was.
    """
    own = model_tensors(model)
    buffers = {name for name, _ in model.named_buffers(remove_duplicate=False)}
    rebuilt = buffers - model.state_dict().keys()
    if differ := sorted(own.keys() ^ (tensors.keys() - rebuilt)):
        raise ValueError(f"only one of the two has {', '.join(differ[:4])}")
    for name, tensor in own.items():
        if tensor.shape != tensors[name].shape:
            raise ValueError(
                f"{name} is {tuple(tensors[name].shape)} in the file and {tuple(tensor.shape)} here"
            )
    for name, tensor in own.items():
        tensor.copy_(tensors[name])


def _note(path: Path, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    try:
        note = json.loads((metadata or {})[_NOTE])
    except (KeyError, ValueError) as error:
        raise _broken(path, error) from error
    if not isinstance(note, dict):
        raise _broken(path, TypeError(f"its note is a {type(note).__name__}"))
    return note


def _broken(path: Path, error: Exception) -> BrokenTensorFile:
    return BrokenTensorFile(
        f"{path} is damaged or no file of this course ({type(error).__name__}: {error}); "
        "delete it, and it will be made again"
    )
