"""Training: the loop, its precision, and its progress as it happens."""

from workbook.training.loop import (
    AnotherRun,
    Budget,
    Diverged,
    Moment,
    Progress,
    Run,
    WarmupAndDecay,
    train,
)
from workbook.training.optimizers import adam, muon

__all__ = [
    "AnotherRun",
    "Budget",
    "Diverged",
    "Moment",
    "Progress",
    "Run",
    "WarmupAndDecay",
    "adam",
    "muon",
    "train",
]
