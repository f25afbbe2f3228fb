"""Cross-entropy with a share of the target spread over the vocabulary."""

from typing import Any

import torch
from torch.nn import functional as F

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import Case, equals_reference, gradients_flow, inputs_stay
from workbook import pieces

label_smoothing_loss = Exercise("label_smoothing_loss", reference=pieces.label_smoothing_loss)


def _smoothed(draw: Draw, **changes: Any) -> Case:
    """Logits of sentences of several lengths; the padding's targets are pad_id, which is not 0."""
    batch, length, vocab = draw.sizes(3, low=3, high=9)
    pad_id = draw.integer(0, vocab - 1)
    targets = draw.tokens(batch, length, low=0, high=vocab - 1)
    targets = torch.where(targets == pad_id, (pad_id + 1) % vocab, targets)
    for row in range(1, batch):
        targets[row, max(1, length - row) :] = pad_id
    logits = draw.normal(batch, length, vocab, scale=2.0)
    given = {"smoothing": draw.uniform(0.1, 0.4)} | changes
    return Case((logits, targets, pad_id), given)


def _plain_loss(draw: Draw) -> Case:
    return _smoothed(draw, smoothing=0.0)


def _by_default(draw: Draw) -> Case:
    case = _smoothed(draw)
    return Case(case.args)


equals_reference(
    label_smoothing_loss,
    _plain_loss,
    ("The loss",),
    name="without smoothing",
    points=0.5,
    says="With smoothing=0 it is the plain cross-entropy: −log p of the right token, the mean over "
    "all real tokens.",
)
equals_reference(
    label_smoothing_loss,
    _smoothed,
    ("The loss",),
    name="with smoothing",
    points=0.75,
    says="The right token should get 1 − smoothing, and every token of the vocabulary, the right "
    "one too, smoothing / vocab_size.",
)
equals_reference(
    label_smoothing_loss,
    _by_default,
    ("The loss",),
    name="0.1 by default",
    points=0.25,
    says="Without a fourth argument, smoothing is 0.1.",
)


@label_smoothing_loss.property("padding counts for nothing", points=0.75)
def _(piece: Piece, draw: Draw) -> None:
    """Whatever the logits at padding are, the loss stays; and more padding changes nothing."""
    case = _smoothed(draw)
    logits, targets, pad_id = case.args
    loss = expect.shape(piece(*case.args, **case.kwargs), (), "The loss")
    other = torch.where((targets == pad_id)[..., None], draw.normal(*logits.shape), logits)
    expect.close(
        piece(other, targets, pad_id, **case.kwargs), loss, "The loss, with other padding,"
    )
    longer = F.pad(logits, (0, 0, 0, 2)), F.pad(targets, (0, 2), value=pad_id)
    expect.close(piece(*longer, pad_id, **case.kwargs), loss, "The loss, with more padding,")


@label_smoothing_loss.property("one row of tokens", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """Logits (tokens, vocab_size) with targets (tokens,) should do as well."""
    case = _smoothed(draw)
    logits, targets, pad_id = case.args
    flat = (logits.flatten(0, 1), targets.flatten(), pad_id)
    wanted = pieces.label_smoothing_loss(*flat, **case.kwargs)
    expect.close(piece(*flat, **case.kwargs), wanted, "The loss")


gradients_flow(label_smoothing_loss, _smoothed, of=("logits",), points=0.25)
inputs_stay(label_smoothing_loss, _smoothed, points=0.25)


def _smooth(
    logits: torch.Tensor,
    targets: torch.Tensor,
    pad_id: int,
    right: float,
    others: float,
    mean: bool = True,
) -> torch.Tensor:
    """−Σ q·log p with q = right at the target and others everywhere, it included."""
    logs = logits.log_softmax(-1)
    losses = -right * logs.gather(-1, targets[..., None])[..., 0] - others * logs.sum(-1)
    return losses[targets != pad_id].mean() if mean else losses


@label_smoothing_loss.misconception("padding counted")
def _(logits, targets, pad_id, smoothing=0.1):
    """You count the padding. A model would learn to write padding, and the loss would look better
    than it is. Leave out the positions whose target is pad_id (ignore_index)."""
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), label_smoothing=smoothing)


@label_smoothing_loss.misconception("mean over all positions")
def _(logits, targets, pad_id, smoothing=0.1):
    """The losses at padding are zero, and you still divide by all positions. Divide by the number
    of real tokens."""
    losses = F.cross_entropy(
        logits.flatten(0, -2),
        targets.flatten(),
        ignore_index=pad_id,
        label_smoothing=smoothing,
        reduction="none",
    )
    return losses.mean()


@label_smoothing_loss.misconception("sum in place of the mean")
def _(logits, targets, pad_id, smoothing=0.1):
    """You add the losses up. Take their mean over the real tokens, so that a large batch doesn't
    take larger steps."""
    return F.cross_entropy(
        logits.flatten(0, -2),
        targets.flatten(),
        ignore_index=pad_id,
        label_smoothing=smoothing,
        reduction="sum",
    )


