"""Every attack of the table earns no more than its wrong answers do, leaves nothing behind, and
costs the next submission nothing."""

import pytest

from autograder.checks.panel import Panel
from autograder.grading.worth_a_look import worth_a_look
from autograder.lessons.release import released_notebook
from autograder.lessons.submission import rebuild
from tests.attacks.conftest import files_left, judge, wrapped_processes
from tests.attacks.table import ATTACKS, HIDDEN, PIECES
from tests.attacks.wrong_notebook import LESSON, RIGHT, WRONG, handed_in


def test_the_wrong_answers_earn_a_part_of_the_points(honest_scores):
    assert list(honest_scores) == list(PIECES)
    right = judge(handed_in(RIGHT))
    for name, verdict in right.items():
        assert verdict.passed, Panel(verdict).text()
        assert 0 < honest_scores[name] < verdict.max_score


def test_there_are_many_attacks():
    assert len(ATTACKS) >= 40


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_wins_nothing(name, honest_scores):
    notebook = handed_in(WRONG)
    ATTACKS[name](notebook)
    before = wrapped_processes()
    verdicts = judge(notebook)
    for piece, verdict in verdicts.items():
        assert verdict.score <= honest_scores[piece], Panel(verdict).text()
    assert files_left() == []
    # The same parents as before, and nothing beside them: no process was left, none was ended.
    assert wrapped_processes() == before


def test_after_all_of_them_an_honest_submission_has_all_its_points(honest_scores):
    assert all(verdict.passed for verdict in judge(handed_in(RIGHT)).values())
    again = {name: verdict.score for name, verdict in judge(handed_in(WRONG)).items()}
    assert again == honest_scores


@pytest.mark.parametrize("how", HIDDEN)
def test_what_hides_a_call_is_named_to_the_grader(how):
    released = released_notebook(LESSON)
    notebook = rebuild(handed_in(WRONG, softmax=HIDDEN[how]), released).notebook
    assert worth_a_look(notebook, released, LESSON)


def test_of_an_honest_notebook_nothing_is_worth_a_look():
    released = released_notebook(LESSON)
    for answers in (RIGHT, WRONG, {}):
        assert worth_a_look(rebuild(handed_in(answers), released).notebook, released, LESSON) == []


def test_what_a_call_of_torchs_own_is_worth_is_the_instructors_choice():
    answer = (
        "def softmax(scores, dim):\n"
        "    nothing = (scores == -torch.inf).all(dim, keepdim=True)\n"
        "    weights = torch.softmax(scores.masked_fill(nothing, 0.0), dim)\n"
        "    return weights.masked_fill(nothing, 0.0)\n"
    )
    notebook = handed_in(RIGHT, softmax=answer)
    none, half = (judge(notebook, library_share=share)["softmax"] for share in (0.0, 0.5))
    assert not none.passed
    assert not half.passed
    assert none.forbidden == half.forbidden == ("softmax",)
    assert (none.score, half.score) == (0.0, 0.5 * half.max_score)
    assert "torch's own softmax" in half.told_first.name
