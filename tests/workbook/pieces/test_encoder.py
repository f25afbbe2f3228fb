"""Lesson 05: against `nn.LayerNorm`, `nn.TransformerEncoderLayer` and `nn.TransformerEncoder`."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from workbook.pieces import (
    Encoder,
    EncoderLayer,
    FeedForward,
    LayerNorm,
    PositionalEncoding,
    Tagger,
    padding_mask,
    residual,
)

BATCH, HEADS, LENGTH, D_MODEL, D_FF, LAYERS = 2, 3, 5, 12, 7, 4
ACTIVATIONS = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "silu": F.silu,
}


@pytest.fixture
def x():
    return torch.randn(BATCH, LENGTH, D_MODEL, dtype=torch.float64)


def some_mask() -> torch.Tensor:
    mask = torch.rand(BATCH, HEADS, LENGTH, LENGTH) > 0.3
    mask[..., 1] = True
    return mask


def torchs_layer(dropout, norm_first, activation, eps):
    return nn.TransformerEncoderLayer(
        D_MODEL, HEADS, D_FF, dropout, ACTIVATIONS[activation], eps, True, norm_first
    ).double()


@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_layer_norm_equals_torchs_in_values_and_gradients(random, x, assert_same_gradients, eps):
    ours, twin = random(LayerNorm(D_MODEL, eps)), nn.LayerNorm(D_MODEL, eps).double()
    twin.load_state_dict(ours.state_dict())
    x.requires_grad_()
    weight = torch.randn_like(x)
    torch.testing.assert_close(ours(x), twin(x), rtol=1e-12, atol=1e-12)
    (theirs,) = torch.autograd.grad((twin(x) * weight).sum(), x, retain_graph=True)
    (mine,) = torch.autograd.grad((ours(x) * weight).sum(), x, retain_graph=True)
    torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-12)
    (ours(x) * weight).sum().backward()
    (twin(x) * weight).sum().backward()
    assert_same_gradients(ours, twin)


def test_layer_norm_uses_the_biased_variance_with_eps_inside_the_root(random, x):
    norm = random(LayerNorm(D_MODEL, eps=0.3))
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    expected = (x - mean) / (variance + 0.3).sqrt() * norm.weight + norm.bias
    torch.testing.assert_close(norm(x), expected, rtol=1e-12, atol=1e-12)


def test_a_new_layer_norm_neither_scales_nor_shifts():
    norm = LayerNorm(D_MODEL)
    assert torch.equal(norm.weight, torch.ones(D_MODEL))
    assert torch.equal(norm.bias, torch.zeros(D_MODEL))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_feed_forward_is_two_linears_around_the_activation(random, x, activation):
    layer = random(FeedForward(D_MODEL, D_FF, 0.0, activation))
    (w1, b1), (w2, b2) = layer.linear1.parameters(), layer.linear2.parameters()
    assert w1.shape == (D_FF, D_MODEL)
    expected = ACTIVATIONS[activation](x @ w1.T + b1) @ w2.T + b2
    torch.testing.assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)


def test_an_unknown_activation_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"relu.*gelu_tanh.*got 'tanh'"):
        FeedForward(D_MODEL, D_FF, activation="tanh")


def test_feed_forward_drops_hidden_features_in_training_only():
    layer = FeedForward(D_MODEL, 3000, dropout=0.5)
    with torch.no_grad():
        layer.linear1.weight.zero_()
        layer.linear1.bias.fill_(1.0)
        layer.linear2.weight.fill_(1 / 3000)
    x = torch.randn(BATCH, LENGTH, D_MODEL)
    torch.testing.assert_close(layer.eval()(x), torch.ones_like(x))
    trained = layer.train()(x)
    assert not torch.allclose(trained, torch.ones_like(x), atol=1e-3)
    torch.testing.assert_close(trained, torch.ones_like(x), rtol=0, atol=0.2)


@pytest.mark.parametrize("norm_first", [True, False])
def test_residual_adds_the_sublayer_to_its_input(x, norm_first):
    norm = LayerNorm(D_MODEL).double()
    before = x.clone()
    output = residual(x, torch.sin, norm, lambda y: 3 * y, norm_first)
    expected = x + 3 * norm(x).sin() if norm_first else norm(x + 3 * x.sin())
    torch.testing.assert_close(output, expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(x, before)


def test_padding_mask_is_true_at_real_tokens():
    tokens = torch.tensor([[4, 9, 7], [9, 7, 7]])
    expected = torch.tensor([[[[True, True, False]]], [[[True, False, False]]]])
    assert torch.equal(padding_mask(tokens, pad_id=7), expected)


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_layer_equals_torchs_in_values_and_gradients(
    random, x, as_torch, assert_same_gradients, norm_first, activation
):
    ours = random(EncoderLayer(D_MODEL, HEADS, D_FF, 0.0, norm_first, activation, 0.01))
    twin = torchs_layer(0.0, norm_first, activation, 0.01)
    twin.load_state_dict(as_torch(ours.state_dict().items()))
    mask = some_mask()
    theirs = x.clone().requires_grad_()
    x.requires_grad_()
    output, expected = ours(x, mask), twin(theirs, src_mask=~mask.flatten(0, 1))
    torch.testing.assert_close(output, expected, rtol=1e-11, atol=1e-11)
    output.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(x.grad, theirs.grad, rtol=1e-9, atol=1e-10)
    assert_same_gradients(ours, twin)


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_layer_drops_out_where_torchs_does(random, x, as_torch, norm_first):
    ours = random(EncoderLayer(D_MODEL, HEADS, D_FF, 0.3, norm_first))
    twin = torchs_layer(0.3, norm_first, "relu", 1e-5)
    twin.load_state_dict(as_torch(ours.state_dict().items()))
    # torch lays a batch out by position, so the same draws fall elsewhere: one sentence it is.
    x = x[:1]
    torch.manual_seed(5)
    output = ours(x)
    torch.manual_seed(5)
    torch.testing.assert_close(output, twin(x), rtol=1e-10, atol=1e-11)
    torch.testing.assert_close(ours.eval()(x), ours(x), rtol=0, atol=0)


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_stack_equals_torchs_in_values_and_gradients(
    random, x, as_torch, assert_same_gradients, norm_first
):
    ours = random(Encoder(LAYERS, D_MODEL, HEADS, D_FF, 0.0, norm_first, "gelu", 0.01))
    twin = nn.TransformerEncoder(
        torchs_layer(0.0, norm_first, "gelu", 0.01),
        LAYERS,
        norm=nn.LayerNorm(D_MODEL, 0.01) if norm_first else None,
        enable_nested_tensor=False,
    ).double()
    twin.load_state_dict(as_torch(ours.state_dict().items()))
    tokens = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 0, 0]])
    output = ours(x, padding_mask(tokens, 0))
    expected = twin(x, src_key_padding_mask=tokens == 0)
    torch.testing.assert_close(output, expected, rtol=1e-10, atol=1e-11)
    output.square().sum().backward()
    expected.square().sum().backward()
    assert_same_gradients(ours, twin)


def test_only_a_pre_norm_stack_ends_in_a_norm():
    ends = [
        any(
            name.startswith("norm.")
            for name in Encoder(1, D_MODEL, HEADS, D_FF, 0.1, first).state_dict()
        )
        for first in (True, False)
    ]
    assert ends == [True, False]


def test_layers_start_different_from_each_other():
    first, second = Encoder(2, D_MODEL, HEADS, D_FF).layers
    for name, weight in first.named_parameters():
        if weight.dim() > 1:
            assert not torch.equal(weight, second.get_parameter(name)), name


@pytest.mark.parametrize("norm_first", [True, False])
def test_what_the_padding_holds_changes_no_real_position(random, x, norm_first):
    encoder = random(Encoder(2, D_MODEL, HEADS, D_FF, 0.0, norm_first))
    mask = torch.ones(BATCH, 1, 1, LENGTH, dtype=torch.bool)
    mask[1, ..., 3:] = False
    changed = x.clone()
    changed[1, 3:] = 100.0
    before, after = encoder(x, mask), encoder(changed, mask)
    torch.testing.assert_close(after[0], before[0], rtol=0, atol=0)
    torch.testing.assert_close(after[1, :3], before[1, :3], rtol=1e-12, atol=1e-12)
    shorter = encoder(x[1:, :3])
    torch.testing.assert_close(before[1:, :3], shorter, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_sentence_of_padding_alone_stays_finite(random, x, norm_first):
    encoder = random(Encoder(2, D_MODEL, HEADS, D_FF, 0.0, norm_first))
    mask = torch.ones(BATCH, 1, 1, LENGTH, dtype=torch.bool)
    mask[0] = False
    output = encoder(x, mask)
    assert output.isfinite().all()
    output.square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in encoder.parameters())


def test_attention_weights_leave_a_stack_by_hooks(x):
    encoder = Encoder(LAYERS, D_MODEL, HEADS, D_FF).double()
    seen = []
    for layer in encoder.layers:
        layer.self_attention.register_forward_hook(lambda _, __, out: seen.append(out[1]))
    encoder(x)
    assert [tuple(w.shape) for w in seen] == [(BATCH, HEADS, LENGTH, LENGTH)] * LAYERS


TOKENS = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 0, 0]])


def tagger(**changes) -> Tagger:
    sizes = {"vocab_size": 11, "num_tags": 4, "d_model": D_MODEL, "num_heads": HEADS}
    sizes |= {"num_layers": 2, "d_ff": D_FF, "max_length": 6}
    return Tagger(**(sizes | changes))


def test_a_tagger_is_embedding_positions_encoder_and_head(random):
    model = random(tagger(dropout=0.0))
    x = model.token(TOKENS) * D_MODEL**0.5
    x = model.encoder(PositionalEncoding(D_MODEL, 6, 0.0)(x), padding_mask(TOKENS, 0))
    expected = x @ model.head.weight.T + model.head.bias
    logits = model(TOKENS)
    assert logits.shape == (2, 5, 4)
    torch.testing.assert_close(logits, expected, rtol=1e-11, atol=1e-11)


def test_a_taggers_padding_changes_no_tag(random):
    model = random(tagger()).eval()
    logits = model(TOKENS)
    torch.testing.assert_close(logits[1:, :3], model(TOKENS[1:, :3]), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(model(TOKENS), logits, rtol=0, atol=0)
    assert not torch.allclose(model.train()(TOKENS), logits)


def test_a_tagger_refuses_a_sentence_longer_than_its_positions():
    with pytest.raises(ValueError, match="max_length"):
        tagger(max_length=4)(TOKENS)


def test_a_tagger_learns_a_rule_that_needs_the_neighbour():
    model = tagger(num_tags=2, dropout=0.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    tokens = torch.randint(1, 11, (64, 6))
    tags = (tokens.roll(1, dims=1) > 5).long()
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(model(tokens).flatten(0, 1), tags.flatten()).backward()
        optimizer.step()
    assert (model(tokens).argmax(-1) == tags).double().mean() > 0.95


@pytest.mark.parametrize(
    "build",
    [
        lambda: LayerNorm(D_MODEL),
        lambda: FeedForward(D_MODEL, D_FF),
        lambda: EncoderLayer(D_MODEL, HEADS, D_FF),
        lambda: Encoder(2, D_MODEL, HEADS, D_FF, norm_first=False),
    ],
)
def test_everything_survives_a_state_dict_and_a_change_of_precision(build):
    module, other = build().eval(), build().eval()
    other.load_state_dict(module.state_dict())
    x = torch.randn(BATCH, LENGTH, D_MODEL)
    torch.testing.assert_close(other(x), module(x), rtol=0, atol=0)
    exact = module.double()(x.double())
    torch.testing.assert_close(other(x).double(), exact, rtol=1e-4, atol=1e-5)
