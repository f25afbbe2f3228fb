"""The shipped files: written bit for bit by `write_phrasebook`, read by the loaders.

`train.tsv valid.tsv test.tsv compositional.tsv` hold `english spanish tags construction`;
`probe-bank.tsv` and `probe-it.tsv` add the word that decides, its rival, and the minimal pair's
number; `famous.tsv` holds the course's own sentences; `everyday.tsv`, written by hand, is left as
it is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workbook import atomic, home
from workbook.corpus.phrasebook.constructions import banks, what_it_is
from workbook.corpus.phrasebook.sentences import Pair, Sentence, draw_sentences, parse
from workbook.corpus.phrasebook.splits import FAMOUS, SPLITS, split_of
from workbook.corpus.phrasebook.tokens import normalise, words_of_both

SIZES = {"train": 32_000, "valid": 1_000, "test": 1_500, "compositional": 1_500}
SEED = 2017
PROBES = ("bank", "it")
_HEADER = "english\tspanish\ttags\tconstruction"
_PROBE_HEADER = f"{_HEADER}\tanswer\trival\tminimal_pair"
_PROBE_SUBJECTS = """I;You;He;She;We;They;Ana;Carlos;My brother;Our teacher;The old man;The tourists
""".strip().split(";")


@dataclass(frozen=True, slots=True)
class Probe:
    """A pair whose translation hangs on one word.

    answer: the Spanish word that has to come. rival: the one a reader without context would write.
    minimal_pair: equal for the two probes that differ in the deciding word alone.
    """

    pair: Pair
    answer: str
    rival: str
    minimal_pair: int


@dataclass(frozen=True, slots=True)
class Everyday:
    """A sentence that the grammar does not write, with its references, best first."""

    english: str
    references: tuple[str, ...]


def folder() -> Path:
    """Where the shipped files lie."""
    return home.datasets_folder() / "phrasebook"


def _row(pair: Pair, *more: str) -> str:
    return "\t".join((pair.english, pair.spanish, " ".join(pair.tags), pair.construction, *more))


def _fill(sentences: Iterator[Sentence]) -> dict[str, list[Pair]]:
    """The splits, in the order drawn.

    A sentence is taken once; one whose English or Spanish is in another split is not taken at all.
    """
    filled: dict[str, list[Pair]] = {split: [] for split in SPLITS}
    owner: dict[tuple[str, str], str] = {}
    seen: set[str] = set()
    for sentence in sentences:
        split = split_of(sentence)
        pair = sentence.pair
        if split not in filled or len(filled[split]) >= SIZES[split] or pair.english in seen:
            continue
        keys = [("english", normalise(pair.english)), ("spanish", normalise(pair.spanish))]
        if any(owner.get(key, split) != split for key in keys):
            continue
        owner.update(dict.fromkeys(keys, split))
        seen.add(pair.english)
        filled[split].append(pair)
        if all(len(filled[name]) >= SIZES[name] for name in SPLITS):
            break
    known = set().union(*(words_of_both(p.english, p.spanish) for p in filled["train"]))
    for split in SPLITS[1:]:
        filled[split] = [p for p in filled[split] if words_of_both(p.english, p.spanish) <= known]
    return filled


def _only(english: str) -> Pair:
    """The one pair the grammar derives from an English sentence."""
    found = {sentence.pair.spanish: sentence.pair for sentence in parse(english)}
    if len(found) != 1:
        raise ValueError(f"expected one translation of {english!r}, got {sorted(found)}")
    return next(iter(found.values()))


def _bank_probes() -> list[Probe]:
    probes: list[Probe] = []
    number = 0
    for verb, street, river in banks.bank_probe_ways():
        for subject in _PROBE_SUBJECTS:
            number += 1
            for crossed, answer, rival in ((street, "banco", "orilla"), (river, "orilla", "banco")):
                pair = _only(f"{subject} {verb} the bank after crossing the {crossed}.")
                probes.append(Probe(pair, answer, rival, number))
    return probes


def _it_probes() -> list[Probe]:
    probes: list[Probe] = []
    number = 0
    for animal, place, adjectives in what_it_is.it_probe_ways():
        for both in adjectives:
            number += 1
            for adjective in both:
                pair = _only(
                    f"The {animal} didn't cross the {place} because it was too {adjective}."
                )
                answer = pair.spanish.rstrip(".").split()[-1]
                probes.append(Probe(pair, answer, _other_gender(answer), number))
    return probes


def _other_gender(adjective: str) -> str:
    return adjective[:-1] + ("a" if adjective.endswith("o") else "o")


def _famous() -> list[Pair]:
    """Each of the course's sentences plain and as a whole sentence."""
    pairs = []
    for english in FAMOUS:
        pairs.append(_only(english))
        pairs.append(_only(english[0].upper() + english[1:] + "."))
    return pairs


