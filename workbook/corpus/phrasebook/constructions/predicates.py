"""Predicates: a verb in a form, with what it takes.

They see their subject as `s`, so that agreement and meaning follow from it. Forms: `present past`,
their bare twins after *do* (`do-present do-past`), `will`, `inf`, `habit` (after *used to*),
`gerund` (of a progressive), `ing` (after *before*, *stop*), `participle`, `command`.
"""

from dataclasses import dataclass, replace
from functools import cache

from workbook.corpus.phrasebook import realise, spanish_nouns
from workbook.corpus.phrasebook.constructions import noun_phrases
from workbook.corpus.phrasebook.constructions.adverbials import tags_of
from workbook.corpus.phrasebook.constructions.complements import agreeable
from workbook.corpus.phrasebook.constructions.noun_phrases import Named
from workbook.corpus.phrasebook.english_forms import past as english_past
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import ACTIVITIES, NOUNS, VERBS, Activity, Verb
from workbook.corpus.phrasebook.lexicon.tables import pairs
from workbook.corpus.phrasebook.numbers import in_english, in_spanish
from workbook.corpus.phrasebook.realise import DATIVE, SPANISH_POSSESSIVES, Nominal, Predicate

_BASE_FORMS = frozenset({"do-present", "do-past", "will", "inf", "habit", "command"})


_ENGLISH_FORM = {**{form: "base" for form in _BASE_FORMS}, "ing": "gerund"}


# Particles that let an object pronoun in: turn it on, look for it.
_SEPARABLE = frozenset({"on", "off", "up", "out"})


@dataclass(frozen=True)
class VerbUse:
    """A verb in a form: what it may take there. `range` is how definite its object should be."""

    verb: Verb
    form: str

    @property
    def objects(self) -> frozenset[str]:
        """The classes of its objects."""
        return self.verb.objects

    @property
    def lemma(self) -> str:
        """The verb's."""
        return self.verb.lemma

    @property
    def flags(self) -> frozenset[str]:
        """The verb's."""
        return self.verb.flags

    @property
    def manners(self) -> str:
        """The flags as one feature, for adverbs to choose by."""
        return " ".join(sorted(self.verb.flags))

    @property
    def range(self) -> str:
        """`kind` (onions at large), `generic` (bare), `daily` (definite), `pointed`, or `any`."""
        if "generic" in self.verb.flags:
            return "kind"
        if "known" in self.verb.flags:
            return "known"
        if "pointed" in self.verb.flags:
            return "pointed"
        if self.form == "command":
            return "pointed"
        if self.form in ("present", "do-present", "habit") and not self.verb.flags & _AT_ONCE:
            return "daily" if "daily" in self.verb.flags else "generic"
        return "any"

    def done_to(self, thing: Nominal, place: str = "") -> Predicate:
        """The Spanish predicate with its object, and the personal a where it takes one."""
        named = noun_phrases.personal_a(thing, self.verb).as_object
        words = (self.verb.linked_to(thing.gender, thing.number), named, place)
        after = " ".join(word for word in words if word)
        return replace(self.predicate(), after=after, affirmative=thing.affirmative)

    def predicate(
        self, after: str = "", clitics: tuple[str, ...] = (), lemma: str = ""
    ) -> Predicate:
        """The Spanish predicate with its complements."""
        link = self.verb.link
        return Predicate(
            verb=self.verb.spanish,
            after=f"{link} {after}".strip() if link else after,
            clitics=clitics,
            reflexive=self.verb.reflexive,
            state="state" in self.verb.flags,
            plain=self.verb.spanish in ("ir", "venir", "volver", "llevar", "salir"),
            lemma=lemma or self.verb.lemma,
        )


def _fits_form(verb: Verb, form: str, agreement: str) -> bool:
    if "event" in verb.flags and form in ("present", "do-present", "gerund", "habit"):
        return False
    if "noprog" in verb.flags and form == "gerund":
        return False
    if "rare" in verb.flags and form in ("present", "do-present", "habit"):
        return False
    if "mishap" in verb.flags and form in ("inf", "command"):
        return False
    if "worn" in verb.flags and form == "gerund":
        return True
    if "state" in verb.flags and form in (
        "gerund",
        "inf",
        "habit",
        "command",
        "participle",
        "will",
    ):
        return False
    ambiguous = form == "past" or (form == "present" and agreement != "3s")
    return not (verb.ambiguous_past and ambiguous)


