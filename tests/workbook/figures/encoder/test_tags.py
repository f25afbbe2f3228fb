import pytest

from workbook.figures import Tagged, tagged_sentences, tagger_explorer

PARK = Tagged(["we", "park"], ["PRON", "NOUN"], [1.0, 0.6], ["PRON", "VERB"])


def texts(picture):
    return [text.get_text() for text in picture.figure.axes[0].texts]


def test_words_stand_over_their_tags_and_a_wrong_one_is_told():
    found = texts(tagged_sentences([PARK], "One wrong"))
    assert found == ["we", "PRON", "park", "NOUN", "right: VERB"]


def test_only_a_wrong_tag_is_dashed():
    boxes = tagged_sentences([PARK], "One wrong").figure.axes[0].patches
    assert [box.get_linestyle() for box in boxes] == ["solid", "dashed"] or (
        boxes[0].get_linestyle() != boxes[1].get_linestyle()
    )


def test_a_long_sentence_takes_several_lines():
    words = ["word"] * 40
    picture = tagged_sentences([Tagged(words, ["NOUN"] * 40, [1.0] * 40)], "Long")
    tops = {round(text.get_position()[1], 2) for text in picture.figure.axes[0].texts}
    assert len(tops) > 4
    assert texts(picture).count("word") == 40


def test_the_text_tells_every_word():
    assert "we PRON 100%, park NOUN (wrong: VERB) 60%." in tagged_sentences([PARK], "One").alt


@pytest.mark.parametrize("sentences", [[], [Tagged([], [], [])], [Tagged(["a"], [], [1.0])]])
def test_what_cannot_be_drawn_is_refused(sentences):
    with pytest.raises(ValueError, match=r"at least one|as many as"):
        tagged_sentences(sentences, "Nothing")


def test_the_box_is_read_anew_at_every_change():
    def tag(sentence):
        words = sentence.split()
        return Tagged(words, ["NOUN"] * len(words), [0.5 + len(word) / 100 for word in words])

    explorer = tagger_explorer(tag, "cats sleep")
    assert explorer.picture.figure.texts[0].get_text() == "Least sure of “cats”: 54%"
    explorer.controls["sentence"].value = "sleep"
    assert texts(explorer.picture) == ["sleep", "NOUN"]
    explorer.controls["sentence"].value = ""
    assert "type at least one word" in explorer.problem
