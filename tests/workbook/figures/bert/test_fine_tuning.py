import numpy as np
import pytest

from workbook.figures import few_labels

RUNS = {
    "pre-trained": {10: [0.8, 0.9, 0.7], 100: [0.95, 0.95, 0.95]},
    "from scratch": {10: [0.5, 0.6, 0.4], 100: [0.8, 0.7, 0.75]},
}


def picture(**more):
    given = {"tasks": {"sense": RUNS}, "chance": {"sense": 0.5}, "title": "Few", "note": "n"}
    return few_labels(**given | more)


def test_means_stand_in_the_middle_of_their_bars():
    axes = picture().figure.axes[0]
    trained, scratch = axes.containers
    assert trained.lines[0].get_ydata().tolist() == pytest.approx([0.8, 0.95])
    assert scratch.lines[0].get_ydata().tolist() == pytest.approx([0.5, 0.75])
    bars = np.array([segment[:, 1] for segment in trained.lines[2][0].get_segments()])
    assert bars[0].tolist() == pytest.approx([0.7, 0.9])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["10", "100"]


def test_the_alternative_text_has_every_mean():
    assert "sense, pre-trained: 80% with 10, 95% with 100" in picture().alt
    assert "sense, from scratch: 50% with 10, 75% with 100" in picture().alt


def test_a_kind_without_runs_and_a_task_without_chance_are_refused():
    with pytest.raises(ValueError, match="should have a run for each number"):
        picture(tasks={"sense": {"pre-trained": {10: []}}})
    with pytest.raises(ValueError, match="chance should have the tasks"):
        picture(chance={})
