"""Markdown as a grader's browser shows it."""

from html.parser import HTMLParser

import pytest
from nbformat.v4 import new_markdown_cell
from traitlets.config import Config

from autograder.grading.grading_page import clean_html, clean_markdown


class Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.words = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.words += data


def shown(source, **cell):
    context = {"cell": new_markdown_cell(source, **cell), "resources": {}}
    return Page(clean_markdown(context, source))


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)></svg>",
        "<iframe src='javascript:alert(1)'></iframe>",
        "[click](javascript:alert(1))",
        "[click](JaVaScript&colon;alert(1))",
        "[click](java&#115;cript:alert(1))",
        "<a href='java\tscript:alert(1)'>click</a>",
        "[click](data:text/html,<script>alert(1)</script>)",
        "<a href=' data:text/html,x'>click</a>",
        "<p style='background:url(javascript:alert(1))' onclick='alert(1)'>x</p>",
        "<!-- --><form action='/api'><input type=submit></form>",
        "<style>body { display: none }</style>",
        "```\n</code></pre><script>alert(1)</script>\n```",
        "$</script><script>alert(1)</script>$",
        "<details ontoggle=alert(1) open>x</details>",
        "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    ],
)
def test_no_script_of_a_students_can_run(attack):
    page = shown(f"Before.\n\n{attack}\n\nAfter.")
    assert not {"script", "svg", "iframe", "form", "input", "style", "math", "object"} & set(
        page.tags
    )
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert name != "style"
        assert "script:" not in "".join((value or "").lower().split())
        assert not (name == "href" and value.strip().startswith("data:"))
    assert "Before." in page.words
    assert "After." in page.words


def test_text_keeps_its_form():
    page = shown(
        "# Why\n\nBecause **dot products** grow: $a < b$ and `x < y`.\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two\n\n> quoted\n\n"
        "<details><summary>more</summary>hidden</details>\n\n[paper](https://arxiv.org)\n\n"
        "```python\nreturn 1\n```"
    )
    assert {"h1", "strong", "code", "table", "td", "li", "blockquote", "details", "pre"} <= set(
        page.tags
    )
    assert "$a < b$" in page.words
    assert "x < y" in page.words
    assert ("href", "https://arxiv.org") in page.attributes


def test_what_a_check_prints_keeps_its_paragraphs_and_runs_nothing():
    page = Page(clean_html("<p><strong>Hint 2</strong></p><script>alert(1)</script>"))
    assert page.tags == ["p", "strong"]


def test_a_pasted_picture_is_shown():
    page = shown("![mine](attachment:me.png)", attachments={"me.png": {"image/png": "aGVsbG8="}})
    assert ("src", "data:image/png;base64,aGVsbG8=") in page.attributes


def test_the_course_uses_it_wherever_nbgrader_shows_markdown(course):
    from traitlets.config import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    assert isinstance(config, Config)
    assert config.HTMLExporter.filters == {
        "markdown2html": clean_markdown,
        "clean_html": clean_html,
    }
    assert config.GenerateFeedback.force is True
    assert config.HTMLExporter.sanitize_html is True