def _verb_tokens(verb: Verb, form: str, agreement: str, split: bool = False) -> Entry:
    english = verb.in_english(_ENGLISH_FORM.get(form, form), agreement)
    particle = () if split else verb.particle
    tags = ("VERB", *tags_of(particle))
    return Entry((english, *particle), tags, None)


# What the plain present says of this moment, and so of any object.
_AT_ONCE = frozenset({"state", "noprog"})
_PERSONS = frozenset({"person", "people", "kin", "friend", "role", "monarch", "thief"})


# What may go on for two hours.
_LASTING = frozenset(
    """dormir llorar bailar correr nadar trabajar estudiar viajar descansar hablar esperar
    caminar""".split()
)


@cache
def _verbs(
    frame: str,
    form: str,
    agreement: str,
    subject: frozenset[str],
    takes: frozenset[str] | None,
    kind: str,
) -> Choices:
    entries = []
    for verb in VERBS:
        if verb.frame != frame or not verb.subjects & subject:
            continue
        if not _fits_form(verb, form, agreement):
            continue
        if takes is not None and not verb.objects & takes:
            continue
        if kind == "clitic" and (
            "noclitic" in verb.flags or (verb.particle and verb.particle[-1] in _SEPARABLE)
        ):
            continue
        if kind == "split" and not (verb.particle and verb.particle[-1] in _SEPARABLE):
            continue
        usual = verb.flags & {"state", "daily"} and "generic" not in verb.flags
        if kind == "clitic" and form in ("present", "do-present", "habit") and not usual:
            continue
        if kind == "lasting" and verb.spanish not in _LASTING:
            continue
        if kind == "things" and not verb.objects - _PERSONS:
            continue
        if kind == "people" and not verb.objects & _PERSONS:
            continue
        tokens, tags, *_ = _verb_tokens(verb, form, agreement, split=kind == "split")
        entries.append(Entry(tokens, tags, VerbUse(verb, form)))
    return Choices(entries)


@cache
def _activities(
    form: str, agreement: str, possessive: str, person: str, group: str, several: bool
) -> Choices:
    entries = []
    for activity in ACTIVITIES:
        if group not in activity.groups if group else "only" in activity.groups:
            continue
        if form == "gerund" and "moment" in activity.groups:
            continue
        if possessive == "" and "POSS" in activity.english_rest:
            continue
        if "single" in activity.groups and (several or agreement.endswith("p")):
            continue
        if several and "POSS" in activity.spanish_rest.split():
            continue  # "your" is `tu` everywhere, and would be `su` here
        if form in ("present", "do-present", "habit") and not activity.groups & {
            "habit",
            "workday",
        }:
            continue
        if not _fits_form(activity.verb, form, agreement):
            continue
        verb = activity.verb.in_english(_ENGLISH_FORM.get(form, form), agreement)
        rest = tuple(possessive if word == "POSS" else word for word in activity.english_rest)
        tags = ("VERB", *tags_of(rest))
        entries.append(Entry((verb, *rest), tags, _said(activity, person), _meetings(activity)))
    return Choices(entries)


@cache
def _spanish_nouns() -> dict[str, str]:
    """Every noun's Spanish forms, with its lemma."""
    return {noun.in_spanish(number)[0]: noun.spanish for noun in NOUNS for number in noun.numbers()}


@cache
def _meetings(activity: Activity) -> tuple[str, ...]:
    """The verb and the nouns it takes, as they would meet in a predicate that is put together."""
    known = _spanish_nouns()
    verb = activity.verb.spanish
    nouns = [known[word] for word in activity.spanish_rest.split() if word in known]
    moves = any(verb == other.spanish and other.frame == "motion" for other in VERBS)
    if moves and activity.spanish_rest.startswith("a"):
        verb += " a"
    return tuple(f"{verb}+{noun}" for noun in nouns)


