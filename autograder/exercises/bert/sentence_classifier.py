"""A label for a sentence, on top of the model."""

import torch
from torch import nn
from torch.nn import functional as F

from autograder.channel.piece import Piece
from autograder.checks import expect
from autograder.checks.draw import Draw
from autograder.checks.exercise import Exercise
from autograder.checks.probes import (
    Case,
    beside,
    equals_reference,
    inputs_stay,
    parameters_named,
    single_precision,
)
from autograder.checks.wrong_module import wrong_constructor, wrong_method
from autograder.exercises.bert.bert import Bert
from autograder.exercises.bert.chance import slack, unlike
from autograder.exercises.bert.padded_sentences import (
    model_case,
    padding_is_silent,
    segments_and_mask_are_optional,
)
from workbook import pieces

SentenceClassifier = Exercise(
    "SentenceClassifier",
    reference=pieces.SentenceClassifier,
    forbidden=Bert.forbidden,
    instead=Bert.instead,
)
_LOGITS = ("The logits",)


def _classifier_case(draw: Draw) -> Case:
    return model_case(draw, num_classes=draw.integer(3, 5))


parameters_named(SentenceClassifier, _classifier_case, points=1)
equals_reference(
    SentenceClassifier,
    _classifier_case,
    _LOGITS,
    name="logits",
    points=2.5,
    says="In eval mode the logits are the classifier on pooled.",
)
segments_and_mask_are_optional(SentenceClassifier, _classifier_case, _LOGITS, points=0.5)
padding_is_silent(SentenceClassifier, _classifier_case, points=0.5)


@SentenceClassifier.property("dropout on pooled", points=1, repeatable=False)
def _(piece: Piece, draw: Draw) -> None:
    """In training, dropout acts on pooled, before the classifier, with the rate that is passed;
    Bert has its own dropout, with the same rate."""
    case = _classifier_case(draw)
    d_model, rate = case.construct["d_model"], 0.5
    # Without layers, and with pooler and classifier made plain, a logit is tanh of half a number of
    # the embeddings. It is dropped on the way there, or here, or survives both.
    plain = {"dropout": rate, "num_classes": d_model, "num_layers": 0}
    instance, oracle = beside(
        SentenceClassifier, piece, Case(case.args, {}, case.construct | plain), draw
    )
    eye, zeros = torch.eye(d_model, dtype=torch.float64), torch.zeros(d_model)
    instance.load(
        {
            "bert.pooler.weight": 0.5 * eye,
            "bert.pooler.bias": zeros,
            "classifier.weight": eye,
            "classifier.bias": zeros + 0.125,
        }
    )
    tokens = draw.tokens(240, 2, low=0, high=case.construct["vocab_size"] - 1)
    x = oracle.bert.embeddings(tokens)[:, 0].detach()
    found = expect.shape(instance.train()(tokens), x.shape, "The logits") - 0.125
    lives = found != 0
    share = float(lives.double().mean())

    def as_if(inside: float, here: float) -> bool:
        wanted = torch.tanh(0.5 * x / (1 - inside)) / (1 - here)
        return torch.allclose(found[lives], wanted[lives], atol=1e-9)

    rates = {"0": 0.0, "0.1": 0.1, "0.3": 0.3, "right": rate}
    fits = [
        f"Bert {inside}, pooled {here}"
        for inside, p in rates.items()
        for here, q in rates.items()
        if as_if(p, q)
    ]
    wanted = (1 - rate) ** 2
    right = fits == ["Bert right, pooled right"]
    if not right or abs(share - wanted) > slack(wanted, found.numel()):
        # At least 240 · 8 numbers; the bound is `chance.slack`'s.
        says = f"With dropout={rate} in Bert and after it, a quarter of the numbers should survive"
        unlike(f"{says}; {share:.0%} do.", fits[0] if fits else "something else")


@SentenceClassifier.property("all of it learns", points=1)
def _(piece: Piece, draw: Draw) -> None:
    """Fine-tuning changes every weight, those of Bert too: none is frozen, none out of reach."""
    case = _classifier_case(draw)
    instance, oracle = beside(SentenceClassifier, piece, case, draw)
    logits = oracle(*case.args)
    cotangent = draw.normal(*logits.shape)
    logits.backward(cotangent)
    found = instance.gradients(*case.args, cotangents=[cotangent])
    for name, parameter in oracle.named_parameters():
        expect.gradient(found.weights.get(name), parameter.grad, name)


inputs_stay(SentenceClassifier, _classifier_case, points=0.25)
single_precision(SentenceClassifier, _classifier_case, _LOGITS, points=0.25)


