"""An instructor's way through nbgrader's grading page, Formgrader, in the lab that students use.

Autograde one submission with the button, read the verdicts, give points for a written answer,
autograde again, send feedback.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from autograder.lessons.cells import grade_id, is_answer
from autograder.lessons.release import from_text, read_notebook, write_notebook
from tests.browser.conftest import LESSON
from tests.browser.laboratory import Laboratory, course_in, laboratory

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAME = LESSON.name
STUDENT = "s1234567"
QUESTION = "question-why-scale"
ANSWERED = "Because the variance of a dot product grows with d_k."
WRONG = """\
def softmax(scores, dim):
    print("<script>document.title = 'taken over'</script>")
    powers = scores.exp()
    return powers / powers.sum(dim, keepdim=True)
"""
GRADING = 300_000


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The lab of a course in which one student has handed in."""
    root = course_in(tmp_path_factory.mktemp("class"), LESSON)
    notebook = read_notebook(root / "lessons" / NAME / f"{NAME}.ipynb")
    right = {grade_id(cell): cell.source for cell in from_text(LESSON).cells if is_answer(cell)}
    for cell in notebook.cells:
        if grade_id(cell) == "softmax-answer":
            cell.source = WRONG
        elif grade_id(cell) == QUESTION:
            cell.source = f"{ANSWERED} <script>document.title = 'taken over'</script>"
        elif is_answer(cell) and cell.cell_type == "code":
            cell.source = right[grade_id(cell)]
    write_notebook(notebook, root / "submitted" / STUDENT / NAME / f"{NAME}.ipynb")
    with laboratory(root, LESSON) as running:
        yield running


@pytest.fixture(scope="module")
def formgrader(window, lab: Laboratory) -> Page:
    """A page that has been let in."""
    page = window.new_page()
    page.set_default_timeout(GRADING)  # the server answers nothing else while it grades
    page.goto(lab.address)
    return page


def address(lab: Laboratory, place: str) -> str:
    return f"{lab.address.partition('/lab/')[0]}/formgrader/{place}"


def press(page: Page, lab: Laboratory, button: str) -> None:
    """Press a button in the student's row, and wait for the page to say that it worked."""
    page.goto(address(lab, f"manage_submissions/{NAME}"))
    row = page.locator("tr", has_text=STUDENT)
    row.locator(f".{button} a").click()
    expect(page.locator("#success-modal")).to_be_visible(timeout=GRADING)


def grades(page: Page, lab: Laboratory) -> tuple[str, dict]:
    """The id of the graded notebook, and its grades by cell, as the page's own interface says."""
    listed = address(lab, f"api/submitted_notebooks/{NAME}/{NAME}")
    (notebook,) = page.request.get(listed, timeout=GRADING).json()
    asked = address(lab, f"api/grades?submission_id={notebook['id']}")
    told = page.request.get(asked, timeout=GRADING).json()
    return notebook["id"], {grade["name"]: grade for grade in told}


@pytest.fixture(scope="module")
def autograded(formgrader: Page, lab: Laboratory) -> Page:
    press(formgrader, lab, "autograde")
    return formgrader


def test_the_button_judges_and_saves_the_grades(autograded, lab, photograph):
    photograph(autograded, "20-autograded")
    _, found = grades(autograded, lab)
    assert 0 < found["softmax"]["auto_score"] < 5
    assert found["attend"]["auto_score"] == 3.5, "one mistake costs once"
    assert found[QUESTION]["needs_manual_grade"] is True
    assert len(list((lab.root / "grading" / "receipts" / NAME).glob("*.json"))) == 1


def test_the_verdict_is_on_the_page_and_no_script_runs(autograded, lab, photograph):
    page = autograded
    notebook, _ = grades(page, lab)
    page.goto(address(lab, f"submissions/{notebook}"))
    expect(page.locator("body")).to_contain_text("✗ softmax")
    expect(page.locator("body")).to_contain_text("Hint 2")
    expect(page.locator("body")).to_contain_text(ANSWERED)
    assert page.title() != "taken over"
    photograph(page, "21-graded-notebook")


def test_points_given_by_hand_stay_when_it_is_autograded_again(autograded, lab, photograph):
    page = autograded
    notebook, _ = grades(page, lab)
    page.goto(address(lab, f"submissions/{notebook}"))
    field = page.locator(f"input.score#{QUESTION}")
    field.fill("2.5")
    with page.expect_response(re.compile("/formgrader/api/grade/")) as saved:
        field.press("Tab")
    assert saved.value.ok
    photograph(page, "22-graded-by-hand")
    press(page, lab, "autograde")
    _, found = grades(page, lab)
    assert found[QUESTION]["manual_score"] == 2.5
    assert found[QUESTION]["needs_manual_grade"] is False
    assert len(list((lab.root / "grading" / "receipts" / NAME).glob("*.json"))) == 1


def test_feedback_says_what_is_wrong_and_what_to_try(autograded, lab, photograph):
    page = autograded
    press(page, lab, "generate-feedback")
    (path,) = (lab.root / "grading" / "feedback").rglob("*.html")
    sheet = page.context.new_page()
    sheet.goto(path.as_uri())
    expect(sheet.locator("body")).to_contain_text("✗ softmax")
    expect(sheet.locator("body")).to_contain_text("subtract the row's largest score")
    expect(sheet.locator("strong", has_text="Hint 2").last).to_be_visible()
    assert sheet.title() != "taken over"
    photograph(sheet, "23-feedback")
    sheet.close()


def test_the_server_complained_about_nothing(autograded, lab):
    assert lab.errors == []
