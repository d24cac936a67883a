"""Mean and covariance of features, streamed in float64."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_matrix, as_numpy, like, require_finite

__all__ = ["Gaussian", "describe_rank"]

ROWS = 4096  # rows that are converted to float64 at a time


@dataclass(frozen=True, eq=False)
class Gaussian:
    """What the Fréchet distance knows of a set of features.

    Attributes
    ----------
    mean : array (D,), float64
    covariance : array (D, D), float64, symmetric
    """

    mean: Any
    covariance: Any

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit and values that are not numbers."""
        mean, covariance = as_numpy(self.mean), as_numpy(self.covariance)
        if mean.ndim != 1 or covariance.shape != 2 * mean.shape:
            raise FringeError(
                "Gaussian: expected a mean of shape (D,) and a covariance of shape (D, D), "
                f"got {mean.shape} and {covariance.shape}"
            )
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            raise FringeError("Gaussian: the mean or the covariance holds NaN or infinity")

    @property
    def dim(self) -> int:
        """Number of dimensions D."""
        return len(self.mean)

    @classmethod
    def from_features(
        cls, features: Any, weights: Any = None, *, ddof: int | None = None
    ) -> "Gaussian":
        """Return the Gaussian of the rows of ``features``.

        Parameters
        ----------
        features : array (n, D)
            One row per image; converted to float64 in blocks.
        weights : array (n,), optional
            Integers count how often a row is there: the result is that of the repeated rows.
            Floats are relative weights. Rows of weight 0 do not matter.
        ddof : int, optional
            The scatter is divided by ``sum(weights) - ddof``. Default: 1 without weights and
            with integer counts (as ``numpy.cov``), 0 with float weights (as the paper, Sec. 4.2).

        Returns
        -------
        Gaussian
            Of torch tensors where ``features`` is one, else of NumPy arrays.

        Raises
        ------
        FringeError
            NaN or infinity, negative weights, or too few rows for the divisor.
        """
        matrix = as_matrix(features, "features")
        counts = None if weights is None else as_numpy(weights)
        if counts is not None and counts.shape != matrix.shape[:1]:
            raise FringeError(
                f"weights: expected one per row, shape ({len(matrix)},), got {counts.shape}"
            )

        def blocks() -> Iterator[tuple[Array, Array | None]]:
            for first in range(0, len(matrix), ROWS):
                rows = slice(first, first + ROWS)
                yield matrix[rows], None if counts is None else counts[rows]

        result = cls.from_blocks(blocks(), ddof=ddof)
        return cls(like(features, result.mean), like(features, result.covariance))

    @classmethod
    def from_blocks(
        cls, blocks: Iterable[tuple[Any, Any | None]], *, ddof: int | None = None
    ) -> "Gaussian":
        """Return the Gaussian of rows that arrive in blocks, in memory of order D^2.

        Each block's own mean and scatter are merged into the running ones (Chan, Golub and
        LeVeque 1979), so features far from zero lose no digits; another division into blocks
        changes the result by rounding only (about 1e-14 of the largest variance).

        Parameters
        ----------
        blocks : iterable of (features (b, D), weights (b,) or None)
            As in `from_features`; either all blocks have weights or none.
        ddof : int, optional
            As in `from_features`.

        Raises
        ------
        FringeError
            As `from_features`; also if there is no block or their dimensions differ.
        """
        total, seen = 0.0, 0
        mean: Floats | None = None
        scatter: Floats | None = None
        counted = True
        for features, weights in blocks:
            block = as_matrix(features, "features")
            if mean is not None and block.shape[1] != len(mean):
                raise FringeError(
                    f"features: rows {seen} and on have {block.shape[1]} dimensions, "
                    f"those before have {len(mean)}"
                )
            require_finite(block, "features", seen)
            share: Floats | None = None
            if weights is not None:
                counts = as_numpy(weights)
                counted = counted and counts.dtype.kind in "iub"
                _check_weights(counts, len(block), seen)
                used = np.flatnonzero(counts)
                block, share = block[used], counts[used].astype(np.float64)
            seen += len(as_numpy(features))
            if not len(block):
                continue
            weight, centre, own = _moments(block, share)
            if mean is None or scatter is None:
                total, mean, scatter = weight, centre, own
                continue
            step = centre - mean
            scatter += own
            scatter += np.outer(step, step * (total * weight / (total + weight)))
            total += weight
            mean = mean + step * (weight / total)
        if mean is None or scatter is None:
            raise FringeError("features: no rows (or all weights are 0), so there is no Gaussian")
        divisor = total - ((1 if counted else 0) if ddof is None else ddof)
        if divisor <= 0:
            raise FringeError(
                f"features: {total:g} rows are too few for a covariance; give at least two"
            )
        return cls(mean, (scatter + scatter.T) / (2 * divisor))


def _check_weights(weights: Array, rows: int, first: int) -> None:
    if weights.shape != (rows,):
        raise FringeError(f"weights: expected one per row, shape ({rows},), got {weights.shape}")
    require_finite(weights, "weights", first)
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise FringeError(f"weights: row {first + row} is {weights[row]}; none may be negative")


def _moments(block: Array, weights: Floats | None) -> tuple[float, Floats, Floats]:
    """Return the sum of weights, the mean (D,) and the scatter (D, D) of one block."""
    rows = block.astype(np.float64)
    if weights is None:
        mean = rows.mean(axis=0)
        rows -= mean
        return float(len(rows)), mean, rows.T @ rows
    total = float(weights.sum())
    # The middle of the rows first, so that a large common offset does not cost digits.
    offset = rows.mean(axis=0)
    rows -= offset
    mean = (weights / total) @ rows
    rows -= mean
    rows *= np.sqrt(weights)[:, None]
    return total, mean + offset, rows.T @ rows


def describe_rank(n: int, dim: int, what: str = "the features") -> str | None:
    """Return what it means that ``n`` images span at most n - 1 of ``dim`` dimensions.

    None if there are enough images. The Fréchet distance is exact for singular covariances too;
    it is the sample that says too little about its population.
    """
    if n > dim:
        return None
    return (
        f"{n} images for {dim} dimensions: the covariance of {what} is singular (rank at most "
        f"{max(n - 1, 0)}). The distance is exact for these images, but biased as an estimate for "
        "their population, so compare it only with values of equal counts."
    )
