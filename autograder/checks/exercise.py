"""An exercise as data: what is asked, how it is judged, and the wrong answers people give.

    softmax = Exercise("softmax", reference=pieces.softmax, forbidden=("softmax", "log_softmax"))

    @softmax.property("rows add up to one", points=1)
    def _(piece, draw):
        "The weights of each row should add up to 1."
        ...

    @softmax.misconception("no maximum subtracted")
    def _(scores, dim):
        "exp of a score in the thousands is infinite: subtract the row's largest score first."
        ...

The docstring of a property or a misconception is the sentence a student reads.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.channel.piece import Piece
from autograder.checks.draw import Draw
from workbook.syllabus import Lesson, lesson_of


@dataclass(frozen=True)
class Property:
    """One thing that must hold. `holds(piece, draw)` raises Mismatch where it doesn't.

    `repeatable` says that the piece's answers depend on nothing but its inputs, so that they can be
    compared with a misconception's.
    """

    name: str
    points: float
    sentence: str
    holds: Callable[[Piece, Draw], None]
    repeatable: bool = True


@dataclass(frozen=True)
class Misconception:
    """A named wrong answer: working code that makes the mistake, and what its author should
    read."""

    name: str
    message: str
    wrong: Any


@dataclass
class Exercise:
    """One graded piece. Its name is the nbgrader id of its check cell, permanent once released.

    `reference` gives the signature and is the oracle; `forbidden` are names of torch functions that
    would be the answer itself, and `instead` is what the author of such an answer reads where the
    general sentence doesn't fit. `failing` says of misconceptions which properties they fail, as
    `marks` does: a diagnosis begins with those that fail what the piece failed.
    """

    name: str
    reference: Any
    forbidden: tuple[str, ...] = ()
    instead: str = ""
    properties: list[Property] = field(default_factory=list)
    misconceptions: list[Misconception] = field(default_factory=list)
    failing: Mapping[str, str] = field(default_factory=dict)

    @property
    def lesson(self) -> Lesson:
        return lesson_of(self.name)

    @property
    def points(self) -> float:
        return sum(each.points for each in self.properties)

    @property
    def is_class(self) -> bool:
        return inspect.isclass(self.reference)

    @property
    def signature(self) -> str:
        """As a student writes it: `softmax(scores, dim)`."""
        return f"{self.name}({_plain(self.reference)})"

    @property
    def forward_signature(self) -> str | None:
        """Of a module's `forward`, None for a function."""
        forward = getattr(self.reference, "forward", None)
        return None if forward is None else f"forward({_plain(forward, bound=True)})"

    def property(
        self, name: str, points: float, repeatable: bool = True
    ) -> Callable[[Callable], Callable]:
        """Declare a property; the function's docstring is its sentence."""

        def declare(holds: Callable[[Piece, Draw], None]) -> Callable[[Piece, Draw], None]:
            self._refuse_twin(name, self.properties, "property")
            sentence = _sentence(holds, f"{self.name}: property {name!r}")
            self.properties.append(Property(name, points, sentence, holds, repeatable))
            return holds

        return declare

    def misconception(self, name: str) -> Callable[[Any], Any]:
        """Declare a wrong answer; its docstring is what its author should read."""

        def declare(wrong: Any) -> Any:
            self._refuse_twin(name, self.misconceptions, "misconception")
            message = _sentence(wrong, f"{self.name}: misconception {name!r}")
            self.misconceptions.append(Misconception(name, message, wrong))
            return wrong

        return declare

    def _refuse_twin(self, name: str, existing: list, kind: str) -> None:
        if any(each.name == name for each in existing):
            raise ValueError(f"{self.name} has two of the {kind} {name!r}; names are unique")


def marks(held: Iterable[bool]) -> str:
    """A mark for each property in order: - where it held, x where it failed."""
    return "".join("-" if each else "x" for each in held)


def _sentence(declared: Any, what: str) -> str:
    text = inspect.cleandoc(declared.__doc__ or "")
    if not text:
        raise ValueError(f"{what} has no docstring, and the docstring is what a student reads")
    return " ".join(text.split())


def _plain(call: Any, bound: bool = False) -> str:
    parameters = list(inspect.signature(call).parameters.values())[bool(bound) :]
    return ", ".join(
        p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters
    )
