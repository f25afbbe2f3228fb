"""Measured curves: shares and times against a length."""

import pytest

from workbook.figures import share_curves, time_curves

SHARES = {"with": [0.9, 0.8, 0.7], "without": [0.8, 0.4, 0.1]}
TIMES = {"RNN": [1.0, 4.0, 16.0], "attention": [0.5, 2.0, 40.0]}


def shares(**more):
    return share_curves(["1–4", "5–8", "9–14"], SHARES, "Long ones suffer", "words", **more)


def test_each_model_is_a_line_over_named_places():
    axes = shares().figure.axes[0]
    assert [list(line.get_ydata()) for line in axes.lines] == list(SHARES.values())
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1–4", "5–8", "9–14"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(SHARES)
    assert axes.get_ylim() == (0, 1.05)
    assert axes.get_xlabel() == "words"


def test_lines_differ_in_more_than_hue():
    for picture in (shares(), time_curves([2, 4, 8], TIMES, "Time", "words")):
        lines = picture.figure.axes[0].lines
        assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == 2


def test_the_alternative_text_gives_every_share():
    alt = shares(chance=0.125).alt
    assert "without: 80% at 1–4, 40% at 5–8, 10% at 9–14" in alt
    assert "Guessing gives 12%" in alt


def test_guessing_is_a_dotted_line_with_its_name():
    axes = shares(chance=0.125).figure.axes[0]
    assert list(axes.lines[-1].get_ydata()) == [0.125, 0.125]
    assert axes.lines[-1].get_linestyle() == ":"
    assert [text.get_text() for text in axes.texts] == ["guessing"]


def test_times_stand_on_two_logarithmic_axes_with_plain_numbers():
    axes = time_curves([32, 512, 2048], TIMES, "Time", "words").figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["32", "512", "2,048"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["1", "10"]
    assert [list(line.get_ydata()) for line in axes.lines] == list(TIMES.values())


def test_the_alternative_text_gives_every_time():
    alt = time_curves([32, 512, 2048], TIMES, "Time.", "words").alt
    assert "attention: 0.5 ms at 32, 2 ms at 512, 40 ms at 2,048" in alt


@pytest.mark.parametrize("curves", [{}, {"a": [1.0]}, {n: [1.0, 1.0, 1.0] for n in "abcde"}])
def test_what_cannot_be_drawn_is_refused(curves):
    with pytest.raises(ValueError, match=r"curves|numbers"):
        share_curves(list("abc"), curves, "Nothing", "words")
    with pytest.raises(ValueError, match=r"curves|numbers"):
        time_curves([1, 2, 3], curves, "Nothing", "words")


def test_no_time_at_all_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        time_curves([1, 2], {"a": [1.0, 0.0]}, "Nothing", "words")
