"""The same student, asked here and in another process: the same answers."""

import math

import pytest
import torch

from autograder.channel.piece import PieceLost, PieceRaised, here
from autograder.channel.wire import Handle, Made, Opaque

STUDENT = '''\
import sys

import torch
from torch import nn
from torch.nn import functional as F


def scaled(x, factor=2.0):
    return x * factor


def everything(x):
    return [x, (None, True, 3, 2.5, "text"), {"shape": tuple(x.shape), "dtype": x.dtype}]


def echo(value):
    return value


def spoils(x, others):
    x.zero_()
    others["mask"].logical_not_()
    others["list"][0].add_(1)
    others["list"].append("more")
    return x


def takes_two(first, second):
    first += 1
    return second


def drawn(x, generator=None):
    return torch.rand(x.shape, generator=generator, dtype=x.dtype)


def residual(x, sublayer):
    return x + sublayer(x)


def halve_(parameters):
    """In place, and only for what has a gradient; returns how many there were."""
    count = 0
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.mul_(0.5)
            count += 1
    return count


def needs_an_iterator(parameters):
    return next(parameters).shape[0]


def learn(model, optimizer, x):
    optimizer.zero_grad()
    loss = model(x).square().sum()
    loss.backward()
    optimizer.step()
    return loss.item()


def weight_of(module):
    return module.weight.sum()


def run_through(module, x):
    return module(x)


def makes_a_module(size):
    return nn.Linear(size, size, bias=False), "and a word"


def unused(x, y):
    return x * 3, y.detach()


def opaque(x):
    return object(), {1, 2}, x


class Remembers(nn.Module):
    def __init__(self, size, p=0.5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.drop = nn.Dropout(p)
        self.register_buffer("table", torch.arange(size, dtype=torch.float32))

    def forward(self, x):
        return self.drop(x * self.weight + self.table)

    def shifted(self, x, by=1.0):
        return self.forward(x) + by


class Cache:
    """One growing block of memory, of which views are given out."""

    def __init__(self, size):
        self.block = torch.zeros(size)
        self.length = 0

    def append(self, value):
        self.block[self.length : self.length + len(value)] = value
        self.length += len(value)
        return self.block[: self.length]

    def restart(self):
        self.block.zero_()


def raises(x):
    return deeper(x)


def deeper(x):
    return x @ torch.ones(99, 99)


def refuses(x):
    raise ValueError(f"not {x}")


class Own(ValueError):
    pass


def raises_its_own():
    raise Own("mine")


def leaves():
    sys.exit("goodbye")


def unprintable():
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    raise Silent
'''


def test_a_function_returns_what_it_returns(opened):
    with opened("scaled") as piece:
        assert piece(torch.tensor([1.0, 2.0])).tolist() == [2.0, 4.0]
        assert piece(torch.tensor([1.0, 2.0]), factor=-0.0).tolist() == [-0.0, -0.0]


def test_structures_come_back_as_they_are(opened):
    with opened("everything") as piece:
        tensor, plain, mapping = piece(torch.zeros(2, 3))
    assert tensor.shape == (2, 3)
    assert plain == (None, True, 3, 2.5, "text")
    assert [type(each) for each in plain] == [type(None), bool, int, float, str]
    assert mapping == {"shape": (2, 3), "dtype": torch.float32}


def test_plain_values_reach_the_piece_and_come_back(opened):
    value = {"a": [1, (2.5, None)], "b": "ñ", "int": math.inf}
    with opened("echo") as piece:
        assert piece(value) == value


def test_what_cannot_travel_comes_back_as_its_type(opened):
    with opened("opaque") as piece:
        assert piece(3) == (Opaque("object"), Opaque("set"), 3)


def test_the_judges_inputs_are_never_altered(opened):
    x, mask, inner = torch.ones(3), torch.tensor([True, False]), torch.zeros(2)
    others = {"mask": mask, "list": [inner]}
    with opened("spoils") as piece:
        assert piece(x, others).tolist() == [0, 0, 0]
    assert x.tolist() == [1, 1, 1]
    assert mask.tolist() == [True, False]
    assert inner.tolist() == [0, 0]
    assert len(others["list"]) == 1


def test_inputs_after_are_the_pieces_own_in_order(opened):
    with opened("spoils") as piece:
        after = piece.inputs_after(
            torch.ones(2), {"mask": torch.tensor([True]), "list": [torch.zeros(1)]}
        )
    assert [each.tolist() for each in after] == [[0, 0], [False], [1]]


