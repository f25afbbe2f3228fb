"""Training: the loop, its precision, and its progress as it happens."""

from workbook.training.loop import (
    AnotherRun,
    Budget,
    Diverged,
    Moment,
    Progress,
    Run,
    WarmupAndDecay,
    adam,
    train,
)

__all__ = [
    "AnotherRun",
    "Budget",
    "Diverged",
    "Moment",
    "Progress",
    "Run",
    "WarmupAndDecay",
    "adam",
    "train",
]
