"""The loop: budget, rate, interruption, checkpoints, and a kill that changes nothing."""

import math
import os
import random
import re
import signal
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from workbook import tensor_file
from workbook.atomic import write_bytes
from workbook.home import root
from workbook.pieces import Transformer
from workbook.tensor_file import BrokenTensorFile, read_note, read_tensors, write_tensors
from workbook.training import (
    AnotherRun,
    Budget,
    Diverged,
    Moment,
    Progress,
    WarmupAndDecay,
    adam,
    muon,
    precision,
    train,
)
from workbook.translator.text import Batches

STEPS = 12


def corpus():
    """Sentences of two to six words, their translations the same words plus one."""
    draw = torch.Generator().manual_seed(4)
    made = []
    for _ in range(40):
        length = int(torch.randint(2, 7, (), generator=draw))
        source = torch.randint(4, 14, (length,), generator=draw).tolist()
        made.append((source, [word + 1 for word in source]))
    return made


def model(dropout=0.2):
    torch.manual_seed(1)
    return Transformer(16, 16, 8, 2, 1, 16, dropout=dropout)


def weights(made):
    return {name: value.detach().clone() for name, value in made.named_parameters()}


def same(ours, theirs):
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def run(made, **options):
    options = {"budget": Budget(steps=STEPS), "precision": "float32", "seed": 3, **options}
    return train(made, Batches(corpus(), 48), **options)


def uninterrupted(**options):
    made = model()
    run(made, **options)
    return weights(made)


# What a run does


def test_it_learns():
    made, moments = model(0.0), []
    ended = run(made, budget=Budget(steps=150), watchers=[moments.append])
    assert ended.finished
    assert moments[-1].loss < 0.85 * moments[0].loss
    assert not made.training


@pytest.mark.parametrize(
    ("budget", "measure"), [(Budget(steps=7), "steps"), (Budget(tokens=300), "tokens")]
)
def test_it_stops_with_the_step_that_spends_the_budget(budget, measure):
    moments = []
    ended = run(model(), budget=budget, watchers=[moments.append])
    whole = getattr(budget, measure)
    assert getattr(ended.last.progress, measure) >= whole
    assert getattr(moments[-3].progress, measure) < whole
    assert ended.last.share == 1.0
    assert [moment.stopped for moment in moments] == [""] * (len(moments) - 1) + ["finished"]


def test_a_budget_of_seconds_is_the_time_that_passes(monkeypatch):
    from workbook.training import loop

    ticks = iter(range(0, 100_000))
    monkeypatch.setattr(loop.time, "perf_counter", lambda: float(next(ticks)))
    ended = run(model(), budget=Budget(seconds=10.0))
    assert ended.last.progress.seconds >= 10
    assert 2 <= ended.last.progress.steps <= 10


@pytest.mark.parametrize(
    "given", [{}, {"steps": 1, "tokens": 1}, {"steps": 0}, {"seconds": -1.0}, {"tokens": math.nan}]
)
def test_a_budget_has_one_measure_above_zero(given):
    with pytest.raises(ValueError, match="a budget is one of"):
        Budget(**given)


def test_the_rate_goes_up_and_down_within_the_budget():
    rate = WarmupAndDecay(peak=2.0, warmup=0.1)
    assert rate(0.0, 1) == pytest.approx(0.02)
    assert rate(0.05, 2) == pytest.approx(1.0)
    assert rate(0.1, 3) == pytest.approx(2.0)
    assert rate(0.55, 4) == pytest.approx(1.0)
    assert rate(1.0, 5) == 0.0
    assert rate(1.2, 6) == 0.0  # never against the gradient
    assert WarmupAndDecay(2.0, 0.0)(0.0, 1) == 2.0


