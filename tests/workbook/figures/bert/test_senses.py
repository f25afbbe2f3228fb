import numpy as np
import pytest

from workbook.figures import word_in_a_plane

BEFORE = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
SENSES = ["money", "river", "money"]


def picture(**more):
    planes = {"before": BEFORE, "after": BEFORE + 1}
    shares = {"before": 0.5, "after": 0.97}
    return word_in_a_plane(
        **{"planes": planes, "senses": SENSES, "title": "Two", "separated": shares} | more
    )


def test_each_sense_has_its_marks_at_its_points():
    before, after = picture().figure.axes
    money, river = before.collections
    assert money.get_offsets().tolist() == [[0, 0], [2, 0]]
    assert river.get_offsets().tolist() == [[1, 1]]
    assert (money.get_label(), river.get_label()) == ("money", "river")
    assert after.collections[1].get_offsets().tolist() == [[2, 2]]
    assert len(money.get_paths()[0].vertices) != len(river.get_paths()[0].vertices)  # marks differ


def test_the_cut_stands_at_0_in_every_panel():
    for axes in picture().figure.axes:
        (cut,) = axes.lines
        assert list(cut.get_xdata()) == [0, 0]


def test_headings_and_alternative_text_say_how_well_they_are_apart():
    assert picture().figure.axes[1].get_title(loc="left") == "after: 97%"
    assert "before: 50%; after: 97%" in picture().alt


def test_counts_that_differ_are_refused():
    with pytest.raises(ValueError, match="before should have the shape"):
        picture(senses=SENSES[:-1])
    with pytest.raises(ValueError, match="a share for each plane"):
        picture(separated={"before": 0.5})
