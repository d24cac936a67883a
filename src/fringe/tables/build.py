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
"""``paper_differs`` says in words what ours was measured with otherwise than the paper's number; it
is empty where protocols agree, and only there is a ``deviation``."""

FILLED = "random-filled"  # the scheme of as many random images as Top-1 matching could fill
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
    """Return Table 1: FID of random images against Top-1 matched ones, in every network.

    Where matching stayed short of images, a row of scheme ``random-filled`` follows if there are
    scores of it: as many images drawn at random, so that matching and count are not confused.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows of all datasets (see ``fringe.scores.rows.SCORE_COLUMNS``).
    titles : mapping
        Name of a dataset or network -> display name, or -> {"title", "simulated"}.
    main : str
        The network of FID; ``controls`` are those whose feature space only judges.
    paper : DataFrame, optional
        The paper's numbers; those of the package by default, an empty frame for none.
    protocols : mapping of dataset to Protocol, optional
        What the scores were measured with. Where it is unknown or not the paper's, the paper's
        number has no deviation.
    repeats : int, optional
        Average the first so many repeats (the paper: 5); all by default.

    Returns
    -------
    DataFrame
        One row per dataset and printed column, in printed order, columns ``TABLE_COLUMNS``.
        ``mean``, ``std``, ``standard_error``, ``real_error``, ``paper`` and ``paper_std`` are
        unscaled (print times ``scale``); the two errors are as in `fringe.scores.cells.Cell`;
        ``change`` is relative to the random images, with its standard deviation for one
        evaluation; ``deviation`` is relative to the paper (0.1 is 10 %).

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
    """Return Table 2: FID under weights optimized in pre-logits and in logits; the controls.

    Arguments, columns and errors as in `table1`; the paper averages 10 repeats. With ``released``
    the scores hold the scheme prelogits-released too, the weights of the released algorithm: these
    stand before the optimal ones, and the paper's numbers only next to them.
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
    """Return Table 3: FID, KID and RBF-KID under weights optimized for FID in pre-logits.

    Arguments, columns and errors as in `table2`; the paper averages 10 repeats. ``controls`` is
    taken so that the three tables are called alike: this one stays in FID's own network.
    Further ``metrics``, such as "kid_exact" or "rbf_kid@0.125", add columns.
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
    """Yield the random cell and the resampled ones that are compared with it."""
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
        # The paper's own are the released ones.
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
            **_beside(cell, published.get(scheme), published["random"] if compared else None),
        }


def _beside(cell: Cell, theirs: PaperValue | None, random: PaperValue | None) -> dict[str, object]:
    """Return the paper's columns of a cell, next to the paper's number at random."""
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
