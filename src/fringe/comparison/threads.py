"""Thread pools for the independent parts of a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

__all__ = ["pool_of"]


@contextmanager
def pool_of(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a thread pool; at the end, tasks that have not started are cancelled.

    Each part is computed by one thread, so results do not depend on the number of threads. NumPy
    releases the global interpreter lock, so threads run in parallel.
    """
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
