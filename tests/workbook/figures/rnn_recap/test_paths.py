import math

import pytest

from workbook.figures import path_lengths
from workbook.figures.rnn_recap.paths import _hops
from workbook.pieces import path_length


def test_the_curves_are_the_readers_own_numbers():
    asked = []

    def recorded(distance, model, kernel_size):
        asked.append((distance, model))
        return path_length(distance, model, kernel_size)

    axes = path_lengths(recorded).figure.axes[1]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["recurrent", "convolution", "dilated convolution", "attention"]
    rnn, conv, dilated, attention = (list(line.get_ydata()) for line in axes.lines)
    assert rnn == [2**p for p in range(11)]
    assert conv == [math.ceil(2**p / 2) for p in range(11)]
    assert dilated[-1] == 10
    assert attention == [1] * 11
    assert (8, "dilated conv") in asked


def test_the_four_networks_say_how_long_the_way_is():
    shown = [text.get_text() for text in path_lengths(path_length).figure.axes[0].texts]
    assert {"8 steps", "4 layers", "3 layers", "1 layer"} <= set(shown)
    assert "each waits for the one before" in shown


@pytest.mark.parametrize("dilations", [[1, 1, 1, 1], [1, 2, 4]])
def test_the_drawn_way_ends_at_the_last_word_and_no_hop_is_wider_than_the_kernel(dilations):
    hops = _hops(dilations)
    assert sum(hops) == 8
    for hop, dilation in zip(hops, dilations, strict=True):
        assert hop in {0, dilation, 2 * dilation}


def test_the_alternative_text_has_short_and_long_distances():
    alt = path_lengths(path_length).alt
    assert "recurrent: 8 over 8 words, 1,024 over 1,024" in alt
    assert "attention: 1 over 8 words, 1 over 1,024" in alt


def test_an_unfinished_piece_is_refused():
    with pytest.raises(ValueError, match="above 0, not"):
        path_lengths(lambda distance, model, kernel_size: None)
