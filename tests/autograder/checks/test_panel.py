"""How a verdict looks, as text and as HTML."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.filters.strings import clean_html

from autograder.checks.panel import Panel, headline
from autograder.checks.verdict import Diagnosis, Result, Verdict

SCRIPT = "<script>alert('1')</script><img src=x onerror=alert(2)> \" & '"
ERROR = {
    "type": "ValueError",
    "message": "bad <b>",
    "line": 3,
    "code": "return x < y",
    "function": "softmax",
    "bases": [],
}


def verdict(passed=True, **more):
    results = (
        Result("the formula", True, 1.0),
        Result("the mask", passed, 1.0, "" if passed else "True means may attend."),
    )
    return Verdict("softmax", results, **more)


class Page(HTMLParser):
    """The tags, attributes and text of a piece of HTML; unclosed tags are an error."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], "", []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


CASES = {
    "right": verdict(),
    "wrong": verdict(False, diagnosis=Diagnosis("mask inverted", "Turn it round.")),
    "raised": verdict(False, error=ERROR),
    "not judged": verdict(cause="not defined", diagnosis=Diagnosis("not defined", "Run the cell.")),
    "forbidden": verdict(forbidden=("softmax", "log_softmax")),
    "printed": verdict(printed="hello\nworld\n"),
}


@pytest.mark.parametrize("case", CASES)
def test_html_and_text_say_the_same_things(case):
    panel = Panel(CASES[case], "Saved.")
    html, text = Page(panel.html()).text, panel.text()
    for words in ("softmax", headline(CASES[case]), "Saved."):
        assert words in html
        assert words in text
    for result in CASES[case].results:
        assert (result.name in html) == (result.name in text)
        assert (result.message in html) == (result.message in text)


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_fetched_and_nothing_runs(case):
    page = Page(Panel(CASES[case], "Saved.").html())
    assert not {"script", "img", "link", "iframe", "object", "a", "style"} & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in ("src", "href")
        assert not re.search(r"url\(|//|@import", value or "")


@pytest.mark.parametrize("case", CASES)
def test_state_is_told_by_a_mark_and_a_word_and_not_by_colour_alone(case):
    colourless = re.sub(r' style="[^"]*"', "", Panel(CASES[case]).html())
    first = colourless.index("✓" if CASES[case].passed else "✗")
    assert first < colourless.index("softmax")
    words = "right." if CASES[case].passed else ("not yet", "not defined", "torch call does")
    assert any(word in colourless for word in ([words] if isinstance(words, str) else words))


def test_each_property_has_a_mark_of_its_own():
    text = Panel(CASES["wrong"]).text()
    assert "✓ the formula" in text
    assert "✗ the mask\n      True means may attend." in text


def test_what_a_student_wrote_is_escaped_everywhere():
    hostile = Verdict(
        SCRIPT,
        (Result(SCRIPT, False, 1.0, SCRIPT),),
        diagnosis=Diagnosis(SCRIPT, SCRIPT),
        error=ERROR | {key: SCRIPT for key in ("type", "message", "code", "function")},
        forbidden=(SCRIPT,),
        printed=SCRIPT,
    )
    for each in (hostile, verdict(cause=SCRIPT, diagnosis=Diagnosis(SCRIPT, SCRIPT))):
        page = Page(Panel(each, SCRIPT).html())
        assert not {"script", "img"} & set(page.tags)
        assert SCRIPT in page.text


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.text(max_size=30))
def test_no_text_at_all_breaks_out_of_the_panel(words):
    plain = Page(Panel(verdict(False), "Saved.").html())
    page = Page(Panel(verdict(False, diagnosis=Diagnosis("x", words)), words).html())
    assert set(page.tags) <= {*plain.tags, "p"}


def test_the_students_line_is_shown_with_the_error():
    for shown in (Panel(CASES["raised"]).text(), Page(Panel(CASES["raised"]).html()).text):
        assert "ValueError: bad <b>" in shown
        assert "in softmax, line 3: return x < y" in shown


def test_an_error_without_a_line_names_none():
    panel = Panel(verdict(False, error=ERROR | {"code": "", "line": 0, "function": ""}))
    assert "ValueError: bad <b>" in panel.text()
    assert "line" not in panel.text()


def test_the_diagnosis_comes_before_the_properties():
    for shown in (Panel(CASES["wrong"]).text(), Panel(CASES["wrong"]).html()):
        assert shown.index("Turn it round.") < shown.index("the formula")


@pytest.mark.parametrize("case", CASES)
def test_the_grading_pages_sanitizer_leaves_its_tags_alone(case):
    panel = Panel(CASES[case]).html()
    clean = clean_html(panel)
    assert re.findall(r"<(\w+)", clean) == re.findall(r"<(\w+)", panel)


def test_a_piece_that_was_not_judged_shows_no_properties():
    panel = Panel(CASES["not judged"])
    assert "the formula" not in panel.text() + panel.html()
    assert "not defined." in headline(CASES["not judged"])


def test_a_call_that_is_the_answer_is_named():
    assert headline(CASES["forbidden"]) == "works, but the torch call does the work."
    assert "torch's own softmax, log_softmax" in Panel(CASES["forbidden"]).text()
    both = verdict(False, forbidden=("softmax",))
    assert headline(both) == "not yet. 1 of 2 properties hold."


def test_long_prints_are_cut_in_length_and_width():
    printed = "\n".join(["x" * 500] * 40) + "\n"
    lines = [line for line in Panel(verdict(printed=printed)).text().split("\n") if "  | " in line]
    assert len(lines) == 13
    assert max(map(len, lines)) < 170
    assert lines[-1].endswith("… and 28 lines more")
    assert Panel(verdict(printed=printed)).html().count("x" * 160) == 12


def test_a_few_prints_are_shown_whole():
    text = Panel(CASES["printed"]).text()
    assert "  | hello\n  | world" in text
    assert "more" not in text


def test_the_mime_bundle_has_the_picture_and_its_twin():
    panel = Panel(CASES["wrong"])
    assert panel._repr_mimebundle_() == {"text/plain": panel.text(), "text/html": panel.html()}


def test_what_a_file_cannot_hold_is_replaced():
    odd = Verdict(
        "softmax",
        (Result("one", False, 1.0, "\ud800\x1b[2J"),),
        diagnosis=Diagnosis("x", "\ud800\x1b[2J"),
        error=ERROR | {key: "\ud800\x1b[2J" for key in ("type", "message", "code", "function")},
        printed="\ud800\x1b[2J",
    )
    for shown in (Panel(odd).text(), Panel(odd).html()):
        assert shown.encode().decode() == shown
        assert "\x1b" not in shown
