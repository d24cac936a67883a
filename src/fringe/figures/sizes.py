"""Figure 8a: FID of one generator against the number of images, up to infinity."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fringe.errors import FringeError
from fringe.figures.paper_values import draw_paper_value, paper_note
from fringe.figures.style import Style, add_heading, add_note, new_figure, read_style, styled
from fringe.scores.cells import Cell, cell_of, cells_note, datasets_of
from fringe.scores.differences import Protocols
from fringe.scores.numbers import size_label
from fringe.scores.paper import PaperValue, paper_value
from fringe.scores.rows import check_scores
from fringe.scores.titles import SIMULATED, Titles, is_simulated, title_of

__all__ = ["sample_sizes"]


def sample_sizes(
    scores: pd.DataFrame,
    titles: Titles,
    network: str,
    *,
    all_real: Mapping[str, int] | None = None,
    paper: pd.DataFrame | None = None,
    protocols: Protocols | None = None,
    choices: str = "",
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 8a: mean and standard deviation of FID for each pair of sample counts.

    FID extrapolated to infinitely many generated images (Chong and Forsyth 2020), if available, is
    the last point, with a line across the panel at the height of its mean.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows. Rows of scheme random, metric fid and ``network`` are shown, one point for each
        pair (n_real, n_generated). Rows of metric fid_infinity, of one pair per dataset, are shown
        too.
    all_real : mapping, optional
        Number of all real images by dataset. Pairs that use all real images are labelled "All".
    paper : DataFrame, optional
        The paper's numbers, drawn as hollow diamonds if dataset, network and counts are the
        paper's. By default those of the package; an empty frame for none.
    protocols : mapping of dataset to Protocol, optional
        The protocol of the scores. If it is unknown or not the paper's, the paper's number is grey.
    choices : str
        Text of the note on what the paper leaves open.

    Raises
    ------
    FringeError
        If no row is left, a pair has two values for one repeat, or a dataset was extrapolated from
        several pairs.
    """
    check_scores(scores)
    selected = scores[
        (scores["scheme"] == "random")
        & (scores["space"] == "features")
        & (scores["network"] == network)
    ]
    rows, limits = (selected[selected["metric"] == metric] for metric in ("fid", "fid_infinity"))
    if rows.empty:
        raise FringeError(
            f"sample sizes: no row with scheme 'random', metric 'fid', network {network!r}; "
            "evaluate FID at the sizes to compare"
        )
    names = datasets_of(rows)
    look = read_style(style)
    across = min(len(names), 2)
    down = -(-len(names) // across)
    published: dict[str, list[PaperValue | None]] = {}
    cells: list[Cell] = []
    with styled(look):
        figure = new_figure(look, 2.7 * down + 0.09 * look.font_size)
        for place, name in enumerate(names):
            axes = figure.add_subplot(down, across, place + 1)
            part = rows[rows["dataset"] == name]
            total = None if all_real is None else all_real.get(name)
            limit = limits[limits["dataset"] == name]

            def theirs(cell: Cell, name: str = name) -> PaperValue | None:
                return paper_value(
                    paper,
                    protocols,
                    cell,
                    dataset=name,
                    network=network,
                    scheme="random",
                    exhibits=("figure8a",),
                    same_counts=True,
                )

            published[title_of(titles, name)] = _panel(
                axes, part, limit, total, theirs, 0.85 * look.width / across, look, cells
            )
            axes.set_title(title_of(titles, name, mark=True))
            if place % across == 0:
                axes.set_ylabel(f"FID, {title_of(titles, network)}")
            if place + across >= len(names):
                axes.set_xlabel("images: real + generated")
        add_heading(figure, "FID of one generator depends on how many images are compared", look)
        repeats = rows.groupby(["dataset", "n_real", "n_generated"])["repeat"].nunique()
        low, high = int(repeats.min()), int(repeats.max())
        many = f"{low}" if low == high else f"{low} to {high}"
        note = f"Mean ± standard deviation of {many} evaluations. Images are drawn at random."
        if high == 1:
            note = "One evaluation each. Images are drawn at random."
        if errors := cells_note(cells):
            note += f" {errors}"
        if len(limits):
            note += f" {_source_of(limits)}"
        note += f" {paper_note(published)}"
        if any(is_simulated(titles, name) for name in names):
            note += f" †: {SIMULATED}."
        add_note(figure, f"{note} {choices}", look)
    return figure


def _source_of(limits: pd.DataFrame) -> str:
    """Return the sentence on the counts from which points were extrapolated."""
    counts = sorted({int(count) for count in limits["n_generated"]})
    many = " or ".join(f"{count:,}" for count in counts)
    return (
        f"Squares and dashed lines: extrapolated from {many} to infinitely many generated images "
        "(Chong and Forsyth, 2020)."
    )


def _panel(
    axes: Axes,
    rows: pd.DataFrame,
    limit: pd.DataFrame,
    total: int | None,
    theirs: Callable[[Cell], PaperValue | None],
    inches: float,
    look: Style,
    cells: list[Cell],
) -> list[PaperValue | None]:
    """Draw one dataset; return the paper's numbers that were drawn.

    Our printed numbers are appended to ``cells``.
    """
    pairs = sorted(_pairs(rows), key=lambda pair: (pair[1], pair[0]))
    labels = [size_label(*pair, total) for pair in pairs]
    parts = [
        rows[(rows["n_real"] == n_real) & (rows["n_generated"] == n_generated)]
        for n_real, n_generated in pairs
    ]
    if len(limit):
        if len(_pairs(limit)) > 1:
            raise FringeError(
                f"sample sizes: dataset {limit['dataset'].iloc[0]!r} was extrapolated from several "
                "pairs of counts; give one extrapolation"
            )
        labels.append(f"{size_label(*_pairs(limit)[0], total).partition(' + ')[0]} + ∞")
        parts.append(limit)
    # Letters that fit between two neighbouring points; longer labels take two lines.
    room = inches * 72 / (len(parts) + 0.2) / (0.58 * look.font_size)
    published: list[PaperValue | None] = []
    lowest = highest = 0.0
    lines = 1
    for place, part in enumerate(parts):
        cell = _cell(part)
        spread = float(np.nan_to_num(cell.std))
        mean = cell.mean
        cells.append(cell)
        extrapolated = place == len(pairs)
        color = look.colors[2 if extrapolated else 0]
        if extrapolated:
            axes.axhline(mean, color=color, ls="--", lw=1, zorder=1)
        marker = "s" if extrapolated else "o"
        axes.errorbar(place, mean, yerr=spread, color=color, marker=marker, capsize=3)
        top = mean + spread
        lowest = min(lowest, mean - spread)
        match = None if extrapolated else theirs(cell)
        if match is not None:
            published.append(match)
            draw_paper_value(axes, place, match.value, match, look)
            top = max(top, match.value)
        text = cell.printed()
        if len(text) > room:
            text = text.replace(" ±", "\n±").replace(" (", "\n(")
        lines = max(lines, text.count("\n") + 1)
        axes.annotate(
            text,
            (place, top),
            xytext=(0, 8 if match else 6),
            textcoords="offset points",
            ha="center",
            fontsize=0.85 * look.font_size,
        )
        highest = max(highest, top)
    crowded = max(map(len, labels)) > room
    axes.set_xticks(
        range(len(parts)), [label.replace("+ ", "+\n") if crowded else label for label in labels]
    )
    axes.set_xlim(-0.6, len(parts) - 0.4)
    # If both sets have the same distribution, the extrapolation may be below zero.
    room_above = 1.22 + 0.08 * max(0, lines - 2)
    axes.set_ylim(1.22 * lowest, room_above * highest if highest > 0 else 1)
    axes.grid(visible=False, axis="x")
    return published


def _pairs(rows: pd.DataFrame) -> list[tuple[int, int]]:
    """Return each (n_real, n_generated) once."""
    return sorted(
        {(int(a), int(b)) for a, b in zip(rows["n_real"], rows["n_generated"], strict=True)}
    )


def _cell(rows: pd.DataFrame) -> Cell:
    """Return the cell of all repeats of one pair of counts."""
    rows = rows.drop_duplicates(["repeat", "value"])
    n_real, n_generated = _pairs(rows)[0]
    if rows["repeat"].duplicated().any():
        raise FringeError(
            f"sample sizes: dataset {rows['dataset'].iloc[0]!r} at {n_real} + {n_generated} "
            "images has more than one value for a repeat; give one evaluation"
        )
    return cell_of(rows)
