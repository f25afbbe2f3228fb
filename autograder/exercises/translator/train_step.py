"""One step of training, in the right order."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from autograder.channel import made, translators
from autograder.channel.piece import Piece
from autograder.channel.wire import Made
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.exercises.translator.token_ids import BOS, padded_ids
from workbook import pieces

train_step = Exercise("train_step", reference=pieces.train_step)


def _lesson_for(draw: Draw, steps: int = 1) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a learner is made of, and batches with padding, none of them like another."""
    d, source, target = draw.sizes(3, low=5, high=9)
    pad_id = draw.integer(1, 3)
    weights = {
        "source": draw.normal(source, d),
        "target": draw.normal(target, d),
        "head": draw.normal(target, d),
    }
    kept = torch.ones(d, dtype=torch.float64)
    kept[0], kept[1] = 0.0, 1.25
    batches = []
    for _ in range(steps):
        rows, s, t = draw.sizes(3, low=2, high=6)
        out = padded_ids(draw, rows, t, target, pad_id)
        out[0, 0] = 0  # a token like any other
        batches.append(
            {
                "source": padded_ids(draw, rows, s, source, pad_id),
                "target_in": pieces.shift_right(out, BOS),
                "target_out": out,
            }
        )
    return {"weights": weights, "kept": kept, "pad_id": pad_id}, batches


class _Studied:
    """A learner on the piece's side and its twin here, each with an optimizer and a schedule."""

    def __init__(
        self, piece: Piece, made_of: dict[str, Any], rate: float, rates: list[float] | None = None
    ) -> None:
        self._piece = piece
        self.model = piece.make("learner", **made_of)
        self._optimizer = piece.make("sgd", module=self.model.handle, rate=rate)
        self.twin = translators.learner(**made_of)
        self._twins = made.sgd(self.twin, rate)
        self._schedules = (None, None)
        if rates is not None:
            theirs = piece.make("schedule", optimizer=self._optimizer.handle, rates=rates)
            self._schedules = (theirs.handle, translators.schedule(self._twins, rates))

    def step(self, batch: dict[str, Any], **options: Any) -> tuple[Any, tuple[float, int]]:
        """One step on both sides: what the piece returned, and what it should have."""
        theirs, ours = self._schedules
        found = self._piece(
            self.model.handle, Made("batch", batch), self._optimizer.handle, theirs, **options
        )
        wanted = pieces.train_step(
            self.twin, translators.batch(**batch), self._twins, ours, **options
        )
        return found, wanted

    def expect_same_weights(self, when: str) -> None:
        self.model.stored_gradients()  # for the diagnosis: what was clipped or cleared, and when
        found = self.model.parameters()
        for name, parameter in self.twin.named_parameters():
            # torch's clipping divides by norm + 1e-6, and leaving that out is no mistake.
            expect.close(found[name], parameter.detach(), f"The weight {name}, {when},", 1e-4)


_NEVER = 1e9  # a norm that no gradient has


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


