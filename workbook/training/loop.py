"""The loop: one step after another until the budget is spent, watched, saved and resumable.

It knows nothing of the model but that a step trains it, in the course's form of one:
`step(model, batch, optimizer, scheduler, smoothing, max_norm) -> (loss, number of tokens)`. A
student's own `train_step` will do, and so will the step of another task.
"""

import math
import re
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workbook.device import seed_torch
from workbook.tensor_file import load_tensors, model_tensors, read_tensors, write_tensors
from workbook.training.freed_memory import keep_freed_memory
from workbook.training.optimizers import adam
from workbook.training.precision import PRECISIONS, arithmetic, faster_precision

_POINTS = 200  # of the recorded loss; when there are twice as many, neighbours are merged


class AnotherRun(ValueError):
    """The checkpoint belongs to a run with other settings or another model."""


class Diverged(FloatingPointError):
    """The loss is no number any more."""


@dataclass(frozen=True)
class Budget:
    """How long to train: exactly one of tokens, seconds and steps.

    Tokens are the best measure: the same result on a fast, a slow and a busy machine. Raises
    ValueError for none, for several, and for less than nothing.
    """

    tokens: int | None = None
    seconds: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        given = {name: value for name, value in asdict(self).items() if value is not None}
        if len(given) != 1 or not min(given.values()) > 0:
            raise ValueError(
                f"a budget is one of tokens, seconds or steps, more than 0; got {given or 'none'}"
            )

    def share(self, progress: "Progress") -> float:
        """How much of it is spent, 0 to 1."""
        for name, whole in asdict(self).items():
            if whole is not None:
                return min(1.0, getattr(progress, name) / whole)
        raise AssertionError("a budget has one measure")


@dataclass(frozen=True)
class Progress:
    """Where a run is: what it has spent, and the place of its next batch."""

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    epoch: int = 0
    position: int = 0


@dataclass(frozen=True)
class WarmupAndDecay:
    """The learning rate by the share of the budget that is spent: linearly up, linearly to zero.

    peak: the largest rate. warmup: the share of the budget that it takes to get there.
    """

    peak: float = 3e-3
    warmup: float = 0.04

    def __call__(self, share: float, step: int) -> float:
        # The very first step has spent nothing; a rate of zero would waste it.
        rising = max(share, self.warmup / 100) / self.warmup if self.warmup else 1.0
        # A cell that is run again goes on past the budget: without rate, not against the gradient.
        falling = max(0.0, (1 - share) / (1 - self.warmup))
        return self.peak * min(1.0, rising, falling)


@dataclass(frozen=True)
class Moment:
    """What a watcher is told after every step, and once more at the end.

    share: of the budget, 0 to 1. loss: the mean of the latest steps. history: (tokens, loss) so
    far. stopped: empty while it goes on, then `"finished"` or `"interrupted"`.
    """

    progress: Progress
    share: float
    loss: float
    rate: float
    history: Sequence[tuple[int, float]]
    stopped: str = ""

    @property
    def tokens_per_second(self) -> float:
        """Real target tokens a second, over the whole run."""
        return self.progress.tokens / self.progress.seconds if self.progress.seconds else 0.0

    def __str__(self) -> str:
        return (
            f"{self.share:.0%} done, {self.progress.steps:,} steps, loss {self.loss:.3f}, "
            f"{self.tokens_per_second:,.0f} tokens/s"
        )


@dataclass(frozen=True)
class Run:
    """What training came to."""

    last: Moment
    precision: str

    @property
    def finished(self) -> bool:
        """Whether the whole budget was spent; False after an interruption."""
        return self.last.stopped == "finished"

    def __repr__(self) -> str:
        return f"{self.last.stopped}: {self.last}, in {self.precision}"


@dataclass
class _Curve:
    """The loss over time, in never more than twice `_POINTS` points, and its recent mean."""

    points: list[tuple[int, float]] = field(default_factory=list)
    steps_a_point: int = 1
    open_losses: list[float] = field(default_factory=list)
    recent: float = math.nan

    def add(self, tokens: int, loss: float) -> None:
        self.recent = loss if math.isnan(self.recent) else 0.95 * self.recent + 0.05 * loss
        self.open_losses.append(loss)
        if len(self.open_losses) < self.steps_a_point:
            return
        self.points.append((tokens, sum(self.open_losses) / len(self.open_losses)))
        self.open_losses = []
        if len(self.points) >= 2 * _POINTS:
            pairs = zip(self.points[::2], self.points[1::2], strict=True)
            self.points = [(late, (a + b) / 2) for (_, a), (late, b) in pairs]
            self.steps_a_point *= 2


