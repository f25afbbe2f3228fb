"""Weights that others have published, put into a module of ours: what every loader here shares.

    tensors = read_published(folder / "model.safetensors")
    mapping = {"token.weight": "wte.weight", "norm.weight": "ln_f.weight", "norm.bias": "ln_f.bias"}
    mapping |= for_each_layer(
        {
            "layers.{}.norm1.weight": "h.{}.ln_1.weight",
            "layers.{}.self_attention.q_proj.weight":
                Taken("h.{}.attn.c_attn.weight", transposed=True, part=0, parts=3),
        },
        num_layers,
    )
    fill(module, tensors, mapping, unused=[r"h\\.[0-9]+\\.attn\\.bias"])

A mapping goes from *our* names to theirs, so that several of ours can take from one of theirs. A
file that doesn't fit is refused whole, with three lists: what is missing, what is left over, and
what has another shape. The module is then as it was.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from workbook.tensor_file import model_tensors

_SHOWN = 8  # names of each list in a message; the exception has all of them


@dataclass(frozen=True)
class Taken:
    """Where a tensor of ours comes from: a published name, then what is done with the tensor.

    First it is `transposed` (some store a linear layer as (in, out)), then cut into `parts` equal
    ones along its first axis, of which it is number `part`, counted from 0.
    """

    name: str
    transposed: bool = False
    part: int = 0
    parts: int = 1

    def of(self, tensor: Tensor) -> Tensor:
        """A published tensor as we keep it. Raises ValueError where it can't be cut."""
        if self.transposed:
            tensor = tensor.transpose(0, -1)
        if self.parts == 1:
            return tensor
        if tensor.size(0) % self.parts:
            raise ValueError(f"{tensor.size(0)} rows can't be cut into {self.parts} equal parts")
        return tensor.chunk(self.parts)[self.part]


Mapped = Mapping[str, str | Taken]


class NotWeights(ValueError):
    """The file holds no tensors by name; the message says what to do."""


class OtherWeights(ValueError):
    """Tensors that don't fit a module. `missing`, `left_over` and `misshapen` have all names, the
    published ones; the message has the first of each."""

    def __init__(self, what: str, missing: list, left_over: list, misshapen: list) -> None:
        self.missing, self.left_over, self.misshapen = missing, left_over, misshapen
        lines = [f"These are not the weights of {what}, and nothing was loaded."]
        lines += _listed("missing", missing)
        lines += _listed("left over", left_over)
        lines += _listed("of another shape", misshapen)
        super().__init__("\n".join(lines))


def read_published(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU: safetensors, or what `torch.save` wrote of a state
    dict. What it is, its first bytes say. No code in the file is run.

    Raises NotWeights for anything else, and OSError where it can't be read.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            if file.read(9)[8:] == b"{":
                return load_file(path)
            file.seek(0)  # by the file: of a path, torch believes the ending
            found = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # bytes that are no pickle raise nearly anything in its machine
        raise NotWeights(
            f"{path} is damaged, or no file of weights ({type(error).__name__}); expected are "
            "safetensors or a PyTorch state dict: delete it and fetch it again"
        ) from error
    if not isinstance(found, Mapping) or not all(isinstance(t, Tensor) for t in found.values()):
        raise NotWeights(f"{path} should hold tensors by name; it holds a {type(found).__name__}")
    return dict(found)


def for_each_layer(mapping: Mapped, num_layers: int) -> dict[str, str | Taken]:
    """The mapping of one layer, whose names hold `{}` for its number, written out for all."""
    written = {}
    for number in range(num_layers):
        for ours, theirs in mapping.items():
            if isinstance(theirs, Taken):
                taken = replace(theirs, name=theirs.name.format(number))
            else:
                taken = theirs.format(number)
            written[ours.format(number)] = taken
    return written


@torch.no_grad()
def fill(
    module: nn.Module, tensors: Mapping[str, Tensor], mapping: Mapped, unused: Iterable[str] = ()
) -> None:
    """Copy published tensors into a module's parameters and buffers, all of them or none.

    Args:
        module: parameters that are tied count once, under their first name. Values take its dtype
            and device. On the meta device only names and shapes are compared.
        tensors: by their published names.
        mapping: for every parameter and buffer of the module, where it comes from.
        unused: regular expressions of published names that may be there and aren't needed.

    Raises:
        OtherWeights: a published tensor is missing, left over or of the wrong shape.
        KeyError: the mapping itself doesn't name just the module's tensors: a mistake of its author
            or a module that isn't built as the course's.
    """
    own = model_tensors(module)
    if own.keys() != mapping.keys():
        differ = sorted(own.keys() ^ mapping.keys())
        raise KeyError(
            f"the mapping and {type(module).__name__} differ in {', '.join(differ[:_SHOWN])}: the "
            "names of the module's parameters have to be those of the course"
        )
    sources = {name: t if isinstance(t, Taken) else Taken(t) for name, t in mapping.items()}
    asked = {taken.name for taken in sources.values()}
    missing = sorted(asked - tensors.keys())
    optional = [re.compile(pattern) for pattern in unused]
    left_over = sorted(
        name
        for name in tensors.keys() - asked
        if not any(pattern.fullmatch(name) for pattern in optional)
    )
    ready, misshapen = {}, set()
    for name, taken in sources.items():
        if taken.name not in tensors:
            continue
        try:
            ready[name] = taken.of(tensors[taken.name])
            fits = ready[name].shape == own[name].shape
        except ValueError:
            fits = False
        if not fits:
            shape = tuple(tensors[taken.name].shape)
            misshapen.add(f"{taken.name} {shape}, for {name} {tuple(own[name].shape)}")
    if missing or left_over or misshapen:
        raise OtherWeights(type(module).__name__, missing, left_over, sorted(misshapen))
    for name, value in ready.items():
        own[name].copy_(value)


def _listed(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    more = len(names) - _SHOWN
    return [
        f"{what} ({len(names)}):",
        *(f"  {name}" for name in names[:_SHOWN]),
        *([f"  … and {more} more"] if more > 0 else []),
    ]
