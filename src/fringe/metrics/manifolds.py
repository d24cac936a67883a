"""Improved precision and recall (Kynkäänniemi et al. 2019), exact and in bounded memory.

The manifold of a set of features is a ball about each of them that reaches to its k-th nearest
neighbour. Precision is the share of generated images inside the manifold of the real ones, recall
the share of real images inside that of the generated ones.

Nearly all the time goes into products of matrices, and |x|^2 + |y|^2 - 2 x.y is wrong in its last
digits, most of all for duplicates. So each such distance comes with a bound of its error, and
decisions that the bound leaves open are taken again from differences in float64, once for all
copies of an image: a generator that collapsed or memorizes makes thousands.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_matrix, is_tensor, require_finite

if TYPE_CHECKING:
    import torch

__all__ = ["DType", "PrecisionRecall", "precision_recall", "precision_recalls"]

DType: TypeAlias = Literal["float16", "float32", "float64"]
Rows: TypeAlias = "slice | Array"

BLOCK = 1536  # images per side of a block of distances; the pairs within one are taken twice
MANY = 0.1  # share of open decisions above which products in float64 come before differences
NUMBERS = 2**22  # differences held at a time


class PrecisionRecall(NamedTuple):
    """Shares from 0 to 1: generated images in the real manifold, real in the generated one."""

    precision: float
    recall: float


def precision_recall(
    real: Any, generated: Any, k: int = 3, *, dtype: DType = "float32", block: int = BLOCK
) -> PrecisionRecall:
    """Return improved precision and recall of generated features.

    An image is inside a manifold if its distance to one image there, at least, is no greater than
    from that image to its k-th nearest neighbour, itself not counted.

    Parameters
    ----------
    real, generated : array (n, D), (m, D)
        Computed on the GPU where one of them is a tensor there. Read in blocks: only those are
        converted or moved.
    k : int
        3 in Kynkäänniemi et al. 2019 and the released code.
    dtype : "float32", "float64" or "float16"
        What features are rounded to. With the first two, all decisions are those of distances
        summed from differences in float64; neither ``block`` nor the device matters. "float16" is
        the arithmetic of NVIDIA's released code: squared norms, distances and radii in half
        precision, a noise of some tenths of a percent. For comparison with published values.
    block : int
        Images per side of a block of distances; memory grows with its square.

    Raises
    ------
    FringeError
        Different dimensions, NaN or infinity, fewer than k + 1 images in a set, distances too
        large for ``dtype``.
    """
    return next(precision_recalls(real, [generated], k, dtype=dtype, block=block))


def precision_recalls(
    real: Any,
    generated: Iterable[Any],
    k: int = 3,
    *,
    dtype: DType = "float32",
    block: int = BLOCK,
) -> Iterator[PrecisionRecall]:
    """Yield `precision_recall` of each generated set; they share the radii of the real one."""
    import torch

    if dtype not in ("float16", "float32", "float64"):
        raise FringeError(f"dtype: got {dtype!r}; known are 'float16', 'float32' and 'float64'")
    for name, value in (("k", k), ("block", block)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise FringeError(f"{name}: got {value!r}; give a whole number of at least 1")
    x: _Features | None = None
    balls: dict[str, _Balls] = {}
    for other in generated:
        with torch.inference_mode(), _full_precision():
            device = next((str(v.device) for v in (real, other) if _on_gpu(v)), "cpu")
            if x is None or x.device != device:
                x, balls = _Features(real, "real", dtype, device), {}
            y = _Features(other, "generated", dtype, device)
            if x.dim != y.dim:
                raise FringeError(
                    f"real and generated features have {x.dim} and {y.dim} dimensions: they come "
                    "from different networks or spaces"
                )
            for side in (x, y):
                if side.count <= k:
                    raise FringeError(
                        f"{side.what}: {side.count} images are too few for k = {k}; "
                        f"give at least {k + 1}"
                    )
            result = _measure(x, y, int(k), int(block), balls)
        yield result


def _on_gpu(value: Any) -> bool:
    return is_tensor(value) and value.device.type != "cpu"


@contextmanager
def _full_precision() -> Iterator[None]:
    """Keep products of float32 from being taken in TF32 or bfloat16, which no bound here covers."""
    import torch

    cuda, mkldnn = torch.backends.cuda.matmul, torch.backends.mkldnn
    with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
        if hasattr(cuda, "fp32_precision"):  # torch 2.9 and later, where old and new do not mix
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


class _Features:
    """The rows of one set, checked, read in blocks as ``dtype`` on ``device``."""

    def __init__(self, value: Any, what: str, dtype: DType, device: str) -> None:
        import torch

        self.what, self.dtype, self.device = what, dtype, device
        if is_tensor(value):
            if value.ndim != 2 or 0 in value.shape or value.is_complex():
                raise FringeError(
                    f"{what}: expected numbers of shape (images, dimensions), "
                    f"got shape {tuple(value.shape)} of {value.dtype}"
                )
            self.rows = value.detach()
        else:
            self.rows = as_matrix(value, what)
        self.count, self.dim = map(int, self.rows.shape)
        # Beyond this, squared distances overflow. In half precision norms tell, see `_balls`.
        limit = torch.finfo(getattr(torch, dtype)).max
        if dtype != "float16":
            limit = (limit / (8 * self.dim)) ** 0.5
        # Any origin amid the features will do, as long as it is the same for both sides.
        total = torch.zeros(self.dim, dtype=torch.float64, device=device)
        for at in _blocks(self.count, BLOCK):
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

    def overflow(self) -> FringeError:
        return FringeError(
            f"{self.what}: distances between these features overflow {self.dtype}; "
            "divide all features by one number, or use a dtype of more bits"
        )


class _Points(NamedTuple):
    """Rows (b, D), their squared norms (b,), and their share in the error of a distance (b,)."""

    rows: "torch.Tensor"
    squares: "torch.Tensor"
    errors: "torch.Tensor"


class _Balls(NamedTuple):
    """Bounds of the squared radius about each feature, (n,) each. In half precision: the radius."""

    low: "torch.Tensor"
    high: "torch.Tensor"


def _measure(
    x: _Features, y: _Features, k: int, block: int, known: dict[str, _Balls]
) -> PrecisionRecall:
    """Return precision and recall; ``known`` keeps the balls about x, by arithmetic."""
    tries = {"float32": ("float32", "float64")}.get(x.dtype, (x.dtype,))
    for arithmetic in tries:
        if arithmetic not in known:
            known[arithmetic] = _balls(x, k, block, arithmetic)
        balls = known[arithmetic], _balls(y, k, block, arithmetic)
        inside, maybe = _bounded(x, y, balls, block, arithmetic)
        open_ = [np.flatnonzero(m & ~i) for i, m in zip(inside, maybe, strict=True)]
        if all(len(rows) <= MANY * len(i) for rows, i in zip(open_, inside, strict=True)):
            break
    for probes, manifold, side in ((x, y, 0), (y, x, 1)):
        if len(open_[side]):
            high = balls[1 - side].high
            inside[side][open_[side]] = _settle(
                probes, open_[side], manifold, high, x.centre, k, block, arithmetic
            )
    return PrecisionRecall(precision=float(inside[1].mean()), recall=float(inside[0].mean()))


def _blocks(count: int, block: int) -> Iterator[slice]:
    for start in range(0, count, block):
        yield slice(start, min(start + block, count))


def _load(features: _Features, at: Rows, centre: "torch.Tensor", arithmetic: str) -> _Points:
    """Return rows with what distances by products need, moved so that ``centre`` is the origin."""
    import torch

    rows = features.read(at)
    if arithmetic == "float16":
        # As released: each square rounded, then their sum. Here the sum itself is exact, so that
        # it does not depend on the order of summation.
        squares = rows.square().double().sum(dim=1)
        return _Points(rows.double(), _half(squares).double(), torch.zeros_like(squares))
    kind = getattr(torch, arithmetic)
    rows = rows.to(kind) - centre.to(kind)
    squares = torch.linalg.vector_norm(rows, dim=1).square()
    return _Points(rows, squares, _error(squares, features.dim))


def _half(values: "torch.Tensor") -> "torch.Tensor":
    return values.float().half()  # by way of float32, in which matrix products sum halves


def _error(squares: "torch.Tensor", dim: int) -> "torch.Tensor":
    """Return what a point of squared norm |x|^2 adds to the error of its squared distances.

    A sum of n products is off by at most n u / (1 - n u) of the sum of their magnitudes, whatever
    the order (Higham 2002, Section 3.1), and 2 |x||y| <= |x|^2 + |y|^2; a squared norm is one such
    sum, a product of two points another. The other roundings (of rows when they are centred, of
    norms, final sums and comparisons) are fewer than 16 of that size.
    """
    import torch

    kind = torch.finfo(squares.dtype)
    share = (2 * dim + 16) * kind.eps / 2
    return 1.1 * share * squares + 4 * dim * kind.tiny  # the last: products that underflow


def _distances(a: _Points, b: _Points, arithmetic: str) -> "torch.Tensor":
    """Return upper bounds of squared distances (a, b); less twice the errors they are lower ones.

    In half precision: the distances themselves, as rounded there.
    """
    # One product of all dimensions: threads that other work keeps waiting meet less often.
    products = a.rows @ b.rows.T
    distances = products.mul_(-2).add_(b.squares + b.errors).add_((a.squares + a.errors)[:, None])
    if arithmetic == "float16":
        return _half(_half(distances).float().clamp_(min=0).sqrt()).float()
    return distances


def _balls(features: _Features, k: int, block: int, arithmetic: str) -> _Balls:
    """Return the ball about each feature; each pair of blocks is multiplied once."""
    import torch

    kind = torch.float64 if arithmetic == "float64" else torch.float32
    smallest = torch.full((features.count, k + 1), torch.inf, dtype=kind, device=features.device)
    squares, errors = (torch.zeros_like(smallest[:, 0]) for _ in range(2))

    def keep(at: slice, distances: "torch.Tensor") -> None:
        nearest = distances.topk(min(k + 1, distances.shape[1]), largest=False).values
        both = torch.cat([smallest[at], nearest], dim=1)
        smallest[at] = both.topk(k + 1, largest=False).values

    for at in _blocks(features.count, block):
        a = _load(features, at, features.centre, arithmetic)
        squares[at], errors[at] = a.squares, a.errors
        keep(at, _distances(a, a, arithmetic))
        for other in _blocks(features.count, block):
            if other.start > at.start:
                b = _load(features, other, features.centre, arithmetic)
                distances = _distances(a, b, arithmetic)
                keep(at, distances)
                keep(other, distances.T.contiguous())
    high = smallest.amax(dim=1)
    if arithmetic == "float16":
        if not high.isfinite().all():
            raise features.overflow()
        return _Balls(high, high)
    # The k + 1 nearest, at distances up to r <= high, have norms up to |x| + r.
    reach = (squares.sqrt() + high.sqrt()).square()
    return _Balls(high - 2 * (errors + _error(reach, features.dim)), high)


def _bounded(
    x: _Features, y: _Features, balls: tuple[_Balls, _Balls], block: int, arithmetic: str
) -> tuple[list[Array], list[Array]]:
    """Return which rows of x and y are surely in the other's manifold, and which may be."""
    import torch

    inside, maybe = (
        [torch.zeros(side.count, dtype=torch.bool, device=x.device) for side in (x, y)]
        for _ in range(2)
    )
    of_x, of_y = balls
    for at_y in _blocks(y.count, block):
        b = _load(y, at_y, x.centre, arithmetic)
        for at_x in _blocks(x.count, block):
            a = _load(x, at_x, x.centre, arithmetic)
            distances = _distances(a, b, arithmetic)
            inside[0][at_x] |= (distances <= of_y.low[at_y]).any(dim=1)
            inside[1][at_y] |= (distances <= of_x.low[at_x, None]).any(dim=0)
            distances.sub_(2 * b.errors).sub_(2 * a.errors[:, None])
            maybe[0][at_x] |= (distances <= of_y.high[at_y]).any(dim=1)
            maybe[1][at_y] |= (distances <= of_x.high[at_x, None]).any(dim=0)
    return [rows.cpu().numpy() for rows in inside], [rows.cpu().numpy() for rows in maybe]