@train_step.property("loss and number of tokens", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """It returns two numbers: the batch's loss as a float, and how many of target_out's tokens are
    not padding."""
    made_of, (batch,) = _lesson_for(draw)
    studied = _Studied(piece, made_of, 0.1)
    found, (loss, count) = studied.step(batch, max_norm=_NEVER)
    got = expect.several(found, "loss", "number of tokens")
    for value, name, kind in ((got[0], "loss", float), (got[1], "number of tokens", int)):
        if isinstance(value, torch.Tensor):
            raise expect.Mismatch(
                f"The {name} should be a plain {kind.__name__}; it is a tensor.",
                kind=f"the {name} is a tensor",
            )
    expect.that(
        _is_number(got[0], float), f"The loss should be a float; it is {expect.describe(got[0])}."
    )
    expect.that(
        math.isclose(got[0], loss, rel_tol=1e-6),
        f"The loss should be {loss:.6g}; yours is {got[0]:.6g}.",
    )
    expect.that(
        _is_number(got[1], int) and got[1] == count,
        f"The number of tokens should be {count}; yours is {got[1]!r}.",
    )


@train_step.property("one step down", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """After the call, the weights have moved by one step of the optimizer, along the gradient of
    the smoothed loss."""
    made_of, (batch,) = _lesson_for(draw)
    studied = _Studied(piece, made_of, 0.5)
    studied.step(batch, max_norm=_NEVER)
    studied.expect_same_weights("after one step")


@train_step.property("smoothing is handed on", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The loss is smoothed by the argument `smoothing`."""
    made_of, (batch,) = _lesson_for(draw)
    studied = _Studied(piece, made_of, 0.5)
    found, (loss, _) = studied.step(batch, smoothing=draw.uniform(0.3, 0.5), max_norm=_NEVER)
    value = expect.several(found, "loss", "number of tokens")[0]
    value = value.item() if isinstance(value, torch.Tensor) and value.ndim == 0 else value
    expect.that(
        isinstance(value, float) and math.isclose(value, loss, rel_tol=1e-6),
        f"With another smoothing, the loss should be {loss:.6g}; yours is {value!r}.",
    )


@train_step.property("gradients are clipped", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Before the update, all gradients together are clipped to max_norm."""
    made_of, (batch,) = _lesson_for(draw)
    for max_norm in (draw.uniform(0.05, 0.1), draw.uniform(0.02, 0.04)):
        studied = _Studied(piece, made_of, 2.0)
        studied.step(batch, max_norm=max_norm)
        studied.expect_same_weights("with small clipped gradients")


@train_step.property("the next step starts anew", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Gradients of the last batch are gone when the next one comes."""
    made_of, batches = _lesson_for(draw, steps=3)
    studied = _Studied(piece, made_of, 0.5)
    for batch in batches:
        studied.step(batch, max_norm=_NEVER)
    studied.expect_same_weights("after three steps")


@train_step.property("the scheduler's turn", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """A scheduler takes one step for each step of the optimizer, and after it. None means that
    there is none."""
    made_of, batches = _lesson_for(draw, steps=3)
    studied = _Studied(piece, made_of, 9.0, [0.1, 0.8, 0.3, 0.5, 0.2, 0.7, 0.9])
    for batch in batches:
        studied.step(batch, max_norm=_NEVER)
    studied.expect_same_weights("after three steps with a scheduler")


@train_step.property("training mode stays on", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """A model in training mode is trained in training mode, with its dropout."""
    made_of, (batch,) = _lesson_for(draw)
    made_of["kept"] = draw.mask(len(made_of["kept"])).double() * 2
    studied = _Studied(piece, made_of, 1.0)
    studied.model.train()
    studied.step(batch, max_norm=_NEVER)
    studied.expect_same_weights("of a model with dropout")


def _trains(
    order: str = "zero forward backward clip step schedule", result: Callable | None = None
) -> Callable:
    """The parts of a step in some order; a part that isn't named isn't done."""

    def step(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
        loss = None
        for part in order.split():
            if part == "zero":
                optimizer.zero_grad()
            elif part == "forward":
                logits = model(batch.source, batch.target_in)
                loss = pieces.label_smoothing_loss(
                    logits, batch.target_out, model.pad_id, smoothing
                )
            elif part == "backward":
                loss.backward()
            elif part == "clip":
                nn.utils.clip_grad_norm_(model.parameters(), max_norm)
            elif part == "step":
                optimizer.step()
            elif part == "schedule" and scheduler is not None:
                scheduler.step()
        count = int((batch.target_out != model.pad_id).sum())
        return (loss.item(), count) if result is None else result(loss, count, batch, model)

    return step


def _step_that(name: str, message: str, **how: Any) -> None:
    wrong = _trains(**how)
    wrong.__doc__ = message
    train_step.misconception(name)(wrong)


_step_that(
    "zero_grad forgotten",
    "Gradients of earlier batches are still there, and backward adds the new ones to them. Begin "
    "with optimizer.zero_grad().",
    order="forward backward clip step schedule",
)
_step_that(
    "zero_grad after backward",
    "When the optimizer steps there is no gradient to step along: either you clear between "
    "backward and step, or backward() is missing. The order is zero_grad, forward, loss, "
    "loss.backward(), clip, step.",
    order="forward backward zero clip step schedule",
)
_step_that(
    "clip before backward",
    "When the optimizer steps, the gradients are not clipped: you clip before backward, when this "
    "batch's gradients aren't there yet, or not at all. First backward, then "
    "clip_gradients_(model.parameters(), max_norm), then step.",
    order="zero forward clip backward step schedule",
)
_step_that(
    "clip after the step",
    "You clip when the step has been taken. First backward, then clip, then step.",
    order="zero forward backward step clip schedule",
)
_step_that(
    "scheduler before the optimizer",
    "Your scheduler goes first, so that the first rate is never used. First optimizer.step(), then "
    "scheduler.step().",
    order="zero forward backward clip schedule step",
)
_step_that(
    "scheduler forgotten",
    "The scheduler never takes a step, and the rate stays where it began. After "
    "optimizer.step(): if scheduler is not None, scheduler.step().",
    order="zero forward backward clip step",
)
_step_that(
    "scheduler twice",
    "Your scheduler takes two steps for one of the optimizer.",
    order="zero forward backward clip step schedule schedule",
)
_step_that(
    "optimizer's step forgotten",
    "Nothing is learnt: the weights stay as they were. After clipping: optimizer.step().",
    order="zero forward backward clip schedule",
)
_step_that(
    "step before backward",
    "You step before backward, so there is no gradient to step along, or an old one. The order is "
    "zero_grad, forward, loss, backward, clip, step.",
    order="forward step zero backward clip schedule",
)
_step_that(
    "two steps",
    "The optimizer takes two steps for one batch.",
    order="zero forward backward clip step step schedule",
)
_step_that(
    "the loss as a tensor",
    "You return the loss as a tensor, which keeps the whole graph in memory as long as somebody "
    "keeps the loss. Return loss.item(), a float.",
    result=lambda loss, count, batch, model: (loss, count),
)
_step_that(
    "the number as a tensor",
    "You return the number of tokens as a tensor. Make it an int: int(…) or .item().",
    result=lambda loss, count, batch, model: (
        loss.item(),
        (batch.target_out != model.pad_id).sum(),
    ),
)
_step_that(
    "padding counted as tokens",
    "You count all positions of target_out. Only real tokens count: (batch.target_out != "
    "model.pad_id).sum().",
    result=lambda loss, count, batch, model: (loss.item(), batch.target_out.numel()),
)
_step_that(
    "sentences counted",
    "You return the number of sentences. The number of real target tokens is asked for.",
    result=lambda loss, count, batch, model: (loss.item(), len(batch.target_out)),
)
_step_that(
    "source tokens counted",
    "You count the tokens of the source. Count the real ones of target_out.",
    result=lambda loss, count, batch, model: (
        loss.item(),
        int((batch.source != model.pad_id).sum()),
    ),
)
_step_that(
    "target_in's tokens counted",
    "You count the real tokens of target_in. Those of target_out are asked for, the words that the "
    "loss is about.",
    result=lambda loss, count, batch, model: (
        loss.item(),
        int((batch.target_in != model.pad_id).sum()),
    ),
)
_step_that(
    "loss times tokens",
    "You return the sum of the losses of all tokens. The loss is the mean, as label_smoothing_loss "
    "gives it.",
    result=lambda loss, count, batch, model: (loss.item() * count, count),
)
_step_that(
    "the loss only",
    "You return the loss alone. The number of real target tokens is asked for too: return loss, "
    "count.",
    result=lambda loss, count, batch, model: loss.item(),
)
_step_that(
    "the number first",
    "You return the number first. The exercise asks for (loss, number of tokens).",
    result=lambda loss, count, batch, model: (count, loss.item()),
)


def _learns(loss_of: Callable[..., torch.Tensor]) -> Callable:
    """A step that is right but for its loss: `loss_of(model, batch, smoothing)`."""

    def step(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
        optimizer.zero_grad()
        loss = loss_of(model, batch, smoothing)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return loss.item(), int((batch.target_out != model.pad_id).sum())

    step.__doc__ = loss_of.__doc__
    return step


@train_step.misconception("smoothing not handed on")
@_learns
def _(model, batch, smoothing):
    """The loss is always smoothed by 0.1. Hand `smoothing` on to label_smoothing_loss."""
    logits = model(batch.source, batch.target_in)
    return pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id)


@train_step.misconception("no smoothing")
@_learns
def _(model, batch, smoothing):
    """Your loss is the plain cross-entropy. Use label_smoothing_loss, with `smoothing`."""
    logits = model(batch.source, batch.target_in)
    return pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, 0.0)


@train_step.misconception("target_in as the answer")
@_learns
def _(model, batch, smoothing):
    """You compare the logits with target_in, the very tokens that the model was given. It would
    learn to copy. The answers are target_out, one token further on."""
    logits = model(batch.source, batch.target_in)
    return pieces.label_smoothing_loss(logits, batch.target_in, model.pad_id, smoothing)


@train_step.misconception("target_out as the input")
@_learns
def _(model, batch, smoothing):
    """You give the model target_out, the answers themselves. It reads target_in, which begins with
    bos."""
    logits = model(batch.source, batch.target_out)
    return pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)


@train_step.misconception("shifted once more")
@_learns
def _(model, batch, smoothing):
    """You shift the answers once more. target_in and target_out are one apart already: compare
    them position by position."""
    logits = model(batch.source, batch.target_in)
    return pieces.label_smoothing_loss(
        logits[:, :-1], batch.target_out[:, 1:], model.pad_id, smoothing
    )


@train_step.misconception("padding learnt")
@_learns
def _(model, batch, smoothing):
    """Padding counts in your loss. Hand model.pad_id to label_smoothing_loss, which leaves it
    out."""
    logits = model(batch.source, batch.target_in)
    return pieces.label_smoothing_loss(logits, batch.target_out, -100, smoothing)


@train_step.misconception("pad_id taken for 0")
@_learns
def _(model, batch, smoothing):
    """You take 0 for padding. Ask the model: model.pad_id."""
    logits = model(batch.source, batch.target_in)
    other = 0 if model.pad_id else -100
    return pieces.label_smoothing_loss(logits, batch.target_out, other, smoothing)


@train_step.misconception("pad_id taken for 0, also where tokens are counted")
def _(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
    """You take 0 for padding, in the loss and where you count. Ask the model: model.pad_id."""
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_in)
    loss = pieces.label_smoothing_loss(logits, batch.target_out, 0, smoothing)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return loss.item(), int((batch.target_out != 0).sum())


@train_step.misconception("batch mean in place of the token mean")
@_learns
def _(model, batch, smoothing):
    """You divide by the number of sentences. Then a batch of long sentences takes larger steps.
    label_smoothing_loss gives the mean of the real tokens: take it as it is."""
    logits = model(batch.source, batch.target_in)
    loss = pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)
    return loss * int((batch.target_out != model.pad_id).sum()) / len(batch.source)


@train_step.misconception("eval mode switched on")
@_learns
def _(model, batch, smoothing):
    """You put the model into eval mode, so that it is trained without its dropout. Leave its mode
    as it is."""
    model.eval()
    logits = model(batch.source, batch.target_in)
    return pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)


@train_step.misconception("clipped one by one")
def _(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
    """You clip each parameter's gradient by itself, which turns the step's direction. Clip all of
    them together, by one factor: clip_gradients_(model.parameters(), max_norm)."""
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_in)
    loss = pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)
    loss.backward()
    for parameter in model.parameters():
        nn.utils.clip_grad_norm_([parameter], max_norm)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return loss.item(), int((batch.target_out != model.pad_id).sum())


@train_step.misconception("clipped by value")
def _(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
    """You clip every number of the gradients by itself. max_norm is for their joint norm:
    clip_gradients_(model.parameters(), max_norm)."""
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_in)
    loss = pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)
    loss.backward()
    nn.utils.clip_grad_value_(model.parameters(), max_norm)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return loss.item(), int((batch.target_out != model.pad_id).sum())


@train_step.misconception("always clipped to 1")
def _(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
    """You clip to 1.0, whatever max_norm is. Hand the argument on."""
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_in)
    loss = pieces.label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return loss.item(), int((batch.target_out != model.pad_id).sum())
