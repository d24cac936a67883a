"""Times, chains of jobs and tables of them as plain text."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

__all__ = ["aligned", "linked", "span"]


def aligned(rows: Sequence[Sequence[str]], words: Container[int] = (0,)) -> str:
    """Return rows of text as columns, those at ``words`` to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(row: Sequence[str]) -> str:
        cells = enumerate(zip(row, widths, strict=True))
        return "  ".join(
            cell.ljust(width) if number in words else cell.rjust(width)
            for number, (cell, width) in cells
        ).rstrip()

    return "\n".join(map(line, rows))


def span(seconds: float) -> str:
    """Return a time as a person would say it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def linked(chain: Iterable[tuple[str, float]]) -> str:
    """Return a chain of names and seconds as text."""
    return " > ".join(f"{name} {span(seconds)}" for name, seconds in chain)
