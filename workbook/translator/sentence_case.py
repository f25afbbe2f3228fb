"""The capital letter that begins a sentence, taken off before translating and put back afterwards.

*The* at the beginning and *the* in the middle are one word; a model that meets them as two has half
as many examples of each. Names keep their capital wherever they stand.

Source: Koehn et al., "Moses" (2007), which calls it truecasing.
"""

import re
from collections import Counter
from collections.abc import Iterable

_WORD = r"[^\W\d_]+(?:['’][^\W\d_]+)*"
# Where a sentence begins: at the start, or after a mark that ends one. Not after an ellipsis, nor
# after the full stop of a single letter, as in "at 6 a.m. we left", nor after a closing quotation
# mark, as in '"Why?" asked Tom'.
_BEGINNING = re.compile(
    rf"(?:^|(?:(?<=[!?])|(?<=\.)(?<!\.\.)(?<![.\s]\w\.))\s)[^\w]*(?P<word>{_WORD})"
)
_ANY = re.compile(_WORD)


class SentenceCase:
    """Which words keep a capital letter at the beginning of a sentence.

    names: in small letters, the words that are written with a capital within sentences.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = frozenset(names)

    @classmethod
    def learn(cls, sentences: Iterable[str]) -> "SentenceCase":
        """Names are the words that mostly have a capital where no sentence begins."""
        capitals: Counter[str] = Counter()
        for sentence in sentences:
            beginnings = {match.start("word") for match in _BEGINNING.finditer(sentence)}
            for match in _ANY.finditer(sentence):
                if match.start() not in beginnings:
                    word = match.group()
                    capitals[word.lower()] += 1 if word[0].isupper() else -1
        return cls(word for word, more in capitals.items() if more > 0)

    def lowered(self, text: str) -> str:
        """Without the capitals that only say where a sentence begins; ABBREVIATIONS keep theirs."""

        def lower(match: re.Match[str]) -> str:
            word = match["word"]
            shouted = len(word) > 1 and word.isupper()
            if shouted or word.lower() in self.names:
                return match[0]
            return match[0][: -len(word)] + word[0].lower() + word[1:]

        return _BEGINNING.sub(lower, text)

    def begins(self, text: str) -> bool:
        """Whether a text begins as sentences do: with a capital letter; with that of a name only
        where a mark at the end says so too."""
        first = _ANY.search(text)
        if first is None or not first.group()[0].isupper():
            return False
        return first.group().lower() not in self.names or not text[-1].isalnum()

    @staticmethod
    def raised(text: str) -> str:
        """With a capital at the beginning of every sentence."""

        def raise_(match: re.Match[str]) -> str:
            word = match["word"]
            return match[0][: -len(word)] + word[0].upper() + word[1:]

        return _BEGINNING.sub(raise_, text)
