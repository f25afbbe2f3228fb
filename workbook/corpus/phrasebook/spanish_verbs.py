"""Spanish verbs: every form the grammar needs, and pronouns attached to a verb's end.

A verb is regular unless `_IRREGULAR` says otherwise, and then only in what it says: a changed
stem, a first person, a strong preterite, a future stem, a participle, a command, or single forms.
Spelling that keeps a sound (`buscar` → `busqué`, `llegar` → `llegué`) is a rule, not a list.

Persons are `1s 2s 3s 1p 3p`: yo, tú, él or ella or usted, nosotros, ellos or ustedes.
"""

import re
from dataclasses import dataclass, field
from functools import cache

PERSONS = ("1s", "2s", "3s", "1p", "3p")
REFLEXIVE = {"1s": "me", "2s": "te", "3s": "se", "1p": "nos", "3p": "se"}

_ENDINGS = {
    "present": {
        "ar": ("o", "as", "a", "amos", "an"),
        "er": ("o", "es", "e", "emos", "en"),
        "ir": ("o", "es", "e", "imos", "en"),
    },
    "subjunctive": {
        "ar": ("e", "es", "e", "emos", "en"),
        "er": ("a", "as", "a", "amos", "an"),
        "ir": ("a", "as", "a", "amos", "an"),
    },
    "preterite": {
        "ar": ("é", "aste", "ó", "amos", "aron"),
        "er": ("í", "iste", "ió", "imos", "ieron"),
        "ir": ("í", "iste", "ió", "imos", "ieron"),
    },
    "imperfect": {
        "ar": ("aba", "abas", "aba", "ábamos", "aban"),
        "er": ("ía", "ías", "ía", "íamos", "ían"),
        "ir": ("ía", "ías", "ía", "íamos", "ían"),
    },
    "future": dict.fromkeys(("ar", "er", "ir"), ("é", "ás", "á", "emos", "án")),
    "conditional": dict.fromkeys(("ar", "er", "ir"), ("ía", "ías", "ía", "íamos", "ían")),
}
TENSES = (*_ENDINGS, "past subjunctive")
_STRONG = ("e", "iste", "o", "imos", "ieron")
_ACCENTED = {"a": "á", "e": "é", "i": "í", "o": "ó", "u": "ú"}
_UNACCENTED = str.maketrans("áéíóú", "aeiou")


@dataclass(frozen=True)
class _Irregular:
    """What a verb does that its ending does not tell.

    change: the stem's last `old>new` vowel where it is stressed.
    first: the first person of the present, whose stem the present subjunctive takes over.
    strong: the stem of a preterite with unstressed endings.
    future: the stem of future and conditional.
    """

    change: str = ""
    first: str = ""
    strong: str = ""
    future: str = ""
    participle: str = ""
    gerund: str = ""
    command: str = ""
    forms: dict[tuple[str, str], str] = field(default_factory=dict)


def _forms(tense: str, forms: str) -> dict[tuple[str, str], str]:
    return {(tense, person): form for person, form in zip(PERSONS, forms.split(), strict=True)}


