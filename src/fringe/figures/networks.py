"""Figure 8b: FID of the same images in several trainings of FID's network."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fringe.errors import FringeError
from fringe.figures.paper_values import draw_paper_value, paper_note
from fringe.figures.style import Style, add_heading, add_note, new_figure, read_style, styled
from fringe.scores.cells import Cell, cells_note, datasets_of, score_cell
from fringe.scores.differences import Protocols
from fringe.scores.numbers import format_percent
from fringe.scores.paper import PaperValue, paper_value
from fringe.scores.rows import check_scores
from fringe.scores.titles import SIMULATED, Titles, describe_weight_files, is_simulated, title_of

__all__ = ["network_comparison"]


def network_comparison(
    scores: pd.DataFrame,
    titles: Titles,
    networks: Sequence[str] | Mapping[str, Sequence[str]],
    *,
    paper: pd.DataFrame | None = None,
    protocols: Protocols | None = None,
    choices: str = "",
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 8b: mean and standard deviation of FID by network, a panel for each dataset.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows. Rows of scheme random and metric fid are shown.
    networks : sequence of str, or mapping of dataset to one
        The networks of each panel, at least two, from top to bottom. Changes are relative to the
        first network. A mapping also selects the datasets; otherwise all datasets are shown.
    paper : DataFrame, optional
        The paper's numbers, drawn as hollow diamonds if dataset and network are the paper's. By
        default those of the package; an empty frame for none.
    protocols : mapping of dataset to Protocol, optional
        The protocol of the scores. If it is unknown or not the paper's, the paper's number is grey.
    choices : str
        Text of the note on what the paper leaves open.

    Raises
    ------
    FringeError
        If a score is missing, or the networks of a panel were not given the same draws.
    """
    check_scores(scores)
    shown = (
        dict(networks)
        if isinstance(networks, Mapping)
        else dict.fromkeys(datasets_of(scores), networks)
    )
    cells = {name: _cells(scores, name, chosen) for name, chosen in shown.items()}
    look = read_style(style)
    across = min(len(cells), 2)
    down = -(-len(cells) // across)
    # Letters that fit to the left of the axes of one panel, and above them.
    letters = math.floor(0.9 * look.width / across * 72 / (0.56 * look.font_size))
    names = {
        network: _broken(title_of(titles, network), max(9, letters // 3))
        for part in cells.values()
        for network in part
    }
    lines = [line for name in names.values() for line in name.split("\n")]
    over = max(9, letters - max(map(len, lines)))
    deepest = max(name.count("\n") + 1 for name in names.values())
    each = max(0.045, 0.02 + 0.016 * deepest)  # inches for a network, per point of font size
    most = max(map(len, cells.values()))
    published: dict[str, list[PaperValue | None]] = {}
    with styled(look):
        figure = new_figure(look, (down * (each * most + 0.06) + 0.08) * look.font_size)
        for place, (dataset, part) in enumerate(cells.items()):
            axes = figure.add_subplot(down, across, place + 1)
            theirs = {
                network: paper_value(
                    paper,
                    protocols,
                    cell,
                    dataset=dataset,
                    network=network,
                    scheme="random",
                    exhibits=("figure8b",),
                )
                for network, cell in part.items()
            }
            published[title_of(titles, dataset)] = list(theirs.values())
            _panel(axes, part, theirs, [names[network] for network in part], look)
            axes.set_title(_broken(title_of(titles, dataset, mark=True), over))
            if place + across >= len(cells):
                axes.set_xlabel("FID")
        add_heading(figure, "FID of the same images depends on the network that measures it", look)
        note = f"{_note(cells, titles)} {paper_note(published)} {choices}"
        add_note(figure, note, look)
    return figure


def _broken(name: str, letters: int) -> str:
    return textwrap.fill(name, letters, break_long_words=False)


def _cells(scores: pd.DataFrame, dataset: str, networks: Sequence[str]) -> dict[str, Cell]:
    """Return the FID of one dataset by network, from the same draws."""
    if len(set(networks)) < 2:
        raise FringeError(
            f"network comparison: {dataset} has {', '.join(networks) or 'no network'}; "
            "name two networks or more"
        )
    cells = {
        network: score_cell(scores, dataset=dataset, scheme="random", network=network)
        for network in networks
    }
    made_of = {
        network: f"{cell.n_real} + {cell.n_generated} images, {cell.repeats} draws"
        for network, cell in cells.items()
    }
    if len(set(made_of.values())) > 1:
        raise FringeError(
            f"network comparison: {dataset} was not measured in the same way in each network ("
            + "; ".join(f"{network}: {text}" for network, text in made_of.items())
            + "); score the same draws in each network"
        )
    return cells


def _panel(
    axes: Axes,
    cells: Mapping[str, Cell],
    published: Mapping[str, PaperValue | None],
    names: Sequence[str],
    look: Style,
) -> None:
    """Draw one dataset, a line for each network."""
    first = next(iter(cells.values())).mean
    spreads = [float(np.nan_to_num(cell.std)) for cell in cells.values()]
    ends = [cell.mean + spread for cell, spread in zip(cells.values(), spreads, strict=True)]
    highest = max(*ends, *(theirs.value for theirs in published.values() if theirs)) or 1.0
    for place, ((network, cell), spread) in enumerate(zip(cells.items(), spreads, strict=True)):
        color = look.colors[place % len(look.colors)]
        axes.errorbar(cell.mean, place, xerr=spread, color=color, marker="o", capsize=3)
        theirs = published[network]
        if theirs is not None:
            draw_paper_value(axes, theirs.value, place, theirs, look)
        text = cell.printed()
        if place and first > 0:
            text += f" ({format_percent(cell.mean / first - 1)})"
        share = cell.mean / highest
        axes.annotate(
            text,
            (cell.mean, place),
            xytext=(0, 0.9 * look.font_size),
            textcoords="offset points",
            ha="left" if share < 0.35 else "right" if share > 0.65 else "center",
            fontsize=0.85 * look.font_size,
        )
    axes.set_yticks(range(len(cells)), names)
    axes.set_ylim(len(cells) - 0.5, -0.8)  # the first network is on top
    axes.set_xlim(0, 1.08 * highest)
    axes.grid(visible=False, axis="y")


def _note(cells: Mapping[str, Mapping[str, Cell]], titles: Titles) -> str:
    every = [cell for part in cells.values() for cell in part.values()]
    low, high = min(cell.repeats for cell in every), max(cell.repeats for cell in every)
    many = f"{low}" if low == high else f"{low} to {high}"
    note = f"Mean ± standard deviation of {many} random draws, the same for each network."
    if high == 1:
        note = "One random draw, the same for each network."
    if errors := cells_note(every):
        note += f" {errors}"
    note += " Last number in parentheses: the change from the first network."
    networks = dict.fromkeys(network for part in cells.values() for network in part)
    if whose := describe_weight_files(titles, networks):
        note += f" {whose}"
    if any(is_simulated(titles, name) for name in cells):
        note += f" †: {SIMULATED}."
    return note
