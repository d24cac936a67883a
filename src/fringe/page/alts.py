"""Sentences with the numbers of a figure, for alternative texts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from csv import DictReader
from io import StringIO

import pandas as pd

from fringe.page.answers import scheme_label, scores_exist
from fringe.page.content import Curve
from fringe.scores.cells import score_cell
from fringe.scores.comparison import Comparison
from fringe.scores.numbers import format_value
from fringe.scores.titles import Titles, title_of

__all__ = ["seen_in_curve", "seen_in_pair", "seen_in_schemes"]

Rows = list[Mapping[str, str]]


def seen_in_schemes(scores: pd.DataFrame, dataset: str, *, network: str, titles: Titles) -> str:
    """Return FID for the three ways in which Figure 16 draws images."""
    values = [
        f"{format_value(cell.mean)} ({scheme_label(scheme)})"
        for scheme in ("random", "matched", "prelogits")
        if scores_exist(scores, dataset=dataset, scheme=scheme, network=network)
        for cell in [score_cell(scores, dataset=dataset, scheme=scheme, network=network)]
    ]
    return f"FID in {title_of(titles, network)}: {', '.join(values)}."


def seen_in_pair(comparison: Comparison) -> str:
    """Return the distances of each generator of a comparison in each network."""
    sentences = []
    for found in comparison.networks:
        each = ", ".join(
            f"{format_value(about.distance.value)} ({model})"
            for model, about in found.models.items()
        )
        sentences.append(f"FID in {found.title}: {each}.")
    return " ".join(sentences)


def seen_in_curve(curve: Curve) -> str:
    """Return the first and the last value of each series of a plot.

    ``curve`` is a plot of `fringe.page.curves`; its key contains its kind.
    """
    kind = curve.key.split("-")[1]
    series, across, along = _AXES[kind]
    data = _read(curve)
    values = []
    for name in dict.fromkeys(tuple(row[column] for column in series) for row in data):
        rows = [row for row in data if tuple(row[column] for column in series) == name]
        first, last = (
            f"{_shown(row[along])} at {across[1].format(_shown(row[across[0]]))}"
            for row in (rows[0], rows[-1])
        )
        title = ", ".join(name)
        values.append(f"{title}: {first}" + (f", {last}" if len(rows) > 1 else ""))
    return f"{'; '.join(values)}."


_AXES: Mapping[str, tuple[tuple[str, ...], tuple[str, str], str]] = {
    "sweep": (("matched", "network"), ("n", "N = {}"), "fid"),
    "sizes": (("dataset",), ("images", "{} images"), "fid"),
    "snapshots": (("dataset",), ("snapshot", "snapshot {}"), "prelogits"),
    "noise": (("region",), ("noise", "noise of {}"), "fid"),
    "convergence": (("series",), ("seconds", "{} s"), "loss"),
}
"""For each kind of plot: the columns that identify a series, the column of the horizontal axis with
the format of its values, and the column of the vertical axis."""


def _read(curve: Curve) -> Rows:
    return [row for row in DictReader(StringIO(curve.csv)) if row.get("kind") != "level"]


def _shown(text: str) -> str:
    """Return a number in readable form, or another text unchanged."""
    try:
        value = float(text)
    except ValueError:
        return text
    if not math.isfinite(value):
        return text  # a name, for example of a snapshot
    return f"{int(value):,}" if value == int(value) else format_value(value)
