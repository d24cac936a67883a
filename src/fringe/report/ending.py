"""The text that the terminal shows at the end of a run."""

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
    """Return a summary of a run's results, and the paths of its page, report and verdicts.

    The summary has the first rows of Tables 1 and 2, one line for the verdict of each comparison,
    and one line on what is left out.

    Parameters
    ----------
    folder : Path
        The run's folder, ``results/<run>``.
    comparisons : sequence of str
        The comparisons of the configuration. A comparison that was left out has no file and is not
        shown.
    resampled : bool
        Whether a data set is resampled. If not, the run has no tables and no ``verdict.md``.
    whole : bool
        Whether the whole run was requested. If only some targets were, and a table or page does not
        exist, only comparisons are shown.

    Raises
    ------
    FringeError
        If the verdict of a comparison is damaged. In a whole run, also if a table, the report or
        the verdict is missing.
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
