"""Distances between features with bounds of their errors, and balls about features.

Nearly all of the time is spent on matrix products. A squared distance computed as
|x|^2 + |y|^2 - 2 x.y is wrong in its last digits, above all for duplicates. Each such distance
therefore has an error bound. Where the bound leaves a decision open, the decision is made from
differences in float64, once for all copies of an image: a generator that collapsed or memorizes
makes thousands of copies.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_rows, is_tensor, require_finite

if TYPE_CHECKING:
    import torch

__all__ = [
    "BLOCK",
    "MANY",
    "Balls",
    "DType",
    "Features",
    "Points",
    "balls_about",
    "blocks",
    "distances_between",
    "distinct_rows",
    "exact_distances",
    "exact_pairs",
    "exact_radii",
    "full_precision",
    "load",
    "near_pairs",
    "on_gpu",
    "require_alike",
    "require_counts",
]

DType: TypeAlias = Literal["float16", "float32", "float64"]
Rows: TypeAlias = "slice | Array"

BLOCK = 1536  # images per side of a block of distances; each pair within a block is computed twice
MANY = 0.1  # share of open decisions above which products in float64 are tried before differences
NUMBERS = 2**22  # differences held in memory at a time


def require_counts(**counts: Any) -> None:
    """Raise FringeError if an argument is not a whole number of at least 1.

    >>> require_counts(k=5, block=1536)
    """
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise FringeError(f"{name}: got {value!r}; give a whole number of at least 1")


def require_alike(x: "Features", y: "Features", k: int) -> None:
    """Raise FringeError if dimensions differ, or if a set has fewer than k + 1 images."""
    if x.dim != y.dim:
        raise FringeError(
            f"{x.what} and {y.what} features have {x.dim} and {y.dim} dimensions: they come "
            "from different networks or spaces"
        )
    for side in (x, y):
        if side.count <= k:
            raise FringeError(
                f"{side.what}: {side.count} images are too few for k = {k}; give at least {k + 1}"
            )


def on_gpu(value: Any) -> bool:
    """Return whether ``value`` is a tensor on a GPU."""
    return is_tensor(value) and value.device.type != "cpu"


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute float32 products in float32, not in TF32 or bfloat16, which no bound here covers."""
    import torch

    cuda, mkldnn = torch.backends.cuda.matmul, torch.backends.mkldnn
    with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
        # torch 2.9 and later have this setting, and do not allow it together with the older one.
        if hasattr(cuda, "fp32_precision"):
            settings = (cuda, mkldnn.matmul)  # type: ignore[attr-defined]
            before = [setting.fp32_precision for setting in settings]
            try:
                for setting in settings:
                    setting.fp32_precision = "ieee"
                yield
            finally:
                for setting, value in zip(settings, before, strict=True):
                    setting.fp32_precision = value
        else:
            allowed = torch.get_float32_matmul_precision()
            try:
                torch.set_float32_matmul_precision("highest")
                yield
            finally:
                torch.set_float32_matmul_precision(allowed)


class Features:
    """The rows of one set: checked, and read in blocks as ``dtype`` on ``device``.

    Attributes
    ----------
    count, dim : int
        Images and dimensions.
    centre : float64 tensor (D,)
        The mean, used as the origin for distances.
    """

    def __init__(self, value: Any, what: str, dtype: DType, device: str) -> None:
        import torch

        self.what, self.dtype, self.device = what, dtype, device
        self.rows = as_rows(value, what)
        self.count, self.dim = map(int, self.rows.shape)
        # Beyond this, squared distances overflow. In half precision, `balls_about` checks instead.
        limit = torch.finfo(getattr(torch, dtype)).max
        if dtype != "float16":
            limit = (limit / (8 * self.dim)) ** 0.5
        # Any origin among the features works if both sides use the same one.
        total = torch.zeros(self.dim, dtype=torch.float64, device=device)
        for at in blocks(self.count, BLOCK):
            rows = self.read(at)
            low, high = rows.aminmax()
            if not (-limit <= low and high <= limit):
                block = self.rows[at]
                block = block.double().cpu().numpy() if is_tensor(block) else block
                require_finite(block, what, at.start)
                raise self.overflow()
            total += rows.sum(dim=0)
        self.centre = total / self.count

    def read(self, at: Rows) -> "torch.Tensor":
        """Return the rows (b, D), rounded to ``dtype``."""
        import torch

        if is_tensor(self.rows):
            rows: torch.Tensor = self.rows[at]
        else:
            array = self.rows[at]
            with np.errstate(over="ignore"):
                array = array.astype(self.dtype, copy=not array.flags.writeable)
            rows = torch.from_numpy(array)
        return rows.to(self.device, getattr(torch, self.dtype))

    def part(self, rows: Array) -> "Features":
        """Return a set of only the given ``rows``."""
        return Features(self.rows[rows], self.what, self.dtype, self.device)

    def overflow(self) -> FringeError:
        """Return the exception for distances that ``dtype`` cannot hold."""
        return FringeError(
            f"{self.what}: distances between these features overflow {self.dtype}; "
            "divide all features by one number, or use a dtype with more bits"
        )