_STEM_CHANGES = {
    "e>ie": """cerrar negar pensar empezar comenzar despertar sentar calentar atravesar recomendar
        querer perder entender encender preferir sentir mentir divertir sugerir defender nevar
        regar tropezar""",
    "o>ue": """contar encontrar mostrar recordar costar almorzar soñar volar acostar probar colgar
        poder volver devolver doler llover mover morder resolver dormir morir envolver demostrar
        rodar""",
    "u>ue": "jugar",
    "e>i": """pedir repetir servir vestir seguir despedir medir elegir corregir perseguir
        derretir""",
    "i>í": "enviar esquiar confiar vaciar enfriar prohibir",
    "u>ú": "continuar actuar graduar",
    "eu>eú": "reunir",
}
_SAME_FIRST = {
    "conocer": "conozco",
    "parecer": "parezco",
    "ofrecer": "ofrezco",
    "nacer": "nazco",
    "crecer": "crezco",
    "agradecer": "agradezco",
    "pertenecer": "pertenezco",
    "obedecer": "obedezco",
    "aparecer": "aparezco",
    "desaparecer": "desaparezco",
    "reconocer": "reconozco",
}
_IRREGULAR = {
    **{
        verb: _Irregular(change=change)
        for change, verbs in _STEM_CHANGES.items()
        for verb in verbs.split()
    },
    **{verb: _Irregular(first=first) for verb, first in _SAME_FIRST.items()},
    "ser": _Irregular(
        command="sé",
        forms={
            **_forms("present", "soy eres es somos son"),
            **_forms("preterite", "fui fuiste fue fuimos fueron"),
            **_forms("imperfect", "era eras era éramos eran"),
            **_forms("subjunctive", "sea seas sea seamos sean"),
        },
    ),
    "estar": _Irregular(
        strong="estuv",
        forms={
            **_forms("present", "estoy estás está estamos están"),
            **_forms("subjunctive", "esté estés esté estemos estén"),
        },
        command="está",
    ),
    "ir": _Irregular(
        gerund="yendo",
        command="ve",
        forms={
            **_forms("present", "voy vas va vamos van"),
            **_forms("preterite", "fui fuiste fue fuimos fueron"),
            **_forms("imperfect", "iba ibas iba íbamos iban"),
            **_forms("subjunctive", "vaya vayas vaya vayamos vayan"),
        },
    ),
    "haber": _Irregular(
        strong="hub",
        future="habr",
        forms={
            **_forms("present", "he has ha hemos han"),
            **_forms("subjunctive", "haya hayas haya hayamos hayan"),
        },
    ),
    "dar": _Irregular(
        forms={
            **_forms("present", "doy das da damos dan"),
            **_forms("preterite", "di diste dio dimos dieron"),
            **_forms("subjunctive", "dé des dé demos den"),
        },
    ),
    "ver": _Irregular(
        first="veo",
        participle="visto",
        forms={
            **_forms("present", "veo ves ve vemos ven"),
            **_forms("preterite", "vi viste vio vimos vieron"),
            **_forms("imperfect", "veía veías veía veíamos veían"),
        },
    ),
    "saber": _Irregular(
        strong="sup",
        future="sabr",
        forms={
            ("present", "1s"): "sé",
            **_forms("subjunctive", "sepa sepas sepa sepamos sepan"),
        },
    ),
    "tener": _Irregular(change="e>ie", first="tengo", strong="tuv", future="tendr", command="ten"),
    "sostener": _Irregular(
        change="e>ie", first="sostengo", strong="sostuv", future="sostendr", command="sostén"
    ),
    "mantener": _Irregular(
        change="e>ie", first="mantengo", strong="mantuv", future="mantendr", command="mantén"
    ),
    "venir": _Irregular(
        change="e>ie",
        first="vengo",
        strong="vin",
        future="vendr",
        gerund="viniendo",
        command="ven",
    ),
    "poner": _Irregular(
        first="pongo", strong="pus", future="pondr", participle="puesto", command="pon"
    ),
    "salir": _Irregular(first="salgo", future="saldr", command="sal"),
    "hacer": _Irregular(
        first="hago",
        strong="hic",
        future="har",
        participle="hecho",
        command="haz",
        forms={("preterite", "3s"): "hizo"},
    ),
    "decir": _Irregular(
        change="e>i",
        first="digo",
        strong="dij",
        future="dir",
        participle="dicho",
        gerund="diciendo",
        command="di",
    ),
    "traer": _Irregular(first="traigo", strong="traj"),
    "caer": _Irregular(first="caigo"),
    "oír": _Irregular(
        first="oigo",
        future="oir",
        participle="oído",
        gerund="oyendo",
        command="oye",
        forms={
            **_forms("present", "oigo oyes oye oímos oyen"),
            **_forms("preterite", "oí oíste oyó oímos oyeron"),
            **_forms("imperfect", "oía oías oía oíamos oían"),
        },
    ),
    "reír": _Irregular(
        participle="reído",
        gerund="riendo",
        future="reir",
        command="ríe",
        forms={
            **_forms("present", "río ríes ríe reímos ríen"),
            **_forms("preterite", "reí reíste rio reímos rieron"),
            **_forms("imperfect", "reía reías reía reíamos reían"),
            **_forms("subjunctive", "ría rías ría riamos rían"),
        },
    ),
    "sonreír": _Irregular(
        participle="sonreído",
        gerund="sonriendo",
        future="sonreir",
        command="sonríe",
        forms={
            **_forms("present", "sonrío sonríes sonríe sonreímos sonríen"),
            **_forms("preterite", "sonreí sonreíste sonrió sonreímos sonrieron"),
            **_forms("imperfect", "sonreía sonreías sonreía sonreíamos sonreían"),
            **_forms("subjunctive", "sonría sonrías sonría sonriamos sonrían"),
        },
    ),
    "querer": _Irregular(change="e>ie", strong="quis", future="querr"),
    "poder": _Irregular(change="o>ue", strong="pud", future="podr", gerund="pudiendo"),
    "caber": _Irregular(first="quepo", strong="cup", future="cabr"),
    "andar": _Irregular(strong="anduv"),
    "conducir": _Irregular(first="conduzco", strong="conduj"),
    "traducir": _Irregular(first="traduzco", strong="traduj"),
    "construir": _Irregular(change="u>uy"),
    "destruir": _Irregular(change="u>uy"),
    "incluir": _Irregular(change="u>uy"),
    "abrir": _Irregular(participle="abierto"),
    "cubrir": _Irregular(participle="cubierto"),
    "descubrir": _Irregular(participle="descubierto"),
    "escribir": _Irregular(participle="escrito"),
    "describir": _Irregular(participle="descrito"),
    "romper": _Irregular(participle="roto"),
    "morir": _Irregular(change="o>ue", participle="muerto"),
    "volver": _Irregular(change="o>ue", participle="vuelto"),
    "devolver": _Irregular(change="o>ue", participle="devuelto"),
    "envolver": _Irregular(change="o>ue", participle="envuelto"),
    "resolver": _Irregular(change="o>ue", participle="resuelto"),
    "oler": _Irregular(
        forms={
            **_forms("present", "huelo hueles huele olemos huelen"),
            **_forms("subjunctive", "huela huelas huela olamos huelan"),
        },
    ),
}
IRREGULAR_VERBS = frozenset(_IRREGULAR)


