"""Independent parts of a comparison on several threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

__all__ = ["pool_of"]


@contextmanager
def pool_of(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool that parts are submitted to; what has not begun at the end is dropped.

    Parts are shared among the threads, not the operations inside them, so results do not depend on
    the number of threads. NumPy's operations let other threads go on.
    """
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
