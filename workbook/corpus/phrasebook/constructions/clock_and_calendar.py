"""Clock and calendar: hours, days, dates, opening hours, and when one was born."""

from functools import cache

from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon.tables import pairs
from workbook.corpus.phrasebook.numbers import (
    MONTHS,
    SEASONS,
    WEEKDAYS,
    clock,
    in_english,
    in_spanish,
)
from workbook.corpus.phrasebook.realise import Predicate, VerbPhrase, clause

_YEARS = (1945, 1960, 1969, 1975, 1980, 1985, 1988, 1990, 1995, 1999, 2000, 2005, 2010, 2015, 2020)


def _clock_tags(words: tuple[str, ...]) -> tuple[str, ...]:
    known = {
        "o'clock": "ADV",
        "half": "NOUN",
        "past": "ADP",
        "to": "ADP",
        "a": "DET",
        "quarter": "NOUN",
    }
    return tuple(known.get(word, "NUM") for word in words)


@cache
def _hours() -> Choices:
    entries = []
    for hour in range(1, 13):
        for minutes in (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55):
            words, spanish = clock(hour, minutes)
            verb = "es" if spanish.startswith("la ") else "son"
            entries.append(Entry(words, _clock_tags(words), f"{verb} {spanish}"))
    return Choices(entries)


@cache
def _moments() -> Choices:
    entries = []
    for hour in range(1, 13):
        for minutes in (0, 15, 30, 45):
            words, spanish = clock(hour, minutes)
            entries.append(Entry(words, _clock_tags(words), spanish))
        entries.append(Entry(in_english(hour), ("NUM",), clock(hour, 0)[1]))
    return Choices(entries)


