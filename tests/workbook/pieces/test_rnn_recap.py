"""Lesson 01: recurrent networks against `nn.RNN`, the rest against its formula."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from workbook.pieces import (
    RNN,
    BidirectionalRNN,
    additive_attention,
    clip_gradients_,
    gradient_reach,
    path_length,
    rnn_step,
)

BATCH, LENGTH, INPUT, HIDDEN = 4, 7, 3, 5
LENGTHS = torch.tensor([5, 7, 1, 3])


def copy_weights(rnn: RNN, twin: nn.Module, suffix: str = "_l0") -> None:
    with torch.no_grad():
        getattr(twin, f"weight_ih{suffix}").copy_(rnn.W_xh.T)
        getattr(twin, f"weight_hh{suffix}").copy_(rnn.W_hh.T)
        getattr(twin, f"bias_ih{suffix}").copy_(rnn.b)
        getattr(twin, f"bias_hh{suffix}").zero_()


def packed(twin: nn.Module, x: torch.Tensor, lengths: torch.Tensor):
    sequence = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    outputs, last = twin(sequence)
    return pad_packed_sequence(outputs, batch_first=True, total_length=x.size(1))[0], last


@pytest.fixture
def x():
    return torch.randn(BATCH, LENGTH, INPUT, dtype=torch.float64)


def test_rnn_step_equals_torchs_cell():
    cell = nn.RNNCell(INPUT, HIDDEN).double()
    x_t = torch.randn(BATCH, INPUT, dtype=torch.float64)
    h = torch.randn(BATCH, HIDDEN, dtype=torch.float64)
    ours = rnn_step(x_t, h, cell.weight_ih.T, cell.weight_hh.T, cell.bias_ih + cell.bias_hh)
    torch.testing.assert_close(ours, cell(x_t, h), rtol=1e-12, atol=1e-12)


def test_an_rnn_is_its_steps_one_after_another(random, x):
    rnn = random(RNN(INPUT, HIDDEN))
    outputs, last = rnn(x)
    h = torch.zeros(BATCH, HIDDEN, dtype=torch.float64)
    for t in range(LENGTH):
        h = rnn_step(x[:, t], h, rnn.W_xh, rnn.W_hh, rnn.b)
        torch.testing.assert_close(outputs[:, t], h, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(last, h, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_an_rnn_equals_torchs_in_values_and_gradients(random, x, lengths):
    ours, twin = random(RNN(INPUT, HIDDEN)), nn.RNN(INPUT, HIDDEN, batch_first=True).double()
    copy_weights(ours, twin)
    x_twin = x.clone().requires_grad_()
    x.requires_grad_()
    outputs, last = ours(x, lengths)
    expected, expected_last = twin(x_twin) if lengths is None else packed(twin, x_twin, lengths)
    torch.testing.assert_close(outputs, expected, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(last, expected_last[0], rtol=1e-11, atol=1e-12)

    weight = torch.randn_like(outputs)
    ((outputs * weight).sum() + last.square().sum()).backward()
    ((expected * weight).sum() + expected_last.square().sum()).backward()
    for actual, wanted in (
        (x.grad, x_twin.grad),
        (ours.W_xh.grad, twin.weight_ih_l0.grad.T),
        (ours.W_hh.grad, twin.weight_hh_l0.grad.T),
        (ours.b.grad, twin.bias_ih_l0.grad),
    ):
        torch.testing.assert_close(actual, wanted, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_a_bidirectional_rnn_equals_torchs_in_values_and_gradients(random, x, lengths):
    ours = random(BidirectionalRNN(INPUT, HIDDEN))
    twin = nn.RNN(INPUT, HIDDEN, batch_first=True, bidirectional=True).double()
    copy_weights(ours.forward_rnn, twin)
    copy_weights(ours.backward_rnn, twin, "_l0_reverse")
    x_twin = x.clone().requires_grad_()
    x.requires_grad_()
    outputs = ours(x, lengths)
    expected = twin(x_twin)[0] if lengths is None else packed(twin, x_twin, lengths)[0]
    torch.testing.assert_close(outputs, expected, rtol=1e-11, atol=1e-12)
    weight = torch.randn_like(outputs)
    (outputs * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(x.grad, x_twin.grad, rtol=1e-10, atol=1e-11)
    torch.testing.assert_close(
        ours.backward_rnn.W_hh.grad, twin.weight_hh_l0_reverse.grad.T, rtol=1e-10, atol=1e-11
    )


@pytest.mark.parametrize("kind", [RNN, BidirectionalRNN])
@pytest.mark.parametrize("rubbish", [1e9, float("inf"), float("nan")])
def test_what_the_padding_holds_changes_nothing(random, x, kind, rubbish):
    rnn = random(kind(INPUT, HIDDEN))
    padded = x.clone()
    for row, length in enumerate(LENGTHS):
        padded[row, length:] = rubbish
    before = padded.clone()
    clean, spoilt = rnn(x, LENGTHS), rnn(padded, LENGTHS)
    torch.testing.assert_close(spoilt, clean, rtol=0, atol=0)
    torch.testing.assert_close(padded, before, rtol=0, atol=0, equal_nan=True)
    gradients = []
    for outputs in (clean, spoilt):
        outputs = outputs[0] if kind is RNN else outputs
        gradients.append(torch.autograd.grad(outputs.square().sum(), list(rnn.parameters())))
    torch.testing.assert_close(*gradients, rtol=0, atol=0)


def test_a_sequence_without_steps_ends_where_it_began(random, x):
    outputs, last = random(RNN(INPUT, HIDDEN))(x, torch.tensor([2, 0, 7, 1]))
    assert not last[1].any()
    assert not outputs[1].any()


def test_an_rnns_parameters_have_the_contracts_names_and_shapes():
    shapes = {name: tuple(p.shape) for name, p in RNN(INPUT, HIDDEN).named_parameters()}
    assert shapes == {"W_xh": (INPUT, HIDDEN), "W_hh": (HIDDEN, HIDDEN), "b": (HIDDEN,)}


def test_gradient_reach_is_the_norm_of_each_steps_jacobian(random):
    rnn = random(RNN(INPUT, HIDDEN))
    x = torch.randn(1, LENGTH, INPUT, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda y: rnn(y)[1][0], x)  # (H, 1, T, I)
    expected = jacobian[:, 0].square().sum((0, 2)).sqrt()
    torch.testing.assert_close(gradient_reach(rnn, x), expected, rtol=1e-11, atol=1e-13)


def test_gradient_reach_of_a_linear_chain_is_a_power_of_its_factor():
    rnn = RNN(1, 1).double()
    with torch.no_grad():
        rnn.W_xh.fill_(2.0)
        rnn.W_hh.fill_(0.5)
        rnn.b.zero_()
    reach = gradient_reach(rnn, torch.zeros(1, 4, 1, dtype=torch.float64))
    torch.testing.assert_close(reach, torch.tensor([0.25, 0.5, 1.0, 2.0], dtype=torch.float64))


def test_gradient_reach_leaves_everything_as_it_was_and_takes_a_gru():
    gru = nn.GRU(INPUT, HIDDEN, batch_first=True)
    x = torch.randn(1, LENGTH, INPUT)
    with torch.no_grad():
        reach = gradient_reach(gru, x)
    assert reach.shape == (LENGTH,)
    assert (reach > 0).all()
    assert not reach.requires_grad
    assert not x.requires_grad
    assert all(parameter.grad is None for parameter in gru.parameters())


@pytest.mark.parametrize("max_norm", [0.3, 1e4])
def test_clipping_equals_torchs(max_norm):
    shapes = [(3, 4), (5,), (2, 3, 2)]
    ours = [nn.Parameter(torch.randn(shape, dtype=torch.float64)) for shape in shapes]
    for parameter in ours:
        parameter.grad = torch.randn_like(parameter)
    unused = nn.Parameter(torch.randn(2))
    before = [parameter.grad.clone() for parameter in ours]
    norm = torch.cat([gradient.flatten() for gradient in before]).norm()
    returned = clip_gradients_((p for p in [*ours, unused]), max_norm)
    torch.testing.assert_close(returned, norm)
    factor = min(1.0, max_norm / (norm.item() + 1e-6))
    for parameter, gradient in zip(ours, before, strict=True):
        torch.testing.assert_close(parameter.grad, gradient * factor)
    assert unused.grad is None


def attention_inputs():
    d_q, d_k, d_a, d_v, n = 3, 4, 6, 2, 5
    shapes = [(BATCH, d_q), (BATCH, n, d_k), (BATCH, n, d_v), (d_q, d_a), (d_k, d_a), (d_a,)]
    return [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes]


def test_additive_attention_is_bahdanaus_formula_key_by_key():
    query, keys, values, W_q, W_k, v = inputs = attention_inputs()
    context, weights = additive_attention(*inputs)
    for row in range(BATCH):
        scores = [v @ torch.tanh(query[row] @ W_q + key @ W_k) for key in keys[row]]
        expected = torch.stack(scores).softmax(0)
        torch.testing.assert_close(weights[row], expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(context[row], expected @ values[row], rtol=1e-12, atol=1e-12)


def test_additive_attention_ignores_masked_keys_and_survives_a_fully_masked_row():
    query, keys, values, *weights_of = inputs = attention_inputs()
    mask = torch.tensor([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1]]).bool()
    context, weights = additive_attention(*inputs, mask=mask)
    kept = mask[0]
    alone, _ = additive_attention(query[:1], keys[:1, kept], values[:1, kept], *weights_of)
    torch.testing.assert_close(context[:1], alone, rtol=1e-12, atol=1e-12)
    assert not weights[~mask].any()
    assert not context[1].any()
    context.square().sum().backward()
    assert all(tensor.grad.isfinite().all() for tensor in inputs)
    assert not keys.grad[~mask].any()


@settings(derandomize=True, deadline=None, max_examples=60)
@given(distance=st.integers(0, 5000), kernel_size=st.integers(2, 9))
def test_path_length_is_the_least_that_reaches(distance, kernel_size):
    reach = kernel_size - 1
    assert path_length(distance, "rnn", kernel_size) == distance
    assert path_length(distance, "attention", kernel_size) == 1
    assert path_length(distance, "conv", kernel_size) == math.ceil(distance / reach)
    layers = next(n for n in range(20) if reach * (2**n - 1) >= distance)
    assert path_length(distance, "dilated conv", kernel_size) == layers


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((3, "lstm"), "lstm"), ((-1, "rnn"), "-1"), ((3, "conv", 1), "2 or more")],
)
def test_path_length_refuses_what_connects_nothing(arguments, message):
    with pytest.raises(ValueError, match=message):
        path_length(*arguments)


@pytest.mark.parametrize("kind", [RNN, BidirectionalRNN])
def test_weights_survive_a_state_dict_and_a_change_of_precision(kind):
    rnn, other = kind(INPUT, HIDDEN), kind(INPUT, HIDDEN)
    other.load_state_dict(rnn.state_dict())
    x = torch.randn(BATCH, LENGTH, INPUT)
    torch.testing.assert_close(other(x, LENGTHS), rnn(x, LENGTHS), rtol=0, atol=0)
    exact = rnn.double()(x.double(), LENGTHS)
    single = other(x, LENGTHS)
    torch.testing.assert_close(single, exact, check_dtype=False, rtol=1e-5, atol=1e-5)
