"""Words cut into a stem and endings, learnt from a list of words alone.

*Caminábamos* may come once in a training, but `camin` comes with every form of its verb and
`ábamos` with every verb, so a model that meets the two apart has seen both a hundred times. Which
letters are a stem nobody has to say: a stem is what comes with many endings, an ending what comes
with many stems.

Source: Goldwater, Griffiths and Johnson, "Interpolating between types and tokens by estimating
power-law generators" (2006), for the model of a word as one stem and one ending, each drawn anew
letter by letter or again like an earlier one.
"""

from collections import Counter
from collections.abc import Collection, Mapping

import torch

_WHOLE = 1 / 7_000  # of all words: one that is more frequent stays whole
_STEM = 1 / 30_000  # of all words: a stem that is more frequent isn't cut again
_SHORTEST_STEM = 3  # letters
_LONGEST_ENDING = 6  # letters
_ROUNDS = 20  # of estimation; later ones change little
_LETTER = 0.1  # the chance of each letter of a new stem or ending

Parts = tuple[str, ...]


def cut(counts: Mapping[str, int]) -> dict[str, Parts]:
    """Each word as a stem and its endings, which join to the word.

    counts: how often each word comes. A frequent word stays whole, and so does one in which there
    is no ending to see. Rare stems are cut in their turn: `('repár', 'a', 'lo', 's')`.
    """
    parts: dict[str, Parts] = {word: (word,) for word in counts}
    if not parts:
        return {}
    total = sum(counts.values())
    enough = _WHOLE * total
    while True:
        stems: Counter[str] = Counter()
        for word, (stem, *_) in parts.items():
            stems[stem] += counts[word]
        endings = _endings(stems)
        rare = {stem for stem, count in stems.items() if count < enough and endings[stem]}
        if not rare:
            return parts
        for word, (stem, *rest) in parts.items():
            if stem in rare:
                parts[word] = (stem.removesuffix(endings[stem]), endings[stem], *rest)
        enough = _STEM * total


def _endings(words: Collection[str]) -> dict[str, str]:
    """The likeliest ending of each word, empty where the word is likelier whole.

    Expectation and maximisation: every cut of a word is as likely as its stem and its ending are in
    the *other* words, as those are cut at present.
    """
    ordered = sorted(words)
    cuts = [
        (number, word[:at], word[at:])
        for number, word in enumerate(ordered)
        for at in range(len(word), 0, -1)
        if at == len(word) or (at >= _SHORTEST_STEM and len(word) - at <= _LONGEST_ENDING)
    ]
    word = torch.tensor([number for number, _, _ in cuts])
    stem, new_stem = _numbered([stem for _, stem, _ in cuts])
    ending, new_ending = _numbered([ending for _, _, ending in cuts])
    chance = 1 / torch.bincount(word).double()[word]
    for _ in range(_ROUNDS):
        stems = torch.bincount(stem, chance)[stem] - chance + new_stem
        endings = torch.bincount(ending, chance)[ending] - chance + new_ending
        chance = stems * endings
        chance = chance / torch.bincount(word, chance)[word]
    best: dict[int, tuple[float, str]] = {}
    for (number, _, ending_of), likely in zip(cuts, chance.tolist(), strict=True):
        if number not in best or likely > best[number][0]:
            best[number] = (likely, ending_of)
    return {ordered[number]: ending_of for number, (_, ending_of) in best.items()}


def _numbered(texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """A number for each different text, and the chance of each as a new one, never quite zero."""
    numbers: dict[str, int] = {}
    found = torch.tensor([numbers.setdefault(text, len(numbers)) for text in texts])
    letters = torch.tensor([len(text) for text in texts]).clamp(max=100)
    return found, _LETTER ** letters.double()