def test_what_something_is_made_from_is_no_input(opened):
    made = Made("linear", {"weight": torch.eye(2)})
    x = torch.ones(1, 2, requires_grad=True)
    with opened("residual") as piece:
        kept = piece.make("linear", weight=torch.eye(2)).handle
        for sublayer in (made, kept):
            assert [each.tolist() for each in piece.inputs_after(x, sublayer)] == [[[1, 1]]]
            found = piece.gradients(x, sublayer, cotangents=[torch.ones(1, 2)])
            assert [each.tolist() for each in found.inputs] == [[[2, 2]]]


def test_one_tensor_given_twice_arrives_as_two(opened):
    x = torch.zeros(2)
    with opened("takes_two") as piece:
        assert piece(x, x).tolist() == [0, 0]


def test_a_value_keeps_no_thread_to_the_piece(opened):
    with opened("echo") as piece:
        value = piece(torch.ones(2, requires_grad=True))
    assert not value.requires_grad
    assert value.grad_fn is None


def test_the_gradient_of_a_function(opened):
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    with opened("scaled") as piece:
        found = piece.gradients(x, 3.0, cotangents=[torch.tensor([1.0, 10.0]).double()])
    assert found.value.tolist() == [3.0, 6.0]
    assert found.inputs[0].tolist() == [3.0, 30.0]
    assert found.weights == {}
    assert x.grad is None


def test_a_gradient_that_does_not_arrive_is_none(opened):
    x, y, z = (torch.ones(2, requires_grad=want) for want in (True, True, False))
    with opened("unused") as piece:
        found = piece.gradients(x, y, cotangents=[torch.ones(2), torch.ones(2)])
        assert found.inputs[0].tolist() == [3, 3]
        assert found.inputs[1] is None
        left_out = piece.gradients(x, z, cotangents=[None, torch.ones(2)])
        assert left_out.inputs == [None, None]


def test_an_instance_has_parameters_buffers_and_methods(opened):
    with opened("Remembers") as piece:
        instance = piece.construct(3, p=0.0)
        assert {name: p.tolist() for name, p in instance.parameters().items()} == {
            "weight": [1, 1, 1]
        }
        assert {name: b.tolist() for name, b in instance.buffers().items()} == {"table": [0, 1, 2]}
        assert instance(torch.ones(3)).tolist() == [1, 2, 3]
        assert instance.method("shifted")(torch.ones(3), by=10.0).tolist() == [11, 12, 13]


def test_weights_are_loaded_by_name(opened):
    with opened("Remembers") as piece:
        instance = piece.construct(2, 0.0)
        weights = {"weight": torch.tensor([5.0, 6.0]), "table": torch.zeros(2)}
        assert instance.load(weights) == []
        assert instance(torch.ones(2)).tolist() == [5, 6]


def test_weights_that_have_no_place_are_named_and_the_others_loaded(opened):
    with opened("Remembers") as piece:
        instance = piece.construct(2, 0.0)
        weights = {"wieght": torch.zeros(2), "table": torch.zeros(3), "weight": torch.zeros(2)}
        assert sorted(instance.load(weights)) == ["table", "wieght"]
        assert instance(torch.ones(2)).tolist() == [0, 1]


def test_weights_that_were_read_stay_as_they_were_read(opened):
    with opened("Remembers") as piece:
        instance = piece.construct(2, 0.0)
        before = instance.parameters()["weight"], instance.buffers()["table"]
        instance.load({"weight": torch.full((2,), 9.0), "table": torch.full((2,), 9.0)})
        assert [each.tolist() for each in before] == [[1, 1], [0, 1]]


def test_training_drops_and_evaluation_does_not(opened):
    x = torch.ones(50)
    with opened("Remembers") as piece:
        instance = piece.construct(50)
        assert (instance.train()(x) == 0).any()
        assert not (instance.eval()(x) == 0).any()
        assert (instance.train()(x) == 0).any()


def test_a_seed_decides_what_is_drawn(opened):
    with opened("drawn") as piece:
        piece.seed(7)
        first = piece(torch.zeros(4))
        piece.seed(7)
        again = piece(torch.zeros(4))
        other = piece(torch.zeros(4))
    torch.manual_seed(7)
    assert first.tolist() == again.tolist() == torch.rand(4).tolist()
    assert other.tolist() != first.tolist()


