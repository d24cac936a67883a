"""CMMD (Jayasumana et al., CVPR 2024, arXiv 2401.09603), a kernel distance of CLIP embeddings."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats, as_rows, is_tensor, require_finite
from fringe.metrics.balls import blocks, full_precision
from fringe.metrics.scored import Scored
from fringe.progress import progress

if TYPE_CHECKING:
    import torch

__all__ = ["cmmd"]

BLOCK = 2048  # embeddings per side of a block of kernel values
SCALE = 1000.0


def cmmd(real: Any, generated: Any, *, sigma: float = 10.0, device: str = "cpu") -> Scored:
    """Return CMMD [1]_: 1,000 times the squared maximum mean discrepancy of normalized embeddings.

    The rows are normalized to length 1, and k(x, y) = exp(-|x - y|^2 / (2 sigma^2)). The estimate
    is the biased one, which includes the pairs of an image with itself:

        1000 (mean k(x_i, x_j) + mean k(y_i, y_j) - 2 mean k(x_i, y_j))

    as in `distance.py` of the published code ([2]_, Equation 5).

    Parameters
    ----------
    real, generated : array (n, D), (m, D), or an object that supports slices of rows
        In the paper: projected embeddings of CLIP ViT-L/14 at 336 pixels. This function normalizes
        each row. Read in blocks, each several times.
    sigma : float
        10 in the paper.
    device : str
        Where kernel values are computed, such as "cuda".

    Returns
    -------
    Scored
        The error is 2000 sqrt(Var g / n + Var g' / m) to first order, where g_i is
        mean_j k(x_i, x_j) - mean_j k(x_i, y_j), and g' is the same for generated images. For sets
        that are alike, the value is only bias, about 1000 (1 - mean k) (1 / n + 1 / m), and its
        error is too large.

    Raises
    ------
    FringeError
        Different dimensions, fewer than two images, NaN or infinity, a row of zeros, a sigma that
        is not positive.

    Notes
    -----
    Inner products are computed in float32, of rows about the mean of the real rows. Norms, kernel
    values minus 1, and sums are computed in float64. The value is off by less than 1e-6.

    References
    ----------
    .. [1] Jayasumana et al., CVPR 2024, arXiv 2401.09603.
    .. [2] Gretton et al., 2012.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(500, 16)), rng.normal(size=(500, 16)) + 0.5
    >>> round(cmmd(x, y).value, 2)
    2.07
    """
    import torch

    if not (np.isfinite(sigma) and sigma > 0):
        raise FringeError(f"sigma: got {sigma!r}; give a positive number")
    gamma = 1 / (2 * float(sigma) ** 2)
    with torch.inference_mode(), full_precision():
        x, y = _Embeddings(real, "real", device), _Embeddings(generated, "generated", device)
        if x.dim != y.dim:
            raise FringeError(
                f"real and generated features have {x.dim} and {y.dim} dimensions: they come from "
                "different networks or spaces"
            )
        for side in (x, y):
            if side.count < 2:
                raise FringeError(f"{side.what}: got {side.count} image; give at least two")
        centre = (x.total / x.count).float()
        of_x, of_y = (_within(side, centre, gamma) for side in (x, y))
        of_xy, of_yx = _between(x, y, centre, gamma)
    value = of_x.mean() + of_y.mean() - 2 * of_xy.mean()
    variance = (of_x - of_xy).var(ddof=1) / x.count + (of_y - of_yx).var(ddof=1) / y.count
    return Scored(float(SCALE * value), float(2 * SCALE * np.sqrt(variance)))


class _Points(NamedTuple):
    """Rows about an origin (b, D), and the squared norms of the rows (b,) in float64."""

    rows: "torch.Tensor"
    squares: "torch.Tensor"


class _Embeddings:
    """Rows of one set: checked, read in blocks and normalized."""

    def __init__(self, value: Any, what: str, device: str) -> None:
        import torch

        self.what, self.device, self.rows = what, device, as_rows(value, what)
        self.count, self.dim = map(int, self.rows.shape)
        self.total = torch.zeros(self.dim, dtype=torch.float64, device=device)
        for at in blocks(self.count, BLOCK):
            self.total += self.read(at).sum(dim=0)

    def read(self, at: slice) -> "torch.Tensor":
        """Return normalized rows in float64 (b, D)."""
        import torch

        if is_tensor(self.rows):
            rows = self.rows[at].to(self.device, torch.float64)
        else:
            block = np.array(self.rows[at], dtype=np.float64)
            rows = torch.from_numpy(block).to(self.device)
        largest = rows.abs().amax(dim=1, keepdim=True)
        if not largest.isfinite().all():
            require_finite(rows.cpu().numpy(), self.what, at.start)
        if not (largest > 0).all():
            first = at.start + int((largest[:, 0] == 0).nonzero()[0, 0])
            raise FringeError(
                f"{self.what}: row {first} is zero and has no direction; find the image that gives "
                "it, or take the features of another network"
            )
        rows = rows / largest  # squares of large numbers overflow, squares of small numbers vanish
        normalized: torch.Tensor = rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True)
        return normalized

    def points(self, at: slice, centre: "torch.Tensor") -> _Points:
        """Return rows about ``centre`` in float32."""
        rows = (self.read(at) - centre).float()
        return _Points(rows, rows.double().square().sum(dim=1))


def _outer_blocks(x: _Embeddings, title: str) -> Iterable[slice]:
    parts = list(blocks(x.count, BLOCK))
    return progress(parts, title, total=len(parts), unit="blocks")


def _less_one(a: _Points, b: _Points, gamma: float) -> "torch.Tensor":
    """Return k(x, y) - 1 for all pairs in float64 (a, b)."""
    squares = (a.rows @ b.rows.T).double().mul_(-2)
    squares.add_(a.squares[:, None]).add_(b.squares).clamp_(min=0)
    return squares.mul_(-gamma).expm1_()


def _within(x: _Embeddings, centre: "torch.Tensor", gamma: float) -> Floats:
    """Return mean_j k(x_i, x_j) - 1 for each i (n,). Each pair of blocks is computed once."""
    import torch

    sums = torch.zeros(x.count, dtype=torch.float64, device=x.device)
    for at in _outer_blocks(x, f"kernel of {x.what} pairs"):
        a = x.points(at, centre)
        own = _less_one(a, a, gamma)
        own.fill_diagonal_(0)
        sums[at] += own.sum(dim=1)
        for other in blocks(x.count, BLOCK):
            if other.start > at.start:
                values = _less_one(a, x.points(other, centre), gamma)
                sums[at] += values.sum(dim=1)
                sums[other] += values.sum(dim=0)
    return np.asarray(sums.cpu().numpy() / x.count)


def _between(
    x: _Embeddings, y: _Embeddings, centre: "torch.Tensor", gamma: float
) -> tuple[Floats, Floats]:
    """Return mean_j k(x_i, y_j) - 1 for each i (n,), and mean_i k(x_i, y_j) - 1 for each j (m,)."""
    import torch

    of_x = torch.zeros(x.count, dtype=torch.float64, device=x.device)
    of_y = torch.zeros(y.count, dtype=torch.float64, device=x.device)
    for at in _outer_blocks(x, "kernel between sets"):
        a = x.points(at, centre)
        for other in blocks(y.count, BLOCK):
            values = _less_one(a, y.points(other, centre), gamma)
            of_x[at] += values.sum(dim=1)
            of_y[other] += values.sum(dim=0)
    return of_x.cpu().numpy() / y.count, of_y.cpu().numpy() / x.count
