"""Tables 1, 2 and 3 of the paper as tidy frames, one row per printed cell."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from fringe.tables.paper import paper_value
from fringe.tables.scores import check_scores, datasets_of, score_cell
from fringe.tables.titles import Titles, is_simulated, metric_scale, title_of

__all__ = ["TABLE_COLUMNS", "relative_change", "table1", "table2", "table3"]

TABLE_COLUMNS = (
    "table",
    "dataset",
    "title",
    "simulated",
    "network",
    "network_title",
    "main",
    "space",
    "scheme",
    "metric",
    "scale",
    "mean",
    "std",
    "repeats",
    "n_real",
    "n_generated",
    "change",
    "paper",
    "paper_std",
    "paper_change",
    "deviation",
)

Group = tuple[str, str, tuple[str, ...]]  # metric, network, schemes compared with random


def relative_change(value: float, reference: float) -> float:
    """Return value / reference - 1; NaN if the reference is not positive, as KID's may be."""
    return value / reference - 1 if reference > 0 else float("nan")


def table1(
    scores: pd.DataFrame,
    titles: Titles,
    main: str,
    controls: Sequence[str],
    paper: pd.DataFrame | None = None,
    *,
    repeats: int | None = None,
) -> pd.DataFrame:
    """Return Table 1: FID of random images against Top-1 matched ones, in every network.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows of all datasets (see ``fringe.tables.SCORE_COLUMNS``).
    titles : mapping
        Name of a dataset or network -> display name, or -> {"title", "simulated"}.
    main : str
        The network of FID; ``controls`` are those whose feature space only judges.
    paper : DataFrame, optional
        The paper's numbers; those of the package by default, an empty frame for none.
    repeats : int, optional
        Average the first so many repeats (the paper: 5); all by default.

    Returns
    -------
    DataFrame
        One row per dataset and printed column, in printed order, columns ``TABLE_COLUMNS``.
        ``mean``, ``std``, ``paper`` and ``paper_std`` are unscaled (print times ``scale``);
        ``change`` is relative to the random images, ``deviation`` to the paper (0.1 is 10 %).

    Raises
    ------
    FringeError
        If a score is missing; the message names the combination.
    """
    groups: list[Group] = [("fid", network, ("matched",)) for network in (main, *controls)]
    return _table(1, scores, titles, main, groups, paper, repeats)


def table2(
    scores: pd.DataFrame,
    titles: Titles,
    main: str,
    controls: Sequence[str],
    paper: pd.DataFrame | None = None,
    *,
    repeats: int | None = None,
) -> pd.DataFrame:
    """Return Table 2: FID under weights optimized in pre-logits and in logits; the controls.

    Arguments, columns and errors as in `table1`; the paper averages 10 repeats.
    """
    groups: list[Group] = [
        ("fid", main, ("prelogits", "logits")),
        *(("fid", network, ("prelogits",)) for network in controls),
    ]
    return _table(2, scores, titles, main, groups, paper, repeats)


def table3(
    scores: pd.DataFrame,
    titles: Titles,
    main: str,
    controls: Sequence[str] = (),
    paper: pd.DataFrame | None = None,
    *,
    repeats: int | None = None,
    metrics: Sequence[str] = ("fid", "kid", "rbf_kid@1"),
) -> pd.DataFrame:
    """Return Table 3: FID, KID and RBF-KID under weights optimized for FID in pre-logits.

    Arguments, columns and errors as in `table1`; the paper averages 10 repeats. ``controls`` is
    taken so that the three tables are called alike: this one stays in FID's own network.
    Further ``metrics``, such as "kid_exact" or "rbf_kid@0.125", add columns.
    """
    groups: list[Group] = [(metric, main, ("prelogits",)) for metric in metrics]
    return _table(3, scores, titles, main, groups, paper, repeats)


def _table(
    number: int,
    scores: pd.DataFrame,
    titles: Titles,
    main: str,
    groups: Sequence[Group],
    paper: pd.DataFrame | None,
    repeats: int | None,
) -> pd.DataFrame:
    check_scores(scores)
    rows = [
        {"table": number, "main": network == main} | row
        for dataset in datasets_of(scores)
        for metric, network, schemes in groups
        for row in _group(scores, titles, dataset, metric, network, schemes, paper, repeats)
    ]
    return pd.DataFrame(rows, columns=list(TABLE_COLUMNS))


def _group(
    scores: pd.DataFrame,
    titles: Titles,
    dataset: str,
    metric: str,
    network: str,
    schemes: tuple[str, ...],
    paper: pd.DataFrame | None,
    repeats: int | None,
) -> Iterator[dict[str, object]]:
    """Yield the random cell and the resampled ones that are compared with it."""
    resampled = {
        scheme: score_cell(
            scores, dataset=dataset, scheme=scheme, network=network, metric=metric, repeats=repeats
        )
        for scheme in schemes
    }
    random = score_cell(
        scores,
        dataset=dataset,
        scheme="random",
        network=network,
        metric=metric,
        like=resampled[schemes[0]],
        repeats=repeats,
    )
    published = {
        scheme: paper_value(paper, dataset=dataset, network=network, scheme=scheme, metric=metric)
        for scheme in ("random", *schemes)
    }
    base = published["random"]
    for scheme, cell in {"random": random, **resampled}.items():
        theirs = published[scheme]
        compared = scheme != "random"
        yield {
            "dataset": dataset,
            "title": title_of(titles, dataset),
            "simulated": is_simulated(titles, dataset),
            "network": network,
            "network_title": title_of(titles, network),
            "space": "features",
            "scheme": scheme,
            "metric": metric,
            "scale": metric_scale(metric),
            **cell._asdict(),
            "change": relative_change(cell.mean, random.mean) if compared else np.nan,
            "paper": theirs.value if theirs else np.nan,
            "paper_std": theirs.std if theirs else np.nan,
            "paper_change": (
                relative_change(theirs.value, base.value)
                if compared and theirs and base
                else np.nan
            ),
            "deviation": relative_change(cell.mean, theirs.value) if theirs else np.nan,
        }
