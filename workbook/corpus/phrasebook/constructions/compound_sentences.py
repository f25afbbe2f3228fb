"""Sentences of two clauses: because, so, when, while, before and after, if, although, and, but."""

from dataclasses import dataclass, replace
from functools import cache

from workbook.corpus.phrasebook import realise, spanish_nouns
from workbook.corpus.phrasebook.constructions.adverbials import tag, tags_of
from workbook.corpus.phrasebook.constructions.complements import agreeable
from workbook.corpus.phrasebook.constructions.statements import Means
from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon.tables import rows
from workbook.corpus.phrasebook.realise import Nominal, Predicate, VerbPhrase, clause

# A reason: the group of activities it explains, how English and Spanish say it of oneself.
_REASONS = """
tired | tired | estar | cansado
tired | very tired | estar | muy cansado
tired | sleepy | tener | sueño
sick | sick | estar | enfermo
hungry | hungry | tener | hambre
hungry | very hungry | tener | mucha hambre
thirsty | thirsty | tener | sed
thirsty | very thirsty | tener | mucha sed
sleepy | sleepy | tener | sueño
cold | cold | tener | frío
cold | very cold | tener | mucho frío
hot | hot | tener | calor
happy | happy | estar | feliz
happy | very happy | estar | muy feliz
sad | sad | estar | triste
sad | very sad | estar | muy triste
bored | bored | estar | aburrido
hurry | in a hurry | tener | prisa
"""


# Reasons in the weather: group | what it does, with TAGS | present | imperfect | future condition
_SKIES = """
rain | raining/VERB | está lloviendo | estaba lloviendo
rain | raining/VERB hard/ADV | está lloviendo mucho | estaba lloviendo mucho
cold | cold/ADJ | hace frío | hacía frío
cold | snowing/VERB | está nevando | estaba nevando
hot | hot/ADJ | hace calor | hacía calor
hot | very/ADV hot/ADJ | hace mucho calor | hacía mucho calor
sunny | sunny/ADJ | hace sol | hacía sol
dark | dark/ADJ | está oscuro | estaba oscuro
late | late/ADJ | es tarde | era tarde
"""


_GROUPS = tuple("tired sick hungry thirsty sleepy cold hot happy sad bored hurry".split())


_SKY_GROUPS = tuple("rain cold hot sunny dark late".split())


# What comes in the middle of something else: english past | spanish verb | rest
_EVENTS = """
arrived | llegar |
called | llamar |
came home | volver | a casa
left | irse |
came | venir |
knocked on the door | tocar | a la puerta
arrived home | llegar | a casa
"""


# What one would need: english | spanish | the activities it would allow
_MEANS = """
time | tiempo | fun
more time | más tiempo | fun
money | dinero | trip
a lot of money | mucho dinero | trip
more money | más dinero | trip
a day off | un día libre | fun
"""


@cache
def _reasons(group: str, gender: str, number: str) -> Choices:
    entries = []
    for own, english, verb, spanish in rows(_REASONS):
        if own != group:
            continue
        tokens = tuple(english.split())
        tags = tuple("ADV" if word == "very" else _tag_reason(word) for word in tokens)
        lemma = ""
        if verb == "estar":
            head, _, lemma = spanish.rpartition(" ")
            spanish = f"{head} {spanish_nouns.agree(lemma, gender, number)}".strip()
        said = Predicate(verb, spanish, state=True, lemma=lemma)
        entries.append(Entry(tokens, tags, said))
    return Choices(entries)


def _tag_reason(word: str) -> str:
    return {"in": "ADP", "a": "DET", "hurry": "NOUN"}.get(word, "ADJ")


@cache
def _skies(group: str) -> Choices:
    entries = []
    for own, english, present, imperfect in rows(_SKIES):
        if own == group:
            words = [piece.split("/") for piece in english.split()]
            entries.append(
                Entry(
                    tuple(word for word, _ in words),
                    tuple(tag for _, tag in words),
                    Sky(present, imperfect),
                )
            )
    return Choices(entries)


@dataclass(frozen=True)
class Sky:
    """A state of the weather or the hour, in two tenses."""

    present: str
    imperfect: str


