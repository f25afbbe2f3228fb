"""Splits, probes and famous sentences of the shipped files: nothing leaks, nothing is missing."""

import unicodedata
from collections import Counter, defaultdict
from itertools import islice

import pytest

from workbook.corpus import phrasebook
from workbook.corpus.phrasebook import SPLITS, TAGS, normalise, parse, tokenise, words_of_both
from workbook.corpus.phrasebook.lexicon import ADJECTIVES, NOUNS
from workbook.corpus.phrasebook.sentences import draw_sentences
from workbook.corpus.phrasebook.shipping import PROBES
from workbook.corpus.phrasebook.splits import is_held_meeting, split_of

SHIPPED = {split: phrasebook.load_phrasebook(split) for split in SPLITS}
FAMOUS = phrasebook.load_phrasebook("famous")
PROBED = {name: phrasebook.load_probes(name) for name in PROBES}
EVERYTHING = {
    **SHIPPED,
    "famous": FAMOUS,
    **{name: [probe.pair for probe in probes] for name, probes in PROBED.items()},
}


def _words(pairs):
    return set().union(*(words_of_both(pair.english, pair.spanish) for pair in pairs))


def _keys(pairs, language):
    return {normalise(getattr(pair, language)) for pair in pairs}


@pytest.mark.parametrize("language", ["english", "spanish"])
def test_no_sentence_is_in_two_splits(language):
    keys = {name: _keys(pairs, language) for name, pairs in EVERYTHING.items()}
    for split in SPLITS:
        for other in keys:
            # The course's own sentences are also the first items of their probes.
            if split < other or other not in SPLITS:
                assert keys[split].isdisjoint(keys[other]), (split, other)


@pytest.mark.parametrize("split", EVERYTHING)
def test_shipped_sentences_are_clean(split):
    for pair in EVERYTHING[split]:
        for text in (pair.english, pair.spanish):
            assert text == unicodedata.normalize("NFC", text).strip()
            assert "  " not in text
            assert "\t" not in text
        assert len(pair.tags) == len(tokenise(pair.english))
        assert set(pair.tags) <= set(TAGS)


@pytest.mark.parametrize("split", EVERYTHING)
def test_questions_and_exclamations_keep_both_marks(split):
    for pair in EVERYTHING[split]:
        opening = {"question": "¿", "exclamation": "¡"}.get(pair.kind, "")
        closing = {"¿": "?", "¡": "!"}.get(opening, "")
        assert pair.spanish.startswith(opening)
        assert pair.spanish.count("¿") == pair.spanish.count("?") == int(opening == "¿")
        assert pair.spanish.count("¡") == pair.spanish.count("!") == int(opening == "¡")
        assert pair.english.endswith(closing)


def test_no_english_sentence_comes_twice_in_a_split():
    for pairs in SHIPPED.values():
        assert max(Counter(pair.english for pair in pairs).values()) == 1


def test_the_compositional_test_brings_words_together_that_training_never_does():
    for pair in SHIPPED["train"][::25]:
        met = {m for sentence in parse(pair.english) for m in sentence.meetings}
        assert not any(map(is_held_meeting, met)), pair
    for pair in SHIPPED["compositional"][::4]:
        met = {m for sentence in parse(pair.english) for m in sentence.meetings}
        assert any(map(is_held_meeting, met)), pair


def test_a_word_is_tested_in_a_new_meeting_only_where_training_has_enough_others_of_its_kind():
    met = Counter(m for each in islice(draw_sentences(5), 30_000) for m in set(each.meetings))
    adjectives = {adjective.lemma for adjective in ADJECTIVES}
    trained, tested = defaultdict(Counter), Counter()
    for meeting, times in met.items():
        first, _, noun = meeting.partition("+")
        kind = "adjective" if first in adjectives else "verb"
        for word, partner in ((("noun", first), noun), ((kind, noun), first)):
            if is_held_meeting(meeting):
                tested[word] += times
            else:
                trained[word][partner] += times
    # Of a word that comes seldom, a draw shows few of the partners that it has.
    often = [word for word in tested if trained[word].total() + tested[word] >= 15]
    assert len(often) >= 250
    assert sum(len(trained[word]) < 4 for word in often) <= len(often) // 100
    assert [word for word in often if tested[word] > trained[word].total()] == []


def test_a_word_that_takes_persons_and_things_is_known_of_both_before_it_is_tested_with_either():
    for adjective in ADJECTIVES:
        for is_person in (True, False):
            nouns = [n for n in NOUNS if adjective.classes & n.classes and n.is_person is is_person]
            held = {n.lemma for n in nouns if is_held_meeting(f"{adjective.lemma}+{n.lemma}")}
            trained = {n.lemma for n in nouns} - held
            assert not held or len(trained) >= 5, (adjective.lemma, held)
    assert is_held_meeting("popular+cantante")
    assert not is_held_meeting("modesto+casa")  # the other modest thing is an apartment


