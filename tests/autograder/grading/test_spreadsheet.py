"""Tables for spreadsheets."""

import csv
import io

import pytest

from autograder.grading import spreadsheet


def cells(*values):
    (row,) = csv.reader(io.StringIO(spreadsheet.written([values]), newline=""))
    return row


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1+1", "-cmd|x", "@SUM(A1)", "\tx", "\n=1", "＝1+1", "--", '=A1,"=B1"'],
)
def test_no_text_is_a_formula(text):
    assert cells(text, text) == [f"'{text}"] * 2


def test_no_text_begins_a_row():
    assert cells("\r=1+1", "x\r=1+1", "y\r\n=2") == ["'\n=1+1", "x\n=1+1", "y\n=2"]


def test_numbers_names_and_no_grade_stay_as_they_are():
    harmless = ["Díaz, Ana", "-1.5", "+2", "-", "", "x=1"]
    assert cells(*harmless, -1.5, 0) == [*harmless, "-1.5", "0"]
