"""What a property may expect, and the sentences a student reads."""

import math

import pytest
import torch

from autograder.channel.piece import PieceRaised
from autograder.channel.wire import Handle, Opaque
from autograder.checks import expect
from autograder.checks.expect import Mismatch


def sentence(function, *args, **kwargs):
    with pytest.raises(Mismatch) as mismatch:
        function(*args, **kwargs)
    assert mismatch.value.message
    return mismatch.value.message


def test_a_condition_that_holds_says_nothing():
    expect.that(True, "never read")
    assert sentence(expect.that, False, "read") == "read"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None (is a return missing?)"),
        (torch.zeros(2, 3), "a tensor of shape (2, 3)"),
        ((1, 2, 3), "a tuple of 3 parts"),
        ([], "a list of 0 parts"),
        (Opaque("ndarray"), "of type ndarray"),
        (Handle(0), "a module"),
        (3.5, "of type float"),
        ({"a": 1}, "of type dict"),
    ],
)
def test_a_value_is_described_in_a_students_words(value, words):
    assert expect.describe(value) == words


def test_a_tensor_is_expected():
    tensor = torch.zeros(1)
    assert expect.tensor(tensor, "weights") is tensor
    assert sentence(expect.tensor, [1.0], "weights") == (
        "weights should be a tensor; it is a list of 1 parts."
    )


def test_several_results_are_expected():
    assert expect.several([1, 2], "output", "weights") == (1, 2)
    assert sentence(expect.several, None, "output", "weights") == (
        "The result should be (output, weights); it is None (is a return missing?)."
    )
    assert sentence(expect.several, (1, 2, 3), "output", "weights") == (
        "The result should be (output, weights); it has 3 parts."
    )
    assert sentence(expect.several, (1, None), "output", "weights") == (
        "weights should be a tensor; it is None."
    )
    assert "a tensor of shape (2, 3)" in sentence(expect.several, torch.zeros(2, 3), "a", "b")


def test_a_shape_is_expected():
    assert sentence(expect.shape, torch.zeros(2, 3), (3, 2), "output") == (
        "output should have the shape (3, 2); it has (2, 3)."
    )
    assert "should be a tensor" in sentence(expect.shape, 3.0, (), "output")


def test_values_are_expected_up_to_the_precision_of_their_dtype():
    for dtype, far in [(torch.float64, 1e-6), (torch.float32, 1e-3)]:
        wanted = torch.randn(3, 4, dtype=dtype)
        near = wanted + far / 1e4
        assert expect.close(near, wanted, "output") is near
        assert "differs at" in sentence(expect.close, wanted + far, wanted, "output")


@pytest.mark.parametrize("mistake", ["no eps", "eps outside the root", "unbiased"])
def test_the_small_mistakes_of_a_layer_norm_are_outside_the_tolerance(mistake):
    x = torch.randn(4, 8, dtype=torch.float64)
    centred, variance = x - x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
    wrong = {
        "no eps": centred / variance.sqrt(),
        "eps outside the root": centred / (variance.sqrt() + 1e-5),
        "unbiased": centred / (x.var(-1, keepdim=True) + 1e-5).sqrt(),
    }
    right = centred / (variance + 1e-5).sqrt()
    assert "differs" in sentence(expect.close, wrong[mistake], right, "output")


def test_the_first_difference_is_shown_with_both_numbers():
    wanted = torch.zeros(2, 3)
    actual = wanted.clone()
    actual[1, 2] = 0.25
    assert sentence(expect.close, actual, wanted, "weights", because="Look at the mask.") == (
        "weights differs at [1, 2]: expected 0, yours is 0.25 (1 of 6 numbers differ). "
        "Look at the mask."
    )


def test_a_single_number_is_shown_without_a_place():
    assert sentence(expect.close, torch.tensor(1.0), torch.tensor(2.0), "the loss") == (
        "the loss differs at its value: expected 2, yours is 1."
    )


def test_nan_equals_nothing():
    nan = torch.tensor([math.nan])
    assert "yours is nan" in sentence(expect.close, nan, torch.zeros(1), "output")
    assert "expected nan" in sentence(expect.close, nan, nan, "output")


def test_infinity_equals_itself():
    expect.close(torch.tensor([math.inf, -math.inf]), torch.tensor([math.inf, -math.inf]), "x")
    assert "expected inf" in sentence(
        expect.close, torch.tensor([-math.inf]), torch.tensor([math.inf]), "x"
    )


