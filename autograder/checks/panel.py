"""How a verdict looks: a panel for the notebook, and its plain-text twin for everything else.

State is never told by colour alone: every line has a word and a mark.
"""

from html import escape

from autograder.checks.verdict import Verdict, printable

_FRAME = (
    "border-left:6px solid {edge};padding:.6em 1em;margin:.3em 0;"
    "background:var(--jp-layout-color1,#fff);color:var(--jp-content-font-color1,#111);"
    "font-family:var(--jp-ui-font-family,sans-serif);line-height:1.45"
)
_CODE = (
    "font-family:var(--jp-code-font-family,monospace);background:var(--jp-layout-color2,#eee);"
    "padding:.4em .6em;margin:.4em 0;white-space:pre-wrap"
)
_SMALL = "font-size:.9em"
_PASSED, _FAILED = "#2e7d5b", "#b3471d"
_PRINTED_LINES = 12


class Panel:
    """A verdict and a last remark (where the piece was saved, what comes next), ready to
    display."""

    def __init__(self, verdict: Verdict, remark: str = "") -> None:
        self.verdict = verdict
        self.remark = remark

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def text(self) -> str:
        """The twin in plain text; also what a terminal prints."""
        verdict = self.verdict
        lines = [f"{_mark(verdict.passed)} {verdict.exercise}: {headline(verdict)}"]
        lines += [f"  → {printable(paragraph)}" for paragraph in _explanations(verdict)]
        if verdict.error:
            lines += [f"  {line}" for line in _error_lines(verdict.error)]
        if not verdict.cause:
            lines += [
                f"  {_mark(result.passed)} {result.name}"
                + ("" if result.passed else f"\n      {printable(result.message)}")
                for result in verdict.results
            ]
        if verdict.printed:
            lines += ["  Printed by your code:", *(f"  | {line}" for line in _printed(verdict))]
        if self.remark:
            lines.append(f"  {self.remark}")
        return "\n".join(lines)

    def html(self) -> str:
        """The panel: no script, nothing fetched, and only tags that a sanitizer leaves alone (the
        grading page shows it too)."""
        verdict = self.verdict
        edge = _PASSED if verdict.passed else _FAILED
        parts = [
            f'<div role="status" style="{_FRAME.format(edge=edge)}">',
            f"<div><strong>{_mark(verdict.passed)} {_escape(verdict.exercise)}</strong>: "
            f"{_escape(headline(verdict))}</div>",
        ]
        parts += [
            f'<div style="margin:.5em 0;font-size:1.05em">{_escape(paragraph)}</div>'
            for paragraph in _explanations(verdict)
        ]
        if verdict.error:
            parts.append(_code("\n".join(_error_lines(verdict.error))))
        if not verdict.cause:
            items = "".join(
                f"<li>{_mark(r.passed)} {_escape(r.name)}"
                + (
                    ""
                    if r.passed
                    else f'<div style="{_SMALL};padding-left:1.3em">{_escape(r.message)}</div>'
                )
                + "</li>"
                for r in verdict.results
            )
            parts.append(
                f'<ul style="list-style:none;padding-left:.2em;margin:.4em 0">{items}</ul>'
            )
        if verdict.printed:
            parts.append(f'<div style="{_SMALL}">Printed by your code:</div>')
            parts.append(_code("\n".join(_printed(verdict))))
        if self.remark:
            parts.append(f'<div style="{_SMALL}">{_escape(self.remark)}</div>')
        return "".join(parts) + "</div>"


def _code(text: str) -> str:
    return f'<pre style="{_CODE}">{_escape(text)}</pre>'


def headline(verdict: Verdict) -> str:
    """The verdict in one line."""
    held = sum(result.passed for result in verdict.results)
    if verdict.passed:
        return f"right. All {held} properties hold."
    if verdict.cause:
        return f"{verdict.cause}."
    if verdict.forbidden and held == len(verdict.results):
        return (
            f"works, but {'not as asked' if verdict.instead else 'the torch call does the work'}."
        )
    return f"not yet. {held} of {len(verdict.results)} properties hold."


def _escape(text: str) -> str:
    return escape(printable(text))


def _explanations(verdict: Verdict) -> list[str]:
    told = dict.fromkeys((verdict.told_first, verdict.diagnosis))
    explanations = [each.message for each in told if each is not None]
    if verdict.lent:
        names = ", ".join(verdict.lent)
        explanations.append(
            f"Judged with the course's own {names}, so that a mistake of yours there isn't counted "
            "here again."
        )
    return explanations


def _error_lines(error: dict) -> list[str]:
    said = f"{error['type']}: {error['message']}"
    where = ""
    if error["code"]:
        inside = f"in {error['function']}, " if error["function"].isidentifier() else ""
        where = f"{inside}line {error['line']}: {error['code']}"
    return [printable(line) for line in (said, where) if line]


def _printed(verdict: Verdict) -> list[str]:
    lines = verdict.printed.rstrip("\n").split("\n")
    shown = [printable(line[:160]) for line in lines[:_PRINTED_LINES]]
    more = len(lines) - len(shown)
    return [*shown, f"… and {more} lines more"] if more else shown


def _mark(passed: bool) -> str:
    return "✓" if passed else "✗"
