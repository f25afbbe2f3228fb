"""Values on their way between the judge and a piece."""

import contextlib
import json
import math
import pickle
import struct

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autograder.channel.wire import (
    LENGTH,
    Handle,
    Made,
    Opaque,
    WireError,
    decode,
    encode,
    leaves,
    map_leaves,
    tensors_in,
)
from tests.autograder.strange_values import staying, tensors, travelling

quick = settings(derandomize=True, deadline=None, max_examples=80)


def there_and_back(value):
    return decode(encode(value))


def identical(one, other):
    """Equal to the last bit: types, -0.0, NaN, gradients wanted or not."""
    if isinstance(one, torch.Tensor):
        return (
            type(other) is torch.Tensor
            and one.dtype == other.dtype
            and one.shape == other.shape
            and one.requires_grad == other.requires_grad
            and one.detach().clone().contiguous().view(torch.uint8).tolist()
            == other.detach().clone().contiguous().view(torch.uint8).tolist()
            if one.dim() and one.numel()
            else one.shape == other.shape
            and one.dtype == other.dtype
            and str(one.detach()) == str(other.detach())
        )
    if isinstance(one, (list, tuple)):
        return (
            type(one) is type(other)
            and len(one) == len(other)
            and all(identical(a, b) for a, b in zip(one, other, strict=True))
        )
    if isinstance(one, dict):
        return list(one) == list(other) and all(identical(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return isinstance(other, float) and one.hex() == other.hex()
    return type(one) is type(other) and one == other


@quick
@given(travelling)
@example([float("nan"), -0.0, math.inf, -math.inf, 5e-324, 10**400, -1, True, None, "", "\ud800"])
@example({"list": [1], "tensor": "0", "int": 3, "opaque": {"handle": 1}})
def test_what_can_travel_arrives_as_it_left(value):
    assert identical(value, there_and_back(value))


def test_an_integer_longer_than_python_prints_arrives():
    # == and not identical(): a failure would have to print it
    assert there_and_back([10**5000, -(10**5000)]) == [10**5000, -(10**5000)]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(3.5),
        torch.tensor(True),
        torch.zeros(0, 3),
        torch.arange(12).view(3, 4).T,
        torch.arange(6)[::2],
        torch.ones(1, 3).expand(4, 3),
        torch.tensor([0.1, -2.5, 1e9], dtype=torch.float64, requires_grad=True),
        torch.linspace(-2, 2, 6).view(2, 3).half(),
        torch.linspace(-2, 2, 6).view(2, 3).bfloat16(),
        torch.tensor([-0.0, math.nan, math.inf]),
    ],
    ids=str,
)
def test_every_kind_of_tensor_arrives(tensor):
    arrived = there_and_back(tensor)
    assert arrived.dtype == tensor.dtype
    assert arrived.shape == tensor.shape
    assert arrived.requires_grad == tensor.requires_grad
    assert str(arrived.detach()) == str(tensor.detach())


def test_views_of_one_memory_arrive_as_tensors_of_their_own():
    base = torch.arange(6.0)
    first, second = there_and_back((base[:4], base[2:]))
    first.zero_()
    assert second.tolist() == [2.0, 3.0, 4.0, 5.0]


def test_the_senders_tensor_is_not_touched_by_the_receiver():
    tensor = torch.ones(3)
    there_and_back(tensor).zero_()
    assert tensor.tolist() == [1.0, 1.0, 1.0]


def test_a_parameter_arrives_as_a_plain_tensor():
    arrived = there_and_back(torch.nn.Parameter(torch.ones(2)))
    assert type(arrived) is torch.Tensor
    assert arrived.requires_grad


def test_the_channels_own_words_arrive():
    made = Made("linear", {"weight": torch.ones(2, 2), "bias": None, "of": Handle(3)})
    handle, arrived, opaque, dtype = there_and_back((Handle(7), made, Opaque("set"), torch.float16))
    assert (handle, opaque, dtype) == (Handle(7), Opaque("set"), torch.float16)
    assert arrived.kind == "linear"
    assert identical(arrived.options["weight"], torch.ones(2, 2))
    assert (arrived.options["bias"], arrived.options["of"]) == (None, Handle(3))


