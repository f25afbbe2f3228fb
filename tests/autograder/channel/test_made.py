"""What a piece needs from outside itself, made on its side by name."""

import inspect

import pytest
import torch
from torch import nn

from autograder.channel.made import (
    MAKERS,
    attention,
    cache,
    dropout,
    generator,
    linear,
    parameters,
    recurrent,
    sgd,
    table_model,
)
from workbook.pieces import KVCache, MultiHeadAttention


def test_the_set_is_closed_and_known_by_name():
    assert all(MAKERS[name].__name__ == name for name in MAKERS)
    assert {"generator", "linear", "dropout", "parameters", "recurrent", "sgd"} <= set(MAKERS)


def test_every_option_of_a_maker_can_be_given_by_name():
    for make in MAKERS.values():
        kinds = {each.kind for each in inspect.signature(make).parameters.values()}
        assert kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


def test_a_generator_has_its_seed():
    first, second = (torch.rand(3, generator=generator(seed)) for seed in (5, 5))
    assert torch.equal(first, second)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_linear_layer_has_these_weights_as_its_own(dtype):
    weight, bias = torch.randn(2, 3, dtype=dtype), torch.randn(2, dtype=dtype)
    layer = linear(weight, bias)
    x = torch.randn(4, 3, dtype=dtype)
    torch.testing.assert_close(layer(x), x @ weight.T + bias)
    with torch.no_grad():
        layer.weight.zero_()
    assert weight.abs().sum() > 0
    assert linear(weight).bias is None


def test_a_dropout_layer_drops():
    assert (dropout(0.5)(torch.ones(100)) == 0).any()


def test_parameters_have_these_gradients_as_their_own():
    value, gradient = torch.ones(2), torch.tensor([3.0, 4.0])
    made = parameters([value, value], [gradient, None])
    assert isinstance(made, list)
    assert all(isinstance(each, nn.Parameter) for each in made)
    assert made[0].grad.tolist() == [3, 4]
    assert made[1].grad is None
    made[0].grad.zero_()
    made[0].data.zero_()
    assert (value.tolist(), gradient.tolist()) == ([1, 1], [3, 4])


def test_an_iterator_of_parameters_runs_out_and_is_remembered():
    made = parameters([torch.ones(1)], [None], iterator=True)
    assert iter(made) is made
    assert not hasattr(made, "__len__")
    assert len(list(made)) == 1
    assert list(made) == []
    assert len(made.held) == 1


def test_values_and_gradients_come_in_pairs():
    with pytest.raises(ValueError, match="zip"):
        parameters([torch.ones(1)], [])


def test_an_optimizer_takes_a_step_down():
    layer = nn.Linear(1, 1, bias=False)
    before = layer.weight.item()
    layer.weight.grad = torch.tensor([[2.0]])
    sgd(layer, rate=0.5).step()
    assert layer.weight.item() == pytest.approx(before - 1.0)


@pytest.mark.parametrize(("cell", "gates"), [("RNN", 1), ("GRU", 3)])
def test_a_recurrent_network_has_these_weights_and_gives_back_its_last_state(cell, gates):
    shapes = [(gates * 4, 3), (gates * 4, 4), (gates * 4,), (gates * 4,)]
    weights = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    network = recurrent(cell, weights)
    outputs, last = network(torch.randn(2, 5, 3, dtype=torch.float64))
    assert outputs.shape == (2, 5, 4)
    torch.testing.assert_close(last, outputs[:, -1])
    for parameter, weight in zip(network.parameters(), weights, strict=True):
        torch.testing.assert_close(parameter.detach(), weight)


def test_a_cache_grows_as_the_courses_own_does():
    made, course = cache(2), KVCache(2)
    for layer, new in ((0, 3), (1, 3), (0, 1), (1, 1)):
        key, value = torch.randn(2, 2, 4, new, 5)
        for found, expected in zip(
            made.append(layer, key, value), course.append(layer, key, value), strict=True
        ):
            assert torch.equal(found, expected)
    assert made.length == course.length == 4
    assert [each.shape for each in made.contents(1)] == [(2, 4, 4, 5)] * 2
    assert cache(2).length == 0


def test_an_attention_has_these_weights_and_is_in_eval_mode():
    course = MultiHeadAttention(6, 3, dropout=0.5).double().eval()
    made = attention(3, course.state_dict())
    x = torch.randn(2, 4, 6, dtype=torch.float64)
    for found, expected in zip(made(x, x, x), course(x, x, x), strict=True):
        torch.testing.assert_close(found, expected)


def test_a_table_model_reads_the_row_of_the_sum_so_far_and_notes_what_it_was_asked():
    table = torch.arange(12.0).view(3, 4)
    model = table_model(table, context=3)
    logits = model(torch.tensor([[1, 1, 3], [0, 2, 2]]))
    assert torch.equal(logits[0], table[[2, 1, 2]])
    assert torch.equal(logits[1], table[[1, 1, 1]])
    with pytest.raises(ValueError, match="4 tokens"):
        model(torch.ones(1, 4, dtype=torch.long))
    assert model.asked == [[2, 3], [1, 4]]
