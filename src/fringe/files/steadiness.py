"""Files that must not change while they are read, and when a file's times tell that it did not.

A file's time of change (ctime) is set by the file system at each write and each change of its name.
But clocks of file systems go on in steps, and a second change within one step does not show. So a
file that has just been changed is looked at when that step is over (`wait_until_settled`).
"""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from fringe.errors import ChangedError, FringeError

__all__ = ["settled", "steady", "wait_until_settled"]

STEP = 0.02  # seconds: Linux stamps files by a clock that goes on every 1 to 10 ms
COARSE_STEP = 2.0  # of file systems that keep whole seconds, or every other one

_SECOND = 1_000_000_000  # in ns


def settled(about: os.stat_result, now: float) -> bool:
    """Tell whether any change of a file after ``now`` is bound to change its state, too.

    Not so if the file changed within the last step of the clock, or, because a clock was set back,
    if it changed in what is the future now.
    """
    return about.st_ctime_ns < (now - _step(about)) * _SECOND


def wait_until_settled(files: Iterable[os.stat_result]) -> None:
    """Wait until the step is over in which some of ``files`` may have changed.

    That takes 20 ms, or two seconds where times are whole seconds. Changes in the future are not
    waited for.
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
    """Run a block that reads the file at ``path``, which must be the same file before and after.

    So a digest that is computed in the block is that of the bytes that are read there.

    Raises
    ------
    ChangedError
        If the file was written to, replaced or removed meanwhile, whatever the block raises then.
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
        f"{path}: was changed while it was read; run again as soon as nothing changes it any more"
    )


def _state(path: str | os.PathLike[str]) -> os.stat_result | None:
    """Return the state of a file; None if it is not there or may not be read.

    Opened, because network file systems remember states, and ask again when a file is opened.
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
    return any(getattr(before, one) != getattr(after, one) for one in same)