def _settle(
    probes: _Features,
    rows: Array,
    manifold: _Features,
    high: "torch.Tensor",
    centre: "torch.Tensor",
    k: int,
    block: int,
    arithmetic: str,
) -> Array:
    """Return which of the ``rows`` of ``probes`` are inside the manifold, by differences.

    Distinct rows alone are compared, each with all of the manifold that is near: of g equal rows
    in both sets this takes g differences for the distances and g for the radius, not g^2.
    """

    def near(a: _Points, at: slice) -> Array:
        b = _load(manifold, at, centre, arithmetic)
        return _near(a, b, high[at], arithmetic)

    distinct, copies = _distinct(probes, rows)
    parts = [distinct[at] for at in _blocks(len(distinct), block)]
    balls = np.zeros(manifold.count, dtype=bool)
    for part in parts:
        a = _load(probes, part, centre, arithmetic)
        for at in _blocks(manifold.count, block):
            balls[at] |= near(a, at).any(axis=0)
    needed, same = _distinct(manifold, np.flatnonzero(balls))
    squares = [
        _radii(manifold, needed[at], high, k, block, arithmetic)
        for at in _blocks(len(needed), block)
    ]
    radii = np.full(manifold.count, -np.inf)
    radii[balls] = np.concatenate(squares)[same]
    found = []
    for part in parts:
        a = _load(probes, part, centre, arithmetic)
        hit = np.zeros(len(part), dtype=bool)
        for at in _blocks(manifold.count, block):
            pairs = near(a, at) & ~hit[:, None]
            hit |= (_differences(probes, part, manifold, at, pairs) <= radii[at]).any(axis=1)
        found.append(hit)
    settled: Array = np.concatenate(found)[copies]
    return settled


