"""The progress line of an optimization."""

import time
from typing import Self

import numpy as np

from fringe.metrics.arrays import Floats
from fringe.progress import Progress
from fringe.resampling.result import PATH

__all__ = ["Report"]


class Report:
    """Progress lines with the latest row of a path, and a clock of the optimization."""

    def __init__(self, title: str, total: int, unit: str = "evaluation") -> None:
        self._title, self._total, self._unit = title, total, unit
        self._begun = time.perf_counter()
        self._progress = Progress(title, total, unit)

    def __enter__(self) -> Self:
        """Return the report itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bar."""
        self._progress.__exit__()

    def seconds(self) -> float:
        """Return the seconds since the start, including those before an interruption."""
        return time.perf_counter() - self._begun

    def resume(self, path: Floats) -> None:
        """Continue to count seconds from the end of ``path``."""
        self._begun -= float(path[-1, PATH.index("seconds")])

    def __call__(self, path: Floats, *, last: bool = False) -> None:
        """Show the latest row of a path."""
        evaluation, objective, gap, effective, _ = path[-1]
        bound = "" if np.isnan(gap) else f", gap at most {gap:.4g}"
        text = f"objective {objective:.6g}{bound}, effective sample size {effective:.0f}"
        at_most = "at most " if self._unit == "evaluation" else ""
        line = f"{self._title}: {self._unit} {evaluation:.0f} of {at_most}{self._total}, {text}"
        self._progress.show(int(evaluation), line, note=text, last=last)
