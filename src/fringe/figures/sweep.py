"""Figures 6 and 18: FID against the number of classes whose co-occurrence is matched."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter

from fringe.errors import FringeError
from fringe.figures.style import (
    Style,
    add_body,
    add_heading,
    add_note,
    new_figure,
    read_style,
    styled,
)
from fringe.tables.scores import Cell, check_scores, datasets_of, score_cell, sweep_size
from fringe.tables.titles import SIMULATED, Titles, is_simulated, title_of

__all__ = ["class_sweep"]

_MODES = ("top", "middle")


def class_sweep(
    scores: pd.DataFrame,
    titles: Titles,
    main: str,
    control: str,
    *,
    datasets: Sequence[str] | None = None,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 6 (one dataset) or 18 (several): a panel with two y axes for each.

    FID of ``main`` is solid on the left axis, that of ``control`` dashed on the right one. Both
    axes run from a to b times the FID of images drawn at random, with the same a and b, so a
    height means the same relative change on either. Axes come in pairs in ``figure.axes``: all
    left ones in panel order, each followed by its right one.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows with the schemes random, prelogits, top{N} and middle{N}; one of the two
        modes may be left out.
    datasets : sequence of str, optional
        The datasets to show; all that the scores hold by default.

    Raises
    ------
    FringeError
        If a score is missing; the message names the combination.
    """
    check_scores(scores)
    names = list(datasets) if datasets is not None else datasets_of(scores)
    look = read_style(style)
    across = min(len(names), 2 if len(names) in (2, 4) else 3)
    down = -(-len(names) // across)
    with styled(look):
        height = (0.4, 0.37, 0.25)[across - 1] * max(look.font_size, 9)
        figure = new_figure(look, height * down + 0.1 * look.font_size)
        body = add_body(figure)
        # Where panels are small, the legend alone names the networks.
        left, right = (
            ("FID (solid)", "FID (dashed)")
            if across > 2
            else (
                f"FID, {title_of(titles, main)} (solid)",
                f"FID, {title_of(titles, control)} (dashed)",
            )
        )
        for place, name in enumerate(names):
            axes = body.add_subplot(down, across, place + 1)
            _panel(axes, scores, titles, name, main, control, look)
            _log_ticks(axes, scores, name, 0.66 * look.width / across, look)
            if len(names) > 1 or is_simulated(titles, name):
                axes.set_title(title_of(titles, name, mark=True))
            if place % across == 0:
                axes.set_ylabel(left)
            if place % across == across - 1 or place == len(names) - 1:
                figure.axes[-1].set_ylabel(right)
            if place + across >= len(names):
                axes.set_xlabel("classes matched, N")
        body.legend(
            handles=_legend(look, titles, main, control), loc="outside upper center", ncols=3
        )
        head = "Matching the co-occurrence of Top-N ImageNet classes"
        if len(names) == 1:
            head = f"{title_of(titles, names[0])}: co-occurrence of Top-N classes matched"
        add_heading(figure, head, look)
        note = (
            "Mean of repeats, bands one standard deviation. Both axes of a panel span the same "
            "multiples of the FID of images drawn at random."
        )
        if any(is_simulated(titles, name) for name in names):
            note += f" †: {SIMULATED}."
        add_note(figure, note, look)
    return figure


def _panel(
    axes: Axes,
    scores: pd.DataFrame,
    titles: Titles,
    dataset: str,
    main: str,
    control: str,
    look: Style,
) -> None:
    """Draw one dataset on ``axes`` and its twin."""
    curves = _curves(scores, dataset)
    twin = axes.twinx()
    twin.spines["right"].set_visible(True)
    twin.grid(visible=False)
    relative: list[float] = [1.0]
    at_random: list[float] = []
    colors = dict(zip(_MODES, look.colors, strict=False))
    for network, side, line in ((main, axes, "-"), (control, twin, "--")):
        optimum = score_cell(scores, dataset=dataset, scheme="prelogits", network=network)
        random = score_cell(scores, dataset=dataset, scheme="random", network=network, like=optimum)
        if random.mean <= 0:
            raise FringeError(
                f"class sweep: dataset {dataset!r}, network {network!r}: the FID of images drawn "
                f"at random is {random.mean}, so there is no relative change to show"
            )
        at_random.append(random.mean)
        side.axhline(optimum.mean, color=look.colors[2], linestyle=line, linewidth=1.0)
        relative.append(optimum.mean / random.mean)
        for mode, sizes in curves.items():
            cells = [
                score_cell(scores, dataset=dataset, scheme=f"{mode}{n}", network=network)
                for n in sizes
            ]
            relative += _draw(side, sizes, cells, colors[mode], line, random.mean)
    axes.axhline(at_random[0], color="#666666", linestyle=":", linewidth=1.2)
    pad = 0.06 * (max(relative) - min(relative) or 0.1)
    low, high = max(0.0, min(relative) - pad), max(relative) + pad
    axes.set_ylim(low * at_random[0], high * at_random[0])
    twin.set_ylim(low * at_random[1], high * at_random[1])


def _draw(
    axes: Axes, sizes: Sequence[int], cells: Sequence[Cell], color: str, line: str, unit: float
) -> list[float]:
    """Draw a curve with its band; return its extent relative to ``unit``."""
    mean = np.array([cell.mean for cell in cells])
    spread = np.nan_to_num(np.array([cell.std for cell in cells]))
    marker = "o" if line == "-" else "s"
    axes.plot(sizes, mean, color=color, linestyle=line, marker=marker, markersize=3.5)
    axes.fill_between(sizes, mean - spread, mean + spread, color=color, alpha=0.2, linewidth=0)
    return [float(v) / unit for v in (*(mean - spread), *(mean + spread))]


def _curves(scores: pd.DataFrame, dataset: str) -> dict[str, list[int]]:
    """Return the values of N that were evaluated, by mode."""
    curves: dict[str, list[int]] = {mode: [] for mode in _MODES}
    for scheme in scores[scores["dataset"] == dataset]["scheme"].unique():
        found = sweep_size(str(scheme))
        if found is not None:
            curves[found[0]].append(found[1])
    if not any(curves.values()):
        raise FringeError(
            f"class sweep: dataset {dataset!r} has no scheme such as top10 or middle10 in the "
            "scores; evaluate the sweep or leave the dataset out"
        )
    return {mode: sorted(sizes) for mode, sizes in curves.items() if sizes}


def _log_ticks(axes: Axes, scores: pd.DataFrame, dataset: str, inches: float, look: Style) -> None:
    """Put a logarithmic x axis under the values of N, labels only where they have room."""
    sizes = sorted({n for curve in _curves(scores, dataset).values() for n in curve})
    span = math.log(sizes[-1] / sizes[0]) or 1.0
    axes.set_xscale("log")
    axes.set_xlim(sizes[0] * math.exp(-0.05 * span), sizes[-1] * math.exp(0.05 * span))
    digit = 0.9 * 0.64 * look.font_size / (72 * inches) * 1.1 * span  # its width on the axis
    kept = [sizes[-1]]  # the last N, then what fits to its left
    for n in reversed(sizes[:-1]):
        letters = (len(str(n)) + len(str(kept[-1]))) / 2 + 0.8
        if math.log(kept[-1] / n) >= letters * digit:
            kept.append(n)
    axes.xaxis.set_major_locator(FixedLocator([float(n) for n in reversed(kept)]))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    axes.xaxis.set_minor_locator(FixedLocator([float(n) for n in sizes if n not in kept]))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _legend(look: Style, titles: Titles, main: str, control: str) -> list[Line2D]:
    def entry(label: str, color: str, line: Any, marker: str = "") -> Line2D:
        return Line2D([], [], color=color, linestyle=line, marker=marker, label=label)

    return [
        entry("Top-N classes", look.colors[0], "-", "o"),
        entry("N middle classes", look.colors[1], "-", "o"),
        entry(f"FID, {title_of(titles, main)} (left)", "#333333", "-"),
        entry(f"FID, {title_of(titles, control)} (right)", "#333333", "--"),
        entry("drawn at random", "#666666", ":"),
        entry("pre-logits matched", look.colors[2], "-"),
    ]
