"""Three kinds of attention, beside each other."""

import numpy as np
import pytest

from workbook.figures import three_kinds_of_attention

SOURCE, TARGET = "this cat sleeps <pad>".split(), "<bos> este gato".split()


def panels():
    return three_kinds_of_attention(SOURCE, TARGET).figure.axes[1:]


def weights(axes):
    return np.asarray(axes.images[0].get_array())


def test_who_asks_stands_at_the_left_and_who_is_looked_at_on_top():
    sides = [
        [[label.get_text() for label in axis.get_ticklabels()] for axis in (a.yaxis, a.xaxis)]
        for a in panels()
    ]
    assert sides == [[SOURCE, SOURCE], [TARGET, TARGET], [TARGET, SOURCE]]


def test_the_source_hides_its_padding_and_the_target_its_future():
    encoder, decoder, cross = map(weights, panels())
    for table in (encoder, cross):
        assert (table[:, 3] == 0).all()
        np.testing.assert_allclose(table[:, :3], 1 / 3)
    np.testing.assert_array_equal(decoder > 0, np.tril(np.ones((3, 3), dtype=bool)))


def test_every_row_shares_out_one():
    for axes in panels():
        np.testing.assert_allclose(weights(axes).sum(1), 1)


def test_the_text_says_who_asks_whom_and_what_is_hidden():
    alt = three_kinds_of_attention(SOURCE, TARGET).alt
    assert (
        "Cross-attention: target asks source, 3 rows by 4 columns, hidden: padding; 9 of 12" in alt
    )
    assert (
        "Decoder self-attention: target asks target, 3 rows by 3 columns, hidden: the future" in alt
    )


@pytest.mark.parametrize(("source", "target"), [([], ["a"]), (["a"], ["b"] * 8)])
def test_what_cannot_be_read_is_refused(source, target):
    with pytest.raises(ValueError, match="can be drawn"):
        three_kinds_of_attention(source, target)
