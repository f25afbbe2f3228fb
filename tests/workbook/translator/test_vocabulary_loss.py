"""The loss from hidden states: lesson 09's, in value and in gradients."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from workbook import pieces
from workbook.training import adam
from workbook.training.precision import BFLOAT16, FLOAT32, arithmetic
from workbook.translator import vocabulary_loss
from workbook.translator.recurrent import RecurrentTranslator
from workbook.translator.text import make_batch
from workbook.translator.vocabulary_loss import smoothed_loss, train_step


def given_tensors(rows, size, width, seed, dtype=torch.float64):
    draw = torch.Generator().manual_seed(seed)
    hidden = torch.randn(rows, width, generator=draw, dtype=dtype, requires_grad=True)
    weight = torch.randn(size, width, generator=draw, dtype=dtype, requires_grad=True)
    return hidden, weight, torch.randint(1, size, (rows,), generator=draw)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    rows=st.integers(1, 40), size=st.integers(2, 30), width=st.integers(1, 9),
    smoothing=st.sampled_from([0.0, 0.05, 0.1, 0.5, 1.0]), seed=st.integers(0, 99),
    at_a_time=st.sampled_from([1, 7, 16, 64]),
)  # fmt: skip
def test_it_is_label_smoothing_loss(rows, size, width, smoothing, seed, at_a_time):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary_loss, "_ROWS", at_a_time)
        hidden, weight, targets = given_tensors(rows, size, width, seed)
        ours = smoothed_loss(hidden, weight, targets, smoothing)
        mine = torch.autograd.grad(3 * ours, (hidden, weight))
        theirs = pieces.label_smoothing_loss(hidden @ weight.T, targets, 0, smoothing)
        torch.testing.assert_close(ours, theirs)
        torch.testing.assert_close(mine, torch.autograd.grad(3 * theirs, (hidden, weight)))


@pytest.mark.parametrize("at_a_time", [4, 512])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_probability_that_is_too_small_for_a_number_is_no_infinite_loss(
    monkeypatch, at_a_time, dtype
):
    monkeypatch.setattr(vocabulary_loss, "_ROWS", at_a_time)
    hidden, weight, targets = given_tensors(10, 30, 8, 1, dtype)
    scale = 50 if dtype == torch.float32 else 500
    ours = smoothed_loss(scale * hidden, weight, targets)
    theirs = pieces.label_smoothing_loss(scale * hidden @ weight.T, targets, 0)
    logits = (scale * hidden @ weight.T).softmax(-1)
    assert (logits.gather(1, targets.unsqueeze(1)) == 0).any()
    torch.testing.assert_close(ours, theirs)
    mine = torch.autograd.grad(ours, (hidden, weight))
    torch.testing.assert_close(mine, torch.autograd.grad(theirs, (hidden, weight)))


def test_a_loss_that_is_no_number_stays_none():
    hidden, weight, targets = given_tensors(3, 5, 4, 1)
    with torch.no_grad():
        hidden[1] = torch.inf
    assert not smoothed_loss(hidden, weight, targets).isfinite()


def test_under_autocast_it_differs_by_rounding_alone():
    hidden, weight, targets = given_tensors(700, 50, 16, 1, torch.float32)
    exact = smoothed_loss(hidden, weight, targets)
    exactly = torch.autograd.grad(exact, (hidden, weight))
    with arithmetic(BFLOAT16, torch.device("cpu")):
        rounded = smoothed_loss(hidden, weight, targets)
        roughly = torch.autograd.grad(rounded, (hidden, weight))
    assert abs(rounded - exact) < 0.01
    for ours, theirs in zip(roughly, exactly, strict=True):
        assert ours.dtype == torch.float32
        assert (ours - theirs).norm() < 0.01 * theirs.norm()


BATCH = make_batch([([5, 6, 7, 8], [4, 5]), ([9, 4], [7, 7, 7, 7, 8]), ([7], [9])])


@pytest.mark.parametrize("kind", ["Transformer", "recurrent"])
def test_a_step_is_lesson_09s_step(kind):
    torch.manual_seed(4)
    ours = (
        pieces.Transformer(11, 11, 8, 2, 1, 16, dropout=0.0)
        if kind == "Transformer"
        else RecurrentTranslator(11, 8)
    ).double()
    theirs = copy.deepcopy(ours)
    results = []
    for model, step in ((ours, train_step), (theirs, pieces.train_step)):
        optimizer = adam(model)
        for group in optimizer.param_groups:
            group["lr"] = 0.01
        results.append([step(model, BATCH, optimizer, smoothing=0.2) for _ in range(3)])
    assert [tokens for _, tokens in results[0]] == [tokens for _, tokens in results[1]] == [11] * 3
    assert [loss for loss, _ in results[0]] == pytest.approx([loss for loss, _ in results[1]])
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_the_head_is_back_after_an_error():
    model = pieces.Transformer(11, 11, 8, 2, 1, 16, max_length=3)
    head = model.head
    with pytest.raises(ValueError, match="length"):
        train_step(model, BATCH, adam(model))
    assert model.head is head


def test_a_schedule_is_advanced():
    model = pieces.Transformer(11, 11, 8, 2, 1, 16)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    with arithmetic(FLOAT32, torch.device("cpu")):
        train_step(model, BATCH, optimizer, schedule)
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert isinstance(model.head, nn.Module)
