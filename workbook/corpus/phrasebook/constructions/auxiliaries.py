"""English auxiliaries with their short forms and *not*: `is n't`, `'m not`, `do n't`, `wo n't`."""

from functools import cache

from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar


def _auxiliary(*ways: str) -> Choices:
    """Entries of auxiliary and `not`: `do n't`, `do not` …"""
    entries = []
    for way in ways:
        tokens = tuple(way.split())
        tags = tuple("PART" if token in ("not", "n't") else "AUX" for token in tokens)
        entries.append(Entry(tokens, tags, None))
    return Choices(entries)


_BE = {"1s": "am", "2s": "are", "3s": "is", "1p": "are", "3p": "are"}


_WAS = {"1s": "was", "2s": "were", "3s": "was", "1p": "were", "3p": "were"}


# Subject pronouns, which a short form of the auxiliary may follow: I'm, she's.
_SHORTENED = frozenset({"I", "you", "he", "she", "it", "we", "they", "who"})


_SHORT_BE = {"am": "'m", "are": "'re", "is": "'s"}


@cache
def _be(agreement: str, tense: str, negative: bool, pronoun: str) -> Choices:
    form = (_BE if tense == "present" else _WAS)[agreement]
    short = _SHORT_BE.get(form, "") if pronoun in _SHORTENED else ""
    if not negative:
        return _auxiliary(*([form] * 2 + [short] if short else [form]))
    ways = [f"{form} not"]
    if form != "am":
        ways += [f"{form} n't"] * 2
    if short:
        ways.append(f"{short} not")
    return _auxiliary(*ways)


@cache
def _do(agreement: str, tense: str) -> Choices:
    form = "did" if tense == "past" else "does" if agreement == "3s" else "do"
    return _auxiliary(f"{form} n't", f"{form} n't", f"{form} not")


@cache
def _have(agreement: str, tense: str, negative: bool, pronoun: str) -> Choices:
    form = "had" if tense == "past" else "has" if agreement == "3s" else "have"
    if negative:
        return _auxiliary(f"{form} n't", f"{form} n't", f"{form} not")
    short = {"have": "'ve", "has": "'s", "had": "'d"}[form]
    # 's and 'd before a participle could also be is and would: only 've is short here.
    if pronoun in _SHORTENED and form == "have":
        return _auxiliary(form, form, short)
    return _auxiliary(form)


@cache
def _will(negative: bool, pronoun: str) -> Choices:
    if negative:
        return _auxiliary("wo n't", "wo n't", "will not")
    short = pronoun in _SHORTENED
    return _auxiliary("will", "will", "'ll") if short else _auxiliary("will")


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_words(grammar)


def _add_words(grammar: Grammar) -> None:
    @grammar.words("be")
    def _(given: Bound) -> Choices:
        return _be(given.s.agreement, given.tense, False, given.s.pronoun)

    @grammar.words("be-not")
    def _(given: Bound) -> Choices:
        if given.s.sweeping:
            return Choices([])
        return _be(given.s.agreement, given.tense, True, given.s.pronoun)

    @grammar.words("do-not")
    def _(given: Bound) -> Choices:
        return Choices([]) if given.s.sweeping else _do(given.s.agreement, given.tense)

    @grammar.words("have")
    def _(given: Bound) -> Choices:
        return _have(given.s.agreement, given.tense, False, given.s.pronoun)

    @grammar.words("have-not")
    def _(given: Bound) -> Choices:
        if given.s.sweeping:
            return Choices([])
        return _have(given.s.agreement, given.tense, True, given.s.pronoun)

    @grammar.words("will")
    def _(given: Bound) -> Choices:
        return _will(False, given.s.pronoun)

    @grammar.words("will-not")
    def _(given: Bound) -> Choices:
        return Choices([]) if given.s.sweeping else _will(True, "")

    @grammar.words("would")
    def _(given: Bound) -> Choices:
        if given.s.pronoun in _SHORTENED:
            return _auxiliary("would", "'d")
        return _auxiliary("would")

    @grammar.words("can-not")
    def _(given: Bound) -> Choices:
        if given.s.sweeping:
            return Choices([])
        return Choices(
            [
                Entry(("ca", "n't"), ("AUX", "PART"), None),
                Entry(("ca", "n't"), ("AUX", "PART"), None),
                Entry(("cannot",), ("AUX",), None),
            ]
        )
