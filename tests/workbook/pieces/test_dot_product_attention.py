"""Lesson 02: against `torch.softmax` and `F.scaled_dot_product_attention`."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.pieces import (
    SelfAttention,
    attend,
    project_qkv,
    scaled_dot_product_attention,
    softmax,
)

BATCH, HEADS, T, S, D_K, D_V = 2, 3, 4, 5, 6, 7


def qkv(*leading: int, dtype=torch.float64):
    shapes = [(*leading, T, D_K), (*leading, S, D_K), (*leading, S, D_V)]
    return [torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes]


def gradients(output: torch.Tensor, inputs: list[torch.Tensor]):
    weight = torch.linspace(-1, 2, output.numel(), dtype=output.dtype).view_as(output)
    return torch.autograd.grad((output * weight).sum(), inputs)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(dim=st.integers(-3, 2), size=st.floats(1e-3, 1e4), seed=st.integers(0, 99))
def test_softmax_equals_torchs_at_any_size_of_scores(dim, size, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = size * torch.randn(3, 4, 5, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(softmax(scores, dim), scores.softmax(dim), rtol=1e-12, atol=1e-14)


def test_softmax_of_nothing_is_zeros_with_a_finite_gradient():
    scores = torch.randn(3, 4, dtype=torch.float64)
    scores[1] = -torch.inf
    scores[2, 1] = -torch.inf
    before = scores.clone()
    scores.requires_grad_()
    weights = softmax(scores, dim=-1)
    assert not weights[1].any()
    torch.testing.assert_close(weights[[0, 2]], before[[0, 2]].softmax(-1))
    (gradient,) = gradients(weights, [scores])
    assert gradient.isfinite().all()
    assert not gradient[1].any()
    assert torch.equal(scores, before)


def test_softmax_has_the_gradient_of_torchs():
    scores = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(
        gradients(softmax(scores, 0), [scores]), gradients(scores.softmax(0), [scores])
    )


def test_attend_gives_the_weighted_sum_of_the_values_without_scaling():
    query, keys, values = (torch.randn(s, dtype=torch.float64) for s in [(3,), (5, 3), (5, 4)])
    context, weights = attend(query, keys, values)
    expected = torch.stack([key @ query for key in keys]).softmax(0)
    torch.testing.assert_close(weights, expected, rtol=1e-12, atol=1e-14)
    by_hand = sum(w * v for w, v in zip(expected, values, strict=True))
    torch.testing.assert_close(context, by_hand, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_project_qkv_multiplies_words_by_each_matrix(leading):
    x = torch.randn(*leading, 4, 3, dtype=torch.float64)
    matrices = [torch.randn(3, d, dtype=torch.float64) for d in (5, 5, 6)]
    for projected, matrix in zip(project_qkv(x, *matrices), matrices, strict=True):
        torch.testing.assert_close(projected, torch.einsum("...i,io->...o", x, matrix))


@pytest.mark.parametrize("leading", [(), (2,), (2, 3), (2, 3, 4)])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_equals_torchs_in_values_and_gradients(leading, masked):
    inputs = qkv(*leading)
    mask = torch.rand(*leading, T, S) > 0.4 if masked else None
    if masked:
        mask[..., 0] = True
    output, weights = scaled_dot_product_attention(*inputs, mask)
    expected = F.scaled_dot_product_attention(*inputs, attn_mask=mask)
    torch.testing.assert_close(output, expected, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(
        gradients(output, inputs), gradients(expected, inputs), rtol=1e-10, atol=1e-11
    )
    torch.testing.assert_close(weights @ inputs[2], output)
    torch.testing.assert_close(weights.sum(-1), torch.ones(*leading, T, dtype=torch.float64))
    if masked:
        assert not weights[~mask].any()


@pytest.mark.parametrize("shape", [(BATCH, 1, 1, S), (1, 1, T, S), (BATCH, HEADS, T, S), (T, S)])
def test_a_mask_broadcasts_against_the_scores(shape):
    inputs = qkv(BATCH, HEADS)
    mask = torch.rand(shape) > 0.3
    mask[..., 1] = True
    output, _ = scaled_dot_product_attention(*inputs, mask)
    expected = F.scaled_dot_product_attention(*inputs, attn_mask=mask)
    torch.testing.assert_close(output, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_a_fully_masked_row_gives_zeros_and_finite_gradients(dtype, size):
    inputs = [(size * tensor).detach().requires_grad_() for tensor in qkv(BATCH, dtype=dtype)]
    mask = torch.ones(BATCH, T, S, dtype=torch.bool)
    mask[0, 2] = False
    mask[1, :, 3] = False
    output, weights = scaled_dot_product_attention(*inputs, mask)
    assert not weights[0, 2].any()
    assert not output[0, 2].any()
    assert weights.isfinite().all()
    query, key, value = gradients(output, inputs)
    assert all(gradient.isfinite().all() for gradient in (query, key, value))
    assert not query[0, 2].any()
    assert not key[1, 3].any()
    assert not value[1, 3].any()


def test_attention_passes_gradcheck_with_a_fully_masked_row():
    mask = torch.ones(T, S, dtype=torch.bool)
    mask[1] = False
    mask[2, 3:] = False

    def attention(*inputs):
        return scaled_dot_product_attention(*inputs, mask)

    assert torch.autograd.gradcheck(attention, qkv(2))


def test_scores_in_the_thousands_stay_finite():
    query, key, value = (1e3 * tensor for tensor in qkv(2, dtype=torch.float32))
    output, weights = scaled_dot_product_attention(query, key, value)
    assert output.isfinite().all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, T))


def test_dropout_acts_on_the_weights_used_and_not_on_those_returned():
    query, key, value = qkv(400)
    output, weights = scaled_dot_product_attention(query, key, value, dropout_p=0.25)
    plain, expected = scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(weights, expected, rtol=0, atol=0)
    used = torch.linalg.lstsq(value.transpose(-2, -1), output.transpose(-2, -1)).solution
    ratio = used.transpose(-2, -1) / weights
    kept = ratio.abs() > 1e-6
    torch.testing.assert_close(ratio[kept], torch.full_like(ratio[kept], 1 / 0.75))
    assert abs(kept.double().mean() - 0.75) < 0.02
    assert not torch.allclose(output, plain)


def test_inputs_are_left_as_they_were():
    inputs = [tensor.detach() for tensor in qkv(BATCH)]
    mask = torch.rand(BATCH, T, S) > 0.5
    before = [tensor.clone() for tensor in [*inputs, mask]]
    scaled_dot_product_attention(*inputs, mask, dropout_p=0.5)
    assert all(torch.equal(a, b) for a, b in zip([*inputs, mask], before, strict=True))


def test_self_attention_is_projections_and_attention(random):
    layer = random(SelfAttention(d_model=3, d_k=4, d_v=5))
    shapes = {name: tuple(p.shape) for name, p in layer.named_parameters()}
    assert shapes == {
        "q_proj.weight": (4, 3),
        "k_proj.weight": (4, 3),
        "v_proj.weight": (5, 3),
    }
    x = torch.randn(BATCH, T, 3, dtype=torch.float64)
    mask = torch.ones(BATCH, T, T, dtype=torch.bool).tril()
    output, weights = layer(x, mask)
    query, key, value = (x @ getattr(layer, f"{name}_proj").weight.T for name in "qkv")
    expected = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    torch.testing.assert_close(output, expected, rtol=1e-11, atol=1e-12)
    assert weights.shape == (BATCH, T, T)
    assert not weights.triu(1).any()


def test_self_attention_survives_a_state_dict_and_a_change_of_precision():
    layer, other = SelfAttention(3, 4, 5), SelfAttention(3, 4, 5)
    other.load_state_dict(layer.state_dict())
    x = torch.randn(BATCH, T, 3)
    torch.testing.assert_close(other(x), layer(x), rtol=0, atol=0)
    exact, _ = layer.double()(x.double())
    torch.testing.assert_close(other(x)[0].double(), exact, rtol=1e-5, atol=1e-6)
