"""Lesson 07: BERT's embeddings, masking, the model, its loss, a classifier on top.

Wrong answers are written out as their authors write them; the docstring is what the author reads.
"""

from autograder.exercises.bert.bert import Bert
from autograder.exercises.bert.bert_embeddings import BertEmbeddings
from autograder.exercises.bert.mask_tokens import mask_tokens
from autograder.exercises.bert.masked_lm_loss import masked_lm_loss
from autograder.exercises.bert.sentence_classifier import SentenceClassifier

__all__ = ["Bert", "BertEmbeddings", "SentenceClassifier", "mask_tokens", "masked_lm_loss"]