class _Classifier(nn.Module):
    """The part that most wrong answers get right."""

    def __init__(
        self,
        num_classes,
        vocab_size,
        d_model,
        num_heads,
        num_layers,
        d_ff,
        max_length,
        dropout=0.1,
    ):
        super().__init__()
        self.bert = self.body(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.dropout = nn.Dropout(dropout)
        self.classifier = self.top(d_model, num_classes)

    def body(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout):
        return pieces.Bert(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)

    def top(self, d_model, num_classes):
        return nn.Linear(d_model, num_classes)

    def read(self, tokens, segments, mask):
        return self.bert(tokens, segments, mask)

    def decide(self, hidden, pooled):
        return self.classifier(self.dropout(pooled))

    def forward(self, tokens, segments=None, mask=None):
        return self.decide(*self.read(tokens, segments, mask))


@SentenceClassifier.misconception("the mean of hidden")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """You classify the mean of all hidden states, padding too. The classifier reads pooled."""
    return self.classifier(self.dropout(hidden.mean(1)))


@SentenceClassifier.misconception("the first hidden state")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """You classify [CLS]'s hidden state as it is. pooled is what pooler and tanh make of it: Bert's
    second result."""
    return self.classifier(self.dropout(hidden[:, 0]))


@SentenceClassifier.misconception("the last hidden state")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """You classify the last position, which may be padding. The classifier reads pooled."""
    return self.classifier(self.dropout(hidden[:, -1]))


@SentenceClassifier.misconception("every position classified")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """You classify every position, as the tagger did. Here the whole sentence gets one answer: the
    classifier reads pooled, Bert's second result."""
    return self.classifier(self.dropout(hidden))


@SentenceClassifier.misconception("dropout forgotten")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """pooled goes into the classifier without dropout: self.classifier(self.dropout(pooled))."""
    return self.classifier(pooled)


@SentenceClassifier.misconception("dropout on the logits")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """Dropout acts on the logits, so a class may be struck out. It belongs before the classifier,
    on pooled."""
    return self.dropout(self.classifier(pooled))


@SentenceClassifier.misconception("dropout in eval mode too")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """nn.functional.dropout drops in eval mode too, unless it is told not to. Keep an
    nn.Dropout(dropout), which knows the mode."""
    return self.classifier(F.dropout(pooled, 0.3))


@SentenceClassifier.misconception("half of pooled dropped in eval mode too")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """nn.functional.dropout drops half of the numbers, and in eval mode too, unless it is told
    otherwise. Keep an nn.Dropout(dropout), which knows rate and mode."""
    return self.classifier(F.dropout(pooled))


@SentenceClassifier.misconception("softmax at the end")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """You return probabilities. Return the logits: the loss takes the softmax itself."""
    return self.classifier(self.dropout(pooled)).softmax(-1)


@SentenceClassifier.misconception("log_softmax at the end")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """You return log-probabilities. Return the logits: the loss takes the softmax itself."""
    return self.classifier(self.dropout(pooled)).log_softmax(-1)


@SentenceClassifier.misconception("sigmoid at the end")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """You send the logits through a sigmoid. Return them as they are."""
    return torch.sigmoid(self.classifier(self.dropout(pooled)))


@SentenceClassifier.misconception("the class in place of logits")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """You return the number of the class (argmax). Return the logits, one for each class: the loss
    needs them."""
    return self.classifier(self.dropout(pooled)).argmax(-1)


@SentenceClassifier.misconception("another tanh")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """You take another tanh. pooled has been through one already."""
    return self.classifier(self.dropout(torch.tanh(pooled)))


@SentenceClassifier.misconception("a ReLU on pooled")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """You send pooled through a ReLU. It has been through a tanh already, and the classifier reads
    it as it is."""
    return self.classifier(self.dropout(torch.relu(pooled)))


@SentenceClassifier.misconception("the batch of one squeezed")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """squeeze() takes every axis of size 1 away, so that a batch of one sentence loses its first.
    Leave it out: the logits are (batch, num_classes) as they come."""
    return self.classifier(self.dropout(pooled)).squeeze()


@SentenceClassifier.misconception("the pooler used twice")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """You send pooled through the pooler again. Bert has done that already."""
    return self.classifier(self.dropout(torch.tanh(self.bert.pooler(pooled))))


@SentenceClassifier.misconception("logits in a tuple")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """You return several things. Return the logits alone, (batch, num_classes)."""
    return self.classifier(self.dropout(pooled)), pooled


@SentenceClassifier.misconception("bert frozen")
@wrong_method(_Classifier, "decide")
def _(self, hidden, pooled):
    """Bert's weights get no gradient (requires_grad = False, .detach() or torch.no_grad()), so only
    the top layer would learn. In fine-tuning all weights do."""
    return self.classifier(self.dropout(pooled.detach()))


@SentenceClassifier.misconception("the embeddings frozen")
class _(_Classifier):
    """The embeddings are frozen. In fine-tuning all weights learn."""

    def body(self, *sizes):
        made = super().body(*sizes)
        made.embeddings.requires_grad_(False)
        return made


@SentenceClassifier.misconception("mask not handed on")
@wrong_method(_Classifier, "read")
def _(self, tokens, segments, mask):
    """The mask never reaches Bert, so that padding is read as if it were words. self.bert(tokens,
    segments, mask)."""
    return self.bert(tokens, segments)


@SentenceClassifier.misconception("segments not handed on")
@wrong_method(_Classifier, "read")
def _(self, tokens, segments, mask):
    """The segments never reach Bert: self.bert(tokens, segments, mask)."""
    return self.bert(tokens, None, mask)


@SentenceClassifier.misconception("neither segments nor mask handed on")
@wrong_method(_Classifier, "read")
def _(self, tokens, segments, mask):
    """Neither segments nor mask reach Bert: self.bert(tokens, segments, mask)."""
    return self.bert(tokens)


@SentenceClassifier.misconception("mask in the place of segments")
@wrong_method(_Classifier, "read")
def _(self, tokens, segments, mask):
    """You call self.bert(tokens, mask), and its second argument is segments. Hand on all three, in
    order, or write mask=mask."""
    return self.bert(tokens, mask)


@SentenceClassifier.misconception("segments changed in place")
@wrong_method(_Classifier, "read")
def _(self, tokens, segments, mask):
    """Your call changes the caller's tokens, segments or mask. Use no method that ends in _ and no
    x[…] = … on what was passed."""
    result = self.bert(tokens, segments, mask)
    if segments is not None:
        segments.zero_()
    return result


@SentenceClassifier.misconception("no dropout in Bert")
class _(_Classifier):
    """Your Bert has a dropout of 0. Hand it the one that is passed."""

    def body(self, *sizes):
        return super().body(*sizes[:-1], 0.0)


@SentenceClassifier.misconception("Bert's dropout left at its default")
class _(_Classifier):
    """You don't hand the dropout on to Bert, which takes its default of 0.1."""

    def body(self, *sizes):
        return super().body(*sizes[:-1], 0.1)


@SentenceClassifier.misconception("the classifier's dropout fixed at 0.1")
@wrong_constructor(_Classifier)
def _(self):
    """The dropout on pooled is 0.1, whatever is passed: nn.Dropout(dropout)."""
    self.dropout = nn.Dropout(0.1)


@SentenceClassifier.misconception("classifier without bias")
class _(_Classifier):
    """Your classifier has no bias. It is an nn.Linear(d_model, num_classes) as it comes."""

    def top(self, d_model, num_classes):
        return nn.Linear(d_model, num_classes, bias=False)


@SentenceClassifier.misconception("two classes, whatever is asked")
class _(_Classifier):
    """Your classifier has two classes, whatever is asked for. Use num_classes."""

    def top(self, d_model, num_classes):
        return nn.Linear(d_model, 2)


@SentenceClassifier.misconception("the vocabulary as classes")
class _(_Classifier):
    """Your classifier has an output for each word, like a head that fills blanks. It has
    num_classes."""

    def top(self, d_model, num_classes):
        return nn.Linear(d_model, self.bert.embeddings.token.num_embeddings)


@SentenceClassifier.misconception("two layers on top")
class _(_Classifier):
    """You put several layers on top. There is one linear layer, classifier; the pooler is the other
    one, and Bert has it."""

    def top(self, d_model, num_classes):
        return nn.Sequential(
            nn.Linear(d_model, d_model), nn.Tanh(), nn.Linear(d_model, num_classes)
        )


@SentenceClassifier.misconception("another name for the top layer")
@wrong_constructor(_Classifier)
def _(self):
    """The top layer has another name than the exercise asks: classifier. Names are how weights are
    exchanged."""
    self.head = self.classifier
    del self.classifier
    self.decide = lambda hidden, pooled: self.head(self.dropout(pooled))


@SentenceClassifier.misconception("built on an encoder")
class _(_Classifier):
    """You build embeddings and encoder anew. Hold a whole Bert under the name bert: then
    pre-trained weights fit in one line."""

    def body(self, *sizes):
        made = super().body(*sizes)
        self.embeddings, self.encoder, self.pooler = made.embeddings, made.encoder, made.pooler
        return None

    def read(self, tokens, segments, mask):
        hidden = self.encoder(self.embeddings(tokens, segments), mask)
        return hidden, torch.tanh(self.pooler(hidden[:, 0]))


@SentenceClassifier.misconception("Bert's arguments in another order")
class _(_Classifier):
    """You hand Bert its sizes in another order. It is vocab_size, d_model, num_heads, num_layers,
    d_ff, max_length, dropout."""

    def body(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout):
        return super().body(vocab_size, d_model, num_heads, num_layers, max_length, d_ff, dropout)