@cache
def meetings_in_phrases() -> frozenset[str]:
    """The meetings inside whole phrases, such as *cook dinner*, which is not *cook* and *dinner*
    translated one by one."""
    return frozenset(meeting for activity in ACTIVITIES for meeting in _meetings(activity))


def _said(activity: Activity, person: str) -> Predicate:
    words = activity.spanish_rest.split()
    after = [
        _possessive(person, words[at + 1]) if word == "POSS" else word
        for at, word in enumerate(words)
    ]
    return Predicate(
        verb=activity.verb.spanish,
        after=" ".join(after),
        reflexive=activity.verb.reflexive,
        plain=activity.verb.spanish in ("ir", "venir", "volver", "llevar", "salir"),
        lemma=activity.lemma,
    )


def _possessive(person: str, noun: str) -> str:
    own = SPANISH_POSSESSIVES[person]
    gender, number = _gender_number(noun)
    if own == "nuestro":
        return spanish_nouns.agree(own, gender, number)
    return own + ("s" if number == "pl" else "")


def _gender_number(word: str) -> tuple[str, str]:
    return ("f" if word.rstrip("s").endswith(("a", "madre", "ión")) else "m"), (
        "pl" if word.endswith("s") else "sg"
    )


def _dative_object(use: VerbUse, thing: Nominal, receiver: Nominal) -> Predicate:
    """`dar el libro a Ana`, with the pronoun that doubles the receiver: `le da el libro a Ana`."""
    if receiver.pronoun:
        given = use.predicate(thing.spanish, (receiver.pronoun,))
    else:
        given = use.predicate(f"{thing.spanish} a {receiver.spanish}", (DATIVE[receiver.person],))
    return replace(given, affirmative=thing.affirmative)


def _thing_moved(use: VerbUse, thing: Nominal, receiver: Nominal) -> Predicate:
    """Both pronouns: `se lo da`, `me lo da`, `se lo da a Ana`."""
    if receiver.pronoun:
        dative = "se" if receiver.pronoun in ("le", "les") else receiver.pronoun
        return use.predicate("", (dative, thing.pronoun))
    return use.predicate(f"a {receiver.spanish}", ("se", thing.pronoun))


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_words(grammar)
    _add_predicates(grammar)


def _add_words(grammar: Grammar) -> None:
    @grammar.words("verb")
    def _(given: Bound) -> Choices:
        takes = given.takes.classes if given.takes else None
        return _verbs(
            given.frame, given.form, given.s.agreement, given.s.classes, takes, given.kind or ""
        )

    @grammar.words("particle")
    def _(given: Bound) -> Choices:
        words = given.v.verb.particle
        return Choices([Entry(words, ("ADP",) * len(words), None)])

    @grammar.words("activity")
    def _(given: Bound) -> Choices:
        s = given.s
        if "person" not in s.classes:
            return Choices([])
        several = s.pronoun == "you all"
        return _activities(
            given.form, s.agreement, s.possessive, s.person, given.group or "", several
        )


