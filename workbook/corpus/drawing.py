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
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from workbook.cores import cores
from workbook.corpus import phrasebook
from workbook.corpus.pairs import SentencePair

_A_SHARE = 50_000  # pairs; a Python that begins has thousands of lists of words to make first
_SEEDS = 1_000_000  # so far apart lie the seeds of two draws, and none is one that ships
_MOST_PROCESSES = 8  # one process that chooses keeps up with about as many that write
_PACKAGES = Path(__file__).parents[2]


def drawn_pairs(count: int, seed: int, processes: int | None = None) -> Iterator[SentencePair]:
    """As many pairs as asked, none of which is held out; the same ones for the same seed.

    processes: how many write at a time; by default one for each core, and this one where no other
    can be started. Raises ValueError for a negative count.
    """
    if count < 0:
        raise ValueError(f"expected a count of pairs of at least 0, got {count}")
    shares = [
        (min(_A_SHARE, count - start), _SEEDS * (seed + 1) + number)
        for number, start in enumerate(range(0, count, _A_SHARE))
    ]
    done = 0
    if (several := min(processes or cores(), _MOST_PROCESSES, len(shares))) > 1:
        try:
            for pairs in _side_by_side(shares, several):
                yield from pairs
                done += 1
        except (OSError, subprocess.SubprocessError):
            pass  # no other Python to be had, or it was ended: the rest is written here
    for share in shares[done:]:
        yield from _written(*share)


def _side_by_side(shares: list[tuple[int, int]], several: int) -> Iterator[list[SentencePair]]:
    """The shares in order, never more than `several` begun and not yet taken: whoever takes no more
    doesn't have the rest written."""
    begun: deque[tuple[subprocess.Popen[bytes], int]] = deque()
    try:
        for count, seed in shares:
            if len(begun) == several:
                yield _taken(*begun[0])
                begun.popleft()
            begun.append((_begun(count, seed), count))
        while begun:
            yield _taken(*begun[0])
            begun.popleft()
    finally:  # those that are interrupted, or whose pairs nobody takes any more
        for other, _ in begun:
            with other:
                other.kill()


def _written(count: int, seed: int) -> list[SentencePair]:
    return [SentencePair(p.english, p.spanish) for p in phrasebook.generate(count, seed)]


def _begun(count: int, seed: int) -> subprocess.Popen[bytes]:
    """Another Python that writes a share. It waits with the last of it until that is taken."""
    if not sys.executable:
        raise subprocess.SubprocessError("this Python doesn't know how to start another one")
    path = os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        # -P: not what lies in the current folder.
        [sys.executable, "-P", "-m", "workbook.corpus.drawing", str(count), str(seed)],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _taken(other: subprocess.Popen[bytes], count: int) -> list[SentencePair]:
    """The pairs that another Python wrote. Raises SubprocessError where it wrote something else."""
    said, _ = other.communicate()
    if other.returncode:
        raise subprocess.CalledProcessError(other.returncode, other.args)
    lines = said.decode(errors="replace").splitlines()
    pairs = [SentencePair(*cells) for line in lines if len(cells := line.split("\t")) == 2]
    if len(pairs) != count or len(lines) != count:
        raise subprocess.SubprocessError(f"expected {count} pairs, got {len(lines)} lines")
    return pairs


def main() -> None:
    """Write the pairs to standard output, in UTF-8: one a line, a tab between."""
    count, seed = map(int, sys.argv[1:])
    text = "".join(f"{english}\t{spanish}\n" for english, spanish in _written(count, seed))
    sys.stdout.buffer.write(text.encode())


if __name__ == "__main__":
    main()