def test_a_cast_carries_parameters_and_buffers(opened):
    with opened("Remembers") as piece:
        instance = piece.construct(2, 0.0).to(torch.float64)
        assert instance.parameters()["weight"].dtype == torch.float64
        assert instance.buffers()["table"].dtype == torch.float64
        assert instance(torch.ones(2).double()).dtype == torch.float64


def test_gradients_of_inputs_and_weights_of_an_instance(opened):
    x = torch.tensor([2.0, 3.0], requires_grad=True)
    with opened("Remembers") as piece:
        instance = piece.construct(2, 0.0)
        for _ in range(2):  # the second time nothing is left of the first
            found = instance.gradients(x, cotangents=[torch.tensor([1.0, 10.0])])
            assert found.inputs[0].tolist() == [1, 10]
            assert found.weights["weight"].tolist() == [2, 30]


def test_gradients_through_a_method(opened):
    x = torch.tensor([2.0], requires_grad=True)
    with opened("Remembers") as piece:
        shifted = piece.construct(1, 0.0).method("shifted")
        found = shifted.gradients(x, cotangents=[torch.tensor([4.0])])
    assert found.inputs[0].tolist() == [4]
    assert found.weights["weight"].tolist() == [8]


def test_a_generator_is_made_for_the_call(opened):
    with opened("drawn") as piece:
        first = piece(torch.zeros(3), generator=Made("generator", {"seed": 5}))
        second = piece(torch.zeros(3), generator=Made("generator", {"seed": 5}))
    expected = torch.rand(3, generator=torch.Generator().manual_seed(5))
    assert first.tolist() == second.tolist() == expected.tolist()


def test_a_kept_generator_goes_on_from_call_to_call(opened):
    with opened("drawn") as piece:
        generator = piece.make("generator", seed=5).handle
        found = [piece(torch.zeros(3), generator=generator).tolist() for _ in range(2)]
    ours = torch.Generator().manual_seed(5)
    assert found == [torch.rand(3, generator=ours).tolist() for _ in range(2)]


def test_a_sublayer_is_a_linear_layer_made_over_there(opened):
    weight = torch.tensor([[1.0, 2.0], [0.0, 1.0]])
    made = Made("linear", {"weight": weight, "bias": torch.tensor([10.0, 0.0])})
    with opened("residual") as piece:
        assert piece(torch.tensor([[1.0, 1.0]]), made).tolist() == [[14, 2]]
        found = piece.gradients(
            torch.ones(1, 2, requires_grad=True), made, cotangents=[torch.ones(1, 2)]
        )
    assert found.inputs[0].tolist() == [[2, 4]]


@pytest.mark.parametrize("iterator", [False, True])
def test_gradients_changed_in_place_are_read_back(opened, iterator):
    with opened("halve_") as piece:
        parameters = piece.make(
            "parameters",
            values=[torch.zeros(2), torch.zeros(1), torch.zeros(1, 2)],
            gradients=[torch.tensor([2.0, 4.0]), None, torch.tensor([[6.0, 8.0]])],
            iterator=iterator,
        )
        assert piece(parameters.handle) == 2
        stored = parameters.stored_gradients()
    assert [None if g is None else g.tolist() for g in stored] == [[1, 2], None, [[3, 4]]]


def test_an_iterator_of_parameters_is_one(opened):
    with opened("needs_an_iterator") as piece:
        options = {"values": [torch.zeros(3)], "gradients": [None]}
        assert piece(Made("parameters", options | {"iterator": True})) == 3
        with pytest.raises(PieceRaised, match="not an iterator"):
            piece(Made("parameters", options))


def test_an_optimizer_steps_over_an_instance(opened):
    with opened("learn") as piece:
        model = piece.make("linear", weight=torch.tensor([[3.0]]))
        optimizer = piece.make("sgd", module=model.handle, rate=0.1)
        before = model.parameters()["weight"]
        loss = piece(model.handle, optimizer.handle, torch.ones(1, 1))
        after = model.parameters()["weight"]
        (gradient,) = model.stored_gradients()
    assert loss == 9.0
    assert gradient.tolist() == [[6.0]]
    assert before.tolist() == [[3.0]]
    torch.testing.assert_close(after, torch.tensor([[2.4]]))


def test_an_instance_is_an_argument_of_another_call(opened):
    with opened("run_through") as piece:
        layer = piece.make("linear", weight=torch.tensor([[2.0]]))
        assert piece(layer.handle, torch.ones(1, 1)).tolist() == [[2.0]]


