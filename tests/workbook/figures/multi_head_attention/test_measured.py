"""Heads against chance."""

import pytest

from workbook.figures import heads_against_chance

HEADS = ["layer 1\nhead 1", "layer 1\nhead 2"]
SHARES = {"on the noun": [0.1, 0.75], "in both": [0.0, 0.5]}
CHANCES = {"by luck": 0.08, "always the same": 0.5}


def picture(**changed):
    given = {"shares": SHARES, "heads": HEADS, "chances": CHANCES} | changed
    return heads_against_chance(**given, title="Head 2 knows", measure="share")


def test_the_dots_are_the_shares_and_differ_in_their_marker():
    lines = picture().figure.axes[0].lines
    assert [list(line.get_ydata()) for line in lines[:2]] == list(SHARES.values())
    assert len({line.get_marker() for line in lines[:2]}) == 2


def test_chance_is_drawn_and_named():
    axes = picture().figure.axes[0]
    assert [line.get_ydata()[0] for line in axes.lines[2:]] == list(CHANCES.values())
    assert {text.get_text() for text in axes.texts} == set(CHANCES)


def test_the_text_gives_every_share():
    alt = picture().alt
    assert "on the noun: layer 1 head 1 10%, layer 1 head 2 75%" in alt
    assert "by luck 8%, always the same 50%" in alt


@pytest.mark.parametrize(
    "changed",
    [{"shares": {}}, {"shares": {"one": [0.5]}}, {"shares": {"one": [0.5, 1.5]}}],
)
def test_what_does_not_fit_is_refused(changed):
    with pytest.raises(ValueError, match=r"kinds|should name|from 0 to 1"):
        picture(**changed)
