"""What is lent to a piece: the course's earlier ones, and neither itself nor a later one."""

import types

import pytest
import torch

from autograder.grading.lending import lent_to
from workbook.syllabus import LESSONS


def loaded(lent):
    module = types.ModuleType(lent["module"])
    exec(lent["source"], vars(module))
    return module


@pytest.mark.parametrize("lesson", LESSONS[:9], ids=lambda lesson: lesson.name)
def test_the_piece_itself_and_later_ones_never_cross(lesson):
    for place, name in enumerate(lesson.pieces):
        lent = lent_to(name)
        if lent is None:
            continue
        assert set(lent["names"]) <= set(lesson.pieces[:place])
        module = loaded(lent)
        for withheld in lesson.pieces[place:]:
            assert not hasattr(module, withheld)
            assert f"def {withheld}(" not in lent["source"]
            assert f"class {withheld}(" not in lent["source"]


def test_nothing_is_lent_to_the_first():
    assert lent_to("softmax") is None


def test_what_is_lent_works():
    lent = lent_to("SelfAttention")
    assert lent["names"] == ["softmax", "attend", "project_qkv", "scaled_dot_product_attention"]
    weights = loaded(lent).softmax(torch.zeros(2, 4), -1)
    assert torch.equal(weights, torch.full((2, 4), 0.25))


def test_its_torch_calls_count_as_the_courses():
    assert lent_to("attend")["module"].startswith("workbook.pieces.")