def test_every_step_has_the_rate_of_its_share_and_number():
    seen = []

    def step(made, batch, optimizer, *more):
        seen.append(optimizer.param_groups[0]["lr"])
        return 1.0, 10

    run(model(), step=step, budget=Budget(steps=4), rate=lambda share, number: share + number)
    assert seen == [1.0, 2.25, 3.5, 4.75]


def test_the_step_gets_smoothing_and_norm_and_no_scheduler():
    def step(made, batch, optimizer, scheduler, smoothing, max_norm):
        assert (scheduler, smoothing, max_norm) == (None, 0.3, 5.0)
        assert made.training
        return 1.0, 1

    assert run(model(), step=step, smoothing=0.3, max_norm=5.0).finished


def test_any_model_with_a_step_of_its_own_can_be_trained():
    line = nn.Linear(1, 1)

    class Point(SimpleNamespace):
        def to(self, device):
            return self

    def step(made, batch, optimizer, *more):
        optimizer.zero_grad()
        loss = (made(torch.tensor([[batch.x]])) - 2 * batch.x).square().mean()
        loss.backward()
        optimizer.step()
        return loss.item(), 1

    points = [Point(x=float(x)) for x in (-1, 1, 2)]
    train(line, lambda epoch: points, Budget(steps=300), step=step, precision="float32",
          rate=WarmupAndDecay(0.1))  # fmt: skip
    assert line.weight.item() == pytest.approx(2.0, abs=0.05)


def test_every_epoch_is_asked_for_by_its_number_and_used_whole():
    asked, used = [], []

    def step(made, batch, optimizer, *more):
        used.append(tuple(batch.source.flatten().tolist()))
        return 1.0, 1

    batches = Batches(corpus(), 48)

    def epoch(number):
        asked.append(number)
        return batches(number)

    train(model(), epoch, Budget(steps=2 * len(batches(0)) + 1), step=step, precision="float32")
    assert asked == [0, 1, 2]
    expected = [tuple(b.source.flatten().tolist()) for b in [*batches(0), *batches(1)]]
    assert used[: len(expected)] == expected


def test_no_batches_is_an_error_and_not_an_endless_loop():
    with pytest.raises(ValueError, match="epoch 0 has no batches"):
        train(model(), lambda epoch: [], Budget(steps=1))


def test_other_random_numbers_are_left_alone():
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    made = Transformer(16, 16, 8, 2, 1, 16)
    torch.manual_seed(9)
    run(made, precision="auto")
    assert torch.equal(torch.rand(3), expected)


def test_the_seed_decides_and_not_what_was_drawn_before():
    first = uninterrupted()
    made = model()
    torch.rand(17)
    run(made)
    assert same(weights(made), first)
    assert not same(uninterrupted(seed=4), first)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    losses = iter([2.0, 1.0, math.nan])
    path = tmp_path / "c"

    def step(*given):
        return next(losses), 5

    with pytest.raises(Diverged, match="loss of step 3 is nan"):
        run(model(), step=step, checkpoint=path, checkpoint_seconds=0)
    assert read_note(path)["progress"]["steps"] == 2


@pytest.mark.parametrize("chosen", ["float32", "bfloat16"])
def test_auto_takes_what_the_machine_is_faster_with(monkeypatch, chosen):
    from workbook.training import loop

    monkeypatch.setattr(loop, "faster_precision", lambda *given: chosen)
    seen = []

    def step(*given):
        seen.append(torch.is_autocast_enabled("cpu"))
        return 1.0, 1

    ended = run(model(), precision="auto", step=step)
    assert ended.precision == chosen
    assert set(seen) == {chosen == "bfloat16"}


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="auto or one of float32, bfloat16"):
        run(model(), precision="float16")
    assert precision.PRECISIONS == ("float32", "bfloat16")


# What a watcher sees


def test_a_watcher_sees_every_step_and_the_end():
    moments = []
    run(model(), watchers=[moments.append])
    assert [moment.progress.steps for moment in moments] == [*range(1, STEPS + 1), STEPS]
    assert all(0 < moment.share <= 1 and moment.loss > 0 for moment in moments)
    assert moments[-1].tokens_per_second > 0
    assert "12 steps" in str(moments[-1])