def train(
    model: nn.Module,
    batches: Callable[[int], Sequence[Any]],
    budget: Budget,
    *,
    step: Callable[..., tuple[float, int]] | None = None,
    rate: Callable[[float, int], float] = WarmupAndDecay(),
    smoothing: float = 0.1,
    max_norm: float = 1.0,
    precision: str = "auto",
    optimizer: Callable[[nn.Module], torch.optim.Optimizer] = adam,
    watchers: Sequence[Callable[[Moment], None]] = (),
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 30.0,
    seed: int = 0,
    name: str = "",
) -> Run:
    """Train a model in place until the budget is spent; it is left in eval mode.

    An interruption (Ctrl-C, the notebook's stop button) ends it after the step that is under way:
    the model keeps what it has learnt, and no exception is raised. A second one stops at once.

    With `checkpoint`, a file holds weights, optimizer and place, written at most every
    `checkpoint_seconds` and at the end; after a stop within a step, the one before stays. One on
    the way that can't be written is passed over with a warning.

    Where the file exists, the run goes on from it, to the same weights, bit for bit, as if it had
    never stopped (on a CPU, with a budget of tokens or steps). A finished run's checkpoint brings
    its weights back. For that, `name`, `budget`, `rate`, `smoothing`, `max_norm`, `optimizer`,
    `seed` and a `precision` other than "auto" must be those of the checkpoint. The rate is known by
    its repr without addresses, so of two functions only the names are told apart; the optimizer by
    its class and options.

    Args:
        model: anything that `step` can train, on its device.
        batches: the batches of an epoch by its number, the same for the same number; each has
            `to(device)`.
        budget: when to stop.
        step: by default the course's `train_step`.
        rate: the learning rate by the share of the budget that is spent and the step's number,
            counted from 1.
        smoothing, max_norm: handed to the step.
        precision: "float32", "bfloat16", or "auto", which tries both on the first batch.
        optimizer: makes one for the model.
        watchers: called after every step and at the end with a `Moment`. What they take is no time
            of training: it counts neither for the budget nor for the speed.
        seed: of dropout. Other random numbers are neither used nor moved on.
        name: what the run is (its data, its model).

    Raises:
        AnotherRun: the checkpoint is of other settings or another model.
        Diverged: the loss is infinite or no number; the checkpoint stays as it was before.
        OSError: the last checkpoint can't be written; the model is trained all the same.
        ValueError: an epoch has no batches, or `precision` is unknown.
    """
    if precision not in ("auto", *PRECISIONS):
        raise ValueError(f"precision is auto or one of {', '.join(PRECISIONS)}; got {precision!r}")
    if step is None:
        from workbook.pieces import train_step as step
    device = next(model.parameters()).device
    if device.type == "cpu":
        keep_freed_memory()
    model.train()
    made = optimizer(model)
    settings = {
        "name": name,
        "budget": asdict(budget),
        "rate": _without_addresses(rate),
        "smoothing": smoothing,
        "max_norm": max_norm,
        "optimizer": _described(made),
        "seed": seed,
    }
    running = _Running(model, made, budget, settings, "" if precision == "auto" else precision)
    if checkpoint is not None and checkpoint.exists():
        running.restore(checkpoint)
    devices = [device] if device.type == "cuda" else []
    stopped, saved, before = "finished", time.perf_counter(), time.perf_counter()
    within = False  # a step: the weights and the place may not belong together
    with torch.random.fork_rng(devices), _interruptible() as interruption:
        try:
            for batch in running.batches(batches):
                batch = batch.to(device)
                if not running.precision:
                    running.precision = _tried(model, batch, step, optimizer, device)
                    before = time.perf_counter()
                for group in running.optimizer.param_groups:
                    group["lr"] = rate(running.share, running.progress.steps + 1)
                # By step, so that a resumed run drops out what an uninterrupted one would.
                seed_torch((seed * 1_000_003 + running.progress.steps) % 2**63)
                within = True
                with arithmetic(running.precision, device):
                    loss, tokens = step(model, batch, running.optimizer, None, smoothing, max_norm)
                running.count(loss, tokens, time.perf_counter() - before)
                within = False
                for watcher in watchers:
                    watcher(running.moment())
                before = time.perf_counter()
                if interruption():
                    raise KeyboardInterrupt
                late = time.perf_counter() - saved >= checkpoint_seconds
                if checkpoint is not None and late and running.share < 1:
                    running.save_on_the_way(checkpoint)
                    saved = time.perf_counter()
        except KeyboardInterrupt:
            stopped = "finished" if running.share >= 1 else "interrupted"
        finally:
            model.eval()
    if checkpoint is not None and not within:
        running.save(checkpoint)
    last = running.moment(stopped)
    for watcher in watchers:
        watcher(last)
    return Run(last, running.precision)


