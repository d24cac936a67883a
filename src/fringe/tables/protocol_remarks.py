"""Notes on which numbers of a table follow the run's protocol, and how the others deviate."""

from collections.abc import Iterator

import pandas as pd

from fringe.scores.adherence import Adherence, Following, Judged, asked_title, protocol_notes
from fringe.scores.asked_metrics import ASKED
from fringe.scores.cells import Cell
from fringe.scores.titles import metric_title, scheme_mark

__all__ = ["judged_row", "judged_rows", "table_protocol_notes"]


def judged_rows(table: pd.DataFrame, following: Following) -> Iterator[Judged]:
    """Compare each number of a table with a protocol, and yield the results.

    Parameters
    ----------
    table : DataFrame
        Rows with the columns dataset, title, network, network_title, scheme, metric, mean, std,
        repeats, n_real and n_generated. `table1` and all other tables of scores have them.
    following : Following
    """
    for _, row in table.iterrows():
        yield Judged(str(row["title"]), _label(row), judged_row(row, following).text)


def judged_row(row: pd.Series, following: Following) -> Adherence:
    """Compare the number of one row of such a table with a protocol."""
    cell = Cell(
        float(row["mean"]),
        float(row["std"]),
        int(row["repeats"]),
        int(row["n_real"]),
        int(row["n_generated"]),
    )
    return following.judge(
        cell,
        dataset=str(row["dataset"]),
        network=str(row["network"]),
        scheme=str(row["scheme"]),
        metric=str(row["metric"]),
    )


def table_protocol_notes(table: pd.DataFrame, following: Following | None) -> list[str]:
    """Return a sentence for each data set of a table; none if the run names no protocol."""
    return [] if following is None else protocol_notes(judged_rows(table, following))


def _label(row: pd.Series) -> str:
    """Return "FID (CLIP)", or "FID (CLIP), PL" if images are not drawn at random."""
    metric = str(row["metric"])
    name = asked_title(metric) if metric in ASKED else metric_title(metric)
    scheme = str(row["scheme"])
    drawn = "same number at random" if scheme == "random-filled" else scheme_mark(scheme)
    return f"{name} ({row['network_title']})" + (f", {drawn}" if drawn else "")
