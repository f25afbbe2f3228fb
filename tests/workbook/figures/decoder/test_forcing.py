"""Teacher forcing, drawn."""

import pytest

from workbook.figures import teacher_forcing

TARGET = "este gato es grande <eos>".split()


def words(picture):
    return [text.get_text() for text in picture.figure.axes[0].texts]


def test_the_target_stands_above_its_shifted_self():
    said = words(teacher_forcing(TARGET))
    for word in TARGET[:-1]:
        assert said.count(word) >= 2  # given once, to be said once
    assert said.count("<bos>") == 1
    assert said.count("<eos>") == 1


def test_the_text_says_every_pair():
    alt = teacher_forcing(TARGET, bos="<s>").alt
    assert "given “<s>”, should say “este”" in alt
    assert alt.endswith("given “grande”, should say “<eos>”.")


@pytest.mark.parametrize("target", [["<eos>"], ["a"] * 10])
def test_what_cannot_be_read_is_refused(target):
    with pytest.raises(ValueError, match="can be drawn"):
        teacher_forcing(target)
