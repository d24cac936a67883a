"""Which of a table's numbers follow the protocol that the run names, and what in them deviates."""

from collections.abc import Iterator

import pandas as pd

from fringe.scores.adherence import Adherence, Following, Judged, asked_title, protocol_notes
from fringe.scores.asked_metrics import ASKED
from fringe.scores.cells import Cell
from fringe.scores.titles import metric_title, scheme_mark

__all__ = ["judged_row", "judged_rows", "table_protocol_notes"]


def judged_rows(table: pd.DataFrame, following: Following) -> Iterator[Judged]:
    """Yield how each number of a table stands to a protocol.

    Parameters
    ----------
    table : DataFrame
        Rows with the columns dataset, title, network, network_title, scheme, metric, mean, std,
        repeats, n_real and n_generated: those of `table1` and of all other tables of scores.
    following : Following
    """
    for _, row in table.iterrows():
        yield Judged(str(row["title"]), _label(row), judged_row(row, following).told)


def judged_row(row: pd.Series, following: Following) -> Adherence:
    """Return how the number of one row of such a table stands to a protocol."""
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
    """Return "FID (CLIP)", or "FID (CLIP), PL" where images are drawn in another way."""
    metric = str(row["metric"])
    name = asked_title(metric) if metric in ASKED else metric_title(metric)
    scheme = str(row["scheme"])
    drawn = "as many at random" if scheme == "random-filled" else scheme_mark(scheme)
    return f"{name} ({row['network_title']})" + (f", {drawn}" if drawn else "")
