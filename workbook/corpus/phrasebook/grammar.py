"""The engine: one description of the sentences, read in three directions.

A grammar is a set of rules. A rule rewrites a symbol as English words and smaller symbols, left to
right, and says how the Spanish is built from the values of its parts:

    grammar.rule("clause", "{s:subject} {p:predicate s=$s}", "{s} {p}")

`{name:symbol key=value}` is a part: its value gets the name, and its features are constants or,
after `$`, the value (or an attribute of the value) of an earlier part or of the rule's own
features. So agreement and meaning flow from left to right: a verb sees its subject, an object sees
its verb. Other words are `word/TAG`. A symbol may also be lexical: a function from features to
choices of words.

`write` draws one derivation at random, `every` enumerates them all, `read` finds those that give
the tokens it is handed. All three walk the same rules, so what can be written is what can be read.
"""

import random
import re
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

from workbook.corpus.phrasebook.tokens import TAGS, capitalised

_PIECE = re.compile(r"\{[^}]*\}|\S+")
_SLOT = re.compile(r"\{(\w+):([\w-]+)((?: [\w]+=\S+)*)\}")


class DeadEnd(Exception):
    """No rule or word fits the features at hand; the writer tries another way."""


class Entry(NamedTuple):
    """One choice of a lexical symbol: English tokens, their tags, what they mean, and the pairs of
    words that meet in it."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    value: Any
    pairs: tuple[str, ...] = ()


class Choices:
    """The entries that a lexical symbol offers, found by first token when reading.

    An entry that is listed twice is drawn twice as often.
    """

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = tuple(entries)

    @cached_property
    def different(self) -> tuple[Entry, ...]:
        """Each entry once. Made when it is asked for: writing has thousands of lists and no need
        of it."""
        return tuple(dict.fromkeys(self.entries))

    @cached_property
    def by_first(self) -> dict[str, list[Entry]]:
        """The entries by their first token; the ones without any by the empty one."""
        found: dict[str, list[Entry]] = {}
        for entry in self.different:
            found.setdefault(entry.tokens[0] if entry.tokens else "", []).append(entry)
        return found


class Derived(NamedTuple):
    """What a symbol became: its value, its English, the labels and the word pairs on the way."""

    value: Any
    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    labels: tuple[str, ...]
    pairs: tuple[str, ...]

    def followed_by(self, part: "Derived") -> "Derived":
        """Both in a row, without a value yet."""
        return Derived(
            None,
            self.tokens + part.tokens,
            self.tags + part.tags,
            self.labels + part.labels,
            self.pairs + part.pairs,
        )


_NOTHING = Derived(None, (), (), (), ())


class Bound(dict[str, Any]):
    """A rule's features and the values of the parts read so far, as attributes too."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


@dataclass(frozen=True)
class _Word:
    token: str
    tag: str


@dataclass(frozen=True)
class _Slot:
    name: str
    symbol: str
    constants: tuple[tuple[str, str], ...]
    paths: tuple[tuple[str, str, tuple[str, ...]], ...]

    def given(self, bound: Mapping[str, Any]) -> Bound:
        given = Bound(self.constants)
        for key, name, attributes in self.paths:
            value = bound.get(name)
            for attribute in attributes:
                value = getattr(value, attribute)
            if value is not None:
                given[key] = value
        return given


@dataclass(frozen=True)
class Rule:
    """One way to rewrite a symbol; see the module's docstring for the notation."""

    symbol: str
    items: tuple[_Word | _Slot, ...]
    build: Callable[[Bound], Any]
    label: str
    weight: float
    joins: tuple[tuple[str, str, str], ...]
    where: Callable[[Bound], bool] | None
    when: tuple[tuple[str, frozenset[str]], ...]

    def fits(self, given: Mapping[str, Any]) -> bool:
        """Whether the features allow the rule; a feature that isn't given allows everything."""
        return all(_allowed(given.get(key), allowed) for key, allowed in self.when)


def _allowed(value: Any, allowed: frozenset[str]) -> bool:
    """Whether a feature's value, or one of the words in it, is allowed."""
    if value is None or value in allowed:
        return True
    return isinstance(value, str) and not allowed.isdisjoint(value.split())


def _slot(name: str, symbol: str, features: list[str]) -> _Slot:
    constants = []
    paths = []
    for feature in features:
        key, _, source = feature.partition("=")
        if source.startswith("$"):
            start, *attributes = source[1:].split(".")
            paths.append((key, start, tuple(attributes)))
        else:
            constants.append((key, source))
    return _Slot(name, symbol, tuple(constants), tuple(paths))


def _items(english: str) -> tuple[_Word | _Slot, ...]:
    items: list[_Word | _Slot] = []
    for piece in _PIECE.findall(english):
        slot = _SLOT.fullmatch(piece)
        if slot:
            items.append(_slot(slot[1], slot[2], slot[3].split()))
            continue
        token, _, tag = piece.rpartition("/")
        if tag not in TAGS:
            raise ValueError(
                f"expected `word/TAG` or `{{name:symbol}}` in {english!r}, got {piece!r}"
            )
        items.append(_Word(token, tag))
    return tuple(items)


