"""How much of a network's distance is class histogram, as another network counts classes."""

from __future__ import annotations

import math

import pandas as pd

from fringe.scores.cells import Cell, change_spread, relative_change, score_cell
from fringe.scores.numbers import format_percent
from fringe.scores.titles import Titles, title_of

__all__ = ["class_sentence", "fallen", "matched_cells"]


def class_sentence(
    scores: pd.DataFrame, dataset: str, network: str, classifier: str, titles: Titles
) -> str:
    """Return by how much the distance in a network falls when the classes of another are matched.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows with the schemes random and matched of ``network``; and random-filled, where
        matching could fill fewer places than there are random images.
    dataset, network, classifier : str
        Names; ``classifier`` counts classes.
    titles : mapping
        Display names.

    Raises
    ------
    FringeError
        If a score is missing.
    """
    matched, random = matched_cells(scores, dataset, network)
    told = (
        f"When the Top-1 class histogram by {title_of(titles, classifier)} is matched, FID in "
        f"{title_of(titles, network)} {fallen(matched, random)}"
    )
    drawn = score_cell(scores, dataset=dataset, scheme="random", network=network)
    if random.n_generated < drawn.n_generated:
        told += f", relative to {random.n_generated:,} images drawn at random, as many as it filled"
    return f"{told}."


def matched_cells(scores: pd.DataFrame, dataset: str, network: str) -> tuple[Cell, Cell]:
    """Return FID of Top-1 matched images, and of as many images drawn at random.

    Raises
    ------
    FringeError
        If a score is missing.
    """
    matched = score_cell(scores, dataset=dataset, scheme="matched", network=network)
    random = score_cell(scores, dataset=dataset, scheme="random", network=network, like=matched)
    if matched.n_generated < random.n_generated:
        random = score_cell(
            scores, dataset=dataset, scheme="random-filled", network=network, like=matched
        )
    return matched, random


def fallen(after: Cell, before: Cell) -> str:
    """Return "falls by 6.1 ± 0.3%" or "rises by ...": the relative change of a mean.

    The spread is the standard deviation of one evaluation, and is left out with a single repeat.
    """
    change, std = relative_change(after.mean, before.mean), change_spread(after, before)
    spread = "" if math.isnan(std) else f" ± {100 * std:.1f}"
    percent = format_percent(change).lstrip("−+").rstrip("%")
    return f"{'falls' if change < 0 else 'rises'} by {percent}{spread}%"
