"""`workbook.pieces` itself: lazy, and complete."""

import subprocess
import sys

import pytest

import workbook.pieces
from workbook.syllabus import LESSONS

WITH_REFERENCES = [piece for lesson in LESSONS if lesson.number < 10 for piece in lesson.pieces]


@pytest.mark.parametrize("name", WITH_REFERENCES)
def test_every_piece_of_the_first_nine_lessons_has_a_documented_reference(name):
    piece = getattr(workbook.pieces, name)
    assert piece.__name__ == name
    assert piece.__doc__


def test_the_directory_lists_the_pieces():
    assert set(WITH_REFERENCES) <= set(dir(workbook.pieces))


def test_an_unknown_name_is_an_attribute_error_that_says_where_to_look():
    with pytest.raises(AttributeError, match=r"no piece called 'Attention'.*dir"):
        workbook.pieces.Attention  # noqa: B018


def test_a_piece_lives_in_the_module_of_its_lesson():
    for lesson in LESSONS[:9]:
        for piece in lesson.pieces:
            module = getattr(workbook.pieces, piece).__module__
            assert module == f"workbook.pieces.{lesson.module}"


def test_importing_the_package_loads_no_torch_and_a_piece_no_later_lesson():
    program = (
        "import sys, workbook.pieces\n"
        "assert 'torch' not in sys.modules\n"
        "from workbook.pieces import MultiHeadAttention\n"
        "later = [name for name in sys.modules if name.startswith('workbook.pieces.')]\n"
        "assert sorted(later) == ['workbook.pieces.dot_product_attention', "
        "'workbook.pieces.multi_head_attention'], later\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


class KeepsAway:
    """A finder that hides a module, as a judge hides the references from a submission."""

    def find_spec(self, name, path=None, target=None):
        if name == "workbook.pieces.bert":
            raise ModuleNotFoundError(f"{name} is kept away", name=name)


def test_a_piece_whose_module_is_kept_away_is_an_attribute_error_that_names_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "workbook.pieces.bert", raising=False)
    monkeypatch.delitem(vars(workbook.pieces), "Bert", raising=False)
    monkeypatch.setattr(sys, "meta_path", [KeepsAway(), *sys.meta_path])
    with pytest.raises(AttributeError, match=r"'Bert' is not here.*workbook\.pieces\.bert"):
        workbook.pieces.Bert  # noqa: B018
    assert "Bert" not in dir(workbook.pieces)
    assert "GPT" in dir(workbook.pieces)
