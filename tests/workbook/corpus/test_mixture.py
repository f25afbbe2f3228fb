"""Which corpus is trained on, and that neither gives the other's test away."""

from types import SimpleNamespace

import pytest

from workbook.corpus import fetching, mixture, tatoeba
from workbook.corpus.mixture import Corpus, gather
from workbook.corpus.pairs import SentencePair
from workbook.corpus.phrasebook import normalise
from workbook.download import CannotFetch

SHIPPED = {
    "train": [(f"The cat sees {n} dogs.", f"El gato ve {n} perros.") for n in range(60)],
    "valid": [("The hen sleeps.", "La gallina duerme.")],
    "test": [("The cow eats.", "La vaca come."), ("the cow eats", "la vaca come")],
    "compositional": [("The red cow eats.", "La vaca roja come.")],
    "famous": [("This cat is very large.", "Este gato es muy grande.")],
}
PROBE = ("I arrived at the bank.", "Llegué a la orilla.")


@pytest.fixture(autouse=True)
def shipped(monkeypatch, tmp_path):
    """A small phrasebook, and no Tatoeba anywhere."""
    monkeypatch.delenv("WORKBOOK_DATA", raising=False)

    def load(split):
        return [
            SimpleNamespace(
                english=e,
                spanish=s,
                construction="statement/bank river/past" if "bank" in e else "statement/present",
            )
            for e, s in SHIPPED[split]
        ]

    def probes(name):
        return [SimpleNamespace(pair=SimpleNamespace(english=PROBE[0], spanish=PROBE[1]))]

    monkeypatch.setattr(mixture.phrasebook, "load_phrasebook", load)
    monkeypatch.setattr(mixture.phrasebook, "load_probes", probes)
    monkeypatch.setattr(
        mixture.tatoeba, "find", lambda: (_ for _ in ()).throw(tatoeba.NoTatoeba("nowhere"))
    )
    monkeypatch.setattr(fetching, "fetch", lambda source, say: pytest.fail("the net was asked"))


@pytest.fixture
def people(monkeypatch, tmp_path):
    """A Tatoeba file that holds some of what the phrasebook keeps for its tests."""
    given = [(f"Sentence {n}.", f"Frase {n}.") for n in range(4_000)]
    given += [("this cat is VERY large", "Qué gato."), ("What a cow!", "¡La vaca come!")]
    given += [PROBE, ("The red cow eats.", "Come.")]
    path = tmp_path / "spa.txt"
    path.write_text("".join(f"{e}\t{s}\n" for e, s in given), encoding="utf-8")
    real = tatoeba.load_split
    monkeypatch.setattr(mixture.tatoeba, "find", lambda: path)
    monkeypatch.setattr(mixture.tatoeba, "load_split", lambda: real(path, test=200, validation=100))
    return path


def test_the_phrasebook_alone_never_asks_for_tatoeba():
    corpus = gather("phrasebook")
    assert corpus.name == "phrasebook"
    assert corpus.training[0] == SentencePair("The cat sees 0 dogs.", "El gato ve 0 perros.")
    assert [pair.english for pair in corpus.test] == ["The cow eats."]
    assert "60 sentence pairs" in corpus.about
    assert corpus.expect


def test_the_grammar_writes_more_pairs_for_a_training(monkeypatch):
    asked, said = [], []

    def generate(count, seed):
        asked.append(count)
        again = [
            SHIPPED["train"][0],
            SHIPPED["train"][1],
            ("The cat sees dogs.", "El gato ve perros."),
            ("The ox sees a cat.", "El buey ve un gato."),
        ]
        return [SimpleNamespace(english=e, spanish=s) for e, s in again]

    monkeypatch.setattr(mixture.phrasebook, "generate", generate)
    corpus = gather("phrasebook", say=said.append, drawn=1_000)
    assert asked == [1_000]
    assert "1,000 more sentence pairs" in said[0]
    assert corpus.training[60:] == (SentencePair("The ox sees a cat.", "El buey ve un gato."),)
    assert gather("phrasebook").training == corpus.training[:60]


