"""Lesson 08: a decoder-only model, its loss, sampling, the key–value cache, generation.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

from autograder.exercises.gpt.cached_attention import cached_attention
from autograder.exercises.gpt.generate import generate
from autograder.exercises.gpt.gpt import GPT
from autograder.exercises.gpt.gpt_parameters import gpt_parameters
from autograder.exercises.gpt.kv_cache import KVCache
from autograder.exercises.gpt.next_token_loss import next_token_loss
from autograder.exercises.gpt.sample_next import sample_next

__all__ = [
    "GPT",
    "KVCache",
    "cached_attention",
    "generate",
    "gpt_parameters",
    "next_token_loss",
    "sample_next",
]
