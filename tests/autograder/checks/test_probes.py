"""The properties that many exercises share: each catches what it is there for, and nothing else."""

import pytest
import torch
from torch import nn

from autograder.channel.piece import here
from autograder.channel.wire import Made
from autograder.checks.draw import Draw
from autograder.checks.examine import examine
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    beside,
    equals_reference,
    gradients_flow,
    inputs_stay,
    parameters_named,
    single_precision,
)


def attend(query, keys, mask=None):
    """A tuple of two: the second is there to be looked at."""
    weights = keys @ query
    return weights * 2.0, weights


class SelfAttention(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.inner = nn.Linear(size, size)

    def forward(self, x):
        return self.inner(x)


def function_case(draw):
    n, d = draw.sizes(2)
    return Case((draw.normal(d), draw.normal(n, d)), {"mask": draw.mask(n)})


def module_case(draw):
    batch, size = draw.sizes(2)
    return Case((draw.normal(batch, size),), {}, {"size": size})


def test_an_oracle_is_made_once_and_the_draws_after_it_are_the_same():
    constructed = []

    class Counted(SelfAttention):
        def __init__(self, *args, **kwargs):
            constructed.append(type(self))
            super().__init__(*args, **kwargs)

    exercise = Exercise("SelfAttention", reference=Counted)
    draws, weights, own = [], [], []
    for _ in range(2):
        draw = Draw(3)
        case = module_case(draw)
        torch.manual_seed(5)
        instance, oracle = beside(exercise, here(SelfAttention), case, draw)
        own.append(torch.rand(2))
        draws.append(draw.normal(4))
        weights.append(instance.parameters()["inner.weight"])
    assert len(constructed) == 1
    assert torch.equal(*draws)
    assert torch.equal(*own)
    assert torch.equal(*weights)
    assert torch.equal(weights[0], oracle.inner.weight)


def test_what_a_property_does_to_its_oracle_stays_with_it():
    exercise = Exercise("SelfAttention", reference=SelfAttention)
    case = module_case(Draw(3))
    _, trained = beside(exercise, here(SelfAttention), case, Draw(3))
    before = trained.inner.weight.detach().clone()
    trained.inner.weight.sum().backward()
    with torch.no_grad():
        trained.inner.weight.add_(1)
    _, fresh = beside(exercise, here(SelfAttention), case, Draw(3))
    assert torch.equal(fresh.inner.weight, before)
    assert fresh.inner.weight.grad is None


def declared(reference, case):
    exercise = Exercise(reference.__name__, reference=reference)
    names, of = (("output", "weights"), ("query", "keys"))
    if case is module_case:
        names, of = ("output",), ("x",)
        parameters_named(exercise, case, points=1)
    equals_reference(exercise, case, names, name="equal", points=1, says="It should be equal.")
    gradients_flow(exercise, case, of=of, points=1)
    inputs_stay(exercise, case, points=1)
    single_precision(exercise, case, names, points=1)
    return exercise


FUNCTION, MODULE = declared(attend, function_case), declared(SelfAttention, module_case)


def failed(exercise, piece):
    verdict = examine(exercise, here(piece))
    assert verdict.cause == ""
    return {result.name: result.message for result in verdict.results if not result.passed}


@pytest.mark.parametrize("exercise", [FUNCTION, MODULE])
def test_the_reference_has_every_property(exercise):
    assert failed(exercise, exercise.reference) == {}


def test_what_is_only_looked_at_may_be_cut_off():
    def detached(query, keys, mask=None):
        output, weights = attend(query, keys)
        return output, weights.detach()

    assert failed(FUNCTION, detached) == {}


def test_another_value_is_not_equal():
    def shifted(query, keys, mask=None):
        output, weights = attend(query, keys)
        return output + 1e-6, weights

    found = failed(FUNCTION, shifted)
    assert set(found) == {"equal"}
    assert "It should be equal. output differs at [0]" in found["equal"]


def test_another_second_part_is_not_equal():
    def swapped(query, keys, mask=None):
        output, weights = attend(query, keys)
        return output, weights.flip(0)

    assert "weights differs" in failed(FUNCTION, swapped)["equal"]


def test_a_gradient_that_is_cut_off_is_told_by_the_inputs_name():
    def cut(query, keys, mask=None):
        return attend(query, keys.detach())

    found = failed(FUNCTION, cut)
    assert set(found) == {"gradients flow"}
    assert "No gradient flows back to keys." in found["gradients flow"]


def test_a_wrong_gradient_is_not_a_gradient():
    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            return x * 1.0

        @staticmethod
        def backward(context, gradient):
            return gradient * 3

    def wrong(query, keys, mask=None):
        return attend(Straight.apply(query), keys)

    found = failed(FUNCTION, wrong)
    assert set(found) == {"gradients flow"}
    assert "The gradient of query differs" in found["gradients flow"]


def test_a_weight_without_gradient_is_told_by_its_name():
    class Frozen(SelfAttention):
        def forward(self, x):
            return x @ self.inner.weight.T + self.inner.bias.detach()

    found = failed(MODULE, Frozen)
    assert set(found) == {"gradients flow"}
    assert "inner.bias" in found["gradients flow"]


@pytest.mark.parametrize(
    "spoil", [lambda query, mask: query.add_(1), lambda query, mask: mask.logical_not_()]
)
def test_a_changed_input_is_noticed(spoil):
    def spoiling(query, keys, mask=None):
        value = attend(query.clone(), keys)
        with torch.no_grad():
            spoil(query, mask)
        return value

    assert "inputs stay as they were" in failed(FUNCTION, spoiling)


def test_a_fixed_precision_is_noticed():
    def always_double(query, keys, mask=None):
        return attend(query.double(), keys.double())

    found = failed(FUNCTION, always_double)
    assert set(found) == {"float32, on this machine's device"}
    assert "should be float32" in found["float32, on this machine's device"]


def test_other_names_of_parameters_are_told_once():
    class Renamed(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.outer = nn.Linear(size, size)

        def forward(self, x):
            return self.outer(x)

    found = failed(MODULE, Renamed)
    assert "missing: inner.bias, inner.weight" in found["parameter names and shapes"]
    assert "see the first property" in found["equal"]


def test_weights_are_the_same_on_both_sides_and_never_constant():
    piece, draw = here(SelfAttention), Draw(1)
    instance, oracle = beside(MODULE, piece, module_case(draw), draw)
    for name, parameter in oracle.named_parameters():
        assert torch.equal(instance.parameters()[name], parameter)
        assert parameter.dtype == torch.float64
        assert len(parameter.unique()) == parameter.numel()


def test_a_piece_is_asked_in_evaluation():
    class Dropping(SelfAttention):
        def forward(self, x):
            return nn.functional.dropout(self.inner(x), 0.5, self.training)

    assert failed(MODULE, Dropping) == {}


def test_a_case_is_changed_in_its_floating_tensors_only():
    inner = torch.ones(2)
    case = Case(
        (torch.ones(1), torch.tensor([1])),
        {"mask": torch.tensor([True]), "layer": Made("linear", {"weight": inner}), "p": 0.5},
        {"size": 3},
    )
    changed = case.changed(lambda tensor: tensor.double())
    assert [each.dtype for each in changed.args] == [torch.float64, torch.int64]
    assert changed.kwargs["mask"].dtype == torch.bool
    assert changed.kwargs["layer"].options["weight"].dtype == torch.float64
    assert (changed.kwargs["p"], changed.construct) == (0.5, {"size": 3})
    assert case.args[0].dtype == inner.dtype == torch.float32


def test_what_something_is_made_from_is_no_input_whose_gradient_is_asked_for():
    def residual(x, sublayer):
        return x + sublayer(x)

    def case(draw):
        return Case((draw.normal(2, 3), Made("linear", {"weight": draw.normal(3, 3)})))

    def reference(x, sublayer):
        if isinstance(sublayer, Made):
            return x + x @ sublayer.options["weight"].T
        return residual(x, sublayer)

    exercise = Exercise("attend", reference=reference)
    gradients_flow(exercise, case, of=("x",), points=1)
    inputs_stay(exercise, case, points=1)
    assert failed(exercise, residual) == {}


def test_the_weights_are_as_large_as_the_case_says():
    draw = Draw(3)
    case = Case((), {}, {"size": 40}, scale=0.1)
    instance, oracle = beside(MODULE, here(SelfAttention), case, draw)
    assert oracle.inner.weight.std().item() == pytest.approx(0.1, rel=0.1)
    assert torch.equal(instance.parameters()["inner.weight"], oracle.inner.weight)
    assert case.changed(torch.neg).scale == 0.1
