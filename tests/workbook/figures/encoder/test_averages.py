import pytest
import torch

from workbook.figures import averaged_over

SENTENCES = [["the", "cat"], ["birds", "<pad>"]]
X = torch.tensor([[[2.0, 4, 6], [1, 1, 4]], [[9, 19, 8], [0, 0, 0]]])


def test_both_panels_give_the_numbers_that_they_average():
    alt = averaged_over(X, SENTENCES).alt
    assert "batch norm takes f2, over 4 places: mean 6, deviation 7.65" in alt
    assert "layer norm takes “cat”, over 3 features: mean 2, deviation 1.41" in alt


def test_the_averaged_cells_are_outlined():
    board = averaged_over(X, SENTENCES).figure.axes[0]
    bold = [text.get_text() for text in board.texts if text.get_weight() == "bold"]
    assert bold == ["batch norm", "4", "1", "19", "0", "layer norm", "1", "1", "4"]
    thick = [patch for patch in board.patches if patch.get_linewidth() > 1]
    assert len(thick) == 4 + 3


def test_every_word_has_its_row_in_both_panels():
    words = [text.get_text() for text in averaged_over(X, SENTENCES).figure.axes[0].texts]
    for word in ("the", "cat", "birds", "<pad>"):
        assert words.count(word) == 2


def test_another_number_of_words_is_refused():
    with pytest.raises(ValueError, match="shape"):
        averaged_over(X[:, :1], SENTENCES)
