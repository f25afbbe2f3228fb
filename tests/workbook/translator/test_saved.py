"""Which of the saved translators is taken, and that nothing learnt is lost."""

from dataclasses import replace

import pytest

from tests.workbook.translator.test_making import PAIRS, interrupt_after, make, place  # noqa: F401
from workbook.training import Budget
from workbook.translator.saved import (
    AlreadyTraining,
    TrainingKept,
    alone,
    checkpoint_of,
    goes_on,
    saved,
    saved_at,
)
from workbook.translator.translation import card_of


def test_nothing_is_saved_at_first_and_the_largest_is_preferred():
    assert saved() is None
    made, _ = make()
    made.save(saved_at("small", "phrasebook"))
    assert saved() == saved_at("small", "phrasebook")
    assert saved("tiny") == saved_at("tiny", "phrasebook")
    assert saved(mine=True) is None


def test_the_best_is_the_one_on_tatoeba_with_the_highest_bleu():
    made, _ = make()
    for name, data, bleu in (
        ("base", "phrasebook", 95.0),
        ("medium", "tatoeba", 0.1),
        ("tiny", "tatoeba", 27.8),
    ):
        made.card = replace(made.card, preset=name, corpus=data, bleu=bleu)
        made.save(saved_at(name, data))
    assert saved() == saved_at("tiny", "tatoeba")
    assert saved(choice="phrasebook") == saved_at("base", "phrasebook")


def test_a_better_translator_is_kept_beside_the_one_that_was_trained_anew():
    path = saved_at("tiny", "phrasebook")
    better, _ = make(budget=Budget(tokens=20_000))
    before = path.read_bytes()
    kept = path.with_name("tiny-phrasebook.before.safetensors")
    for _ in range(2):  # a second one that is as bad doesn't take its place
        worse, said = make(again=True, budget=Budget(tokens=1))
        assert worse.card.bleu < better.card.bleu
        assert kept.read_bytes() == before
    kept.unlink()
    path.write_bytes(before)
    _, said = make(again=True, budget=Budget(tokens=1))
    assert f"is kept as {kept}. To have it back, rename it to {path.name}." in said
    assert kept.read_bytes() == before
    _, said = make(again=True, budget=Budget(tokens=20_000))
    assert "kept" not in said


def test_two_trainings_of_one_translator_at_once_are_one_too_many():
    path = saved_at("tiny", "phrasebook")
    path.parent.mkdir(parents=True)
    with alone(path), pytest.raises(AlreadyTraining, match="is training"):
        make()
    make()


def test_a_finished_one_is_preferred_to_an_interrupted_one_and_of_those_the_furthest():
    made, _ = make()
    for name, share in (("base", 0.1), ("medium", 0.4), ("small", 0.4)):
        made.card = replace(made.card, preset=name, share=share)
        made.save(saved_at(name, "tatoeba"))
    assert saved() == saved_at("tiny", "phrasebook")
    saved_at("tiny", "phrasebook").unlink()
    assert saved() == saved_at("medium", "tatoeba")


def test_an_interrupted_training_goes_on_with_its_own_budget_where_none_is_said():
    path = saved_at("tiny", "phrasebook")
    make(budget=Budget(tokens=6_000), watchers=[interrupt_after(5)])
    path.unlink()  # as after a kill: only the checkpoint is there
    made, said = make()
    assert "Going on with a training that was interrupted." in said
    assert made.card.share == 1


def test_an_interrupted_training_is_not_lost_to_another_budget():
    make(budget=Budget(seconds=90), watchers=[interrupt_after(5)])
    before = checkpoint_of(saved_at("tiny", "phrasebook")).read_bytes()
    with pytest.raises(TrainingKept, match=r"--data phrasebook --minutes 1\.5\. .*--again"):
        make(budget=Budget(seconds=30))
    assert checkpoint_of(saved_at("tiny", "phrasebook")).read_bytes() == before
    _, said = make(budget=Budget(seconds=90), watchers=[interrupt_after(6)])
    assert "Going on" in said
    made, said = make(again=True, budget=Budget(tokens=2_000))
    assert "Going on" not in said
    assert made.card.share == 1


def test_what_was_trained_further_is_not_replaced_by_what_was_hardly_begun():
    further, _ = make(watchers=[interrupt_after(9)])
    path = saved_at("tiny", "phrasebook")
    _, said = make(again=True, watchers=[interrupt_after(2)])
    assert f"The further trained translator {path} stays as it was." in said
    assert card_of(path).share == further.card.share
    assert further.card.done == f"{int(100 * further.card.share)}%" != "100%"


def test_training_anew_spares_the_finished_one_until_it_is_done():
    whole, _ = make()
    path = saved_at("tiny", "phrasebook")
    before = path.read_bytes()
    budget = Budget(seconds=90)
    _, said = make(again=True, budget=budget, watchers=[interrupt_after(5)])
    assert path.read_bytes() == before
    assert f"The finished translator {path} stays as it was." in said
    command = "workbook translator --preset tiny --data phrasebook --minutes 1.5"
    assert said.count(f"To go on with this training: {command}\n") == 1
    assert goes_on(path) == command
    again, said = make()  # another budget: the saved one is taken, and the checkpoint stays
    assert "Using the translator saved as" in said
    assert goes_on(path) == command
    english = [pair.english for pair in PAIRS]
    assert again.translate_all(english) == whole.translate_all(english)


def test_a_training_anew_that_was_interrupted_is_gone_on_with():
    make()
    path = saved_at("tiny", "phrasebook")
    make(again=True, watchers=[interrupt_after(5)])
    made, said = make()
    assert "Using the translator" not in said
    assert "Going on with a training that was interrupted." in said
    assert made.card.share == card_of(path).share == 1
    assert goes_on(path) == ""
    _, said = make()
    assert "Using the translator" in said
