"""Where a word looks, head by head: what is plotted, what the controls do, what is refused."""

import numpy as np
import pytest
import torch

from workbook.figures import Reading, head_explorer, word_in_every_head

TIRED = "the animal was too tired".split()
WIDE = "the street was too wide today".split()


def weights(seed, queries, keys, layers=2, heads=3):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(layers, heads, queries, keys, generator=generator)
    return list(torch.softmax(3 * scores, -1))


@pytest.fixture
def two():
    return {
        "tired": Reading(weights(1, 5, 5), TIRED),
        "wide": Reading(weights(2, 6, 6), WIDE),
    }


@pytest.fixture
def crossed():
    """A decoder's: other keys than queries."""
    return Reading(weights(3, 3, 5), ["este", "gato", "es"], TIRED)


def matrix(explorer):
    return np.asarray(explorer.picture.figure.axes[1].images[0].get_array())


def lines(explorer):
    board = explorer.picture.figure.axes[0]
    return {
        int(line.get_gid().split()[1]): line for line in board.lines if line.get_gid() is not None
    }


def test_it_starts_where_it_is_told(two):
    explorer = head_explorer(two, "too", layer=2, head=3)
    np.testing.assert_allclose(matrix(explorer), two["tired"].weights[1][2], rtol=1e-6)
    assert explorer.picture.figure.texts[0].get_text().startswith("Layer 2, head 3: “too” looks at")


def test_lines_are_as_thick_as_the_weights_of_the_word(two):
    explorer = head_explorer(two, 3)
    row = two["tired"].weights[0][0][3]
    drawn = lines(explorer)
    for key, weight in enumerate(row.tolist()):
        assert (key in drawn) == (weight >= 0.005)
        if key in drawn:
            assert drawn[key].get_linewidth() == pytest.approx(0.4 + 7 * weight)


def test_the_words_row_is_framed_in_the_whole_head(two):
    explorer = head_explorer(two, "was")
    axes = explorer.picture.figure.axes[1]
    frames = [patch for patch in axes.patches if "frame" in str(patch.get_gid())]
    assert {frame.get_y() for frame in frames} == {2 - 0.5}
    assert [label.get_text() for label in axes.get_xticklabels()] == TIRED
    assert [label.get_text() for label in axes.get_yticklabels()] == TIRED


def test_every_control_draws_the_picture_again(two):
    explorer = head_explorer(two)
    explorer.controls["head"].value = 1
    np.testing.assert_allclose(matrix(explorer), two["tired"].weights[0][1], rtol=1e-6)
    explorer.controls["layer"].value = 1
    np.testing.assert_allclose(matrix(explorer), two["tired"].weights[1][1], rtol=1e-6)
    explorer.controls["word"].value = 4
    assert "“tired” looks at" in explorer.picture.figure.texts[0].get_text()


def test_another_sentence_brings_its_own_words_and_keeps_the_place(two):
    explorer = head_explorer(two, "tired")
    explorer.controls["sentence"].value = "wide"
    assert [name for name, _ in explorer.controls["word"].options] == [
        f"{place}. {word}" for place, word in enumerate(WIDE, start=1)
    ]
    assert "“wide” looks at" in explorer.picture.figure.texts[0].get_text()
    explorer.controls["word"].value = 5
    explorer.controls["sentence"].value = "tired"
    assert "“tired” looks at" in explorer.picture.figure.texts[0].get_text()
    assert explorer.problem is None


def test_one_reading_needs_no_choice_of_sentence(crossed):
    explorer = head_explorer(crossed, "gato")
    assert set(explorer.controls) == {"layer", "head", "word"}
    axes = explorer.picture.figure.axes[1]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["este", "gato", "es"]
    assert [label.get_text() for label in axes.get_xticklabels()] == TIRED


def test_the_text_names_every_weight_of_the_word(crossed):
    explorer = head_explorer(crossed, "gato")
    row = crossed.weights[0][0][1]
    for key, weight in zip(TIRED, row.tolist(), strict=True):
        assert f"{key} {weight:.2f}" in explorer.picture.alt


def test_the_still_picture_shows_the_word_in_all_heads_of_all_sentences(two):
    picture, alt = head_explorer(two, "too").still()
    tables = [axes for axes in picture.figure.axes if axes.get_title(loc="left").endswith("asks")]
    for axes, reading in zip(tables, two.values(), strict=True):
        shown = np.asarray(axes.images[0].get_array())
        np.testing.assert_allclose(
            shown, torch.cat([layer[:, 3] for layer in reading.weights]), rtol=1e-6
        )
    assert alt == picture.alt
    assert "wide, “too” asks: layer 1, head 1 at “" in alt


def test_rows_are_named_by_layer_and_head_and_words_stand_along_the_top(two):
    axes = word_in_every_head(two["tired"], -1).figure.axes[0]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows[0] == "layer 1, head 1"
    assert rows[-1] == "layer 2, head 3"
    assert [label.get_text() for label in axes.get_xticklabels()] == TIRED
    assert axes.get_title(loc="left") == "“tired” asks"


def test_one_layer_is_not_named():
    axes = word_in_every_head(Reading(weights(1, 5, 5, layers=1), TIRED)).figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["head 1", "head 2", "head 3"]


def test_the_title_names_the_largest_weight():
    made = [torch.full((2, 2, 2), 0.5)]
    made[0][1, 0] = torch.tensor([0.1, 0.9])
    title = word_in_every_head(Reading(made, ["cat", "sat"])).figure.texts[0].get_text()
    assert title == "“cat” in every head: head 2 looks at “sat” (0.90)"


def test_a_head_that_looks_at_nothing_and_one_that_is_broken_are_told():
    made = [torch.zeros(2, 2, 2)]
    made[0][1] = torch.nan
    explorer = head_explorer(Reading(made, ["cat", "sat"]))
    assert "looks at nothing" in explorer.picture.figure.texts[0].get_text()
    explorer.controls["head"].value = 1
    assert "NaN" in explorer.picture.figure.texts[0].get_text()


@pytest.mark.parametrize(
    ("reading", "word", "message"),
    [
        (Reading(weights(1, 5, 5), TIRED), "cat", "one of the words"),
        (Reading(weights(1, 4, 4), TIRED), 0, "should have the shape"),
        (Reading([], TIRED), 0, "no layers"),
        (Reading([torch.ones(2, 5, 5), torch.ones(3, 5, 5)], TIRED), 0, "as many heads"),
        ({}, 0, "at least one reading"),
    ],
)
def test_what_does_not_fit_is_refused(reading, word, message):
    with pytest.raises(ValueError, match=message):
        word_in_every_head(reading, word)


def test_readings_of_different_models_are_refused(two):
    other = {"tired": two["tired"], "small": Reading(weights(1, 5, 5, heads=2), TIRED)}
    with pytest.raises(ValueError, match="one model"):
        head_explorer(other)