class _Running:
    """Everything of a run that a checkpoint has to hold."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        budget: Budget,
        settings: dict[str, Any],
        precision: str,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.budget = budget
        self.settings = settings
        self.progress = Progress()
        self.curve = _Curve()
        self.precision = precision  # "" is not decided yet
        self.told = False  # that a checkpoint couldn't be written

    @property
    def share(self) -> float:
        return self.budget.share(self.progress)

    def batches(self, batches: Callable[[int], Sequence[Any]]) -> Iterator[Any]:
        """From the place of the next batch on, until the budget is spent."""
        while self.share < 1:
            epoch = batches(self.progress.epoch)
            if not len(epoch):
                raise ValueError(f"epoch {self.progress.epoch} has no batches to train on")
            while self.progress.position < len(epoch) and self.share < 1:
                yield epoch[self.progress.position]
            if self.progress.position >= len(epoch):
                self.progress = replace(self.progress, epoch=self.progress.epoch + 1, position=0)

    def count(self, loss: float, tokens: int, seconds: float) -> None:
        """One more step is done."""
        if not math.isfinite(loss):
            raise Diverged(
                f"the loss of step {self.progress.steps + 1} is {loss}; train with a smaller "
                "learning rate, a longer warm-up or gradient clipping"
            )
        now = self.progress
        self.progress = replace(
            now,
            steps=now.steps + 1,
            tokens=now.tokens + tokens,
            seconds=now.seconds + seconds,
            position=now.position + 1,
        )
        self.curve.add(self.progress.tokens, loss)

    def moment(self, stopped: str = "") -> Moment:
        rate = self.optimizer.param_groups[0]["lr"]
        return Moment(
            self.progress, self.share, self.curve.recent, rate, tuple(self.curve.points), stopped
        )

    def save(self, path: Path) -> None:
        tensors = {f"model.{name}": tensor for name, tensor in model_tensors(self.model).items()}
        state = self.optimizer.state_dict()
        numbers: dict[str, dict[str, Any]] = {}
        for index, slots in state["state"].items():
            for name, value in slots.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{index}.{name}"] = value
                else:
                    numbers.setdefault(str(index), {})[name] = value
        note = {
            "settings": {**self.settings, "precision": self.precision},
            "progress": asdict(self.progress),
            "curve": asdict(self.curve),
            "optimizer": {"groups": state["param_groups"], "numbers": numbers},
        }
        try:
            write_tensors(path, tensors, note)
        except OSError as error:
            raise OSError(
                f"{path} can't be written ({error}); make room for it, or take another file"
            ) from error

    def save_on_the_way(self, path: Path) -> None:
        """Save, or go on without: the next one may succeed. Only the first failure is told."""
        try:
            self.save(path)
        except OSError as error:
            if not self.told:
                warnings.warn(f"{error}. The training goes on, and tries again", stacklevel=3)
            self.told = True

    def restore(self, path: Path) -> None:
        tensors, note = read_tensors(path)
        kept = note.get("settings", {})
        asked = {**self.settings, "precision": self.precision or kept.get("precision")}
        if differ := [name for name in kept | asked if kept.get(name) != asked.get(name)]:
            theirs, ours = ({n: of[n] for n in differ if n in of} for of in (kept, asked))
            raise AnotherRun(
                f"{path} belongs to a run with the settings {theirs}, and this one has {ours}; "
                "delete it to begin anew, or take another file"
            )
        own = {
            name.removeprefix("model."): tensor
            for name, tensor in tensors.items()
            if name.startswith("model.")
        }
        numbers = note["optimizer"]["numbers"]
        state = {int(index): dict(slots) for index, slots in numbers.items()}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, slot = name.split(".", 2)
                state.setdefault(int(index), {})[slot] = tensor
        groups = note["optimizer"]["groups"]
        try:
            self.optimizer.load_state_dict({"state": state, "param_groups": groups})
            load_tensors(self.model, own)  # last: a model that is refused stays as it was
        except ValueError as error:
            raise AnotherRun(
                f"{path} belongs to a run of another model or optimizer ({error}); delete it to "
                "begin anew, or take another file"
            ) from error
        self.progress = Progress(**note["progress"])
        curve = note["curve"]
        self.curve = _Curve(**{**curve, "points": [tuple(point) for point in curve["points"]]})
        self.precision = asked["precision"]


def _without_addresses(asked: object) -> str:
    """The repr, without the addresses of functions and objects, which are others in every run."""
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(asked))


def _described(optimizer: torch.optim.Optimizer) -> str:
    """Its class and the options of its groups, without the rate, which the loop sets."""
    options = [
        {name: value for name, value in group.items() if name not in ("params", "lr")}
        for group in optimizer.param_groups
    ]
    return f"{type(optimizer).__qualname__} {_without_addresses(options)}"


def _tried(
    model: nn.Module,
    batch: Any,
    step: Callable[..., tuple[float, int]],
    optimizer: Callable[[nn.Module], torch.optim.Optimizer],
    device: torch.device,
) -> str:
    made: dict[int, torch.optim.Optimizer] = {}

    def one_step(trial: nn.Module) -> None:
        chosen = made.setdefault(0, optimizer(trial))
        step(trial, batch, chosen, None, 0.1, 1.0)

    return faster_precision(model, one_step, device)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Inside, a first Ctrl-C is only noted; the function given says whether there was one."""
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def note(number: int, frame: Any) -> None:
        if noted:
            raise KeyboardInterrupt
        noted.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(noted)
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)
