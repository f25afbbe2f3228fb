"""The outcome of judging one submission, as a record that can be kept, compared and appealed to.

A receipt's key is made of everything that its verdicts depend on: all code that ran, the version of
the judge, the seed, the limits and the environment. So the same key means the same verdicts, and a
change in any of them asks for a new receipt.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version as installed
from typing import Any

from nbformat import NotebookNode

from autograder.channel.limits import Limits
from autograder.checks.verdict import Diagnosis, Result, Verdict
from autograder.grading import judging_code
from autograder.lessons.cells import is_demonstration
from autograder.lessons.submission import steps
from autograder.sandbox import Sandbox
from workbook.syllabus import Lesson

FORM = 1


class BadReceipt(ValueError):
    """What was read is no receipt, or not the one that was asked for."""


@dataclass(frozen=True)
class Receipt:
    """The verdicts on a submission, by exercise, and what they depend on.

    `environment` says under which Python and torch the submission ran, and in which sandbox; `look`
    lists lines of it that an instructor may want to read.
    """

    key: str
    lesson: str
    seed: int
    judge: str
    environment: Mapping[str, str]
    verdicts: Mapping[str, Verdict]
    look: tuple[str, ...] = ()
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads: numbers, texts, lists and objects."""
        return {
            "form": FORM,
            "key": self.key,
            "lesson": self.lesson,
            "seed": self.seed,
            "judge": self.judge,
            "environment": dict(self.environment),
            "look": list(self.look),
            "seconds": round(self.seconds, 3),
            "verdicts": {name: asdict(verdict) for name, verdict in self.verdicts.items()},
        }


def environment(sandbox: Sandbox) -> dict[str, str]:
    """What a submission meets besides our code."""
    major, minor, _ = platform.python_version_tuple()
    return {"python": f"{major}.{minor}", "torch": installed("torch"), "sandbox": sandbox.name}


def key_of(
    notebook: NotebookNode,
    released: NotebookNode,
    lesson: Lesson,
    seed: int,
    limits: Limits,
    surroundings: Mapping[str, str],
) -> str:
    """The key of the receipt of a rebuilt notebook: 64 hexadecimal digits."""
    depends_on = {
        "form": FORM,
        "lesson": lesson.name,
        "code": [
            (step.source, step.label, step.exercise, step.answers)
            for step in steps(notebook, released)
        ],
        "demonstrations": [cell.source for cell in filter(is_demonstration, released.cells)],
        "judge": judging_code.version(lesson),
        "seed": seed,
        "limits": asdict(limits),
        "environment": dict(surroundings),
    }
    text = json.dumps(depends_on, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def from_json(told: Any, key: str | None = None) -> Receipt:
    """A receipt as it was kept, and with this key where one is given. Raises BadReceipt."""
    try:
        if told["form"] != FORM:
            raise BadReceipt(f"a receipt of form {told['form']!r}")
        receipt = Receipt(
            key=told["key"],
            lesson=told["lesson"],
            seed=told["seed"],
            judge=told["judge"],
            environment=told["environment"],
            verdicts={name: _verdict(each) for name, each in told["verdicts"].items()},
            look=tuple(told["look"]),
            seconds=told["seconds"],
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise BadReceipt(f"no receipt: {error!r}") from None
    if key is not None and receipt.key != key:
        raise BadReceipt(f"the receipt of another submission: {receipt.key}, not {key}")
    return receipt


def _verdict(told: Mapping[str, Any]) -> Verdict:
    diagnosis = told["diagnosis"]
    return Verdict(
        **{
            **told,
            "results": tuple(Result(**each) for each in told["results"]),
            "diagnosis": None if diagnosis is None else Diagnosis(**diagnosis),
            "forbidden": tuple(told["forbidden"]),
            "lent": tuple(told["lent"]),
        }
    )
