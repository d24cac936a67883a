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


def ending(
    folder: Path, comparisons: Sequence[str] = (), resampled: bool = True, whole: bool = True
) -> str:
    """Return what came out of a run, and where its page, report and verdicts are.

    The head of Tables 1 and 2, the verdict of each comparison in a line, and what is left out.

    Parameters
    ----------
    folder : Path
        The run's folder, ``results/<run>``.
    comparisons : sequence of str
        Those of the configuration. One that is left out has no file, and is not shown.
    resampled : bool
        Whether a data set is resampled: otherwise the run has no tables and no ``verdict.md``.
    whole : bool
        Whether everything was asked for. Of other targets, only comparisons are shown where tables
        or pages are not there.

    Raises
    ------
    FringeError
        If a verdict of a comparison is damaged; or, of a whole run, if a table, the report or the
        verdict is missing.
    """
    judged = _judged(folder, comparisons)
    try:
        return "\n".join([*_tables(folder, resampled), *judged, *_pages(folder, resampled)])
    except FringeError:
        if whole:
            raise
        return "\n".join(judged)


def _tables(folder: Path, resampled: bool) -> list[str]:
    if not resampled:
        return []
    return [summary([folder / layout.table(f"table{n}", "md") for n in (1, 2)])]


def _judged(folder: Path, comparisons: Sequence[str]) -> list[str]:
    lines = []
    for name in comparisons:
        judged = folder / layout.judged(name, "json")
        if judged.is_file():
            lines += verdict_lines(read_comparison(judged), judged.with_suffix(".html"))
    return lines


def _pages(folder: Path, resampled: bool) -> list[str]:
    titles = {layout.INDEX: "Page", "report.html": "Provenance"}
    titles |= {"verdict.md": "Verdict"} if resampled else {}
    for name in titles:
        if not (folder / name).is_file():
            raise FringeError(f"{folder / name}: missing; run the workflow again")
    lines = []
    if line := left_out_line(folder / "left_out.md"):
        lines.append(f"{line} Why, and how to get them: {folder / 'left_out.md'}")
    if line := self_check_line(folder / "self_check.md"):
        lines.append(f"Self-check: {line}")
    return [*lines, "   ".join(f"{title}: {folder / name}" for name, title in titles.items())]
