"""A student's way through lesson 02: open it, be told what is wrong, get it right, play, validate.

One server and one browser serve all of it, as one afternoon would. Each test brings the notebook
into the state that it needs.
"""

import json
import re

import pytest
from nbformat import NotebookNode
from playwright.sync_api import expect

from autograder.exercises import exercise
from autograder.lessons.cells import grade_id, is_answer, is_check
from autograder.lessons.release import from_text, read_notebook, write_notebook
from tests.browser.conftest import LESSON
from tests.browser.lesson_page import RUNNING, Cell, LessonPage

pytestmark = pytest.mark.browser

VALIDATING = 300_000
READABLE = 4.5  # the contrast that WCAG 2 asks of text, level AA

WRONG = """\
def softmax(scores, dim):
powers = scores.exp()
return powers / powers.sum(dim, keepdim=True)
"""
WRONG_IN_WHAT = "no maximum subtracted, empty rows forgotten"
RIGHT = """\
def softmax(scores, dim):
peak = scores.amax(dim, keepdim=True)
peak = peak.masked_fill(peak == -math.inf, 0.0)
powers = (scores - peak).exp()
total = powers.sum(dim, keepdim=True)
return powers / total.masked_fill(total == 0.0, 1.0)
"""
BORROWED = ("attend", "project_qkv", "scaled_dot_product_attention")
THEMES = ("JupyterLab Dark", "JupyterLab Light")  # the last one is what a student begins with

# The smallest contrast, by WCAG 2's formula, between a text inside an element and what it is on.
CONTRAST = """
element => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = colour => {
    const [r, g, b] = parts(colour).slice(0, 3).map(value => {
      const c = value / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = node => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((parts(colour)[3] ?? 1) > 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let smallest = 21;
  while (texts.nextNode()) {
    if (!texts.currentNode.data.trim()) continue;
    const holder = texts.currentNode.parentElement;
    const both = [luminance(getComputedStyle(holder).color), luminance(background(holder))];
    smallest = Math.min(smallest, (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05));
  }
  return smallest;
}
"""


@pytest.fixture(scope="module")
def prepared(page: LessonPage) -> LessonPage:
    """The lesson after its first two cells: the imports and the map."""
    page.run(page.cell_with("from autograder import check"))
    page.run(page.cell_with("transformer_map("))
    return page


@pytest.fixture(scope="module")
def right_softmax(prepared: LessonPage) -> LessonPage:
    """The lesson with a softmax that is right, checked."""
    answer(prepared, "softmax", RIGHT)
    return prepared


@pytest.fixture(scope="module")
def borrowing(right_softmax: LessonPage) -> LessonPage:
    """The lesson of a student who borrows the next three pieces, to see what they are good for."""
    page = right_softmax
    for name in BORROWED:
        answer(page, name, f'{name} = borrow("{name}")')
    return page


def answer(page: LessonPage, name: str, code: str) -> Cell:
    """Type an answer into its blank, run it and its check; the check's cell."""
    blank, check = page.cell(f"{name}-answer"), page.cell(name)
    page.type_into(blank, code)
    page.run(blank)
    page.run(check)
    return check


def solved(released: NotebookNode) -> NotebookNode:
    """The lesson with every blank filled, the written questions too."""
    answers = {grade_id(cell): cell.source for cell in from_text(LESSON).cells if is_answer(cell)}
    for cell in released.cells:
        if is_answer(cell):
            cell.source = answers[grade_id(cell)]
    return released


def test_jupyterlab_opens_at_the_lesson(page, photograph):
    first = page.cell("cell-000").rendered
    expect(first.get_by_role("heading", level=1)).to_contain_text(LESSON.title)
    for piece in LESSON.pieces:
        expect(first.get_by_text(piece, exact=True)).to_be_visible()
    expect(page.tab).to_contain_text(f"{LESSON.name}.ipynb")
    photograph(page.page, "01-opened")


