"""BLEU and chrF with their intervals."""

import pytest
from sacrebleu.metrics import BLEU, CHRF

from workbook.translator.scoring import scores

REFERENCES = [f"el gato número {n} está en la casa grande" for n in range(30)]
HYPOTHESES = [r if n % 3 else r.replace("casa grande", "cama") for n, r in enumerate(REFERENCES)]


def test_they_are_sacrebleus():
    bleu, chrf = scores(HYPOTHESES, REFERENCES)
    assert bleu.value == pytest.approx(BLEU().corpus_score(HYPOTHESES, [REFERENCES]).score)
    assert chrf.value == pytest.approx(CHRF().corpus_score(HYPOTHESES, [REFERENCES]).score)
    assert (bleu.name, chrf.name) == ("BLEU", "chrF")


def test_the_interval_is_around_the_figure_and_the_same_again():
    bleu, chrf = scores(HYPOTHESES, REFERENCES)
    for score in (bleu, chrf):
        assert score.low < score.value < score.high
    assert scores(HYPOTHESES, REFERENCES) == (bleu, chrf)


def test_a_record_can_hold_them():
    for score in scores(["el gato come"] * 3, ["el gato comió"] * 3, draws=5):
        assert all(type(number) is float for number in (score.value, score.low, score.high))


def test_more_sentences_make_it_narrower():
    few, _ = scores(HYPOTHESES, REFERENCES)
    many, _ = scores(8 * HYPOTHESES, 8 * REFERENCES)
    assert many.high - many.low < 0.6 * (few.high - few.low)


def test_the_signature_says_how_it_was_computed():
    bleu, chrf = scores(HYPOTHESES, REFERENCES, draws=50)
    assert {"nrefs:1", "bs:50", "tok:13a"} <= set(bleu.signature.split("|"))
    assert {"nc:6", "nw:0"} <= set(chrf.signature.split("|"))


def test_a_perfect_translation_has_100_in_words_too():
    bleu, _ = scores(REFERENCES, REFERENCES)
    assert str(bleu) == "BLEU 100.0 (100.0 to 100.0)"


@pytest.mark.parametrize(("written", "expected"), [([], []), (["a"], ["a", "b"])])
def test_lists_that_do_not_pair_up_are_refused(written, expected):
    with pytest.raises(ValueError, match="every translation takes one reference"):
        scores(written, expected)