@label_smoothing_loss.misconception("mean of the sentences' means")
def _(logits, targets, pad_id, smoothing=0.1):
    """You take the mean of each sentence first, and then the mean of those. So a token of a short
    sentence counts more. All real tokens of the batch count alike."""
    losses = _smooth(logits, targets, pad_id, 1 - smoothing, smoothing / logits.size(-1), False)
    real = targets != pad_id
    return ((losses * real).sum(-1) / real.sum(-1)).mean()


@label_smoothing_loss.misconception("sum over a sentence, mean over the batch")
def _(logits, targets, pad_id, smoothing=0.1):
    """You add up the tokens of a sentence and divide by the number of sentences. Divide by the
    number of real tokens."""
    losses = _smooth(logits, targets, pad_id, 1 - smoothing, smoothing / logits.size(-1), False)
    return (losses * (targets != pad_id)).sum() / len(targets)


@label_smoothing_loss.misconception("no smoothing")
def _(logits, targets, pad_id, smoothing=0.1):
    """smoothing is never used: this is the plain cross-entropy."""
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=pad_id)


@label_smoothing_loss.misconception("smoothing fixed at 0.1")
def _(logits, targets, pad_id, smoothing=0.1):
    """You always smooth by 0.1. Use the argument."""
    return pieces.label_smoothing_loss(logits, targets, pad_id, 0.1)


@label_smoothing_loss.misconception("smoothing and its rest swapped")
def _(logits, targets, pad_id, smoothing=0.1):
    """The right token gets `smoothing` and the others share 1 − smoothing. It is the other way
    round."""
    return pieces.label_smoothing_loss(logits, targets, pad_id, 1 - smoothing)


@label_smoothing_loss.misconception("mass on the wrong tokens only")
def _(logits, targets, pad_id, smoothing=0.1):
    """You share the smoothing among the wrong tokens, smoothing / (vocab_size − 1) each. In the
    convention of the paper behind it and of torch, the right token gets its share too:
    smoothing / vocab_size for all."""
    share = smoothing / (logits.size(-1) - 1)
    return _smooth(logits, targets, pad_id, 1 - smoothing - share, share)


@label_smoothing_loss.misconception("no mass on padding")
def _(logits, targets, pad_id, smoothing=0.1):
    """You give the padding token no share of the smoothing. That is done elsewhere; here every
    token of the vocabulary gets smoothing / vocab_size."""
    share = smoothing / (logits.size(-1) - 2)
    pad = torch.zeros(logits.size(-1), dtype=logits.dtype)
    pad[pad_id] = 1
    logs = logits.log_softmax(-1)
    at_target = logs.gather(-1, targets[..., None])[..., 0]
    rest = (logs * (1 - pad)).sum(-1) - at_target
    losses = -(1 - smoothing) * at_target - share * rest
    return losses[targets != pad_id].mean()


@label_smoothing_loss.misconception("every token gets all of it")
def _(logits, targets, pad_id, smoothing=0.1):
    """Every token gets the whole of `smoothing`. They share it: divide by the size of the
    vocabulary."""
    return _smooth(logits, targets, pad_id, 1 - smoothing, smoothing)


@label_smoothing_loss.misconception("the right token keeps all of its weight")
def _(logits, targets, pad_id, smoothing=0.1):
    """You add the smoothing on top: the right token still has 1, and together they have more than
    1. The right token gives `smoothing` away first: 1 − smoothing."""
    return _smooth(logits, targets, pad_id, 1.0, smoothing / logits.size(-1))


@label_smoothing_loss.misconception("the others' share forgotten")
def _(logits, targets, pad_id, smoothing=0.1):
    """The right token gives weight away, and nobody gets it. Add smoothing / vocab_size for every
    token of the vocabulary."""
    return _smooth(logits, targets, pad_id, 1 - smoothing, 0.0)


@label_smoothing_loss.misconception("shared by the tokens of the batch")
def _(logits, targets, pad_id, smoothing=0.1):
    """You divide the smoothing by the wrong size: by the number of positions. It is shared by the
    vocabulary, logits.size(-1)."""
    return _smooth(logits, targets, pad_id, 1 - smoothing, smoothing / logits.size(-2))


@label_smoothing_loss.misconception("a softmax too many")
def _(logits, targets, pad_id, smoothing=0.1):
    """You take a softmax before the loss, which takes one itself. Hand the logits over as they
    are."""
    return pieces.label_smoothing_loss(logits.softmax(-1), targets, pad_id, smoothing)


