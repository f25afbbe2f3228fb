"""The bench a piece lies on: the side of the channel where the student's code runs.

A bench holds one function or class and does what it is asked: call it, construct it, read and set
weights, send a gradient back. The same bench serves a piece here in the notebook and in another
process; only how the request arrives differs (see `piece`). What a bench says about itself is a
student's word: the judge informs with it, and gives points for values that it computed itself.
"""

import contextlib
import inspect
import linecache
import sys
import types
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from autograder.channel.made import MAKERS, OnePass
from autograder.channel.wire import Handle, Made, Opaque, map_leaves, tensors_in, travels
from workbook.device import pick_device, seed_torch

Request = dict[str, Any]
Reply = dict[str, Any]


# A notebook, a file that is judged, and the pieces saved from earlier lessons.
WHERE_STUDENTS_WRITE = ("__main__", "submission", "toolbox")

# Whose torch calls are not the student's: those of borrowed pieces, and ours.
_THE_COURSE = ("workbook.pieces", "workbook.toolbox", "autograder")

# Characters of what an exception says of itself.
LONGEST = {"type": 200, "message": 2000, "code": 200, "function": 200}


class Bench:
    """Serves requests about one subject, a function or a class. A request with a "seed" seeds
    torch's generator first.

    `subject` may be anything a student bound to the name; `describe` tells what it is. The names of
    the torch functions that its calls use are noted, unless `noting` is False, which is faster.
    (Not its constructor's: that has seen no input, and initial weights take hundreds of calls.)
    """

    def __init__(self, subject: Any, noting: bool = True) -> None:
        self._subject = subject
        self._noting = noting
        self._objects: list[Any] = []
        self._operations: dict[str, Callable[[Request], Reply]] = {
            "describe": self._describe,
            "call": self._call,
            "construct": self._construct,
            "make": self._make,
            "weights": self._weights,
            "load": self._load,
            "mode": self._mode,
            "cast": self._cast,
            "gradients": self._gradients,
        }

    def handle(self, request: Request) -> Reply:
        """The answer to one request; an exception of the student's code comes back as data."""
        recorder = CallRecorder()
        try:
            if "seed" in request:
                seed_torch(request["seed"])
            noting = self._noting and request["op"] == "call"
            with recorder if noting else contextlib.nullcontext():
                reply = self._operations[request["op"]](request)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: a piece must not end the process that asks
            reply = {"error": describe_error(error)}
        return reply | {"calls": sorted(recorder.names)}

    # ---- what there is -------------------------------------------------------------------------

    def _describe(self, request: Request) -> Reply:
        subject = self._subject
        if inspect.isclass(subject):
            kind = "class"
            call = getattr(subject, "forward", None)
            if call is torch.nn.Module.forward or not issubclass(subject, torch.nn.Module):
                call = None  # torch's own only says that there is none
            parameters = {"construct": _parameters(subject), "call": _parameters(call, bound=True)}
        elif isinstance(subject, types.FunctionType):
            kind = "function"
            parameters = {"call": _parameters(subject)}
        else:
            kind, parameters = "other", {}
        module = getattr(subject, "__module__", None)
        return {
            "value": {
                "kind": kind,
                "type": type(subject).__name__,
                "module": module if isinstance(module, str) else None,
                "parameters": parameters,
            }
        }

    # ---- doing things --------------------------------------------------------------------------

    def _call(self, request: Request) -> Reply:
        device = pick_device() if request.get("accelerator") else torch.device("cpu")
        given: list[torch.Tensor] = []
        args = self._receive(request["args"], device, given)
        kwargs = self._receive(request["kwargs"], device, given)
        target = self._target(request)
        if isinstance(target, torch.nn.Module):
            target.to(device)
        wants = request.get("cotangents")
        value = target(*args, **kwargs)
        reply: Reply = {"value": self._send(value)}
        if request.get("watch"):
            reply["inputs"] = [tensor.detach() for tensor in given]
        if wants is not None:
            reply["gradients"] = _backward(value, wants, given, self._module(request))
        return reply

    def _construct(self, request: Request) -> Reply:
        args, kwargs = self._receive(request["args"]), self._receive(request["kwargs"])
        return {"value": self._keep(self._subject(*args, **kwargs))}

    def _make(self, request: Request) -> Reply:
        return {"value": self._keep(self._build(request["made"]))}

    def _weights(self, request: Request) -> Reply:
        module = self._module(request)
        return {
            "value": {
                "parameters": {name: p.detach() for name, p in module.named_parameters()},
                "buffers": {name: b.detach() for name, b in module.named_buffers()},
            }
        }

    def _load(self, request: Request) -> Reply:
        module = self._module(request)
        own = dict(module.named_parameters()) | dict(module.named_buffers())
        weights = request["weights"]
        refused = [
            name
            for name, value in weights.items()
            if name not in own or own[name].shape != value.shape
        ]
        with torch.no_grad():
            for name in weights.keys() - refused:
                own[name].copy_(weights[name])
        return {"value": refused}

    def _mode(self, request: Request) -> Reply:
        self._module(request).train(request["training"])
        return {"value": None}

    def _cast(self, request: Request) -> Reply:
        self._module(request).to(request["dtype"])
        return {"value": None}

    def _gradients(self, request: Request) -> Reply:
        subject = self._objects[request["target"].number]
        if isinstance(subject, torch.nn.Module):
            held = subject.parameters()
        else:
            held = subject.held if isinstance(subject, OnePass) else subject
        return {"value": [None if p.grad is None else p.grad.detach() for p in held]}

    # ---- values in and out ---------------------------------------------------------------------

    def _target(self, request: Request) -> Any:
        handle, method = request.get("target"), request.get("method")
        target = self._subject if handle is None else self._objects[handle.number]
        return getattr(target, method) if method else target

    def _module(self, request: Request) -> torch.nn.Module | None:
        handle = request.get("target")
        subject = None if handle is None else self._objects[handle.number]
        return subject if isinstance(subject, torch.nn.Module) else None

    def _keep(self, thing: Any) -> Handle:
        self._objects.append(thing)
        return Handle(len(self._objects) - 1)

    def _build(self, made: Made) -> Any:
        return MAKERS[made.kind](**self._receive(made.options))

    def _receive(
        self,
        value: Any,
        device: torch.device | None = None,
        given: list[torch.Tensor] | None = None,
    ) -> Any:
        """What the judge sent, with what it speaks of put in its place. The tensors among it, on
        their device, are added to `given`; those of things kept or made here are not."""
        if isinstance(value, Made):
            return self._build(value)
        if isinstance(value, (list, tuple)):
            return type(value)(self._receive(item, device, given) for item in value)
        if isinstance(value, dict):
            return {key: self._receive(item, device, given) for key, item in value.items()}
        if isinstance(value, Handle):
            return self._objects[value.number]
        if isinstance(value, torch.Tensor):
            if device is not None and device.type != "cpu":
                value = value.detach().to(device).requires_grad_(value.requires_grad)
            if given is not None:
                given.append(value)
        return value

    def _send(self, value: Any) -> Any:
        def change(leaf: Any) -> Any:
            if isinstance(leaf, torch.Tensor) and travels(leaf):
                return leaf.detach().cpu()
            if leaf is None or isinstance(leaf, (bool, int, float, str, torch.dtype)):
                return leaf
            if isinstance(leaf, torch.nn.Module):
                return self._keep(leaf)
            return Opaque(type(leaf).__name__)

        return map_leaves(value, change)