def _last(stem: str, old: str, new: str) -> str:
    index = stem.rfind(old)
    if index < 0:
        raise ValueError(f"stem {stem!r} has no {old!r} to change into {new!r}")
    return stem[:index] + new + stem[index + len(old) :]


def _spelled(stem: str, group: str, ending: str) -> str:
    """The stem spelled so that its last consonant sounds as in the infinitive."""
    front = ending[0] in "eéií"
    if group == "ar" and front:
        for plain, kept in (("gu", "gü"), ("c", "qu"), ("g", "gu"), ("z", "c")):
            if stem.endswith(plain):
                return stem[: -len(plain)] + kept
    if group != "ar" and not front:
        for plain, kept in (("gu", "g"), ("g", "j"), ("c", "z")):
            if stem.endswith(plain):
                return stem[: -len(plain)] + kept
    return stem


def _parts(infinitive: str) -> tuple[str, str]:
    group = infinitive[-2:].replace("í", "i")
    if group not in ("ar", "er", "ir"):
        raise ValueError(f"expected a Spanish infinitive in -ar, -er or -ir, got {infinitive!r}")
    return infinitive[:-2], group


def _closed_stem(infinitive: str) -> str:
    """The stem in `pidió`, `durmieron`, `pidiendo`: -ir verbs close their vowel there."""
    stem, group = _parts(infinitive)
    change = _IRREGULAR.get(infinitive, _Irregular()).change
    if group == "ir" and change in ("e>i", "e>ie"):
        return _last(stem, "e", "i")
    if group == "ir" and change == "o>ue":
        return _last(stem, "o", "u")
    return stem


@cache
def conjugate(infinitive: str, tense: str, person: str) -> str:
    """One finite form: `conjugate("tener", "present", "1s")` → `tengo`.

    tense: one of `TENSES`; person: one of `PERSONS`. Raises ValueError on anything else.
    """
    if person not in PERSONS:
        raise ValueError(f"expected a person among {PERSONS}, got {person!r}")
    stem, group = _parts(infinitive)
    verb = _IRREGULAR.get(infinitive, _Irregular())
    if (tense, person) in verb.forms:
        return verb.forms[tense, person]
    if tense == "past subjunctive":
        return _past_subjunctive(infinitive, person)
    if tense not in _ENDINGS:
        raise ValueError(f"expected a tense among {TENSES}, got {tense!r}")
    ending = _ENDINGS[tense][group][PERSONS.index(person)]
    if tense in ("future", "conditional"):
        return (verb.future or infinitive) + ending
    if tense == "preterite":
        return _preterite(infinitive, person)
    if tense == "imperfect":
        return stem + ending
    return _present(infinitive, tense, person, ending)


def _present(infinitive: str, tense: str, person: str, ending: str) -> str:
    stem, group = _parts(infinitive)
    verb = _IRREGULAR.get(infinitive, _Irregular())
    if verb.first and (tense == "subjunctive" or person == "1s"):
        if tense == "present":
            return verb.first
        return verb.first[:-1] + ending
    if verb.change == "u>uy":
        glide = "" if (tense, person) == ("present", "1p") else "y"
        return stem + glide + ending
    if person != "1p" and verb.change:
        stem = _last(stem, *verb.change.split(">"))
    elif tense == "subjunctive" and group == "ir" and verb.change:
        stem = _closed_stem(infinitive)
    return _spelled(stem, group, ending) + ending


