"""The lessons in order, and the pieces each one asks for."""

import keyword

import pytest

from workbook.syllabus import LESSONS, PIECES, lesson, lesson_of


def test_lessons_are_numbered_in_order():
    assert [each.number for each in LESSONS] == list(range(1, len(LESSONS) + 1))
    for each in LESSONS:
        assert each.name.startswith(f"{each.number:02d}-")
        assert each.title


def test_a_lessons_module_is_its_name_for_python():
    assert lesson(2).module == "dot_product_attention"
    for each in LESSONS:
        assert each.module.isidentifier()


@pytest.mark.parametrize("name", ["02-dot-product-attention", "02", "2", 2])
def test_a_lesson_is_found_by_its_name_or_number(name):
    assert lesson(name) is LESSONS[1]


@pytest.mark.parametrize("name", ["", "0", 0, 11, "002", "dot-product-attention", "02-Dot", None])
def test_any_other_name_is_refused_with_those_there_are(name):
    with pytest.raises(KeyError, match=r"no lesson is called .*01-rnn-recap.*10-one-architecture"):
        lesson(name)


def test_every_piece_belongs_to_one_lesson():
    assert len(set(PIECES)) == len(PIECES)
    for each in LESSONS:
        for piece in each.pieces:
            assert lesson_of(piece) is each
    with pytest.raises(KeyError, match="'sofmax' is not a piece"):
        lesson_of("sofmax")


def test_pieces_come_in_the_order_of_the_lessons():
    assert PIECES[0] == "rnn_step"
    assert [lesson_of(piece).number for piece in PIECES] == sorted(
        lesson_of(piece).number for piece in PIECES
    )


def test_a_piece_can_be_a_file_and_a_name_on_every_system():
    for piece in PIECES:
        assert piece.isidentifier()
        assert not keyword.iskeyword(piece)
    # macOS and Windows hold RNN.py and rnn.py for one file.
    assert len({piece.lower() for piece in PIECES}) == len(PIECES)
