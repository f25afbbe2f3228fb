"""Lesson 04: sinusoids, a module that adds them, the shift matrix, learned positions, rotary ones.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

from autograder.exercises.positional_encoding.apply_rotary import apply_rotary
from autograder.exercises.positional_encoding.learned_positions import LearnedPositions
from autograder.exercises.positional_encoding.positional_encoding import PositionalEncoding
from autograder.exercises.positional_encoding.shift_matrix import shift_matrix
from autograder.exercises.positional_encoding.sinusoidal_encoding import sinusoidal_encoding

__all__ = [
    "LearnedPositions",
    "PositionalEncoding",
    "apply_rotary",
    "shift_matrix",
    "sinusoidal_encoding",
]