@pytest.mark.parametrize("position", range(len(staying())))
def test_what_cannot_travel_arrives_as_its_type(position):
    thing = staying()[position]
    arrived = there_and_back([1, thing, "after"])
    assert arrived == [1, Opaque(type(thing).__name__), "after"]


def test_nothing_is_unpickled():
    pickled = pickle.dumps(_Sprung())
    structure = json.dumps({"opaque": "x"}).encode()
    for message in (pickled, LENGTH.pack(len(structure)) + structure + pickled):
        with pytest.raises(WireError):
            decode(message)


class _Sprung:
    def __reduce__(self):
        return (pytest.fail, ("unpickling ran code",))


def test_the_trap_of_the_last_test_is_one():
    with pytest.raises(pytest.fail.Exception):
        pickle.loads(pickle.dumps(_Sprung()))


def framed(structure, tail=None):
    text = json.dumps(structure).encode()
    return LENGTH.pack(len(text)) + text + (encode(None)[12:] if tail is None else tail)


def test_a_message_made_by_hand_is_read():
    assert decode(framed({"tuple": [{"int": "0x10"}, None]})) == (16, None)


@pytest.mark.parametrize(
    "structure",
    [
        3,
        2.5,
        [1],
        {},
        {"unknown": 1},
        {"tensor": "0", "requires_grad": False},
        {"tensor": ["unhashable"], "requires_grad": False},
        {"int": "three"},
        {"int": None},
        {"float": "x"},
        {"list": 3},
        {"dict": [["key"]]},
        {"dict": [[["unhashable"], None]]},
        {"dtype": "nn"},
        {"dtype": "__doc__"},
        {"dtype": 3},
        {"handle": "x"},
        {"made": "x"},
        {"tuple": [{"list": [{"no": 1}]}]},
    ],
    ids=json.dumps,
)
def test_a_structure_of_other_words_is_refused(structure):
    with pytest.raises(WireError):
        decode(framed(structure))


def test_structure_nested_without_end_is_refused():
    depth = 100_000
    text = b'{"list":[' * depth + b"]}" * depth
    with pytest.raises(WireError):
        decode(LENGTH.pack(len(text)) + text + encode(None)[12:])


def test_a_gradient_wanted_of_integers_is_refused():
    message = encode(torch.arange(3))
    lie = message.replace(b'"requires_grad": false', b'"requires_grad": true ')
    assert lie != message
    with pytest.raises(WireError):
        decode(lie)


@quick
@given(st.binary(max_size=300))
@example(b"")
@example(struct.pack("<Q", 2**63))
@example(struct.pack("<Q", 2) + b"{}")
@example(struct.pack("<Q", 4) + b"null" + struct.pack("<Q", 2**62))
def test_random_bytes_raise_wire_error_and_nothing_else(noise):
    with pytest.raises(WireError):
        decode(noise)


@quick
@given(tensors, st.data())
def test_a_truncated_message_raises_wire_error(tensor, data):
    message = encode({"value": [tensor, "text", 3]})
    with pytest.raises(WireError):
        decode(message[: data.draw(st.integers(0, len(message) - 1))])


@quick
@given(tensors, st.data())
def test_a_corrupt_message_raises_wire_error_or_gives_another_value(tensor, data):
    message = bytearray(encode({"value": [tensor, "text", 3]}))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(WireError):
        decode(bytes(message))


def test_leaves_come_in_order():
    assert leaves([1, {"a": (2, [3, Made("sgd", {"of": 4})])}, []]) == [1, 2, 3, 4]


def test_the_tensors_of_a_structure_are_those_the_piece_sees():
    one, two, hidden = torch.ones(1), torch.zeros(2), torch.zeros(3)
    structure = [1, {"a": (one, Made("linear", {"weight": hidden}))}, [[two]], Handle(0)]
    assert [id(tensor) for tensor in tensors_in(structure)] == [id(one), id(two)]


def test_map_leaves_keeps_the_containers():
    changed = map_leaves([1, (2, {"k": 3}), Made("m", {"o": 4})], lambda leaf: leaf * 10)
    assert changed == [10, (20, {"k": 30}), Made("m", {"o": 40})]
