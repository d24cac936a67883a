"""The table of the metrics that a configuration requests, with a row for each network."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fringe.scores.adherence import Adherence, Following
from fringe.scores.asked_metrics import ASKED, DISTANCES
from fringe.scores.cells import Cell, cell_of, datasets_of
from fringe.scores.numbers import format_value
from fringe.scores.rows import check_scores, read_columns
from fringe.scores.titles import DAGGER, SIMULATED, Titles, is_simulated, scheme_mark, title_of
from fringe.tables.lines import Entry, Header, Layout, Line
from fringe.tables.protocol_remarks import judged_row, table_protocol_notes

__all__ = [
    "ASKED_COLUMNS",
    "ERRORS_COVER",
    "asked_cell",
    "asked_table",
    "lay_out_asked",
    "read_asked_table",
    "scores_as_json",
    "scores_as_text",
]

ASKED_COLUMNS = (
    "dataset",
    "title",
    "simulated",
    "scheme",
    "network",
    "network_title",
    "metric",
    "metric_title",
    "better",
    "scale",
    "mean",
    "std",
    "standard_error",
    "real_error",
    "repeats",
    "n_real",
    "n_generated",
)

_LABELS = (
    *("dataset", "title", "simulated", "scheme", "network", "network_title"),
    *("metric", "metric_title", "better"),
)
ERRORS_COVER = (
    "SE: standard error of one evaluation, from the random choice of the images. docs/metrics.md "
    "says for each metric which images it covers."
)

_BETTER = {"lower": "↓", "higher": "↑", "neither": ""}


def asked_table(
    scores: pd.DataFrame, titles: Titles, networks: Mapping[str, Sequence[str]], repeats: int
) -> pd.DataFrame:
    """Return a row for each metric, network, data set and scheme.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows of all requested metrics.
    titles : mapping
        Titles of data sets and networks.
    networks : mapping of str to sequence of str
        The metrics that are measured in each network, in the order of the table.
    repeats : int
        How many draws are averaged.

    Raises
    ------
    FringeError
        If scores lack a column or contain a value that is not finite.
    """
    check_scores(scores)
    measured = scores[scores["repeat"] < repeats]
    names = _different_titles(datasets_of(scores), titles)
    found = []
    for metric in ASKED:
        name = "fid" if metric in DISTANCES else metric
        for network in (one for one, metrics in networks.items() if metric in metrics):
            of_network = measured[(measured["network"] == network) & (measured["metric"] == name)]
            for dataset in datasets_of(of_network):
                of_dataset = of_network[of_network["dataset"] == dataset]
                for scheme in dict.fromkeys(of_dataset["scheme"]):
                    cell = cell_of(of_dataset[of_dataset["scheme"] == scheme])
                    found.append(
                        {
                            "dataset": dataset,
                            "title": names[dataset],
                            "simulated": is_simulated(titles, dataset),
                            "scheme": scheme,
                            "network": network,
                            "network_title": title_of(titles, network),
                            "metric": metric,
                            "metric_title": ASKED[metric].title,
                            "better": ASKED[metric].better,
                            "scale": ASKED[metric].scale,
                            **cell._asdict(),
                        }
                    )
    return pd.DataFrame(found)[list(ASKED_COLUMNS)]


def read_asked_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the rows of the table's CSV.

    Raises
    ------
    DamagedFileError
        If the file is missing, truncated or not such a table.
    """
    numbers = [name for name in ASKED_COLUMNS if name not in _LABELS]
    found = read_columns(path, _LABELS, numbers)
    found["simulated"] = found["simulated"] == "True"
    return found[list(ASKED_COLUMNS)]


def asked_cell(row: Mapping[str, float] | pd.Series) -> Cell:
    """Return the cell of scores of a row of `asked_table`."""
    return Cell(
        float(row["mean"]),
        float(row["std"]),
        int(row["repeats"]),
        int(row["n_real"]),
        int(row["n_generated"]),
        float(row["standard_error"]),
        float(row["real_error"]),
    )


