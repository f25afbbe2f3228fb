"""The same mistake written another way keeps its name: parts made in another order begin with other
random weights, scores out of a list are float32, and what a class keeps is there at the next
check."""

import functools
import inspect

import pytest
import torch

from autograder.channel.piece import here
from autograder.checks.examine import examine
from autograder.exercises import gpt, multi_head_attention, translator
from workbook import pieces


def _wrong(exercise, name):
    return next(each.wrong for each in exercise.misconceptions if each.name == name)


@pytest.mark.parametrize(
    "name",
    [
        "embeddings not scaled",
        "no positions for the target",
        "encoder without its mask",
        "share_embeddings ignored",
        "max_length not passed to the positions",
    ],
)
def test_a_transformer_that_begins_with_other_weights(name):
    Wrong = _wrong(translator.Transformer, name)

    class OutOfStep(Wrong):
        def __init__(self, *args, **kwargs):
            torch.randn(7)
            super().__init__(*args, **kwargs)

    OutOfStep.__init__.__signature__ = inspect.signature(Wrong.__init__)
    diagnosis = examine(translator.Transformer, here(OutOfStep), seed=3).diagnosis
    assert diagnosis is not None
    assert diagnosis.name == name


@pytest.mark.parametrize(
    "name", ["no length penalty", "the worst of the beam", "padded with 0", "logits added"]
)
def test_a_beam_whose_scores_are_float32(name):
    wrong = _wrong(translator.beam_search, name)

    @functools.wraps(wrong)
    def rounded(*args, **kwargs):
        tokens, scores = wrong(*args, **kwargs)
        return tokens, scores.float()

    diagnosis = examine(translator.beam_search, here(rounded), seed=3).diagnosis
    assert diagnosis is not None
    assert diagnosis.name == name


def test_a_store_that_belongs_to_the_class_at_every_check():
    class Cache:
        keys, values = {}, {}

        def __init__(self, num_layers):
            pass

        def append(self, layer, key, value):
            for store, new in ((self.keys, key), (self.values, value)):
                old = [store[layer]] if layer in store else []
                store[layer] = torch.cat([*old, new], dim=2)
            return self.keys[layer], self.values[layer]

        @property
        def length(self):
            return self.keys[0].size(2) if self.keys else 0

    for _ in range(3):
        diagnosis = examine(gpt.KVCache, here(Cache)).diagnosis
        assert diagnosis is not None
        assert diagnosis.name == "shared by all caches"


def test_a_store_of_the_class_whatever_else_has_been_compared_with_it():
    class Undescribed(pieces.KVCache):
        def append(self, layer, key, value):
            return key + 1, value

    examine(gpt.KVCache, here(Undescribed), seed=1)  # the known mistakes stop where they differ
    wrong = _wrong(gpt.KVCache, "shared by all caches")
    diagnosis = examine(gpt.KVCache, here(wrong), seed=2).diagnosis
    assert diagnosis is not None
    assert diagnosis.name == "shared by all caches"


def test_a_score_is_recognised_whichever_way_the_beam_was_searched():
    def search(model, source, max_length, bos_id, eos_id, beam_size=4, length_penalty=0.6):
        found, scores = pieces.beam_search(
            model, source, max_length, bos_id, eos_id, beam_size + 1, length_penalty
        )
        lengths = (found != model.pad_id).sum(1)
        return found, scores * ((5 + lengths) / 6) ** length_penalty

    results = examine(translator.beam_search, here(search), seed=3).results
    assert any("the penalty is missing" in each.message for each in results)


@pytest.mark.parametrize("says", ["d_model must be a multiple of num_heads", "no"])
def test_a_refusal_the_wrong_way_round_is_told_whatever_it_says(says):
    class Refuses(pieces.MultiHeadAttention):
        def __init__(self, d_model, num_heads, dropout=0.0, bias=True):
            if num_heads % d_model:
                raise ValueError(says)
            super().__init__(d_model, num_heads, dropout, bias)

    results = examine(multi_head_attention.MultiHeadAttention, here(Refuses), seed=3).results
    told = next(each for each in results if each.name == "what does not divide is refused")
    assert not told.passed
    assert "the wrong way round" in told.message
