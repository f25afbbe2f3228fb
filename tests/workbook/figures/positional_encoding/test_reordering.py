import pytest
import torch

from workbook.figures import reordered_outputs

WORDS = ["the", "dog", "bit"]
OUTPUTS = torch.tensor([[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]])
ORDER = [2, 0, 1]


def drawn(reordered=None):
    reordered = OUTPUTS[ORDER] if reordered is None else reordered
    return reordered_outputs(OUTPUTS, reordered, WORDS, ORDER, "Nothing has changed")


def tables(picture):
    return [axes for axes in picture.figure.axes if axes.images]


def test_both_tables_show_their_rows_with_their_words_on_one_scale():
    left, right = tables(drawn())
    assert left.images[0].get_array().tolist() == pytest.approx(OUTPUTS.double().numpy())
    assert right.images[0].get_array().tolist() == pytest.approx(OUTPUTS[ORDER].double().numpy())
    assert [text.get_text() for text in left.get_yticklabels()] == WORDS
    assert [text.get_text() for text in right.get_yticklabels()] == ["bit", "the", "dog"]
    assert left.images[0].get_clim() == right.images[0].get_clim() == pytest.approx((-0.6, 0.6))


def test_the_text_says_who_went_where_and_who_changed():
    assert "“bit” moves from row 3 to row 1 and keeps its vector" in drawn().alt
    changed = OUTPUTS[ORDER].clone()
    changed[0, 0] += 0.1
    picture = drawn(changed)
    assert "“bit” moves from row 3 to row 1 and changes" in picture.alt
    assert "“the” moves from row 1 to row 2 and keeps its vector" in picture.alt
    shown = [text.get_text() for axes in picture.figure.axes for text in axes.texts]
    assert "2 of 3 the same" in shown


def test_a_changed_word_has_a_dashed_line():
    def dashed(picture):
        return sum(
            line.get_linestyle() == "--" for axes in picture.figure.axes for line in axes.lines
        )

    assert dashed(drawn(OUTPUTS[ORDER] + 1.0)) == dashed(drawn()) + 3


@pytest.mark.parametrize("order", [[0, 1], [0, 0, 1], [1, 2, 3]])
def test_an_order_is_a_permutation(order):
    with pytest.raises(ValueError, match="each of 0 to 2 once"):
        reordered_outputs(OUTPUTS, OUTPUTS, WORDS, order, "Nothing")


def test_both_sides_have_the_same_shape():
    with pytest.raises(ValueError, match=r"reordered should have the shape \(3, 2\)"):
        drawn(OUTPUTS[:2])
