import pytest

from workbook.figures import two_translators
from workbook.figures.style import QUERY

SOURCE, TARGET = "this cat is large".split(), "este gato es grande".split()
WEIGHTS = [0.1, 0.2, 0.1, 0.6]


def picture(**more):
    return two_translators(SOURCE, TARGET, **({"writing": 3, "weights": WEIGHTS} | more))


def test_both_translators_have_all_words_and_only_one_has_the_bottleneck():
    shown = [text.get_text() for text in picture().figure.axes[0].texts]
    for word in SOURCE + TARGET:
        assert shown.count(word) == 2
    assert shown.count("one\nvector") == 1
    assert {"without attention", "with attention"} <= set(shown)


def test_a_line_to_every_state_is_as_thick_as_its_weight():
    lines = [line for line in picture().figure.axes[0].lines if line.get_color() == QUERY]
    thickness = [line.get_linewidth() for line in lines[: len(SOURCE)]]
    assert sorted(thickness) == sorted(0.6 + 5 * weight for weight in WEIGHTS)


def test_the_alternative_text_says_who_looks_where():
    alt = picture().alt
    assert "“grande” also looks back at every encoder state, most at “large”" in alt
    assert "large 0.60" in alt


def test_another_number_of_weights_or_no_word_is_refused():
    with pytest.raises(ValueError, match="weights should have the shape"):
        picture(weights=[1.0])
    with pytest.raises(ValueError, match="an index of"):
        picture(writing=4)
