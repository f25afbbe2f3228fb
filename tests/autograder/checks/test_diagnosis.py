"""Which known mistake a failing piece makes."""

import math
from collections import Counter
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings

from autograder import exercises
from autograder.channel.piece import PieceLost, here
from autograder.channel.wire import Handle, Opaque, decode, encode
from autograder.checks import expect
from autograder.checks.diagnosis import AWKWARD, diagnose, observe, same
from autograder.checks.draw import PRACTICE_SEED
from autograder.checks.exercise import Exercise
from tests.autograder.strange_values import strange

quick = settings(derandomize=True, deadline=None, max_examples=60)


def square_plus(x, by=0.0):
    return x * x + by


def toy():
    """square_plus(x, by): the square, the shift, and a property that only looks."""
    exercise = Exercise("attend", reference=square_plus)

    @exercise.property("the square", points=1)
    def _(piece, draw):
        """x times x."""
        x = draw.normal(3, 4)
        expect.close(piece(x), x * x, "the square")

    @exercise.property("the shift", points=1)
    def _(piece, draw):
        """by is added."""
        x = draw.normal(2)
        expect.close(piece(x, 2.0), x * x + 2.0, "the sum")

    @exercise.property("no sign", points=1, repeatable=False)
    def _(piece, draw):
        """A square is never negative."""
        expect.that(bool((piece(torch.rand(9)) >= 0).all()), "A square was negative.")

    @exercise.misconception("twice instead of squared")
    def _(x, by=0.0):
        """You double."""
        return x + x + by

    @exercise.misconception("shift forgotten")
    def _(x, by=0.0):
        """You forget by."""
        return x * x

    @exercise.misconception("negated")
    def _(x, by=0.0):
        """You negate."""
        return -x * x + by

    return exercise


def diagnosed(exercise, wrong, seed=3):
    conducts = [observe(here(wrong), prop, seed) for prop in exercise.properties]
    assert not all(conduct.held for conduct in conducts)
    return diagnose(exercise, conducts, seed)


@pytest.mark.parametrize("position", range(3))
def test_the_misconception_that_behaves_the_same_is_named(position):
    exercise = toy()
    wrong = exercise.misconceptions[position]
    found = diagnosed(exercise, wrong.wrong)
    assert (found.name, found.message) == (wrong.name, wrong.message)


def test_another_way_to_make_the_same_mistake_gets_the_same_name():
    assert diagnosed(toy(), lambda x, by=0.0: 2 * x + by).name == "twice instead of squared"
    assert diagnosed(toy(), lambda x, by=0.0: x.pow(2) + 0 * by).name == "shift forgotten"


def test_a_known_mistake_in_another_precision_gets_its_name():
    assert (
        diagnosed(toy(), lambda x, by=0.0: (2 * x + by).float()).name == "twice instead of squared"
    )


def test_the_same_precision_is_preferred():
    exercise = toy()

    @exercise.misconception("twice, in float32")
    def _(x, by=0.0):
        """You double, in float32."""
        return (x + x + by).float()

    assert diagnosed(exercise, lambda x, by=0.0: 2 * x + by).name == "twice instead of squared"
    assert diagnosed(exercise, lambda x, by=0.0: (2 * x + by).float()).name == "twice, in float32"


def test_of_two_mistakes_at_once_the_first_is_named():
    assert diagnosed(toy(), lambda x, by=0.0: x + x).name == "twice instead of squared"


def test_a_mistake_nobody_has_described_gets_no_name():
    assert diagnosed(toy(), lambda x, by=0.0: x * x * x + by) is None


def test_a_mistake_that_is_right_where_a_known_one_is_wrong_gets_no_name():
    # the same failing properties as "shift forgotten", with other values
    assert diagnosed(toy(), lambda x, by=0.0: x * x + 2 * by) is None


def test_a_first_failure_that_two_misconceptions_share_gets_no_name():
    exercise = toy()

    @exercise.misconception("twice, and the shift twice")
    def _(x, by=0.0):
        """You double everything."""
        return 2 * (x + by)

    assert diagnosed(exercise, lambda x, by=0.0: x + x - by) is None


def test_an_exception_is_not_explained_by_a_wrong_value():
    def crashes(x, by=0.0):
        raise TypeError("typing error")

    assert diagnosed(toy(), crashes) is None


def test_an_exception_is_explained_by_a_misconception_that_raises_it():
    exercise = toy()

    @exercise.misconception("assumes a matrix")
    def _(x, by=0.0):
        """You unpack two sizes."""
        _rows, _columns = x.shape
        return x * x + by

    def unpacks(x, by=0.0):
        _m, _n = x.shape
        return by + x**2

    assert diagnosed(exercise, unpacks).name == "assumes a matrix"