def test_whoever_interrupts_the_choosing_ends_the_writing(monkeypatch):
    ended = []

    def drawn(count, seed):
        try:
            yield from [SentencePair("A cat.", "Un gato.")] * count
        finally:
            ended.append(seed)

    def interrupted(pairs, several, known):
        taking = iter(pairs)
        next(taking)
        raise KeyboardInterrupt

    monkeypatch.setattr(mixture, "drawn_pairs", drawn)
    monkeypatch.setattr(mixture, "with_rare_words", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        gather("phrasebook", drawn=1_000)
    assert caught.tb  # which keeps all that was at work from being thrown away
    assert ended


def test_tatoeba_comes_with_the_phrasebook_mixed_in(people):
    corpus = gather("auto")
    english = {pair.english for pair in corpus.training}
    assert corpus.name == "tatoeba"
    assert "The cat sees 7 dogs." in english
    assert sum(sentence.startswith("Sentence") for sentence in english) == 3_700
    assert len(corpus.test) == 200


def test_neither_trains_on_what_the_other_tests(people, monkeypatch):
    first = gather("tatoeba")
    stolen = [tuple(first.test[0]), (first.validation[0].english + "!", "Otra cosa.")]
    monkeypatch.setitem(SHIPPED, "train", SHIPPED["train"] + stolen)
    corpus = gather("tatoeba")
    for side in (0, 1):
        trained = {normalise(pair[side]) for pair in corpus.training}
        tests = [*corpus.test, *corpus.validation]
        tests += [
            SentencePair(*pair) for name in SHIPPED if name != "train" for pair in SHIPPED[name]
        ]
        tests.append(SentencePair(*PROBE))
        assert not trained & {normalise(pair[side]) for pair in tests}


def test_only_so_many_of_the_phrasebook_are_mixed_in(people, monkeypatch):
    monkeypatch.setattr(mixture, "MIXED_IN", 20)
    english = [pair.english for pair in gather("tatoeba").training if "dogs" in pair.english]
    assert len(english) == 20
    assert english[-1] != "The cat sees 19 dogs."  # from all over, not the first ones


def test_sentences_in_which_a_later_word_decides_are_all_mixed_in(people, monkeypatch):
    banks = [(f"The bank has {n} trees.", f"La orilla tiene {n} árboles.") for n in range(15)]
    monkeypatch.setitem(SHIPPED, "train", SHIPPED["train"] + banks)
    monkeypatch.setattr(mixture, "MIXED_IN", 20)
    english = [pair.english for pair in gather("tatoeba").training]
    assert sum("bank" in sentence for sentence in english) == 15
    assert sum("dogs" in sentence for sentence in english) == 5


def test_without_tatoeba_it_is_fetched_where_that_is_allowed(monkeypatch, people):
    fetched = []

    def find():
        if not fetched:
            raise tatoeba.NoTatoeba("nowhere")
        return people

    monkeypatch.setattr(mixture.tatoeba, "find", find)
    monkeypatch.setattr(fetching, "fetch", lambda source, say: fetched.append(source.name))
    assert gather("auto", say=lambda line: None).name == "tatoeba"
    assert fetched == ["tatoeba"]


def test_without_a_network_it_is_the_phrasebook_and_that_is_said(monkeypatch):
    def fail(source, say):
        raise CannotFetch("no server can be reached")

    monkeypatch.setattr(fetching, "fetch", fail)
    said = []
    assert gather("auto", say=said.append).name == "phrasebook"
    assert said[0] == "no server can be reached"
    assert "Going on with the phrasebook" in said[1]
    with pytest.raises(CannotFetch):
        gather("tatoeba", say=said.append)


@pytest.mark.parametrize("choice", ["auto", "tatoeba"])
@pytest.mark.parametrize("allowed", [True, False])
def test_data_that_are_looked_for_in_vain_are_named(monkeypatch, choice, allowed):
    def fail(source, say):
        raise CannotFetch("no server can be reached")

    monkeypatch.setattr(fetching, "fetch", fail)
    monkeypatch.setenv("WORKBOOK_DATA", "/mistyped")
    said = []
    try:
        assert gather(choice, fetch=allowed, say=said.append).name == "phrasebook"
        assert "Going on with the phrasebook" in said[-1]
    except (CannotFetch, tatoeba.NoTatoeba):
        assert choice == "tatoeba"
    assert said[0] == "WORKBOOK_DATA is /mistyped, and no spa.txt is there."


def test_data_that_are_not_asked_for_are_not_looked_for(monkeypatch):
    monkeypatch.setenv("WORKBOOK_DATA", "/mistyped")
    said = []
    gather("phrasebook", say=said.append)
    assert said == []


def test_when_fetching_is_not_allowed_nothing_is_fetched():
    assert gather("auto", fetch=False).name == "phrasebook"
    with pytest.raises(tatoeba.NoTatoeba):
        gather("tatoeba", fetch=False)


def test_another_choice_is_refused():
    with pytest.raises(ValueError, match="auto, tatoeba, phrasebook"):
        gather("europarl")


def test_the_digest_stands_for_the_training_pairs(monkeypatch):
    first, again = gather("phrasebook"), gather("phrasebook")
    assert first.digest == again.digest
    monkeypatch.setitem(SHIPPED, "train", SHIPPED["train"][:-1])
    assert gather("phrasebook").digest != first.digest


def test_a_corpus_of_frequent_words_has_no_others_and_all_sentences_with_them():
    def pairs(*sentences):
        return tuple(SentencePair(sentence, "Algo.") for sentence in sentences)

    whole = Corpus(
        name="small",
        training=pairs("The cat sleeps.", "THE CAT eats!", "The cat sleeps?", "A hen sleeps."),
        validation=pairs("Sleeps the cat?", "The hen."),
        test=pairs("The cat.", "A cat."),
        about="4 pairs",
        expect="",
        trained=1.0,
    )
    few = whole.of_frequent_words(3)  # the, cat, sleeps
    assert few.training == pairs("The cat sleeps.", "The cat sleeps?")
    assert few.validation == pairs("Sleeps the cat?")
    assert few.test == pairs("The cat.")
    assert few.about == "4 pairs, those with 3 frequent English words"
    assert whole.of_frequent_words(100).training == whole.training
    assert whole.of_frequent_words(3, ["Hen, a!"]).training == pairs(
        "The cat sleeps.", "The cat sleeps?", "A hen sleeps."
    )


def test_a_corpus_of_no_words_is_refused():
    with pytest.raises(ValueError, match="at least one word; got 0"):
        gather("phrasebook").of_frequent_words(0)
