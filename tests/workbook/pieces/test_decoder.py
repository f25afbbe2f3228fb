"""Lesson 06: against `nn.TransformerDecoderLayer` and `nn.TransformerDecoder`."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from workbook.pieces import (
    GPT,
    Decoder,
    DecoderLayer,
    OutputHead,
    causal_mask,
    future_leak,
    shift_right,
)

BATCH, HEADS, T, S, D_MODEL, D_FF, LAYERS = 2, 3, 4, 5, 12, 7, 4


@pytest.fixture
def states():
    """The decoder's own states and the memory."""
    shapes = [(BATCH, T, D_MODEL), (BATCH, S, D_MODEL)]
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def masks() -> tuple[torch.Tensor, torch.Tensor]:
    cross = torch.ones(BATCH, 1, 1, S, dtype=torch.bool)
    cross[1, ..., 3:] = False
    return causal_mask(T), cross


def torchs_masks() -> dict[str, torch.Tensor]:
    causal, cross = masks()
    return {"tgt_mask": ~causal[0, 0], "memory_key_padding_mask": ~cross[:, 0, 0]}


def torchs_layer(dropout, norm_first, activation, eps):
    return nn.TransformerDecoderLayer(
        D_MODEL, HEADS, D_FF, dropout, getattr(F, activation), eps, True, norm_first
    ).double()


def test_the_causal_mask_lets_a_position_see_itself_and_those_before():
    mask = causal_mask(5)
    assert mask.shape == (1, 1, 5, 5)
    assert mask.dtype == torch.bool
    for query in range(5):
        for key in range(5):
            assert mask[0, 0, query, key] == (key <= query)


def test_shifting_right_puts_bos_first_and_drops_the_last():
    tokens = torch.tensor([[5, 6, 7], [8, 9, 0]])
    before = tokens.clone()
    assert torch.equal(shift_right(tokens, bos_id=2), torch.tensor([[2, 5, 6], [2, 8, 9]]))
    assert torch.equal(tokens, before)


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("activation", ["relu", "gelu", "silu"])
def test_a_layer_equals_torchs_in_values_and_gradients(
    random, states, as_torch, assert_same_gradients, norm_first, activation
):
    ours = random(DecoderLayer(D_MODEL, HEADS, D_FF, 0.0, norm_first, activation, 0.01))
    twin = torchs_layer(0.0, norm_first, activation, 0.01)
    twin.load_state_dict(as_torch(ours.state_dict().items()))
    theirs = [tensor.detach().clone().requires_grad_() for tensor in states]
    output, expected = ours(*states, *masks()), twin(*theirs, **torchs_masks())
    torch.testing.assert_close(output, expected, rtol=1e-11, atol=1e-11)
    output.square().sum().backward()
    expected.square().sum().backward()
    for a, b in zip(states, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-9, atol=1e-10)
    assert_same_gradients(ours, twin)


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_layer_drops_out_where_torchs_does(random, states, as_torch, norm_first):
    ours = random(DecoderLayer(D_MODEL, HEADS, D_FF, 0.3, norm_first))
    twin = torchs_layer(0.3, norm_first, "relu", 1e-5)
    twin.load_state_dict(as_torch(ours.state_dict().items()))
    # torch lays a batch out by position, so the same draws fall elsewhere: one sentence it is.
    states = [tensor[:1] for tensor in states]
    causal = causal_mask(T)
    torch.manual_seed(5)
    output = ours(*states, causal)
    torch.manual_seed(5)
    expected = twin(*states, tgt_mask=~causal[0, 0])
    torch.testing.assert_close(output, expected, rtol=1e-10, atol=1e-11)
    torch.testing.assert_close(ours.eval()(*states), ours(*states), rtol=0, atol=0)


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_stack_equals_torchs_in_values_and_gradients(
    random, states, as_torch, assert_same_gradients, norm_first
):
    ours = random(Decoder(LAYERS, D_MODEL, HEADS, D_FF, 0.0, norm_first, "gelu", 0.01))
    twin = nn.TransformerDecoder(
        torchs_layer(0.0, norm_first, "gelu", 0.01),
        LAYERS,
        norm=nn.LayerNorm(D_MODEL, 0.01) if norm_first else None,
    ).double()
    twin.load_state_dict(as_torch(ours.state_dict().items()))
    output, expected = ours(*states, *masks()), twin(*states, **torchs_masks())
    torch.testing.assert_close(output, expected, rtol=1e-10, atol=1e-11)
    output.square().sum().backward()
    expected.square().sum().backward()
    assert_same_gradients(ours, twin)


