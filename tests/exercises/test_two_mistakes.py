"""Two mistakes at once: the check names the one to mend first, whatever the other one is."""

import pytest

from autograder.channel.piece import here
from autograder.checks.examine import examine
from autograder.exercises import all_exercises

future_leak = next(each for each in all_exercises() if each.name == "future_leak")
THE_OTHER = [
    "the last token only",
    "several tokens at once",
    "earlier swaps kept",
    "swapped for 0",
    "swapped at random",
    "the swapped position too",
    "all positions",
    "the largest of the sums",
    "only upwards",
    "the last swap counts",
    "a tensor",
]


@pytest.mark.parametrize("name", THE_OTHER)
def test_a_forgotten_eval_is_named_beside_any_other_mistake(name):
    other = next(each for each in future_leak.misconceptions if each.name == name)

    def both(model, tokens, vocab_size):
        return other.wrong(lambda some: model(some), tokens, vocab_size)

    verdict = examine(future_leak, here(both), seed=3)
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.name == "measured in training mode"