def lay_out_asked(table: pd.DataFrame, notes: Sequence[str] = ()) -> Layout:
    """Return the printed form: a line for each metric and network, a column for each data set.

    A data set that is resampled has a column for each scheme.
    """
    columns = list(dict.fromkeys(zip(table["dataset"], table["scheme"], strict=True)))
    titles = dict(zip(table["dataset"], table["title"], strict=True))
    marked = set(table[table["simulated"]]["dataset"])
    headers = tuple(
        Header(titles[name] + (f" {DAGGER}" if name in marked else ""), above=scheme_mark(scheme))
        for name, scheme in columns
    )
    lines: list[Line] = []
    for _, part in table.groupby(["metric", "network"], sort=False):
        rows = {(row["dataset"], row["scheme"]): row for _, row in part.iterrows()}
        first = part.iloc[0]
        scale = " ×10³" if first["scale"] == 1000 else ""
        label = f"{first['metric_title']}{scale} {_BETTER[first['better']]}".rstrip()
        label += f" ({first['network_title']})"
        cells = tuple(_entry(rows.get(column)) for column in columns)
        lines.append(Line(label, cells, "ours"))
    seen = [asked_cell(row) for _, row in table.iterrows()]
    own = [f"Images (real + generated): {_counts(table)}."]
    if any(not math.isnan(cell.standard_error) for cell in seen):
        own.append(ERRORS_COVER)
    if marked:
        own.append(f"{DAGGER} {SIMULATED}: real images distorted on purpose, no trained model.")
    return Layout(
        "S2",
        f"Other metrics of the same draws. {_spread(table)}",
        headers,
        tuple(lines),
        (*own, *notes),
        corner="Metric (network)",
    )


def _different_titles(datasets: Sequence[str], titles: Titles) -> dict[str, str]:
    """Return the title of each data set, followed by its name if two titles are equal."""
    plain = {name: title_of(titles, name) for name in datasets}
    counts = Counter(plain.values())
    return {
        name: title + (f" ({name})" if counts[title] > 1 else "") for name, title in plain.items()
    }


def _counts(table: pd.DataFrame) -> str:
    """Return the counts of images; if they differ, with the names of their columns."""
    columns: dict[str, list[str]] = {}
    for (_, scheme), part in table.groupby(["dataset", "scheme"], sort=False):
        cell, mark = asked_cell(part.iloc[0]), scheme_mark(str(scheme))
        name = str(part.iloc[0]["title"]) + (f", {mark}" if mark else "")
        columns.setdefault(f"{cell.n_real:,} + {cell.n_generated:,}", []).append(name)
    if len(columns) == 1:
        return next(iter(columns))
    return "; ".join(f"{', '.join(names)}: {counts}" for counts, names in columns.items())


def _entry(row: pd.Series | None) -> Entry:
    """Return mean and spread of draws, and the standard error of one evaluation if known."""
    if row is None:
        return Entry("–")
    scale = row["scale"]
    values = (row["mean"] * scale, row["std"] * scale)
    return Entry(format_value(*values, error=row["standard_error"] * scale))


def _spread(table: pd.DataFrame) -> str:
    many = int(table["repeats"].max())
    words = "One evaluation each" if many == 1 else f"Mean ± standard deviation of {many} draws"
    known = table["standard_error"].map(lambda error: not math.isnan(error)).any()
    error = ". In parentheses: the standard error of one evaluation" if known else ""
    return f"{words}{error}. ↑: higher values are better; ↓: lower values are better."


def scores_as_text(table: pd.DataFrame, following: Following | None = None) -> str:
    """Return the rows of one data set, drawn once, as lines for a terminal.

    ``following`` is the protocol that the run names. A line says which rows follow it.
    """
    rows = [("metric", "network", "value", "standard error")]
    for _, row in table.iterrows():
        scale = row["scale"]
        title = row["metric_title"] + (" x 1000" if scale == 1000 else "")
        error = row["standard_error"] * scale
        value = format_value(row["mean"] * scale)
        printed = "unknown" if math.isnan(error) else format_value(error)
        rows.append((title, row["network_title"], value, printed))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    first = table.iloc[0]
    counts = f"{int(first['n_real']):,} real and {int(first['n_generated']):,} generated images"
    return "\n".join([*lines, f"({counts})", *table_protocol_notes(table, following)])


def scores_as_json(table: pd.DataFrame, following: Following | None = None) -> dict[str, Any]:
    """Return the rows of one data set, drawn once, in builtin types; unknown errors are None.

    Values are not scaled: KID is not multiplied by 1000. ``following`` is the protocol that the run
    names. If it is given, each score says whether the protocol defines it, and how it deviates.
    """
    first = table.iloc[0]
    return {
        **({"protocol": following.protocol} if following else {}),
        "n_real": int(first["n_real"]),
        "n_generated": int(first["n_generated"]),
        "scores": [
            {
                "metric": row["metric"],
                "network": row["network"],
                "value": float(row["mean"]),
                "standard_error": _known(row["standard_error"]),
                "real_error": _known(row["real_error"]),
                "better": row["better"],
                **(_as_plain(judged_row(row, following)) if following else {}),
            }
            for _, row in table.iterrows()
        ],
    }


def _as_plain(found: Adherence) -> dict[str, Any]:
    return {
        "defined": not found.lacking,
        "differs": list(found.differs),
        "told": found.text,  # codespell:ignore told
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
