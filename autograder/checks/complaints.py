"""What torch and Python mean by the errors that students meet most.

Used where no misconception of the exercise fits: the exception alone says what broke, seldom why.
"""

import re
from typing import Any

_MEANINGS = (
    (
        r"Boolean value of Tensor with more than one value is ambiguous",
        "`if` (or `and`, `or`, `not`) asks one yes-or-no question, and a tensor holds many. To "
        "ask whether a mask was given, write `if mask is not None`. To decide element by element: "
        "torch.where(condition, a, b) or tensor.masked_fill(condition, value).",
    ),
    (
        r"torch\.return_types|'(max|min|sort|topk)' object",
        "max(dim) and min(dim) return two things, the values and where they stand. Take .values, "
        "or use amax and amin, which return the values alone.",
    ),
    (
        r"leaf Variable that requires grad is being used in an in-place operation"
        r"|modified by an inplace operation",
        "A tensor is changed in place (by -=, *=, x[...] = … or a method ending in _). Make a new "
        "one instead: x = x - y.",
    ),
    (
        r"size of tensor a .* must match the size of tensor b|not broadcastable|shape mismatch",
        "Two tensors don't line up when they are combined. Print both shapes. Is an axis "
        "missing? x[..., None] or unsqueeze adds one; sums keep theirs with keepdim=True.",
    ),
    (
        r"shapes cannot be multiplied|Expected size for first two dimensions of batch"
        r"|size mismatch|inconsistent tensor size|batch2 tensor|dot : expected both vectors",
        "A matrix product doesn't fit: in (…, n, d) @ (…, d, m) the two inner sizes must be equal "
        "and the leading ones must match. Print both shapes. .T turns round all dimensions; "
        "transpose(-2, -1) only the last two.",
    ),
    (
        r"(must|to) have the same dtype|expected scalar type|but got (Double|Float|Half)",
        "A tensor of another precision was made inside. Give new tensors the dtype and device of "
        "the input, for example with torch.zeros_like(x) or .to(x).",
    ),
    (
        r"not implemented for '(Long|Int|Bool)'",
        "Whole numbers (token ids, a mask) arrive where a function computes with fractions. Have "
        "two arguments changed places?",
    ),
    (
        r"Module \[Module(List|Dict)\] is missing the required",
        "An nn.ModuleList only holds modules, it can't be called. Go through it and call each one: "
        "for layer in self.layers.",
    ),
    (
        r"before Module\.__init__\(\) call",
        "nn.Module has to be set up first: begin __init__ with super().__init__().",
    ),
    (
        r"does not require grad and does not have a grad_fn",
        "The result has lost its connection to the inputs: look for .detach(), .item() or "
        "torch.no_grad().",
    ),
    (
        r"'NoneType' object",
        "Something is None that you use as if it weren't: an optional argument that wasn't passed, "
        "a .grad that was never filled, or what a function without a return gives back. Ask "
        "`is not None` first.",
    ),
    (
        r"'tuple' (object|and)|not tuple|and 'tuple'",
        "A tuple stands where a tensor is expected: a function returned several things in one. "
        "Take them apart, first, second = …, or take one by its place, …[0].",
    ),
    (
        r"activation is one of .* got (True|False|\d)"
        r"|\b(True|False)\b.*\brelu\b|\brelu\b.*\b(True|False)\b",
        "Something else arrives where the activation's name belongs, so two arguments have changed "
        "places. A layer takes (…, dropout, norm_first, activation, eps), and FeedForward "
        "(d_model, d_ff, dropout, activation). Or hand them over by name.",
    ),
    (
        r"(too many|not enough) values to unpack",
        "Something is taken apart into another number of names than it has parts. If it is a "
        "shape, print it: there is one name for each axis.",
    ),
    (
        r"instances of '\w*Dropout\w*'",
        "An nn.Dropout stands where a probability is expected. Keep the number itself: "
        "self.dropout = dropout.",
    ),
    (
        r"index \d+ is out of bounds",
        "An index is too large. Counting starts at 0, so the last place of an axis of size n is "
        "n − 1.",
    ),
    (
        r"not have been used in the graph",
        "The result wasn't made from this tensor, so it has no slope there. Ask for the gradient "
        "by the very tensor that went in, not by a slice or a copy of it.",
    ),
    (
        r"grad can be implicitly created only for scalar outputs",
        "torch takes the gradient of one number at a time. Take one element, or a sum.",
    ),
    (
        r"Expected target size",
        "cross_entropy looks for the classes in the second dimension. Flatten what it gets: scores "
        "(N, classes), targets (N,).",
    ),
    (
        r"Tensors must have same number of dimensions",
        "torch.cat joins tensors with equally many axes. Print both shapes: unsqueeze adds an "
        "axis, an index or squeeze takes one away.",
    ),
    (
        r"topk\(\): argument 'k' .* must be int",
        "topk takes a whole number, and something else arrives. Have top_k and top_p changed "
        "places?",
    ),
    (
        r"stack expects each tensor to be equal size",
        "torch.stack puts tensors of one and the same shape beside each other. These differ.",
    ),
    (
        r"only (one element|integer) tensors|Only tensors of floating point",
        "A tensor stands where one number is expected, or the other way round: print its shape and "
        "dtype.",
    ),
)


def meaning(error: dict[str, Any]) -> str | None:
    """A sentence about an exception of the student's, None where its own words have to do."""
    told = f"{error['type']}: {error['message']}"
    if error["type"] in ("NameError", "UnboundLocalError"):
        found = re.search(r"'(\w+)'", error["message"])
        name = found.group(1) if found else "a name"
        return (
            f"Nothing is called `{name}` where your code uses it. Is it misspelt, or in a cell "
            "that you haven't run since the kernel started?"
        )
    return next((says for pattern, says in _MEANINGS if re.search(pattern, told)), None)
