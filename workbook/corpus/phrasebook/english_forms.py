"""English inflection: plural, third person, past, -ing, comparison, and a or an.

Irregular verbs are a table here; irregular plurals stand beside their noun in the lexicon.
"""

_VOWELS = "aeiou"
# Base | past | participle.
_IRREGULAR_VERBS = """
be was been, begin began begun, bite bit bitten, break broke broken, bring brought brought,
build built built, buy bought bought, catch caught caught, choose chose chosen, come came come,
cost cost cost, cut cut cut, do did done, draw drew drawn, drink drank drunk, drive drove driven,
eat ate eaten, fall fell fallen, feed fed fed, feel felt felt, fight fought fought,
find found found, fit fit fit, fly flew flown, forget forgot forgotten,
forgive forgave forgiven, get got gotten, give gave given, go went gone, grow grew grown,
have had had, hear heard heard, hold held held, hide hid hidden, hurt hurt hurt, know knew known,
leave left left, lend lent lent, lie lay lain, lose lost lost, make made made, meet met met,
pay paid paid, put put put, read read read, ride rode ridden, rise rose risen, run ran run,
say said said, see saw seen, sell sold sold, send sent sent, set set set, show showed shown,
sing sang sung, sit sat sat, sleep slept slept, speak spoke spoken, spend spent spent,
stand stood stood, steal stole stolen, sweep swept swept, swim swam swum, take took taken,
teach taught taught, tell told told, think thought thought, throw threw thrown,
understand understood understood, wake woke woken, wear wore worn, win won won,
write wrote written
"""
IRREGULAR_VERBS = {
    line.split()[0]: (line.split()[1], line.split()[2]) for line in _IRREGULAR_VERBS.split(",")
}
# Stressed last syllables, which spelling alone does not show: the consonant doubles.
_DOUBLES = frozenset({"begin", "forget", "prefer", "permit", "admit", "refer"})
_VOWEL_SOUND = ("hour", "honest")
_CONSONANT_SOUND = ("uni", "use", "europe", "one", "once", "eu")


def _consonant_y(word: str) -> bool:
    return word.endswith("y") and len(word) > 1 and word[-2] not in _VOWELS


def _doubles(word: str) -> bool:
    if word in _DOUBLES:
        return True
    if len(word) < 3 or word[-1] in _VOWELS + "wxy" or word[-2] not in _VOWELS:
        return False
    if word[-3] in _VOWELS and not word.startswith("qu"):
        return False
    syllables = sum(
        letter in _VOWELS and (index == 0 or word[index - 1] not in _VOWELS)
        for index, letter in enumerate(word)
    )
    return syllables == 1


def _with_s(word: str) -> str:
    if _consonant_y(word):
        return word[:-1] + "ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    return word + "s"


def plural(noun: str) -> str:
    """The regular plural; of a compound, its last word's: `bus stop` → `bus stops`."""
    return _with_s(noun)


def third_person(verb: str) -> str:
    """He, she, it: `watch` → `watches`, `go` → `goes`, `carry` → `carries`."""
    if verb in ("go", "do"):
        return verb + "es"
    return "has" if verb == "have" else _with_s(verb)


def past(verb: str) -> str:
    """The past: `stop` → `stopped`, `try` → `tried`, `eat` → `ate`."""
    if verb in IRREGULAR_VERBS:
        return IRREGULAR_VERBS[verb][0]
    return _with_ed(verb)


def participle(verb: str) -> str:
    """The past participle: `stop` → `stopped`, `eat` → `eaten`."""
    if verb in IRREGULAR_VERBS:
        return IRREGULAR_VERBS[verb][1]
    return _with_ed(verb)


def _with_ed(verb: str) -> str:
    if _consonant_y(verb):
        return verb[:-1] + "ied"
    if verb.endswith("e"):
        return verb + "d"
    return verb + (verb[-1] if _doubles(verb) else "") + "ed"


def gerund(verb: str) -> str:
    """The -ing form: `dance` → `dancing`, `lie` → `lying`, `swim` → `swimming`."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) and verb != "be":
        return verb[:-1] + "ing"
    return verb + (verb[-1] if _doubles(verb) else "") + "ing"


def compared(adjective: str, ending: str) -> str:
    """An adjective with -er or -est: `big` → `bigger`, `happy` → `happier`, `large` → `larger`."""
    if _consonant_y(adjective):
        return adjective[:-1] + "i" + ending
    if adjective.endswith("e"):
        return adjective + ending[1:]
    return adjective + (adjective[-1] if _doubles(adjective) else "") + ending


def starts_with_vowel_sound(word: str) -> bool:
    """Whether `an` and not `a` stands before the word: `an hour`, `a university`."""
    word = word.lower()
    if word.startswith(_VOWEL_SOUND):
        return True
    return word[0] in _VOWELS and not word.startswith(_CONSONANT_SOUND)
