import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbook.figures import dot_product_spread, scaling_explorer, softmax_saturation
from workbook.figures.dot_product_attention.scaling import STEEPEST, sharpness

SIZES = (1, 16, 256)


def softmax(scores, dim):
    return torch.softmax(scores, dim)


def pairs(count=400):
    generator = torch.Generator().manual_seed(0)
    return {
        size: torch.randn(count, size, generator=generator)
        * torch.randn(count, size, generator=generator)
        for size in SIZES
    }


@pytest.fixture
def products():
    return {size: product.sum(-1) for size, product in pairs().items()}


@pytest.fixture
def scores():
    return {size: product.sum(-1).reshape(50, 8) for size, product in pairs().items()}


def test_both_panels_share_a_scale_and_name_the_sizes(products):
    left, right = dot_product_spread(products).figure.axes
    assert left.get_ylim() == right.get_ylim()
    for axes in (left, right):
        assert axes.get_xscale() == "log"
        assert list(axes.get_xticks()) == list(SIZES)
        assert "d_k" in axes.get_xlabel()


def test_the_bands_are_the_quantiles_of_the_samples(products):
    left, right = dot_product_spread(products).figure.axes
    outer = left.collections[0].get_paths()[0].vertices
    at_256 = outer[outer[:, 0] == 256][:, 1]
    low, high = np.percentile(products[256], (5, 95))
    assert at_256.min() == pytest.approx(low)
    assert at_256.max() == pytest.approx(high)
    scaled = right.collections[0].get_paths()[0].vertices
    assert scaled[scaled[:, 0] == 256][:, 1].max() == pytest.approx(high / 16)


def test_the_spread_is_said_in_numbers(products):
    raw = f"{products[256].double().numpy().std():.2f}".rstrip("0")
    assert f"d_k 256: {raw} raw" in dot_product_spread(products).alt


def test_the_curves_are_measured_with_the_readers_own_softmax(scores):
    asked = []

    def recorded(rows, dim):
        asked.append((float(rows.std()), dim))
        return torch.softmax(rows, dim)

    picture = softmax_saturation(scores, recorded)
    largest, entropy, gradient = picture.figure.axes
    raw, scaled = largest.lines
    expected = [float(softmax(scores[size].double(), -1).amax(-1).mean()) for size in SIZES]
    assert raw.get_ydata() == pytest.approx(expected)
    assert scaled.get_ydata()[-1] < 0.5 < raw.get_ydata()[-1]
    assert entropy.lines[0].get_ydata()[-1] < 1 < entropy.lines[1].get_ydata()[-1]
    assert gradient.lines[0].get_ydata()[-1] < gradient.lines[1].get_ydata()[-1]
    assert {dim for _, dim in asked} == {-1}
    assert len(asked) == 2 * len(SIZES)


def test_curves_differ_by_marker_and_dash_and_not_by_colour_alone(scores):
    for axes in softmax_saturation(scores, softmax).figure.axes:
        first, second = axes.lines[:2]
        assert first.get_marker() != second.get_marker()
        assert first.get_linestyle() != second.get_linestyle()


@pytest.mark.parametrize("draw", [dot_product_spread, lambda s: softmax_saturation(s, softmax)])
def test_one_size_is_no_comparison(draw):
    with pytest.raises(ValueError, match="two or more sizes"):
        draw({4: torch.zeros(3)})


def test_sharpness_of_extreme_rows():
    even, certain = sharpness([0.25] * 4), sharpness([0, 1, 0, 0])
    assert even.entropy == pytest.approx(2)
    assert even.largest == 0.25
    assert certain == (1, 0, 0)
    assert sharpness([0.5, 0.5]).gradient == pytest.approx(STEEPEST)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(arrays(np.float64, 5, elements=st.floats(-6, 6)))
def test_the_gradient_is_the_norm_of_softmaxs_jacobian_and_never_above_its_bound(scores):
    row = torch.from_numpy(scores)
    measured = sharpness(torch.softmax(row, -1))
    jacobian = torch.autograd.functional.jacobian(lambda s: torch.softmax(s, -1), row)
    assert measured.gradient == pytest.approx(float(jacobian.norm()))
    assert measured.gradient <= STEEPEST + 1e-12


def heights(picture):
    return np.array([patch.get_height() for patch in picture.figure.axes[0].patches])


def test_the_slider_changes_the_weights_that_are_drawn():
    explorer = scaling_explorer(softmax)
    before, alt = heights(explorer.picture), explorer.picture.alt
    explorer.controls["d_k"].value = 512
    after = heights(explorer.picture)
    assert after.sum() == pytest.approx(1)
    assert after.max() > 0.99
    assert not np.allclose(before, after)
    assert "d_k 512, scores not scaled" in explorer.picture.alt
    assert explorer.picture.alt != alt


def test_the_switch_scales_the_scores_by_the_root_of_d_k():
    explorer = scaling_explorer(softmax)
    explorer.controls["d_k"].value = 256
    raw = np.log(heights(explorer.picture))
    explorer.controls["scale"].value = True
    scaled = np.log(heights(explorer.picture))
    assert "divided by the square root" in explorer.picture.alt
    gaps = (raw - raw[0])[1:] / (scaled - scaled[0])[1:]
    assert gaps == pytest.approx(16)


def test_the_still_picture_compares_three_sizes_with_and_without_scaling():
    explorer = scaling_explorer(softmax)
    picture, alt = explorer.still()
    assert len(picture.figure.axes) == 6
    assert "d_k 512 raw: largest" in alt
    assert "d_k 512 scaled: largest" in alt
    assert explorer._repr_mimebundle_()[0]["text/plain"] == alt


def test_a_softmax_that_fails_is_told_in_the_pictures_place():
    def unfinished(scores, dim):
        raise NotImplementedError("write softmax first")

    assert "write softmax first" in scaling_explorer(unfinished).problem
