"""Rare words come more often in what is taken than in what is drawn, and nothing comes twice."""

from collections import Counter
from itertools import islice

from workbook.corpus.phrasebook import Pair, Rarer, generate, normalise


def pair(english, spanish):
    return Pair(english, spanish, (), "statement")


def test_a_sentence_is_taken_for_its_rarest_word_in_either_language():
    known = [pair("the cat sleeps", "el gato duerme"), pair("a cat", "un gato")]
    rarer = Rarer(known, often=1, otherwise=0.0)
    assert not rarer(pair("The cat sleeps.", "El gato duerme."))
    assert not rarer(pair("a cat sleeps", "un gato duerme"))
    assert rarer(pair("the swan sleeps", "el gato duerme"))  # rare in English alone
    assert rarer(pair("the cat sleeps here", "la gata duerme"))  # in Spanish, and in English
    assert rarer(pair("a cat here", "una gatita"))  # in Spanish alone


def test_a_word_is_rare_until_it_came_so_often():
    rarer = Rarer([], often=2, otherwise=0.0)
    marks = [pair("swan" + "!" * n, "cisne") for n in range(4)]
    assert [rarer(one) for one in marks] == [True, True, False, False]


def test_nothing_is_taken_twice_nor_what_is_known():
    known = pair("the swan", "el cisne")
    rarer = Rarer([known], often=9)
    assert not rarer(known)
    new = pair("the swan sleeps", "el cisne duerme")
    assert [rarer(new), rarer(new)] == [True, False]


def test_of_the_rest_a_share_is_taken_and_the_same_one_every_time():
    some = [pair("swan" + "!" * n, "cisne") for n in range(400)]
    taken = [
        [one for one in some if rarer(one)] for rarer in (Rarer([], 5, 0.2), Rarer([], 5, 0.2))
    ]
    assert taken[0] == taken[1]
    assert 40 < len(taken[0]) < 140
    assert len([one for one in some if Rarer([], 5, 1.0)(one)]) == 400


def test_more_words_come_more_than_once_than_by_chance():
    def chosen():
        return generate(3_000, seed=4, keep=Rarer([], often=3, otherwise=0.05))

    def twice(pairs):
        came = Counter(word for one in pairs for word in normalise(one.spanish).split())
        return sum(times > 1 for times in came.values())

    taken = list(chosen())
    assert len({one.english for one in taken}) == 3_000
    assert taken[:20] == list(islice(chosen(), 20))
    assert twice(taken) > 1.05 * twice(generate(3_000, seed=4))
