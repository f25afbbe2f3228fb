"""Fresh training pairs of the phrasebook's grammar, written on every core at once.

A core writes a few thousand sentences a second, and a training chooses among some hundred thousand.
The pairs are drawn in shares, each from a seed of its own, so they are the same on any machine.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from workbook.corpus import phrasebook
from workbook.corpus.pairs import SentencePair

_A_SHARE = 5_000  # pairs: a second's work or two
_SEEDS = 1_000_000  # so far apart lie the seeds of two draws, and none is one that ships


def drawn_pairs(count: int, seed: int, processes: int | None = None) -> Iterator[SentencePair]:
    """As many pairs as asked, none of which is held out; the same ones for the same seed and count.

    processes: how many write; by default one for each core, and this one alone where that is not
    allowed. Raises ValueError for a negative count.
    """
    if count < 0:
        raise ValueError(f"expected a count of pairs of at least 0, got {count}")
    starts = range(0, count, _A_SHARE)
    sizes = [min(_A_SHARE, count - start) for start in starts]
    seeds = [_SEEDS * (seed + 1) + number for number in range(len(sizes))]
    done = 0
    if (several := min(processes or os.cpu_count() or 1, len(sizes))) > 1:
        try:
            for pairs in _side_by_side(sizes, seeds, several):
                yield from pairs
                done += 1
        except (OSError, NotImplementedError, BrokenProcessPool):
            pass  # no further process to be had: the rest is written here
    for size, own in zip(sizes[done:], seeds[done:], strict=True):
        yield from _written(size, own)


def _side_by_side(
    sizes: list[int], seeds: list[int], processes: int
) -> Iterator[list[SentencePair]]:
    # Spawned, on every system: a fork of a process in which torch has threads can lock up.
    pool = ProcessPoolExecutor(
        processes,
        mp_context=get_context("spawn"),
        # An interrupt is for the process that waits; the others are told by it.
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        yield from pool.map(_written, sizes, seeds)
    finally:
        pool.shutdown(cancel_futures=True)


def _written(count: int, seed: int) -> list[SentencePair]:
    return [SentencePair(p.english, p.spanish) for p in phrasebook.generate(count, seed)]