def test_a_profession_is_no_adjective_though_it_is_spelt_like_one():
    # Few persons are *médico* as an exam is; being a doctor is another matter.
    assert is_held_meeting("médico+viajero")


def test_what_only_one_verb_takes_is_trained():
    for sentence in parse("The cows ate the grass."):
        assert sentence.meetings == ("comer+hierba",)
        assert split_of(sentence) != "compositional"


@pytest.mark.parametrize("split", ["valid", "test", "compositional"])
def test_every_word_of_a_test_is_in_training(split):
    assert _words(SHIPPED[split]) <= _words(SHIPPED["train"])


@pytest.mark.parametrize("name", PROBES)
def test_every_word_of_a_probe_is_in_training(name):
    assert _words(EVERYTHING[name]) <= _words(SHIPPED["train"])


def test_the_famous_sentences_are_there_plain_and_whole():
    translations = {pair.english: pair.spanish for pair in FAMOUS}
    assert translations["this cat is very large"] == "este gato es muy grande"
    assert translations["This cat is very large."] == "Este gato es muy grande."
    bank = "I arrived at the bank after crossing the "
    assert translations[bank + "street."] == "Llegué al banco después de cruzar la calle."
    assert translations[bank + "river."] == "Llegué a la orilla después de cruzar el río."
    animal = "the animal didn't cross the street because it was too "
    assert translations[animal + "tired"].endswith("estaba demasiado cansado")
    assert translations[animal + "wide"].endswith("era demasiado ancha")
    assert len(FAMOUS) == 2 * len(phrasebook.FAMOUS)


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_is_made_of_minimal_pairs(name):
    pairs = {}
    for probe in PROBED[name]:
        pairs.setdefault(probe.minimal_pair, []).append(probe)
    assert len(pairs) >= 100
    for first, second in pairs.values():
        ours, theirs = tokenise(first.pair.english), tokenise(second.pair.english)
        assert sum(a != b for a, b in zip(ours, theirs, strict=True)) == 1
        assert ours[-2] != theirs[-2]
        assert first.answer != second.answer


@pytest.mark.parametrize("name", PROBES)
def test_a_probes_answer_is_in_its_translation_and_its_rival_is_not(name):
    for probe in PROBED[name]:
        words = normalise(probe.pair.spanish).split()
        assert probe.answer in words
        assert probe.rival not in words


def test_both_senses_of_bank_are_probed_equally_and_both_genders_of_it():
    assert Counter(probe.answer for probe in PROBED["bank"]) == dict.fromkeys(
        ("banco", "orilla"), len(PROBED["bank"]) // 2
    )
    genders = Counter(probe.answer[-1] for probe in PROBED["it"])
    assert set(genders) == {"a", "o"}
    assert min(genders.values()) >= 100


def test_there_are_enough_bank_sentences_of_both_senses_to_learn_from():
    senses = Counter(pair.sense for pair in SHIPPED["train"] if pair.sense)
    assert sum(senses.values()) >= 2_000
    assert min(senses.values()) >= 1_000
    for pair in SHIPPED["train"]:
        said = "bank" in tokenise(pair.english)
        assert (pair.sense is not None) == said
        if said:
            spanish = normalise(pair.spanish).split()
            assert ("banco" in spanish) == (pair.sense == "money")


def test_all_kinds_of_sentences_are_there():
    kinds = Counter(pair.kind for pair in SHIPPED["train"])
    assert set(kinds) == {"statement", "question", "command", "exclamation"}
    assert min(kinds.values()) >= 1_000


def test_some_statements_come_plain_and_no_plain_sentence_is_in_another_split():
    plain = [pair for pair in SHIPPED["train"] if pair.tags[-1] != "PUNCT"]
    assert 1_000 <= len(plain) <= 5_000
    assert all(pair.kind == "statement" for pair in plain)


def test_training_has_the_forms_and_constructions_that_were_asked_for():
    forms = {t.lower() for p in SHIPPED["train"] for t in tokenise(p.english) if t.isalpha()}
    assert len(forms) >= 2_500
    constructions = Counter(
        label for pair in SHIPPED["train"] for label in set(pair.construction.split("/")[1:])
    )
    assert sum(count >= 10 for count in constructions.values()) >= 60


def test_a_sentence_knows_its_split_wherever_it_comes_from():
    for split, pairs in SHIPPED.items():
        for pair in pairs[::60]:
            assert split_of(parse(pair.english)[0]) == split, pair
