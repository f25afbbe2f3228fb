import pytest
from matplotlib.patches import FancyBboxPatch

from workbook.figures import padded_batch, turned_round
from workbook.figures.rnn_recap.padding import PAD

SENTENCES = ["this cat sleeps".split(), ["it", "sleeps"], ["wait"]]


def boxes(picture):
    return [p for p in picture.figure.axes[0].patches if isinstance(p, FancyBboxPatch)]


def shown(picture):
    return [text.get_text() for text in picture.figure.axes[0].texts]


def test_short_sentences_are_filled_up_and_hatched():
    picture = padded_batch(SENTENCES)
    assert shown(picture).count(PAD) == 3
    assert len(boxes(picture)) == 9
    assert sum(bool(box.get_hatch()) for box in boxes(picture)) == 3


def test_each_sentences_own_last_word_is_outlined():
    thick = [box.get_linewidth() > 2 for box in boxes(padded_batch(SENTENCES))]
    assert [index for index, bold in enumerate(thick) if bold] == [2, 4, 6]
    assert {"length 3", "length 2", "length 1"} <= set(shown(padded_batch(SENTENCES)))


def test_three_grids_show_both_ways_of_turning_round():
    picture = turned_round(SENTENCES)
    names = ["the batch", "flip: padding comes first", "each within its own length"]
    assert [text for text in shown(picture) if text in names] == names
    assert len(boxes(picture)) == 27
    alt = picture.alt
    assert f"sleeps cat this; {PAD} sleeps it; {PAD} {PAD} wait" in alt
    assert f"sleeps cat this; sleeps it {PAD}; wait {PAD} {PAD}" in alt


@pytest.mark.parametrize("draw", [padded_batch, turned_round])
@pytest.mark.parametrize("sentences", [[], [["one"], []]])
def test_no_words_are_no_batch(draw, sentences):
    with pytest.raises(ValueError, match="at least one sentence"):
        draw(sentences)
