"""Lesson 02: softmax, one query over a memory, projections, scaled dot-product attention.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

from autograder.exercises.dot_product_attention.attend import attend
from autograder.exercises.dot_product_attention.project_qkv import project_qkv
from autograder.exercises.dot_product_attention.scaled_dot_product_attention import (
    scaled_dot_product_attention,
)
from autograder.exercises.dot_product_attention.self_attention import SelfAttention
from autograder.exercises.dot_product_attention.softmax import softmax

__all__ = ["SelfAttention", "attend", "project_qkv", "scaled_dot_product_attention", "softmax"]
