"""Numbers and clock times in words."""

import pytest

from workbook.corpus.phrasebook.numbers import clock, in_english, in_spanish


@pytest.mark.parametrize(
    ("number", "english", "spanish"),
    [
        (0, "zero", "cero"),
        (16, "sixteen", "dieciséis"),
        (21, "twenty-one", "veintiuno"),
        (22, "twenty-two", "veintidós"),
        (30, "thirty", "treinta"),
        (45, "forty-five", "cuarenta y cinco"),
        (100, "one hundred", "cien"),
        (101, "one hundred one", "ciento uno"),
        (500, "five hundred", "quinientos"),
        (777, "seven hundred seventy-seven", "setecientos setenta y siete"),
        (1000, "one thousand", "mil"),
        (2024, "two thousand twenty-four", "dos mil veinticuatro"),
    ],
)
def test_numbers_in_words(number, english, spanish):
    assert " ".join(in_english(number)) == english
    assert in_spanish(number) == spanish


@pytest.mark.parametrize(
    ("number", "masculine", "feminine"),
    [
        (1, "un", "una"),
        (2, "dos", "dos"),
        (21, "veintiún", "veintiuna"),
        (31, "treinta y un", "treinta y una"),
        (200, "doscientos", "doscientas"),
        (501, "quinientos un", "quinientas una"),
        (1200, "mil doscientos", "mil doscientas"),
    ],
)
def test_a_number_agrees_with_its_noun(number, masculine, feminine):
    assert in_spanish(number, "m") == masculine
    assert in_spanish(number, "f") == feminine


@pytest.mark.parametrize(
    ("hour", "minutes", "english", "spanish"),
    [
        (1, 0, "one o'clock", "la una"),
        (2, 0, "two o'clock", "las dos"),
        (6, 30, "half past six", "las seis y media"),
        (5, 15, "a quarter past five", "las cinco y cuarto"),
        (12, 45, "a quarter to one", "la una menos cuarto"),
        (7, 50, "ten to eight", "las ocho menos diez"),
        (9, 20, "twenty past nine", "las nueve y veinte"),
    ],
)
def test_clock_times(hour, minutes, english, spanish):
    words, said = clock(hour, minutes)
    assert (" ".join(words), said) == (english, spanish)


@pytest.mark.parametrize("number", [-1, 10_000])
def test_numbers_out_of_reach_are_refused(number):
    with pytest.raises(ValueError, match=str(number)):
        in_english(number)
    with pytest.raises(ValueError, match=str(number)):
        in_spanish(number)