def test_what_a_watcher_takes_is_no_time_of_training(monkeypatch):
    from workbook.training import loop

    now = [0.0]
    monkeypatch.setattr(loop.time, "perf_counter", lambda: now[0])

    def step(*given):
        now[0] += 1
        return 1.0, 30

    def slow(moment):
        now[0] += 100

    ended = run(model(), step=step, budget=Budget(seconds=5.0), watchers=[slow, slow])
    assert ended.last.progress.steps == 5
    assert ended.last.progress.seconds == 5
    assert ended.last.tokens_per_second == 30


def test_the_history_never_grows_long_and_keeps_its_mean():
    moments, losses = [], iter(range(5_000))

    def step(*given):
        return float(next(losses)), 10

    run(model(), step=step, budget=Budget(steps=3_000), watchers=[moments.append])
    history = moments[-1].history
    assert 100 < len(history) < 400
    assert sum(loss for _, loss in history) / len(history) == pytest.approx(1_500, rel=0.02)
    assert list(history) == sorted(history)


def test_a_moment_before_any_time_has_passed_has_no_speed():
    moment = Moment(Progress(), 0.0, math.nan, 0.0, ())
    assert moment.tokens_per_second == 0.0


# Interruption


def interrupting(after):
    """A watcher that presses Ctrl-C once, after some steps."""

    def watch(moment):
        if moment.progress.steps == after and not moment.stopped:
            os.kill(os.getpid(), signal.SIGINT)

    return watch


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends the process there")
def test_an_interruption_keeps_what_was_learnt_and_goes_on_to_the_same_end(tmp_path):
    path, made = tmp_path / "c", model()
    before = weights(made)
    ended = run(made, watchers=[interrupting(5)], checkpoint=path)
    assert ended.last.stopped == "interrupted"
    assert not ended.finished
    assert ended.last.progress.steps == 5
    assert not same(weights(made), before)
    again = model()
    assert run(again, checkpoint=path).finished
    assert same(weights(again), uninterrupted())


def test_a_keyboard_interrupt_out_of_a_watcher_ends_it_as_well():
    def watch(moment):
        if moment.progress.steps == 3 and not moment.stopped:
            raise KeyboardInterrupt

    made = model()
    ended = run(made, watchers=[watch])
    assert (ended.last.stopped, ended.last.progress.steps) == ("interrupted", 3)
    assert not made.training


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends the process there")
def test_a_second_interruption_does_not_wait_for_the_step():
    def step(*given):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the step went on")

    assert run(model(), step=step).last.progress.steps == 0


class Interrupted(float):
    """A loss that presses Ctrl-C while it is entered into the curve."""

    def __rmul__(self, weight):
        raise KeyboardInterrupt


@pytest.mark.parametrize("place", ["in the step", "while it is counted"])
def test_an_interruption_within_a_step_leaves_the_last_checkpoint(tmp_path, place):
    from workbook.pieces import train_step

    path, made, losses = tmp_path / "c", model(), []

    def step(*given):
        loss, tokens = train_step(*given)
        losses.append(loss)
        if len(losses) < 6:
            return loss, tokens
        if place == "in the step":
            raise KeyboardInterrupt
        return Interrupted(loss), tokens

    assert not run(made, step=step, checkpoint=path, checkpoint_seconds=0).finished
    assert read_note(path)["progress"]["steps"] == 5
    again = model()
    assert run(again, checkpoint=path).finished
    assert same(weights(again), uninterrupted())


def test_an_interruption_within_the_first_step_leaves_no_checkpoint(tmp_path):
    def step(*given):
        raise KeyboardInterrupt

    assert run(model(), step=step, checkpoint=tmp_path / "c").last.progress.steps == 0
    assert not (tmp_path / "c").exists()