def _contents() -> dict[str, str]:
    files = {}
    for split, pairs in _fill(draw_sentences(SEED)).items():
        files[f"{split}.tsv"] = [_HEADER, *map(_row, pairs)]
    for name, probes in (("bank", _bank_probes()), ("it", _it_probes())):
        rows = [_row(p.pair, p.answer, p.rival, str(p.minimal_pair)) for p in probes]
        files[f"probe-{name}.tsv"] = [_PROBE_HEADER, *rows]
    files["famous.tsv"] = [_HEADER, *map(_row, _famous())]
    return {name: "\n".join(rows) + "\n" for name, rows in files.items()}


def write_phrasebook(target: Path | str) -> list[Path]:
    """Write every generated file into a folder, atomically, and return their paths.

    The same code writes the same bytes everywhere. `everyday.tsv` and the data card are not
    touched.
    """
    target = Path(target)
    written = []
    for name, text in sorted(_contents().items()):
        atomic.write_text(target / name, text)
        written.append(target / name)
    return written


def _rows(name: str, header: str, where: Path | None) -> list[list[str]]:
    path = (where or folder()) / name
    if not path.exists():
        raise FileNotFoundError(
            f"expected the phrasebook's file {path}; write it with "
            f"`python -m workbook.corpus.phrasebook {path.parent}`"
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or lines[0] != header:
        raise ValueError(f"{path}: expected the columns {header.split()}, got {lines[:1]}")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if len(cells) != header.count("\t") + 1:
            raise ValueError(
                f"{path}, line {number}: expected {header.count(chr(9)) + 1} columns, got "
                f"{len(cells)}; "
                f"write the files anew with `python -m workbook.corpus.phrasebook {path.parent}`"
            )
        rows.append(cells)
    return rows


def _pair(cells: list[str]) -> Pair:
    return Pair(cells[0], cells[1], tuple(cells[2].split()), cells[3])


def load_phrasebook(split: str, where: Path | None = None) -> list[Pair]:
    """The shipped pairs of a split: `train`, `valid`, `test`, `compositional` or `famous`."""
    if split not in (*SPLITS, "famous"):
        raise ValueError(f"expected a split among {(*SPLITS, 'famous')}, got {split!r}")
    return [_pair(cells) for cells in _rows(f"{split}.tsv", _HEADER, where)]


def load_probes(name: str, where: Path | None = None) -> list[Probe]:
    """The shipped probes: `bank` (banco or orilla) or `it` (the adjective's gender)."""
    if name not in PROBES:
        raise ValueError(f"expected a probe among {PROBES}, got {name!r}")
    rows = _rows(f"probe-{name}.tsv", _PROBE_HEADER, where)
    return [Probe(_pair(cells), cells[4], cells[5], int(cells[6])) for cells in rows]


def load_everyday(where: Path | None = None) -> list[Everyday]:
    """Sentences written by hand, which the grammar does not derive, with their references."""
    rows = _rows("everyday.tsv", "english\treferences", where)
    return [Everyday(english, tuple(spanish.split(" | "))) for english, spanish in rows]


@cache
def _held_out() -> frozenset[str]:
    """English and Spanish of everything shipped that training must not see."""
    pairs: list[Pair] = []
    for split in (*SPLITS[1:], "famous"):
        pairs += load_phrasebook(split)
    for name in PROBES:
        pairs += [probe.pair for probe in load_probes(name)]
    keys = {f"english {normalise(pair.english)}" for pair in pairs}
    return frozenset(keys | {f"spanish {normalise(pair.spanish)}" for pair in pairs})


def generate(
    count: int, seed: int, split: str = "train", keep: Callable[[Pair], bool] | None = None
) -> Iterator[Pair]:
    """Fresh pairs of a split, one by one, as many as asked; the same seed gives the same ones.

    split: `train` never brings what is held out, in the shipped files or by rule. keep: only pairs
    for which it is true, for instance `lambda pair: len(pair.tags) <= 8`. A pair may come again.
    Raises ValueError for an unknown split or a negative count.
    """
    if split not in SPLITS:
        raise ValueError(f"expected a split among {SPLITS}, got {split!r}")
    if count < 0:
        raise ValueError(f"expected a count of pairs of at least 0, got {count}")
    held_out = _held_out() if split == "train" else frozenset()
    given = 0
    for sentence in draw_sentences(seed) if count else ():
        pair = sentence.pair
        if split_of(sentence) != split:
            continue
        if held_out and (
            f"english {normalise(pair.english)}" in held_out
            or f"spanish {normalise(pair.spanish)}" in held_out
        ):
            continue
        # Last, because it may remember what it took.
        if keep is not None and not keep(pair):
            continue
        yield pair
        given += 1
        if given == count:
            return
