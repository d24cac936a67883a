"""Tables 1 to 3 of a run, from their CSV files: as printed, with details of each number."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fringe.page.content import Number, Row, Table
from fringe.page.numbers import cell_number
from fringe.page.published import Published
from fringe.scores.cells import Cell
from fringe.scores.paper import PaperValue
from fringe.scores.rows import read_columns
from fringe.tables.build import FILLED, TABLE_COLUMNS
from fringe.tables.lines import Header, lay_out

__all__ = ["published_in_table", "read_table", "shown_table"]

_LABELS = (
    *("dataset", "title", "network", "network_title", "space", "scheme", "metric"),
    *("simulated", "main", "paper_differs"),
)
_KERNELS = "No standard error: for kernel distances only the spread of draws is measured."
_SEPARATOR = "; "  # between differences from the paper


def read_table(path: str | os.PathLike[str], metrics: Sequence[str]) -> pd.DataFrame:
    """Return the rows of a table's CSV that have one of ``metrics``.

    Raises
    ------
    DamagedFileError
        If the file is missing, truncated or not such a table.
    """
    numbers = [name for name in TABLE_COLUMNS if name not in _LABELS]
    found = read_columns(path, _LABELS, numbers)
    for name in ("simulated", "main"):
        found[name] = found[name] == "True"
    wanted = found["metric"].isin(list(metrics))
    return found.loc[wanted, list(TABLE_COLUMNS)].reset_index(drop=True)


def shown_table(
    table: pd.DataFrame, *, seed: str, notes: Sequence[str] = (), classifier: str = ""
) -> Table:
    """Return a table as the run prints it.

    Parameters
    ----------
    table : DataFrame
        A result of `read_table`.
    seed : str
        The seed of all draws.
    notes : sequence of str
        Notes that follow the table's own notes.
    classifier : str
        Title of the network that counts classes, if it is not FID's network.
    """
    layout = lay_out(table, notes, plain=True, classifier=classifier)
    rows = []
    keys = _keys(table)
    datasets = iter(dict.fromkeys(table["dataset"]))
    for line in layout.lines:
        cells: list[Number | str] = [
            f"[{entry.text}] ({entry.mark})" if entry.mark else entry.text for entry in line.cells
        ]
        if line.kind == "ours":
            part = table[table["dataset"] == next(datasets)]
            cells = [
                _number(_row(part, key), entry.text, seed)
                for key, entry in zip(keys, line.cells, strict=True)
            ]
        rows.append(Row(line.label, tuple(cells), "" if line.kind == "ours" else "note"))
    return Table(
        caption=layout.caption,
        head=("Data set", *map(_head, layout.headers)),
        rows=tuple(rows),
        notes=layout.notes,
    )


def published_in_table(table: pd.DataFrame) -> list[Published]:
    """Return the numbers of a table that the paper also prints."""
    heads = dict(zip(_keys(table), map(_head, lay_out(table).headers), strict=True))
    found = []
    for _, row in table[table["scheme"] != FILLED].iterrows():
        value = _paper(row)
        if value is not None:
            label = heads[row["metric"], row["network"], row["scheme"]]
            found.append(Published(str(row["title"]), label, _cell(row), value, int(row["scale"])))
    return found


def _keys(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Return metric, network and scheme of each column, in their order."""
    printed = table[table["scheme"] != FILLED]
    columns = zip(printed["metric"], printed["network"], printed["scheme"], strict=True)
    return list(dict.fromkeys(columns))


def _head(header: Header) -> str:
    below = f" ({header.below})" if header.below else ""
    above = f", {header.above}" if header.above else ""
    return f"{header.base}{below}{above}{header.after}"


def _row(part: pd.DataFrame, key: tuple[str, str, str]) -> pd.Series:
    metric, network, scheme = key
    mask = (part["metric"] == metric) & (part["network"] == network) & (part["scheme"] == scheme)
    return part[mask].iloc[0]


def _number(row: pd.Series, text: str, seed: str) -> Number:
    number = cell_number(
        _cell(row),
        seed=seed,
        scale=int(row["scale"]),
        paper=_paper(row),
        no_error="" if row["metric"] == "fid" else _KERNELS,
    )
    return Number(text, number.value, number.about, number.tone)


def _cell(row: Mapping[str, Any] | pd.Series) -> Cell:
    return Cell(
        mean=float(row["mean"]),
        std=float(row["std"]),
        repeats=int(row["repeats"]),
        n_real=int(row["n_real"]),
        n_generated=int(row["n_generated"]),
        standard_error=float(row["standard_error"]),
        real_error=float(row["real_error"]),
    )


def _paper(row: pd.Series) -> PaperValue | None:
    if math.isnan(row["paper"]):
        return None
    differs = tuple(text for text in str(row["paper_differs"]).split(_SEPARATOR) if text)
    counts = (row["paper_n_real"], row["paper_n_generated"])
    return PaperValue(
        float(row["paper"]),
        float(row["paper_std"]),
        None if math.isnan(counts[0]) else int(counts[0]),
        int(counts[1]),
        differs,
    )
