"""Lesson 03: against `nn.MultiheadAttention` with copied weights."""

import pytest
import torch
from torch import nn

from workbook.pieces import MultiHeadAttention, attention_parameters, merge_heads, split_heads
from workbook.pieces.multi_head_attention import heads_of

BATCH, HEADS, T, S, D_MODEL = 2, 3, 4, 5, 12


@pytest.fixture
def pair(random, as_torch):
    """Our module and torch's, with the same random weights."""

    def build(bias: bool = True, dropout: float = 0.0):
        ours = random(MultiHeadAttention(D_MODEL, HEADS, dropout, bias))
        twin = nn.MultiheadAttention(D_MODEL, HEADS, dropout, bias, batch_first=True).double()
        twin.load_state_dict(as_torch(ours.state_dict().items()))
        return ours, twin

    return build


def inputs():
    shapes = [(BATCH, T, D_MODEL), (BATCH, S, D_MODEL), (BATCH, S, D_MODEL)]
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def test_a_head_is_a_run_of_consecutive_features():
    x = torch.randn(BATCH, T, D_MODEL)
    heads = split_heads(x, HEADS)
    assert heads.shape == (BATCH, HEADS, T, D_MODEL // HEADS)
    for head in range(HEADS):
        assert torch.equal(heads[:, head], x[:, :, 4 * head : 4 * head + 4])


def test_split_and_merge_are_exact_inverses():
    x = torch.randn(BATCH, T, D_MODEL)
    heads = torch.randn(BATCH, HEADS, T, 4)
    assert torch.equal(merge_heads(split_heads(x, HEADS)), x)
    assert torch.equal(split_heads(merge_heads(heads), HEADS), heads)


@pytest.mark.parametrize("heads", [5, 0, 24])
def test_features_that_do_not_divide_into_heads_are_refused(heads):
    with pytest.raises(ValueError, match=f"multiple of num_heads \\({heads}\\)"):
        MultiHeadAttention(D_MODEL, heads)
    with pytest.raises(ValueError, match="multiple of num_heads"):
        split_heads(torch.zeros(BATCH, T, D_MODEL), heads)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_it_equals_torchs_in_values_weights_and_gradients(
    pair, assert_same_gradients, bias, masked
):
    ours, twin = pair(bias)
    mask = torch.rand(BATCH, HEADS, T, S) > 0.4 if masked else None
    if masked:
        mask[..., 2] = True
    mine, theirs = inputs(), None
    theirs = [tensor.detach().clone().requires_grad_() for tensor in mine]
    output, weights = ours(*mine, mask)
    # torch's boolean mask says the opposite: True hides.
    hidden = None if mask is None else ~mask.flatten(0, 1)
    expected, expected_weights = twin(*theirs, attn_mask=hidden, average_attn_weights=False)
    torch.testing.assert_close(output, expected, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(weights, expected_weights, rtol=1e-11, atol=1e-12)
    output.square().sum().backward()
    expected.square().sum().backward()
    assert_same_gradients(ours, twin)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("shape", [(BATCH, 1, 1, S), (1, 1, T, S), (BATCH, 1, T, S), (T, S)])
def test_a_mask_broadcasts_against_batch_heads_and_lengths(pair, shape):
    ours, _ = pair()
    mask = torch.rand(shape) > 0.3
    whole = mask.expand(BATCH, HEADS, T, S)
    tensors = inputs()
    torch.testing.assert_close(ours(*tensors, mask), ours(*tensors, whole), rtol=0, atol=0)


def test_a_query_with_nothing_to_attend_to_gives_zero_weights_and_the_bias_alone(pair):
    ours, _ = pair()
    mask = torch.ones(BATCH, 1, T, S, dtype=torch.bool)
    mask[1, :, 2] = False
    tensors = inputs()
    output, weights = ours(*tensors, mask)
    assert not weights[1, :, 2].any()
    torch.testing.assert_close(output[1, 2], ours.out_proj.bias, rtol=0, atol=0)
    output.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in [*ours.parameters(), *tensors])


def test_a_new_module_gives_zeros_for_a_query_with_nothing_to_attend_to():
    output, _ = MultiHeadAttention(D_MODEL, HEADS)(
        torch.randn(BATCH, T, D_MODEL),
        *torch.randn(2, BATCH, S, D_MODEL),
        torch.zeros(BATCH, 1, 1, S, dtype=torch.bool),
    )
    assert not output.any()


def test_dropout_acts_in_training_only_and_the_returned_weights_are_those_before_it(pair):
    ours, _ = pair(dropout=0.5)
    tensors = inputs()
    ours.eval()
    output, weights = ours(*tensors)
    torch.testing.assert_close(ours(*tensors)[0], output, rtol=0, atol=0)
    ours.train()
    dropped, same = ours(*tensors)
    assert not torch.allclose(dropped, output)
    torch.testing.assert_close(same, weights, rtol=0, atol=0)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("heads", [1, 3, 6])
def test_attention_parameters_counts_the_modules_own(bias, heads):
    module = MultiHeadAttention(D_MODEL, heads, bias=bias)
    expected = sum(parameter.numel() for parameter in module.parameters())
    assert attention_parameters(D_MODEL, heads, bias) == expected


def test_parameters_have_the_contracts_names_and_start_as_torchs_do():
    module = MultiHeadAttention(D_MODEL, HEADS)
    names = [f"{p}_proj.{k}" for p in ("q", "k", "v", "out") for k in ("weight", "bias")]
    assert [name for name, _ in module.named_parameters()] == names
    bound = (6 / (2 * D_MODEL)) ** 0.5
    for name, parameter in module.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any()
        else:
            assert bound / 2 < parameter.abs().max() <= bound


def test_it_survives_a_state_dict_and_a_change_of_precision():
    module, other = MultiHeadAttention(D_MODEL, HEADS), MultiHeadAttention(D_MODEL, HEADS)
    other.load_state_dict(module.state_dict())
    x = torch.randn(BATCH, T, D_MODEL)
    torch.testing.assert_close(other(x, x, x), module(x, x, x), rtol=0, atol=0)
    exact, _ = module.double()(x.double(), x.double(), x.double())
    torch.testing.assert_close(other(x, x, x)[0].double(), exact, rtol=1e-5, atol=1e-6)


def test_the_heads_of_a_module_that_calls_them_otherwise_are_read_off_its_weights():
    module = MultiHeadAttention(D_MODEL, HEADS)
    assert heads_of(module) == HEADS

    class Renamed(nn.Module):
        def __init__(self):
            super().__init__()
            self.q_proj, self.inner = module.q_proj, [module]

        def forward(self, *tensors):
            return self.inner[0](*tensors)

    assert heads_of(Renamed()) == HEADS
