"""From meanings to Spanish: noun phrases, predicates and clauses become words in order.

`Nominal` is what an English noun phrase means, `Predicate` what a verb phrase means before it has a
subject or a tense. A clause puts them together: it drops subject pronouns, finds the verb's form,
places `no`, adverbs and clitic pronouns, and orders subject and verb in questions.
"""

import re
from dataclasses import dataclass, field, replace

from workbook.corpus.phrasebook import spanish_verbs
from workbook.corpus.phrasebook.spanish_verbs import REFLEXIVE, attach, conjugate
from workbook.corpus.phrasebook.tokens import capitalised

DATIVE = {"1s": "me", "2s": "te", "3s": "le", "1p": "nos", "3p": "les"}
_CONTRACTIONS = (
    (re.compile(r"\bcon mí\b"), "conmigo"),
    (re.compile(r"\bcon ti\b"), "contigo"),
    (re.compile(r"\ba el\b"), "al"),
    (re.compile(r"\bde el\b"), "del"),
    (re.compile(r"\by (?=(?:i|hi(?!e)|í)\w)", re.IGNORECASE), "e "),
    (re.compile(r"\bo (?=h?[oó]\w)", re.IGNORECASE), "u "),
    (re.compile(r"\s+([,.!?])"), r"\1"),
    (re.compile(r"\s{2,}"), " "),
)
# What has no article, to its end or to a preposition: carne, carne de cerdo (en casa), de compras,
# a casa (con Ana). A capital is somebody or a city, and not bare: a Ana, a Roma.
_BARE = re.compile(
    r"((a|de) (?![A-ZÁ-Ú])\w+|\w+( de \w+)?)(?= (con|conmigo|contigo|en|al?|por|para)\b|$)"
)
# Verbs whose infinitive stays beside them in a question: ¿Va a abrir Ana la puerta?
_CLOSE = frozenset({"ir", "tener", "empezar", "dejar", "terminar"})


@dataclass(frozen=True)
class Nominal:
    """A noun phrase's meaning.

    spanish: its words; a pronoun's are those after a preposition (mí, ti, él).
    agreement: English person and number (1s, 2s, 3s, 1p, 3p); person: the Spanish verb's.
    classes: what it is, for verbs and adjectives to choose by. lemma: its Spanish noun, if any.
    qualities: the English adjectives in it. parts: of several joined by `and`, each of them.
    affirmative: whether it is some of something, or one thing and another, which is not denied:
    after *not* English says *any* and *or*, and Spanish nothing and *ni*.
    sweeping: whether it is everybody, somebody or all of them, of whom nothing is denied: whether
    *not* means all or some would be open, and Spanish would place it elsewhere.
    """

    spanish: str
    agreement: str
    person: str
    gender: str
    number: str
    classes: frozenset[str] = field(default=frozenset(), repr=False)
    lemma: str = ""
    pronoun: str = ""
    definite: bool = True
    human: bool = False
    qualities: tuple[str, ...] = ()
    parts: tuple["Nominal", ...] = ()
    affirmative: bool = False
    sweeping: bool = False

    @property
    def family(self) -> frozenset[str]:
        """Its classes but those of its name alone: what else is of its kind."""
        return self.classes & _FAMILIES or self.classes

    def __str__(self) -> str:
        return self.spanish

    def apart_from(self, other: "Nominal") -> bool:
        """Whether it is somebody else: *you* may be one of *you all*."""
        if self.agreement == other.agreement == "2s":
            return False
        return self.spanish != other.spanish

    @property
    def begins_with_that(self) -> bool:
        """Whether its English begins with *that*, which a verb before it makes a conjunction."""
        that = self.spanish.split()[0] in ("ese", "esa", "esos", "esas")
        return that and self.agreement == "3s"

    @property
    def overt(self) -> bool:
        """Whether it is said as a subject: pronouns are dropped."""
        return not self.pronoun

    @property
    def as_subject(self) -> str:
        """Its words before a verb; nothing for a pronoun."""
        return self.spanish if self.overt else ""

    @property
    def as_object(self) -> str:
        """Its words after a verb, with the personal a where it is a person."""
        return f"a {self.spanish}" if self.human else self.spanish

    @property
    def as_experiencer(self) -> str:
        """Its words where it is pleased: `a Ana`, `a Ana y a mí`; nothing for a pronoun."""
        return " y ".join(f"a {part}" for part in self.parts or (self,)) if self.overt else ""

    @property
    def possessive(self) -> str:
        """The English possessive that refers back to it: my, your, his …"""
        if self.pronoun == "one":
            return ""
        if self.pronoun in _POSSESSIVES:
            return _POSSESSIVES[self.pronoun]
        if self.sweeping:
            return "their"
        if self.agreement in ("1p", "3p"):
            return "our" if self.agreement == "1p" else "their"
        if "person" not in self.classes:
            return "its"
        return "her" if self.gender == "f" else "his"

    @property
    def again(self) -> str:
        """The English subject pronoun that refers back to it: I, you, he …"""
        return {
            "my": "I",
            "your": "you",
            "his": "he",
            "her": "she",
            "its": "it",
            "our": "we",
            "their": "they",
        }[self.possessive]


