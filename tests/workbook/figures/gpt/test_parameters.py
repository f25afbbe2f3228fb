import pytest

from workbook.figures import parameter_shares

MODELS = {"small": {"tables": 6, "layers": 4}, "large": {"tables": 10**9, "layers": 3 * 10**9}}


def test_every_bar_is_whole_and_cut_by_part():
    picture = parameter_shares(MODELS, "Layers win")
    axes = picture.figure.axes[0]
    assert [patch.get_width() for patch in axes.patches] == [0.6, 0.4, 0.25, 0.75]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["small", "large"]
    written = [text.get_text() for text in axes.texts]
    assert written == ["60%", "40%", "10", "25%", "75%", "4.0 billion"]
    assert "large, 4,000,000,000: tables 25%, layers 75%" in picture.alt


def test_models_of_other_parts_are_refused():
    with pytest.raises(ValueError, match="at least one model"):
        parameter_shares({}, "None")
    with pytest.raises(ValueError, match="same 1 to 4 parts"):
        parameter_shares({"one": {"a": 1}, "two": {"b": 1}}, "Other")
