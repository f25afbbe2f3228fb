import pytest

from workbook.figures import next_token_targets

LINE = ["<end>", "The", "cat", ".", "<end>", "<pad>"]


def texts(picture):
    return [text.get_text() for axes in picture.figure.axes for text in axes.texts]


def test_each_position_stands_under_the_token_after_it():
    written = texts(next_token_targets(LINE, "<pad>"))
    assert written[: len(LINE)] == LINE
    assert written[-4:-1] != LINE
    assert [text for text in written[len(LINE) :] if text in LINE] == LINE[1:]
    assert "(none)" in written


def test_padding_and_the_last_position_are_no_exercise():
    picture = next_token_targets(LINE, "<pad>")
    assert "6 tokens in a row are 4 exercises" in picture.alt
    assert "at .: <end>" in picture.alt
    assert "at <end>: <pad>" not in picture.alt


@pytest.mark.parametrize("count", [2, 11])
def test_lines_that_dont_fit_are_refused(count):
    with pytest.raises(ValueError, match=str(count)):
        next_token_targets(["a"] * count)