def _preterite(infinitive: str, person: str) -> str:
    stem, group = _parts(infinitive)
    verb = _IRREGULAR.get(infinitive, _Irregular())
    index = PERSONS.index(person)
    if verb.strong:
        ending = _STRONG[index]
        if verb.strong.endswith("j") and person == "3p":
            ending = "eron"
        return verb.strong + ending
    ending = _ENDINGS["preterite"][group][index]
    if person in ("3s", "3p"):
        stem = _closed_stem(infinitive)
    if group != "ar" and (stem[-1] in "aeo" or verb.change == "u>uy"):
        if person in ("3s", "3p"):
            return stem + "y" + ending[1:]
        if stem[-1] in "aeo":
            return stem + ending.replace("i", "í", 1)
    return _spelled(stem, group, ending) + ending


def _past_subjunctive(infinitive: str, person: str) -> str:
    stem = conjugate(infinitive, "preterite", "3p").removesuffix("ron")
    if person == "1p":
        return stem[:-1] + _ACCENTED[stem[-1]] + "ramos"
    return stem + {"1s": "ra", "2s": "ras", "3s": "ra", "3p": "ran"}[person]


@cache
def participle(infinitive: str) -> str:
    """The participle: `hablado`, `comido`, `leído`, `escrito`."""
    stem, group = _parts(infinitive)
    irregular = _IRREGULAR.get(infinitive, _Irregular()).participle
    if irregular:
        return irregular
    if group == "ar":
        return stem + "ado"
    return stem + ("ído" if stem and stem[-1] in "aeo" else "ido")


@cache
def gerund(infinitive: str) -> str:
    """The gerund: `hablando`, `comiendo`, `leyendo`, `durmiendo`."""
    stem, group = _parts(infinitive)
    verb = _IRREGULAR.get(infinitive, _Irregular())
    if verb.gerund:
        return verb.gerund
    if group == "ar":
        return stem + "ando"
    if stem[-1] in "aeo" or verb.change == "u>uy":
        return stem + "yendo"
    return _closed_stem(infinitive) + "iendo"


@cache
def command(infinitive: str, person: str, negative: bool = False) -> str:
    """A command without pronouns, to `2s` (tú), `3s` (usted), `1p` (nosotros), `3p` (ustedes)."""
    if person == "1s":
        raise ValueError("a command has no first person singular")
    if person == "2s" and not negative:
        irregular = _IRREGULAR.get(infinitive, _Irregular()).command
        return irregular or conjugate(infinitive, "present", "3s")
    return conjugate(infinitive, "subjunctive", person)


def _syllable_vowels(word: str) -> list[int]:
    """The index of each syllable's vowel; weak i and u beside another vowel make a diphthong."""
    found: list[int] = []
    previous = ""
    for index, letter in enumerate(word):
        silent = (
            letter == "u"
            and word[index - 1 : index] in ("q", "g")
            and (word[index + 1 : index + 2] in tuple("eiéí"))
        )
        if letter not in "aeiouáéíóúü" or silent:
            previous = "" if not silent else previous
            continue
        joined = previous and (letter in "iuü" or previous in "iuü")
        if joined:
            if letter not in "iuü" or previous in "iuü":
                found[-1] = index
        else:
            found.append(index)
        previous = letter
    return found


def _stressed(word: str) -> int:
    """The index of the stressed vowel, by the written accent or by the ending."""
    written = re.search("[áéíóú]", word)
    if written:
        return written.start()
    vowels = _syllable_vowels(word)
    if len(vowels) == 1:
        return vowels[0]
    return vowels[-2] if word[-1] in "aeiouns" else vowels[-1]


def attach(form: str, clitics: tuple[str, ...]) -> str:
    """A verb with pronouns on its end and the accent it then needs: `compra` + `lo` → `cómpralo`.

    Works for infinitives, gerunds and affirmative commands.
    """
    if not clitics:
        return form
    stressed = _stressed(form)
    whole = form.translate(_UNACCENTED) + "".join(clitics)
    if len(_syllable_vowels(whole)) and _stressed(whole) == stressed:
        beside = form[stressed - 1 : stressed] + form[stressed + 1 : stressed + 2]
        hiatus = form[stressed] in "íú" and any(letter in "aeo" for letter in beside)
        if not hiatus:
            return whole
    return whole[:stressed] + _ACCENTED[whole[stressed]] + whole[stressed + 1 :]
