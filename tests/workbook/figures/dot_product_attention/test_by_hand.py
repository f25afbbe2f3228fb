import pytest
import torch
from matplotlib.patches import Rectangle

from workbook.figures import self_attention_by_hand, soft_lookup

QUERY = torch.tensor([1.0, 2.0, 0.0])
KEYS = torch.tensor([[0.8, 0.5, 1], [0, 0, 1], [0.7, 0, 0.3], [0, 0, 0.5]])
VALUES = torch.tensor([[1.0, 0], [0, 3], [5, 0], [0, 4]])
WEIGHTS = torch.tensor([0.6, 0.1, 0.2, 0.1])

X = torch.tensor([[1.0, 0, 1, 0], [0, 2, 0, 2], [1, 1, 1, 1]])
W_Q = torch.tensor([[1.0, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
W_K = torch.tensor([[0.0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 0, 1]])
W_V = torch.tensor([[1.0, 0], [0, 2], [1, 1], [0, 1]])


def lookup(**changed):
    given = {
        "query": QUERY,
        "keys": KEYS,
        "values": VALUES,
        "scores": KEYS @ QUERY,
        "weights": WEIGHTS,
        "output": WEIGHTS @ VALUES,
        "names": ["cat", "dog", "house", "river"],
    }
    return soft_lookup(**given | changed)


def worked(**changed):
    query, key, value = X @ W_Q, X @ W_K, X @ W_V
    scores = query @ key.T
    weights = (scores / 3**0.5).softmax(-1)
    given = {
        "x": X,
        "query": query,
        "key": key,
        "value": value,
        "scores": scores,
        "weights": weights,
        "output": weights @ value,
    }
    return self_attention_by_hand(**given | changed)


def texts(picture):
    return [text.get_text() for text in picture.figure.axes[0].texts]


def test_the_bars_are_as_long_as_the_weights():
    picture = lookup()
    bars = [
        patch
        for patch in picture.figure.axes[0].patches
        if isinstance(patch, Rectangle) and patch.get_gid() == "weight"
    ]
    longest = bars[0].get_width() / 0.6
    assert [bar.get_width() / longest for bar in bars] == pytest.approx([0.6, 0.1, 0.2, 0.1])


def test_every_number_of_the_look_up_is_on_the_page():
    picture = lookup()
    shown = texts(picture)
    for number in ("0.8", "1.8", "0.7", "0.6", "0.1", "0.2", "5", "1.6"):
        assert number in shown
    assert "the weights add up to 1" in shown
    assert "The output is mostly cat" in picture.figure.texts[0].get_text()


def test_the_look_up_is_told_in_words_with_its_output():
    alt = lookup().alt
    assert "The query (1, 2, 0)" in alt
    assert "cat: score 1.8, weight 0.6, value (1, 0)" in alt
    assert "output (1.6, 0.7)" in alt


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"query": QUERY[:2]}, r"query should have the shape \(3,\)"),
        ({"values": VALUES[:3]}, r"values should have the shape \(4, d_v\)"),
        ({"weights": WEIGHTS[None]}, r"weights should have the shape \(4,\)"),
        ({"names": ["cat"]}, "names should name 4 words"),
        ({"keys": torch.zeros(7, 3)}, r"values should have the shape \(7, d_v\)"),
    ],
)
def test_a_look_up_that_does_not_fit_together_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        lookup(**changed)


def test_a_memory_too_large_for_the_hand_is_refused():
    with pytest.raises(ValueError, match="a side of 6, but by hand at most 5"):
        soft_lookup(
            QUERY, torch.zeros(6, 3), torch.zeros(6, 2), torch.zeros(6), torch.zeros(6), [0, 0]
        )


def test_the_three_inputs_are_worked_through_to_their_outputs():
    picture = worked()
    shown = texts(picture)
    for name in ("inputs x", "query q", "key k", "value v", "scores", "weights", "output"):
        assert name in shown
    assert "10" in shown, "the score of the first query with the second key"
    assert "its scores are (1, 10, 6)" in picture.alt
    weights = (torch.tensor([1.0, 10, 6]) / 3**0.5).softmax(0)
    assert f"{weights[2]:.2f} of value 3" in picture.figure.texts[0].get_text()
    assert "its output (0.19, 5.8)" in picture.alt


def test_the_row_that_is_followed_can_be_chosen():
    picture = worked(follow=1, words=["a", "b", "c"])
    assert "Follow input b" in picture.figure.texts[1].get_text()
    assert "Input b is (0, 2, 0, 2)" in picture.alt


def test_scores_that_were_not_scaled_are_not_said_to_be():
    assert any("sqrt" in text for text in texts(worked()))
    assert not any("sqrt" in text for text in texts(worked(scaled=False)))


def test_self_attention_that_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match=r"scores should have the shape \(3, 3\)"):
        worked(scores=torch.zeros(3, 4))
