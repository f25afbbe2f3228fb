import pytest
import torch

from workbook.figures import belief_by_word

SENTENCES = ["the bank after the street".split(), "the bank after the river".split()]
READERS = {
    "left to right": torch.tensor([[0.5, 0.6, 0.5, 0.5, 0.0], [0.5, 0.6, 0.5, 0.5, 1.0]]),
    "both": [[0.1] * 5, [0.9] * 5],
}


def picture(**more):
    options = {"title": "It waits", "ylabel": "river", "question": "bank"} | more
    return belief_by_word(SENTENCES, READERS, **options)


def test_a_panel_a_reader_and_a_line_a_sentence():
    panels = picture().figure.axes
    assert [axes.get_title(loc="left") for axes in panels] == list(READERS)
    for axes, expected in zip(panels, READERS.values(), strict=True):
        for line, values in zip(axes.lines, expected, strict=False):
            assert list(line.get_ydata()) == pytest.approx(list(map(float, values)))


def test_the_words_stand_below_and_the_question_is_marked():
    axes = picture().figure.axes[0]
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert labels == ["the", "bank", "after", "the", "street /\nriver"]
    assert list(axes.lines[2].get_xdata()) == [1, 1]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["… street", "… river"]


def test_the_alternative_text_has_the_belief_at_every_word():
    assert "bank 0.60, after 0.50, the 0.50, river 1.00" in picture().alt


def test_sentences_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="same length"):
        belief_by_word([["a"], ["a", "b"]], READERS, "t", "y", "a")
