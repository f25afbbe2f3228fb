"""Whose pieces a translator is made of."""

import pytest

from workbook import pieces, toolbox
from workbook.toolbox import BrokenPiece, save
from workbook.translator.assembly import USED, credit, parts, take

SHAPE = dict(source_vocab=9, target_vocab=9, d_model=8, num_heads=2, num_layers=1, d_ff=8)


@pytest.fixture
def own_pieces():
    """A toolbox with the student's feed-forward layer, Transformer and training step."""
    save("FeedForward", "from workbook.pieces.encoder import FeedForward as Theirs\n\n\n"
         "class FeedForward(Theirs):\n    pass\n")  # fmt: skip
    save("Transformer", "from workbook.pieces.translator import Transformer as Theirs\n"
         "from workbook.toolbox import FeedForward\n\n\n"
         "class Transformer(Theirs):\n"
         "    def __init__(self, *sizes, **more):\n"
         "        super().__init__(*sizes, **more)\n"
         "        for stack in (self.encoder, self.decoder):\n"
         "            for layer in stack.layers:\n"
         "                layer.feed_forward = FeedForward(8, 8)\n")  # fmt: skip
    save("train_step", "def train_step(model, batch, *more):\n    return 0.5, 1\n")


def test_the_course_pieces_are_the_references():
    taken = take()
    assert not taken.mine
    assert all(getattr(taken, name) is getattr(pieces, name) for name in USED)
    assert not any(parts(taken, taken.Transformer(**SHAPE)).values())


def test_mine_takes_what_passed_and_borrows_the_rest_aloud(own_pieces, capsys):
    taken = take(mine=True)
    assert taken.train_step(None, None) == (0.5, 1)
    assert taken.Transformer is toolbox.Transformer
    assert taken.beam_search is pieces.beam_search
    borrowed = capsys.readouterr().out
    assert "[borrowed] beam_search" in borrowed
    assert "Transformer" not in borrowed


def test_every_piece_at_work_is_counted_also_those_inside(own_pieces):
    taken = take(mine=True)
    own = parts(taken, taken.Transformer(**SHAPE))
    assert {name for name, mine in own.items() if mine} == {
        "FeedForward", "Transformer", "train_step"
    }  # fmt: skip
    assert {"MultiHeadAttention", "Encoder", "beam_search"} <= own.keys()
    told = credit(own)
    assert told.startswith(f"3 of the {len(own)} pieces at work in it are yours: FeedForward, ")
    assert "Borrowed: MultiHeadAttention" in told


def test_credit_of_all_and_of_none():
    assert credit({"Encoder": True, "Decoder": True}) == "All 2 pieces at work in it are yours."
    assert credit({"Encoder": False}) == (
        "0 of the 1 pieces at work in it are yours. Borrowed: Encoder."
    )


def test_a_piece_that_does_not_load_is_named():
    save("Transformer", "def Transformer(:\n")
    with pytest.raises(BrokenPiece, match=r"Transformer\.py"):
        take(mine=True)