_DAY_ORDINALS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth""".split()


@cache
def _dates() -> Choices:
    """`May third` and `the third of May` as `el tres de mayo`; the first is `el primero`."""
    entries = []
    for english, spanish in pairs(MONTHS):
        for day, ordinal in enumerate(_DAY_ORDINALS, start=1):
            number = "primero" if day == 1 else in_spanish(day)
            said = f"{number} de {spanish}"
            entries.append(Entry((english, ordinal), ("PROPN", "ADJ"), said))
            entries.append(
                Entry(("the", ordinal, "of", english), ("DET", "ADJ", "ADP", "PROPN"), said)
            )
    return Choices(entries)


@cache
def _openings(agreement: str) -> Choices:
    if agreement != "3s":
        return Choices([])
    return Choices([Entry(("opens",), ("VERB",), "abrir"), Entry(("closes",), ("VERB",), "cerrar")])


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_clock_and_calendar(grammar)


def _add_clock_and_calendar(grammar: Grammar) -> None:
    def statement(english: str, spanish, label: str, weight: float, **features) -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight, **features)

    @grammar.words("hour")
    def _(given: Bound) -> Choices:
        return _hours()

    @grammar.words("moment")
    def _(given: Bound) -> Choices:
        return _moments()

    @grammar.words("date")
    def _(given: Bound) -> Choices:
        return _dates()

    @grammar.words("weekday")
    def _(given: Bound) -> Choices:
        return Choices([Entry((en,), ("PROPN",), es) for en, es in pairs(WEEKDAYS)])

    @grammar.words("opening-verb")
    def _(given: Bound) -> Choices:
        return _openings(given.of.agreement)

    @grammar.words("year")
    def _(given: Bound) -> Choices:
        years = [year for year in _YEARS if not given.recent or year > 1990]
        return Choices([Entry((str(year),), ("NUM",), str(year)) for year in years])

    @grammar.words("season")
    def _(given: Bound) -> Choices:
        return Choices([Entry((en,), ("NOUN",), es.split()[1]) for en, es in pairs(SEASONS)])

    statement("it/PRON is/AUX {t:hour}", "{t}", "clock", 1)
    statement("it/PRON 's/AUX {t:hour}", "{t}", "clock", 0.5)
    statement(
        "{s:subject want=person} {p:activity form=present s=$s} at/ADP {t:moment}",
        lambda b: f"{clause(b.s, VerbPhrase(b.p, 'present'))} a {b.t}",
        "time of day",
        1.2,
        where=lambda b: not b.p.after.startswith("temprano"),
    )
    statement("today/NOUN is/AUX {d:weekday}", "hoy es {d}", "calendar", 0.2)
    statement("tomorrow/NOUN is/AUX {d:weekday}", "mañana es {d}", "calendar", 0.2)
    statement("yesterday/NOUN was/AUX {d:weekday}", "ayer fue {d}", "calendar", 0.2)
    statement("today/NOUN is/AUX {d:date}", "hoy es {d}", "calendar", 0.4)
    statement(
        "my/PRON birthday/NOUN is/AUX on/ADP {d:date}", "mi cumpleaños es el {d}", "calendar", 0.2
    )
    statement(
        "{s:calendar-event} {x:be tense=present s=$s} on/ADP {d:weekday}",
        lambda b: f"{b.s.spanish} es el {b.d}",
        "calendar",
        0.4,
        where=lambda b: b.s.person == "3s",
    )
    statement(
        "{s:calendar-event} {x:be tense=present s=$s} at/ADP {t:moment}",
        lambda b: f"{b.s.spanish} es a {b.t}",
        "calendar",
        0.4,
        where=lambda b: b.s.person == "3s",
    )
    statement(
        "{s:calendar-event} {x:be tense=present s=$s} in/ADP {m:month}",
        lambda b: f"{b.s.spanish} es en {b.m}",
        "calendar",
        0.3,
        where=lambda b: b.s.person == "3s",
    )
    grammar.rule(
        "question",
        "when/ADV is/AUX {s:calendar-event}",
        lambda b: f"cuándo es {b.s.spanish}",
        label="calendar",
        weight=0.5,
        where=lambda b: b.s.person == "3s",
    )
    grammar.rule(
        "question",
        "what/DET time/NOUN is/AUX {s:calendar-event}",
        lambda b: f"a qué hora es {b.s.spanish}",
        label="calendar",
        weight=0.4,
        where=lambda b: b.s.person == "3s",
    )
    grammar.rule(
        "calendar-event",
        "{c:common role=definite agr=3s want=event,birthday,wedding,anniversary}",
        lambda b: b.c,
    )
    statement(
        "{s:common role=definite agr=3s want=shop,eatery,sight,study,school} {v:opening-verb "
        "of=$s} at/ADP {t:moment}",
        lambda b: f"{clause(b.s, VerbPhrase(Predicate(b.v), 'present'))} a {b.t}",
        "opening hours",
        0.7,
        where=lambda b: b.s.person == "3s",
    )
    statement(
        "{s:common role=definite agr=3s want=transit} {v:leaving-verb} at/ADP {t:moment}",
        lambda b: f"{clause(b.s, VerbPhrase(Predicate(b.v), 'present'))} a {b.t}",
        "opening hours",
        0.6,
    )
    statement(
        "{s:subject want=person} was/AUX born/VERB in/ADP {y:year}",
        lambda b: f"{clause(b.s, VerbPhrase(Predicate('nacer'), 'past'))} en {b.y}",
        "being born",
        0.3,
        where=lambda b: b.s.agreement in ("1s", "3s"),
    )
    statement(
        "{s:subject want=person} was/AUX born/VERB in/ADP {y:location-name}",
        lambda b: f"{clause(b.s, VerbPhrase(Predicate('nacer'), 'past'))} en {b.y.spanish}",
        "being born",
        0.4,
        where=lambda b: b.s.agreement in ("1s", "3s"),
    )
    grammar.rule(
        "question",
        "where/ADV was/AUX {s:subject want=person agr=3s} born/VERB",
        lambda b: f"dónde nació {b.s.as_subject}",
        label="being born",
        weight=0.3,
    )

    @grammar.words("leaving-verb")
    def _(given: Bound) -> Choices:
        return Choices(
            [Entry(("leaves",), ("VERB",), "salir"), Entry(("arrives",), ("VERB",), "llegar")]
        )
