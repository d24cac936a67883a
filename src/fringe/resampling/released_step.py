"""A step of the weight optimization, computed as in the released code, for timing and comparison.

Loss and gradient are the same as in :mod:`fringe.resampling.reference`. This module computes them
as the released code does: from eigenvalues of the unsymmetric product S R, with autograd through
the eigenvalues and the weighted covariance to the log-weights.
"""

import time
from typing import Any, NamedTuple

import numpy as np
import torch

from fringe.devices.choice import describe_device, open_device
from fringe.errors import FringeError
from fringe.metrics import Gaussian
from fringe.metrics.arrays import Array
from fringe.resampling.objective import EPSILON

__all__ = ["Timing", "released_loss", "released_step", "time_released_step"]


class Timing(NamedTuple):
    """The time of one released step, and the conditions of the measurement.

    Attributes
    ----------
    seconds : float
        Time of the fastest step, which favours the released code.
    steps : int
        Number of timed steps. One more step was taken before, without timing.
    device : str
        "cpu", or the GPU's name.
    threads : int
        Number of threads of PyTorch on the CPU.
    """

    seconds: float
    steps: int
    device: str
    threads: int


def released_loss(w: torch.Tensor, features: torch.Tensor, real: Gaussian) -> torch.Tensor:
    """Return the released loss, differentiable in the log-weights.

    Parameters
    ----------
    w : float64 tensor (N,)
        Log-weights.
    features : float64 tensor (N, D)
        Features of the candidates.
    real : Gaussian
        Float64 tensors, divisor n - 1.
    """
    weights = w.exp()
    total = weights.sum()
    mean = weights @ features / total
    centred = features - mean
    covariance = (centred * weights[:, None]).T @ centred / (total - 1)
    eigenvalues = torch.linalg.eigvals(covariance @ real.covariance).real
    roots = (eigenvalues + EPSILON).sqrt()
    difference = mean - real.mean
    traces = covariance.trace() + real.covariance.trace() - 2 * roots.sum()
    loss: torch.Tensor = difference @ difference + traces
    return loss


def released_step(
    w: torch.Tensor, features: torch.Tensor, real: Gaussian, learning_rate: float
) -> tuple[float, torch.Tensor]:
    """Return the loss at the log-weights ``w`` (N,), and the log-weights after one step of SGD.

    The other arguments are those of `released_loss`.
    """
    w = w.detach().requires_grad_()
    loss = released_loss(w, features, real)
    (gradient,) = torch.autograd.grad(loss, w)
    return loss.item(), w.detach() - learning_rate * gradient


def time_released_step(
    real: Gaussian,
    candidates: Array,
    steps: int = 3,
    *,
    learning_rate: float = 10.0,
    device: str = "cpu",
) -> Timing:
    """Return the time of released steps. Each step starts at equal weights.

    Parameters
    ----------
    real : Gaussian
        NumPy, of D dimensions.
    candidates : array (N, D)
    steps : int
        Number of timed steps, at least 1. One more step is taken before, without timing.
    device : str
        PyTorch's name of the device. Its memory must hold about six float64 copies of the
        candidates, which the released code keeps for its backward pass.

    Raises
    ------
    FringeError
        If the device does not exist or has too little memory.
    """
    place = open_device(device)

    def moved(array: Any) -> torch.Tensor:
        return torch.from_numpy(np.asarray(array, np.float64)).to(place)

    taken = []
    try:
        features = moved(candidates)
        statistics = Gaussian(moved(real.mean), moved(real.covariance))
        w = torch.zeros(len(features), dtype=torch.float64, device=place)
        for _ in range(1 + steps):
            start = time.perf_counter()
            _, moved_on = released_step(w, features, statistics, learning_rate)
            moved_on.cpu()  # wait for the GPU
            taken.append(time.perf_counter() - start)
    except torch.OutOfMemoryError as error:
        raise FringeError(
            f"released step: {len(candidates):,} candidates of {candidates.shape[1]:,} features "
            f"do not fit on {device} ({error}); give a device with more memory, such as 'cpu', or "
            "leave the measurement out (convergence/steps: 0)"
        ) from error
    return Timing(min(taken[1:]), steps, *describe_device(place))
