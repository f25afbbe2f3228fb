"""A number typed on a command line, refused with a sentence where it is out of bounds."""

import argparse
from collections.abc import Callable
from typing import TypeVar

Number = TypeVar("Number", int, float)


def typed_number(
    read: Callable[[str], Number], fits: Callable[[Number], bool], expected: str
) -> Callable[[str], Number]:
    """The `type` of an argument for argparse: `read` makes the number, `fits` says whether it will
    do, and `expected` says in words which ones do, as in "expected a port, 1 to 65535"."""

    def number(text: str) -> Number:
        try:
            value = read(text)
        except ValueError:
            pass
        else:
            if fits(value):
                return value
        raise argparse.ArgumentTypeError(f"expected {expected}; got {text!r}")

    return number