def _join(text: str) -> tuple[str, str, str]:
    name, _, pair = text.rpartition(":")
    left, _, right = pair.partition("+")
    return (f"{name}:" if name else ""), left, right


def _lemma(bound: "Bound", part: str) -> str:
    """The lemma of a part of a rule, or the word itself where it stands in quotes."""
    if part.startswith("'"):
        return part.strip("'")
    value: Any = bound
    for name in part.split("."):
        value = getattr(value, name)
    return getattr(value, "lemma", "")


@dataclass
class Grammar:
    """Rules and lexical symbols by name."""

    rules: dict[str, list[Rule]] = field(default_factory=dict)
    lexical: dict[str, Callable[[Bound], Choices]] = field(default_factory=dict)
    _guards: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _weights: dict[Any, tuple[list[Rule], list[float]]] = field(default_factory=dict)

    def rule(
        self,
        symbol: str,
        english: str,
        spanish: str | Callable[[Bound], Any],
        *,
        label: str = "",
        weight: float = 1,
        joins: str = "",
        where: Callable[[Bound], bool] | None = None,
        **when: str,
    ) -> None:
        """Add a rule.

        spanish: a template over the parts (`"{s} {p.after}"`) or a function of the bound parts.
        label: names the construction. joins: `a+n` records that the two parts' lemmas meet,
        `it:a+n` the same under a name of its own, `'tener'+n` a part's lemma with a word.
        where: refuses derivations. when: features the rule needs, `tense="past future"`.
        """
        template = spanish
        build = template.format_map if isinstance(template, str) else template
        joined = tuple(map(_join, joins.split()))
        needs = tuple((key, frozenset(values.split())) for key, values in when.items())
        made = Rule(symbol, _items(english), build, label, weight, joined, where, needs)
        self.rules.setdefault(symbol, []).append(made)
        self._weights.clear()
        guards = dict.fromkeys(key for known in self.rules[symbol] for key, _ in known.when)
        self._guards[symbol] = tuple(guards)

    def words(
        self, symbol: str
    ) -> Callable[[Callable[[Bound], Choices]], Callable[[Bound], Choices]]:
        """Decorator: the function gives a lexical symbol's choices for the features it gets."""

        def register(function: Callable[[Bound], Choices]) -> Callable[[Bound], Choices]:
            self.lexical[symbol] = function
            return function

        return register

    def labels(self) -> list[str]:
        """Every construction's name, sorted."""
        return sorted({rule.label for rules in self.rules.values() for rule in rules if rule.label})

    def _fitting(self, symbol: str, given: Bound) -> tuple[list[Rule], list[float]]:
        rules = self.rules[symbol]
        key = (symbol, *(given.get(guard) for guard in self._guards[symbol]))
        if key not in self._weights:
            fitting = [rule for rule in rules if rule.fits(given)]
            self._weights[key] = (fitting, list(accumulate(rule.weight for rule in fitting)))
        return self._weights[key]

    def _finish(self, rule: Rule, bound: Bound, labels: tuple[str, ...], pairs: tuple[str, ...]):
        """The value, labels and pairs of a rule whose parts are bound, or None where it refuses."""
        if rule.where is not None and not rule.where(bound):
            return None
        met = []
        for name, left, right in rule.joins:
            names = _lemma(bound, left), _lemma(bound, right)
            if all(names):
                met.append(f"{name}{names[0]}+{names[1]}")
        own = (rule.label,) if rule.label else ()
        return rule.build(bound), own + labels, pairs + tuple(met)

    # -- writing ---------------------------------------------------------------------------------

    def write(self, symbol: str, given: Bound, draw: random.Random) -> Derived:
        """One derivation at random; raises DeadEnd where the features leave nothing to say."""
        if symbol in self.lexical:
            entries = self.lexical[symbol](given).entries
            if not entries:
                raise DeadEnd(f"no {symbol} for {dict(given)}")
            entry = entries[int(draw.random() * len(entries))]
            return Derived(entry.value, entry.tokens, entry.tags, (), entry.pairs)
        rules, weights = self._fitting(symbol, given)
        if not rules:
            raise DeadEnd(f"no rule of {symbol} for {dict(given)}")
        for _ in range(4):
            rule = rules[bisect(weights, draw.random() * weights[-1])]
            try:
                return self._write_rule(rule, given, draw)
            except DeadEnd:
                continue
        raise DeadEnd(f"no {symbol} found for {dict(given)}")

    def _write_rule(self, rule: Rule, given: Bound, draw: random.Random) -> Derived:
        bound = Bound(given)
        tokens: list[str] = []
        tags: list[str] = []
        labels: tuple[str, ...] = ()
        pairs: tuple[str, ...] = ()
        for item in rule.items:
            if isinstance(item, _Word):
                tokens.append(item.token)
                tags.append(item.tag)
                continue
            part = self.write(item.symbol, item.given(bound), draw)
            bound[item.name] = part.value
            tokens += part.tokens
            tags += part.tags
            labels += part.labels
            pairs += part.pairs
        finished = self._finish(rule, bound, labels, pairs)
        if finished is None:
            raise DeadEnd(f"a rule of {rule.symbol} refused what it got")
        value, labels, pairs = finished
        return Derived(value, tuple(tokens), tuple(tags), labels, pairs)

    # -- enumerating -----------------------------------------------------------------------------

    def every(self, symbol: str, given: Bound) -> Iterator[Derived]:
        """All derivations, lazily and in a fixed order."""
        if symbol in self.lexical:
            for entry in self.lexical[symbol](given).different:
                yield Derived(entry.value, entry.tokens, entry.tags, (), entry.pairs)
            return
        for rule in self._fitting(symbol, given)[0]:
            yield from self._every_rule(rule, 0, Bound(given), _NOTHING)

    def _every_rule(self, rule: Rule, at: int, bound: Bound, so_far: Derived) -> Iterator[Derived]:
        if at == len(rule.items):
            finished = self._finish(rule, bound, so_far.labels, so_far.pairs)
            if finished is not None:
                value, labels, pairs = finished
                yield so_far._replace(value=value, labels=labels, pairs=pairs)
            return
        item = rule.items[at]
        if isinstance(item, _Word):
            word = Derived(None, (item.token,), (item.tag,), (), ())
            yield from self._every_rule(rule, at + 1, bound, so_far.followed_by(word))
            return
        for part in self.every(item.symbol, item.given(bound)):
            extended = Bound(bound)
            extended[item.name] = part.value
            yield from self._every_rule(rule, at + 1, extended, so_far.followed_by(part))

    # -- reading ---------------------------------------------------------------------------------

    def read(self, symbol: str, given: Bound, tokens: list[str], sentence: bool) -> list[Derived]:
        """Every derivation of exactly these tokens.

        sentence: whether the first token carries a sentence's capital.
        """
        reading = _Reading(self, tokens, sentence)
        found = reading.at(symbol, given, 0)
        return [derived for end, derived in found if end == len(tokens)]


