"""Which precision is chosen, with a clock that the test turns."""

import pytest
import torch
from torch import nn

from workbook.training import precision
from workbook.training.precision import BFLOAT16, FLOAT32, arithmetic, faster_precision

CPU = torch.device("cpu")


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(precision.time, "perf_counter", lambda: now[0])
    return now


def step_of(clock, seconds):
    """A step that takes `seconds[precision]`."""

    def step(model):
        enabled = torch.is_autocast_enabled("cpu")
        clock[0] += seconds[BFLOAT16 if enabled else FLOAT32]

    return step


@pytest.mark.parametrize(
    ("seconds", "chosen"), [(0.5, BFLOAT16), (0.95, FLOAT32), (1.0, FLOAT32), (4.0, FLOAT32)]
)
def test_bfloat16_is_taken_where_it_gains_a_tenth(clock, seconds, chosen):
    step = step_of(clock, {FLOAT32: 1.0, BFLOAT16: seconds})
    assert faster_precision(nn.Linear(2, 2), step, CPU) == chosen


def test_a_slow_first_step_and_a_hiccup_decide_nothing(clock):
    hiccups = iter([50.0, 50.0, 9.0])

    def step(model):
        clock[0] += 0.5 if torch.is_autocast_enabled("cpu") else 1.0
        clock[0] += next(hiccups, 0.0)

    assert faster_precision(nn.Linear(2, 2), step, CPU) == BFLOAT16


def test_on_apples_gpus_it_is_float32_without_trying():
    assert faster_precision(nn.Linear(2, 2), None, torch.device("mps")) == FLOAT32


def test_trying_changes_neither_the_model_nor_the_random_numbers():
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    before = model[0].weight.detach().clone()
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)

    def step(trial):
        assert trial is not model
        trial(torch.randn(2, 3)).sum().backward()
        with torch.no_grad():
            trial[0].weight.zero_()

    faster_precision(model, step, CPU)
    assert torch.equal(torch.rand(4), expected)
    assert torch.equal(model[0].weight, before)
    assert model[0].weight.grad is None


def test_matrix_products_are_done_in_the_precision_named():
    a = torch.randn(4, 4)
    with arithmetic(BFLOAT16, CPU):
        assert (a @ a).dtype == torch.bfloat16
    with arithmetic(FLOAT32, CPU):
        assert (a @ a).dtype == torch.float32
    with pytest.raises(ValueError, match="float32, bfloat16"), arithmetic("float8", CPU):
        pass
