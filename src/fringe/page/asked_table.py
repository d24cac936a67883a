"""The table of the requested metrics, with details of each number."""

from __future__ import annotations

import math

import pandas as pd

from fringe.page.content import Number, Row, Table
from fringe.page.numbers import plain_number
from fringe.tables.asked import asked_cell, lay_out_asked

__all__ = ["ASKED_STEM", "shown_asked_table"]

ASKED_STEM = "tableS2"

_COVERS = "The interval covers the random choice of images. docs/metrics.md says of which images."
_NO_ERROR = "No standard error: there is no formula for this metric."


def shown_asked_table(table: pd.DataFrame, *, seed: str) -> Table:
    """Return the table as the run prints it; ``seed`` is the seed of all draws."""
    layout = lay_out_asked(table)
    columns = list(dict.fromkeys(zip(table["dataset"], table["scheme"], strict=True)))
    parts = [part for _, part in table.groupby(["metric", "network"], sort=False)]
    rows = []
    for line, part in zip(layout.lines, parts, strict=True):
        found = {(row["dataset"], row["scheme"]): row for _, row in part.iterrows()}
        cells = [
            _number(found[key], entry.text, seed) if key in found else entry.text
            for key, entry in zip(columns, line.cells, strict=True)
        ]
        rows.append(Row(line.label, tuple(cells)))
    heads = (f"{one.base}, {one.above}" if one.above else one.base for one in layout.headers)
    return Table(layout.caption, (layout.corner, *heads), tuple(rows), layout.notes)


def _number(row: pd.Series, text: str, seed: str) -> Number:
    cell, scale = asked_cell(row), int(row["scale"])
    about = [_NO_ERROR if math.isnan(cell.standard_error) else _COVERS]
    spread = "" if cell.repeats == 1 else f" (standard deviation: {cell.std * scale:.3g})"
    about.append("One draw." if not spread else f"Mean of {cell.repeats} draws{spread}.")
    about.append(f"{cell.n_real:,} real and {cell.n_generated:,} generated images.")
    number = plain_number(cell.mean * scale, cell.standard_error * scale, [*about, f"Seed {seed}."])
    return Number(text, cell.mean, number.about)
