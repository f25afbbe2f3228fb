"""Only real positions meet the vocabulary, and the step is the same one."""

from types import SimpleNamespace

import pytest
import torch

from workbook.pieces import Transformer, label_smoothing_loss, train_step
from workbook.training.precision import arithmetic
from workbook.translator.real_positions import real_positions_only
from workbook.translator.text import make_batch

BATCH = make_batch([([5, 6, 7], [8, 9]), ([5], [6, 7, 8, 9]), ([4, 4], [5])])


def model():
    torch.manual_seed(2)
    return Transformer(12, 12, 8, 2, 1, 16, dropout=0.0).double()


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.5)


def test_loss_count_and_update_are_those_of_the_step_itself():
    ours, theirs = model(), model()
    expected = train_step(theirs, BATCH, sgd(theirs))
    loss, tokens = real_positions_only(train_step)(ours, BATCH, sgd(ours))
    assert tokens == expected[1] == 10
    assert loss == pytest.approx(expected[0], rel=1e-12)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-12)


def test_the_head_sees_no_padding_and_is_left_as_it_was():
    seen, made = [], model()
    made.head.register_forward_hook(lambda head, given, out: seen.append(given[0].shape))
    real_positions_only(train_step)(made, BATCH, sgd(made))
    assert seen == [(1, 10, 8)]
    assert made(BATCH.source, BATCH.target_in).shape == (3, 5, 12)


def test_a_failing_step_leaves_the_head_as_it_was():
    made = model()

    def fail(*given, **more):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        real_positions_only(fail)(made, BATCH, sgd(made))
    assert made(BATCH.source, BATCH.target_in).shape == (3, 5, 12)


def test_smoothing_scheduler_and_norm_reach_the_step():
    seen = SimpleNamespace()

    def step(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
        seen.given = (scheduler, smoothing, max_norm)
        return 1.0, 2

    assert real_positions_only(step)(model(), BATCH, None, "s", 0.3, max_norm=4.0) == (1.0, 2)
    assert seen.given == ("s", 0.3, 4.0)


def test_the_loss_is_computed_in_float32_whatever_the_products_are_in():
    dtypes = []

    def step(model, batch, optimizer):
        logits = model(batch.source, batch.target_in)
        dtypes.append(logits.dtype)
        return label_smoothing_loss(logits, batch.target_out, 0).item(), 1

    with arithmetic("bfloat16", torch.device("cpu")):
        real_positions_only(step)(model().float(), BATCH, None)
    assert dtypes == [torch.float32]