def test_the_extensions_that_the_course_needs_are_on(page):
    told = json.loads(page.page.locator("#jupyter-config-data").text_content())
    needed = {"@jupyter/nbgrader", "@jupyter-widgets/jupyterlab-manager"}
    assert needed <= {each["name"] for each in told["federated_extensions"]}
    assert not needed & set(told["disabledExtensions"])
    expect(page.toolbar.get_by_role("button", name="Validate")).to_be_visible()


def test_the_map_is_a_sharp_picture_with_words(prepared, photograph):
    cell = prepared.cell_with("transformer_map(")
    expect(cell.picture).to_be_visible()
    alt = cell.picture.get_attribute("alt")
    assert alt.startswith("Map of the Transformer")
    assert LESSON.pieces[0] in alt
    natural, shown = cell.picture.evaluate("image => [image.naturalWidth, image.clientWidth]")
    assert shown > 400
    assert natural >= 2 * shown
    expect(cell.errors).to_have_count(0)
    photograph(prepared.page, "02-map", cell.picture)


def test_hints_unfold_one_by_one(page, photograph):
    hints = page.above("softmax-answer").where.locator("details")
    expect(hints).to_have_count(3)
    for number in range(3):
        inside = hints.nth(number).locator("> p, > .highlight, > pre").first
        expect(inside).to_be_hidden()
        hints.nth(number).locator("> summary").click()
        expect(inside).to_be_visible()
        for later in range(number + 1, 3):
            expect(hints.nth(later).locator("> p, > pre").first).to_be_hidden()
    photograph(page.page, "03-hints", hints.first)


def test_a_wrong_softmax_is_named_in_a_panel(prepared, photograph):
    check = answer(prepared, "softmax", WRONG)
    known = exercise("softmax").misconceptions
    sentence = next(each.message for each in known if each.name == WRONG_IN_WHAT)
    expect(check.panel).to_be_visible()
    expect(check.panel).to_contain_text("✗ softmax")
    expect(check.panel).to_contain_text(sentence)
    expect(check.panel.get_by_text("nothing to attend to gives zeros")).to_be_visible()
    expect(check.errors).to_have_count(1)
    assert check.errors.inner_text().splitlines() == [
        "CheckFailed: softmax: not yet. 5 of 7 properties hold. The panel above says more."
    ]
    photograph(prepared.page, "04-wrong", check.where)


@pytest.mark.parametrize("theme", THEMES)
def test_a_panel_can_be_read_in_either_theme(prepared, theme, photograph):
    prepared.choose("Settings", "Theme", theme)
    body = prepared.page.locator("body")
    expect(body).to_have_attribute("data-jp-theme-name", theme)
    for code, verdict in ((WRONG, "wrong"), (RIGHT, "right")):
        check = answer(prepared, "softmax", code)
        expect(check.panel).to_be_visible()
        assert check.panel.evaluate(CONTRAST) >= READABLE
        photograph(prepared.page, f"05-{theme.split()[-1].lower()}-{verdict}", check.where)


def test_the_right_softmax_passes_and_goes_into_the_toolbox(right_softmax, lab, photograph):
    check = right_softmax.cell("softmax")
    expect(check.panel).to_contain_text("✓ softmax")
    expect(check.panel).to_contain_text("Saved as toolbox/softmax.py")
    expect(check.errors).to_have_count(0)
    kept = (lab.toolbox / "softmax.py").read_text(encoding="utf-8")
    assert "total.masked_fill(total == 0.0, 1.0)" in kept
    photograph(right_softmax.page, "06-right", check.where)


def test_a_step_of_the_slider_draws_the_weights_anew(right_softmax, photograph):
    page, cell = right_softmax, right_softmax.cell_with("scaling_explorer(")
    page.run(cell)
    expect(cell.picture).to_have_attribute("alt", re.compile("d_k 64, scores not scaled"))
    before = cell.picture.get_attribute("src")
    photograph(page.page, "07-slider-before", cell.where)
    cell.outputs.get_by_role("slider").press("ArrowRight")
    expect(cell.picture).to_have_attribute("alt", re.compile("d_k 128, scores not scaled"))
    moved = cell.picture.get_attribute("src")
    assert moved != before
    cell.outputs.get_by_role("checkbox").check()
    expect(cell.picture).to_have_attribute("alt", re.compile("d_k 128, scores divided"))
    assert cell.picture.get_attribute("src") not in (before, moved)
    photograph(page.page, "08-slider-after", cell.where)


