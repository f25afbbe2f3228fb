"""A number that won't do is a sentence to its user, without names of ours."""

import argparse

import pytest

from autograder import cli as autograder
from workbook import cli as workbook
from workbook.setup import doors
from workbook.typed_number import typed_number

PORT = "expected a port, 1 to 65535"
MINUTES = "expected a number of minutes above 0"
JOBS = "expected a number of processes, 1 or more"


@pytest.mark.parametrize("text", ["1", "7", " 7 "])
def test_a_number_that_fits_is_given(text):
    assert typed_number(int, lambda n: n >= 1, "one")(text) == int(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", "9" * 5000])
def test_another_is_refused_with_what_was_expected(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected one to nine; got '"):
        typed_number(int, lambda n: 1 <= n <= 9, "one to nine")(text)


@pytest.mark.parametrize(
    ("command", "arguments", "told"),
    [
        (doors, ["lab", "--port"], PORT),
        (workbook, ["translator", "--minutes"], MINUTES),
        (autograder, ["grade", "--jobs"], JOBS),
    ],
)
@pytest.mark.parametrize("text", ["0", "-3", "x", "inf", "nan"])
def test_the_commands_say_what_they_expect(command, arguments, told, text, capsys):
    with pytest.raises(SystemExit) as caught:
        command._parser().parse_args([*arguments[:-1], f"{arguments[-1]}={text}"])
    assert caught.value.code == 2
    assert f"argument {arguments[-1]}: {told}; got '{text}'" in capsys.readouterr().err


def test_a_port_beyond_the_last_is_refused(capsys):
    with pytest.raises(SystemExit):
        doors._parser().parse_args(["lab", "--port", "65536"])
    assert f"argument --port: {PORT}; got '65536'" in capsys.readouterr().err
