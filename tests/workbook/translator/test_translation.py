"""A translator in use: odd input, style, saving. Its model is one that copies its source, so that
what goes in and what comes out can be compared."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from workbook.tensor_file import BrokenTensorFile, read_tensors, write_tensors
from workbook.translator import translation
from workbook.translator.assembly import Pieces, take
from workbook.translator.sentence_case import SentenceCase
from workbook.translator.text import SubwordTokenizer
from workbook.translator.translation import Card, Translator, card_of, words_of

ENGLISH = [
    "This cat is very large.",
    "Where is the station?",
    "I love you!",
    "My brother, who is tired, sleeps and my sister reads a book.",
    'He said: "Go home (now)."',
    "Mr. Smith isn't at home; it's 10 o'clock - don't wait!",
]
TOKENIZER = SubwordTokenizer.train(
    [
        *ENGLISH,
        "¿Dónde? ¡Sí!",
        "0123456789",
        "abcdefghijklmnopqrstuvwxyz",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    ],
    120,
)
CASE = SentenceCase({"I", "I'm", "Mr", "Paris", "Smith", "TV", "rose"})
SHAPE = dict(
    source_vocab=len(TOKENIZER), target_vocab=len(TOKENIZER), d_model=8, num_heads=2, num_layers=1,
    d_ff=8, share_embeddings=True, max_length=64,
)  # fmt: skip
CARD = Card(
    preset="tiny",
    corpus="phrasebook",
    about="some sentences",
    expect="Little.",
    shape=SHAPE,
    words=words_of(ENGLISH),
    longest=10,
    share=1.0,
)


@pytest.fixture
def asked():
    """The sentences that reached the model."""
    return []


@pytest.fixture
def echo(asked):
    """A translator that copies; of its pieces only the decoding is used."""

    def copy(model, source, length, bos_id, eos_id, beam_size=1):
        assert source.size(1) <= length <= SHAPE["max_length"]
        asked.extend(TOKENIZER.decode(row) for row in source.tolist())
        return source if beam_size == 1 else (source, torch.zeros(source.size(0)))

    pieces = Pieces(None, None, copy, copy, mine=True)
    return Translator(nn.Linear(1, 1), TOKENIZER, CASE, CARD, pieces)


def test_a_sentence_goes_through(echo):
    answer = echo.translate("This cat is very large.")
    assert (answer.text, answer.notes, answer.answered) == ("This cat is very large.", (), True)
    assert str(answer) == "This cat is very large."


@pytest.mark.parametrize(
    ("typed", "reaches", "answer"),
    [
        ("this cat is very large", "this cat is very large.", "this cat is very large"),
        ("This cat is very large", "this cat is very large.", "This cat is very large"),
        ("this cat is very large.", "this cat is very large.", "this cat is very large."),
        ("where is the station", "where is the station?", "where is the station"),
        ("smith is at home", "Smith is at home.", "Smith is at home"),
        ("I love you", "I love you.", "I love you"),
        ("i love you!", "I love you!", "I love you!"),
        ("where is paris", "where is Paris?", "where is Paris"),
        ("tv is very tired", "TV is very tired.", "TV is very tired"),
        ("where is the rose", "where is the rose?", "where is the rose"),
        ("Where is the Rose", "where is the Rose?", "Where is the Rose"),
        ("THIS CAT IS VERY LARGE", "this cat is very large.", "This cat is very large"),
        ("WHERE IS MR. SMITH?", "where is Mr. Smith?", "Where is Mr. Smith?"),
        ("TV IS VERY TIRED!", "TV is very tired!", "TV is very tired!"),
        ("GO", "go.", "Go"),
    ],
)
def test_it_reaches_the_model_in_sentence_case_and_is_answered_as_typed(
    echo, asked, typed, reaches, answer
):
    assert echo.translate(typed).text == answer
    assert asked == [reaches]


QUESTIONS = """
do you like cats
do they sleep
don't you know him
does smith work here
does your brother work here
is smith's cat tired
have they arrived
haven't you slept
has the train left
is the station far
is this your book
is there a doctor
isn't it cold
are you tired
were these yours
can anyone help me
could i have some water
will it rain
shall we go
may i go
must she leave
what is that
what time is it
what happened
what's your name
what're they
who are you
who ate my bread
whose book is this
which one do you want
why not
why don't you sleep
when was that
when does the train leave
when's the party
where
where are my shoes
how do you know
how old is he
how many cats are there
how'd it go
"""
STATEMENTS = """
have a nice day
have some water
have fun
do it again
do your homework
do the dishes
do not worry
don't worry
may the best win
had i known i would have slept
was great
is fine
can't wait
when i was young i lived here
when it rains i sleep
when smith came we left
when i'm tired i sleep
where there is a will there is a way
what i want is a cat
what smith said is true
what a nice day
who i am is my secret
whose it was nobody knew
why he left is a secret
how to cook
how nice
how i met my wife
how i sleep
you know him
because i can
i know what that is
"""


@pytest.mark.parametrize("typed", QUESTIONS.split("\n")[1:-1])
def test_a_question_without_its_mark_is_one(typed):
    written, marked = translation._typed(typed, CASE)
    assert marked
    assert written.endswith("?")


@pytest.mark.parametrize("typed", STATEMENTS.split("\n")[1:-1])
def test_a_command_a_clause_and_a_statement_are_no_questions(typed):
    written, marked = translation._typed(typed, CASE)
    assert marked
    assert written.endswith(".")


def test_an_argument_in_another_encoding_is_answered(echo, asked):
    answer = echo.translate("the caf\udce9 is very large.")
    assert answer.answered
    assert asked == ["the caf is very large."]
    assert answer.notes[0] == "left out, because it can't read it: \N{REPLACEMENT CHARACTER}"
    (answer.source + str(answer)).encode()


def test_an_inverted_mark_goes_with_the_mark_that_was_added():
    assert translation._in_style("¿Dónde está?", "where is it", CASE) == "dónde está"
    assert translation._in_style("¿Dónde está?", "where is it?", CASE) == "¿dónde está?"


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "nothing to translate"),
        (" \n\t\u200b", "nothing to translate"),
        ("😀 😀", "no words"),
        ("?!", "no words"),
        ("где мой кот", "not these letters"),
        ("我的猫", "not these letters"),
        ("el perro negro", "none of these words: el, perro, negro"),
        ("a" * 5_001, "5,001 letters are too many"),
    ],
)
def test_what_cannot_be_translated_is_answered_with_the_reason(echo, asked, typed, why):
    answer = echo.translate(typed)
    assert not answer.answered
    assert answer.text == ""
    assert why in answer.notes[0]
    assert asked == []


def test_emoji_around_the_text_are_kept_and_those_inside_left_out_aloud(echo, asked):
    answer = echo.translate("😀 I love 🐈 you! ❤")
    assert asked == ["I love you!"]
    assert answer.text == "😀 I love you! ❤"
    assert "can't read it: 🐈" in answer.notes[0]
    assert echo.translate("I love you! 😀").notes == ()


def test_emoji_that_are_joined_to_one_stay_one(echo, asked):
    family, on_fire = "👨\u200d👩\u200d👧", "❤\ufe0f\u200d🔥"
    answer = echo.translate(f"{family} I love{on_fire} you! {on_fire}{family}")
    assert asked == ["I love you!"]
    assert answer.text == f"{family} I love you! {on_fire}{family}"
    assert answer.notes == (f"left out, because it can't read it: {on_fire}",)
    assert echo.translate("I lo\u200dve you\u200d!").text == "I love you!"


def test_foreign_letters_are_left_out_wherever_they_stand(echo, asked):
    answer = echo.translate("ж this cat is ж very large")
    assert asked == ["this cat is very large."]
    assert answer.text == "this cat is very large"
    assert "can't read it: ж" in answer.notes[0]


def test_a_foreign_capital_that_begins_a_sentence_is_left_out_aloud(echo, asked):
    answer = echo.translate("Øcat is very large. This is Ж.")
    assert sorted(asked) == ["cat is very large.", "this is ."]
    assert answer.notes == ("left out, because it can't read it: Ø Ж",)


def test_new_words_are_named_and_mostly_new_words_are_warned_of(echo):
    assert echo.translate("This cat is blue.").notes == ("not met in training: blue",)
    doubtful = echo.translate("This el perro negro").notes
    assert "is it English?" in doubtful[0]
    assert "el, perro, negro" in doubtful[1]


@pytest.mark.parametrize("long", ["x" * 4_000, "ж" * 4_000, "x" * 31])
@pytest.mark.parametrize("typed", ["{}", "is {} is", "is {} is is is {} is"])
def test_a_note_shows_the_beginning_of_a_long_word(echo, typed, long):
    for note in echo.translate(typed.format(long, long)).notes:
        assert len(note) < 100
        assert long not in note


def test_a_note_names_what_is_short_in_full(echo):
    assert echo.translate("is blue blue red").notes[-1] == "not met in training: blue, red"
    many = " ".join("is " + 3 * letter for letter in "abcdefghijk")
    named = echo.translate(many).notes[-1]
    assert named == "not met in training: aaa, bbb, ccc, ddd, eee, fff, ggg, hhh…"


def test_a_number_alone_is_translated(echo):
    assert echo.translate("10").text == "10"


def test_sentences_are_translated_one_by_one(echo, asked):
    typed = 'Where is Mr. Smith? He said: "Go home (now)." I love you!'
    assert echo.translate(typed).text == typed
    assert sorted(asked) == sorted(
        ["where is Mr. Smith?", 'he said: "Go home (now)."', "I love you!"]
    )


def test_one_sentence_in_capitals_among_others_is_read_as_they_are(echo, asked):
    answer = echo.translate("GO HOME! I love you.")
    assert sorted(asked) == ["I love you.", "go home!"]
    assert answer.source == "GO HOME! I love you."
    assert answer.text == "Go home! I love you."


def test_a_long_sentence_is_cut_at_a_comma_or_a_conjunction_and_that_is_said(echo, asked):
    typed = "My brother, who is very very tired, reads a book and my cat is very large."
    answer = echo.translate(typed)
    assert len(asked) == 2
    assert "my brother, who is very very tired," in asked
    assert "longer than what it was trained on (10 words)" in answer.notes[0]
    assert normal(answer.text) == normal(typed)


def normal(text):
    return text.lower().replace(",", "").replace(".", "").split()


def test_no_part_is_longer_than_the_training_and_nothing_is_lost(echo, asked):
    typed = " ".join(["cat"] * 57)
    answer = echo.translate(typed)
    assert all(len(sentence.split()) <= 10 for sentence in asked)
    assert normal(answer.text) == ["cat"] * 57


def test_one_word_of_many_letters_does_not_break_the_model(echo):
    assert echo.translate("is " + "x" * 300).answered


def test_many_sentences_come_back_in_order(echo):
    given = [" ".join(["Cat"] + ["cat"] * (n % 9)) for n in range(40)]
    for beam_size in (1, 4):
        assert echo.translate_all(given, beam_size) == given


def test_a_beam_of_none_is_refused(echo):
    with pytest.raises(ValueError, match="at least 1"):
        echo.translate_all(["cat"], 0)


@pytest.fixture
def real():
    torch.manual_seed(5)
    pieces = take()
    return Translator(pieces.Transformer(**SHAPE), TOKENIZER, CASE, CARD, pieces)


def test_the_cache_writes_what_a_students_decoding_writes(real):
    own = Translator(real.model, TOKENIZER, CASE, CARD, replace(real.pieces, mine=True))
    for beam_size in (1, 3):
        assert own.translate_all(ENGLISH, beam_size) == real.translate_all(ENGLISH, beam_size)


def test_it_comes_back_from_its_file(real, tmp_path):
    path = tmp_path / "models" / "tiny.safetensors"
    real.save(path)
    again = Translator.load(path)
    assert again.card == real.card == card_of(path)
    assert again.case.written == CASE.written
    assert again.translate_all(ENGLISH) == real.translate_all(ENGLISH)
    assert not again.model.training


def test_weights_go_into_the_pieces_that_are_given(real, tmp_path):
    path = tmp_path / "a"
    real.save(path)

    class Own(type(real.model)):
        pass

    again = Translator.load(path, replace(real.pieces, Transformer=Own, mine=True))
    assert isinstance(again.model, Own)
    assert torch.equal(again.model.head.weight, real.model.head.weight)


@pytest.mark.parametrize(
    ("trained", "mine", "more"),
    [(False, True, " --mine"), (True, True, " --mine --again"), (False, False, " --again")],
)
def test_pieces_that_build_another_shape_are_refused_with_the_command_that_helps(
    real, tmp_path, trained, mine, more
):
    real.card = replace(real.card, mine=trained)
    real.save(tmp_path / "a")
    other = replace(real.pieces, Transformer=lambda **shape: nn.Linear(2, 2), mine=mine)
    command = f"`workbook translator --preset tiny --data phrasebook{more}`"
    with pytest.raises(ValueError, match=f"don't fit this Transformer.*{command}"):
        Translator.load(tmp_path / "a", other)


def test_weights_go_into_pieces_that_keep_a_mask_of_their_own(real, tmp_path):
    class Own(type(real.model)):
        def __init__(self, **shape):
            super().__init__(**shape)
            self.register_buffer("causal", torch.ones(4, 4).tril(), persistent=False)

    real.save(tmp_path / "a")
    again = Translator.load(tmp_path / "a", replace(real.pieces, Transformer=Own, mine=True))
    assert torch.equal(again.model.head.weight, real.model.head.weight)


@pytest.mark.parametrize("note", [{}, {"format": 99}, {"format": 1, "card": {"words": ""}}])
def test_a_file_of_another_version_says_what_to_do(real, tmp_path, note):
    path = tmp_path / "a"
    real.save(path)
    tensors, _ = read_tensors(path)
    write_tensors(path, tensors, note)
    with pytest.raises(BrokenTensorFile, match="train one with `workbook translator`"):
        Translator.load(path)


def test_words_are_counted_without_capitals_and_marks():
    assert words_of(["Don't go!", "GO (now)."]) == {"don't", "go", "now"}


def test_an_answer_with_notes_reads_as_text():
    answer = translation.Translation("a", "b", ("c",))
    assert str(answer) == "b\n(c)"
