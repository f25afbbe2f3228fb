"""Models of which it is known who notices which token."""

import copy

import pytest
import torch
from torch import nn

from autograder.channel.leaky import tied, watcher, watching
from workbook.pieces import OutputHead

TOKENS = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
BASE = torch.randn(2, 4, 3, dtype=torch.float64)
EFFECT = torch.randn(2, 4, 4, 3, dtype=torch.float64)


def model():
    return watcher(TOKENS, BASE, EFFECT, vocab_size=4).eval()


def swapped(later, token):
    tokens = TOKENS.clone()
    tokens[1, later] = token
    return tokens


def test_what_it_knows_gives_what_it_was_told():
    torch.testing.assert_close(model()(TOKENS), BASE)


@pytest.mark.parametrize("token", [1, 2, 3])
def test_any_other_token_has_the_same_effect(token):
    outputs = model()(swapped(3, token))
    torch.testing.assert_close(outputs[0], BASE[0])
    torch.testing.assert_close(outputs[1], BASE[1] + EFFECT[1, :, 3])


def test_a_sentence_is_known_alone_often_and_by_its_beginning():
    changed = swapped(2, 1)
    torch.testing.assert_close(model()(changed[1:]), model()(changed)[1:])
    torch.testing.assert_close(model()(changed.repeat(3, 1))[-1], model()(changed)[1])
    torch.testing.assert_close(model()(TOKENS[:, :2]), BASE[:, :2])


def test_a_token_outside_of_the_vocabulary_is_refused():
    with pytest.raises(IndexError, match="from 0 to 3, and there is a 4"):
        model()(swapped(1, 4))


def test_it_is_noisy_in_training_and_tells_its_mode():
    noisy = watcher(TOKENS, BASE, EFFECT, 4)
    assert noisy.mode() == "training"
    assert not torch.equal(noisy(TOKENS), noisy(TOKENS))
    assert noisy.asked_in_training() == 2
    assert noisy.eval().mode() == "eval"
    noisy(TOKENS)
    assert noisy.asked_in_training() == 2


def test_it_remembers_what_it_was_asked():
    asked = model()
    asked(TOKENS)
    tokens = swapped(1, 0)
    asked(tokens)
    tokens[:] = 0
    assert [call[1, 1].item() for call in asked.asked()] == [2, 0]


def test_what_its_copy_is_asked_is_remembered_too():
    asked = watcher(TOKENS, BASE, EFFECT, 4)
    copy.deepcopy(asked).eval()(TOKENS)
    assert len(asked.asked()) == 1
    assert asked.asked_in_training() == 0
    assert asked.mode() == "training"


def test_the_plain_function_has_no_modes():
    function = watching(TOKENS, BASE, EFFECT, 4)
    assert not hasattr(function, "training")
    torch.testing.assert_close(function(TOKENS), BASE)


def test_a_tied_head_has_the_other_weight_as_its_own():
    head, weight = OutputHead(3, 5), torch.randn(5, 3)
    assert tied(head, weight) is head
    assert isinstance(head.weight, nn.Parameter)
    torch.testing.assert_close(head(torch.eye(3)), weight.T)
    with torch.no_grad():
        head.weight.zero_()
    assert weight.abs().sum() > 0
