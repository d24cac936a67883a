"""Detect files that change while they are read.

The file system sets a file's time of change (ctime) at each write and each renaming. But the clocks
of file systems advance in steps, and a second change within one step does not change the time. So a
file that has just been changed is examined only after the step is over (`wait_until_settled`).
"""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from fringe.errors import ChangedError, FringeError

__all__ = ["settled", "steady", "wait_until_settled"]

STEP = 0.02  # seconds; the clock that Linux uses for files advances every 1 to 10 ms
COARSE_STEP = 2.0  # seconds, for file systems with a resolution of one or two seconds

_SECOND = 1_000_000_000  # in ns


def settled(about: os.stat_result, now: float) -> bool:
    """Return whether every change of a file after ``now`` is certain to change its ctime.

    The result is False if the file changed within the last step of the clock, or if its ctime is in
    the future because a clock was set back.
    """
    return about.st_ctime_ns < (now - _step(about)) * _SECOND


def wait_until_settled(files: Iterable[os.stat_result]) -> None:
    """Wait until the clock step is over in which one of ``files`` last changed.

    This takes 20 ms, or two seconds if the times are whole seconds. Files whose ctime is in the
    future are ignored.
    """
    now = time.time()
    waits = [about.st_ctime_ns / _SECOND + _step(about) - now for about in files]
    # Clocks of two machines may differ a little.
    wait = max((wait for wait in waits if 0 <= wait <= 2 * COARSE_STEP), default=None)
    if wait is not None:
        time.sleep(wait + STEP / 20)


def _step(about: os.stat_result) -> float:
    return STEP if about.st_ctime_ns % _SECOND else COARSE_STEP


@contextmanager
def steady(path: str | os.PathLike[str]) -> Iterator[None]:
    """Run a block that reads the file at ``path``, and check that the file does not change.

    A digest that is computed in the block is therefore the digest of the bytes that the block read.

    Raises
    ------
    ChangedError
        If the file was written to, replaced or removed during the block, also if the block raised
        a `FringeError`.
    """
    before = _state(path)
    if before is not None:
        wait_until_settled([before])
        before = _state(path)
    try:
        yield
    except FringeError as error:
        if _differ(before, _state(path)):
            raise _changed(path) from error
        raise
    if _differ(before, _state(path)):
        raise _changed(path)


def _changed(path: str | os.PathLike[str]) -> ChangedError:
    return ChangedError(
        f"{path}: was changed while it was read; run again when no program changes it any more"
    )


def _state(path: str | os.PathLike[str]) -> os.stat_result | None:
    """Return the state of a file; None if it does not exist or may not be read.

    The file is opened, because network file systems cache states until a file is opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):  # a null character
        return None
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _differ(before: os.stat_result | None, after: os.stat_result | None) -> bool:
    if before is None or after is None:
        return before is not after
    same = ("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
    return any(getattr(before, field) != getattr(after, field) for field in same)
