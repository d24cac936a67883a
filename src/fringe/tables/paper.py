"""The paper's own numbers (Tables 1 to 3, Figures 8 and 19), to be printed beside ours."""

from functools import cache
from importlib.resources import files
from io import StringIO
from typing import NamedTuple

import pandas as pd

from fringe.errors import FringeError
from fringe.tables.scores import Cell

__all__ = [
    "PAPER_COLUMNS",
    "PaperValue",
    "paper_numbers",
    "paper_point",
    "paper_rows",
    "paper_value",
]

PAPER_COLUMNS = (
    "exhibit",
    "dataset",
    "network",
    "scheme",
    "metric",
    "n_real",
    "n_generated",
    "value",
    "std",
)


class PaperValue(NamedTuple):
    """A number of the paper in plain units (KID unscaled), with its deviation if printed."""

    value: float
    std: float


@cache
def _shipped() -> str:
    return files("fringe.tables").joinpath("paper_numbers.csv").read_text(encoding="utf-8")


def paper_numbers() -> pd.DataFrame:
    """Return the paper's numbers that come with the package.

    Columns: exhibit ("table1" ... "figure19"), dataset, network (its registered
    name), scheme, metric, n_real (empty: all images), n_generated, value, std. Kernel distances are
    unscaled; the paper prints them times 1,000.
    """
    return pd.read_csv(StringIO(_shipped()))


def paper_rows(
    paper: pd.DataFrame | None, *, dataset: str, network: str, scheme: str, metric: str
) -> pd.DataFrame:
    """Return the rows of one combination; the dataset may be spelt with - or _.

    ``paper`` None means the numbers that come with the package, an empty frame means none.
    """
    numbers = paper_numbers() if paper is None else paper
    if numbers.empty:
        return pd.DataFrame(columns=list(PAPER_COLUMNS))
    absent = [column for column in PAPER_COLUMNS if column not in numbers.columns]
    if absent:
        raise FringeError(
            f"paper numbers: column {', '.join(absent)} is missing; "
            f"the columns are {', '.join(PAPER_COLUMNS)}"
        )
    mask = (
        (numbers["dataset"].map(_plain) == _plain(dataset))
        & (numbers["network"] == network)
        & (numbers["scheme"] == scheme)
        & (numbers["metric"] == metric)
    )
    return numbers[mask]


def paper_value(
    paper: pd.DataFrame | None, *, dataset: str, network: str, scheme: str, metric: str
) -> PaperValue | None:
    """Return what the paper's tables print for the combination, or None."""
    rows = paper_rows(paper, dataset=dataset, network=network, scheme=scheme, metric=metric)
    rows = rows[rows["exhibit"].astype(str).str.startswith("table")]
    if rows.empty:
        return None
    return PaperValue(float(rows["value"].iloc[0]), float(rows["std"].iloc[0]))


def paper_point(
    paper: pd.DataFrame | None,
    exhibit: str,
    cell: Cell,
    *,
    dataset: str,
    network: str,
    metric: str = "fid",
) -> float | None:
    """Return what a figure of the paper shows for ``cell``: at random, at its counts, or None."""
    rows = paper_rows(paper, dataset=dataset, network=network, scheme="random", metric=metric)
    rows = rows[
        (rows["exhibit"] == exhibit)
        & (rows["n_real"] == cell.n_real)
        & (rows["n_generated"] == cell.n_generated)
    ]
    return float(rows["value"].iloc[0]) if len(rows) else None


def _plain(name: object) -> str:
    return "".join(letter for letter in str(name).lower() if letter.isalnum())