def _again(subject: Nominal) -> Nominal:
    """The pronoun that refers back to a subject, with its Spanish person, gender and number."""
    form = subject.again
    agreement = "3p" if form == "they" else subject.agreement
    return replace(
        subject, pronoun=form, spanish="él", lemma="", agreement=agreement, sweeping=False
    )


@cache
def _events() -> Choices:
    entries = []
    for english, spanish, rest in rows(_EVENTS):
        tokens = tuple(english.split())
        verb = spanish.removesuffix("se")
        tags = ("VERB", *tags_of(tokens[1:]))
        entries.append(Entry(tokens, tags, Predicate(verb, rest, reflexive=verb != spanish)))
    return Choices(entries)


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_words(grammar)
    _add_reasons(grammar)
    _add_times_of_clauses(grammar)
    _add_conditions(grammar)
    _add_coordination(grammar)


def _add_words(grammar: Grammar) -> None:
    @grammar.words("again")
    def _(given: Bound) -> Choices:
        meant = _again(given.s)
        return Choices([Entry((given.s.again,), ("PRON",), meant)])

    @grammar.words("step")
    def _(given: Bound) -> Choices:
        entries = grammar.lexical["activity"](given).different
        earlier = _step(given.before) if given.before else ""
        later = _step(given.after) if given.after else ""
        return _steps(entries, earlier, later)

    @grammar.words("reason")
    def _(given: Bound) -> Choices:
        return _reasons(given.group, given.s.gender, given.s.number)

    @grammar.words("sky")
    def _(given: Bound) -> Choices:
        return _skies(given.group)

    @grammar.words("event")
    def _(given: Bound) -> Choices:
        return _events()

    @grammar.words("means")
    def _(given: Bound) -> Choices:
        entries = []
        for english, spanish, group in rows(_MEANS):
            tokens = tuple(english.split())
            tags = tuple("ADJ" if word == "more" else tag(word) for word in tokens)
            entries.append(Entry(tokens, tags, Means(spanish, group)))
        return Choices(entries)


def _add_reasons(grammar: Grammar) -> None:
    for group in _GROUPS:
        for tense, be, own in (("past", "past", "past"), ("going", "present", "present")):
            effect = (
                f"{{e:activity form=past s=$s group={group}}}"
                if tense == "past"
                else "{x:be tense=present s=$s} going/VERB to/PART "
                f"{{e:activity form=inf s=$s group={group}}}"
            )
            cause = f"{{a:again s=$s}} {{y:be tense={be} s=$a}} {{c:reason group={group} s=$a}}"

            def done(b: Bound, tense: str = tense, own: str = own) -> tuple[str, str, str]:
                phrase = (
                    VerbPhrase(b.e, "past")
                    if tense == "past"
                    else VerbPhrase(b.e.governed_by("ir", "a"), "present")
                )
                silent = _again(b.s)
                return (
                    clause(b.s, phrase),
                    clause(silent, VerbPhrase(b.c, own)),
                    clause(silent, phrase),
                )

            grammar.rule(
                "statement",
                f"{{s:subject want=person}} {effect} because/CONJ {cause}",
                lambda b, done=done: " porque ".join(done(b)[:2]),
                label="because",
                joins="c+s",
                weight=0.25,
            )
            grammar.rule(
                "statement",
                f"{{s:subject want=person}} {{y:be tense={be} s=$s}} {{c:reason group={group} "
                f"s=$s}} "
                ",/PUNCT so/CONJ {a:again s=$s} " + effect.replace("$s", "$a"),
                lambda b, done=done, own=own: (
                    f"{clause(b.s, VerbPhrase(b.c, own))}, así que {done(b)[2]}"
                ),
                label="so",
                weight=0.2,
                joins="c+s",
            )
            grammar.rule(
                "statement",
                f"when/CONJ {{s:subject want=person}} {{y:be tense=present s=$s}} "
                f"{{c:reason group={group} s=$s}} ,/PUNCT {{a:again s=$s}} "
                f"{{e:activity form=present s=$a group={group}}}",
                lambda b: (
                    f"cuando {clause(b.s, VerbPhrase(b.c, 'present'))}, "
                    f"{clause(_again(b.s), VerbPhrase(b.e, 'present'))}"
                ),
                label="when in general",
                joins="c+s",
                weight=0.1,
            )
    for group in _SKY_GROUPS:
        grammar.rule(
            "statement",
            f"{{s:subject want=person}} {{e:activity form=past s=$s group={group}}} because/CONJ "
            f"it/PRON was/AUX {{c:sky group={group}}}",
            lambda b: f"{clause(b.s, VerbPhrase(b.e, 'past'))} porque {b.c.imperfect}",
            label="because of the weather",
            weight=0.3,
        )
        grammar.rule(
            "statement",
            f"it/PRON was/AUX {{c:sky group={group}}} ,/PUNCT so/CONJ {{s:subject want=person}} "
            f"{{e:activity form=past s=$s group={group}}}",
            lambda b: f"{b.c.imperfect}, así que {clause(b.s, VerbPhrase(b.e, 'past'))}",
            label="so",
            weight=0.2,
            where=lambda b: not b.s.begins_with_that,
        )


