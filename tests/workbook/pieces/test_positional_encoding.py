"""Lesson 04: against the paper's formula, number by number, and what follows from it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.pieces import (
    LearnedPositions,
    PositionalEncoding,
    apply_rotary,
    shift_matrix,
    sinusoidal_encoding,
)


@pytest.mark.parametrize("d_model", [1, 6, 7])
@pytest.mark.parametrize("base", [10000.0, 50.0])
def test_the_encoding_is_the_papers_formula(d_model, base):
    encoding = sinusoidal_encoding(9, d_model, base)
    assert encoding.shape == (9, d_model)
    assert encoding.dtype == torch.float32
    for position in range(9):
        for column in range(d_model):
            angle = position / base ** (2 * (column // 2) / d_model)
            expected = math.cos(angle) if column % 2 else math.sin(angle)
            assert encoding[position, column].item() == pytest.approx(expected, abs=1e-7)


def test_far_positions_keep_the_precision_of_float64():
    encoding = sinusoidal_encoding(200_001, 2)
    assert encoding[200_000, 0].item() == pytest.approx(math.sin(200_000), abs=1e-7)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(offset=st.integers(-40, 40), half=st.integers(1, 9), base=st.sampled_from([1e4, 30.0]))
def test_a_shift_is_one_matrix_for_every_position(offset, half, base):
    matrix = shift_matrix(offset, 2 * half, base)
    encoding = sinusoidal_encoding(100, 2 * half, base)
    torch.testing.assert_close(
        encoding[40 + offset : 60 + offset], encoding[40:60] @ matrix.T, rtol=0, atol=2e-6
    )
    identity = torch.eye(2 * half)
    torch.testing.assert_close(matrix @ matrix.T, identity, rtol=0, atol=1e-6)


def test_an_odd_width_has_no_shift_matrix():
    with pytest.raises(ValueError, match=r"even.*got 7"):
        shift_matrix(1, 7)


MODULES = {
    "sinusoids": lambda dropout: PositionalEncoding(6, 10, dropout),
    "learned": lambda dropout: LearnedPositions(10, 6, dropout),
}


@pytest.fixture(params=MODULES)
def build(request):
    return MODULES[request.param]


def test_positions_are_added_to_each_sequence_of_the_batch(build):
    module = build(0.0)
    table = module.position if isinstance(module, LearnedPositions) else module.table
    x = torch.randn(3, 4, 6)
    before = x.clone()
    torch.testing.assert_close(module(x), x + table[:4])
    assert torch.equal(x, before)
    assert module(torch.randn(3, 10, 6)).shape == (3, 10, 6)


def test_a_sequence_longer_than_the_table_is_refused(build):
    with pytest.raises(ValueError, match=r"11 positions and the table 10.*max_length"):
        build(0.1)(torch.zeros(2, 11, 6))


def test_dropout_acts_on_the_sum_in_training_only(build):
    module = build(0.5)
    x = torch.ones(40, 10, 6)
    dropped = module(x)
    whole = module.eval()(x)
    kept = dropped != 0
    assert abs(kept.float().mean() - 0.5) < 0.05
    torch.testing.assert_close(dropped[kept], 2 * whole[kept])
    torch.testing.assert_close(module(x), whole, rtol=0, atol=0)


def test_everything_travels_with_state_dict_and_precision(build):
    module, other = build(0.0), build(0.0)
    other.load_state_dict(module.state_dict())
    x = torch.randn(2, 5, 6)
    torch.testing.assert_close(other(x), module(x), rtol=0, atol=0)
    assert module.double()(x.double()).dtype == torch.float64
    torch.testing.assert_close(module(x.double()), other(x).double(), rtol=1e-6, atol=1e-6)


def test_the_sinusoids_are_a_buffer_and_learned_positions_a_parameter():
    sinusoids = PositionalEncoding(6, 10)
    assert not list(sinusoids.parameters())
    assert [tuple(buffer.shape) for buffer in sinusoids.buffers()] == [(10, 6)]
    learned = LearnedPositions(10, 6, dropout=0.0)
    assert {n: tuple(p.shape) for n, p in learned.named_parameters()} == {"position": (10, 6)}
    learned(torch.randn(3, 4, 6)).sum().backward()
    torch.testing.assert_close(learned.position.grad[:4], torch.full((4, 6), 3.0))
    assert not learned.position.grad[4:].any()


def test_rotary_turns_each_pair_as_a_complex_number():
    x = torch.randn(2, 3, 5, 8, dtype=torch.float64, requires_grad=True)
    positions = torch.tensor([0, 1, 5, 17, 400])
    rotated = apply_rotary(x, positions, base=50.0)
    frequencies = 50.0 ** (-torch.arange(0, 8, 2, dtype=torch.float64) / 8)
    turn = torch.polar(torch.ones(5, 4, dtype=torch.float64), torch.outer(positions, frequencies))
    pairs = torch.view_as_complex(x.unflatten(-1, (4, 2)))
    expected = torch.view_as_real(pairs * turn).flatten(-2)
    torch.testing.assert_close(rotated, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(rotated[..., 0, :], x[..., 0, :], rtol=0, atol=0)
    assert torch.autograd.gradcheck(lambda y: apply_rotary(y, positions), x)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(shift=st.integers(0, 3000), distance=st.integers(0, 50), seed=st.integers(0, 9))
def test_rotary_scores_depend_on_the_distance_alone(shift, distance, seed):
    generator = torch.Generator().manual_seed(seed)
    query, key = torch.randn(2, 1, 6, dtype=torch.float64, generator=generator)

    def score(start):
        rotated = apply_rotary(query, torch.tensor([start + distance]))
        return rotated @ apply_rotary(key, torch.tensor([start])).T

    torch.testing.assert_close(score(shift), score(0), rtol=1e-9, atol=1e-9)


def test_rotary_takes_positions_of_each_row_and_keeps_the_inputs_precision():
    x = torch.randn(2, 3, 4, 6)
    positions = torch.tensor([[0, 1, 2, 3], [5, 6, 7, 8]])
    rotated = apply_rotary(x, positions[:, None])
    assert rotated.dtype == torch.float32
    torch.testing.assert_close(rotated[1], apply_rotary(x[1], positions[1]), rtol=0, atol=0)


def test_rotary_refuses_an_odd_number_of_features():
    with pytest.raises(ValueError, match=r"even.*got 5"):
        apply_rotary(torch.zeros(3, 5), torch.arange(3))
