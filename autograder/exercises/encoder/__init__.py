"""Lesson 05: layer norm, feed-forward, residual, the padding mask, the layer, the stack, a tagger.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

from autograder.exercises.encoder.encoder import Encoder
from autograder.exercises.encoder.encoder_layer import EncoderLayer
from autograder.exercises.encoder.feed_forward import FeedForward
from autograder.exercises.encoder.layer_norm import LayerNorm
from autograder.exercises.encoder.padding_mask import padding_mask
from autograder.exercises.encoder.residual import residual
from autograder.exercises.encoder.tagger import Tagger

__all__ = [
    "Encoder",
    "EncoderLayer",
    "FeedForward",
    "LayerNorm",
    "Tagger",
    "padding_mask",
    "residual",
]
