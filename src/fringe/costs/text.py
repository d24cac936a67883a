"""Formatting of times, chains of jobs and tables as plain text."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

__all__ = ["format_chain", "format_columns", "format_seconds"]


def format_columns(rows: Sequence[Sequence[str]], words: Container[int] = (0,)) -> str:
    """Return rows of text in columns, of which only those at ``words`` are left-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(row: Sequence[str]) -> str:
        cells = enumerate(zip(row, widths, strict=True))
        return "  ".join(
            cell.ljust(width) if number in words else cell.rjust(width)
            for number, (cell, width) in cells
        ).rstrip()

    return "\n".join(map(line, rows))


def format_seconds(seconds: float) -> str:
    """Return a time as text in seconds, minutes or hours, depending on its size."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def format_chain(chain: Iterable[tuple[str, float]]) -> str:
    """Return a chain of names and seconds: "a 5 s > b 2 min"."""
    return " > ".join(f"{name} {format_seconds(seconds)}" for name, seconds in chain)
