import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import Rectangle

from workbook.figures import attention_matrices, attention_matrix
from workbook.figures.matrices import describe_attention

QUERIES = ["this", "cat", "is"]
KEYS = ["este", "gato", "es", "grande"]
WEIGHTS = torch.tensor([[0.7, 0.1, 0.1, 0.1], [0.02, 0.9, 0.05, 0.03], [0.2, 0.2, 0.35, 0.25]])


def matrix_axes(picture):
    return [axes for axes in picture.figure.axes if axes.get_yticklabels()[0].get_text() == "this"]


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def hatched(axes):
    return [
        (round(patch.get_y() + 0.5), round(patch.get_x() + 0.5), patch.get_hatch())
        for patch in axes.patches
        if isinstance(patch, Rectangle) and patch.get_hatch()
    ]


def test_queries_are_rows_and_keys_are_columns_and_the_weights_are_as_given():
    (axes,) = matrix_axes(attention_matrix(WEIGHTS, QUERIES, KEYS, "Who looks where"))
    assert labels(axes.yaxis) == QUERIES
    assert labels(axes.xaxis) == KEYS
    assert axes.get_ylabel() == "queries"
    assert axes.get_xlabel() == "the words it looks at (keys)"
    np.testing.assert_allclose(axes.images[0].get_array(), WEIGHTS.numpy())
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first query stands on top"


def test_the_scale_is_cividis_from_0_to_1_whatever_the_weights_are():
    picture = attention_matrix(WEIGHTS / 10, QUERIES, KEYS, "Small weights")
    for axes in picture.figure.axes:
        (image,) = axes.images
        assert image.get_clim() == (0, 1)
        assert image.get_cmap().name == "cividis"


def test_each_weight_is_printed_in_its_cell_in_an_ink_that_stands_out():
    (axes,) = matrix_axes(attention_matrix(WEIGHTS, QUERIES, KEYS, "Numbers"))
    printed = {tuple(map(round, text.get_position()[::-1])): text for text in axes.texts}
    assert len(printed) == 12
    assert printed[0, 0].get_text() == "0.70"
    assert printed[1, 0].get_text() == "0.02"
    assert printed[1, 1].get_color() != printed[1, 0].get_color()


def test_large_matrices_leave_the_numbers_out_unless_asked():
    words = [f"w{i}" for i in range(30)]
    weights = np.full((30, 30), 1 / 30)
    assert not attention_matrix(weights, words, words, "Large").figure.axes[0].texts
    assert attention_matrix(weights, words, words, "L", numbers=True).figure.axes[0].texts


def test_the_words_say_where_each_query_looks_most():
    alt = attention_matrix(WEIGHTS, QUERIES, KEYS, "Nouns find nouns").alt
    assert alt.startswith("Nouns find nouns. ")
    assert "3 queries by 4 keys" in alt
    for said in ("“this” at “este” (0.70)", "“cat” at “gato” (0.90)", "“is” at “es” (0.35)"):
        assert said in alt


def test_an_alternative_text_that_is_given_is_used():
    assert attention_matrix(WEIGHTS, QUERIES, KEYS, "Title", alt="Mine.").alt == "Mine."


def test_forbidden_cells_are_hatched_and_an_empty_row_prints_its_zeros():
    mask = np.ones((3, 4), dtype=bool)
    mask[0, 3] = False
    mask[2] = False
    weights = WEIGHTS.numpy() * mask
    picture = attention_matrix(weights, QUERIES, KEYS, "Masked", mask=torch.from_numpy(mask))
    (axes,) = matrix_axes(picture)
    assert {cell[:2] for cell in hatched(axes)} == {(0, 3), (2, 0), (2, 1), (2, 2), (2, 3)}
    printed = [tuple(map(round, text.get_position()[::-1])) for text in axes.texts]
    assert (0, 3) not in printed
    assert [text.get_text() for text in axes.texts][-4:] == ["0"] * 4
    assert "“is” at nothing" in picture.alt