class CallRecorder(TorchFunctionMode):
    """Notes the names of the torch functions a piece calls, however it came by them.

    Calls made by the course's own code (a borrowed piece, say) are not the student's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = _name_of(func)
        if name not in self.names and not _called_by_the_course():
            self.names.add(name)
        return func(*args, **(kwargs or {}))


@lru_cache(maxsize=4096)
def _name_of(func: Callable) -> str:
    # torch.ops.aten.softmax.int and torch.special.softmax are the softmax too.
    return getattr(func, "__name__", "").partition(".")[0].removeprefix("special_")


def _called_by_the_course() -> bool:
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module != __name__ and not _is_torchs(module):
            return module.startswith(_THE_COURSE)
        frame = frame.f_back
    return False


@lru_cache(maxsize=4096)
def _is_torchs(module: str) -> bool:
    return module.partition(".")[0] == "torch"


def _backward(
    value: Any, cotangents: list, given: list[torch.Tensor], module: torch.nn.Module | None
) -> Reply:
    """Gradients of Σ cotangent·output with respect to the inputs that ask for one, and the
    weights."""
    if module is not None:
        module.zero_grad()
    outputs = tensors_in(value)
    pairs = [
        (output, cotangent)
        for output, cotangent in zip(outputs, cotangents, strict=False)
        if cotangent is not None and output.requires_grad and output.shape == cotangent.shape
    ]
    if pairs:
        # The sum's gradient is the cotangent. (Passed as such, it would make torch import sympy.)
        torch.autograd.backward(
            [(output * cotangent.to(output.device)).sum() for output, cotangent in pairs]
        )
    named = module.named_parameters() if module is not None else ()
    return {
        "inputs": [None if tensor.grad is None else tensor.grad.cpu() for tensor in given],
        "weights": {name: None if p.grad is None else p.grad.cpu() for name, p in named},
    }


def _parameters(call: Callable | None, bound: bool = False) -> list[tuple[str, str, str]] | None:
    """Name, kind and default of each parameter, as strings; None where there is nothing to call."""
    if call is None:
        return None
    try:
        found = list(inspect.signature(call).parameters.values())
    except (TypeError, ValueError):
        return None
    return [
        (p.name, p.kind.name, "" if p.default is p.empty else repr(p.default))
        for p in (found[1:] if bound else found)
    ]


def describe_error(error: BaseException) -> dict[str, Any]:
    """An exception of the student's as data: its type, its words, and the line of their code."""
    line, code, function = 0, "", ""
    if isinstance(error, SyntaxError):
        line, code = error.lineno or 0, (error.text or "").strip()
    else:
        trace = error.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if frame.f_globals.get("__name__", "").partition(".")[0] in WHERE_STUDENTS_WRITE:
                line, function = trace.tb_lineno, frame.f_code.co_name
                code = linecache.getline(frame.f_code.co_filename, line).strip()
            trace = trace.tb_next
    words = {
        "type": type(error).__name__,
        "message": _words(error),
        "code": code,
        "function": function,
    }
    return {key: text[: LONGEST[key]] for key, text in words.items()} | {
        "bases": [base.__name__ for base in type(error).__mro__],
        "line": line,
    }


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # __str__ is the student's code too
        return "(an exception that can't say what it is)"