class Points(NamedTuple):
    """Rows (b, D), their squared norms (b,), and their contributions to a distance's error (b,)."""

    rows: "torch.Tensor"
    squares: "torch.Tensor"
    errors: "torch.Tensor"


class Balls(NamedTuple):
    """Bounds of the squared radius about each feature, (n,) each.

    In half precision, both bounds are the radius itself.
    """

    low: "torch.Tensor"
    high: "torch.Tensor"


def blocks(count: int, block: int) -> Iterator[slice]:
    """Yield the slices of at most ``block`` rows that make up ``count`` rows."""
    for start in range(0, count, block):
        yield slice(start, min(start + block, count))


def load(features: Features, at: Rows, centre: "torch.Tensor", arithmetic: str) -> Points:
    """Return rows with ``centre`` as their origin, and the norms that products need."""
    import torch

    rows = features.read(at)
    if arithmetic == "float16":
        # As in the released code, each square is rounded, then their sum. Here the sum itself is
        # exact, so that the result does not depend on the order of summation.
        squares = rows.square().double().sum(dim=1)
        return Points(rows.double(), _half(squares).double(), torch.zeros_like(squares))
    kind = getattr(torch, arithmetic)
    rows = rows.to(kind) - centre.to(kind)
    squares = torch.linalg.vector_norm(rows, dim=1).square()
    return Points(rows, squares, _error(squares, features.dim))


def _half(values: "torch.Tensor") -> "torch.Tensor":
    return values.float().half()  # via float32, in which matrix products sum half-precision values


def _error(squares: "torch.Tensor", dim: int) -> "torch.Tensor":
    """Return the contribution of a point of squared norm |x|^2 to the error of its distances.

    In any order of summation, a sum of n products is off by at most n u / (1 - n u) of the sum of
    their magnitudes (Higham 2002, Section 3.1), and 2 |x||y| <= |x|^2 + |y|^2. A squared norm is
    one such sum, and a product of two points is another. The other roundings (of centred rows,
    norms, final sums and comparisons) are fewer than 16 of that size.
    """
    import torch

    kind = torch.finfo(squares.dtype)
    share = (2 * dim + 16) * kind.eps / 2
    return 1.1 * share * squares + 4 * dim * kind.tiny  # the last term covers underflow


def distances_between(a: Points, b: Points, arithmetic: str) -> "torch.Tensor":
    """Return upper bounds of squared distances (a, b).

    Subtract twice the errors to get lower bounds. In half precision, return the distances
    themselves, rounded to half precision.
    """
    # One product over all dimensions, so that threads synchronize less often.
    products = a.rows @ b.rows.T
    distances = products.mul_(-2).add_(b.squares + b.errors).add_((a.squares + a.errors)[:, None])
    if arithmetic == "float16":
        return _half(_half(distances).float().clamp_(min=0).sqrt()).float()
    return distances


