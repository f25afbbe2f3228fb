import pytest

from workbook.figures import attention_cost


def test_memory_grows_with_the_square_and_the_path_stays_one():
    memory, path = attention_cost((10, 100, 1000), hidden_size=64).figure.axes
    scores, state = (line.get_ydata() for line in memory.lines)
    assert list(scores) == [400, 40_000, 4_000_000]
    assert list(state) == [256, 256, 256]
    assert list(path.lines[0].get_ydata()) == [1, 1, 1]
    assert list(path.lines[1].get_ydata()) == [9, 99, 999]


def test_all_axes_are_logarithmic_and_named():
    for axes in attention_cost().figure.axes:
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        assert axes.get_xlabel()
        assert axes.get_ylabel()


def test_it_says_that_its_numbers_are_computed():
    picture = attention_cost()
    assert picture.figure.texts[1].get_text().startswith("Computed")
    assert "computed" in picture.alt
    assert "16,384 words: 1 GiB of scores" in picture.alt


@pytest.mark.parametrize("lengths", [(), (5,), (0, 5)])
def test_lengths_that_make_no_curve_are_refused(lengths):
    with pytest.raises(ValueError, match="two or more numbers from 1 on"):
        attention_cost(lengths)


def test_a_state_without_numbers_is_refused():
    with pytest.raises(ValueError, match="hidden_size"):
        attention_cost(hidden_size=0)
