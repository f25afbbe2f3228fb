from collections import Counter

import pytest

from workbook.figures import cached_work, writing_speed

WORDS = "the cat is black .".split()


def test_without_a_cache_everything_is_worked_out_at_each_step():
    picture = cached_work(WORDS)
    found = Counter(
        patch.get_gid() for axes in picture.figure.axes for patch in axes.patches if patch.get_gid()
    )
    assert found == {
        "without a cache: worked out": 15,
        "with a cache: worked out": 5,
        "with a cache: read": 10,
    }
    assert "15 positions are worked out without a cache, 5 with one" in picture.alt
    written = [text.get_text() for axes in picture.figure.axes for text in axes.texts]
    assert written.count("cat") == 2


@pytest.mark.parametrize("count", [2, 10])
def test_texts_that_dont_fit_are_refused(count):
    with pytest.raises(ValueError, match=str(count)):
        cached_work(["a"] * count)


def test_speeds_are_drawn_from_zero_against_the_length():
    picture = writing_speed([10, 200], {"with": [500, 480], "without": [400, 50]}, "Faster")
    (axes,) = picture.figure.axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[500, 480], [400, 50]]
    assert list(axes.lines[0].get_xdata()) == [10, 200]
    assert axes.get_ylim()[0] == 0
    assert "without: 400 at 10, 50 at 200" in picture.alt


def test_speeds_that_dont_fit_the_lengths_are_refused():
    with pytest.raises(ValueError, match="should have 2 speeds"):
        writing_speed([1, 2], {"one": [3]}, "No")
    with pytest.raises(ValueError, match="not for 0"):
        writing_speed([1, 2], {}, "No")