def test_where_answers_are_random_the_words_decide():
    exercise = Exercise("attend", reference=square_plus)

    @exercise.property("not constant", points=1, repeatable=False)
    def _(piece, draw):
        """It should draw."""
        x = draw.normal(5)
        value = piece(x)
        expect.that(not torch.equal(value, x), "Nothing was drawn.")
        expect.that(bool(value.isfinite().all()), "Something infinite was drawn.")

    @exercise.misconception("draws infinity")
    def _(x, by=0.0):
        """Infinity."""
        return torch.rand(5) * math.inf

    @exercise.misconception("draws nothing")
    def _(x, by=0.0):
        """Nothing."""
        return x

    assert diagnosed(exercise, lambda x, by=0.0: x + 0).name == "draws nothing"
    assert diagnosed(exercise, lambda x, by=0.0: torch.randn(5) / 0).name == "draws infinity"


# ---- how far misconceptions are run -------------------------------------------------------------


def counted(exercise):
    """Calls of each misconception, by name, from now on."""
    calls = Counter()
    for position, each in enumerate(exercise.misconceptions):

        def counting(*args, wrong=each.wrong, name=each.name):
            calls[name] += 1
            return wrong(*args)

        exercise.misconceptions[position] = replace(each, wrong=counting)
    return calls


def several_answers():
    """A property that asks three times."""
    exercise = Exercise("attend", reference=square_plus)

    @exercise.property("three squares", points=1)
    def _(piece, draw):
        """Three times x times x."""
        xs = [draw.normal(2) for _ in range(3)]
        for x, square in [(x, piece(x)) for x in xs]:
            expect.close(square, x * x, "the square")

    for name, change in {
        "twice": lambda x: x + x,
        "twice from the second on": lambda x: x + x if counted_calls() > 1 else x * x,
        "cubed": lambda x: x * x * x,
    }.items():
        change.__doc__ = "Wrong."
        exercise.misconception(name)(change)
    asked = []

    def counted_calls():
        asked.append(None)
        return len(asked)

    return exercise


def test_a_misconception_is_run_no_further_than_its_first_answer_that_differs():
    exercise = several_answers()
    calls = counted(exercise)
    assert diagnosed(exercise, lambda x: x * x * x).name == "cubed"
    assert calls == {"twice": 1, "twice from the second on": 1, "cubed": 3}


def test_what_it_answered_is_remembered():
    exercise = several_answers()
    calls = counted(exercise)
    for _ in range(2):
        assert diagnosed(exercise, lambda x: x * x * x).name == "cubed"
    assert calls == {"twice": 1, "twice from the second on": 1, "cubed": 3}
    assert diagnosed(exercise, lambda x: x + x).name == "twice"
    assert calls["twice"] == 1 + 3, "run again, now that its first answer agrees"
    assert diagnosed(exercise, lambda x: -x) is None
    assert calls["twice"] == 1 + 3


def test_one_that_was_interrupted_is_run_again():
    exercise = toy()
    wrong, interrupted = exercise.misconceptions[2].wrong, []

    def first_time_interrupted(x, by=0.0):
        if not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return wrong(x, by)

    exercise.misconceptions[2] = replace(exercise.misconceptions[2], wrong=first_time_interrupted)
    with pytest.raises(KeyboardInterrupt):
        diagnosed(exercise, wrong)
    assert diagnosed(exercise, wrong).name == "negated"


def test_those_that_fail_the_same_properties_come_first_and_are_run_on_these_alone():
    exercise = toy()
    calls = counted(exercise)
    exercise.failing = {
        "twice instead of squared": "xxx",
        "shift forgotten": "-x-",
        "negated": "xxx",
    }
    practised = diagnosed(exercise, lambda x, by=0.0: x * x, PRACTICE_SEED)
    assert practised.name == "shift forgotten"
    assert calls == {"shift forgotten": 1}


def test_with_another_seed_they_have_to_hold_what_the_piece_holds():
    exercise = toy()
    calls = counted(exercise)
    exercise.failing = {"shift forgotten": "-x-"}
    assert diagnosed(exercise, lambda x, by=0.0: x * x, PRACTICE_SEED + 1).name == "shift forgotten"
    assert calls == {"shift forgotten": 3}


def test_a_mark_that_is_wrong_or_missing_changes_no_name():
    for failing in ({}, {"shift forgotten": "xxx", "negated": "-x-"}, {"shift forgotten": "-x"}):
        exercise = toy()
        exercise.failing = failing
        for each in exercise.misconceptions:
            assert diagnosed(exercise, each.wrong).name == each.name


