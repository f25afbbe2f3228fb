"""Lesson 01: recurrent networks, how far their gradients reach, and attention as the first cure.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

from autograder.exercises.rnn_recap.additive_attention import additive_attention
from autograder.exercises.rnn_recap.bidirectional_rnn import BidirectionalRNN
from autograder.exercises.rnn_recap.clip_gradients import clip_gradients_
from autograder.exercises.rnn_recap.gradient_reach import gradient_reach
from autograder.exercises.rnn_recap.path_length import path_length
from autograder.exercises.rnn_recap.rnn import RNN
from autograder.exercises.rnn_recap.rnn_step import rnn_step

__all__ = [
    "RNN",
    "BidirectionalRNN",
    "additive_attention",
    "clip_gradients_",
    "gradient_reach",
    "path_length",
    "rnn_step",
]
