"""Mean and covariance of features, streamed in float64."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg as linalg

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_matrix, as_numpy, like, require_finite

__all__ = [
    "Gaussian",
    "describe_rank",
    "merge_gaussians",
    "principal_axes",
    "require_same_dim",
]

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
        cls, features: Any, weights: Any = None, *, ddof: float | None = None
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
        cls, blocks: Iterable[tuple[Any, Any | None]], *, ddof: float | None = None
    ) -> "Gaussian":
        """Return the Gaussian of rows that arrive in blocks, in memory of order D^2.

        Each block's own mean and scatter are merged into the running ones (Chan, Golub and
        LeVeque 1979), so features far from zero lose no digits but those of the means; another
        division into blocks changes the result by rounding only (about 1e-14 of the largest
        variance).

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
        total = 0.0
        mean = scatter = np.zeros(0)
        counted = True
        for rows, shares, whole in _float64_rows(_checked(blocks)):
            counted = whole
            weight, centre = _centre(rows[:-1], shares)
            if not total:
                mean, scatter = centre, np.zeros((len(centre), len(centre)), order="F")
            step = centre - mean
            # The scatter of two means about their own is that of one more row.
            rows[-1] = step * np.sqrt(total * (weight / (total + weight)))
            # Half the products of rows.T @ rows, and no matrix to add: the lower triangle alone.
            scatter = linalg.blas.dsyrk(1, rows.T, beta=1, c=scatter, lower=1, overwrite_c=1)
            total += weight
            mean = mean + step * (weight / total)
        if not total:
            raise FringeError("features: no rows (or all weights are 0), so there is no Gaussian")
        divisor = total - ((1 if counted else 0) if ddof is None else ddof)
        if divisor <= 0:
            raise FringeError(
                f"features: {total:g} rows are too few for a covariance; give at least two"
            )
        covariance = scatter + scatter.T  # above the diagonal are zeros
        covariance[np.diag_indices_from(covariance)] /= 2
        covariance /= divisor
        return cls(mean, covariance)


def merge_gaussians(parts: Sequence[tuple[Gaussian, int]]) -> Gaussian:
    """Return the Gaussian of all images of several sets, from each set's own.

    Parameters
    ----------
    parts : sequence of (Gaussian, int)
        Of D dimensions each, with the number of images n behind it; covariances with the divisor
        n - 1, as those of counted images are by default.

    Returns
    -------
    Gaussian
        As of the images themselves, but for rounding.

    Raises
    ------
    FringeError
        If there is no part, or a part of fewer than two images.
    """
    counts = np.array([count for _, count in parts], dtype=np.float64)
    if not len(counts) or counts.min() < 2:
        raise FringeError(
            f"merging Gaussians: got {[count for _, count in parts]} images; give at least one "
            "set, each of two images or more"
        )
    means = np.stack([as_numpy(part.mean).astype(np.float64) for part, _ in parts])
    mean = counts @ means / counts.sum()
    steps = (means - mean) * np.sqrt(counts)[:, None]
    scatter = steps.T @ steps
    for (part, _), count in zip(parts, counts, strict=True):
        scatter += (count - 1) * as_numpy(part.covariance)
    return Gaussian(mean, scatter / (counts.sum() - 1))


def principal_axes(gaussian: Gaussian, count: int = 2) -> Floats:
    """Return the directions (count, D), of length 1, of the largest variances, in order.

    The largest component of each is positive, so that equal covariances give equal directions.

    Raises
    ------
    FringeError
        If there are fewer dimensions than that.
    """
    if gaussian.dim < count:
        raise FringeError(f"principal axes: {count} of {gaussian.dim} dimensions; ask for fewer")
    covariance = as_numpy(gaussian.covariance).astype(np.float64)
    last = (gaussian.dim - count, gaussian.dim - 1)
    axes = linalg.eigh(covariance, subset_by_index=last)[1].T[::-1]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1)
    return np.asarray(axes * np.sign(largest))


def require_same_dim(real: Gaussian, generated: Gaussian) -> None:
    """Raise FringeError if two Gaussians are of features of different networks or spaces."""
    if real.dim != generated.dim:
        raise FringeError(
            f"the Gaussians have {real.dim} and {generated.dim} dimensions: their features come "
            "from different networks or spaces"
        )


def _checked(
    blocks: Iterable[tuple[Any, Any | None]],
) -> Iterator[tuple[Array, Array | None]]:
    """Yield the rows of each block whose weight is not 0, and their weights."""
    seen = 0
    dim: int | None = None
    for features, weights in blocks:
        block = as_matrix(features, "features")
        if dim is not None and block.shape[1] != dim:
            raise FringeError(
                f"features: rows {seen} and on have {block.shape[1]} dimensions, "
                f"those before have {dim}"
            )
        dim = block.shape[1]
        require_finite(block, "features", seen)
        if weights is None:
            seen += len(block)
            yield block, None
            continue
        share = as_numpy(weights)
        _check_weights(share, len(block), seen)
        seen += len(block)
        if share.all():
            yield block, share
        else:
            used = np.flatnonzero(share)
            yield block[used], share[used]


def _float64_rows(
    blocks: Iterable[tuple[Array, Array | None]],
) -> Iterator[tuple[Floats, Floats | None, bool]]:
    """Yield rows (`ROWS` + 1, D), fewer at the end, their weights, and whether those are counts.

    However the blocks are divided, the rows are not. They are a view of one buffer, to be used
    before the next is asked for; the last row is free for what the caller adds.
    """
    buffer = np.empty((0, 0))
    shares = np.empty(ROWS)
    filled = 0
    weighted: bool | None = None
    counts = True
    for block, share in blocks:
        if weighted is None:
            weighted = share is not None
            buffer = np.empty((ROWS + 1, block.shape[1]))
        if weighted != (share is not None):
            raise FringeError("weights: some blocks have them and some do not; give all or none")
        counts = counts and (share is None or share.dtype.kind in "iub")
        taken = 0
        while taken < len(block):
            size = min(ROWS - filled, len(block) - taken)
            buffer[filled : filled + size] = block[taken : taken + size]
            if share is not None:
                shares[filled : filled + size] = share[taken : taken + size]
            filled, taken = filled + size, taken + size
            if filled == ROWS:
                yield buffer, shares if weighted else None, counts
                filled = 0
    if filled:
        yield buffer[: filled + 1], shares[:filled] if weighted else None, counts


def _check_weights(weights: Array, rows: int, first: int) -> None:
    if weights.shape != (rows,):
        raise FringeError(f"weights: expected one per row, shape ({rows},), got {weights.shape}")
    require_finite(weights, "weights", first)
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise FringeError(f"weights: row {first + row} is {weights[row]}; none may be negative")


def _centre(rows: Floats, weights: Floats | None) -> tuple[float, Floats]:
    """Make of rows (b, D) those whose products are the scatter; return the weight and the mean."""
    mean = rows.mean(axis=0)
    rows -= mean
    if weights is None:
        return float(len(rows)), mean
    # The middle of the rows was taken first, so that a large common offset does not cost digits.
    total = float(weights.sum())
    shift = (weights / total) @ rows
    rows -= shift
    rows *= np.sqrt(weights)[:, None]
    return total, mean + shift


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
