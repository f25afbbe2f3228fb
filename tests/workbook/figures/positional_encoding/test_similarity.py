import numpy as np
import pytest
import torch

from workbook.figures import similarity_by_distance
from workbook.pieces import sinusoidal_encoding

TABLES = {"sinusoidal": sinusoidal_encoding(100, 64), "one-hot": torch.eye(100)}


def test_each_table_is_a_curve_of_cosines_around_the_position():
    picture = similarity_by_distance(TABLES, 50, "Near and far", reach=20)
    axes = picture.figure.axes[0]
    lines = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    assert list(lines) == list(TABLES)
    assert list(lines["one-hot"].get_xdata()) == list(range(-20, 21))
    assert list(lines["one-hot"].get_ydata()) == [float(d == 0) for d in range(-20, 21)]
    table = TABLES["sinusoidal"]
    wanted = torch.cosine_similarity(table[50:51], table[30:71]).numpy()
    np.testing.assert_allclose(lines["sinusoidal"].get_ydata(), wanted, atol=1e-5)
    assert axes.get_xlabel() == "distance from position 50"


def test_curves_differ_in_more_than_hue_and_are_told_in_numbers():
    picture = similarity_by_distance(TABLES, 50, "Near and far")
    curves = [line for line in picture.figure.axes[0].lines if line.get_label() in TABLES]
    assert len({(line.get_marker(), line.get_linestyle()) for line in curves}) == 2
    assert "sinusoidal: 0.97 at distance 1" in picture.alt
    assert "one-hot: 0 at distance 1" in picture.alt


@pytest.mark.parametrize("at", [10, 95])
def test_there_have_to_be_neighbours_on_both_sides(at):
    with pytest.raises(ValueError, match="too few to look 30 to both sides"):
        similarity_by_distance(TABLES, at, "Near and far")


def test_no_table_or_too_many_are_refused():
    for tables in ({}, {str(n): torch.eye(100) for n in range(5)}):
        with pytest.raises(ValueError, match="1 to 4"):
            similarity_by_distance(tables, 50, "Near and far")
