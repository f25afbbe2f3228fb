"""Whether what a process answered is an answer: its code may write anything into the channel.

Here the form alone is looked at. What a value says is the properties' affair.
"""

from typing import Any

from autograder.channel.bench import LONGEST

_LARGEST = 2**31  # of an exit code, or of a line's number


def is_reply(reply: Any, to: str | None = None) -> bool:
    """A reply of `Bench.handle` to this operation, or of the worker that a piece's process died
    in."""
    if not isinstance(reply, dict):
        return False
    if "died" in reply:
        return _is_number(reply["died"])
    if not _are_words(reply.get("calls")):
        return False
    if "error" in reply:
        return is_error(reply["error"])
    return "value" in reply and (to != "describe" or is_description(reply["value"]))


def is_error(error: Any) -> bool:
    """An exception as `bench.describe_error` tells it."""
    return (
        isinstance(error, dict)
        and all(
            isinstance(error.get(key), str) and len(error[key]) <= longest
            for key, longest in LONGEST.items()
        )
        and _is_number(error.get("line"))
        and _are_words(error.get("bases"))
    )


def is_description(found: Any) -> bool:
    """What `Bench` says of its subject."""
    return (
        isinstance(found, dict)
        and isinstance(found.get("kind"), str)
        and isinstance(found.get("type"), str)
        and isinstance(found.get("module"), (str, type(None)))
        and isinstance(found.get("parameters"), dict)
        and all(each is None or _are_parameters(each) for each in found["parameters"].values())
    )


def _are_parameters(parameters: Any) -> bool:
    return isinstance(parameters, list) and all(
        isinstance(each, tuple) and len(each) == 3 and all(isinstance(part, str) for part in each)
        for each in parameters
    )


def _are_words(words: Any) -> bool:
    return isinstance(words, list) and all(isinstance(word, str) for word in words)


def _is_number(number: Any) -> bool:
    return type(number) is int and abs(number) < _LARGEST
