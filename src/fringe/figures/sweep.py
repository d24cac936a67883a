"""Figures 6 and 18: FID against the number of classes with matched co-occurrence."""

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
from fringe.figures.paper_values import differences, draw_paper_value
from fringe.figures.style import (
    Style,
    add_body,
    add_heading,
    add_note,
    new_figure,
    read_style,
    styled,
)
from fringe.scores.cells import Cell, datasets_of, score_cell, sweep_size
from fringe.scores.differences import Protocols
from fringe.scores.paper import PaperValue, paper_value
from fringe.scores.rows import check_scores
from fringe.scores.titles import SIMULATED, Titles, is_simulated, title_of

__all__ = ["class_sweep"]

_MODES = ("top", "middle")
_CERTIFIED = (
    "The weights of all N are from our certified optimizer. The released algorithm stops before "
    "the optimum, so FID falls further here than with the paper's steps. Compare the shape of the "
    "curves with the paper's, not their height."
)


def class_sweep(
    scores: pd.DataFrame,
    titles: Titles,
    main: str,
    control: str,
    *,
    datasets: Sequence[str] | None = None,
    released: bool = False,
    paper: pd.DataFrame | None = None,
    protocols: Protocols | None = None,
    choices: str = "",
    classifier: str = "",
    certified: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 6 (one dataset) or 18 (several): a panel with two y axes for each dataset.

    FID of ``main`` is solid on the left axis, FID of ``control`` is dashed on the right axis. Both
    axes run from a to b times the FID of images drawn at random, with the same a and b. So a height
    means the same relative change on both axes. ``figure.axes`` contains pairs of axes in panel
    order: each left axis is followed by its right axis.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows with the schemes random, prelogits, top{N} and middle{N}. Either top{N} or
        middle{N} may be missing.
    datasets : sequence of str, optional
        The datasets to show; by default all datasets of the scores.
    released : bool
        Whether the scores contain the scheme prelogits-released, which then has its own line.
    paper : DataFrame, optional
        The paper's numbers. By default those of the package; an empty frame for none. FID at random
        and FID with weights matched in pre-logits are diamonds at the right end of their lines, if
        protocols agree.
    protocols : mapping of dataset to Protocol, optional
        The protocol of the scores.
    choices : str
        Text of the note on what the paper leaves open.
    classifier : str
        The network of the classes, if it is not ``main``.
    certified : bool
        Whether all weights except prelogits-released are from our optimizer; the note says so.

    Raises
    ------
    FringeError
        If a score is missing; the message names the combination.
    """
    check_scores(scores)
    names = list(datasets) if datasets is not None else datasets_of(scores)
    for name in names:
        _curves(scores, name)  # raises an error if there is no curve
    look = read_style(style)
    across = min(len(names), 2 if len(names) in (2, 4) else 3)
    down = -(-len(names) // across)
    with styled(look):
        height = (0.4, 0.37, 0.25)[across - 1] * max(look.font_size, 9)
        figure = new_figure(look, height * down + 0.1 * look.font_size)
        body = add_body(figure)
        # If panels are small, only the legend names the networks.
        left, right = (
            ("FID (solid)", "FID (dashed)")
            if across > 2
            else (
                f"FID, {title_of(titles, main)} (solid)",
                f"FID, {title_of(titles, control)} (dashed)",
            )
        )
        published = {}
        for place, name in enumerate(names):
            axes = body.add_subplot(down, across, place + 1)
            theirs = _published(scores, name, main, released, paper, protocols)
            published[title_of(titles, name)] = list(theirs.values())
            drawn = [value.value for value in theirs.values() if value.agrees]
            _panel(axes, scores, name, main, control, released, drawn, look)
            for value in theirs.values():
                if value.agrees:
                    where = {"transform": axes.get_yaxis_transform(), "clip_on": False}
                    draw_paper_value(axes, 0.98, value.value, value, look, **where)
            _log_ticks(axes, scores, name, 0.66 * look.width / across, look)
            if len(names) > 1 or is_simulated(titles, name):
                axes.set_title(title_of(titles, name, mark=True))
            if place % across == 0:
                axes.set_ylabel(left)
            if place % across == across - 1 or place == len(names) - 1:
                figure.axes[-1].set_ylabel(right)
            if place + across >= len(names):
                axes.set_xlabel("classes matched, N")
        handles = _legend(look, titles, main, control, released)
        body.legend(handles=handles, loc="outside upper center", ncols=3)
        head = "Matching the co-occurrence of Top-N ImageNet classes"
        if len(names) == 1:
            head = f"{title_of(titles, names[0])}: co-occurrence of Top-N classes matched"
        add_heading(figure, head, look)
        note = (
            "Mean of repeats; bands: one standard deviation. Both axes of a panel span the same "
            f"multiples of the FID of images drawn at random. {_paper_note(published)} {choices}"
        )
        if classifier:
            note = f"{note.rstrip()} Classes are from {title_of(titles, classifier)}."
        if certified:
            note = f"{note.rstrip()} {_CERTIFIED}"
        if any(is_simulated(titles, name) for name in names):
            note += f" †: {SIMULATED}."
        add_note(figure, note, look)
    return figure


def _published(
    scores: pd.DataFrame,
    dataset: str,
    main: str,
    released: bool,
    paper: pd.DataFrame | None,
    protocols: Protocols | None,
) -> dict[str, PaperValue]:
    """Return the paper's FIDs at random and matched in pre-logits, by scheme."""
    found = {}
    for scheme in ("random", "prelogits-released" if released else "prelogits"):
        cell = score_cell(scores, dataset=dataset, scheme=scheme, network=main)
        value = paper_value(paper, protocols, cell, dataset=dataset, network=main, scheme=scheme)
        if value is not None:
            found[scheme] = value
    return found


def _paper_note(published: Mapping[str, Sequence[PaperValue]]) -> str:
    """Return the note on the diamonds, and on why some are not drawn."""
    every = [value for part in published.values() for value in part]
    said = []
    if any(value.agrees for value in every):
        said.append(
            "Hollow diamonds: Kynkäänniemi et al. (2023), at random and matched in pre-logits."
        )
    if text := differences(published):
        said.append(
            "Values of Kynkäänniemi et al. that were measured differently are not drawn. Ours: "
            f"{text}."
        )
    return " ".join(said)


def _panel(
    axes: Axes,
    scores: pd.DataFrame,
    dataset: str,
    main: str,
    control: str,
    released: bool,
    published: Sequence[float],
    look: Style,
) -> None:
    """Draw one dataset on ``axes`` and its twin, with room for ``published`` FIDs."""
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
        if released and side is axes:
            theirs = score_cell(
                scores, dataset=dataset, scheme="prelogits-released", network=network
            )
            side.axhline(theirs.mean, color=look.colors[3], linestyle="-.", linewidth=1.0)
            relative.append(theirs.mean / random.mean)
        for mode, sizes in curves.items():
            cells = [
                score_cell(scores, dataset=dataset, scheme=f"{mode}{n}", network=network)
                for n in sizes
            ]
            relative += _draw(side, sizes, cells, colors[mode], line, random.mean)
    axes.axhline(at_random[0], color="#666666", linestyle=":", linewidth=1.2)
    relative += [value / at_random[0] for value in published]
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
    """Return the evaluated values of N, by mode."""
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
    """Set up the logarithmic x axis of N, with labels only if there is room for them."""
    sizes = sorted({n for curve in _curves(scores, dataset).values() for n in curve})
    span = math.log(sizes[-1] / sizes[0]) or 1.0
    axes.set_xscale("log")
    axes.set_xlim(sizes[0] * math.exp(-0.05 * span), sizes[-1] * math.exp(0.05 * span))
    digit = 0.9 * 0.64 * look.font_size / (72 * inches) * 1.1 * span  # its width on the axis
    kept = [sizes[-1]]  # the last N, then those that fit at its left
    for n in reversed(sizes[:-1]):
        letters = (len(str(n)) + len(str(kept[-1]))) / 2 + 0.8
        if math.log(kept[-1] / n) >= letters * digit:
            kept.append(n)
    axes.xaxis.set_major_locator(FixedLocator([float(n) for n in reversed(kept)]))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    axes.xaxis.set_minor_locator(FixedLocator([float(n) for n in sizes if n not in kept]))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _legend(look: Style, titles: Titles, main: str, control: str, released: bool) -> list[Line2D]:
    def entry(label: str, color: str, line: Any, marker: str = "") -> Line2D:
        return Line2D([], [], color=color, linestyle=line, marker=marker, label=label)

    handles = [
        entry("Top-N classes", look.colors[0], "-", "o"),
        entry("N middle classes", look.colors[1], "-", "o"),
        entry(f"FID, {title_of(titles, main)} (left)", "#333333", "-"),
        entry(f"FID, {title_of(titles, control)} (right)", "#333333", "--"),
        entry("drawn at random", "#666666", ":"),
        entry("pre-logits matched", look.colors[2], "-"),
    ]
    if released:
        handles.append(entry("pre-logits, released steps", look.colors[3], "-."))
    return handles
