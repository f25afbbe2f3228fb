"""Every misconception is caught and named, every right answer accepted, on many random seeds each
(`--seeds`), the one that students practise with among them.

The counts go into the table at the end of the run (`tests/conftest.py`).
"""

from functools import cache

import pytest

from autograder.channel.piece import here
from autograder.checks.draw import PRACTICE_SEED
from autograder.checks.examine import examine
from autograder.exercises import all_exercises
from tests.conftest import CHECKED
from tests.exercises.correct import all_variants
from tests.exercises.failing import failures

EXERCISES = {each.name: each for each in all_exercises()}
EACH_EXERCISE = [pytest.param(each, id=each.name) for each in EXERCISES.values()]
MISCONCEPTIONS = [
    pytest.param(each, wrong, id=f"{each.name}: {wrong.name}")
    for each in EXERCISES.values()
    for wrong in each.misconceptions
]
RIGHT = [
    pytest.param(EXERCISES[name], piece, id=f"{name}: {how}") for name, how, piece in all_variants()
]


@pytest.fixture
def seeds(request, exercise):
    config = request.config
    if config.option.seeds is not None:
        count = config.option.seeds
    elif "not slow" in config.option.markexpr:
        count = 2
    else:
        count = 2 if exercise.is_class else 5
    return (PRACTICE_SEED, *range(count - 1))


def verdict_on(exercise, misconception, seed=PRACTICE_SEED):
    """Each wrong answer is judged once on a seed: several tests look at its verdict."""
    return _verdict_on(exercise.name, misconception, seed)


@cache
def _verdict_on(name, misconception, seed):
    return examine(EXERCISES[name], here(misconception.wrong), seed)


@pytest.mark.parametrize(("exercise", "misconception"), MISCONCEPTIONS)
def test_a_wrong_answer_is_caught_and_named(exercise, misconception, seeds, record_property):
    verdicts = [verdict_on(exercise, misconception, seed) for seed in seeds]
    missed = [seed for seed, verdict in zip(seeds, verdicts, strict=True) if verdict.passed]
    names = [verdict.diagnosis.name if verdict.diagnosis else None for verdict in verdicts]
    named = set(names) == {misconception.name}
    record_property(
        CHECKED,
        {"exercise": exercise.name, "wrong": 1, "caught": int(not missed), "named": int(named)},
    )
    assert not missed, f"passes with the seeds {missed}"
    assert named, f"taken for {set(names) - {misconception.name}}"
    assert all(verdict.score < verdict.max_score for verdict in verdicts)


@pytest.mark.parametrize(("exercise", "piece"), RIGHT)
def test_a_right_answer_is_accepted(exercise, piece, seeds, record_property):
    verdicts = [examine(exercise, here(piece), seed) for seed in seeds]
    refused = [verdict for verdict in verdicts if not verdict.passed]
    record_property(CHECKED, {"exercise": exercise.name, "right": 1, "accepted": int(not refused)})
    assert not refused, [
        (refused[0].cause, refused[0].forbidden),
        *(f"{result.name}: {result.message}" for result in refused[0].results if not result.passed),
    ]
    assert all(verdict.score == verdict.max_score == exercise.points for verdict in verdicts)


@pytest.mark.parametrize("exercise", EACH_EXERCISE)
def test_the_reference_is_accepted(exercise, seeds):
    for seed in seeds:
        verdict = examine(exercise, here(exercise.reference), seed)
        assert verdict.passed, [result for result in verdict.results if not result.passed]


@pytest.mark.parametrize("exercise", EACH_EXERCISE)
def test_what_each_wrong_answer_fails_is_written_down_and_every_property_is_failed(exercise):
    found, written = failures(exercise, verdict_on), exercise.failing
    # Another machine's or another torch's random numbers may move a mark, which costs time only.
    moved = [name for name in found if found[name] != written.get(name)]
    assert set(found) == set(written), f"run python -m tests.exercises.failing {exercise.name}"
    assert len(moved) <= len(found) / 20, f"{moved}: the same command writes down what they fail"
    untouched = {
        prop.name
        for position, prop in enumerate(exercise.properties)
        if all(marks[position] == "-" for marks in found.values())
    }
    assert not untouched, f"no misconception fails {untouched}: can these fail at all?"


@pytest.mark.parametrize("exercise", EACH_EXERCISE)
def test_every_exercise_has_enough_wrong_and_right_answers(exercise):
    assert len(exercise.misconceptions) >= 6
    assert sum(name == exercise.name for name, _, _ in all_variants()) >= 3
