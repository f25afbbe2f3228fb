"""A browser on a running course, and everything that either of them complained about."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright

from autograder.lessons.release import read_notebook
from tests.browser.laboratory import Laboratory, course_in, laboratory
from tests.browser.lesson_page import REACTING, LessonPage
from workbook.setup.doors import BROWSERS
from workbook.setup.server import HOST
from workbook.syllabus import lesson

LESSON = lesson("02-dot-product-attention")
# Playwright adds the rest by itself: no window, no sandbox (root has none), an empty profile.
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Complaints:
    """What went wrong in the browser, in words: errors, refused requests, requests to elsewhere."""

    found: list[str] = field(default_factory=list)

    def listen(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda error: self.found.append(f"uncaught: {error.error}"))
        context.on("response", self._response)
        context.on("request", self._request)

    def _console(self, message) -> None:
        if message.type == "error":
            self.found.append(f"console: {message.text} ({message.location.get('url')})")

    def _response(self, response) -> None:
        if response.status >= 400:
            self.found.append(f"{response.status}: {response.url}")

    def _request(self, request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname != HOST:
            self.found.append(f"asked for something from elsewhere: {request.url}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab, started by the course's own command in a course of its own."""
    root = course_in(tmp_path_factory.mktemp("course"), LESSON)
    with laboratory(root, LESSON) as running:
        yield running


@pytest.fixture(scope="module")
def complaints():
    return Complaints()


@pytest.fixture(scope="module")
def window(complaints):
    """A browser window that has never been anywhere."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(
            f"These tests need a Chromium. None of {', '.join(BROWSERS)} is on the PATH. "
            "What to do: install one (Debian, Ubuntu: sudo apt install chromium)."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 960})
        context.set_default_timeout(REACTING)
        expect.set_options(timeout=REACTING)
        complaints.listen(context)
        yield context
        context.close()
        browser.close()


@pytest.fixture(scope="module")
def page(window, lab: Laboratory) -> LessonPage:
    """The lesson, opened at the address that the command printed."""
    name = LESSON.name
    notebook = read_notebook(lab.root / "lessons" / name / f"{name}.ipynb")
    opened = LessonPage(window.new_page(), notebook)
    opened.open(lab.address)
    return opened


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    """Keeps a picture of a page, in $WORKBOOK_SCREENSHOTS where it is set."""
    chosen = os.environ.get("WORKBOOK_SCREENSHOTS")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)

    def keep(page: Page, name: str, showing: Locator | None = None) -> None:
        if showing is not None:
            # JupyterLab only estimates the height of cells that were never seen: the first time
            # it lays them out, the second time the place is right.
            showing.scroll_into_view_if_needed()
            showing.scroll_into_view_if_needed()
        page.screenshot(path=folder / f"{name}.png")

    return keep
