"""How much of FID weights can remove, proven, beside what the released algorithm's steps remove."""

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
    """Return the paragraph on one dataset, or none where the released steps were not measured.

    Losses are those of all candidates with their weights, not of a draw, and each algorithm's fall
    is taken from its own start, as their losses divide the covariance by different sums.

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
        return ["The optimized loss is 0 at equal weights: there is nothing to remove."]
    said = [
        f"The optimized loss (FID of all {found.candidates:,} candidates, weighted) falls from "
        f"{format_loss(found.start)} at equal weights to {format_loss(found.ours)} at the lowest: "
        f"such weights remove {100 * found.removed / found.start:.1f}%."
    ]
    if found.lower_bound > 0:
        most = math.ceil(1000 * found.removable / found.start) / 10
        said.append(
            f"It is proven that none reach below {format_loss(found.lower_bound, down=True)}, so "
            f"none remove more than {most:.1f}%."
        )
    else:
        said.append("No bound above 0 was proven: other weights may remove more.")
    return said


def _released(found: Convergence) -> list[str]:
    """Return what the released steps remove beside that, and how far they went."""
    steps = f"The first {found.steps:,} steps of the released algorithm"
    if found.removed_by_reference <= 0:
        return [f"{steps} remove nothing: its step size is too large for these features."]
    removed = found.removed_by_reference
    said = [
        f"{steps} remove {100 * removed / found.reference_start:.1f}%: by this loss, the null "
        f"space that our weights show is {_times(found.removed / removed)} as large."
    ]
    if found.merge_error > 0:
        said.append(
            f"Steps were merged, by which the loss errs by at most {found.merge_error:.1g} "
            "(measured)."
        )
    progress, published = f"{found.progress:.2g}", f"{PUBLISHED_PROGRESS:g}"
    going = f"Step size times steps over candidates is {progress} there and"
    runs = f"{published} in the published runs (100,000 steps, 250,000 candidates)"
    if found.progress >= PUBLISHED_PROGRESS:
        said.append(f"{going} {runs}, so these steps went at least as far.")
    else:
        said.append(
            f"{going} {runs}, which went further than this: how much they leave is not measured "
            "here."
        )
    return said


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} times" if ratio >= 9.95 else f"{ratio:.2f} times"
