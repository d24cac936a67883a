"""Progress bars and log lines for work that takes more than a few seconds."""

import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Self, TypeVar

from tqdm import tqdm

from fringe.texts import escaped

__all__ = [
    "MOVING",
    "Progress",
    "activity",
    "advance",
    "columns",
    "has_line",
    "move_line",
    "mute",
    "progress",
]

LOGGER = logging.getLogger(__name__)

Item = TypeVar("Item")

FIRST = 2.0  # seconds after which an activity is reported
EVERY = 10.0  # seconds between two lines of a log
MOVING = 0.5  # seconds between two updates of a terminal's line


def has_line() -> bool:
    """Return whether stderr is a terminal, whose last line can be updated."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def columns() -> int:
    """Return the maximum number of characters in a line of the terminal."""
    width = 0
    if not os.environ.get("COLUMNS"):
        with suppress(OSError):  # Python's default is the terminal of stdout, which may be a file
            width = os.get_terminal_size(2).columns
    return (width or shutil.get_terminal_size().columns) - 1


def move_line(line: str, *, last: bool = False) -> None:
    """Replace the last line of the terminal; a ``last`` text stays."""
    print(f"\r{line}\x1b[K", end="\n" if last else "", file=sys.stderr, flush=True)


class Progress:
    """Shows the progress of a count: a bar in a terminal, or a line in a log every ten seconds.

    Parameters
    ----------
    title : str
    total : int, optional
    unit : str
    """

    def __init__(self, title: str, total: int | None = None, unit: str = "it") -> None:
        self._bar = tqdm(total=total, desc=title, unit=unit, disable=not sys.stderr.isatty())
        self._last = time.monotonic()
        self._said = False

    def __enter__(self) -> Self:
        """Return the progress itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bar."""
        self._bar.close()

    def show(self, done: int, line: str, *, note: str = "", last: bool = False) -> None:
        """Show that ``done`` units are done.

        Parameters
        ----------
        done : int
        line : str
            The line for a log.
        note : str
            The text after the bar in a terminal.
        last : bool
            Whether this is the end. A log that has a line gets a last line.
        """
        if not self._bar.disable:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(done - self._bar.n)
            return
        now = time.monotonic()
        if now - self._last >= EVERY or (last and self._said):
            self._last, self._said = now, True
            LOGGER.info("%s", line)


def progress(
    items: Iterable[Item], title: str, *, total: int | None = None, unit: str = "it", step: int = 1
) -> Iterator[Item]:
    """Yield ``items``, and show their `Progress`.

    ``step`` is the number of units in one item (a batch of 32 images: ``step=32``). ``total`` is
    the number of all units.
    """
    start, done = time.monotonic(), 0
    of = f" of {total}" if total else ""
    with Progress(title, total, unit) as shown:
        for item in items:
            yield item
            done += step
            rate = done / max(time.monotonic() - start, 1e-9)
            shown.show(done, f"{title}: {done}{of} {unit} ({rate:.3g} {unit}/s)")


@contextmanager
def activity(title: str, *, total: int | None = None, unit: str = "B") -> Iterator[None]:
    """Report the progress of the block on stderr, if the block takes more than `FIRST` seconds.

    A thread reports the progress, so a single call that takes an hour is reported, too. A terminal
    shows one line that is updated. A log gets a line at first and then every `EVERY` seconds. The
    innermost of nested activities is reported.

    Parameters
    ----------
    title : str
        The work that the block does, and the file.
    total : int, optional
        Number of units. `advance` counts the finished units. None: only the time is shown.
    unit : str
        ``B`` for bytes, or a plural such as ``images``.
    """
    if _reporter.is_mute:
        yield
        return
    current = _Activity(title, total, unit)
    _reporter.begin(current)
    try:
        yield
    finally:
        _reporter.end(current)


def advance(amount: int) -> None:
    """Count units of the innermost activity as done."""
    for current in _reporter.running[-1:]:
        current.done += amount


def mute() -> None:
    """Report no more activities in this process."""
    _reporter.is_mute = True


class _Activity:
    """An activity: its title, its start time and its progress."""

    def __init__(self, title: str, total: int | None, unit: str) -> None:
        self.title = escaped(title, keep="")
        self.total = total
        self.unit = unit
        self.start = time.monotonic()
        self.done = 0
        self.is_reported = False

    def line(self, now: float, width: int | None = None) -> str:
        """Return a line with the progress, at most ``width`` characters; a long title is cut."""
        share = self._share(now - self.start)
        title, room = self.title, None if width is None else max(10, width - len(share))
        if room is not None and len(title) > room:
            title = f"{title[: room // 2 - 2]}...{title[-(room - room // 2 - 1) :]}"
        return f"{title}{share}"[:width]

    def _share(self, seconds: float) -> str:
        if self.total is None:
            return f" ({seconds:.0f} s)"
        rate = self.done / seconds if seconds > 0 else 0.0
        to_do = self.total - self.done
        left = f", {_span(to_do / rate)} left" if rate and to_do > 0 else ""
        share = f"{self._amount(self.done)} of {self._amount(self.total)}"
        return f": {share} ({self._amount(rate)}/s{left})"

    def _amount(self, number: float) -> str:
        if self.unit == "B":
            return tqdm.format_sizeof(number, "B")
        return f"{number:,.0f} {self.unit}"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class _Reporter:
    """Reports the running activities from a thread that exists while an activity is running."""

    def __init__(self) -> None:
        self.running: list[_Activity] = []
        self.is_mute = False
        self._reported = 0.0  # time of the last line
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, current: _Activity) -> None:
        self.running.append(current)
        if self._thread is None:
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=self._report_until, args=(self._stop,), daemon=True
            )
            self._thread.start()

    def end(self, current: _Activity) -> None:
        """Remove an activity; an activity that was reported gets a last line."""
        self.running.remove(current)
        if not self.running and self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
        if current.is_reported and (current.total is not None or not self.running):
            self._write(current, time.monotonic(), last=True)

    def _report_until(self, stop: threading.Event) -> None:
        while not stop.wait(MOVING / 2):
            now = time.monotonic()
            running = [*self.running]
            if not running:
                continue
            new = any(not one.is_reported and now - one.start >= FIRST for one in running)
            pause = MOVING if has_line() else EVERY
            if new or (running[0].is_reported and now - self._reported >= pause):
                for one in running:
                    one.is_reported = True
                self._write(running[-1], now)
                self._reported = now

    def _write(self, current: _Activity, now: float, *, last: bool = False) -> None:
        if has_line():
            move_line(current.line(now, columns()), last=last)
        else:
            LOGGER.info("%s", current.line(now))


_reporter = _Reporter()
