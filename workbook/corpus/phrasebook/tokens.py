"""Words and marks: how a sentence splits into tokens, and how tokens join into a sentence again.

The split is the one treebanks use: punctuation stands alone, a contraction is two tokens
("didn't" is `did` + `n't`, "Ana's" is `Ana` + `'s`), so that every token has exactly one tag.
"""

import re
import unicodedata
from collections.abc import Iterable

TAGS = (
    "DET",
    "NOUN",
    "VERB",
    "AUX",
    "ADJ",
    "ADV",
    "PRON",
    "ADP",
    "CONJ",
    "NUM",
    "PART",
    "PUNCT",
    "PROPN",
    "INTJ",
)

_TOKEN = re.compile(
    r"o'clock|ma'am"
    r"|[^\W_]+?(?=n't\b)|n't\b"
    r"|'(?:s|m|re|ve|ll|d)\b"
    r"|[^\W_]+(?:-[^\W_]+)*"
    r"|[^\w\s]",
)
_CLINGS_LEFT = re.compile(r"n't|'(?:s|m|re|ve|ll|d)|[.,!?;:]")
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


def tokenise(english: str) -> list[str]:
    """The tokens of an English sentence; `join` is its inverse on phrasebook sentences."""
    return _TOKEN.findall(english)


def join(tokens: Iterable[str]) -> str:
    """One string: tokens by single blanks, marks and contractions against the word before them."""
    text = ""
    for token in tokens:
        text += token if not text or _CLINGS_LEFT.fullmatch(token) else " " + token
    return text


def normalise(sentence: str) -> str:
    """The key under which two sentences count as one: NFC, lower case, words alone.

    >>> normalise("¿Dónde está  el gato?")
    'dónde está el gato'
    """
    return " ".join(_WORD.findall(unicodedata.normalize("NFC", sentence).lower()))


def words_of_both(english: str, spanish: str) -> set[tuple[str, str]]:
    """The words of a sentence and of its translation, each marked with its language."""
    sides = (("english", english), ("spanish", spanish))
    return {(side, word) for side, sentence in sides for word in normalise(sentence).split()}


def capitalised(text: str) -> str:
    """The text with its first letter large; marks such as ¿ before it stay."""
    for index, character in enumerate(text):
        if character.isalnum():
            return text[:index] + character.upper() + text[index + 1 :]
    return text
