"""An exercise as data."""

import pytest
from torch import nn

from autograder.checks.exercise import Exercise
from autograder.exercises import UnknownExercise, all_exercises, exercise, exercises_of
from workbook.syllabus import LESSONS, PIECES, lesson


def attend(query, keys, values, mask=None, dropout_p=0.0): ...


class Attention(nn.Module):
    def __init__(self, d_model, bias=True):
        super().__init__()

    def forward(self, x, mask=None): ...


def test_the_signature_is_written_as_a_student_writes_it():
    function = Exercise("attend", reference=attend)
    assert function.signature == "attend(query, keys, values, mask=None, dropout_p=0.0)"
    assert function.forward_signature is None
    assert not function.is_class
    module = Exercise("SelfAttention", reference=Attention)
    assert module.signature == "SelfAttention(d_model, bias=True)"
    assert module.forward_signature == "forward(x, mask=None)"
    assert module.is_class


def test_the_lesson_is_the_syllabus():
    assert Exercise("beam_search", reference=attend).lesson == lesson(9)
    with pytest.raises(KeyError, match="beam_serch"):
        _ = Exercise("beam_serch", reference=attend).lesson


def declared():
    made = Exercise("attend", reference=attend)

    @made.property("one", points=1)
    def _(piece, draw):
        """The first
        should hold."""

    @made.property("two", points=0.5, repeatable=False)
    def _(piece, draw):
        """The second should hold."""

    @made.misconception("swapped")
    def _(query, keys, values):
        """You have
        swapped them."""

    return made


def test_docstrings_are_the_sentences_on_one_line():
    made = declared()
    assert [prop.sentence for prop in made.properties] == [
        "The first should hold.",
        "The second should hold.",
    ]
    assert made.misconceptions[0].message == "You have swapped them."
    assert [prop.repeatable for prop in made.properties] == [True, False]


def test_points_are_those_of_the_properties():
    assert declared().points == 1.5


def test_what_has_no_sentence_is_refused():
    made = declared()
    with pytest.raises(ValueError, match="property 'three' has no docstring"):
        made.property("three", points=1)(lambda piece, draw: None)
    with pytest.raises(ValueError, match="misconception 'other' has no docstring"):
        made.misconception("other")(lambda query, keys, values: None)


def test_two_of_a_name_are_refused():
    made = declared()

    def twin(*_):
        """A sentence."""

    with pytest.raises(ValueError, match="two of the property 'one'"):
        made.property("one", points=1)(twin)
    with pytest.raises(ValueError, match="two of the misconception 'swapped'"):
        made.misconception("swapped")(twin)
    assert (len(made.properties), len(made.misconceptions)) == (2, 1)


# ---- the exercises there are -------------------------------------------------------------------


def test_exercises_come_in_the_syllabus_order():
    names = [each.name for each in all_exercises()]
    assert names == [piece for piece in PIECES if piece in names]
    assert "scaled_dot_product_attention" in names
    assert [each.name for each in exercises_of(lesson(2))] == list(lesson(2).pieces)


def test_an_exercise_is_found_by_its_name():
    assert exercise("softmax").name == "softmax"
    assert exercise("softmax") is exercise("softmax")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("sofmax", "softmax"), ("SelfAttenton", "SelfAttention"), ("project_kqv", "project_qkv")],
)
def test_the_nearest_names_are_given(typed, meant):
    with pytest.raises(UnknownExercise, match=f"no exercise is called '{typed}'.*{meant}"):
        exercise(typed)


def test_a_name_near_nothing_gives_no_names():
    with pytest.raises(UnknownExercise, match=r"^no exercise is called '§'$"):
        exercise("§")


def test_every_exercise_can_be_shown_to_a_student():
    for each in all_exercises():
        assert each.lesson in LESSONS
        assert each.points > 0
        assert each.signature.startswith(each.name + "(")
        assert all(prop.points > 0 for prop in each.properties)
        sentences = [prop.sentence for prop in each.properties]
        sentences += [wrong.message for wrong in each.misconceptions]
        ends = (".", "?", "…", ".)")
        odd = [s for s in sentences if not (s[0].isalnum() and s.endswith(ends))]
        assert odd == []
