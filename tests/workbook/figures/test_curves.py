"""Measured curves: shares and times against a length, BLEU against training."""

import pytest

from workbook.figures import bleu_curves, share_curves, time_curves

SHARES = {"with": [0.9, 0.8, 0.7], "without": [0.8, 0.4, 0.1]}
BLEU = {"old": [(10.0, 9.0, 11.0), (20.0, 18.5, 21.5)], "new": [(8, 7, 9), (25.0, 23.0, 27.0)]}
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


def test_bleu_is_a_line_within_the_band_of_its_interval():
    axes = bleu_curves(["1 M", "2 M"], BLEU, "Newer is better", "tokens").figure.axes[0]
    assert [list(line.get_ydata()) for line in axes.lines] == [[10.0, 20.0], [8, 25.0]]
    bands = [band.get_paths()[0].vertices[:, 1] for band in axes.collections]
    assert [(min(band), max(band)) for band in bands] == [(9.0, 21.5), (7, 27.0)]
    assert axes.get_ylim()[0] == 0


def test_the_alternative_text_gives_every_bleu_and_the_copy():
    alt = bleu_curves(["1 M", "2 M"], BLEU, "Newer.", "tokens", copied=1.26).alt
    assert "old: 10.0 (9.0 to 11.0) at 1 M, 20.0 (18.5 to 21.5) at 2 M" in alt
    assert "A copy of the source has 1.3." in alt


def test_a_copy_of_the_source_is_a_dotted_line_with_its_name():
    axes = bleu_curves(["1 M", "2 M"], BLEU, "Newer", "tokens", copied=1.26).figure.axes[0]
    assert list(axes.lines[-1].get_ydata()) == [1.26, 1.26]
    assert [text.get_text() for text in axes.texts] == ["the source, copied"]


@pytest.mark.parametrize("curves", [{}, {"a": [(1.0, 0.5, 1.5)]}, {"a": [(1.0, 2.0, 3.0)] * 2}])
def test_bleu_that_cannot_be_drawn_is_refused(curves):
    with pytest.raises(ValueError, match=r"curves|numbers|interval"):
        bleu_curves(["1 M", "2 M"], curves, "Nothing", "tokens")
