"""Which meetings of words are kept for the probes of *bank* and *it*."""

from functools import cache

from workbook.corpus.phrasebook.constructions.banks import crossed_pairs, ways_of_reaching
from workbook.corpus.phrasebook.constructions.what_it_is import ANIMALS, BULKY, PLACES, TIGHT
from workbook.corpus.phrasebook.lexicon import noun_named


@cache
def probe_meetings() -> frozenset[str]:
    """The meetings kept for the probes: every third of its kind, the course's own among them.

    A way of reaching a bank and what was crossed; an animal and what it doesn't cross; a
    thing and what it doesn't fit in.
    """
    held = set()
    for at, spanish in enumerate(ways_of_reaching()):
        for other, (street, river) in enumerate(crossed_pairs()):
            if (at + other) % 3 == 0:
                held |= {f"bank:{spanish}+cruzar {thing}" for thing in (street, river)}
    for at, animal in enumerate(ANIMALS):
        for other, place in enumerate(PLACES):
            if (at + other) % 3 == 0:
                held.add(f"it:{noun_named(animal).spanish}+{noun_named(place).spanish}")
    for at, thing in enumerate(BULKY):
        for other, place in enumerate(TIGHT):
            if (at + other) % 3 == 0:
                held.add(f"it:{noun_named(thing).spanish}+{noun_named(place).spanish}")
    return frozenset(held)