def test_nan_is_shown_as_nan_and_said():
    weights = WEIGHTS.clone()
    weights[1] = torch.nan
    picture = attention_matrix(weights, QUERIES, KEYS, "Broken")
    (axes,) = matrix_axes(picture)
    assert [cell[:2] for cell in hatched(axes)] == [(1, column) for column in range(4)]
    assert [text.get_text() for text in axes.texts].count("nan") == 4
    assert "1 row holds NaN" in picture.alt


@pytest.mark.parametrize(
    ("weights", "queries", "keys", "message"),
    [
        (WEIGHTS[None], QUERIES, KEYS, r"\(queries, keys\), but it came with \(1, 3, 4\)"),
        (WEIGHTS, KEYS, QUERIES, "queries should name 3 words"),
        (WEIGHTS, QUERIES, QUERIES, "keys should name 4 words"),
        (WEIGHTS * 3, QUERIES, KEYS, "between 0 and 1, but one is 2.7; have the scores been"),
        (-WEIGHTS, QUERIES, KEYS, "between 0 and 1"),
    ],
)
def test_what_cannot_be_attention_is_refused_with_the_reason(weights, queries, keys, message):
    with pytest.raises(ValueError, match=message):
        attention_matrix(weights, queries, keys, "Title")


def test_several_matrices_share_the_words_and_the_scale():
    after = WEIGHTS.flip(0)
    picture = attention_matrices(
        [WEIGHTS, after], QUERIES, KEYS, ["before", "after"], "Training moves the looks"
    )
    first, second = matrix_axes(picture)
    assert [axes.get_title(loc="left") for axes in (first, second)] == ["before", "after"]
    np.testing.assert_allclose(second.images[0].get_array(), after.numpy())
    assert labels(second.xaxis) == KEYS
    assert labels(second.yaxis) == QUERIES
    assert first.images[0].get_clim() == second.images[0].get_clim() == (0, 1)
    assert "before: 3 queries" in picture.alt
    assert "after: 3 queries" in picture.alt


def test_matrices_and_names_must_agree_in_number():
    with pytest.raises(ValueError, match="2 matrices but 1 names"):
        attention_matrices([WEIGHTS, WEIGHTS], QUERIES, KEYS, ["one"], "Title")
    with pytest.raises(ValueError, match="at least one matrix"):
        attention_matrices([], QUERIES, KEYS, [], "Title")
    with pytest.raises(ValueError, match="2 matrices but 1 masks"):
        attention_matrices([WEIGHTS] * 2, QUERIES, KEYS, ["a", "b"], "Title", masks=[None])


@settings(derandomize=True, max_examples=12, deadline=None)
@given(rows=st.integers(1, 25), columns=st.integers(1, 25), panels=st.integers(1, 5))
def test_every_matrix_lies_within_its_figure_and_none_over_another(rows, columns, panels):
    words = [f"word{i}" for i in range(25)]
    weights = np.full((rows, columns), 1 / columns)
    names = [f"head {i}" for i in range(panels)]
    picture = attention_matrices(
        [weights] * panels, words[:rows], words[:columns], names, "Many sizes"
    )
    boxes = [axes.get_position() for axes in picture.figure.axes]
    assert all(min(b.x0, b.y0) > 0 and max(b.x1, b.y1) < 1 for b in boxes)
    for position, one in enumerate(boxes):
        for other in boxes[position + 1 :]:
            apart = one.x1 < other.x0 or other.x1 < one.x0 or one.y1 < other.y0 or other.y1 < one.y0
            assert apart


def test_a_long_description_names_the_strongest_rows_only():
    weights = np.full((30, 30), 1 / 30)
    weights[7] = 0
    weights[7, 3] = 1
    words = [f"w{i}" for i in range(30)]
    said = describe_attention(weights, words, words, most=4)
    assert "“w7” at “w3” (1.00)" in said
    assert said.count(" at ") == 4


@pytest.mark.parametrize(("rows", "label"), [(2, "queries"), (8, "the word that asks (query)")])
def test_the_label_of_the_rows_fits_beside_them(rows, label):
    words = [f"w{number}" for number in range(rows)]
    weights = np.full((rows, rows), 1 / rows)
    axes = attention_matrix(weights, words, words, "Equal shares").figure.axes[0]
    assert axes.get_ylabel() == label
