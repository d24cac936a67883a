"""The size of each network's null space: how far its distance falls without a changed image.

Each network has two numbers, both relative to images drawn at random: the fall when Top-1 classes
are matched, and the fall with weights that were optimized in the network's own features.
docs/architecture.md has the rule.
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

_AMPLE = 10  # images per feature; with fewer, weights also fit the noise of these images


@dataclass(frozen=True)
class NullSpace:
    """Distances of one network before and after resampling.

    ``random``, ``matched`` and ``optimized`` are FID of images drawn at random, with Top-1 classes
    matched, and with weights optimized in the network's own features. ``filled`` is FID of random
    images whose number is the number of matched images. If matching filled all places, ``filled``
    is equal to ``random``.
    """

    network: str
    title: str
    random: Cell
    filled: Cell
    matched: Cell
    optimized: Cell

    @property
    def classes(self) -> str:
        """Relative change of FID when classes are matched: "−6.1 ± 0.3%"."""
        return _change(self.matched, self.filled)

    @property
    def weights(self) -> str:
        """Relative change of FID with optimized weights."""
        return _change(self.optimized, self.random)


def class_sentence(
    scores: pd.DataFrame, dataset: str, network: str, classifier: str, titles: Titles
) -> str:
    """Return how far the distance in one network falls when another network's classes are matched.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows with the schemes random and matched of ``network``. If there are fewer matched
        than random images, also the scheme random-filled.
    dataset, network, classifier : str
        Names. ``classifier`` is the network that counts classes.
    titles : mapping
        Display names.

    Raises
    ------
    FringeError
        If a score is missing.
    """
    matched, random = matched_cells(scores, dataset, network)
    text = (
        f"When the Top-1 class histogram by {title_of(titles, classifier)} is matched, FID in "
        f"{title_of(titles, network)} {fallen(matched, random)}"
    )
    drawn = score_cell(scores, dataset=dataset, scheme="random", network=network)
    if random.n_generated < drawn.n_generated:
        text += (
            f", relative to {random.n_generated:,} images drawn at random (the number of matched "
            "images)"
        )
    return f"{text}."


def null_space_of(
    scores: pd.DataFrame, dataset: str, network: str, scheme: str, titles: Titles
) -> NullSpace:
    """Return the null space of a network.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows with the schemes random, matched and ``scheme``. If there are fewer matched than
        random images, also the scheme random-filled.
    dataset, network, scheme : str
        Names. The weights of ``scheme`` were optimized in the features of ``network``.
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
    """Return one or two sentences on how far a network's distance falls, with the spread.

    Parameters
    ----------
    found : NullSpace
    classifier : str
        Title of the network that counts classes.
    dim : int, optional
        The network's number of features.
    """
    text = (
        f"The null space of {found.title} itself: FID in its features "
        f"{fallen(found.matched, found.filled)} when the Top-1 class histogram by {classifier} is "
        f"matched{_relative(found)}, and {fallen(found.optimized, found.random)} with weights "
        "optimized in these features."
    )
    least = min(found.random.n_real, found.random.n_generated)
    if dim is not None and least < _AMPLE * dim:
        text += (
            f" With {least:,} images for {dim:,} features, weights also fit the random variation "
            "of these images."
        )
    return text


def null_space_rows(found: Sequence[NullSpace], classifier: str) -> list[list[str]]:
    """Return a table of texts with a row for each network; its first row is the head."""
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
    """Return the reference of a change by matching; "" if that is all random images."""
    if found.filled.n_generated == found.random.n_generated:
        return ""
    return f", relative to {found.filled.n_generated:,} images at random"


def matched_cells(scores: pd.DataFrame, dataset: str, network: str) -> tuple[Cell, Cell]:
    """Return FID of Top-1 matched images, and FID of the same number of random images.

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

    The spread is the standard deviation of one evaluation; with a single repeat, it is left out.
    """
    change, std = relative_change(after.mean, before.mean), change_spread(after, before)
    spread = "" if math.isnan(std) else f" ± {100 * std:.1f}"
    percent = format_percent(change).lstrip("−+").rstrip("%")
    return f"{'falls' if change < 0 else 'rises'} by {percent}{spread}%"


def _change(after: Cell, before: Cell) -> str:
    change, std = relative_change(after.mean, before.mean), change_spread(after, before)
    spread = "" if math.isnan(std) else f" ± {100 * std:.1f}"
    return f"{format_percent(change).rstrip('%')}{spread}%"
