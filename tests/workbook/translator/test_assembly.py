"""Whose pieces a translator is made of."""

import pytest

from workbook import pieces, toolbox
from workbook.toolbox import BrokenPiece, save
from workbook.translator.assembly import USED, take


@pytest.fixture
def own_pieces():
    """A toolbox with the student's Transformer and training step."""
    save("Transformer", "from workbook.pieces.translator import Transformer as Theirs\n\n\n"
         "class Transformer(Theirs):\n    pass\n")  # fmt: skip
    save("train_step", "def train_step(model, batch, *more):\n    return 0.5, 1\n")


def test_the_course_pieces_are_the_references():
    taken = take()
    assert not taken.mine
    assert all(getattr(taken, name) is getattr(pieces, name) for name in USED)


def test_mine_takes_what_passed_and_borrows_the_rest_aloud(own_pieces, capsys):
    taken = take(mine=True)
    assert taken.train_step(None, None) == (0.5, 1)
    assert taken.Transformer is toolbox.Transformer
    assert taken.beam_search is pieces.beam_search
    borrowed = capsys.readouterr().out
    assert "[borrowed] beam_search" in borrowed
    assert "Transformer" not in borrowed


def test_a_piece_that_does_not_load_is_named():
    save("Transformer", "def Transformer(:\n")
    with pytest.raises(BrokenPiece, match=r"Transformer\.py"):
        take(mine=True)
