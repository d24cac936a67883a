"""What a person reads in the terminal when a run has ended."""

from __future__ import annotations

from pathlib import Path

from fringe.errors import FringeError
from fringe.plan import layout
from fringe.report.left_out import left_out_line
from fringe.report.self_check import self_check_line
from fringe.report.verdicts import summary

__all__ = ["ending"]


def ending(folder: Path) -> str:
    """Return the head of Tables 1 and 2, what is left out, and where the report and verdict are.

    Parameters
    ----------
    folder : Path
        The run's folder, ``results/<run>``.

    Raises
    ------
    FringeError
        If a table, the report or the verdict is missing.
    """
    lines = [summary([folder / layout.table(f"table{n}", "md") for n in (1, 2)])]
    for name in ("report.html", "verdict.md"):
        if not (folder / name).is_file():
            raise FringeError(f"{folder / name}: missing; run the workflow again")
    if line := left_out_line(folder / "left_out.md"):
        lines.append(f"{line} Why, and how to get them: {folder / 'left_out.md'}")
    if line := self_check_line(folder / "self_check.md"):
        lines.append(f"Self-check: {line}")
    lines.append(f"Report: {folder / 'report.html'}   Verdict: {folder / 'verdict.md'}")
    return "\n".join(lines)