def _distinct(features: _Features, rows: Array) -> tuple[Array, Array]:
    """Return the first of each group of identical ``rows``, and for each row its group."""
    seen: dict[bytes, int] = {}
    groups = np.empty(len(rows), dtype=np.intp)
    for at in _blocks(len(rows), BLOCK):
        values = features.read(rows[at]).cpu().numpy()
        groups[at] = [
            seen.setdefault(hashlib.sha256(row.tobytes()).digest(), len(seen)) for row in values
        ]
    _, first = np.unique(groups, return_index=True)
    return rows[first], groups


def _radii(
    manifold: _Features, rows: Array, high: "torch.Tensor", k: int, block: int, arithmetic: str
) -> Floats:
    """Return the squared radii of the balls about some ``rows``, by differences."""
    a = _load(manifold, rows, manifold.centre, arithmetic)
    smallest = np.full((len(rows), k + 1), np.inf)
    for at in _blocks(manifold.count, block):
        b = _load(manifold, at, manifold.centre, arithmetic)
        pairs = _near(a, b, high[rows, None], arithmetic)
        distances = _differences(manifold, rows, manifold, at, pairs)
        both = np.concatenate([smallest, distances], axis=1)
        smallest = np.partition(both, k, axis=1)[:, : k + 1]
    return np.asarray(smallest.max(axis=1))


def _near(a: _Points, b: _Points, high: "torch.Tensor", arithmetic: str) -> Array:
    """Return, for each pair of points, whether their squared distance may be up to ``high``."""
    lower = _distances(a, b, arithmetic).sub_(2 * b.errors).sub_(2 * a.errors[:, None])
    near: Array = (lower <= high).cpu().numpy()
    return near


def _differences(a: _Features, rows: Array, b: _Features, columns: slice, pairs: Array) -> Floats:
    """Return the squared distances of the ``pairs`` chosen, infinity for all others.

    Each is summed in one order, whatever the block, so that equal distances are equal.
    """
    distances = np.full(pairs.shape, np.inf)
    i, j = np.nonzero(pairs)
    for at in _blocks(len(i), max(1, NUMBERS // a.dim)):
        x = a.read(rows[i[at]]).double().cpu().numpy()
        y = b.read(columns.start + j[at]).double().cpu().numpy()
        distances[i[at], j[at]] = np.square(x - y).sum(axis=1)
    return distances
