"""What a check found out: the result, the diagnosis, the points. How it looks is `panel`'s
affair."""

import re
from dataclasses import dataclass, field
from typing import Any

# Control characters, which can steer a terminal, and halves of characters, which no file can hold.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LONGEST = 4000


def printable(text: str) -> str:
    """Text from a student's code as it may be shown and stored anywhere: no control characters, and
    not without end."""
    text = _UNPRINTABLE.sub("\ufffd", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


@dataclass(frozen=True)
class Diagnosis:
    """The mistake by name, and the sentence for the one who made it."""

    name: str
    message: str


@dataclass(frozen=True)
class Result:
    """One property's outcome. `message` is empty where it holds."""

    name: str
    passed: bool
    points: float
    message: str = ""


@dataclass(frozen=True)
class Verdict:
    """The outcome of judging one piece.

    `error` is the student's own exception as `bench.describe_error` tells it; `cause` says why a
    piece could not be judged ("not defined", "time", "died" …), and is empty where it could.
    `instead` is the exercise's own sentence on forbidden calls, empty where the general one fits;
    `library_share` is the part of the points that such an answer keeps. `lent` names the course's
    pieces that stood in for the student's own.
    """

    exercise: str
    results: tuple[Result, ...]
    diagnosis: Diagnosis | None = None
    error: dict[str, Any] | None = None
    cause: str = ""
    forbidden: tuple[str, ...] = ()
    instead: str = ""
    library_share: float = 0.0
    lent: tuple[str, ...] = ()
    printed: str = field(default="", compare=False)

    @property
    def passed(self) -> bool:
        return not self.cause and not self.forbidden and all(r.passed for r in self.results)

    @property
    def max_score(self) -> float:
        return sum(result.points for result in self.results)

    @property
    def score(self) -> float:
        """The points of the properties that hold, or the share of them that is left where the torch
        call that is the answer was used."""
        if self.cause:
            return 0.0
        points = sum(result.points for result in self.results if result.passed)
        return points * self.library_share if self.forbidden else points

    @property
    def told_first(self) -> Diagnosis | None:
        """What its author reads first: the call that is the answer itself, else the mistake."""
        if not self.forbidden:
            return self.diagnosis
        calls = ", ".join(self.forbidden)
        return Diagnosis(
            f"torch's own {calls}",
            self.instead
            or f"You call torch's own {calls}, which is the answer itself. Here you write it out, "
            "so that there is nothing in it you can't explain.",
        )

    def as_json(self) -> dict[str, Any]:
        """The form that `autograder check --json` prints."""
        told = self.told_first
        return {
            "exercise": self.exercise,
            "passed": self.passed,
            "score": self.score,
            "max_score": self.max_score,
            "diagnosis": None
            if told is None
            else {"name": told.name, "message": printable(told.message)},
            "properties": [
                {"name": r.name, "passed": r.passed, "message": printable(r.message)}
                for r in self.results
            ],
        }
