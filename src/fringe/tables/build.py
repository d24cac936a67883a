"""Tables 1, 2 and 3 of the paper as tidy frames, one row per printed cell."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from fringe.scores.cells import Cell, change_spread, datasets_of, relative_change, score_cell
from fringe.scores.differences import Protocols
from fringe.scores.paper import PaperValue, paper_value
from fringe.scores.rows import check_scores
from fringe.scores.titles import Titles, is_simulated, metric_scale, title_of

__all__ = ["FILLED", "TABLE_COLUMNS", "table1", "table2", "table3"]

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
    "standard_error",
    "real_error",
    "repeats",
    "n_real",
    "n_generated",
    "change",
    "change_std",
    "paper",
    "paper_std",
    "paper_n_real",
    "paper_n_generated",
    "paper_change",
    "paper_differs",
    "deviation",
)
"""Columns of Tables 1, 2 and 3.

``paper_differs`` says in words how our measurement differs from the paper's. It is empty if the
protocols agree; only then is there a ``deviation``.
"""

FILLED = "random-filled"  # the scheme that draws as many random images as there are matched images
Group = tuple[str, str, tuple[str, ...]]  # metric, network, schemes compared with random


def table1(
    scores: pd.DataFrame,
    titles: Titles,
    main: str,
    controls: Sequence[str],
    paper: pd.DataFrame | None = None,
    *,
    protocols: Protocols | None = None,
    repeats: int | None = None,
) -> pd.DataFrame:
    """Return Table 1: FID of random images and of Top-1 matched images, in every network.

    If matching found too few images and the scores contain the scheme ``random-filled``, a row of
    that scheme follows. It has the same number of images drawn at random. So the effect of matching
    is separated from the effect of the count.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows of all datasets (see ``fringe.scores.rows.SCORE_COLUMNS``).
    titles : mapping
        Name of a dataset or network -> display name, or -> {"title", "simulated"}.
    main : str
        The network of FID. ``controls`` are the control networks.
    paper : DataFrame, optional
        The paper's numbers. By default those of the package; an empty frame for none.
    protocols : mapping of dataset to Protocol, optional
        The protocol of the scores. If it is unknown or not the paper's, there is no deviation from
        the paper's number.
    repeats : int, optional
        How many repeats to average, from the first (the paper: 5); all by default.

    Returns
    -------
    DataFrame
        One row per dataset and printed column, in printed order, columns ``TABLE_COLUMNS``.
        ``mean``, ``std``, ``standard_error``, ``real_error``, ``paper`` and ``paper_std`` are
        unscaled (print them times ``scale``). The two errors are defined in
        `fringe.scores.cells.Cell`. ``change`` is relative to the random images, with its standard
        deviation for one evaluation. ``deviation`` is relative to the paper (0.1 is 10 %).

    Raises
    ------
    FringeError
        If a score is missing; the message names the combination.
    """
    groups: list[Group] = [("fid", network, ("matched",)) for network in (main, *controls)]
    return _table(1, scores, titles, main, groups, paper, protocols, repeats)


def table2(
    scores: pd.DataFrame,
    titles: Titles,
    main: str,
    controls: Sequence[str],
    paper: pd.DataFrame | None = None,
    *,
    protocols: Protocols | None = None,
    repeats: int | None = None,
    released: bool = False,
) -> pd.DataFrame:
    """Return Table 2: FID with weights optimized in pre-logits and in logits, in every network.

    Arguments, columns and errors are as in `table1`; the paper averages 10 repeats. With
    ``released`` the scores also contain the scheme prelogits-released, the weights of the released
    algorithm. This scheme then precedes the optimal weights, and the paper's numbers are compared
    with it only.
    """
    pre_logits = _pre_logits(released)
    groups: list[Group] = [
        ("fid", main, (*pre_logits, "logits")),
        *(("fid", network, pre_logits) for network in controls),
    ]
    return _table(2, scores, titles, main, groups, paper, protocols, repeats)


def table3(
    scores: pd.DataFrame,
    titles: Titles,
    main: str,
    controls: Sequence[str] = (),
    paper: pd.DataFrame | None = None,
    *,
    protocols: Protocols | None = None,
    repeats: int | None = None,
    released: bool = False,
    metrics: Sequence[str] = ("fid", "kid", "rbf_kid@1"),
) -> pd.DataFrame:
    """Return Table 3: FID, KID and RBF-KID with weights optimized for FID in pre-logits.

    Arguments, columns and errors are as in `table2`; the paper averages 10 repeats. ``controls`` is
    unused: Table 3 has FID's network only, and the three functions have the same signature. More
    ``metrics``, such as "kid_exact" or "rbf_kid@0.125", add columns.
    """
    groups: list[Group] = [(metric, main, _pre_logits(released)) for metric in metrics]
    return _table(3, scores, titles, main, groups, paper, protocols, repeats)


def _pre_logits(released: bool) -> tuple[str, ...]:
    """Return the schemes with weights optimized in pre-logits, in printed order."""
    return ("prelogits-released", "prelogits") if released else ("prelogits",)


def _table(
    number: int,
    scores: pd.DataFrame,
    titles: Titles,
    main: str,
    groups: Sequence[Group],
    paper: pd.DataFrame | None,
    protocols: Protocols | None,
    repeats: int | None,
) -> pd.DataFrame:
    check_scores(scores)
    rows = [
        {"table": number, "main": group[1] == main} | row
        for dataset in datasets_of(scores)
        for group in groups
        for row in _group(scores, titles, dataset, group, paper, protocols, repeats)
    ]
    counts = dict.fromkeys(("paper_n_real", "paper_n_generated"), "Int64")
    return pd.DataFrame(rows, columns=list(TABLE_COLUMNS)).astype(counts)


def _group(
    scores: pd.DataFrame,
    titles: Titles,
    dataset: str,
    group: Group,
    paper: pd.DataFrame | None,
    protocols: Protocols | None,
    repeats: int | None,
) -> Iterator[dict[str, object]]:
    """Yield the random cell and the resampled cells that are compared with it."""
    metric, network, schemes = group
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
    cells = {"random": random, **resampled}
    published = {
        scheme: paper_value(
            paper,
            protocols,
            cell,
            dataset=dataset,
            network=network,
            scheme=scheme,
            metric=metric,
        )
        for scheme, cell in cells.items()
        # The paper's weights are the weights of the released algorithm.
        if not (scheme == "prelogits" and "prelogits-released" in schemes)
    }
    known = scores[(scores["scheme"] == FILLED) & (scores["dataset"] == dataset)]
    matched = resampled.get("matched", random)
    if matched.n_generated < random.n_generated and len(known):
        cells[FILLED] = score_cell(
            scores, dataset=dataset, scheme=FILLED, network=network, metric=metric, repeats=repeats
        )
    for scheme, cell in cells.items():
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
            "change_std": change_spread(cell, random) if compared else np.nan,
            **_paper_columns(
                cell, published.get(scheme), published["random"] if compared else None
            ),
        }


def _paper_columns(
    cell: Cell, theirs: PaperValue | None, random: PaperValue | None
) -> dict[str, object]:
    """Return the paper's columns of a cell; ``random`` is the paper's number at random."""
    if theirs is None:
        return {"paper_differs": ""}
    return {
        "paper": theirs.value,
        "paper_std": theirs.std,
        "paper_n_real": theirs.n_real,
        "paper_n_generated": theirs.n_generated,
        "paper_change": relative_change(theirs.value, random.value) if random else np.nan,
        "paper_differs": "; ".join(theirs.differs),
        "deviation": relative_change(cell.mean, theirs.value) if theirs.agrees else np.nan,
    }
