import pytest

from workbook.figures import embedding_sum

TOKENS = ["[CLS]", "i", "ran", "[SEP]", "why", "?", "[SEP]"]
SEGMENTS = [0, 0, 0, 0, 1, 1, 1]


def shown(picture):
    return [text.get_text() for text in picture.figure.axes[0].texts]


def test_each_token_stands_over_its_segment_and_its_place():
    texts = shown(embedding_sum(TOKENS, SEGMENTS))
    assert texts.count("segment 0") == 4
    assert texts.count("segment 1") == 3
    assert [f"place {n}" in texts for n in range(8)] == [True] * 7 + [False]
    assert "“why”" in texts
    assert texts.count("+") == 2 * len(TOKENS)


def test_the_alternative_text_has_all_three():
    assert "“why”: segment 1, place 4" in embedding_sum(TOKENS, SEGMENTS).alt


def test_another_number_of_segments_is_refused():
    with pytest.raises(ValueError, match="segments should name 7"):
        embedding_sum(TOKENS, SEGMENTS[:-1])
