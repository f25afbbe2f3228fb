"""One notebook in JupyterLab, as a student handles it: click, type, run, look."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nbformat import NotebookNode
from playwright.sync_api import Locator, Page, expect

# Bounds, in milliseconds. A machine that runs other tests beside this one may be slow.
OPENING, RUNNING, REACTING = 120_000, 120_000, 30_000

ERROR = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]'
"""JupyterLab shows an exception as it shows stderr."""


@dataclass(frozen=True)
class Cell:
    """A cell on the page."""

    where: Locator

    @property
    def source(self) -> Locator:
        return self.where.locator(".cm-content")

    @property
    def rendered(self) -> Locator:
        """What a markdown cell looks like."""
        return self.where.locator(".jp-MarkdownOutput")

    @property
    def prompt(self) -> Locator:
        return self.where.locator(".jp-InputPrompt")

    @property
    def outputs(self) -> Locator:
        return self.where.locator(".jp-OutputArea-output")

    @property
    def panel(self) -> Locator:
        """A check's verdict."""
        return self.outputs.locator('[role="status"]')

    @property
    def errors(self) -> Locator:
        """Exceptions, and whatever was written to stderr."""
        return self.where.locator(ERROR)

    @property
    def picture(self) -> Locator:
        return self.outputs.locator("img")


class LessonPage:
    """The page on which `notebook`, a lesson's file, is open."""

    def __init__(self, page: Page, notebook: NotebookNode) -> None:
        self.page = page
        self._notebook = notebook
        self._panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self._cells = self._panel.locator(".jp-Notebook .jp-Cell")
        # JupyterLab saves by itself, too. Where that meets a person's saving, it asks what to keep.
        overwrite = page.get_by_role("button", name="Overwrite")
        page.add_locator_handler(overwrite, lambda: overwrite.click())

    def open(self, address: str) -> None:
        """Go there, and wait until the lesson is shown and its kernel is ready."""
        self.page.goto(address, timeout=OPENING)
        expect(self._cells).to_have_count(len(self._notebook.cells), timeout=OPENING)
        kernel = self.toolbar.locator(".jp-Notebook-ExecutionIndicator")
        expect(kernel).to_have_attribute("data-status", "idle", timeout=OPENING)

    @property
    def tab(self) -> Locator:
        return self.page.locator(".lm-DockPanel-tabBar .lm-mod-current")

    @property
    def toolbar(self) -> Locator:
        return self._panel.locator(".jp-NotebookPanel-toolbar")

    def cell(self, cell_id: str) -> Cell:
        """The cell with this nbgrader id."""
        return self._the_one(cell_id, [cell["id"] == cell_id for cell in self._notebook.cells])

    def cell_with(self, code: str) -> Cell:
        """The code cell that holds this text; if several do, the first."""
        matches = [
            cell.cell_type == "code" and code in cell.source for cell in self._notebook.cells
        ]
        return self._the_one(code, matches)

    def above(self, cell_id: str) -> Cell:
        """The cell before the one with this nbgrader id."""
        ids = [cell["id"] for cell in self._notebook.cells]
        return Cell(self._cells.nth(ids.index(cell_id) - 1))

    def _the_one(self, wanted: str, matches: Iterable[bool]) -> Cell:
        found = [number for number, matches_here in enumerate(matches) if matches_here]
        if not found:
            raise LookupError(f"the lesson has no cell with {wanted!r}")
        return Cell(self._cells.nth(found[0]))

    def type_into(self, cell: Cell, code: str) -> None:
        """Clear a cell and type, key by key. The editor indents; `code` has no indentation."""
        cell.source.click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.press("Delete")
        for number, line in enumerate(code.splitlines()):
            if number:
                self.page.keyboard.press("Enter")
            self.page.keyboard.type(line)

    def run(self, cell: Cell) -> None:
        """Run a code cell with the keyboard, and wait until the kernel is through with it."""
        before = cell.prompt.inner_text()
        cell.source.click()
        self.page.keyboard.press("Shift+Enter")
        expect(cell.prompt).not_to_have_text(before, timeout=RUNNING)
        expect(cell.prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=RUNNING)

    def save(self) -> None:
        """Save with the keyboard, and wait until the tab no longer says that there are changes."""
        self.page.keyboard.press("ControlOrMeta+s")
        expect(self.tab).not_to_have_class(re.compile("jp-mod-dirty"))

    def choose(self, *names: str) -> None:
        """Choose from the menu bar: `choose("Settings", "Theme", "JupyterLab Dark")`."""
        first, *rest = names
        self.page.locator(".lm-MenuBar-item", has_text=re.compile(f"^{first}$")).click()
        for depth, name in enumerate(rest):
            menu = self.page.locator(".lm-Menu").nth(depth)
            label = self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{name}$"))
            item = menu.locator(".lm-Menu-item", has=label)
            if depth == len(rest) - 1:
                item.click()
            else:
                item.hover()

    def press_validate(self, within: int) -> Locator:
        """Press nbgrader's button; the dialog it opens when it is through."""
        self.toolbar.locator(".validate-button").get_by_role("button").click()
        dialog = self.page.locator(".jp-Dialog")
        expect(dialog).to_be_visible(timeout=within)
        return dialog
