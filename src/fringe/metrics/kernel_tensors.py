"""Kernel distances of tensors, computed in float64 on the device of the tensors.

The subsets and the estimator are those of `fringe.metrics.kernel`, which runs on the CPU. A GPU for
computing centres multiplies float64 matrices as fast as float32 matrices. So nothing is rounded to
float32 here, and no origin is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.kernel import Kernel, Seed, complete_kernel, draw_subsets, require_two

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["kernel_distances_of_tensors"]

BLOCK = 4096  # rows per side of a block of kernel values, 128 MiB


def kernel_distances_of_tensors(
    real: Tensor,
    generated: Tensor,
    kernels: Sequence[Kernel],
    *,
    subsets: int | None = None,
    subset_size: int = 1000,
    seed: Seed = 0,
) -> list[float]:
    """Return the `fringe.metrics.kernel_distances` [1]_ of two tensors, computed on their device.

    Both tensors are copied to float64. The memory for kernel values does not grow with the number
    of images.

    Parameters
    ----------
    real, generated : tensor (n, D), (m, D)
        On the same device, of any type; computed in float64.
    kernels : sequence of Kernel
    subsets, subset_size, seed
        See `fringe.metrics.kernel_distance`. The same subsets are drawn.

    Returns
    -------
    list of float
        In the order of ``kernels``.

    Raises
    ------
    FringeError
        Tensors that are not matrices with equal numbers of columns on one device, NaN, infinity,
        fewer than two rows, an unknown kernel.

    References
    ----------
    .. [1] Binkowski et al., 2018.

    Examples
    --------
    >>> import torch
    >>> real, generated = torch.eye(3), torch.ones(2, 3)
    >>> print([round(v, 6) for v in kernel_distances_of_tensors(real, generated, [Kernel()])])
    [4.259259]
    """
    _check(real, generated)
    complete = [complete_kernel(kernel, real.shape[1]) for kernel in kernels]
    require_two(len(real), len(generated))
    x, y = real.double(), generated.double()
    if subsets is None:
        return [float(value) for value in _mmd2(x, y, complete)]
    import torch

    values = []
    for of_x, of_y in draw_subsets(len(x), len(y), subsets, subset_size, seed):
        rows_x, rows_y = (torch.from_numpy(rows).to(x.device) for rows in (of_x, of_y))
        values.append(_mmd2(x[rows_x], y[rows_y], complete))
    return [float(value) for value in np.mean(values, axis=0)]


def _check(real: Tensor, generated: Tensor) -> None:
    shapes = [tuple(side.shape) for side in (real, generated)]
    if any(len(shape) != 2 for shape in shapes) or shapes[0][1] != shapes[1][1]:
        raise FringeError(
            f"kernel distance: got tensors of shapes {shapes[0]} and {shapes[1]}; give matrices "
            "with a row for each image and equal numbers of columns"
        )
    if real.device != generated.device:
        raise FringeError(
            f"kernel distance: real features are on {real.device}, generated features "
            f"on {generated.device}; move both to one device"
        )
    for name, side in (("real", real), ("generated", generated)):
        if not bool(side.isfinite().all()):
            raise FringeError(f"{name} features hold NaN or infinity; extract the features again")


def _mmd2(x: Tensor, y: Tensor, kernels: Sequence[tuple[str, float]]) -> np.ndarray:
    """Return the unbiased MMD^2 over all pairs for each kernel (Gretton et al. 2012, Eq. 3)."""
    within = [_sums(side, side, kernels) / (len(side) * (len(side) - 1)) for side in (x, y)]
    return np.asarray(within[0] + within[1] - 2 * _sums(x, y, kernels) / (len(x) * len(y)))


def _sums(x: Tensor, y: Tensor, kernels: Sequence[tuple[str, float]]) -> np.ndarray:
    """Return the sum of k(x_i, y_j) for each kernel.

    If y is x, the pairs of an image with itself are left out, and blocks above the diagonal are
    counted twice, because a kernel is symmetric.
    """
    same = x is y
    total = np.zeros(len(kernels))
    for at in _blocks(len(x)):
        for other in _blocks(len(y), at.start if same else 0):
            products = x[at] @ y[other].T
            for index, kernel in enumerate(kernels):
                values = _values(products, x[at], y[other], kernel)
                if same and at == other:
                    total[index] += float(values.sum() - values.diagonal().sum())
                else:
                    total[index] += (2 if same else 1) * float(values.sum())
    return total


def _values(products: Tensor, x: Tensor, y: Tensor, kernel: tuple[str, float]) -> Tensor:
    name, gamma = kernel
    if name == "polynomial":
        values = (gamma * products).add_(1)
        return (values * values).mul_(values)
    squares = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)
    return (-gamma * (squares - 2 * products).clamp_(min=0)).exp_()


def _blocks(rows: int, first: int = 0) -> Iterator[slice]:
    for start in range(first, rows, BLOCK):
        yield slice(start, min(start + BLOCK, rows))