@label_smoothing_loss.misconception("log of the softmax taken twice over the wrong axis")
def _(logits, targets, pad_id, smoothing=0.1):
    """Your softmax runs over the wrong axis. The vocabulary is the last one: dim=-1."""
    logs = logits.log_softmax(-2)
    losses = -(1 - smoothing) * logs.gather(-1, targets[..., None])[..., 0]
    losses = losses - smoothing * logs.mean(-1)
    return losses[targets != pad_id].mean()


@label_smoothing_loss.misconception("the sign forgotten")
def _(logits, targets, pad_id, smoothing=0.1):
    """Your loss is negative: it has lost its minus sign, and training would make everything
    worse."""
    return -pieces.label_smoothing_loss(logits, targets, pad_id, smoothing)


@label_smoothing_loss.misconception("not flattened")
def _(logits, targets, pad_id, smoothing=0.1):
    """cross_entropy wants the vocabulary in second place. Flatten what is in front of it: logits to
    (tokens, vocab_size) by flatten(0, -2), targets to (tokens,) by flatten()."""
    return F.cross_entropy(logits, targets, ignore_index=pad_id, label_smoothing=smoothing)


@label_smoothing_loss.misconception("always three dimensions")
def _(logits, targets, pad_id, smoothing=0.1):
    """You count on three dimensions. Logits come as (..., V): also as one row of tokens, (tokens,
    V). flatten(0, -2) joins whatever is in front of the vocabulary; flatten(0, 1) swallows it."""
    return F.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=pad_id, label_smoothing=smoothing
    )


@label_smoothing_loss.misconception("transposed, always three dimensions")
def _(logits, targets, pad_id, smoothing=0.1):
    """transpose(1, 2) counts on three dimensions. Logits come as (..., V): also as one row of
    tokens, (tokens, V). logits.flatten(0, -2) and targets.flatten() do for both."""
    return F.cross_entropy(
        logits.transpose(1, 2), targets, ignore_index=pad_id, label_smoothing=smoothing
    )


@label_smoothing_loss.misconception("padding's logits weighed by 0")
def _(logits, targets, pad_id, smoothing=0.1):
    """You give the padding token the weight 0. Then it loses its share of the smoothing too, at
    every position. Leave out the positions whose target is pad_id: ignore_index."""
    weight = torch.ones(logits.size(-1), dtype=logits.dtype)
    weight[pad_id] = 0
    return F.cross_entropy(
        logits.flatten(0, -2), targets.flatten(), weight=weight, label_smoothing=smoothing
    )


@label_smoothing_loss.misconception("the right token's own share forgotten")
def _(logits, targets, pad_id, smoothing=0.1):
    """Your wanted probabilities don't add up to 1: the right token has 1 − smoothing, and its own
    share of smoothing / vocab_size is missing."""
    share = smoothing / logits.size(-1)
    return _smooth(logits, targets, pad_id, 1 - smoothing - share, share)


@label_smoothing_loss.misconception("flattened by a bare view")
def _(logits, targets, pad_id, smoothing=0.1):
    """You reshape where you should transpose: reshape reads the numbers in memory order, and each
    target meets the logits of another word. logits.flatten(0, -2) keeps them together, or
    transpose(-1, -2)."""
    reshaped = logits.reshape(*logits.shape[:-2], logits.size(-1), logits.size(-2))
    return pieces.label_smoothing_loss(reshaped.transpose(-1, -2), targets, pad_id, smoothing)


@label_smoothing_loss.misconception("pad_id taken for 0")
def _(logits, targets, pad_id, smoothing=0.1):
    """You leave out token 0, whatever pad_id is. Use the argument."""
    return pieces.label_smoothing_loss(logits, targets, 0 if pad_id else -100, smoothing)


@label_smoothing_loss.misconception("a float")
def _(logits, targets, pad_id, smoothing=0.1):
    """You return a plain number. The loss has to be a tensor, so that backward() can start from
    it: no .item() here."""
    return pieces.label_smoothing_loss(logits, targets, pad_id, smoothing).item()


@label_smoothing_loss.misconception("one loss a token")
def _(logits, targets, pad_id, smoothing=0.1):
    """You return one loss for each token. One number is asked for: their mean over the real
    tokens."""
    losses = _smooth(logits, targets, pad_id, 1 - smoothing, smoothing / logits.size(-1), False)
    return losses * (targets != pad_id)


@label_smoothing_loss.misconception("targets changed in place")
def _(logits, targets, pad_id, smoothing=0.1):
    """Your call changes the caller's targets. Make a new tensor: masked_fill, without the _ at the
    end."""
    loss = pieces.label_smoothing_loss(logits, targets.clone(), pad_id, smoothing)
    targets.masked_fill_(targets == pad_id, -100)
    return loss


@label_smoothing_loss.misconception("cut off from the graph")
def _(logits, targets, pad_id, smoothing=0.1):
    """The value is right, and no gradient flows back: a .detach(), .data or torch.no_grad() cuts
    the loss off from the logits."""
    return pieces.label_smoothing_loss(logits.detach(), targets, pad_id, smoothing)