_FAMILIES = frozenset(
    """food drink animal insect clothing book shown music flower jewel town city building sight game
    vehicle home outdoors""".split()
)
_POSSESSIVES = {
    "you all": "your",
    "who": "their",
    "nobody": "their",
    "I": "my",
    "you": "your",
    "he": "his",
    "she": "her",
    "we": "our",
    "they": "their",
    "it": "its",
}
SPANISH_POSSESSIVES = {"1s": "mi", "2s": "tu", "3s": "su", "1p": "nuestro", "3p": "su"}


@dataclass(frozen=True)
class Predicate:
    """A verb with what follows it, before it has a subject or a tense.

    clitics: object pronouns. after: complements. link and inner: a verb that governs another, as an
    infinitive (`tener` + que + …).
    state: its past is an imperfect. theme: for `gustar` and its kind, the person of what pleases;
    the English subject is then the one who is pleased. plain: the progressive is said with the
    simple tense (`is going` is `va`). detailed: how or where it is done has been said.
    affirmative: its object is (see `Nominal`). denied: what stands in the place of `after` under a
    negation, where that differs (`no tiene madre`).
    """

    verb: str
    after: str = ""
    clitics: tuple[str, ...] = ()
    reflexive: bool = False
    link: str = ""
    inner: "Predicate | None" = None
    state: bool = False
    theme: str = ""
    plain: bool = False
    detailed: bool = False
    affirmative: bool = False
    denied: str = ""
    lemma: str = ""

    def governed_by(self, verb: str, link: str = "", state: bool = False) -> "Predicate":
        """The predicate as what another verb governs: `comprar pan` → `querer comprar pan`."""
        return Predicate(
            verb,
            link=link,
            inner=self,
            state=state,
            affirmative=self.affirmative,
            lemma=self.lemma,
        )

    def under_negation(self) -> "Predicate":
        """The predicate as *no* or *nadie* leaves it: `tener una madre` → `tener madre`."""
        return replace(self, after=self.denied or self.after)


@dataclass(frozen=True)
class VerbPhrase:
    """A predicate with tense, negation and adverbs: all of a clause but its subject.

    tense: present, past, preterite, imperfect, future, conditional, subjunctive, "past
    subjunctive", perfect, pluperfect, progressive, "past progressive". adverb: stands before the
    verb (siempre).
    """

    predicate: Predicate
    tense: str
    negative: bool = False
    adverb: str = ""

    @property
    def state(self) -> bool:
        """Whether it holds rather than happens."""
        return self.predicate.state

    @property
    def lemma(self) -> str:
        """The predicate's."""
        return self.predicate.lemma


def _own_clitics(predicate: Predicate, person: str) -> tuple[str, ...]:
    if predicate.theme:
        return (DATIVE[person],)
    return ((REFLEXIVE[person],) if predicate.reflexive else ()) + predicate.clitics


def infinitive(predicate: Predicate, person: str) -> str:
    """A predicate as an infinitive with its pronouns on its end: `comprarlo`, `levantarme`."""
    verb = attach(predicate.verb, _own_clitics(predicate, person))
    after = predicate.after if predicate.inner is None else _governed(predicate, person)
    return f"{verb} {after}".strip()


def _governed(predicate: Predicate, person: str) -> str:
    return " ".join(part for part in _chain(predicate, person) if part)


def _chain(predicate: Predicate, person: str) -> tuple[str, str]:
    """What a verb governs, as the chain of its infinitives, to the end of those that stay together,
    and what follows it."""
    inner = predicate.inner
    verb = f"{predicate.link} {attach(inner.verb, _own_clitics(inner, person))}".strip()
    if inner.inner is None:
        return verb, inner.after
    chain, after = _chain(inner, person)
    if inner.verb in _CLOSE:
        return f"{verb} {chain}", after
    return verb, f"{chain} {after}".strip()


