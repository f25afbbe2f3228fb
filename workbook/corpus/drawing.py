"""Fresh training pairs of the phrasebook's grammar, written on every core at once.

A core writes a few thousand sentences a second, and a training chooses among some hundred thousand.
They are drawn in shares, each from a seed of its own, so they are the same on any machine. A share
is written by a Python of its own,

    python -m workbook.corpus.drawing COUNT SEED

and not by `multiprocessing`, which runs the script that calls it once more in every process.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workbook.corpus import phrasebook
from workbook.corpus.pairs import SentencePair

_A_SHARE = 20_000  # pairs: some seconds' work, beside which a Python's start is short
_SEEDS = 1_000_000  # so far apart lie the seeds of two draws, and none is one that ships
_PACKAGES = Path(__file__).parents[2]


def drawn_pairs(count: int, seed: int, processes: int | None = None) -> Iterator[SentencePair]:
    """As many pairs as asked, none of which is held out; the same ones for the same seed.

    processes: how many write at a time; by default one for each core, and this one where no other
    can be started. Raises ValueError for a negative count.
    """
    if count < 0:
        raise ValueError(f"expected a count of pairs of at least 0, got {count}")
    sizes = [min(_A_SHARE, count - start) for start in range(0, count, _A_SHARE)]
    seeds = [_SEEDS * (seed + 1) + number for number in range(len(sizes))]
    done = 0
    if (several := min(processes or os.cpu_count() or 1, len(sizes))) > 1:
        pool = ThreadPoolExecutor(several)
        try:
            for pairs in pool.map(_written_by_another, sizes, seeds):
                yield from pairs
                done += 1
        except (OSError, subprocess.SubprocessError):
            pass  # no other Python to be had, or it was ended: the rest is written here
        finally:
            pool.shutdown(cancel_futures=True)
    for size, own in zip(sizes[done:], seeds[done:], strict=True):
        yield from _written(size, own)


def _written(count: int, seed: int) -> list[SentencePair]:
    return [SentencePair(p.english, p.spanish) for p in phrasebook.generate(count, seed)]


def _written_by_another(count: int, seed: int) -> list[SentencePair]:
    path = os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH"))))
    said = subprocess.run(
        [sys.executable, "-m", "workbook.corpus.drawing", str(count), str(seed)],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    return [SentencePair(*line.split("\t")) for line in said.stdout.decode().splitlines()]


def main() -> None:
    """Write the pairs to standard output, in UTF-8: one a line, a tab between."""
    count, seed = map(int, sys.argv[1:])
    text = "".join(f"{english}\t{spanish}\n" for english, spanish in _written(count, seed))
    sys.stdout.buffer.write(text.encode())


if __name__ == "__main__":
    main()
