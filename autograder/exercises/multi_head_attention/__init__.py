"""Lesson 03: split into heads, merge again, multi-head attention, and its number of parameters.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

from autograder.exercises.multi_head_attention.attention_parameters import attention_parameters
from autograder.exercises.multi_head_attention.merge_heads import merge_heads
from autograder.exercises.multi_head_attention.multi_head_attention import MultiHeadAttention
from autograder.exercises.multi_head_attention.split_heads import split_heads

__all__ = ["MultiHeadAttention", "attention_parameters", "merge_heads", "split_heads"]