def test_a_module_that_is_returned_is_spoken_of_by_handle(opened):
    with opened("makes_a_module") as piece:
        handle, word = piece(3)
    assert isinstance(handle, Handle)
    assert word == "and a word"


def test_a_state_is_kept_between_calls(opened):
    with opened("Cache") as piece:
        append = piece.construct(4).method("append")
        assert append(torch.tensor([1.0])).tolist() == [1]
        assert append(torch.tensor([2.0, 3.0])).tolist() == [1, 2, 3]


def test_a_value_stays_as_it_was_returned(opened):
    with opened("Cache") as piece:
        cache = piece.construct(4)
        value = cache.method("append")(torch.tensor([1.0, 2.0]))
        cache.method("restart")()
        assert value.tolist() == [1, 2]
        assert piece.trace[-2][0].tolist() == [1, 2]


def test_an_exception_comes_back_with_the_students_line(opened):
    with opened("raises") as piece, pytest.raises(PieceRaised) as raised:
        piece(torch.zeros(2, 2))
    error = raised.value.error
    assert error["type"] == "RuntimeError"
    assert error["function"] == "deeper"
    assert error["code"] == "return x @ torch.ones(99, 99)"
    assert STUDENT.split("\n")[error["line"] - 1].strip() == error["code"]
    assert raised.value.is_a(RuntimeError)
    assert not raised.value.is_a(ValueError, TypeError)


def test_an_exception_is_known_by_what_it_derives_from(opened):
    with opened("raises_its_own") as piece, pytest.raises(PieceRaised, match=r"^Own: mine$") as own:
        piece()
    assert own.value.is_a(KeyError, ValueError)


def test_an_attempt_to_leave_is_an_exception(opened):
    with opened("leaves") as piece, pytest.raises(PieceRaised, match="SystemExit: goodbye"):
        piece()


def test_the_piece_can_be_asked_again_after_an_exception(opened):
    with opened("refuses") as piece:
        for _ in range(2):
            with pytest.raises(PieceRaised, match="ValueError: not 3"):
                piece(3)


def test_an_exception_without_words_is_told_all_the_same(opened):
    with opened("unprintable") as piece, pytest.raises(PieceRaised) as raised:
        piece()
    assert raised.value.error["type"] == "Silent"


def test_wrong_arguments_are_the_students_exception(opened):
    with opened("scaled") as piece, pytest.raises(PieceRaised) as raised:
        piece(1, 2, 3)
    assert raised.value.is_a(TypeError)


def test_a_method_that_is_not_there_is_an_exception(opened):
    with opened("Cache") as piece, pytest.raises(PieceRaised) as raised:
        piece.construct(1).method("pop")()
    assert raised.value.is_a(AttributeError)


def test_weights_of_what_has_none_are_an_exception(opened):
    with opened("Cache") as piece:
        instance = piece.construct(1)
        for ask in (instance.parameters, instance.train, lambda: instance.load({})):
            with pytest.raises(PieceRaised):
                ask()


def test_every_answer_is_kept_for_the_diagnosis(opened):
    with opened("scaled") as piece:
        piece(3, 2)
        with pytest.raises(PieceRaised):
            piece()
        piece.gradients(torch.ones(1, requires_grad=True), cotangents=[torch.ones(1)])
        value, error, gradients = piece.trace
    assert value[0] == 6
    assert error[0] == "TypeError"
    assert gradients[1]["inputs"][0].tolist() == [2]


def test_torch_calls_are_noted(opened):
    with opened("residual") as piece:
        piece(torch.ones(1, 1), Made("linear", {"weight": torch.ones(1, 1)}))
        assert {"linear", "add"} <= piece.torch_calls


def test_a_call_on_the_accelerator_gives_the_same_values_back_on_the_cpu(opened):
    with opened("Remembers") as piece:
        instance = piece.construct(3, 0.0)
        value = instance.on_accelerator(torch.ones(3))
        assert value.device.type == "cpu"
        assert value.tolist() == instance(torch.ones(3)).tolist() == [1, 2, 3]


def test_a_piece_that_is_gone_says_why():
    lost = PieceLost("time", "It took longer than 10 seconds.")
    assert (lost.cause, lost.message, str(lost)) == ("time", lost.message, lost.message)


def test_torch_calls_are_noted_unless_told_otherwise():
    def summed(x):
        return x.sum()

    for noting in (True, False):
        piece = here(summed, noting=noting)
        piece(torch.ones(2))
        assert ("sum" in piece.torch_calls) == noting
