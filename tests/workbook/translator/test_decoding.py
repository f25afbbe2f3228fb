"""Writing with the cache is writing without it."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from workbook.pieces import KVCache, Transformer, beam_search, greedy_decode
from workbook.translator.decoding import RowCache, beam, greedy

BOS, EOS = 1, 2


def model(seed, norm_first=True):
    """Weights so large that sentences differ, and so few words that some of them end."""
    torch.manual_seed(seed)
    made = Transformer(11, 6, 12, 3, 2, 20, norm_first=norm_first, max_length=40)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.5)
    return made.double().eval()


def sources(seed, rows):
    draw = torch.Generator().manual_seed(seed)
    source = torch.randint(4, 11, (rows, 7), generator=draw)
    for row in range(rows):
        source[row, int(torch.randint(1, 8, (), generator=draw)) :] = 0
    return source


SEEDS = st.integers(0, 10_000)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(SEEDS, st.booleans(), st.integers(1, 6), st.integers(1, 15))
def test_greedy_is_greedy_decode(seed, norm_first, rows, max_length):
    made, source = model(seed, norm_first), sources(seed, rows)
    expected = greedy_decode(made, source, max_length, BOS, EOS)
    assert torch.equal(greedy(made, source, max_length, BOS, EOS), expected)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(SEEDS, st.booleans(), st.integers(1, 5), st.integers(1, 12), st.integers(1, 5),
       st.sampled_from([0.0, 0.6, 1.5]))  # fmt: skip
def test_beam_is_beam_search(seed, norm_first, rows, max_length, width, penalty):
    made, source = model(seed, norm_first), sources(seed, rows)
    tokens, scores = beam_search(made, source, max_length, BOS, EOS, width, penalty)
    ours, our_scores = beam(made, source, max_length, BOS, EOS, width, penalty)
    assert torch.equal(ours, tokens)
    torch.testing.assert_close(our_scores, scores, rtol=1e-9, atol=1e-9)


def test_these_models_end_their_sentences_at_different_lengths():
    """Otherwise the tests above would say little about sentences that leave the batch."""
    ends = set()
    for seed in range(30):
        written = greedy(model(seed), sources(seed, 6), 15, BOS, EOS)
        ends |= {int((row == EOS).nonzero()[0]) if EOS in row else 15 for row in written}
    assert len(ends) > 5


def test_a_beam_of_one_is_greedy():
    for seed in range(10):
        made, source = model(seed), sources(seed, 4)
        tokens, _ = beam(made, source, 12, BOS, EOS, beam_size=1)
        assert torch.equal(tokens, greedy(made, source, 12, BOS, EOS))


def test_a_beam_finds_what_greed_misses():
    better = 0
    for seed in range(30):
        made, source = model(seed), sources(seed, 4)
        _, greedy_scores = beam(made, source, 10, BOS, EOS, 1, 0.0)
        _, scores = beam(made, source, 10, BOS, EOS, 4, 0.0)
        better += int((scores > greedy_scores + 1e-9).sum())
    assert better > 10


def test_a_beam_of_none_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        beam(model(0), sources(0, 1), 5, BOS, EOS, 0)


class Scripted:
    """A model that writes its source's first token as many times as that token says, then ends."""

    pad_id = 0
    decoder = SimpleNamespace(layers=[None])

    def __init__(self):
        self.widths = []

    def encode(self, source):
        return source[:, :1, None].double(), None

    def step(self, made, token, memory, memory_mask, cache):
        assert made is self
        assert memory.size(0) == token.size(0)
        self.widths.append(token.size(0))
        cache.append(0, torch.zeros(token.size(0), 1, 1, 1), torch.zeros(token.size(0), 1, 1, 1))
        times = memory[:, 0, 0].long()
        chosen = times.where(cache.length <= times, EOS)
        return 9.0 * nn.functional.one_hot(chosen, 12).double()


def test_sentences_that_are_finished_leave_the_batch():
    made = Scripted()
    written = greedy(made, torch.tensor([[3], [5], [3], [10]]), 20, BOS, EOS, step=made.step)
    assert [row[row != 0].tolist() for row in written] == [
        [3] * 3 + [EOS],
        [5] * 5 + [EOS],
        [3] * 3 + [EOS],
        [10] * 10 + [EOS],
    ]
    assert made.widths == [4] * 4 + [2] * 2 + [1] * 5


def test_sentences_that_cannot_improve_leave_the_beam():
    made = Scripted()
    written, _ = beam(made, torch.tensor([[3], [5], [10]]), 20, BOS, EOS, 2, step=made.step)
    assert [row[row != 0].tolist() for row in written] == [
        [3] * 3 + [EOS],
        [5] * 5 + [EOS],
        [10] * 10 + [EOS],
    ]
    assert made.widths[0] == 6
    assert made.widths[-1] == 2
    assert made.widths == sorted(made.widths, reverse=True)


def test_no_gradients_are_kept():
    _, scores = beam(model(1), sources(1, 2), 5, BOS, EOS)
    assert not scores.requires_grad


def test_a_row_cache_appends_as_the_course_cache_does():
    ours, theirs = RowCache(2), KVCache(2)
    assert ours.length == 0
    for _ in range(3):
        for layer in range(2):
            key, value = torch.randn(3, 2, 1, 4), torch.randn(3, 2, 1, 5)
            found, expected = ours.append(layer, key, value), theirs.append(layer, key, value)
            assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert ours.length == theirs.length == 3


def test_a_row_cache_takes_rows_in_any_order_and_more_than_once():
    cache = RowCache(2)
    key = torch.arange(3.0).view(3, 1, 1, 1)
    cache.append(0, key, 10 * key)  # the second layer has nothing yet
    cache.take(torch.tensor([2, 0, 0, 1]))
    keys, values = cache.append(0, torch.zeros(4, 1, 1, 1), torch.zeros(4, 1, 1, 1))
    assert keys[:, 0, 0, 0].tolist() == [2, 0, 0, 1]
    assert values[:, 0, 0, 0].tolist() == [20, 0, 0, 10]
