"""Every misconception is caught and named, every right answer accepted, on 20 seeds each."""

import pytest

from autograder.examine import examine
from autograder.exercises import all_exercises
from autograder.piece import here
from tests.exercises.correct import all_variants

SEEDS = range(20)
EXERCISES = {each.name: each for each in all_exercises()}
MISCONCEPTIONS = [
    pytest.param(each, wrong, id=f"{each.name}: {wrong.name}")
    for each in EXERCISES.values()
    for wrong in each.misconceptions
]
RIGHT = [
    pytest.param(EXERCISES[name], piece, id=f"{name}: {how}") for name, how, piece in all_variants()
]


@pytest.mark.parametrize(("exercise", "misconception"), MISCONCEPTIONS)
def test_a_wrong_answer_is_caught_and_named(exercise, misconception):
    for seed in SEEDS:
        verdict = examine(exercise, here(misconception.wrong), seed)
        assert not verdict.passed, f"seed {seed}: not caught"
        assert verdict.score < verdict.max_score
        named = verdict.diagnosis.name if verdict.diagnosis else None
        assert named == misconception.name, f"seed {seed}: taken for {named!r}"


@pytest.mark.parametrize(("exercise", "piece"), RIGHT)
def test_a_right_answer_is_accepted(exercise, piece):
    for seed in SEEDS:
        verdict = examine(exercise, here(piece), seed)
        failed = [f"{r.name}: {r.message}" for r in verdict.results if not r.passed]
        assert verdict.passed, f"seed {seed}: {failed or verdict.forbidden or verdict.cause}"
        assert verdict.score == verdict.max_score == exercise.points


@pytest.mark.parametrize("exercise", [pytest.param(e, id=e.name) for e in EXERCISES.values()])
def test_the_reference_is_accepted(exercise):
    for seed in SEEDS:
        verdict = examine(exercise, here(exercise.reference), seed)
        assert verdict.passed, [r for r in verdict.results if not r.passed] or verdict.cause


@pytest.mark.parametrize("exercise", [pytest.param(e, id=e.name) for e in EXERCISES.values()])
def test_every_property_is_failed_by_some_wrong_answer(exercise):
    failed = set()
    for misconception in exercise.misconceptions:
        verdict = examine(exercise, here(misconception.wrong))
        failed |= {result.name for result in verdict.results if not result.passed}
    untouched = {prop.name for prop in exercise.properties} - failed
    assert not untouched, f"no misconception fails {untouched}: can these fail at all?"


@pytest.mark.parametrize("exercise", [pytest.param(e, id=e.name) for e in EXERCISES.values()])
def test_every_exercise_has_enough_wrong_and_right_answers(exercise):
    assert len(exercise.misconceptions) >= 6
    assert sum(name == exercise.name for name, _, _ in all_variants()) >= 3
