"""The paper's numbers (Tables 1 to 3, Figures 8 and 19), for comparison with ours."""

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

    ``std`` is NaN if the paper prints none. ``n_real`` is None if all real images were used.
    ``differs`` has a short description of each deviation between the paper's protocol and ours. The
    two numbers may be compared only if ``differs`` is empty.
    """

    value: float
    std: float
    n_real: int | None
    n_generated: int
    differs: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether both numbers were measured in the same way."""
        return not self.differs


@cache
def _shipped() -> pd.DataFrame:
    text = files("fringe.scores").joinpath("paper_numbers.csv").read_text(encoding="utf-8")
    return pd.read_csv(StringIO(text))


def paper_numbers() -> pd.DataFrame:
    """Return the paper's numbers, which are included in the package.

    Columns: exhibit ("table1" ... "figure19"), dataset, network (the registered name), scheme,
    metric, n_real (empty: all images), n_generated, value, std. Kernel distances are unscaled; the
    paper prints them multiplied by 1,000.
    """
    return _shipped().copy()


def paper_rows(
    paper: pd.DataFrame | None, *, dataset: str, network: str, scheme: str, metric: str
) -> pd.DataFrame:
    """Return the rows of one combination; the name of the data set may be written with - or _.

    If ``paper`` is None, the numbers of the package are used. An empty frame means no numbers.
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
    """Return the paper's number for a combination and its deviations; None if there is no number.

    Parameters
    ----------
    paper : DataFrame, optional
        See `paper_rows`.
    protocols : mapping of dataset to Protocol, optional
        The protocols of our numbers. Numbers of a missing data set do not agree with the paper's.
    cell : Cell
        Our number.
    exhibits : tuple of str
        The exhibits to search. The first matching row is used.
    same_counts : bool
        Whether to use only rows with the same numbers of images as ``cell``, for exhibits that
        print numbers for several.
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
