"""Figure 9: FID in pre-logits against FID in logits, over training snapshots."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from fringe.errors import FringeError
from fringe.figures.paper_values import differences, draw_paper_value
from fringe.figures.style import (
    MARKERS,
    Style,
    add_body,
    add_heading,
    add_note,
    legend_label,
    new_figure,
    read_style,
    styled,
)
from fringe.scores.cells import Cell, cell_of, datasets_of
from fringe.scores.differences import Protocols
from fringe.scores.numbers import error_note
from fringe.scores.paper import PaperValue, paper_value
from fringe.scores.rows import check_scores
from fringe.scores.titles import SIMULATED, Titles, is_simulated, title_of

__all__ = ["SNAPSHOT_COLUMNS", "correlations", "snapshot_correlation"]

SNAPSHOT_COLUMNS = (
    "dataset",
    "snapshot",
    "network",
    "space",
    "metric",
    "repeat",
    "value",
    "n_real",
    "n_generated",
    "seed",
)


def correlations(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Return Pearson's and Spearman's correlation of two (n,) arrays; NaN if one is constant."""

    def pearson(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        a, b = a - a.mean(), b - b.mean()
        scale = float(np.sqrt((a @ a) * (b @ b)))
        return float(a @ b) / scale if scale > 0 else float("nan")

    def ranks(a: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(pd.Series(a).rank(), dtype=np.float64)  # ties share their mean rank

    return pearson(x, y), pearson(ranks(x), ranks(y))


def snapshot_correlation(
    rows: pd.DataFrame,
    titles: Titles,
    network: str,
    *,
    paper: pd.DataFrame | None = None,
    protocols: Mapping[str, Protocols] | None = None,
    choices: str = "",
    classifier: str = "",
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 9: a point for each snapshot; a colour, marker and line for each dataset.

    Only one FID of the paper's snapshots is published: in pre-logits, of the published generator.
    If a snapshot is that generator and the protocols agree, this FID is a diamond on the axis.

    Parameters
    ----------
    rows : DataFrame
        Tidy rows with columns ``SNAPSHOT_COLUMNS``: metric fid of ``network`` in the spaces
        "features" (pre-logits) and "logits". Repeats are averaged. Bars are standard errors, if
        they are known.
    paper : DataFrame, optional
        The paper's numbers. By default those of the package; an empty frame for none.
    protocols : mapping of dataset to (mapping of snapshot to Protocol), optional
        The protocol of each snapshot's FID.
    choices : str
        Text of the note on what the paper leaves open.
    classifier : str
        The network of the logits, if it is not ``network``.

    Raises
    ------
    FringeError
        If a snapshot lacks one of the two spaces, or a dataset has fewer than three snapshots.
    """
    check_scores(rows, SNAPSHOT_COLUMNS)
    measured = rows["network"].isin([network, classifier or network])
    rows = rows[(rows["metric"] == "fid") & measured]
    points = {name: _points(rows[rows["dataset"] == name], name) for name in datasets_of(rows)}
    every = [cell for pair in points.values() for cells in pair for cell in cells]
    if not points:
        raise FringeError(
            f"snapshots: no row with metric 'fid', network {network!r}; evaluate the snapshots"
        )
    look = read_style(style)
    with styled(look):
        figure = new_figure(look, 0.62 * look.width + 0.06 * look.font_size)
        body = add_body(figure)
        axes = body.add_subplot()
        for place, (name, (cells_x, cells_y)) in enumerate(points.items()):
            x, y = (np.array([cell.mean for cell in cells]) for cells in (cells_x, cells_y))
            color = look.colors[place % len(look.colors)]
            pearson, spearman = correlations(x, y)
            label = legend_label(
                f"{title_of(titles, name, mark=True)}: {len(x)} snapshots, "
                f"Pearson r = {_decimal(pearson)}, Spearman ρ = {_decimal(spearman)}"
            )
            marker = MARKERS[place % len(MARKERS)]
            axes.plot(x, y, ls="", marker=marker, color=color, alpha=0.8, label=label, ms=6)
            across, along = (
                np.nan_to_num([cell.standard_error for cell in cells])
                for cells in (cells_x, cells_y)
            )
            axes.errorbar(x, y, yerr=along, xerr=across, fmt="none", ecolor=color, elinewidth=1)
            if np.ptp(x) > 0:
                slope, intercept = np.polyfit(x, y, 1)
                along = np.linspace(x.min(), x.max(), 100)
                line = slope * along + intercept
                axes.plot(along[line > 0], line[line > 0], color=color, linewidth=1, zorder=1.5)
        everything = np.concatenate(
            [[[cell.mean for cell in cells] for cells in pair] for pair in points.values()], axis=1
        ).T
        if everything.min() > 0 and (everything.max(0) / everything.min(0)).max() > 30:
            axes.set_xscale("log")
            axes.set_yscale("log")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter(lambda value, _: f"{value:g}")
                axis.set_minor_formatter(NullFormatter())
        name = title_of(titles, network)
        axes.set_xlabel(f"FID in pre-logits, {name}")
        axes.set_ylabel(f"FID in logits, {title_of(titles, classifier or network)}")
        body.legend(loc="outside upper center", ncols=1)
        add_heading(figure, "FID in pre-logits and in logits over training snapshots", look)
        note = "Each point is one snapshot of a generator. Lines are linear least-squares fits."
        known = [cell.real_error for cell in every if not math.isnan(cell.standard_error)]
        if known:
            note += f" {error_note(known, label='Bars: one standard error')}"
        if any(is_simulated(titles, name) for name in points):
            note += f" †: {SIMULATED}; its severities replace training snapshots."
        published = {
            title_of(titles, name): _published(
                rows[rows["dataset"] == name], name, network, paper, (protocols or {}).get(name, {})
            )
            for name in points
        }
        for value in (value for part in published.values() for value in part if value.agrees):
            where = {"transform": axes.get_xaxis_transform(), "clip_on": False}
            draw_paper_value(axes, value.value, 0.0, value, look, **where)
        add_note(figure, f"{note} {_paper_note(published)} {choices}", look)
    return figure


def _published(
    rows: pd.DataFrame,
    dataset: str,
    network: str,
    paper: pd.DataFrame | None,
    protocols: Protocols,
) -> list[PaperValue]:
    """Return the paper's FID, compared with a snapshot whose protocol agrees or with the last."""
    found = []
    features = rows[rows["space"] == "features"]
    for snapshot, part in features.groupby("snapshot", sort=False):
        mine = protocols.get(str(snapshot))
        value = paper_value(
            paper,
            None if mine is None else {dataset: mine},
            cell_of(part),
            dataset=dataset,
            network=network,
            scheme="random",
        )
        if value is not None:
            found.append(value)
    return [value for value in found if value.agrees][:1] or found[-1:]


def _paper_note(published: Mapping[str, Sequence[PaperValue]]) -> str:
    """Return the note on the diamond, or on why it is not drawn."""
    said = []
    if any(value.agrees for part in published.values() for value in part):
        said.append(
            "Hollow diamond on the axis: the FID in pre-logits of the generator of Kynkäänniemi et "
            "al. (2023); they do not print its FID in logits."
        )
    if text := differences(published):
        said.append(
            "The FID of Kynkäänniemi et al. (2023) is not drawn, because it was measured "
            f"differently. Ours: {text}."
        )
    return " ".join(said)


def _points(rows: pd.DataFrame, dataset: str) -> tuple[list[Cell], list[Cell]]:
    """Return the snapshots' FIDs in pre-logits and in logits, in order of appearance."""
    order = list(dict.fromkeys(rows["snapshot"]))
    found = {}
    for space in ("features", "logits"):
        parts = dict(list(rows[rows["space"] == space].groupby("snapshot")))
        missing = [snapshot for snapshot in order if snapshot not in parts]
        if missing:
            raise FringeError(
                f"snapshots: dataset {dataset!r}, snapshot {missing[0]!r} has no FID in space "
                f"{space!r}; evaluate every snapshot in features and in logits"
            )
        found[space] = [cell_of(parts[snapshot]) for snapshot in order]
    if len(order) < 3:
        raise FringeError(
            f"snapshots: dataset {dataset!r} has {len(order)} snapshots; a correlation needs at "
            "least 3"
        )
    return found["features"], found["logits"]


def _decimal(value: float) -> str:
    return "undefined" if np.isnan(value) else f"{value:.3f}".replace("-", "−")
