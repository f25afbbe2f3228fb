"""Tenses and modals: a predicate (`action`) or the copula (`being`) as a clause without subject."""

from workbook.corpus.phrasebook import realise
from workbook.corpus.phrasebook.constructions.predicates import skills
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.realise import Predicate, VerbPhrase


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_actions(grammar)
    _add_being(grammar)


def not_obliged(bound: Bound) -> bool:
    """No modal before *have to*."""
    return bound.p.verb != "tener" or bound.p.inner is None


def _deniable(bound: Bound) -> bool:
    return not bound.p.affirmative


def _deniable_modal(bound: Bound) -> bool:
    return not_obliged(bound) and _deniable(bound)


def _add_actions(grammar: Grammar) -> None:
    def action(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("action", english, spanish, label=label, weight=weight, **features)

    def tensed(tense: str, negative: bool = False):
        return lambda b: VerbPhrase(b.p, tense, negative)

    def governed(verb: str, tense: str, link: str = "", negative: bool = False):
        return lambda b: VerbPhrase(b.p.governed_by(verb, link, state=True), tense, negative)

    action("{p:predicate form=present s=$s}", tensed("present"), "present", 4, tense="present")
    action("{p:predicate form=past s=$s}", tensed("past"), "past", 6, tense="past")
    action(
        "{x:do-not tense=present s=$s} {p:predicate form=do-present s=$s}",
        tensed("present", True),
        "present negative",
        2,
        tense="present",
        where=_deniable,
    )
    action(
        "{x:do-not tense=past s=$s} {p:predicate form=do-past s=$s}",
        tensed("past", True),
        "past negative",
        2,
        tense="past",
        where=_deniable,
    )
    action(
        "{x:will s=$s} {p:predicate form=will s=$s}",
        tensed("future"),
        "future",
        2.5,
        tense="future",
    )
    action(
        "{x:will-not s=$s} {p:predicate form=will s=$s}",
        tensed("future", True),
        "future negative",
        0.8,
        tense="future",
        where=_deniable,
    )
    action(
        "{x:be tense=present s=$s} going/VERB to/PART {p:predicate form=inf s=$s}",
        governed("ir", "present", "a"),
        "going to",
        2.5,
        tense="future",
    )
    action(
        "{x:be-not tense=present s=$s} going/VERB to/PART {p:predicate form=inf s=$s}",
        governed("ir", "present", "a", True),
        "going to negative",
        0.7,
        tense="future",
        where=_deniable,
    )
    action(
        "{x:be tense=past s=$s} going/VERB to/PART {p:predicate form=inf s=$s}",
        governed("ir", "imperfect", "a"),
        "was going to",
        0.4,
        tense="intended",
    )
    action(
        "{x:be tense=present s=$s} {p:predicate form=gerund s=$s}",
        tensed("progressive"),
        "progressive",
        3,
        tense="progressive",
    )
    action(
        "{x:be-not tense=present s=$s} {p:predicate form=gerund s=$s}",
        tensed("progressive", True),
        "progressive negative",
        0.8,
        tense="progressive",
        where=_deniable,
    )
    action(
        "{x:be tense=past s=$s} {p:predicate form=gerund s=$s}",
        tensed("past progressive"),
        "past progressive",
        1,
        tense="past-progressive",
    )
    action(
        "{x:have tense=present s=$s} {p:predicate form=participle s=$s}",
        tensed("perfect"),
        "perfect",
        2,
        tense="perfect",
    )
    action(
        "{x:have-not tense=present s=$s} {p:predicate form=participle s=$s}",
        tensed("perfect", True),
        "perfect negative",
        0.8,
        tense="perfect",
        where=_deniable,
    )
    action(
        "{x:be tense=present s=$s} still/ADV {p:predicate form=gerund s=$s}",
        lambda b: VerbPhrase(b.p, "progressive", adverb="todavía"),
        "still",
        0.6,
        tense="progressive-still",
    )
    action(
        "{x:have tense=present s=$s} just/ADV {p:predicate form=participle s=$s}",
        governed("acabar", "present", "de"),
        "just done",
        0.7,
        tense="perfect-just",
        where=lambda b: b.p.inner is None,
    )
    action(
        "{x:have tense=present s=$s} already/ADV {p:predicate form=participle s=$s}",
        lambda b: VerbPhrase(b.p, "perfect", adverb="ya"),
        "already",
        0.6,
        tense="perfect-already",
    )
    action(
        "{x:have-not tense=present s=$s} {p:predicate form=participle s=$s} yet/ADV",
        lambda b: VerbPhrase(b.p, "perfect", True, adverb="todavía"),
        "not yet",
        0.5,
        tense="perfect-already",
        where=_deniable,
    )
    action(
        "{x:have tense=past s=$s} already/ADV {p:predicate form=participle s=$s}",
        lambda b: VerbPhrase(b.p, "pluperfect", adverb="ya"),
        "pluperfect",
        0.4,
        tense="pluperfect",
    )
    action(
        "used/VERB to/PART {p:predicate form=habit s=$s}",
        tensed("imperfect"),
        "used to",
        1,
        tense="imperfect",
        where=lambda b: b.p.inner is None,
    )
    action(
        "{f:frequency s=$s} {p:predicate form=present s=$s}",
        lambda b: VerbPhrase(b.p, "present", adverb=b.f),
        "frequency",
        1.5,
        tense="frequency",
        where=lambda b: not b.p.state and not b.p.theme and (b.f != "nunca" or _deniable(b)),
    )
    for english, spanish, tense, weight in (
        ("can", "poder", "present", 2),
        ("must", "deber", "present", 1),
        ("should", "deber", "conditional", 1),
    ):
        action(
            f"{english}/AUX {{p:predicate form=inf s=$s}}",
            governed(spanish, tense),
            english,
            weight,
            tense="modal",
            where=not_obliged,
        )
    action(
        "{x:can-not s=$s} {p:predicate form=inf s=$s}",
        governed("poder", "present", negative=True),
        "can negative",
        1,
        where=_deniable_modal,
        tense="modal",
    )
    action(
        "should/AUX {n:not s=$s} {p:predicate form=inf s=$s}",
        governed("deber", "conditional", negative=True),
        "should negative",
        0.6,
        where=_deniable_modal,
        tense="modal",
    )
    action(
        "could/AUX {n:not s=$s} {p:predicate form=inf s=$s}",
        governed("poder", "preterite", negative=True),
        "could not",
        0.5,
        where=_deniable_modal,
        tense="past-modal",
    )
    action(
        "{x:would s=$s} like/VERB {o:wished want=dish,drink,dessert,fruit,meat}",
        lambda b: VerbPhrase(Predicate("querer", b.o.spanish, lemma="querer"), "past subjunctive"),
        "would like",
        1,
        joins="'querer'+o",
        tense="modal",
        where=lambda b: "person" in b.s.classes,
    )
    action(
        "{x:would s=$s} like/VERB to/PART {p:predicate form=inf s=$s}",
        lambda b: VerbPhrase(
            Predicate("gustar", realise.infinitive(b.p, b.s.person), theme="3s", state=True),
            "conditional",
        ),
        "would like to",
        1,
        tense="modal",
        where=lambda b: b.p.inner is None and "person" in b.s.classes,
    )
    grammar.rule(
        "predicate",
        "{v:know form=$form s=$s} how/ADV to/PART {a:skill}",
        lambda b: b.a.governed_by("saber", state=True),
        label="knowing how",
        weight=2,
        form="present do-present",
    )

    @grammar.words("know")
    def _(given: Bound) -> Choices:
        if "person" not in given.s.classes:
            return Choices([])
        third = given.form == "present" and given.s.agreement == "3s"
        return Choices([Entry(("knows" if third else "know",), ("VERB",), None)])

    @grammar.words("not")
    def _(given: Bound) -> Choices:
        if given.s.sweeping:
            return Choices([])
        return Choices(
            [
                Entry(("n't",), ("PART",), None),
                Entry(("n't",), ("PART",), None),
                Entry(("not",), ("PART",), None),
            ]
        )

    @grammar.words("skill")
    def _(given: Bound) -> Choices:
        return skills()


def _add_being(grammar: Grammar) -> None:
    def being(
        english: str, said: str, label: str, weight: float, negative=False, **features
    ) -> None:
        grammar.rule(
            "being",
            english,
            lambda b: VerbPhrase(b.c, said, negative),
            label=label,
            weight=weight,
            **features,
        )

    being("{x:be tense=present s=$s} {c:complement s=$s}", "present", "present", 6, tense="present")
    being(
        "{x:be-not tense=present s=$s} {c:complement s=$s}",
        "present",
        "present negative",
        2,
        True,
        tense="present",
    )
    being("{x:be tense=past s=$s} {c:complement s=$s}", "past", "past", 2.5, tense="past")
    being(
        "{x:be-not tense=past s=$s} {c:complement s=$s}",
        "past",
        "past negative",
        1,
        True,
        tense="past",
    )
    being("{x:will s=$s} be/AUX {c:complement s=$s}", "future", "future", 0.8, tense="future")
    grammar.rule("wished", "{o:common role=one want=$want}", lambda b: b.o, weight=3)
    grammar.rule("wished", "{o:common role=the want=$want}", lambda b: b.o)
    grammar.rule(
        "being",
        "{x:be tense=present s=$s} still/ADV {c:complement s=$s}",
        lambda b: VerbPhrase(b.c, "present", adverb="todavía"),
        label="still",
        weight=0.4,
        tense="still",
        where=lambda b: b.c.verb == "estar",
    )
    grammar.rule(
        "being",
        "must/AUX be/AUX {c:complement s=$s}",
        lambda b: VerbPhrase(b.c.governed_by("deber", "de", state=True), "present"),
        label="must be",
        weight=0.3,
        tense="modal",
    )
    grammar.rule(
        "being",
        "{x:be tense=present s=$s} {f:frequency s=$s} {c:complement s=$s}",
        lambda b: VerbPhrase(b.c, "present", adverb=b.f),
        label="frequency",
        weight=0.5,
        tense="frequency",
        where=lambda b: b.c.verb == "estar",
    )
