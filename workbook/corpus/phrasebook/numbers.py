"""Numbers, clock times, and the names of days and months in English words and Spanish words."""

_ENGLISH = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen""".split()
_ENGLISH_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
_SPANISH = """cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce
quince dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés
veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve""".split()
_SPANISH_TENS = "- - - treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()
_SPANISH_HUNDREDS = """- ciento doscientos trescientos cuatrocientos quinientos seiscientos
setecientos ochocientos novecientos""".split()

ORDINALS = """
first | primero
second | segundo
third | tercero
fourth | cuarto
fifth | quinto
sixth | sexto
seventh | séptimo
eighth | octavo
ninth | noveno
tenth | décimo
"""
WEEKDAYS = """
Monday | lunes
Tuesday | martes
Wednesday | miércoles
Thursday | jueves
Friday | viernes
Saturday | sábado
Sunday | domingo
"""
MONTHS = """
January | enero
February | febrero
March | marzo
April | abril
May | mayo
June | junio
July | julio
August | agosto
September | septiembre
October | octubre
November | noviembre
December | diciembre
"""
SEASONS = """
spring | la primavera
summer | el verano
fall | el otoño
winter | el invierno
"""


def in_english(number: int) -> tuple[str, ...]:
    """The tokens of a number from 0 to 9,999: `twenty-one`, `two hundred`, `one thousand`."""
    if not 0 <= number < 10_000:
        raise ValueError(f"expected a number from 0 to 9999, got {number}")
    if number < 20:
        return (_ENGLISH[number],)
    if number < 100:
        tens, ones = divmod(number, 10)
        return (_ENGLISH_TENS[tens] + (f"-{_ENGLISH[ones]}" if ones else ""),)
    unit, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    count, rest = divmod(number, unit)
    return (*in_english(count), name, *(in_english(rest) if rest else ()))


def in_spanish(number: int, gender: str = "") -> str:
    """A number from 0 to 9,999 in words.

    gender: m or f of the noun that follows (`veintiún libros`, `doscientas casas`); empty for a
    number that stands alone (`veintiuno`).
    """
    if not 0 <= number < 10_000:
        raise ValueError(f"expected a number from 0 to 9999, got {number}")
    if number < 30:
        word = _SPANISH[number]
        if number in (1, 21) and gender:
            stem = word.removesuffix("uno")
            if gender == "f":
                return stem + "una"
            return "un" if number == 1 else "veintiún"
        return word
    if number < 100:
        tens, ones = divmod(number, 10)
        tail = f" y {in_spanish(ones, gender)}" if ones else ""
        return _SPANISH_TENS[tens] + tail
    if number == 100:
        return "cien"
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        word = _SPANISH_HUNDREDS[hundreds]
        if gender == "f" and hundreds > 1:
            word = word[:-2] + "as"
        return word + (f" {in_spanish(rest, gender)}" if rest else "")
    thousands, rest = divmod(number, 1000)
    head = "mil" if thousands == 1 else f"{in_spanish(thousands, 'm')} mil"
    return head + (f" {in_spanish(rest, gender)}" if rest else "")


def clock(hour: int, minutes: int) -> tuple[tuple[str, ...], str]:
    """A time of day: English tokens and Spanish words with article (`la una y media`).

    hour: 1 to 12. minutes: 0, 15, 30, 45 (quarters), or 5, 10, 20, 25 past, 35 to 55 to the next.
    """
    name = in_english(hour)
    spoken = hour if minutes <= 30 else hour % 12 + 1
    article = "la" if spoken == 1 else "las"
    spanish = f"{article} {in_spanish(spoken, 'f')}"
    if minutes == 0:
        return (*name, "o'clock"), spanish
    if minutes == 30:
        return ("half", "past", *name), f"{spanish} y media"
    if minutes == 15:
        return ("a", "quarter", "past", *name), f"{spanish} y cuarto"
    if minutes == 45:
        return ("a", "quarter", "to", *in_english(spoken)), f"{spanish} menos cuarto"
    if minutes < 30:
        return (*in_english(minutes), "past", *name), f"{spanish} y {in_spanish(minutes)}"
    left = 60 - minutes
    return (*in_english(left), "to", *in_english(spoken)), f"{spanish} menos {in_spanish(left)}"
