"""No honest accident costs more than itself."""

from dataclasses import replace

import pytest

from autograder.checks.panel import Panel
from tests.attacks.accidents import ACCIDENTS
from tests.attacks.conftest import TIGHT, judge
from tests.attacks.wrong_notebook import RIGHT, handed_in

# A busy machine must not cost points here; only what never ends may reach these.
PATIENT = replace(
    TIGHT,
    request_seconds=20.0,
    exercise_seconds=60.0,
    cell_seconds=60.0,
    submission_seconds=180.0,
)
ENDLESS = replace(PATIENT, request_seconds=2.0, cell_seconds=2.0)


def test_there_are_many_accidents():
    assert len(ACCIDENTS) >= 20


@pytest.mark.parametrize("name", ACCIDENTS)
def test_an_accident_costs_nothing_but_itself(name):
    accident = ACCIDENTS[name]
    notebook = handed_in(RIGHT)
    accident.happen(notebook)
    endless = name in ("a_loop_that_never_ends", "a_softmax_that_hangs")
    for piece, verdict in judge(notebook, ENDLESS if endless else PATIENT).items():
        if piece in accident.costs:
            assert verdict.score < verdict.max_score
        else:
            assert verdict.passed, Panel(verdict).text()
            assert verdict.score == verdict.max_score
