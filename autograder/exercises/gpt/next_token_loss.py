"""The loss of naming each next token."""

import math

import torch
from torch.nn import functional as F

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    equals_reference,
    gradients_flow,
    inputs_stay,
    single_precision,
)
from workbook import pieces

next_token_loss = Exercise("next_token_loss", reference=pieces.next_token_loss)
_LOSS = ("The loss",)


def _predictions(draw: Draw, pads: bool = False) -> Case:
    """Logits and tokens; with `pads`, sentences of different lengths, one of them full."""
    batch, length, vocab = draw.sizes(3, low=4)
    tokens = draw.tokens(batch, length, low=1, high=vocab - 1)
    logits = draw.normal(batch, length, vocab)
    if not pads:
        return Case((logits, tokens))
    pad_id = draw.integer(1, vocab - 1)
    tokens[tokens == pad_id] = 0
    for row, real in enumerate(draw.sizes(batch - 1, low=2, high=max(length - 1, batch))):
        tokens[row, real:] = pad_id
    return Case((logits, tokens), {"pad_id": pad_id})


def _padded(draw: Draw) -> Case:
    return _predictions(draw, pads=True)


@next_token_loss.property("one number", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """The loss is a single number, a tensor without dimensions."""
    expect.shape(piece(*_predictions(draw).args), (), "The loss")


equals_reference(
    next_token_loss,
    _predictions,
    _LOSS,
    name="each position is asked for the token after it",
    points=1,
    says="The loss is the mean over the positions that have a next token: position t's logits "
    "against token t + 1, in natural logarithms.",
)
equals_reference(
    next_token_loss,
    _padded,
    _LOSS,
    name="padding is no target",
    points=0.75,
    says="With pad_id, positions whose next token is padding should be left out of the mean.",
)


@next_token_loss.property("a pad_id of 0", points=0.25)
def _(piece: Piece, draw: Draw) -> None:
    """pad_id=0 is an id like any other; without pad_id, token 0 is a word like any other."""
    logits, tokens = _predictions(draw).args
    tokens = tokens.clone()
    tokens[:, -2:] = 0
    for how in ({"pad_id": 0}, {}):
        wanted = pieces.next_token_loss(logits, tokens, **how)
        name = "The loss with pad_id=0" if how else "The loss without pad_id, where token 0 occurs,"
        expect.close(piece(logits, tokens, **how), wanted, name)


gradients_flow(next_token_loss, _padded, of=("logits",), points=0.25)
inputs_stay(next_token_loss, _padded, points=0.25)
single_precision(next_token_loss, _padded, _LOSS, points=0.25)


def _loss_of(logits, targets, pad_id=None, reduction="mean"):
    """Right from aligned logits and targets on."""
    ignored = -100 if pad_id is None else pad_id
    return F.cross_entropy(
        logits.reshape(-1, logits.size(-1)),
        targets.reshape(-1),
        ignore_index=ignored,
        reduction=reduction,
    )


@next_token_loss.misconception("not shifted")
def _(logits, tokens, pad_id=None):
    """You ask each position for its own token, which it has just read. Position t's logits are
    about token t + 1: compare logits[:, :-1] with tokens[:, 1:]."""
    return _loss_of(logits, tokens, pad_id)


@next_token_loss.misconception("shifted the wrong way")
def _(logits, tokens, pad_id=None):
    """You ask each position for the token before it. It is the other way round: logits[:, :-1]
    against tokens[:, 1:]."""
    return _loss_of(logits[:, 1:], tokens[:, :-1], pad_id)


@next_token_loss.misconception("both cut at the end")
def _(logits, tokens, pad_id=None):
    """You cut logits and tokens at the same end, so that each position still meets its own token.
    Cut the last position off the logits and the *first* token off the tokens."""
    return _loss_of(logits[:, :-1], tokens[:, :-1], pad_id)


@next_token_loss.misconception("both cut at the beginning")
def _(logits, tokens, pad_id=None):
    """You cut logits and tokens at the beginning, so that each position still meets its own token.
    Cut the *last* position off the logits and the first token off the tokens."""
    return _loss_of(logits[:, 1:], tokens[:, 1:], pad_id)


@next_token_loss.misconception("shifted by two")
def _(logits, tokens, pad_id=None):
    """Your logits meet the token after next. One step is enough: logits[:, :-1] against
    tokens[:, 1:]. If the tokens were shifted by the caller, don't shift again."""
    return _loss_of(logits[:, :-2], tokens[:, 2:], pad_id)


@next_token_loss.misconception("rolled round")
def _(logits, tokens, pad_id=None):
    """With roll, the last position is asked for the first token of its sentence. It has no next
    token: leave it out, logits[:, :-1]."""
    return _loss_of(logits, tokens.roll(-1, dims=1), pad_id)


@next_token_loss.misconception("shifted along the batch")
def _(logits, tokens, pad_id=None):
    """You shift along the batch: each sentence is asked for the next sentence. The words are the
    second dimension: logits[:, :-1], tokens[:, 1:]."""
    return _loss_of(logits[:-1], tokens[1:], pad_id)


@next_token_loss.misconception("shifted after flattening")
def _(logits, tokens, pad_id=None):
    """You flatten first and shift then, so the last word of each sentence is asked for the first
    word of the next one. Shift first."""
    return _loss_of(logits.flatten(0, 1)[:-1], tokens.flatten()[1:], pad_id)


@next_token_loss.misconception("only the tokens cut")
def _(logits, tokens, pad_id=None):
    """You cut the tokens and not the logits, so their numbers differ. The last position has no next
    token: logits[:, :-1]."""
    return _loss_of(logits, tokens[:, 1:], pad_id)


@next_token_loss.misconception("the last token only")
def _(logits, tokens, pad_id=None):
    """You ask for the last token only. Every position has a next token to learn from, and that is
    what makes training fast."""
    return _loss_of(logits[:, -2], tokens[:, -1], pad_id)


@next_token_loss.misconception("padding counted")
def _(logits, tokens, pad_id=None):
    """Padding is counted as a target. With pad_id, leave those positions out:
    cross_entropy(…, ignore_index=pad_id)."""
    return _loss_of(logits[:, :-1], tokens[:, 1:])


@next_token_loss.misconception("padding weighs nothing, and is counted")
def _(logits, tokens, pad_id=None):
    """You set the loss of padding to zero and divide by all positions, padding too. Divide by the
    number of real targets."""
    losses = _loss_of(logits[:, :-1], tokens[:, 1:], pad_id, "none")
    return losses.mean()


@next_token_loss.misconception("averaged sentence by sentence")
def _(logits, tokens, pad_id=None):
    """You average within each sentence and then over the sentences, so a word of a short sentence
    counts more. Take one mean over all real targets of the batch."""
    return torch.stack(
        [_loss_of(row[:-1], target[1:], pad_id) for row, target in zip(logits, tokens, strict=True)]
    ).mean()


@next_token_loss.misconception("the input's padding left out")
def _(logits, tokens, pad_id=None):
    """You leave out the positions that *read* padding. Leave out those that should *predict* it:
    the mask is made of the targets, tokens[:, 1:] != pad_id."""
    targets = tokens[:, 1:]
    if pad_id is None:
        return _loss_of(logits[:, :-1], targets)
    real = tokens[:, :-1] != pad_id
    return _loss_of(logits[:, :-1][real], targets[real])


@next_token_loss.misconception("only the padding counted")
def _(logits, tokens, pad_id=None):
    """Your mask is the wrong way round: the mean is over the padding. Keep the targets that are
    not pad_id."""
    if pad_id is None:
        return _loss_of(logits[:, :-1], tokens[:, 1:])
    real = tokens[:, 1:] == pad_id
    return _loss_of(logits[:, :-1][real], tokens[:, 1:][real])


@next_token_loss.misconception("0 taken for none")
def _(logits, tokens, pad_id=None):
    """With pad_id=0 your padding is counted: in "if pad_id:", 0 is false. Write
    if pad_id is not None."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id if pad_id else None)


@next_token_loss.misconception("token 0 always left out")
def _(logits, tokens, pad_id=None):
    """Without pad_id you leave token 0 out. Then nothing is padding, and token 0 is a word: without
    one, ignore_index is -100."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], 0 if pad_id is None else pad_id)


@next_token_loss.misconception("0 in place of the pad_id")
def _(logits, tokens, pad_id=None):
    """You leave token 0 out, whatever pad_id is. Hand pad_id on."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], 0)


@next_token_loss.misconception("None handed to ignore_index")
def _(logits, tokens, pad_id=None):
    """ignore_index must be a number. Without a pad_id, leave it away or hand over -100."""
    targets = tokens[:, 1:].reshape(-1)
    return F.cross_entropy(
        logits[:, :-1].reshape(-1, logits.size(-1)), targets, ignore_index=pad_id
    )


@next_token_loss.misconception("the sum")
def _(logits, tokens, pad_id=None):
    """You add the losses up. Take their mean, or the size of a batch changes the size of a step."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id, "sum")


@next_token_loss.misconception("one loss for each position")
def _(logits, tokens, pad_id=None):
    """You return a loss for each position. Take the mean over the real targets."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id, "none")


@next_token_loss.misconception("divided by the sentences")
def _(logits, tokens, pad_id=None):
    """You divide the sum by the number of sentences. Divide by the number of targets: the mean is
    over tokens."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id, "sum") / len(tokens)


@next_token_loss.misconception("softmax before cross_entropy")
def _(logits, tokens, pad_id=None):
    """You take a softmax first, and cross_entropy takes another one. Hand it the logits."""
    return _loss_of(logits[:, :-1].softmax(-1), tokens[:, 1:], pad_id)


@next_token_loss.misconception("the sign forgotten")
def _(logits, tokens, pad_id=None):
    """Your loss is negative: it is *minus* the log-probability of the right token."""
    return -_loss_of(logits[:, :-1], tokens[:, 1:], pad_id)


@next_token_loss.misconception("logits in place of log-probabilities")
def _(logits, tokens, pad_id=None):
    """You average the logits of the right tokens. Take their log-softmax first."""
    ignored = -100 if pad_id is None else pad_id
    return F.nll_loss(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=ignored)


@next_token_loss.misconception("bits")
def _(logits, tokens, pad_id=None):
    """You measure in bits, with logarithms of base 2. The loss is in natural logarithms, as
    cross_entropy's."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id) / math.log(2)


@next_token_loss.misconception("the perplexity")
def _(logits, tokens, pad_id=None):
    """You return the perplexity, exp(loss). Return the loss itself."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id).exp()


@next_token_loss.misconception("classes in the wrong place")
def _(logits, tokens, pad_id=None):
    """cross_entropy wants the classes in the second dimension: (batch, vocab_size, length), or
    everything flattened to (batch · length, vocab_size)."""
    ignored = -100 if pad_id is None else pad_id
    return F.cross_entropy(logits[:, :-1], tokens[:, 1:], ignore_index=ignored)


@next_token_loss.misconception("a view that mixes words and vocabulary")
def _(logits, tokens, pad_id=None):
    """Your reshape puts the vocabulary in second place without moving a number, so words and
    vocabulary are mixed up. Swap the axes, transpose(1, 2), or flatten the first two."""
    batch, length, vocab = logits.shape
    ignored = -100 if pad_id is None else pad_id
    return F.cross_entropy(
        logits[:, :-1].reshape(batch, vocab, length - 1), tokens[:, 1:], ignore_index=ignored
    )


@next_token_loss.misconception("a number of Python's")
def _(logits, tokens, pad_id=None):
    """You return a Python number, and nothing can be learnt from it: no .item()."""
    return _loss_of(logits[:, :-1], tokens[:, 1:], pad_id).item()


@next_token_loss.misconception("cut off from the graph")
def _(logits, tokens, pad_id=None):
    """The value is right, but no gradient flows back to the logits: a .detach() cuts them off."""
    return _loss_of(logits.detach()[:, :-1], tokens[:, 1:], pad_id)


@next_token_loss.misconception("the caller's tokens changed")
def _(logits, tokens, pad_id=None):
    """You write -100 into the caller's tokens: a slice is a view. Copy it first, .clone(), or hand
    pad_id to ignore_index."""
    targets = tokens[:, 1:]
    if pad_id is not None:
        targets[targets == pad_id] = -100
    return _loss_of(logits[:, :-1], targets)
