"""How values travel between the judge and a piece: JSON for structure, safetensors for numbers.

Never a pickle: unpickling runs code, and one end of this wire is code nobody has read. A message is

    8 bytes   length of the JSON, little endian
    JSON      the structure; a tensor appears in it as {"tensor": key}
    the rest  the tensors, in the safetensors format

Containers are written as single-key objects ({"list": [...]}, {"tuple": [...]}, {"dict": [...]}),
so a student's dictionary can never be mistaken for one of the wire's own words.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

LENGTH = struct.Struct("<Q")
# Bytes of structure: far more than a check needs, and far less than would fill the reader's memory.
_MOST_STRUCTURE = 4 * 2**20

# What safetensors writes in every version; a tensor of another dtype can't travel.
DTYPES = frozenset(
    getattr(torch, name)
    for name in "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool".split()
)

_DTYPE_NAMES = {name for name, value in vars(torch).items() if isinstance(value, torch.dtype)}


class WireError(ValueError):
    """Bytes that are no message of ours."""


@dataclass(frozen=True)
class Handle:
    """Something that lives on the piece's side and is spoken of by number."""

    number: int


@dataclass(frozen=True)
class Made:
    """Something a piece needs from outside, made on its side: a name of the closed set and
    options."""

    kind: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Opaque:
    """A value that cannot travel; only the name of its type does."""

    type_name: str


def map_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same lists, tuples and dictionaries (those with strings for keys: others can't travel)
    with `change` applied to everything else."""
    if isinstance(value, list):
        return [map_leaves(item, change) for item in value]
    if isinstance(value, tuple):
        return tuple(map_leaves(item, change) for item in value)
    if isinstance(value, dict) and _has_names(value):
        return {key: map_leaves(item, change) for key, item in value.items()}
    if isinstance(value, Made):
        return Made(value.kind, map_leaves(value.options, change))
    return change(value)


def leaves(value: Any) -> list[Any]:
    """Everything in a structure that is no container, in order."""
    found: list[Any] = []
    map_leaves(value, found.append)
    return found


def tensors_in(value: Any) -> list[torch.Tensor]:
    """The tensors of a structure, in order. Those that something is to be made from are not among
    them: the piece never sees them."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [tensor for item in value for tensor in tensors_in(item)]
    return []


def travels(tensor: torch.Tensor) -> bool:
    """Whether a tensor can be sent: it has numbers, one after the other, of a known dtype."""
    return tensor.layout == torch.strided and tensor.dtype in DTYPES and not tensor.is_meta


def _has_names(mapping: dict) -> bool:
    return all(isinstance(key, str) for key in mapping)


def encode(value: Any) -> bytes:
    """The bytes of a structure of tensors, numbers, strings, Handles and Made things.

    What can't travel arrives as `Opaque`, so that the judge can say what it got.
    """
    tensors: dict[str, torch.Tensor] = {}

    def pack(item: Any) -> Any:
        if item is None or isinstance(item, (bool, str)):
            return item
        if isinstance(item, int):
            return {"int": hex(item)}  # str() refuses more than 4300 digits
        if isinstance(item, float):
            return {"float": float(item).hex()}
        if isinstance(item, list):
            return {"list": [pack(each) for each in item]}
        if isinstance(item, tuple):
            return {"tuple": [pack(each) for each in item]}
        if isinstance(item, dict) and _has_names(item):
            return {"dict": [[key, pack(each)] for key, each in item.items()]}
        if isinstance(item, torch.Tensor) and travels(item):
            key = str(len(tensors))
            tensors[key] = item.detach().cpu().contiguous().clone()
            return {"tensor": key, "requires_grad": bool(item.requires_grad)}
        if isinstance(item, torch.dtype):
            return {"dtype": str(item).removeprefix("torch.")}
        if isinstance(item, Handle):
            return {"handle": item.number}
        if isinstance(item, Made):
            return {"made": item.kind, "options": pack(item.options)}
        if isinstance(item, Opaque):
            return {"opaque": item.type_name}
        return {"opaque": type(item).__name__}

    structure = json.dumps(pack(value)).encode()
    return LENGTH.pack(len(structure)) + structure + save_tensors(tensors)


def decode(message: bytes) -> Any:
    """The structure that `encode` was given. Raises WireError for anything else."""
    try:
        (length,) = LENGTH.unpack_from(message)
        if length > _MOST_STRUCTURE:
            raise WireError(f"a structure of {length} bytes; at most {_MOST_STRUCTURE} are read")
        end = LENGTH.size + length
        structure = json.loads(message[LENGTH.size : end])
        tensors = load_tensors(message[end:])
        return _unpack(structure, tensors)
    except WireError:
        raise
    except Exception as error:  # whatever the bytes provoke, the reader learns one thing
        raise WireError(f"not a message of the channel: {error}") from None


def _unpack(item: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if item is None or isinstance(item, (bool, str)):
        return item
    if not isinstance(item, dict):
        raise WireError(f"unexpected {type(item).__name__} in a message")
    if "int" in item:
        return int(item["int"], 16)
    if "float" in item:
        return float.fromhex(item["float"])
    if "list" in item:
        return [_unpack(each, tensors) for each in item["list"]]
    if "tuple" in item:
        return tuple(_unpack(each, tensors) for each in item["tuple"])
    if "dict" in item:
        return {key: _unpack(each, tensors) for key, each in item["dict"]}
    if "tensor" in item:
        return tensors[item["tensor"]].requires_grad_(bool(item["requires_grad"]))
    if "dtype" in item:
        if item["dtype"] not in _DTYPE_NAMES:
            raise WireError(f"no such dtype: {item['dtype']!r}")
        return getattr(torch, item["dtype"])
    if "handle" in item:
        return Handle(int(item["handle"]))
    if "made" in item:
        return Made(str(item["made"]), _unpack(item["options"], tensors))
    if "opaque" in item:
        return Opaque(str(item["opaque"]))
    raise WireError(f"unknown words in a message: {sorted(item)[:3]}")
