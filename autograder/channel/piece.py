"""A piece as a check sees it: called, constructed, weighed, sent gradients through.

`Piece` speaks to a bench through one function, `send(request) -> reply`. `here(subject)` gives it
a bench in this process, for practising; `autograder.channel.process` gives it one in another
process, for grading. The properties of an exercise can't tell which.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from autograder.channel.bench import Bench, Reply, Request
from autograder.channel.wire import Handle, Made, map_leaves


class PieceRaised(Exception):
    """The student's code raised; `error` says what, and on which line of theirs."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['type']}: {error['message']}")
        self.error = error

    def is_a(self, *types: type[BaseException]) -> bool:
        """Whether what was raised is one of these types, or derives from one."""
        return any(each.__name__ in self.error["bases"] for each in types)


class PieceLost(Exception):
    """The piece can't be asked any more: its time or memory ran out, or its process ended."""

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message


@dataclass(frozen=True)
class Gradients:
    """What `gradients` returns: the value, the inputs' gradients in order, the weights' by name."""

    value: Any
    inputs: list[torch.Tensor | None]
    weights: dict[str, torch.Tensor | None]


class Asked:
    """Something on a bench that can be called: a function, an instance, or a method of one."""

    def __init__(self, piece: "Piece", target: Handle | None = None, method: str = "") -> None:
        self._piece, self._target, self._method = piece, target, method

    def _ask(self, op: str, **request: Any) -> Reply:
        return self._piece.ask({"op": op, "target": self._target, "method": self._method} | request)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The value of a call."""
        return self._ask("call", args=args, kwargs=kwargs)["value"]

    def on_accelerator(self, *args: Any, **kwargs: Any) -> Any:
        """The value of a call whose tensors are on this machine's fastest device, if the piece is
        `accelerated`; on the CPU if it isn't, or where there is no other."""
        self._piece.wants_accelerator = True
        accelerator = self._piece.accelerated
        return self._ask("call", args=args, kwargs=kwargs, accelerator=accelerator)["value"]

    def inputs_after(self, *args: Any, **kwargs: Any) -> list[torch.Tensor]:
        """The tensors that were passed, as they are after the call."""
        return self._ask("call", args=args, kwargs=kwargs, watch=True)["inputs"]

    def gradients(self, *args: Any, cotangents: list, **kwargs: Any) -> Gradients:
        """Vector–Jacobian product: d(Σ cotangent·output) by every input that requires a gradient.

        `cotangents` has one tensor for each output tensor in order, None to leave one out.
        """
        reply = self._ask("call", args=args, kwargs=kwargs, cotangents=cotangents)
        return Gradients(
            reply["value"], reply["gradients"]["inputs"], reply["gradients"]["weights"]
        )


class Instance(Asked):
    """An object made from a class on the bench."""

    def method(self, name: str) -> Asked:
        """One of its methods, to be called like a piece."""
        return Asked(self._piece, self._target, name)

    @property
    def handle(self) -> Handle:
        """Itself, as an argument of another call."""
        return self._target

    def parameters(self) -> dict[str, torch.Tensor]:
        """Its parameters by name."""
        return self._ask("weights")["value"]["parameters"]

    def buffers(self) -> dict[str, torch.Tensor]:
        """Its buffers by name."""
        return self._ask("weights")["value"]["buffers"]

    def load(self, weights: Mapping[str, torch.Tensor]) -> list[str]:
        """Set parameters and buffers by name, in place; the names that it hasn't, or has in another
        shape."""
        return self._ask("load", weights=dict(weights))["value"]

    def train(self, training: bool = True) -> "Instance":
        self._ask("mode", training=training)
        return self

    def eval(self) -> "Instance":
        return self.train(False)

    def to(self, dtype: torch.dtype) -> "Instance":
        """Cast parameters and buffers, as `module.to(dtype)` does."""
        self._ask("cast", dtype=dtype)
        return self

    def stored_gradients(self) -> list[torch.Tensor | None]:
        """`.grad` of each parameter in order (of each element, for a list of parameters)."""
        return self._ask("gradients")["value"]


class Piece(Asked):
    """A student's function or class. Keeps a trace of what it returned, for the diagnosis.

    accelerated: whether calls `on_accelerator` get there. wants_accelerator: whether there was one.
    """

    def __init__(self, send: Callable[[Request], Reply]) -> None:
        super().__init__(self)
        self._send = send
        self._seed: int | None = None
        self.accelerated = False
        self.wants_accelerator = False
        self.trace: list[Any] = []
        self.torch_calls: set[str] = set()

    def ask(self, request: Request) -> Reply:
        """Send one request. Raises PieceRaised for an exception of the student's, PieceLost when
        the piece can't answer any more."""
        if self._seed is not None:
            request, self._seed = request | {"seed": self._seed}, None
        reply = self._send(request)
        self.torch_calls.update(reply["calls"])
        error = reply.get("error")
        if error is not None:
            self.trace.append((error["type"], error["message"]))
            raise PieceRaised(error)
        self.trace.append((reply["value"], reply.get("gradients"), reply.get("inputs")))
        return reply

    def describe(self) -> dict[str, Any]:
        """What the name is bound to: its kind and its parameters, as the bench says."""
        return self.ask({"op": "describe"})["value"]

    def construct(self, *args: Any, **kwargs: Any) -> Instance:
        """An instance of the class on the bench."""
        return Instance(self, self._ask("construct", args=args, kwargs=kwargs)["value"])

    def make(self, kind: str, **options: Any) -> Instance:
        """Something of the closed set in `autograder.channel.made`, kept on the piece's side."""
        return Instance(self, self.ask({"op": "make", "made": Made(kind, options)})["value"])

    def seed(self, number: int) -> None:
        """Seed torch's generator on the piece's side, before the next request is answered."""
        self._seed = number


def here(subject: Any, noting: bool = True) -> Piece:
    """A piece in this process. What passes to and fro is copied, as on the way to another process:
    the piece can't alter the judge's own, and what it returned stays as it was. Without `noting`,
    `torch_calls` stays empty."""
    bench = Bench(subject, noting)

    def send(request: Request) -> Reply:
        return map_leaves(bench.handle(map_leaves(request, _copy)), _copy)

    return Piece(send)


def _copy(leaf: Any) -> Any:
    if isinstance(leaf, torch.Tensor):
        with torch._C.DisableTorchFunctionSubclass():  # a tensor of the student's making has a say
            copy = leaf.detach().clone().as_subclass(torch.Tensor)
        return copy.requires_grad_(leaf.requires_grad)
    return leaf
