"""What is seen in a figure, in numbers: a sentence for those who do not see it."""

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
    """Return how FID falls between the three ways in which Figure 16 draws images."""
    told = [
        f"{format_value(cell.mean)} ({scheme_label(scheme)})"
        for scheme in ("random", "matched", "prelogits")
        if scores_exist(scores, dataset=dataset, scheme=scheme, network=network)
        for cell in [score_cell(scores, dataset=dataset, scheme=scheme, network=network)]
    ]
    return f"FID in {title_of(titles, network)}: {', '.join(told)}."


def seen_in_pair(comparison: Comparison) -> str:
    """Return the distances of each generator of a comparison in each network."""
    told = []
    for found in comparison.networks:
        each = ", ".join(
            f"{format_value(about.distance.value)} ({model})"
            for model, about in found.models.items()
        )
        told.append(f"FID in {found.title}: {each}.")
    return " ".join(told)


def seen_in_curve(curve: Curve) -> str:
    """Return the first and the last value of each series of a plot.

    ``curve`` is one of `fringe.page.curves`, whose kind its key tells.
    """
    kind = curve.key.split("-")[1]
    series, across, along = _AXES[kind]
    data = _read(curve)
    told = []
    for name in dict.fromkeys(tuple(row[column] for column in series) for row in data):
        rows = [row for row in data if tuple(row[column] for column in series) == name]
        first, last = (
            f"{_shown(row[along])} at {across[1].format(_shown(row[across[0]]))}"
            for row in (rows[0], rows[-1])
        )
        title = ", ".join(name)
        told.append(f"{title}: {first}" + (f", {last}" if len(rows) > 1 else ""))
    return f"{'; '.join(told)}."


_AXES: Mapping[str, tuple[tuple[str, ...], tuple[str, str], str]] = {
    "sweep": (("matched", "network"), ("n", "N = {}"), "fid"),
    "sizes": (("dataset",), ("images", "{} images"), "fid"),
    "snapshots": (("dataset",), ("snapshot", "snapshot {}"), "prelogits"),
    "noise": (("region",), ("noise", "noise of {}"), "fid"),
    "convergence": (("series",), ("seconds", "{} s"), "loss"),
}
"""By the kind of a plot: the columns that make a series, the column across with how it is told,
and the column along."""


def _read(curve: Curve) -> Rows:
    return [row for row in DictReader(StringIO(curve.csv)) if row.get("kind") != "level"]


def _shown(text: str) -> str:
    """Return a number as people read it, or a text as it is."""
    try:
        value = float(text)
    except ValueError:
        return text
    if not math.isfinite(value):
        return text  # a name, such as that of a snapshot
    return f"{int(value):,}" if value == int(value) else format_value(value)
