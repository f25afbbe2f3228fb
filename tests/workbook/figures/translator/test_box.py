"""The box that translates what is typed."""

import torch

from workbook.figures import translation_box


def translate(sentence):
    if not sentence:
        return "", None
    source = sentence.split()
    weights = torch.eye(2, len(source))
    return "hola mundo", (["hola", "mundo"], source, weights)


def test_the_box_shows_the_translation_and_where_its_words_looked():
    box = translation_box(translate, "hello world .")
    assert "“hello world .” → “hola mundo”" in box.picture.alt
    assert "hola" in box.picture.alt
    picture, text = box.still()
    assert picture is not None
    assert "hola mundo" in text


def test_typing_another_sentence_draws_again():
    box = translation_box(translate, "hello world .")
    box.controls["sentence"].value = "good morning"
    assert "“good morning” →" in box.picture.alt
    assert "good morning" not in box.still()[1]


def test_an_empty_box_and_a_long_sentence_have_no_matrix():
    box = translation_box(translate, "hello")
    box.controls["sentence"].value = "  "
    assert box.problem is None
    assert "Type a sentence" in box.picture.alt
    box.controls["sentence"].value = "word " * 30
    assert "No picture of the attention" in box.picture.alt
