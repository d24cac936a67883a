"""What a person reads in the terminal when a run has ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fringe.errors import FringeError
from fringe.plan import layout
from fringe.report.comparison import verdict_lines
from fringe.report.left_out import left_out_line
from fringe.report.self_check import self_check_line
from fringe.report.verdicts import summary
from fringe.scores.comparison import read_comparison

__all__ = ["ending"]


def ending(folder: Path, comparisons: Sequence[str] = (), resampled: bool = True) -> str:
    """Return what came out of a run, and where its report and verdicts are.

    The head of Tables 1 and 2, the verdict of each comparison in a line, and what is left out.

    Parameters
    ----------
    folder : Path
        The run's folder, ``results/<run>``.
    comparisons : sequence of str
        Those of the configuration. One that is left out has no file, and is not shown.
    resampled : bool
        Whether a data set is resampled: otherwise the run has no tables and no ``verdict.md``.

    Raises
    ------
    FringeError
        If a table, the report or the verdict is missing, or a verdict of a comparison is damaged.
    """
    lines = []
    if resampled:
        lines.append(summary([folder / layout.table(f"table{n}", "md") for n in (1, 2)]))
    pages = ["report.html", "verdict.md"] if resampled else ["report.html"]
    for name in pages:
        if not (folder / name).is_file():
            raise FringeError(f"{folder / name}: missing; run the workflow again")
    for name in comparisons:
        judged = folder / layout.judged(name, "json")
        if judged.is_file():
            lines += verdict_lines(read_comparison(judged), judged.with_suffix(".html"))
    if line := left_out_line(folder / "left_out.md"):
        lines.append(f"{line} Why, and how to get them: {folder / 'left_out.md'}")
    if line := self_check_line(folder / "self_check.md"):
        lines.append(f"Self-check: {line}")
    titles = {"report.html": "Report", "verdict.md": "Verdict"}
    lines.append("   ".join(f"{titles[name]}: {folder / name}" for name in pages))
    return "\n".join(lines)