def test_afterwards_ctrl_c_means_what_it_meant_before():
    before = signal.getsignal(signal.SIGINT)
    run(model())
    assert signal.getsignal(signal.SIGINT) is before


def test_it_runs_in_a_thread_too():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run, model()).result().finished


# Checkpoints


class Constant:
    """A rate whose repr holds its address."""

    def __call__(self, share, step):
        return 1e-3

    at = __call__


def adam_of(made, weight_decay):
    return torch.optim.AdamW(made.parameters(), weight_decay=weight_decay)


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.workbook.training import test_loop as t

def kill(moment):
    if moment.progress.steps == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

t.run(t.model(), watchers=[kill], checkpoint=Path(sys.argv[1]), checkpoint_seconds=0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_run_ends_as_an_uninterrupted_one(tmp_path):
    path = tmp_path / "run.checkpoint"
    for steps in (5, 9):  # killed once, and once more after it was taken up
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(path), str(steps)], cwd=root(), check=False
        )
        assert done.returncode == -signal.SIGKILL
        assert read_note(path)["progress"]["steps"] == steps - 1
    made, moments = model(), []
    ended = run(made, checkpoint=path, watchers=[moments.append])
    assert moments[0].progress.steps == 9
    assert ended.last.progress.steps == STEPS
    assert same(weights(made), uninterrupted())
    assert [file.name for file in tmp_path.iterdir()] == ["run.checkpoint"]


def test_the_loss_so_far_is_taken_up_too(tmp_path):
    whole, parts = [], []
    run(model(), watchers=[whole.append])

    def stop(moment):
        if moment.progress.steps == 5 and not moment.stopped:
            raise KeyboardInterrupt

    run(model(), watchers=[stop], checkpoint=tmp_path / "c")
    run(model(), watchers=[parts.append], checkpoint=tmp_path / "c")
    assert parts[-1].history == whole[-1].history
    assert parts[-1].loss == whole[-1].loss


def test_a_finished_run_brings_its_weights_back_without_a_step(tmp_path):
    made = model()
    run(made, checkpoint=tmp_path / "c")
    again, moments = model(), []
    ended = run(again, checkpoint=tmp_path / "c", watchers=[moments.append])
    assert ended.finished
    assert len(moments) == 1
    assert same(weights(again), weights(made))


@pytest.mark.parametrize(
    "other",
    [
        {"budget": Budget(steps=STEPS + 1)},
        {"smoothing": 0.2},
        {"seed": 8},
        {"name": "another corpus"},
        {"precision": "bfloat16"},
        {"rate": WarmupAndDecay(1e-4)},
        {"rate": lambda share, step: 1e-4},
        {"optimizer": muon},
        {"optimizer": partial(adam_of, weight_decay=0.1)},
        {"optimizer": lambda made: torch.optim.SGD(made.parameters(), momentum=0.9)},
    ],
)
def test_a_checkpoint_of_other_settings_is_refused_and_changes_nothing(tmp_path, other):
    run(model(), checkpoint=tmp_path / "c")
    made = model()
    before = weights(made)
    with pytest.raises(AnotherRun, match=f"{next(iter(other))}.*delete it"):
        run(made, checkpoint=tmp_path / "c", **other)
    assert same(weights(made), before)


def test_only_the_settings_that_differ_are_told(tmp_path):
    run(model(), checkpoint=tmp_path / "c")
    with pytest.raises(AnotherRun, match=r"settings \{'seed': 3\}, and .* \{'seed': 8\}; delete"):
        run(model(), checkpoint=tmp_path / "c", seed=8)


@pytest.mark.parametrize(
    "made_anew", [Constant, lambda: Constant().at, lambda: partial(Constant())]
)
def test_the_address_of_a_rate_is_none_of_its_settings(tmp_path, made_anew):
    first, second = made_anew(), made_anew()
    assert repr(first) != repr(second)
    run(model(), checkpoint=tmp_path / "c", rate=first)
    assert run(model(), checkpoint=tmp_path / "c", rate=second).finished


