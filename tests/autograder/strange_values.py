"""Values as a student's code may return them, the strange ones above all, for hypothesis."""

import math

import numpy as np
import torch
from hypothesis import strategies as st

DTYPES = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)

shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


def _filled(shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator, dtype=torch.float64) * 3
    return values.abs().to(dtype) if dtype == torch.uint8 else values.to(dtype)


def _with_special(tensor: torch.Tensor, special: float) -> torch.Tensor:
    if tensor.is_floating_point() and tensor.numel():
        tensor.view(-1)[0] = special
    return tensor


def _view(tensor: torch.Tensor, how: str) -> torch.Tensor:
    """The same numbers in another arrangement of memory."""
    if how == "transposed":
        return tensor.mT if tensor.dim() > 1 else tensor
    if how == "every other":
        return tensor[::2] if tensor.dim() else tensor
    if how == "expanded":
        return tensor.expand(2, *tensor.shape)
    if how == "flipped":
        return tensor.flip(0) if tensor.dim() else tensor
    return tensor


tensors = st.builds(
    _view,
    st.builds(
        _with_special,
        st.builds(_filled, shapes, st.sampled_from(DTYPES), st.integers(0, 99)),
        st.sampled_from([1.5, -0.0, math.inf, -math.inf, math.nan]),
    ),
    st.sampled_from(["as made", "transposed", "every other", "expanded", "flipped"]),
)

learning_tensors = st.builds(
    lambda shape, seed: _filled(shape, torch.float64, seed).requires_grad_(),
    shapes,
    st.integers(0, 99),
)

# Words that the wire itself uses, so that a dictionary of a student's can look like its messages.
_WIRE_WORDS = st.sampled_from(
    ["int", "float", "list", "tuple", "dict", "tensor", "dtype", "handle", "made", "opaque"]
)

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=8),
    _WIRE_WORDS,
    st.sampled_from(DTYPES),
)

travelling = st.recursive(
    plain | tensors | learning_tensors,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(_WIRE_WORDS | st.text(max_size=4), inner, max_size=3),
    ),
    max_leaves=8,
)


class Odd:
    """An object that objects to most things."""

    def __bool__(self):
        raise ZeroDivisionError("neither true nor false")

    def __eq__(self, other):
        raise OverflowError("not comparable")

    __hash__ = None

    def __len__(self):
        raise MemoryError("endless")


def staying() -> list:
    """Things that cannot travel."""
    return [
        object(),
        Odd(),
        print,
        int,
        {1, 2},
        {1: "a key that is no string"},
        np.float32(1.5),
        np.arange(3),
        torch.nn.Linear,
        torch.device("cpu"),
        1j,
        b"bytes",
        iter([1]),
        torch.zeros(2, device="meta"),
        torch.zeros(2, dtype=torch.complex128),
        torch.zeros(3).to_sparse(),
    ]


def strange() -> st.SearchStrategy:
    """Anything at all, alone or inside a tuple, list or dictionary."""
    anything = st.one_of(travelling, st.integers(0, len(staying()) - 1).map(lambda i: staying()[i]))
    return st.one_of(
        anything,
        st.tuples(anything, anything),
        st.lists(anything, max_size=3),
        st.dictionaries(st.text(max_size=3), anything, max_size=2),
    )