def _was(quality: str, subject: Nominal) -> Predicate:
    return Predicate("ser", spanish_nouns.agree(quality, subject.gender, subject.number))


def _add_times_of_clauses(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    apart = lambda b: b.s.apart_from(b.z)  # noqa: E731
    going_on = "{s:subject want=person} {x:be tense=past s=$s} {p:activity form=gerund s=$s}"
    statement(
        going_on + " when/CONJ {z:subject want=person} {e:event}",
        lambda b: (
            f"{clause(b.s, VerbPhrase(b.p, 'past progressive'))} cuando "
            f"{clause(b.z, VerbPhrase(b.e, 'preterite'))}"
        ),
        "when something happened",
        0.8,
        where=apart,
    )
    statement(
        "when/CONJ {z:subject want=person} {e:event} ,/PUNCT " + going_on,
        lambda b: (
            f"cuando {clause(b.z, VerbPhrase(b.e, 'preterite'))}, "
            f"{clause(b.s, VerbPhrase(b.p, 'past progressive'))}"
        ),
        "when something happened",
        0.5,
        where=apart,
    )
    statement(
        going_on + " while/CONJ {z:subject want=person} {y:be tense=past s=$z} "
        "{q:activity form=gerund s=$z}",
        lambda b: (
            f"{clause(b.s, VerbPhrase(b.p, 'past progressive'))} mientras "
            f"{clause(b.z, VerbPhrase(b.q, 'past progressive'))}"
        ),
        "while",
        0.6,
        where=lambda b: apart(b) and b.p.lemma != b.q.lemma,
    )
    for english, spanish in (("before", "antes de"), ("after", "después de")):
        for adverb, said, form in (("", "", "past"), ("always/ADV ", "siempre", "present")):
            statement(
                f"{{s:subject want=person}} {adverb}{{p:step form={form} s=$s}} "
                f"{english}/ADP {{q:step form=ing s=$s {english}=$p}}",
                lambda b, spanish=spanish, said=said, form=form: (
                    f"{clause(b.s, VerbPhrase(b.p, form, adverb=said))} {spanish} "
                    f"{realise.infinitive(b.q, b.s.person)}"
                ),
                "before and after",
                0.4,
            )
    for young, spanish in (("a/DET child/NOUN", "niño"), ("young/ADJ", "joven")):
        statement(
            f"when/CONJ {{s:subject want=person}} was/AUX {young} ,/PUNCT {{a:again s=$s}} "
            "{p:activity form=past s=$a} {t:time when=habit}",
            lambda b, spanish=spanish: (
                f"cuando {clause(b.s, VerbPhrase(_was(spanish, b.s), 'imperfect'))}, "
                f"{clause(_again(b.s), VerbPhrase(b.p, 'imperfect'))} {b.t}"
            ),
            "childhood",
            0.3,
            joins=f"'{spanish}'+s",
            where=lambda b: b.s.agreement in ("1s", "3s"),
        )


# What follows what on an ordinary day, each line in order.
_ROUTINES = """
despertarse temprano | levantarse temprano | ducharse | vestirse | hacer la cama | preparar café
    | preparar el desayuno | desayunar | lavar los platos | cepillarse los dientes
    | salir de casa | ir al trabajo | almorzar | irse a casa
hacer las compras | volver a casa | quitarse los zapatos | lavarse las manos | preparar la cena
    | poner la mesa | cenar | lavar los platos | sacar la basura | ver la televisión
    | cepillarse los dientes | apagar la luz | acostarse
limpiar la casa | hacer las compras | preparar la cena | cenar | leer un libro | acostarse
volver a casa | hacer la tarea | jugar videojuegos | cenar | hacer la maleta | acostarse
trabajar | ir al gimnasio | ducharse | descansar | pasear al perro | cenar
lavarse las manos | comer una manzana | hacer ejercicio | bañarse | peinarse | salir
"""


@cache
def _orders() -> frozenset[tuple[str, str]]:
    found = set()
    for steps in rows(_ROUTINES):
        found |= {(a, b) for at, a in enumerate(steps) for b in steps[at + 1 :]}
    return frozenset(found)


@cache
def _steps(entries: tuple[Entry, ...], earlier: str, later: str) -> Choices:
    """The activities of a day; only those later than one of them, or earlier than another."""
    orders = _orders()
    steps = {step for pair in orders for step in pair}
    found = []
    for entry in entries:
        step = _step(entry.value)
        if step not in steps:
            continue
        if (earlier and (earlier, step) not in orders) or (later and (step, later) not in orders):
            continue
        found.append(entry)
    return Choices(found)


def _step(predicate: Predicate) -> str:
    verb, blank, rest = predicate.lemma.partition(" ")
    return verb + ("se" if predicate.reflexive else "") + blank + rest


def _add_conditions(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    result = "{s:subject want=person} will/AUX {p:activity form=will s=$s group="
    for verb, spanish, group in (("rains", "llueve", "rain"), ("snows", "nieva", "cold")):
        statement(
            f"if/CONJ it/PRON {verb}/VERB ,/PUNCT {result}{group}}}",
            lambda b, spanish=spanish: f"si {spanish}, {clause(b.s, VerbPhrase(b.p, 'future'))}",
            "if it rains",
            0.4,
        )
        statement(
            f"{result}{group}}} if/CONJ it/PRON {verb}/VERB",
            lambda b, spanish=spanish: f"{clause(b.s, VerbPhrase(b.p, 'future'))} si {spanish}",
            "if it rains",
            0.4,
        )
    for group in ("cold", "hot", "sunny"):
        statement(
            f"if/CONJ it/PRON is/AUX {{c:sky group={group}}} tomorrow/NOUN ,/PUNCT "
            f"{result}{group}}}",
            lambda b: f"si mañana {b.c.present}, {clause(b.s, VerbPhrase(b.p, 'future'))}",
            "if it rains",
            0.2,
            where=lambda b: "está" not in b.c.present,
        )
    for group in ("tired", "hungry", "thirsty", "sick", "bored", "cold"):
        statement(
            "if/CONJ {s:subject want=person} {y:be tense=present s=$s} "
            f"{{c:reason group={group} s=$s}} ,/PUNCT {{a:again s=$s}} will/AUX "
            f"{{p:activity form=will s=$a group={group}}}",
            lambda b: (
                f"si {clause(b.s, VerbPhrase(b.c, 'present'))}, "
                f"{clause(_again(b.s), VerbPhrase(b.p, 'future'))}"
            ),
            "if somebody is tired",
            0.15,
            joins="c+s",
        )
    statement(
        "if/CONJ {s:subject want=person} had/VERB {m:means} ,/PUNCT {a:again s=$s} would/AUX "
        "{p:activity form=inf s=$a group=$m.group}",
        lambda b: (
            f"si {clause(b.s, VerbPhrase(Predicate('tener', b.m.spanish), 'past subjunctive'))}, "
            f"{clause(_again(b.s), VerbPhrase(b.p, 'conditional'))}"
        ),
        "if I had",
        0.5,
    )
    statement(
        "although/CONJ {s:subject want=person} {y:be tense=past s=$s} {c:reason group=tired s=$s} "
        ",/PUNCT {a:again s=$s} {p:activity form=past s=$a group=chore}",
        lambda b: (
            f"aunque {clause(b.s, VerbPhrase(b.c, 'past'))}, "
            f"{clause(_again(b.s), VerbPhrase(b.p, 'past'))}"
        ),
        "although",
        0.4,
        joins="c+s",
    )
    statement(
        "although/CONJ it/PRON was/AUX {c:sky group=rain} ,/PUNCT {s:subject want=person} "
        "{p:activity form=past s=$s group=out}",
        lambda b: f"aunque {b.c.imperfect}, {clause(b.s, VerbPhrase(b.p, 'past'))}",
        "although",
        0.4,
    )


def _displeased(thing: Nominal) -> Predicate:
    return Predicate("gustar", thing.spanish, theme=thing.person)


def _obliged(predicate: Predicate) -> Predicate:
    return predicate.governed_by("tener", "que", state=True)


def _add_coordination(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    other = lambda b: b.p.lemma != b.q.lemma  # noqa: E731
    for group in ("chore", "fun", "study"):
        statement(
            f"{{s:subject want=person}} {{p:activity form=past s=$s group={group}}} and/CONJ "
            f"{{q:activity form=past s=$s group={group}}}",
            lambda b: (
                f"{clause(b.s, VerbPhrase(b.p, 'past'))} y "
                f"{clause(_again(b.s), VerbPhrase(b.q, 'past'))}"
            ),
            "and",
            0.4,
            where=other,
        )
        statement(
            "{s:subject want=person} {x:be tense=present s=$s} going/VERB to/PART "
            f"{{p:activity form=inf s=$s group={group}}} and/CONJ "
            f"{{q:activity form=inf s=$s group={group}}}",
            lambda b: (
                f"{clause(b.s, VerbPhrase(b.p.governed_by('ir', 'a'), 'present'))} y "
                f"{realise.infinitive(b.q, b.s.person)}"
            ),
            "and",
            0.2,
            where=other,
        )
    statement(
        "{s:subject want=person} {v:pleasing form=present s=$s} {o:object want=$v.objects "
        "range=kind} "
        ",/PUNCT but/CONJ {a:again s=$s} {x:do-not tense=present s=$a} like/VERB "
        "{z:object want=$o.family range=kind}",
        lambda b: (
            f"{clause(b.s, VerbPhrase(b.v.pleased(b.o), 'present'))}, pero "
            f"{clause(_again(b.s), VerbPhrase(_displeased(b.z), 'present', True))}"
        ),
        "but",
        0.6,
        joins="v+o 'gustar'+z",
        where=lambda b: b.o.spanish != b.z.spanish,
    )
    statement(
        "{s:subject want=person} wanted/VERB to/PART {p:activity form=inf s=$s} ,/PUNCT but/CONJ "
        "{a:again s=$s} had/VERB to/PART {q:activity form=inf s=$a group=chore}",
        lambda b: (
            f"{clause(b.s, VerbPhrase(b.p.governed_by('querer', state=True), 'past'))}, pero "
            f"{clause(_again(b.s), VerbPhrase(_obliged(b.q), 'past'))}"
        ),
        "but",
        0.5,
        where=other,
    )
    statement(
        "{s:subject want=any} {x:be tense=present s=$s} {a:state-adjective s=$s kind=graded} "
        "and/CONJ "
        "{c:state-adjective s=$s kind=graded}",
        lambda b: clause(
            b.s,
            VerbPhrase(
                Predicate(
                    b.a.copula,
                    f"{b.a.in_spanish(b.s.gender, b.s.number)} y "
                    f"{b.c.in_spanish(b.s.gender, b.s.number)}",
                    state=True,
                ),
                "present",
            ),
        ),
        "two predicates",
        0.8,
        joins="a+s c+s",
        where=lambda b: (
            b.a.copula == b.c.copula
            and b.a.spanish != b.c.spanish
            and b.a.goes_with(b.c.english)
            and agreeable(b.a, b.s)
            and agreeable(b.c, b.s)
        ),
    )