def test_a_checkpoint_from_before_a_setting_was_kept_is_of_another_run(tmp_path):
    run(model(), checkpoint=tmp_path / "c")
    tensors, note = read_tensors(tmp_path / "c")
    del note["settings"]["optimizer"]
    write_tensors(tmp_path / "c", tensors, note)
    with pytest.raises(AnotherRun, match=r"settings \{\}, and this one has \{'optimizer'"):
        run(model(), checkpoint=tmp_path / "c")


def test_an_optimizer_of_other_parameters_is_refused_and_changes_nothing(tmp_path):
    run(model(), checkpoint=tmp_path / "c")
    made = model()
    before = weights(made)
    with pytest.raises(AnotherRun, match="another model or optimizer"):
        run(made, checkpoint=tmp_path / "c", optimizer=lambda made: adam(made.head))
    assert same(weights(made), before)


def test_a_checkpoint_of_another_model_is_refused_and_changes_nothing(tmp_path):
    run(model(), checkpoint=tmp_path / "c")
    other = Transformer(16, 16, 12, 2, 1, 16)
    before = weights(other)
    with pytest.raises(AnotherRun, match="another model"):
        run(other, checkpoint=tmp_path / "c")
    assert same(weights(other), before)


@pytest.fixture
def full(monkeypatch):
    """A disk on which nothing can be written as long as `full` holds something."""
    full = [True]

    def write(path, content):
        if full:
            raise OSError(27, f"File too large, {random.random()}")  # as its .part has a name
        write_bytes(path, content)

    monkeypatch.setattr(tensor_file, "write_bytes", write)
    return full


def test_a_checkpoint_on_the_way_that_cannot_be_written_is_told_once_and_tried_again(
    tmp_path, full
):
    def make_room(moment):
        if moment.progress.steps == STEPS - 2:
            full.clear()

    made, path = model(), tmp_path / "c"
    with pytest.warns(UserWarning, match="goes on") as told:
        assert run(made, watchers=[make_room], checkpoint=path, checkpoint_seconds=0).finished
    assert len(told) == 1
    assert f"{path} can't be written ([Errno 27] File too large" in str(told[0].message)
    assert same(weights(made), uninterrupted())
    assert read_note(path)["progress"]["steps"] == STEPS


def test_a_last_checkpoint_that_cannot_be_written_is_named_and_the_model_stays_trained(tmp_path):
    (tmp_path / "file").write_text("no folder")
    made, path = model(), tmp_path / "file" / "c"
    with pytest.raises(OSError, match=rf"{re.escape(str(path))} can't be written.*make room"):
        run(made, checkpoint=path)
    assert same(weights(made), uninterrupted())
    assert not made.training


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "c").write_bytes(b"half")
    with pytest.raises(BrokenTensorFile, match="delete it"):
        run(model(), checkpoint=tmp_path / "c")


def test_a_resumed_run_keeps_the_precision_it_began_with(tmp_path, monkeypatch):
    from workbook.training import loop

    answers = iter(["bfloat16"])
    monkeypatch.setattr(loop, "faster_precision", lambda *given: next(answers))

    def stop(moment):
        if moment.progress.steps == 2 and not moment.stopped:
            raise KeyboardInterrupt

    run(model(), precision="auto", watchers=[stop], checkpoint=tmp_path / "c")
    with pytest.raises(AnotherRun, match=r"'precision': 'bfloat16'.*'precision': 'float32'"):
        run(model(), precision="float32", checkpoint=tmp_path / "c")
    assert run(model(), precision="auto", checkpoint=tmp_path / "c").precision == "bfloat16"
    assert run(model(), precision="bfloat16", checkpoint=tmp_path / "c").precision == "bfloat16"
