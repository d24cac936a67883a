"""Mean and covariance of features, computed block by block in float64."""

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
    """Mean and covariance of a set of features: the input of the Fréchet distance.

    Attributes
    ----------
    mean : array (D,), float64
    covariance : array (D, D), float64, symmetric

    Examples
    --------
    >>> import numpy as np
    >>> Gaussian(np.zeros(3), np.eye(3)).dim
    3
    """

    mean: Any
    covariance: Any

    def __post_init__(self) -> None:
        """Raise FringeError if shapes do not fit or a value is NaN or infinity."""
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
        """The number of dimensions D."""
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
            Integers say how often a row is repeated: the result is that of the repeated rows.
            Floats are relative weights. Rows of weight 0 are ignored.
        ddof : int, optional
            The scatter is divided by ``sum(weights) - ddof``. Default: 1 without weights and
            with integer counts (as in ``numpy.cov``), 0 with float weights (as in [1]_, Section
            4.2).

        Returns
        -------
        Gaussian
            Of torch tensors if ``features`` is a torch tensor, otherwise of NumPy arrays.

        Raises
        ------
        FringeError
            NaN or infinity, negative weights, or too few rows for the divisor.

        References
        ----------
        .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
           ICLR 2023.

        Examples
        --------
        >>> corners = [[0.0, 0.0], [3.0, 0.0], [0.0, 3.0], [3.0, 3.0]]
        >>> Gaussian.from_features(corners)
        Gaussian(mean=array([1.5, 1.5]), covariance=array([[3., 0.],
               [0., 3.]]))
        >>> Gaussian.from_features(corners, [0.5, 0.5, 0.0, 0.0]).mean
        array([1.5, 0. ])
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

        The mean and scatter of each block are merged into those of the blocks before it [1]_, so
        features far from zero lose only the digits of the means. A different division into blocks
        changes the result only by rounding (about 1e-14 of the largest variance).

        Parameters
        ----------
        blocks : iterable of (features (b, D), weights (b,) or None)
            As in `from_features`. Either all blocks have weights, or none.
        ddof : int, optional
            As in `from_features`.

        Raises
        ------
        FringeError
            For the reasons given in `from_features`, if there is no block, or if the dimensions of
            the blocks differ.

        References
        ----------
        .. [1] Chan, Golub and LeVeque, 1979.

        Examples
        --------
        >>> import numpy as np
        >>> rows = np.random.default_rng(0).normal(size=(1000, 3))
        >>> blocks = ((rows[first : first + 100], None) for first in range(0, 1000, 100))
        >>> bool(np.allclose(Gaussian.from_blocks(blocks).covariance, np.cov(rows.T)))
        True
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
            # The scatter of two means about their common mean equals that of one additional row.
            rows[-1] = step * np.sqrt(total * (weight / (total + weight)))
            # Only the lower triangle of rows.T @ rows: half the work, and no second matrix to add.
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
        covariance = scatter + scatter.T  # scatter is zero above the diagonal
        covariance[np.diag_indices_from(covariance)] /= 2
        covariance /= divisor
        return cls(mean, covariance)


def merge_gaussians(parts: Sequence[tuple[Gaussian, int]]) -> Gaussian:
    """Return the Gaussian of all images of several sets, given the Gaussian of each set.

    Parameters
    ----------
    parts : sequence of (Gaussian, int)
        The Gaussian of each set, of D dimensions, and its number of images n. Covariances have the
        divisor n - 1, the default of `Gaussian.from_features` without weights.

    Returns
    -------
    Gaussian
        Equal to the Gaussian of all images, except for rounding.

    Raises
    ------
    FringeError
        If there is no set, or a set has fewer than two images.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(50, 3))
    >>> parts = [(Gaussian.from_features(part), len(part)) for part in (rows[:20], rows[20:])]
    >>> bool(np.allclose(merge_gaussians(parts).covariance, np.cov(rows.T)))
    True
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
    """Return the ``count`` directions of the largest variances, the largest variance first.

    The largest component of each direction is positive, so that equal covariances give equal
    directions.

    Parameters
    ----------
    gaussian : Gaussian
        Of D dimensions.
    count : int

    Returns
    -------
    float64 array (count, D)
        Each row has the length 1.

    Raises
    ------
    FringeError
        If ``count`` is greater than D.

    Examples
    --------
    >>> import numpy as np
    >>> principal_axes(Gaussian(np.zeros(3), np.diag([1.0, 9.0, 4.0])), 2)
    array([[0., 1., 0.],
           [0., 0., 1.]])
    """
    if gaussian.dim < count:
        raise FringeError(
            f"principal axes: {count} of {gaussian.dim} dimensions; choose fewer axes"
        )
    covariance = as_numpy(gaussian.covariance).astype(np.float64)
    last = (gaussian.dim - count, gaussian.dim - 1)
    axes = linalg.eigh(covariance, subset_by_index=last)[1].T[::-1]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1)
    return np.asarray(axes * np.sign(largest))


def require_same_dim(real: Gaussian, generated: Gaussian) -> None:
    """Raise FringeError if two Gaussians have different numbers of dimensions."""
    if real.dim != generated.dim:
        raise FringeError(
            f"the Gaussians have {real.dim} and {generated.dim} dimensions: their features come "
            "from different networks or spaces"
        )


def _checked(
    blocks: Iterable[tuple[Any, Any | None]],
) -> Iterator[tuple[Array, Array | None]]:
    """Yield the rows of each block that have a weight above 0, and their weights."""
    seen = 0
    dim: int | None = None
    for features, weights in blocks:
        block = as_matrix(features, "features")
        if dim is not None and block.shape[1] != dim:
            raise FringeError(
                f"features: the rows from {seen} on have {block.shape[1]} dimensions, "
                f"the rows before have {dim}"
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
    """Yield rows (`ROWS` + 1, D), their weights, and whether the weights are counts.

    The last block has fewer rows. The division into blocks does not depend on the blocks given.
    The rows are a view of a buffer that the next iteration overwrites. The last row is free for
    the caller.
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
            raise FringeError("weights: some blocks have weights, some have none; give all or none")
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
    """Centre and weight ``rows`` (b, D) in place; return the total weight and the mean.

    Afterwards, rows^T rows is the scatter.
    """
    mean = rows.mean(axis=0)
    rows -= mean
    if weights is None:
        return float(len(rows)), mean
    # The plain mean was subtracted first, so that a large common offset does not cost digits.
    total = float(weights.sum())
    shift = (weights / total) @ rows
    rows -= shift
    rows *= np.sqrt(weights)[:, None]
    return total, mean + shift


def describe_rank(n: int, dim: int, what: str = "the features") -> str | None:
    """Return a warning that ``n`` images are too few for ``dim`` dimensions, or None.

    The covariance of n images has a rank of at most n - 1. The Fréchet distance is exact for
    singular covariances too, but so few images are a poor sample of their population.

    Parameters
    ----------
    n : int
        Number of images.
    dim : int
        Number of dimensions.
    what : str
        Name of the features in the text.

    Returns
    -------
    str or None
        None if ``n`` is greater than ``dim``.

    Examples
    --------
    >>> print(describe_rank(100, 2048, "x").split(" (")[0])
    100 images for 2048 dimensions: the covariance of x is singular
    >>> describe_rank(5000, 2048) is None
    True
    """
    if n > dim:
        return None
    return (
        f"{n} images for {dim} dimensions: the covariance of {what} is singular (rank at most "
        f"{max(n - 1, 0)}). The distance is exact for these images, but biased as an estimate for "
        "their population, so compare it only with values of equal counts."
    )
