"""Weather: hace frío, está nublado, llueve."""

from workbook.corpus.phrasebook.grammar import Bound, Choices, Entry, Grammar
from workbook.corpus.phrasebook.lexicon import words as small_words
from workbook.corpus.phrasebook.lexicon.tables import pairs, rows
from workbook.corpus.phrasebook.numbers import MONTHS
from workbook.corpus.phrasebook.spanish_verbs import conjugate


def add(grammar: Grammar) -> None:
    """Add them to the grammar."""
    _add_weather(grammar)


def _add_weather(grammar: Grammar) -> None:
    def statement(english: str, spanish, weight: float, label: str = "weather") -> None:
        grammar.rule("statement", english, spanish, label=label, weight=weight / 3)

    for english, plain, much in rows(small_words.WEATHER_QUALITIES):
        tense_of = {"hace": "hacer", "está": "estar", "hay": "haber"}
        verb, _, rest = plain.partition(" ")
        _, _, much_rest = much.partition(" ")
        infinitive = tense_of[verb]

        def form(tense: str, infinitive: str = infinitive) -> str:
            if infinitive == "haber" and tense == "present":
                return "hay"
            return conjugate(infinitive, tense, "3s")

        for it in ("it/PRON is/AUX", "it/PRON 's/AUX"):
            statement(f"{it} {english}/ADJ", f"{form('present')} {rest}", 0.12)
            statement(f"{it} {english}/ADJ today/NOUN", f"hoy {form('present')} {rest}", 0.1)
            statement(f"{it} very/ADV {english}/ADJ", f"{form('present')} {much_rest}", 0.1)
            statement(
                f"{it} very/ADV {english}/ADJ today/NOUN", f"hoy {form('present')} {much_rest}", 0.1
            )
        statement(f"it/PRON is/AUX n't/PART {english}/ADJ", f"no {form('present')} {rest}", 0.05)
        statement(f"it/PRON was/AUX {english}/ADJ", f"{form('imperfect')} {rest}", 0.05)
        statement(
            f"it/PRON was/AUX very/ADV {english}/ADJ", f"{form('imperfect')} {much_rest}", 0.05
        )
        statement(
            f"it/PRON was/AUX {english}/ADJ yesterday/NOUN",
            f"ayer {form('preterite')} {rest}"
            if infinitive != "estar"
            else f"ayer {form('imperfect')} {rest}",
            0.1,
        )
        statement(
            f"it/PRON will/AUX be/AUX {english}/ADJ tomorrow/NOUN",
            f"mañana {form('future')} {rest}",
            0.1,
        )
        statement(
            f"it/PRON is/AUX going/VERB to/PART be/AUX {english}/ADJ",
            f"va a {infinitive} {rest}",
            0.05,
        )
        grammar.rule(
            "question",
            f"is/AUX it/PRON {english}/ADJ",
            f"{form('present')} {rest}",
            label="weather",
            weight=0.08,
        )
        grammar.rule(
            "question",
            f"is/AUX it/PRON {english}/ADJ today/NOUN",
            f"{form('present')} {rest} hoy",
            label="weather",
            weight=0.08,
        )
        grammar.rule(
            "statement",
            f"it/PRON is/AUX always/ADV {english}/ADJ in/ADP {{m:month}}",
            f"en {{m}} siempre {form('present')} {rest}",
            label="weather",
            weight=0.2,
        )
        grammar.rule(
            "statement",
            f"it/PRON is/AUX {english}/ADJ in/ADP {{m:location-name}}",
            f"{form('present')} {rest} en {{m}}",
            label="weather",
            weight=0.25,
        )
    for english, infinitive in pairs(small_words.WEATHER_VERBS):
        third, gerund = english + "s", english + "ing"
        present, future = (
            conjugate(infinitive, "present", "3s"),
            conjugate(infinitive, "future", "3s"),
        )
        doing = {"llover": "lloviendo", "nevar": "nevando"}[infinitive]
        past = conjugate(infinitive, "preterite", "3s")
        statement(f"it/PRON is/AUX {gerund}/VERB", f"está {doing}", 0.2)
        statement(f"it/PRON 's/AUX {gerund}/VERB", f"está {doing}", 0.2)
        statement(f"it/PRON is/AUX n't/PART {gerund}/VERB", f"no está {doing}", 0.1)
        statement(f"it/PRON {third}/VERB a/DET lot/NOUN here/ADV", f"aquí {present} mucho", 0.1)
        statement(f"it/PRON does/AUX n't/PART {english}/VERB here/ADV", f"aquí no {present}", 0.1)
        for when, spanish in (("tomorrow", "mañana"), ("tonight", "esta noche")):
            statement(f"it/PRON will/AUX {english}/VERB {when}/NOUN", f"{spanish} {future}", 0.1)
            statement(
                f"it/PRON is/AUX going/VERB to/PART {english}/VERB {when}/NOUN",
                f"{spanish} va a {infinitive}",
                0.1,
            )
        statement(f"it/PRON {english}ed/VERB yesterday/NOUN", f"ayer {past}", 0.1)
        statement(f"it/PRON {english}ed/VERB all/DET day/NOUN", f"{past} todo el día", 0.1)
        statement(f"it/PRON {english}ed/VERB last/ADJ night/NOUN", f"anoche {past}", 0.1)
        statement(
            f"it/PRON often/ADV {third}/VERB in/ADP {{m:month}}",
            f"a menudo {present} en {{m}}",
            0.2,
        )
        statement(
            f"it/PRON {third}/VERB a/DET lot/NOUN in/ADP {{m:location-name}}",
            f"{present} mucho en {{m}}",
            0.3,
        )
        grammar.rule(
            "question",
            f"is/AUX it/PRON {gerund}/VERB",
            f"está {doing}",
            label="weather",
            weight=0.15,
        )
        grammar.rule(
            "question",
            f"did/AUX it/PRON {english}/VERB yesterday/NOUN",
            f"{past} ayer",
            label="weather",
            weight=0.1,
        )
        grammar.rule(
            "question",
            f"will/AUX it/PRON {english}/VERB tomorrow/NOUN",
            f"{future} mañana",
            label="weather",
            weight=0.1,
        )

    for good, buen in (("good", "buen"), ("nice", "buen"), ("bad", "mal")):
        for be, tense, when in (
            ("is", "present", ""),
            ("is", "present", "today"),
            ("was", "imperfect", ""),
            ("will be", "future", "tomorrow"),
        ):
            words = " ".join(f"{word}/AUX" for word in be.split())
            front = {"": "", "today": "hoy ", "tomorrow": "mañana "}[when]
            statement(
                f"the/DET weather/NOUN {words} {good}/ADJ" + (f" {when}/NOUN" if when else ""),
                f"{front}{conjugate('hacer', tense, '3s')} {buen} tiempo",
                0.1,
            )
    for quality, verb in (("cold", "hace frío"), ("hot", "hace calor"), ("cool", "hace fresco")):
        statement(f"in/ADP {{s:season}} it/PRON is/AUX {quality}/ADJ", f"en {{s}} {verb}", 0.3)
    for verb, said in (("snows", "nieva"), ("rains", "llueve")):
        statement(
            f"it/PRON {verb}/VERB a/DET lot/NOUN in/ADP {{s:season}}", f"en {{s}} {said} mucho", 0.3
        )
        statement(
            f"in/ADP {{s:season}} it/PRON {verb}/VERB a/DET lot/NOUN", f"en {{s}} {said} mucho", 0.3
        )

    @grammar.words("month")
    def _(given: Bound) -> Choices:
        return Choices([Entry((en,), ("PROPN",), es) for en, es in pairs(MONTHS)])

    @grammar.words("location-name")
    def _(given: Bound) -> Choices:
        return grammar.lexical["proper"](Bound(want=frozenset({"city", "country"})))
