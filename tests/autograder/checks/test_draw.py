"""The random inputs of a check."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.checks.draw import Draw

quick = settings(derandomize=True, deadline=None, max_examples=60)
seeds = st.integers(0, 2**53)


def everything(draw):
    return [
        draw.sizes(4),
        draw.integer(3, 9),
        draw.uniform(-1, 1),
        draw.normal(2, 3).tolist(),
        draw.tokens(2, 3, low=1, high=9).tolist(),
        draw.mask(3, 4).tolist(),
        {name: w.tolist() for name, w in draw.weights({"W": (2, 3)}).items()},
    ]


@quick
@given(seeds, st.text(max_size=10))
def test_the_same_seed_and_name_give_the_same_inputs(seed, name):
    assert everything(Draw(seed, name)) == everything(Draw(seed, name))


def test_another_seed_or_another_name_gives_other_inputs():
    drawn = [everything(Draw(seed, name)) for seed, name in [(1, "a"), (2, "a"), (1, "b")]]
    assert drawn[0] != drawn[1] != drawn[2] != drawn[0]


def test_seed_and_name_are_not_run_together():
    assert Draw(1, "2/x").normal(3).tolist() != Draw(12, "x").normal(3).tolist()


def test_a_stream_goes_back_to_where_it_was():
    draw = Draw(1)
    draw.normal(3)
    state = draw.state
    first = draw.normal(4), draw.sizes(3)
    other = Draw(2)
    other.state = state
    assert torch.equal(other.normal(4), first[0])
    assert other.sizes(3) == first[1]


def test_drawing_leaves_torchs_own_generator_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    everything(Draw(5))
    assert torch.equal(torch.rand(3), expected)


@quick
@given(seeds, st.integers(1, 8), st.integers(1, 5))
def test_no_two_sizes_are_alike(seed, count, low):
    sizes = Draw(seed).sizes(count, low=low)
    assert len(set(sizes)) == len(sizes) == count
    assert all(low <= size <= low + count + 2 for size in sizes)


@quick
@given(seeds)
def test_sizes_stay_within_the_bounds_asked_for(seed):
    assert sorted(Draw(seed).sizes(4, low=3, high=6)) == [3, 4, 5, 6]


def test_more_sizes_than_there_are_numbers_is_refused():
    with pytest.raises(ValueError, match="no 4 different sizes from 3 to 5"):
        Draw(0).sizes(4, low=3, high=5)


@quick
@given(seeds)
def test_integers_reach_both_ends(seed):
    draw = Draw(seed)
    assert {draw.integer(0, 2) for _ in range(60)} == {0, 1, 2}


@quick
@given(seeds)
def test_a_uniform_number_lies_between_its_bounds(seed):
    assert -2.0 <= Draw(seed).uniform(-2.0, 3.0) <= 3.0


def test_normal_numbers_have_the_scale_dtype_and_gradient_asked_for():
    draw = Draw(3)
    assert 2.5 < draw.normal(2000, scale=3.0).std().item() < 3.5
    single = draw.normal(2, 3, dtype=torch.float32, requires_grad=True)
    assert (single.dtype, single.shape) == (torch.float32, (2, 3))
    assert single.requires_grad
    assert single.is_leaf
    assert draw.normal().shape == ()


@quick
@given(seeds)
def test_tokens_lie_between_low_and_high(seed):
    tokens = Draw(seed).tokens(50, 4, low=3, high=5)
    assert tokens.dtype == torch.int64
    assert set(tokens.unique().tolist()) == {3, 4, 5}


@quick
@given(seeds, st.lists(st.integers(1, 4), max_size=3), st.integers(2, 6), st.floats(0, 1))
def test_every_row_of_a_mask_has_a_true_and_a_false(seed, leading, width, share):
    mask = Draw(seed).mask(*leading, width, share=share)
    assert (mask.dtype, mask.shape) == (torch.bool, (*leading, width))
    assert mask.any(-1).all()
    assert (~mask).any(-1).all()


@quick
@given(seeds)
def test_a_row_of_one_is_true(seed):
    assert Draw(seed).mask(3, 1, share=0.0).all()


def test_about_the_share_asked_for_is_true():
    assert 0.55 < Draw(1).mask(200, 20, share=0.6).double().mean().item() < 0.65


def test_weights_have_the_shapes_asked_for_and_are_all_different():
    weights = Draw(1).weights({"W": (3, 4), "b": (4,)}, dtype=torch.float32)
    assert {name: tuple(weight.shape) for name, weight in weights.items()} == {
        "W": (3, 4),
        "b": (4,),
    }
    numbers = torch.cat([weight.flatten() for weight in weights.values()])
    assert numbers.dtype == torch.float32
    assert len(numbers.unique()) == 16
