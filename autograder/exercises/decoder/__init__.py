"""Lesson 06: the causal mask, the shift, the decoder and its output, and a test for leaks.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

from autograder.exercises.decoder.causal_mask import causal_mask
from autograder.exercises.decoder.decoder import Decoder
from autograder.exercises.decoder.decoder_layer import DecoderLayer
from autograder.exercises.decoder.future_leak import future_leak
from autograder.exercises.decoder.output_head import OutputHead
from autograder.exercises.decoder.shift_right import shift_right

__all__ = ["Decoder", "DecoderLayer", "OutputHead", "causal_mask", "future_leak", "shift_right"]