class _Reading:
    """One sentence being read: what every symbol can cover from every position, found once."""

    def __init__(self, grammar: Grammar, tokens: list[str], sentence: bool) -> None:
        self.grammar = grammar
        self.tokens = tokens
        self.sentence = sentence
        self.known: dict[Any, list[tuple[int, Derived]]] = {}

    def _same(self, position: int, word: str) -> bool:
        if position >= len(self.tokens):
            return False
        if position == 0 and self.sentence:
            return self.tokens[0] == capitalised(word)
        return self.tokens[position] == word

    def at(self, symbol: str, given: Bound, position: int) -> list[tuple[int, Derived]]:
        key = (symbol, position, tuple(sorted(given.items(), key=lambda pair: pair[0])))
        if key not in self.known:
            if symbol in self.grammar.lexical:
                self.known[key] = list(self._lexical(symbol, given, position))
            else:
                self.known[key] = [
                    found
                    for rule in self.grammar._fitting(symbol, given)[0]
                    for found in self._rule(rule, 0, Bound(given), position, _NOTHING)
                ]
        return self.known[key]

    def _lexical(self, symbol: str, given: Bound, position: int) -> Iterator[tuple[int, Derived]]:
        choices = self.grammar.lexical[symbol](given)
        firsts = {""}
        if position < len(self.tokens):
            token = self.tokens[position]
            firsts.add(token)
            if position == 0 and self.sentence:
                firsts.add(token[0].lower() + token[1:])
        for first in sorted(firsts):
            for entry in choices.by_first.get(first, ()):
                if all(self._same(position + step, word) for step, word in enumerate(entry.tokens)):
                    found = Derived(entry.value, entry.tokens, entry.tags, (), entry.pairs)
                    yield position + len(entry.tokens), found

    def _rule(
        self, rule: Rule, at: int, bound: Bound, position: int, so_far: Derived
    ) -> Iterator[tuple[int, Derived]]:
        if at == len(rule.items):
            finished = self.grammar._finish(rule, bound, so_far.labels, so_far.pairs)
            if finished is not None:
                value, labels, pairs = finished
                yield position, so_far._replace(value=value, labels=labels, pairs=pairs)
            return
        item = rule.items[at]
        if isinstance(item, _Word):
            if self._same(position, item.token):
                longer = so_far.followed_by(Derived(None, (item.token,), (item.tag,), (), ()))
                yield from self._rule(rule, at + 1, bound, position + 1, longer)
            return
        for end, part in self.at(item.symbol, item.given(bound), position):
            extended = Bound(bound)
            extended[item.name] = part.value
            yield from self._rule(rule, at + 1, extended, end, so_far.followed_by(part))
