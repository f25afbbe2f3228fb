"""The capital letter that begins a sentence, taken off before translating and put back afterwards.

*The* at the beginning and *the* in the middle are one word; a model that meets them as two has half
as many examples of each. Names keep their capital wherever they stand, and are given it where a
typist left it out.

Source: Koehn et al., "Moses" (2007), which calls it truecasing.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

_WORD = r"[^\W\d_]+(?:['’][^\W\d_]+)*"
# Where a sentence begins: at the start, or after a mark that ends one. Not after an ellipsis, nor
# after the full stop of a single letter, as in "at 6 a.m. we left", nor after a closing quotation
# mark, as in '"Why?" asked Tom'.
_BEGINNING = re.compile(
    rf"(?:^|(?:(?<=[!?])|(?<=\.)(?<!\.\.)(?<![.\s]\w\.))\s)[^\w]*(?P<word>{_WORD})"
)
_ANY = re.compile(_WORD)
_SURE = 5  # of a name in small letters: so many with a capital to one without, in training


class SentenceCase:
    """Which words keep a capital letter at the beginning of a sentence.

    names: the words that mostly have a capital within sentences. Each is given as it is written,
    "Tom" or "TV", or in small letters where it is an ordinary word as well, "north".
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.written = {name.lower(): name for name in names}
        self.names = frozenset(self.written)  # in small letters

    @classmethod
    def learn(cls, sentences: Iterable[str]) -> "SentenceCase":
        """Names are the words that mostly have a capital where no sentence begins."""
        forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for sentence in sentences:
            beginnings = {match.start("word") for match in _BEGINNING.finditer(sentence)}
            for match in _ANY.finditer(sentence):
                if match.start() not in beginnings:
                    forms[match.group().lower()][match.group()] += 1
        names = []
        for word, counts in forms.items():
            large = sum(count for form, count in counts.items() if form[0].isupper())
            small = counts.total() - large
            if large > small:
                names.append(counts.most_common(1)[0][0] if large >= _SURE * small else word)
        return cls(names)

    def lowered(self, text: str) -> str:
        """Without the capitals that only say where a sentence begins; ABBREVIATIONS keep theirs."""

        def lower(match: re.Match[str]) -> str:
            word = match["word"]
            shouted = len(word) > 1 and word.isupper()
            if shouted or word.lower() in self.names:
                return match[0]
            return match[0][: -len(word)] + word[0].lower() + word[1:]

        return _BEGINNING.sub(lower, text)

    def named(self, text: str) -> str:
        """With the names as they are written, but for those that are ordinary words as well."""

        def write(match: re.Match[str]) -> str:
            written = self.written.get(match[0].lower(), match[0])
            return match[0] if written.islower() else written

        return _ANY.sub(write, text)

    def begins(self, text: str) -> bool:
        """Whether a text begins as sentences do: with a capital letter; with that of a name only
        where a mark at the end says so too."""
        first = _ANY.search(text)
        if first is None or not first.group()[0].isupper():
            return False
        return first.group().lower() not in self.names or not text[-1].isalnum()

    @staticmethod
    def unshouted(sentence: str) -> str:
        """A sentence all in capitals in small letters after its first; another one as it is."""
        return SentenceCase.raised(sentence.lower()) if sentence.isupper() else sentence

    @staticmethod
    def raised(text: str) -> str:
        """With a capital at the beginning of every sentence."""

        def raise_(match: re.Match[str]) -> str:
            word = match["word"]
            return match[0][: -len(word)] + word[0].upper() + word[1:]

        return _BEGINNING.sub(raise_, text)