def test_each_mask_goes_to_its_own_attention_with_every_kind_of_broadcasting(random, states):
    layer = random(DecoderLayer(D_MODEL, HEADS, D_FF, 0.0))
    self_mask = torch.rand(BATCH, HEADS, T, T) > 0.4
    cross_mask = torch.rand(BATCH, HEADS, T, S) > 0.4
    seen = {}
    for name in ("self_attention", "cross_attention"):
        layer.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: seen.update({name: out[1]})
        )
    layer(*states, self_mask, cross_mask).sum().backward()
    assert not seen["self_attention"][~self_mask].any()
    assert not seen["cross_attention"][~cross_mask].any()
    assert (seen["self_attention"][self_mask] > 0).all()
    assert (seen["cross_attention"][cross_mask] > 0).all()


@pytest.mark.parametrize("norm_first", [True, False])
def test_later_positions_and_hidden_memory_change_nothing(random, states, norm_first):
    decoder = random(Decoder(2, D_MODEL, HEADS, D_FF, 0.0, norm_first))
    x, memory = (tensor.detach() for tensor in states)
    output = decoder(x, memory, *masks())
    later, hidden = x.clone(), memory.clone()
    later[:, 2:] = 50.0
    hidden[1, 3:] = 50.0
    changed = decoder(later, hidden, *masks())
    torch.testing.assert_close(changed[:, :2], output[:, :2], rtol=1e-12, atol=1e-12)
    assert not torch.allclose(changed[:, 2:], output[:, 2:])


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_source_of_padding_alone_stays_finite(random, states, norm_first):
    decoder = random(Decoder(2, D_MODEL, HEADS, D_FF, 0.0, norm_first))
    causal, cross = masks()
    cross[0] = False
    output = decoder(*states, causal, cross)
    assert output.isfinite().all()
    output.square().sum().backward()
    tensors = [*states, *decoder.parameters()]
    assert all(tensor.grad.isfinite().all() for tensor in tensors)


def test_the_output_head_multiplies_by_its_weight_and_can_be_tied():
    head, embedding = OutputHead(D_MODEL, 7), nn.Embedding(7, D_MODEL)
    assert {n: tuple(p.shape) for n, p in head.named_parameters()} == {"weight": (7, D_MODEL)}
    x = torch.randn(BATCH, T, D_MODEL)
    torch.testing.assert_close(head(x), x @ head.weight.T)
    head.weight = embedding.weight
    torch.testing.assert_close(head(x), x @ embedding.weight.T)
    (head(x).sum() + embedding(torch.tensor([2])).sum()).backward()
    torch.testing.assert_close(embedding.weight.grad[2], x.sum((0, 1)) + 1)


TOKENS = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 0, 0]])


def test_a_decoder_with_its_mask_leaks_nothing_even_in_training_mode():
    model = GPT(11, D_MODEL, HEADS, 2, 8, dropout=0.5)
    model.layers[0].eval()
    modes = [part.training for part in model.modules()]
    tokens = TOKENS.clone()
    assert future_leak(model, tokens, 11) == 0.0
    assert [part.training for part in model.modules()] == modes
    assert torch.equal(tokens, TOKENS)


def test_the_leak_is_the_largest_change_of_an_earlier_output():
    table = torch.tensor([0.0, 1.0, 10.0])

    def sees_one_ahead(tokens):
        ahead = torch.cat([tokens[:, 1:], tokens[:, :1] * 0], dim=1)
        return torch.stack([table[ahead], -table[tokens]], dim=-1)

    tokens = torch.tensor([[0, 1, 0], [2, 0, 0]])
    # 1 -> 2 changes the output before it by 9; 0 -> 1 by 1.
    assert future_leak(sees_one_ahead, tokens, 3) == pytest.approx(9.0)
    assert future_leak(lambda t: table[t], tokens, 3) == 0.0
    assert future_leak(sees_one_ahead, tokens[:, :1], 3) == 0.0


def test_a_leak_that_is_not_a_number_is_not_hidden():
    assert future_leak(lambda t: t / 0.0 * torch.zeros(1), TOKENS, 11) != 0.0


def test_nothing_can_be_swapped_in_a_vocabulary_of_one():
    with pytest.raises(ValueError, match="vocabulary of 2 or more; got 1"):
        future_leak(lambda t: t, TOKENS, 1)


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_stack_survives_a_state_dict_and_a_change_of_precision(norm_first):
    def build():
        return Decoder(2, D_MODEL, HEADS, D_FF, norm_first=norm_first).eval()

    module, other = build(), build()
    other.load_state_dict(module.state_dict())
    x, memory = torch.randn(BATCH, T, D_MODEL), torch.randn(BATCH, S, D_MODEL)
    torch.testing.assert_close(other(x, memory), module(x, memory), rtol=0, atol=0)
    exact = module.double()(x.double(), memory.double())
    torch.testing.assert_close(other(x, memory).double(), exact, rtol=1e-4, atol=1e-5)
