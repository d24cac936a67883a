"""The line that says how far an optimization is."""

import logging
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from fringe.metrics.arrays import Floats

if TYPE_CHECKING:
    pass
from fringe.resampling.result import PATH

__all__ = ["Report"]

LOGGER = logging.getLogger(__name__)

REPORT = 10.0  # seconds between two lines of progress


class Report:
    """A bar in a terminal; in a log, a line every ten seconds and at the end of a longer run."""

    def __init__(self, title: str, total: int, unit: str = "evaluation") -> None:
        self._title, self._total, self._unit = title, total, unit
        self._begun = time.perf_counter()
        self._last = time.monotonic()
        self._any = False
        self._bar = tqdm(total=total, desc=title, unit=unit, disable=not sys.stderr.isatty())

    def __enter__(self) -> "Report":
        """Return the report itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bar."""
        self._bar.close()

    def seconds(self) -> float:
        """Return the seconds since the start, those before an interruption included."""
        return time.perf_counter() - self._begun

    def resume(self, path: Floats) -> None:
        """Count from where ``path`` ends."""
        self._begun -= float(path[-1, PATH.index("seconds")])

    def __call__(self, path: Floats, *, last: bool = False) -> None:
        """Show the latest row of a path."""
        evaluation, objective, gap, effective, _ = path[-1]
        bound = "" if np.isnan(gap) else f", gap at most {gap:.4g}"
        text = f"objective {objective:.6g}{bound}, effective sample size {effective:.0f}"
        if not self._bar.disable:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(int(evaluation) - self._bar.n)
            return
        now = time.monotonic()
        if now - self._last < REPORT and not (last and self._any):
            return
        self._last, self._any = now, True
        at_most = "at most " if self._unit == "evaluation" else ""
        line = f"{self._title}: {self._unit} {evaluation:.0f} of {at_most}{self._total}, {text}"
        LOGGER.info("%s", line)
