"""How large the null space of each network is: what classes and weights take from its distance.

For each network two numbers, both relative to images drawn at random: the fall when Top-1 classes
are matched, and the fall with weights that were optimized in the features of this very network. No
image changes in either. docs/architecture.md has the rule.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from fringe.scores.cells import Cell, change_spread, relative_change, score_cell
from fringe.scores.numbers import format_percent
from fringe.scores.titles import Titles, title_of

__all__ = [
    "NullSpace",
    "class_sentence",
    "matched_cells",
    "null_space_of",
    "null_space_rows",
    "null_space_sentence",
]

_AMPLE = 10  # images for each feature, below which weights fit the chance of these images


@dataclass(frozen=True)
class NullSpace:
    """What of a network's distance goes away without a change to any image.

    ``random``, ``matched`` and ``optimized`` are FID of images drawn at random, with Top-1 classes
    matched, and with weights optimized in the network's own features; ``filled`` is FID of as many
    images at random as matching could fill, which is ``random`` where it could fill all.
    """

    network: str
    title: str
    random: Cell
    filled: Cell
    matched: Cell
    optimized: Cell

    @property
    def classes(self) -> str:
        """By how much FID changes when classes are matched: "−6.1 ± 0.3%"."""
        return _change(self.matched, self.filled)

    @property
    def weights(self) -> str:
        """By how much FID changes with optimized weights."""
        return _change(self.optimized, self.random)


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


def null_space_of(
    scores: pd.DataFrame, dataset: str, network: str, scheme: str, titles: Titles
) -> NullSpace:
    """Return the null space of a network.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows with the schemes random, matched, ``scheme`` and, where matching stays short,
        random-filled.
    dataset, network, scheme : str
        Names; weights of ``scheme`` were optimized in the features of ``network``.
    titles : mapping
        Display names.

    Raises
    ------
    FringeError
        If a score is missing.
    """
    optimized = score_cell(scores, dataset=dataset, scheme=scheme, network=network)
    matched, filled = matched_cells(scores, dataset, network)
    return NullSpace(
        network=network,
        title=title_of(titles, network),
        random=score_cell(
            scores, dataset=dataset, scheme="random", network=network, like=optimized
        ),
        filled=filled,
        matched=matched,
        optimized=optimized,
    )


def null_space_sentence(found: NullSpace, classifier: str, dim: int | None = None) -> str:
    """Return what of a network's distance goes away, with its spread, in a sentence or two.

    Parameters
    ----------
    found : NullSpace
    classifier : str
        Title of the network that counts classes.
    dim : int, optional
        The network's number of features.
    """
    told = (
        f"The null space of {found.title} itself: FID in its features "
        f"{fallen(found.matched, found.filled)} when the Top-1 class histogram by {classifier} is "
        f"matched{_relative(found)}, and {fallen(found.optimized, found.random)} with weights "
        "optimized in them."
    )
    least = min(found.random.n_real, found.random.n_generated)
    if dim is not None and least < _AMPLE * dim:
        told += (
            f" With {least:,} images for {dim:,} features, weights also fit the chance of these "
            "images."
        )
    return told


def null_space_rows(found: Sequence[NullSpace], classifier: str) -> list[list[str]]:
    """Return a table of words with a row for each network; its first row is the head."""
    head = [
        "network",
        "FID at random",
        f"Top-1 classes by {classifier} matched",
        "weights optimized in its own features",
        "images (real + generated; matched)",
    ]
    return [
        head,
        *(
            [
                one.title,
                one.random.printed(),
                f"{one.matched.printed()} ({one.classes}{_relative(one)})",
                f"{one.optimized.printed()} ({one.weights})",
                f"{one.random.n_real:,} + {one.random.n_generated:,}; {one.matched.n_generated:,}",
            ]
            for one in found
        ),
    ]


def _relative(found: NullSpace) -> str:
    """Return what a change by matching is relative to; "" where that is all random images."""
    if found.filled.n_generated == found.random.n_generated:
        return ""
    return f", relative to {found.filled.n_generated:,} images at random"


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


def _change(after: Cell, before: Cell) -> str:
    change, std = relative_change(after.mean, before.mean), change_spread(after, before)
    spread = "" if math.isnan(std) else f" ± {100 * std:.1f}"
    return f"{format_percent(change).rstrip('%')}{spread}%"