def test_a_borrowed_piece_wears_a_badge_and_earns_nothing(borrowing, lab, photograph):
    blank, check = (borrowing.cell(name) for name in ("attend-answer", "attend"))
    expect(blank.outputs).to_contain_text("borrowed attend is the course's")
    expect(check.panel).to_contain_text("✗ attend: borrowed.")
    assert not (lab.toolbox / "attend.py").exists()
    photograph(borrowing.page, "09-borrowed", check.where)


def test_a_button_of_the_mask_painter_takes_a_look_away(borrowing, photograph):
    page, cell = borrowing, borrowing.cell_with("mask_painter(")
    cell.source.click()
    page.choose("Run", "Run All Above Selected Cell")
    page.run(cell)
    button = cell.outputs.get_by_title("may “animal” look at “the”?")
    expect(button).to_have_text("✓", timeout=RUNNING)
    expect(cell.picture).to_have_attribute("alt", re.compile("allows 21 of 36 looks"))
    before = cell.picture.get_attribute("src")
    button.click()
    expect(button).to_have_text("·")
    expect(cell.picture).to_have_attribute("alt", re.compile("allows 20 of 36 looks"))
    assert cell.picture.get_attribute("src") != before
    expect(cell.errors).to_have_count(0)
    photograph(page.page, "10-mask", cell.where)


@pytest.mark.slow
def test_validate_lists_what_is_not_done(borrowing, photograph):
    page = borrowing
    dialog = page.press_validate(within=VALIDATING)
    photograph(page.page, "11-validate-unfinished")
    unfinished = [name for name in LESSON.pieces if name != "softmax"]
    said = dialog.inner_text()
    assert [name for name in LESSON.pieces if f'check("{name}")' in said] == unfinished
    assert "You did not provide a response." in said  # to the written questions
    dialog.get_by_role("button", name="Ok").click()
    expect(dialog).to_have_count(0)


@pytest.mark.slow
def test_validate_is_content_with_a_solved_lesson(window, page, lab, photograph):
    name = f"{LESSON.name}.ipynb"
    notebook = solved(read_notebook(lab.root / "lessons" / LESSON.name / name))
    assert sum(is_check(cell) for cell in notebook.cells) == len(LESSON.pieces)
    path = lab.root / "work" / "solved" / name
    path.parent.mkdir()
    write_notebook(notebook, path)
    other = LessonPage(window.new_page(), notebook)
    other.open(lab.address_of(path))
    dialog = other.press_validate(within=VALIDATING)
    photograph(other.page, "12-validate-solved")
    expect(dialog).to_contain_text("Success! Your notebook passes all the tests.")
    other.page.close()


def test_a_saved_lesson_looks_the_same_another_day(right_softmax, lab, photograph):
    """Verdicts and figures stand on the page before anything has been run again."""
    page = right_softmax
    widget, check = page.cell_with("scaling_explorer("), page.cell("softmax")
    page.run(widget)
    expect(widget.picture).to_be_visible()
    page.save()
    page.choose("Kernel", "Shut Down Kernel")
    expect(page.toolbar).to_contain_text("No Kernel")
    page.open(lab.address_of(lab.root / "work" / LESSON.name / f"{LESSON.name}.ipynb"))
    expect(check.panel).to_contain_text("✓ softmax")
    photograph(page.page, "13-another-day-verdict", check.panel)
    expect(widget.picture).to_be_visible()
    photograph(page.page, "14-another-day-figure", widget.picture)


def test_nothing_went_wrong_on_the_way(page, lab, complaints):
    """Last: neither the browser nor the server has complained about anything, nothing was asked
    for from anywhere else, and no notice (a newcomer's JupyterLab would offer its makers' news)
    lies over the lesson."""
    assert complaints.found == []
    assert lab.errors == []
    expect(page.page.locator(".Toastify__toast")).to_have_count(0)
