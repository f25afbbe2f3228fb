"""Markdown and HTML as a grader's browser shows them: they keep their form, and run nothing.

nbgrader's templates put rendered markdown into the grading page and the feedback as it is, scripts
included, whatever `sanitize_html` says; of HTML that was printed they show the tags of paragraphs.
These filters take the place of nbconvert's there.
"""

from functools import cache
from typing import Any

import bleach
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import markdown2html_mistune

TAGS = bleach.ALLOWED_TAGS | set(
    "br dd del details div dl dt h1 h2 h3 h4 h5 h6 hr img ins kbd p pre s small span sub summary "
    "sup table tbody td th thead tr u".split()
)
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title", "width", "height"}}
_PROTOCOLS = {"http", "https", "mailto", "data"}


@pass_context
def clean_markdown(context: Any, source: str) -> str:
    """The HTML of a cell's markdown, without scripts and without links that run any."""
    return _clean(_exporter().markdown2html(context, source))


def clean_text(source: str) -> str:
    """The same for markdown that stands in no cell."""
    return _clean(markdown2html_mistune(source))


def clean_html(html: Any) -> str:
    """The same of HTML that a cell printed, as a check prints what is wrong."""
    return _clean(str(html))


def _clean(html: str) -> str:
    return bleach.clean(html, tags=TAGS, attributes=_is_harmless, protocols=_PROTOCOLS)


def _is_harmless(tag: str, name: str, value: str) -> bool:
    if tag == "a" and value.strip().lower().startswith("data:"):
        return False  # a picture may be data; a page to go to may not
    return name in ("class", "id", "align") or name in _ATTRIBUTES.get(tag, ())


@cache
def _exporter() -> HTMLExporter:
    return HTMLExporter()
