"""The loss where a token was hidden."""

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
)
from autograder.exercises.bert.token_ids import NOT_CHOSEN
from workbook import pieces

masked_lm_loss = Exercise("masked_lm_loss", reference=pieces.masked_lm_loss)


def _loss_case(draw: Draw, scale: float = 2.0) -> Case:
    """Logits, and labels of which each sentence has another number; among them is token 0."""
    batch, length, vocab = draw.sizes(3, low=3, high=7)
    logits = draw.normal(batch, length + 3, vocab + 3, scale=scale)
    labels = torch.full((batch, length + 3), NOT_CHOSEN)
    for row in range(batch):
        labels[row, : 1 + row] = draw.tokens(1 + row, low=1, high=vocab + 2)
        labels[row] = labels[row][draw.normal(length + 3).argsort()]
    labels[1, int((labels[1] != NOT_CHOSEN).nonzero()[0])] = 0
    return Case((logits, labels))


_LOSS = ("The loss",)
equals_reference(
    masked_lm_loss,
    _loss_case,
    _LOSS,
    name="the mean over the chosen",
    points=2,
    says="The loss is the mean, over all chosen positions of the batch, of minus the log of the "
    "probability that the softmax gives to the label.",
)


@masked_lm_loss.property("one number", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """The loss is one number: a tensor without dimensions."""
    expect.shape(piece(*_loss_case(draw).args), (), "The loss")


@masked_lm_loss.property("what wasn't chosen doesn't count", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Logits where the label is −100 should change nothing."""
    logits, labels = _loss_case(draw).args
    other = torch.where(labels[..., None] == NOT_CHOSEN, draw.normal(*logits.shape), logits)
    first, second = (expect.tensor(piece(each, labels), "The loss") for each in (logits, other))
    same = first.shape == second.shape and torch.allclose(first, second, rtol=1e-9)
    expect.that(same, "Other logits there gave another loss.")


@masked_lm_loss.property("large logits", points=0.5)
def _(piece: Piece, draw: Draw) -> None:
    """With logits in the thousands the loss should stay finite, and right."""
    case = _loss_case(draw, scale=2000.0)
    found = expect.finite(piece(*case.args), "The loss")
    expect.close(found, masked_lm_loss.reference(*case.args), "The loss")


gradients_flow(masked_lm_loss, _loss_case, of=("logits",), points=0.75)
inputs_stay(masked_lm_loss, _loss_case, points=0.25)


def _surprises(logits, labels):
    """Minus the log probability of each label (batch, length), 0 where nothing was chosen; and
    where something was."""
    chosen = labels != NOT_CHOSEN
    logs = logits.log_softmax(-1)
    own = logs.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return torch.where(chosen, -own, 0.0), chosen


@masked_lm_loss.misconception("all positions count")
def _(logits, labels):
    """You reckon every position in, with label 0 where there is −100. Only what was chosen counts:
    leave the −100 out."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten().clamp(min=0))


@masked_lm_loss.misconception("the sum")
def _(logits, labels):
    """You add the losses up. Take their mean, so that a long sentence pulls no harder than a short
    one."""
    surprises, _ = _surprises(logits, labels)
    return surprises.sum()


@masked_lm_loss.misconception("divided by all positions")
def _(logits, labels):
    """You divide by the number of all positions. Divide by the number of chosen ones: the zeros of
    the others are not losses."""
    surprises, _ = _surprises(logits, labels)
    return surprises.mean()


@masked_lm_loss.misconception("divided by the sentences")
def _(logits, labels):
    """You divide by the number of sentences. Divide by the number of chosen positions."""
    surprises, _ = _surprises(logits, labels)
    return surprises.sum() / len(labels)


@masked_lm_loss.misconception("a mean of means")
def _(logits, labels):
    """You take each sentence's mean, and then the mean of these. Then a position in a sentence with
    few chosen ones weighs more. Take one mean over all chosen positions."""
    surprises, chosen = _surprises(logits, labels)
    return (surprises.sum(1) / chosen.sum(1)).mean()


@masked_lm_loss.misconception("token 0 left out")
def _(logits, labels):
    """You leave out label 0 as well. 0 is a token like any other here; what is left out is −100."""
    return F.cross_entropy(
        logits.flatten(0, 1), labels.flatten().masked_fill(labels.flatten() == 0, -100)
    )


@masked_lm_loss.misconception("ignore_index=0")
def _(logits, labels):
    """ignore_index=0 leaves token 0 out and lets −100 in, which is no token. cross_entropy leaves
    −100 out by itself: that is its default."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=0)


@masked_lm_loss.misconception("not flattened")
def _(logits, labels):
    """cross_entropy expects the vocabulary in dimension 1, and yours is last. Flatten both first:
    logits (batch · length, vocab_size), labels (batch · length)."""
    return F.cross_entropy(logits, labels)


@masked_lm_loss.misconception("only the labels flattened")
def _(logits, labels):
    """You flatten the labels and not the logits. Both lose their first two dimensions: logits
    (batch · length, vocab_size), labels (batch · length)."""
    return F.cross_entropy(logits, labels.flatten())


@masked_lm_loss.misconception("the wrong axis kept")
def _(logits, labels):
    """What you keep of the logits isn't the vocabulary, which is their last dimension:
    logits.flatten(0, 1), or view(-1, logits.size(-1))."""
    return F.cross_entropy(logits.reshape(logits.size(2), -1), labels.flatten())


@masked_lm_loss.misconception("axes confused by a view")
def _(logits, labels):
    """You bring the vocabulary to dimension 1 by view or reshape, which deals the numbers out anew.
    Swap the axes with transpose(1, 2), or flatten batch and length."""
    batch, length, vocab = logits.shape
    return F.cross_entropy(logits.reshape(batch, vocab, length), labels)


@masked_lm_loss.misconception("the logits flattened to one axis")
def _(logits, labels):
    """You flatten the vocabulary away: logits.flatten() has a single axis. Keep the last one:
    logits.flatten(0, 1) is (batch · length, vocab_size)."""
    return F.cross_entropy(logits.flatten(), labels.flatten())


@masked_lm_loss.misconception("the logits' rows in another order")
def _(logits, labels):
    """You turn batch and length of the logits round and leave the labels as they are, so that each
    row meets another place's label. Flatten both as they come."""
    return F.cross_entropy(logits.transpose(0, 1).flatten(0, 1), labels.flatten())


@masked_lm_loss.misconception("transposed, and then flattened")
def _(logits, labels):
    """You transpose the logits and then deal their numbers out in rows, which mixes words and
    places. The vocabulary is last already: logits.flatten(0, 1)."""
    return F.cross_entropy(logits.transpose(1, 2).reshape(-1, logits.size(2)), labels.flatten())


@masked_lm_loss.misconception("softmax twice")
def _(logits, labels):
    """You hand cross_entropy probabilities. It takes the softmax itself: hand it the logits."""
    return F.cross_entropy(logits.softmax(-1).flatten(0, 1), labels.flatten())


@masked_lm_loss.misconception("no softmax")
def _(logits, labels):
    """You use the logits as if they were log-probabilities. Between them stands a log_softmax, or
    use F.cross_entropy, which has it."""
    return F.nll_loss(logits.flatten(0, 1), labels.flatten())


@masked_lm_loss.misconception("the minus forgotten")
def _(logits, labels):
    """Your loss has the other sign: it is the mean of minus the log-probabilities."""
    return -pieces.masked_lm_loss(logits, labels)


@masked_lm_loss.misconception("probabilities in place of their logarithms")
def _(logits, labels):
    """You take the mean probability of the right token. Take the mean of minus its logarithm."""
    chosen = labels != NOT_CHOSEN
    own = logits.softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return 1 - own[chosen].mean()


@masked_lm_loss.misconception("logarithms to the base of 2")
def _(logits, labels):
    """You take logarithms to the base of 2. Losses use the natural one: torch.log."""
    return pieces.masked_lm_loss(logits, labels) / math.log(2)


@masked_lm_loss.misconception("perplexity")
def _(logits, labels):
    """You return the perplexity, exp of the loss. Return the loss itself."""
    return pieces.masked_lm_loss(logits, labels).exp()


@masked_lm_loss.misconception("the share of wrong guesses")
def _(logits, labels):
    """You count wrong guesses (argmax). That can't be learned from, as a count has no slope. The
    loss is the mean of −log p(label)."""
    chosen = labels != NOT_CHOSEN
    return (logits.argmax(-1) != labels)[chosen].float().mean()


@masked_lm_loss.misconception("logarithms of the logits")
def _(logits, labels):
    """You take the logarithm of a logit. Logits aren't probabilities, and may be negative: a
    softmax comes first, or use F.cross_entropy, which has it."""
    chosen = labels != NOT_CHOSEN
    own = logits.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return -own[chosen].log().mean()


@masked_lm_loss.misconception("softmax over the positions")
def _(logits, labels):
    """Your softmax runs along the sentence. It runs over the vocabulary, the last dimension."""
    chosen = labels != NOT_CHOSEN
    own = logits.log_softmax(1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return -own[chosen].mean()


@masked_lm_loss.misconception("one loss for each position")
def _(logits, labels):
    """You return a loss for each position (reduction="none"). Return their mean over the chosen
    ones."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")


@masked_lm_loss.misconception("exp of large logits")
def _(logits, labels):
    """exp of a logit in the thousands is infinite, and log of a probability that rounds to 0 too.
    log_softmax and F.cross_entropy take care of both."""
    chosen = labels != NOT_CHOSEN
    powers = logits.exp()
    own = powers.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return -(own / powers.sum(-1))[chosen].log().mean()


@masked_lm_loss.misconception("log of a softmax")
def _(logits, labels):
    """softmax rounds small probabilities to 0, whose logarithm is minus infinity. Use log_softmax,
    which does both in one, or F.cross_entropy."""
    chosen = labels != NOT_CHOSEN
    own = logits.softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return -own[chosen].log().mean()


@masked_lm_loss.misconception("a Python number")
def _(logits, labels):
    """You return a Python number (.item()), through which no gradient flows. Return the tensor."""
    return pieces.masked_lm_loss(logits, labels).item()


@masked_lm_loss.misconception("cut off from the graph")
def _(logits, labels):
    """The value is right, and no gradient flows back: a .detach() or torch.no_grad() cuts it off
    from the logits."""
    return pieces.masked_lm_loss(logits.detach(), labels)


@masked_lm_loss.misconception("labels changed in place")
def _(logits, labels):
    """You change the caller's labels. Make new ones: masked_fill and clamp without a _ at the
    end."""
    loss = pieces.masked_lm_loss(logits, labels)
    labels.clamp_(min=0)
    return loss


@masked_lm_loss.misconception("the first chosen position of each sentence")
def _(logits, labels):
    """You use one chosen position of each sentence: argmax finds the first one only. All chosen
    positions count."""
    place = (labels != NOT_CHOSEN).long().argmax(1)
    rows = torch.arange(len(labels))
    return F.cross_entropy(logits[rows, place], labels[rows, place])


@masked_lm_loss.misconception("predictions shifted by one")
def _(logits, labels):
    """You compare each position with the label of the next one, as a model that writes does. A
    masked token is guessed at its own place: no shift."""
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
