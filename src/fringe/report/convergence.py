"""Sentences on the fall of the loss: proven limits, and the released algorithm's steps."""

import math

import pandas as pd

from fringe.scores.convergence import (
    PUBLISHED_PROGRESS,
    Convergence,
    compare_convergence,
    format_loss,
)

__all__ = ["null_space_sentences"]


def null_space_sentences(rows: pd.DataFrame | None, dataset: str) -> list[str]:
    """Return the paragraph on one dataset; no paragraph if the released steps were not measured.

    Each loss is of all candidates with their weights, not of drawn images. The fall of each
    algorithm is relative to its own start, because the two losses divide the covariance by
    different sums.

    Parameters
    ----------
    rows : DataFrame
        With columns ``CONVERGENCE_COLUMNS``.
    dataset : str
    """
    if rows is None or dataset not in set(rows["dataset"]):
        return []
    found = compare_convergence(rows, dataset)
    return [" ".join([*_certified(found), *_released(found)])]


def _certified(found: Convergence) -> list[str]:
    if found.start <= 0:
        return ["The optimized loss is 0 at equal weights, so there is nothing to remove."]
    said = [
        f"The optimized loss (FID of all {found.candidates:,} candidates, weighted) falls from "
        f"{format_loss(found.start)} at equal weights to a minimum of {format_loss(found.ours)}: "
        f"the optimized weights remove {100 * found.removed / found.start:.1f}%."
    ]
    if found.lower_bound > 0:
        most = math.ceil(1000 * found.removable / found.start) / 10
        said.append(
            "It is proven that no weights reach a loss below "
            f"{format_loss(found.lower_bound, down=True)}, so no weights remove more than "
            f"{most:.1f}%."
        )
    else:
        said.append("No lower bound above 0 was proven: other weights may remove more.")
    return said


def _released(found: Convergence) -> list[str]:
    """Return sentences on how much the released steps remove, and on how far they went."""
    steps = f"The first {found.steps:,} steps of the released algorithm"
    if found.removed_by_reference <= 0:
        return [f"{steps} remove nothing: its step size is too large for these features."]
    removed = found.removed_by_reference
    said = [
        f"{steps} remove {100 * removed / found.reference_start:.1f}%: measured by this loss, the "
        f"null space that our weights show is {_times(found.removed / removed)} as large."
    ]
    if found.merge_error > 0:
        said.append(
            "Steps were merged, which changes the loss by at most "
            f"{found.merge_error:.1g} (measured)."
        )
    progress, published = f"{found.progress:.2g}", f"{PUBLISHED_PROGRESS:g}"
    going = f"Step size times steps divided by candidates is {progress} for these steps and"
    runs = f"{published} for the published runs (100,000 steps, 250,000 candidates)"
    if found.progress >= PUBLISHED_PROGRESS:
        said.append(f"{going} {runs}, so these steps went at least as far.")
    else:
        said.append(
            f"{going} {runs}. The published runs went further; how much loss they leave is not "
            "measured here."
        )
    return said


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} times" if ratio >= 9.95 else f"{ratio:.2f} times"
