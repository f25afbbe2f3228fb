import numpy as np
import pytest
import torch

from workbook.figures import mask_painter
from workbook.figures.dot_product_attention.masks import OWN, MaskGrid, presets

WORDS = ["the", "animal", "was", "too", "tired", "today"]


def attention(query, key, value, mask=None):
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    scores = scores.masked_fill(~mask, -torch.inf)
    weights = torch.softmax(scores, -1).nan_to_num(0.0)
    return weights @ value, weights


def tensors():
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(6, width, generator=generator) for width in (4, 4, 3)]


def painter(function=attention):
    return mask_painter(WORDS, *tensors(), function)


def drawn(explorer):
    return np.asarray(explorer.picture.figure.axes[0].images[0].get_array())


def preset(explorer, start):
    box = explorer.controls["mask"].preset
    box.value = next(name for name in box.options if name.startswith(start))


def test_it_starts_causal_and_shows_the_readers_own_weights():
    explorer = painter()
    expected = attention(*tensors(), torch.tril(torch.ones(6, 6, dtype=torch.bool)))[1]
    np.testing.assert_allclose(drawn(explorer), expected, rtol=1e-6)
    assert "21 of 36 looks are allowed" in explorer.picture.figure.texts[0].get_text()


def test_pressing_a_button_takes_that_look_away():
    explorer = painter()
    preset(explorer, "all")
    assert drawn(explorer)[1, 4] > 0
    explorer.controls["mask"].buttons[1][4].value = False
    table = drawn(explorer)
    assert table[1, 4] == 0
    assert table[1].sum() == pytest.approx(1)
    assert "allows 35 of 36 looks" in explorer.picture.alt
    assert "“animal” may look at the, animal, was, too, today." in explorer.picture.alt
    assert explorer.controls["mask"].preset.value == OWN


def test_a_preset_sets_all_buttons_in_one_change():
    grid = MaskGrid(WORDS)
    changes = []
    grid.observe(changes.append, names="value")
    grid.preset.value = next(iter(grid.preset.options))
    assert len(changes) == 1
    assert all(all(row) for row in grid.value)
    assert all(button.description == "✓" for row in grid.buttons for button in row)


def test_buttons_say_what_they_mean_without_colour():
    grid = MaskGrid(WORDS)
    assert grid.buttons[0][0].description != grid.buttons[0][1].description
    assert grid.buttons[2][1].tooltip == "may “was” look at “animal”?"


def test_true_means_may_attend_in_every_preset():
    everything, padding, causal, empty = presets(WORDS).values()
    assert everything.all()
    assert not padding[:, 4:].any()
    assert padding[:, :4].all()
    np.testing.assert_array_equal(causal, np.tril(np.ones((6, 6))) > 0)
    assert [row.any() for row in empty].count(False) == 1


def test_a_row_with_nothing_to_look_at_shows_zeros():
    explorer = painter()
    preset(explorer, "one empty row")
    assert drawn(explorer)[3].tolist() == [0] * 6
    assert "“too” may look at nothing" in explorer.picture.figure.texts[0].get_text()
    shown = [text.get_text() for text in explorer.picture.figure.axes[0].texts]
    assert shown.count("0") == 6
    assert "“too” at nothing, all its weights are 0" in explorer.picture.alt


def test_nan_in_an_empty_row_is_shown_and_told():
    def careless(query, key, value, mask):
        scores = (query @ key.T).masked_fill(~mask, -torch.inf)
        weights = torch.softmax(scores, -1)
        return weights @ value, weights

    explorer = painter(careless)
    preset(explorer, "one empty row")
    assert explorer.picture.figure.texts[0].get_text().startswith("NaN")
    assert "1 row holds NaN" in explorer.picture.alt


def test_a_mask_that_is_not_obeyed_is_told():
    def deaf(query, key, value, mask):
        weights = torch.softmax(query @ key.T, -1)
        return weights @ value, weights

    assert "the mask was not obeyed" in painter(deaf).picture.figure.texts[0].get_text()


def test_an_attention_that_returns_no_pair_is_told_what_was_expected():
    explorer = painter(lambda query, key, value, mask: value)
    assert explorer.picture is None
    assert "(output, weights), but it returned a Tensor" in explorer.problem


def test_the_mask_is_boolean_and_the_tensors_stay_as_they_were():
    given = tensors()
    before = [tensor.clone() for tensor in given]
    seen = []

    def recorded(query, key, value, mask):
        seen.append(mask)
        return attention(query, key, value, mask)

    mask_painter(WORDS, *given, recorded)
    assert seen[0].dtype == torch.bool
    assert seen[0].shape == (6, 6)
    for tensor, copy in zip(given, before, strict=True):
        torch.testing.assert_close(tensor, copy)


def test_the_still_picture_shows_the_four_masks_one_starts_from():
    picture, alt = painter().still()
    titles = [axes.get_title(loc="left") for axes in picture.figure.axes]
    assert titles[:4] == ["all", "padding", "causal", "one empty row"]
    assert "“too” at nothing" in alt


def test_tensors_must_have_one_row_for_each_word():
    query, key, value = tensors()
    with pytest.raises(ValueError, match=r"key should have the shape \(6, features\)"):
        mask_painter(WORDS, query, key[:5], value, attention)
