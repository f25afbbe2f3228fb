"""What torch's and Python's errors mean, checked on the errors themselves."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from autograder.channel.bench import describe_error
from autograder.checks.complaints import meaning
from workbook.pieces import FeedForward

X = torch.randn(2, 3, 4)


class NotSetUp(nn.Module):
    def __init__(self):
        self.inner = nn.Linear(1, 1)


def in_place():
    x = torch.ones(2, requires_grad=True)
    x -= 1


def used_before_bound():
    print(scores)  # noqa: F821 - bound too late is the point
    scores = 3  # noqa: F841


MISTAKES = {
    "if on a tensor": (lambda: bool(X > 0), "torch.where"),
    "max(dim) as a tensor": (lambda: X - X.max(-1), "amax"),
    "in place": (in_place, "x = x - y"),
    "if on a mask": (lambda: bool(X > 0), "if mask is not None"),
    "lost dimension": (lambda: X / X.sum(-1), "keepdim=True"),
    "missing axis": (lambda: X * torch.ones(2, 3), "x[..., None]"),
    "matrix product": (lambda: X @ torch.ones(5, 2), "inner sizes must be equal"),
    "batched product": (lambda: torch.bmm(X, torch.ones(3, 4, 2)), "leading ones must match"),
    "targets before logits": (
        lambda: F.cross_entropy(torch.ones(3).long(), torch.ones(3, 4)),
        "changed places?",
    ),
    "another precision": (lambda: X @ torch.ones(4, 2).double(), ".to(x)"),
    "no super().__init__()": (NotSetUp, "super().__init__()"),
    "a list of modules called": (lambda: nn.ModuleList()(X), "for layer in self.layers"),
    "cut off": (lambda: X.sum().backward(), ".detach()"),
    "None used": (lambda: [n for n in None], "is not None"),
    "None's attribute": (lambda: None.norm(), "is not None"),
    "a tuple squared": (lambda: (X,) ** 2, "…[0]"),
    "a tuple given to torch": (lambda: torch.square((X,)), "…[0]"),
    "an activation's name elsewhere": (
        lambda: FeedForward(4, 8, "gelu", True),
        "changed places",
    ),
    "a shape in two names": (lambda: [length for length, _ in [X.shape]], "one name for each axis"),
    "a tuple in three names": (lambda: [a for a, _, _ in [(1, 2)]], "another number of names"),
    "a module for a probability": (lambda: F.dropout(X, nn.Dropout(0.1)), "the number itself"),
    "index too large": (lambda: X[:, 3], "n − 1"),
    "gradient by a copy": (
        lambda: torch.autograd.grad(
            X.clone().requires_grad_().sum(), X.clone().requires_grad_(), allow_unused=False
        ),
        "very tensor",
    ),
    "gradient of many numbers": (lambda: X.clone().requires_grad_().exp().backward(), "one number"),
    "stacking different shapes": (lambda: torch.stack([X, X[0]]), "one and the same shape"),
    "classes in the last dimension": (
        lambda: F.cross_entropy(X, torch.zeros(2, 3, dtype=torch.long)),
        "second dimension",
    ),
    "joining other numbers of axes": (lambda: torch.cat([X[0], X]), "equally many axes"),
    "a share for topk": (lambda: X.topk(0.5), "changed places"),
    "a name that is none": (lambda: undefined_name, "`undefined_name`"),  # noqa: F821
    "a name used too early": (used_before_bound, "`scores`"),
}


def told(call):
    with pytest.raises(Exception) as raised:  # noqa: PT011 - torch chooses
        call()
    return describe_error(raised.value)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_torch_says_of_this_mistake_is_understood(mistake):
    call, words = MISTAKES[mistake]
    error = told(call)
    assert meaning(error) is not None, error["message"]
    assert words in meaning(error)
    assert meaning(error).endswith((".", "?"))


@pytest.mark.parametrize(
    "call", [lambda: 1 / 0, lambda: [][3], lambda: {}["W_q"], lambda: int("three")]
)
def test_words_that_speak_for_themselves_are_left_alone(call):
    assert meaning(told(call)) is None
