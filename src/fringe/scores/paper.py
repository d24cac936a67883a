"""The paper's own numbers (Tables 1 to 3, Figures 8 and 19), to be printed next to ours."""

from functools import cache
from importlib.resources import files
from io import StringIO
from typing import NamedTuple

import pandas as pd

from fringe.errors import FringeError
from fringe.scores.cells import Cell
from fringe.scores.differences import Protocols, differences, paper_scheme
from fringe.scores.protocol import plain_name

__all__ = [
    "PAPER_COLUMNS",
    "TABLES",
    "PaperValue",
    "paper_numbers",
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

TABLES = ("table1", "table2", "table3")
"""The exhibits that print the paper's main numbers."""


class PaperValue(NamedTuple):
    """A number of the paper in plain units (KID unscaled).

    ``std`` is NaN where none is printed, ``n_real`` None where all real images were used;
    ``differs`` says in short words what ours was measured with otherwise: () if protocols agree,
    and only then the two numbers may be compared.
    """

    value: float
    std: float
    n_real: int | None
    n_generated: int
    differs: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether both numbers were measured alike."""
        return not self.differs


@cache
def _shipped() -> pd.DataFrame:
    text = files("fringe.scores").joinpath("paper_numbers.csv").read_text(encoding="utf-8")
    return pd.read_csv(StringIO(text))


def paper_numbers() -> pd.DataFrame:
    """Return the paper's numbers that come with the package.

    Columns: exhibit ("table1" ... "figure19"), dataset, network (its registered
    name), scheme, metric, n_real (empty: all images), n_generated, value, std. Kernel distances are
    unscaled; the paper prints them times 1,000.
    """
    return _shipped().copy()


def paper_rows(
    paper: pd.DataFrame | None, *, dataset: str, network: str, scheme: str, metric: str
) -> pd.DataFrame:
    """Return the rows of one combination; the dataset may be spelt with - or _.

    ``paper`` None means the numbers that come with the package, an empty frame means none.
    """
    numbers = _shipped() if paper is None else paper
    if numbers.empty:
        return pd.DataFrame(columns=list(PAPER_COLUMNS))
    absent = [column for column in PAPER_COLUMNS if column not in numbers.columns]
    if absent:
        raise FringeError(
            f"paper numbers: column {', '.join(absent)} is missing; "
            f"the columns are {', '.join(PAPER_COLUMNS)}"
        )
    mask = (
        (numbers["dataset"].map(plain_name) == plain_name(dataset))
        & (numbers["network"] == network)
        & (numbers["scheme"] == paper_scheme(scheme))
        & (numbers["metric"] == metric)
    )
    return numbers[mask]


def paper_value(
    paper: pd.DataFrame | None,
    protocols: Protocols | None,
    cell: Cell,
    *,
    dataset: str,
    network: str,
    scheme: str,
    metric: str = "fid",
    exhibits: tuple[str, ...] = TABLES,
    same_counts: bool = False,
) -> PaperValue | None:
    """Return what the paper prints for a combination, and what differs; None if it prints nothing.

    Parameters
    ----------
    paper : DataFrame, optional
        See `paper_rows`.
    protocols : mapping of dataset to Protocol, optional
        What ours is measured with; of a dataset that it lacks no number is compared.
    cell : Cell
        Our number.
    exhibits : tuple of str
        Where to look: the first row found counts.
    same_counts : bool
        Look only at rows with as many images as ``cell``, where an exhibit prints several.
    """
    ours = (protocols or {}).get(dataset)
    rows = paper_rows(paper, dataset=dataset, network=network, scheme=scheme, metric=metric)
    for _, row in rows[rows["exhibit"].isin(exhibits)].iterrows():
        n_real = None if pd.isna(row["n_real"]) else int(row["n_real"])
        n_generated = int(row["n_generated"])
        if same_counts:
            total = None if ours is None else ours.real_total
            wanted = total if n_real is None else n_real
            if (cell.n_real, cell.n_generated) != (wanted, n_generated):
                continue
        differs = differences(
            ours,
            dataset,
            cell,
            (n_real, n_generated),
            network=network,
            scheme=scheme,
            metric=metric,
        )
        return PaperValue(float(row["value"]), float(row["std"]), n_real, n_generated, differs)
    return None