def _tense(predicate: Predicate, tense: str) -> str:
    if tense == "past":
        return "imperfect" if predicate.state else "preterite"
    return tense


_AUXILIARIES = {
    "perfect": ("haber", "present", spanish_verbs.participle),
    "pluperfect": ("haber", "imperfect", spanish_verbs.participle),
    "progressive": ("estar", "present", spanish_verbs.gerund),
    "past progressive": ("estar", "imperfect", spanish_verbs.gerund),
}
_PLAIN = {"progressive": "present", "past progressive": "imperfect"}


def verb_group(phrase: VerbPhrase, person: str) -> tuple[str, str]:
    """The conjugated verb with adverb, `no` and pronouns before it, and what follows it."""
    predicate = phrase.predicate.under_negation() if phrase.negative else phrase.predicate
    tense = _tense(predicate, phrase.tense)
    if predicate.plain and tense in _PLAIN:
        tense = _PLAIN[tense]
    agreeing = predicate.theme or person
    if tense in _AUXILIARIES:
        auxiliary, auxiliary_tense, form = _AUXILIARIES[tense]
        verb = f"{conjugate(auxiliary, auxiliary_tense, agreeing)} {form(predicate.verb)}"
    else:
        verb = conjugate(predicate.verb, tense, agreeing)
    clitics = _own_clitics(predicate, person)
    no = "no" if phrase.negative else ""
    words = " ".join(part for part in (phrase.adverb, no, *clitics, verb) if part)
    after = predicate.after if predicate.inner is None else _governed(predicate, person)
    return words, after


def _said_subject(subject: Nominal, predicate: Predicate) -> str:
    return subject.as_experiencer if predicate.theme else subject.as_subject


def clause(subject: Nominal, phrase: VerbPhrase) -> str:
    """A statement: `Ana come pan`, `no como pan`, `a Ana le gusta el pan`."""
    group, after = verb_group(phrase, subject.person)
    before = _said_subject(subject, phrase.predicate)
    return " ".join(part for part in (before, group, after) if part)


def yes_or_no(subject: Nominal, phrase: VerbPhrase) -> str:
    """What a question asks that has no question word: `come Ana pan`, and with a subject of several
    words the order of a statement, `tu hermano come pan`."""
    if phrase.predicate.theme or " " in subject.as_subject:
        return clause(subject, phrase)
    return " ".join(part for part in _verb_first(subject, phrase) if part)


def inverted(subject: Nominal, phrase: VerbPhrase) -> str:
    """What follows a question word: `come Ana el pan`. What is bare stays with its verb: `come pan
    Ana`, `come carne de cerdo Ana en casa`, `va de compras Ana`."""
    verb, before, after = _verb_first(subject, phrase)
    after = contracted(after)
    bare = _BARE.match(after)
    end = bare.end() if bare else 0
    parts = (verb, after[:end], before, after[end:].strip())
    return " ".join(part for part in parts if part)


def _verb_first(subject: Nominal, phrase: VerbPhrase) -> tuple[str, str, str]:
    """The verb with what isn't parted from it, the subject, and the rest."""
    predicate = phrase.predicate
    group, after = verb_group(phrase, subject.person)
    before = _said_subject(subject, predicate)
    if predicate.inner is not None and predicate.verb in _CLOSE:
        chain, after = _chain(predicate, subject.person)
        group = f"{group} {chain}"
    return group, before, after


def object_command(predicate: Predicate, person: str, negative: bool) -> str:
    """A command: `cómpralo`, `no lo compres`, `siéntese`, `levántate temprano`."""
    clitics = _own_clitics(predicate, person)
    form = spanish_verbs.command(predicate.verb, person, negative)
    after = predicate.after if predicate.inner is None else _governed(predicate, person)
    words = " ".join(("no", *clitics, form)) if negative else attach(form, clitics)
    return f"{words} {after}".strip()


def contracted(text: str) -> str:
    """`a el` → `al`, `de el` → `del`, `y` → `e` before i, `o` → `u` before o; single blanks."""
    for pattern, written in _CONTRACTIONS:
        text = pattern.sub(written, text)
    return text.strip()


_MARKS = {
    "statement": ("", "."),
    "question": ("¿", "?"),
    "command": ("", "."),
    "exclamation": ("¡", "!"),
}


def finished(text: str, kind: str) -> str:
    """A whole sentence: contracted, with its capital and its marks (¿ ? ¡ ! or .)."""
    opening, closing = _MARKS[kind]
    return capitalised(opening + contracted(text) + closing)