def balls_about(features: Features, k: int, block: int, arithmetic: str) -> Balls:
    """Return the ball about each feature. Each pair of blocks is multiplied once."""
    import torch

    kind = torch.float64 if arithmetic == "float64" else torch.float32
    smallest = torch.full((features.count, k + 1), torch.inf, dtype=kind, device=features.device)
    squares, errors = (torch.zeros_like(smallest[:, 0]) for _ in range(2))

    def keep(at: slice, distances: "torch.Tensor") -> None:
        nearest = distances.topk(min(k + 1, distances.shape[1]), largest=False).values
        both = torch.cat([smallest[at], nearest], dim=1)
        smallest[at] = both.topk(k + 1, largest=False).values

    for at in blocks(features.count, block):
        a = load(features, at, features.centre, arithmetic)
        squares[at], errors[at] = a.squares, a.errors
        keep(at, distances_between(a, a, arithmetic))
        for other in blocks(features.count, block):
            if other.start > at.start:
                b = load(features, other, features.centre, arithmetic)
                distances = distances_between(a, b, arithmetic)
                keep(at, distances)
                keep(other, distances.T.contiguous())
    high = smallest.amax(dim=1)
    if arithmetic == "float16":
        if not high.isfinite().all():
            raise features.overflow()
        return Balls(high, high)
    # The k + 1 nearest features, at distances up to r <= high, have norms up to |x| + r.
    reach = (squares.sqrt() + high.sqrt()).square()
    return Balls(high - 2 * (errors + _error(reach, features.dim)), high)


def distinct_rows(features: Features, rows: Array) -> tuple[Array, Array]:
    """Return the first row of each group of identical ``rows``, and the group of each row."""
    seen: dict[bytes, int] = {}
    groups = np.empty(len(rows), dtype=np.intp)
    for at in blocks(len(rows), BLOCK):
        values = features.read(rows[at]).cpu().numpy()
        groups[at] = [
            seen.setdefault(hashlib.sha256(row.tobytes()).digest(), len(seen)) for row in values
        ]
    _, first = np.unique(groups, return_index=True)
    return rows[first], groups


def exact_radii(
    manifold: Features, rows: Array, high: "torch.Tensor", k: int, block: int, arithmetic: str
) -> Floats:
    """Return the squared radii of the balls about ``rows``, computed from differences."""
    a = load(manifold, rows, manifold.centre, arithmetic)
    smallest = np.full((len(rows), k + 1), np.inf)
    for at in blocks(manifold.count, block):
        b = load(manifold, at, manifold.centre, arithmetic)
        pairs = near_pairs(a, b, high[rows, None], arithmetic)
        distances = exact_distances(manifold, rows, manifold, at, pairs)
        both = np.concatenate([smallest, distances], axis=1)
        smallest = np.partition(both, k, axis=1)[:, : k + 1]
    return np.asarray(smallest.max(axis=1))


def near_pairs(a: Points, b: Points, high: "torch.Tensor", arithmetic: str) -> Array:
    """Return, for each pair of points, whether their squared distance may be at most ``high``."""
    lower = distances_between(a, b, arithmetic).sub_(2 * b.errors).sub_(2 * a.errors[:, None])
    near: Array = (lower <= high).cpu().numpy()
    return near


def exact_distances(a: Features, rows: Array, b: Features, columns: slice, pairs: Array) -> Floats:
    """Return the squared distances of the chosen ``pairs``, and infinity for all other pairs.

    Each distance is summed in the same order for any block, so that equal distances stay equal.
    """
    distances = np.full(pairs.shape, np.inf)
    i, j = np.nonzero(pairs)
    distances[i, j] = exact_pairs(a, rows[i], b, columns.start + j)
    return distances


def exact_pairs(a: Features, rows: Array, b: Features, columns: Array) -> Floats:
    """Return the squared distances (p,) between ``rows`` (p,) of a and ``columns`` (p,) of b.

    Each distance is summed from differences in float64, always in the same order, so that equal
    distances stay equal.
    """
    squares = np.empty(len(rows))
    for at in blocks(len(rows), max(1, NUMBERS // a.dim)):
        x = a.read(rows[at]).double().cpu().numpy()
        y = b.read(columns[at]).double().cpu().numpy()
        squares[at] = np.square(x - y).sum(axis=1)
    return squares