def _add_predicates(grammar: Grammar) -> None:
    def rule(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("predicate", english, spanish, label=label, weight=weight, **features)

    rule(
        "{v:verb frame=intransitive form=$form s=$s}",
        lambda b: b.v.predicate(),
        "intransitive",
        2,
    )
    rule(
        "{v:verb frame=intransitive form=$form s=$s} {m:manner of=$v.manners}",
        lambda b: replace(b.v.predicate(b.m), detailed=True),
        "manner",
        2,
    )
    rule(
        "{v:verb frame=intransitive form=$form s=$s} {p:setting of=$v.manners}",
        lambda b: replace(b.v.predicate(b.p), detailed=True),
        "place of an activity",
        1.5,
    )
    rule(
        "{v:verb frame=transitive form=$form s=$s} {o:object want=$v.objects range=$v.range}",
        lambda b: b.v.done_to(b.o),
        "transitive",
        10,
        joins="v+o",
        where=lambda b: b.o.spanish != b.s.spanish,
    )
    rule(
        "{v:verb frame=transitive form=$form s=$s} {o:object want=$v.objects range=$v.range} "
        "{p:setting of=$v.manners}",
        lambda b: replace(b.v.done_to(b.o, b.p), detailed=True),
        "transitive with place",
        2,
        joins="v+o",
    )
    rule(
        "{v:verb frame=transitive form=$form s=$s} any/DET {n:bare-noun want=$v.objects}",
        lambda b: b.v.done_to(noun_phrases.phrase(b.n.determiner, b.n.noun)),
        "any",
        0.7,
        form="do-present do-past",
        joins="v+n",
        where=lambda b: b.v.range != "pointed",
    )
    rule(
        "{v:possess form=$form s=$s} any/DET {n:bare-noun people=yes want=kin,friend," + _HAD + "}",
        lambda b: Predicate(
            "tener",
            noun_phrases.phrase(b.n.determiner, b.n.noun).spanish,
            state=True,
            lemma="tener",
        ),
        "any",
        2,
        form="do-present do-past",
        joins="v+n",
    )
    rule(
        "{v:verb frame=transitive kind=clitic form=$form s=$s} {o:object-pronoun verb=$v s=$s}",
        lambda b: b.v.predicate("", (b.o.pronoun,)),
        "object pronoun",
        3,
    )
    rule(
        "{v:verb frame=transitive kind=split form=$form s=$s} it/PRON {q:particle v=$v}",
        lambda b: b.v.predicate("", ("lo",)),
        "object pronoun",
        0.3,
    )
    ditransitive = "{v:verb frame=ditransitive form=$form s=$s} "
    rule(
        ditransitive + "{o:given want=$v.objects} to/ADP {r:receiver}",
        lambda b: _dative_object(b.v, b.o, b.r),
        "giving to somebody",
        4,
        joins="v+o",
        where=lambda b: b.r.spanish != b.s.spanish,
    )
    rule(
        ditransitive + "{r:dative-pronoun s=$s} {o:handed want=$v.objects}",
        lambda b: _dative_object(b.v, b.o, b.r),
        "giving with a pronoun",
        2,
        joins="v+o",
        where=lambda b: b.v.verb.english not in ("explain", "return"),
    )
    rule(
        ditransitive + "it/PRON to/ADP {r:dative-pronoun s=$s}",
        lambda b: _thing_moved(b.v, noun_phrases.IT, b.r),
        "two pronouns",
        0.7,
    )
    rule(
        ditransitive + "it/PRON to/ADP {r:receiver}",
        lambda b: _thing_moved(b.v, noun_phrases.IT, b.r),
        "two pronouns",
        0.7,
        where=lambda b: b.r.spanish != b.s.spanish,
    )
    rule(
        "{v:verb frame=motion form=$form s=$s} to/ADP {o:destination want=$v.objects}",
        lambda b: b.v.predicate(b.o.spanish),
        "motion",
        3,
        joins="v+o",
    )
    rule(
        "{v:verb frame=settled form=$form s=$s} {o:location want=$v.objects}",
        lambda b: replace(b.v.predicate(f"en {b.o.spanish}"), detailed=True),
        "living and working somewhere",
        2,
        joins="v+o",
        where=lambda b: b.o.definite or b.v.verb.english in ("live", "work"),
    )
    rule(
        "{a:activity form=$form s=$s}",
        lambda b: b.a,
        "activity",
        5,
    )
    rule(
        "{a:activity form=$form s=$s group=commute} {t:transport}",
        lambda b: replace(b.a, after=f"{b.a.after} {b.t}"),
        "means of transport",
        0.8,
        where=lambda b: "por" not in b.a.after.split(),
    )
    rule(
        "{v:verb frame=motion form=$form s=$s} to/ADP {o:destination want=$v.objects} "
        "{t:transport}",
        lambda b: b.v.predicate(f"{b.o.spanish} {b.t}"),
        "means of transport",
        1,
        joins="v+o",
        where=lambda b: b.v.lemma in ("ir a", "venir a", "viajar a", "volver a"),
    )
    rule(
        "{v:possess form=$form s=$s} {n:few} children/NOUN",
        lambda b: Predicate("tener", f"{b.n} hijos", state=True, lemma="tener"),
        "having",
        1,
        form="present do-present past do-past",
    )

    @grammar.words("transport")
    def _(given: Bound) -> Choices:
        entries = [Entry(("by", en), ("ADP", "NOUN"), f"en {es}") for en, es in pairs(_TRANSPORT)]
        return Choices([*entries, Entry(("on", "foot"), ("ADP", "NOUN"), "a pie")])

    @grammar.words("few")
    def _(given: Bound) -> Choices:
        return Choices([Entry(in_english(n), ("NUM",), in_spanish(n)) for n in range(2, 7)])

    rule(
        "{a:activity form=$form s=$s group=fun} with/ADP {o:beside s=$s}",
        lambda b: replace(b.a, after=f"{b.a.after} con {b.o.spanish}".strip()),
        "doing with somebody",
        1.5,
        where=lambda b: b.o.spanish not in b.s.spanish and "con" not in b.a.after.split(),
    )
    rule(
        "{v:verb frame=control form=$form s=$s} to/PART {q:governed form=inf s=$s}",
        lambda b: replace(
            b.q.governed_by(b.v.verb.spanish, b.v.verb.link, state="state" in b.v.flags),
            reflexive=b.v.verb.reflexive,
        ),
        "verb with infinitive",
        4,
        form="present past do-present do-past participle will gerund",
        where=lambda b: not (b.v.verb.english == "learn" and b.q.lemma not in _LEARNED),
    )
    rule(
        "{v:verb frame=gerund-control form=$form s=$s} {q:activity form=ing s=$s}",
        lambda b: b.q.governed_by(b.v.verb.spanish, b.v.verb.link),
        "verb with gerund",
        1,
        form="past do-past participle will inf",
        where=lambda b: b.v.verb.english != "finish" or "chore" in _groups(b.q.lemma),
    )
    grammar.rule("governed", "{a:activity form=$form s=$s}", lambda b: b.a, weight=3)
    grammar.rule(
        "governed",
        "{p:predicate form=$form s=$s}",
        lambda b: b.p,
        where=lambda b: b.p.inner is None,
        weight=3,
    )
    rule(
        "{v:pleasing form=$form s=$s} {o:object want=$v.objects range=kind}",
        lambda b: b.v.pleased(b.o),
        "gustar with a noun",
        6,
        form="present do-present",
        joins="v+o",
    )
    rule(
        "{v:pleasing form=$form s=$s} {o:common want=$v.objects role=definite}",
        lambda b: b.v.pleased(b.o),
        "gustar with a noun",
        3,
        form="present do-present past do-past",
        joins="v+o",
        where=lambda b: not b.o.human and not b.o.classes & noun_phrases.ANIMALS,
    )
    rule(
        "{v:pleasing form=$form s=$s} {o:pleasing-pronoun v=$v}",
        lambda b: Predicate(b.v.spanish, theme=b.o, lemma=b.v.spanish),
        "gustar with a pronoun",
        2,
        form="present do-present past do-past",
    )
    rule(
        "{v:pleasing form=$form s=$s} to/PART {a:activity form=inf s=$s group=fun}",
        lambda b: b.v.pleased_to(b.a, b.s),
        "gustar with a verb",
        4,
        form="present do-present",
    )
    rule(
        "have/VERB to/PART {q:predicate form=inf s=$s}",
        lambda b: b.q.governed_by("tener", "que", state=True),
        "must and have to",
        1,
        form="will inf",
        where=lambda b: b.q.inner is None,
    )
    rule(
        "{v:possess form=$form s=$s} {o:possession}",
        lambda b: Predicate(
            "tener",
            b.o.spanish,
            state=True,
            affirmative=b.o.affirmative,
            denied=_missing_relative(b.o),
            lemma="tener",
        ),
        "having",
        6,
        form="present do-present past do-past",
        joins="v+o",
    )

    @grammar.words("strong-pronoun")
    def _(given: Bound) -> Choices:
        return noun_phrases.strong_pronouns(given.s.agreement if given.s else "")

    rule(
        "{v:verb frame=transitive form=$form s=$s} {o:given want=$v.objects} for/ADP "
        "{r:beside s=$s}",
        lambda b: replace(
            b.v.predicate(f"{b.o.spanish} para {b.r.spanish}"), affirmative=b.o.affirmative
        ),
        "doing for somebody",
        2,
        form="past do-past will inf gerund participle command",
        joins="v+o",
        where=lambda b: (
            b.v.verb.spanish in _FAVOURS and not b.o.human and b.r.spanish not in b.s.spanish
        ),
    )
    rule(
        "{v:feeling form=$form s=$s} {a:state-adjective s=$s kind=mood}",
        lambda b: Predicate(
            b.v, b.a.in_spanish(b.s.gender, b.s.number), reflexive=b.v == "sentir", state=True
        ),
        "feeling and seeming",
        1.2,
        form="present past do-present do-past",
        joins="a+s",
        where=lambda b: agreeable(b.a, b.s),
    )

    @grammar.words("feeling")
    def _(given: Bound) -> Choices:
        return _feelings(given.form, given.s.agreement)

    @grammar.words("pleasing")
    def _(given: Bound) -> Choices:
        return _pleasing(given.form, given.s.agreement, given.s.classes)

    @grammar.words("pleasing-pronoun")
    def _(given: Bound) -> Choices:
        words = [("it", "3s")] + ([("them", "3p")] if given.v.spanish == "gustar" else [])
        return Choices([Entry((word,), ("PRON",), person) for word, person in words])

    @grammar.words("possess")
    def _(given: Bound) -> Choices:
        if "person" not in given.s.classes:
            return Choices([])
        form = _ENGLISH_FORM.get(given.form, given.form)
        word = {"base": "have", "past": "had", "present": "have"}[form]
        if form == "present" and given.s.agreement == "3s":
            word = "has"
        return Choices([Entry((word,), ("VERB",), Named("tener", "tener"))])

    grammar.rule("possession", "{o:common role=object want=" + _HAD + "}", lambda b: b.o, weight=3)
    grammar.rule(
        "possession",
        "{d:determiner role=had} {n:noun d=$d want=kin,friend kin=yes}",
        lambda b: noun_phrases.phrase(b.d, b.n),
        weight=1.5,
        where=lambda b: not (b.d.kind == "number" and b.n.english in ("mother", "father")),
    )
    grammar.rule(
        "possession",
        "{a:common role=one want="
        + _HAD
        + ",pet} and/CONJ {c:common role=one want="
        + _HAD
        + ",pet}",
        lambda b: noun_phrases.two_things(b.a, b.c),
        label="coordinated object",
        weight=0.7,
        where=lambda b: b.a.lemma != b.c.lemma and b.a.classes & b.c.classes,
    )
    grammar.rule(
        "possession",
        "{n:bare-noun want=" + _HAD + "}",
        lambda b: noun_phrases.phrase(b.n.determiner, b.n.noun),
    )
    grammar.rule("given", "{o:common want=$want role=definite}", lambda b: b.o, weight=3)
    grammar.rule("given", "{o:common want=$want role=one}", lambda b: b.o, weight=3)
    grammar.rule("given", "{o:proper want=$want}", lambda b: b.o)
    grammar.rule("handed", "{o:common want=$want role=given}", lambda b: b.o, weight=3)
    grammar.rule("handed", "{o:common want=$want role=one}", lambda b: b.o, weight=3)
    grammar.rule("handed", "{o:proper want=$want}", lambda b: b.o)
    grammar.rule("receiver", "{n:name}", lambda b: b.n, weight=2)
    grammar.rule(
        "receiver", "{o:common want=kin,friend,people role=definite}", lambda b: b.o, weight=3
    )
    # As many again, so that `les` is met as often as `le`: only the receiver, at the end, tells.
    grammar.rule(
        "receiver",
        "{o:common want=kin,friend,people role=definite agr=3p}",
        lambda b: b.o,
        weight=3,
    )
    grammar.rule("beside", "{o:companion}", lambda b: b.o, weight=3)
    grammar.rule("beside", "{o:strong-pronoun s=$s}", lambda b: b.o)
    grammar.rule("companion", "{n:name}", lambda b: b.n, weight=1)
    grammar.rule("companion", "{o:common want=kin,friend role=definite}", lambda b: b.o, weight=3)
    grammar.rule(
        "destination", "{o:common want=$want role=definite agr=3s}", lambda b: b.o, weight=3
    )
    grammar.rule("destination", "{o:proper want=$want}", lambda b: b.o, weight=2)
    grammar.rule(
        "location",
        "in/ADP {o:common want=$want role=object}",
        lambda b: b.o,
        weight=3,
        where=_settled_place,
    )
    grammar.rule("location", "in/ADP {o:proper want=$want}", lambda b: b.o, weight=2)


def _missing_relative(had: Nominal) -> str:
    """A relative whom one doesn't have, said without an article: `no tiene madre`."""
    one = had.number == "sg" and not had.definite
    return had.lemma if one and "kin" in had.classes else ""


_HAD = (
    "pet,clothing,jewel,glasses,thing,container,device,vehicle,book,stationery,toy,instrument,home,"
    "yard,text,papers,job,money,data,idea,plan,problem,question,class,meeting,exam,fruit,dish,drink,"
    "dessert,family,labor,booking,furniture,gift"
)


_TRANSPORT = """
bus | autobús
car | coche
train | tren
bicycle | bicicleta
taxi | taxi
subway | metro
"""
_FAVOURS = frozenset("comprar cocinar preparar hacer llevar construir dibujar elegir".split())


@cache
def _feelings(form: str, agreement: str) -> Choices:
    entries = []
    for english, spanish in (("feel", "sentir"), ("seem", "parecer"), ("look", "parecer")):
        word = {"past": english_past(english)}.get(form, english)
        if form == "present" and agreement == "3s":
            word = english + "s"
        entries.append(Entry((word,), ("VERB",), spanish))
    return Choices(entries)


def _settled_place(bound: Bound) -> bool:
    return bound.o.person == "3s"


PLEASING = (
    ("like", "gustar"),
    ("like", "gustar"),
    ("love", "encantar"),
)


_LIKED = frozenset(
    """job school meal dish fruit vegetable dessert meat drink music clothing shown book animal
    flower city town sight game home outdoors jewel vehicle""".split()
)


@dataclass(frozen=True)
class Pleasing:
    """`like` or `love` in a form: Spanish turns it round, what is liked is the subject."""

    spanish: str
    form: str

    @property
    def objects(self) -> frozenset[str]:
        """What may be liked; loved persons are another verb's."""
        return _LIKED

    @property
    def lemma(self) -> str:
        """The Spanish verb."""
        return self.spanish

    def pleased(self, thing: Nominal) -> Predicate:
        """`me gusta el café`, `me gustan las fresas`."""
        return Predicate(self.spanish, thing.spanish, theme=thing.person, lemma=self.spanish)

    def pleased_to(self, activity: Predicate, subject: Nominal) -> Predicate:
        """`me gusta bailar`."""
        return Predicate(
            self.spanish,
            realise.infinitive(activity, subject.person),
            theme="3s",
            lemma=self.spanish,
        )


@cache
def _pleasing(form: str, agreement: str, classes: frozenset[str]) -> Choices:
    if "person" not in classes:
        return Choices([])
    entries = []
    for english, spanish in PLEASING:
        own = _ENGLISH_FORM.get(form, form)
        if own == "present":
            word = english + ("s" if agreement == "3s" else "")
        else:
            word = {"base": english, "past": english + "d"}[own]
        entries.append(Entry((word,), ("VERB",), Pleasing(spanish, form)))
    return Choices(entries)


_SKILLS = """
swim | nadar
cook | cocinar
drive | conducir
dance | bailar
play the piano | tocar el piano
play the guitar | tocar la guitarra
play chess | jugar al ajedrez
ride a bicycle | montar en bicicleta
speak English | hablar inglés
speak Spanish | hablar español
ski | esquiar
draw | dibujar
paint | pintar
fix the car | arreglar el coche
make a cake | hacer un pastel
"""


_LEARNED = frozenset(spanish for _, spanish in pairs(_SKILLS))


@cache
def _groups(lemma: str) -> frozenset[str]:
    return frozenset().union(*(a.groups for a in ACTIVITIES if a.lemma == lemma))


@cache
def skills() -> Choices:
    entries = []
    for english, spanish in pairs(_SKILLS):
        tokens = tuple(english.split())
        verb, _, rest = spanish.partition(" ")
        tags = ("VERB", *tags_of(tokens[1:]))
        entries.append(Entry(tokens, tags, Predicate(verb, rest, lemma=spanish)))
    return Choices(entries)
