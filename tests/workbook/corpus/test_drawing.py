"""Pairs written on several cores: the same as on one, and none where nothing can be started."""

import itertools

import pytest

from workbook.corpus import drawing, phrasebook
from workbook.corpus.drawing import drawn_pairs


@pytest.fixture
def small_shares(monkeypatch):
    """Shares of thirty pairs, in this process: others import the module anew."""
    monkeypatch.setattr(drawing, "_A_SHARE", 30)


def test_pairs_are_the_same_on_any_number_of_cores(small_shares):
    alone = list(drawn_pairs(100, seed=3, processes=1))
    assert len(alone) == 100
    assert list(drawn_pairs(100, seed=3, processes=2)) == alone


def test_shares_and_seeds_differ(small_shares):
    pairs = list(drawn_pairs(90, seed=3, processes=1))
    shares = [set(pairs[at : at + 30]) for at in range(0, 90, 30)]
    assert all(len(a & b) < 10 for a, b in itertools.combinations(shares, 2))
    other = set(drawn_pairs(90, seed=4, processes=1))
    assert len(other & set(pairs)) < 20


def test_nothing_that_is_held_out_is_drawn():
    held_out = {pair.english for pair in phrasebook.load_phrasebook("compositional")}
    assert held_out.isdisjoint(pair.english for pair in drawn_pairs(2_000, seed=1))


def test_where_no_process_can_be_started_the_pairs_are_the_same(small_shares, monkeypatch):
    expected = list(drawn_pairs(100, seed=3, processes=1))

    def refused(*arguments, **more):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(drawing, "ProcessPoolExecutor", refused)
    assert list(drawn_pairs(100, seed=3, processes=4)) == expected


def test_a_process_that_dies_takes_nothing_with_it(small_shares, monkeypatch):
    expected = list(drawn_pairs(100, seed=3, processes=1))

    def dies_after_one(sizes, seeds, processes):
        yield drawing._written(sizes[0], seeds[0])
        raise drawing.BrokenProcessPool

    monkeypatch.setattr(drawing, "_side_by_side", dies_after_one)
    assert list(drawn_pairs(100, seed=3, processes=2)) == expected


def test_whoever_stops_early_does_not_wait_for_the_rest(small_shares):
    assert len(list(itertools.islice(drawn_pairs(100_000, seed=3, processes=2), 40))) == 40


def test_a_count_has_to_be_possible():
    assert list(drawn_pairs(0, seed=1)) == []
    with pytest.raises(ValueError, match="at least 0, got -1"):
        list(drawn_pairs(-1, seed=1))