def test_another_dtype_is_told_by_name():
    assert sentence(expect.close, torch.zeros(2), torch.zeros(2).double(), "output") == (
        "output should be float64, as its inputs are; it is float32."
    )


def test_integers_and_booleans_are_compared_exactly():
    expect.close(torch.tensor([1, 2]), torch.tensor([1, 2]), "tokens")
    assert "expected 2, yours is 3" in sentence(
        expect.close, torch.tensor([1, 3]), torch.tensor([1, 2]), "tokens"
    )
    assert "expected True, yours is False" in sentence(
        expect.close, torch.tensor(False), torch.tensor(True), "mask"
    )


def test_an_empty_tensor_equals_an_empty_tensor():
    expect.close(torch.zeros(0, 3), torch.zeros(0, 3), "output")


def test_a_broadcast_of_the_answer_is_not_the_answer():
    assert "shape" in sentence(expect.close, torch.zeros(1, 3), torch.zeros(2, 3), "output")


def test_a_gradient_is_expected_to_arrive():
    expect.gradient(torch.ones(2), torch.ones(2), "query")
    assert sentence(expect.gradient, None, torch.ones(2), "query").startswith(
        "No gradient flows back to query."
    )
    assert sentence(expect.gradient, torch.tensor([math.nan]), torch.ones(1), "query") == (
        "The gradient of query has NaN or infinite numbers in it."
    )
    assert "The gradient of query differs at [0]" in sentence(
        expect.gradient, torch.tensor([2.0]), torch.ones(1), "query"
    )


def test_finite_numbers_are_expected():
    expect.finite(torch.ones(2), "weights")
    assert sentence(expect.finite, torch.tensor([1.0, math.nan]), "weights") == (
        "weights has NaN in it."
    )
    assert sentence(expect.finite, torch.tensor([1.0, math.inf]), "weights") == (
        "weights has infinite numbers in it."
    )
    assert "should be a tensor" in sentence(expect.finite, None, "weights")


def test_inputs_are_expected_to_stay():
    before = [torch.ones(2), torch.zeros(2)]
    expect.unchanged(before, [torch.ones(2), torch.zeros(2)])
    assert "number 2 was changed" in sentence(
        expect.unchanged, before, [torch.ones(2), torch.tensor([0.0, 1.0])]
    )
    assert "number 1 was changed" in sentence(
        expect.unchanged, before, [torch.ones(2, 1), torch.zeros(2)]
    )


def raising(name, *bases):
    def call():
        raise PieceRaised({"type": name, "message": "", "bases": [name, *bases]})

    return call


def test_an_exception_is_expected():
    expect.raises(ValueError, raising("ValueError"), "d_model % num_heads.")
    expect.raises(ValueError, raising("Own", "ValueError"), "d_model % num_heads.")
    assert sentence(expect.raises, ValueError, raising("TypeError"), "It should refuse.") == (
        "It should refuse. It raised TypeError instead."
    )
    assert sentence(expect.raises, ValueError, lambda: 3, "It should refuse.") == (
        "It should refuse. It raised nothing."
    )


def test_parameter_names_and_shapes_are_expected():
    wanted = {"q_proj.weight": (4, 3), "out.bias": (4,)}
    expect.same_parameters({"out.bias": torch.zeros(4), "q_proj.weight": torch.zeros(4, 3)}, wanted)
    assert sentence(
        expect.same_parameters, {"W.weight": torch.zeros(4, 3), "out.bias": torch.ones(4)}, wanted
    ).endswith("missing: q_proj.weight; not asked for: W.weight.")
    assert "The parameter out.bias should have the shape (4,)" in sentence(
        expect.same_parameters,
        {"out.bias": torch.zeros(3), "q_proj.weight": torch.zeros(4, 3)},
        wanted,
    )


def test_right_shapes_under_other_names_are_one_kind_of_mistake():
    wanted = {"a": (4, 3), "b": (4,)}
    kinds = set()
    for names in ("xy", "pq"):
        with pytest.raises(Mismatch) as mismatch:
            expect.same_parameters({names[0]: torch.zeros(4), names[1]: torch.zeros(4, 3)}, wanted)
        kinds.add(mismatch.value.kind)
    assert len(kinds) == 1


def test_a_mismatch_without_a_kind_is_known_by_its_message():
    assert Mismatch("a sentence").kind == "a sentence"
    assert Mismatch("a sentence with W_q", kind="renamed").kind == "renamed"
