"""How far a share may be from its probability, and what is said of the mistake behind it.

Of n independent events with probability p, the share that happens is farther than t from p with a
probability of at most 2 exp(-n t² / (2 p (1 - p) + 2 t / 3)) (Bernstein's inequality). `slack`
solves that for t at a probability of 1e-8. A check looks at fewer than 30 such shares, so that a
right answer fails less than once in three million checks.
"""

import math

from autograder.checks import expect


def slack(p: float, n: int) -> float:
    """How far a share of n independent events may be from its probability p; farther it is with a
    probability below 1e-8."""
    log = math.log(2 / 1e-8)
    return log / (3 * n) + math.sqrt((log / (3 * n)) ** 2 + 2 * p * (1 - p) * log / n)


def unlike(message: str, kind: str) -> None:
    """Raise a mismatch of a kind: what two pieces that make the same mistake have in common, while
    their random numbers differ."""
    raise expect.Mismatch(message, kind)
