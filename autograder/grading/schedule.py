"""Where the judging is done: by workers on this machine, or by a Dask cluster."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

from autograder.grading.workers import Workers
from workbook.cores import cores

_RETRIES = 3  # of a job whose machine went away


class NoScheduler(Exception):
    """There is no cluster at that address, or no Dask here; the message says what to do."""


@contextlib.contextmanager
def here(
    jobs: int | None, deadline: float, prepare: Callable[[], Any] | None = None
) -> Iterator[tuple[Executor, int]]:
    """That many workers on this machine, by default one a core, and how many jobs to give out at a
    time. With something to `prepare`, they start at once, and do that first."""
    count = jobs or cores()
    workers = Workers(count, deadline, prepare)
    try:
        yield workers, 2 * count
    finally:
        workers.shutdown(cancel_futures=True)


@contextlib.contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """The Dask cluster whose scheduler has this address (`tcp://host:8786`).

    Raises NoScheduler.
    """
    try:
        from distributed import Client
    except ImportError:
        raise NoScheduler(
            "--scheduler needs Dask, which isn't installed: pip install 'distributed>=2024.8'"
        ) from None
    try:
        client = Client(address, timeout=20)
    except (OSError, TimeoutError, ValueError) as error:
        raise NoScheduler(
            f"no Dask scheduler answers at {address} ({error}). Start one with `dask scheduler`, "
            f"and on each machine `dask worker {address} --nthreads 1`."
        ) from None
    with client:
        threads = sum(client.nthreads().values())
        executor = client.get_executor(retries=_RETRIES, pure=False)
        try:
            yield executor, max(2, 2 * threads)
        finally:
            executor.shutdown(wait=False)