@pytest.mark.parametrize("name", ["softmax", "residual", "SelfAttention"])
def test_the_short_way_leads_where_the_long_way_does(name):
    """The long way: every misconception under every property to its end, as the docstring says."""
    exercise = exercises.exercise(name)
    seed = 5
    behaviours = {
        each.name: [observe(here(each.wrong), prop, seed) for prop in exercise.properties]
        for each in exercise.misconceptions
    }

    def alike(one, other, prop):
        if (one.held, one.error is None) != (other.held, other.error is None):
            return False
        return same(one.trace, other.trace) if prop.repeatable else one.kind == other.kind

    for each in exercise.misconceptions:
        seen = [observe(here(each.wrong), prop, seed) for prop in exercise.properties]
        the_long_way = next(
            name
            for name, behaviour in behaviours.items()
            if all(map(alike, behaviour, seen, exercise.properties))
        )
        assert diagnose(exercise, seen, seed).name == the_long_way == each.name


# ---- what is observed --------------------------------------------------------------------------


def observed(holds, subject=square_plus):
    exercise = Exercise("attend", reference=square_plus)
    holds.__doc__ = "It should hold."
    exercise.property("one", points=1)(holds)
    return observe(here(subject), exercise.properties[0], seed=1)


def test_what_holds_has_no_message():
    conduct = observed(lambda piece, draw: piece(3))
    assert (conduct.held, conduct.message, conduct.error) == (True, "", None)
    assert conduct.trace[-1][0] == 9


def test_a_mismatch_is_the_message():
    def holds(piece, draw):
        raise expect.Mismatch("not so", kind="of a kind")

    conduct = observed(holds)
    assert (conduct.held, conduct.message, conduct.kind) == (False, "not so", "of a kind")


def test_the_students_exception_is_kept_with_its_words():
    conduct = observed(lambda piece, draw: piece("text"))
    assert not conduct.held
    assert conduct.message.startswith("Your code raised TypeError: can't multiply")
    assert conduct.error["type"] == "TypeError"


def test_a_lost_piece_is_kept_as_that():
    lost = PieceLost("time", "It took longer than 10 seconds.")

    def holds(piece, draw):
        raise lost

    conduct = observed(holds)
    assert (conduct.held, conduct.lost, conduct.message) == (False, lost, lost.message)


@pytest.mark.parametrize(
    "awkward", [*AWKWARD, KeyError, IndexError, OverflowError, ZeroDivisionError, RecursionError]
)
def test_whatever_a_strange_value_provokes_is_a_failure(awkward):
    def holds(piece, draw):
        raise awkward("unexpected")

    conduct = observed(holds)
    assert not conduct.held
    assert "could not be used" in conduct.message
    assert conduct.error is None


def test_each_observation_starts_from_its_seed():
    def draws(x, by=0.0):
        return torch.rand(3)

    def holds(piece, draw):
        piece(draw.normal(1))

    one, other = observed(holds, draws), observed(holds, draws)
    assert same(one.trace, other.trace)


# ---- when two answers are the same -------------------------------------------------------------


@quick
@given(strange())
def test_an_answer_is_the_same_as_its_copy(value):
    def sent():
        return decode(encode(value))

    assert same(sent(), sent())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.tensor([1.0, math.nan]), torch.tensor([1.0, math.nan])),
        (torch.tensor([1.0]).double(), torch.tensor([1.0 + 1e-9]).double()),
        ((1, [2.0]), [1, (2.0 + 1e-12,)]),
        (math.nan, math.nan),
        (torch.tensor(1.5), 1.5),
        ({"a": torch.ones(1)}, {"a": torch.ones(1)}),
        (Handle(1), Handle(2)),
        (Opaque("set"), Opaque("set")),
        (torch.tensor([True]), torch.tensor([True])),
    ],
)
def test_these_are_the_same(one, other):
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.ones(2), torch.ones(2, 1)),
        (torch.ones(2), torch.ones(2).double()),
        (torch.ones(2), torch.tensor([1.0, 1.1])),
        (torch.tensor([True]), torch.tensor([False])),
        (torch.tensor([2**40]), torch.tensor([2**40 + 1])),
        (torch.ones(1), 1.0),
        (torch.tensor(1.5), 1.25),
        (torch.tensor(1), 1.0),
        (1, 1.0),
        (True, 1),
        ((1, 2), (1,)),
        ({"a": 1}, {"b": 1}),
        (Opaque("set"), Opaque("dict")),
        (Handle(1), 1),
        ("text", None),
    ],
)
def test_these_are_not_the_same(one, other):
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (torch.ones(2), torch.ones(2).double(), True),
        (
            (torch.tensor([3]), [torch.tensor([0.1])]),
            (torch.tensor([3]), [torch.tensor([0.1]).double()]),
            True,
        ),
        ({"a": torch.tensor([0.1])}, {"a": torch.tensor([0.1], dtype=torch.float64)}, True),
        (torch.ones(2), torch.ones(2).double() + 0.01, False),
        (torch.ones(2), torch.ones(2).long(), False),
        (torch.ones(2), torch.ones(3).double(), False),
    ],
)
def test_where_the_precision_is_left_aside(one, other, alike):
    assert same(one, other, precisely=False) is alike
    assert not same(one, other)
