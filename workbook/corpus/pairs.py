"""A sentence and its translation, and how both are written before anything is done with them."""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

# One way to write what typists and exports write in several.
_UNIFIED = str.maketrans({"’": "'", "‘": "'", "´": "'", "“": '"', "”": '"', "…": "..."})
# Halves of letters: what Python makes of an argument in another encoding, and nothing can write.
_UNIFIED |= dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]")


class SentencePair(NamedTuple):
    """An English sentence and a Spanish one that mean the same."""

    english: str
    spanish: str


def clean(sentence: str) -> str:
    """NFC, single blanks, straight quotation marks; nothing invisible, no control characters, no
    surrogates.

    What the models are trained on, and what a user types, both go through here.
    """
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", sentence)).translate(_UNIFIED)
    return " ".join(_CONTROL.sub(" ", text).split())


def cleaned(pairs: Iterable[SentencePair]) -> list[SentencePair]:
    """Every pair cleaned, in order, once; without those of which nothing is left on a side."""
    written = (SentencePair(clean(english), clean(spanish)) for english, spanish in pairs)
    return list(dict.fromkeys(pair for pair in written if pair.english and pair.spanish))
