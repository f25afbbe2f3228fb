"""Lesson 09: the Transformer assembled, its loss, its training, three ways to write, and BLEU.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

from autograder.exercises.translator.beam_search import beam_search
from autograder.exercises.translator.corpus_bleu import corpus_bleu
from autograder.exercises.translator.decode_step import decode_step
from autograder.exercises.translator.greedy_decode import greedy_decode
from autograder.exercises.translator.label_smoothing_loss import label_smoothing_loss
from autograder.exercises.translator.train_step import train_step
from autograder.exercises.translator.transformer import Transformer
from autograder.exercises.translator.warmup_rate import warmup_rate

__all__ = [
    "Transformer",
    "beam_search",
    "corpus_bleu",
    "decode_step",
    "greedy_decode",
    "label_smoothing_loss",
    "train_step",
    "warmup_rate",
]
