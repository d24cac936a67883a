"""Distances between sets of features: Fréchet (FID) and kernel (KID, RBF-KID).

Knows arrays only. NumPy arrays and torch tensors are both welcome; torch is not imported here.
"""

from fringe.metrics.frechet import covariance_root, frechet_distance
from fringe.metrics.gaussian import Gaussian, describe_rank
from fringe.metrics.kernel import Kernel, kernel_distance, kernel_distances

REVISION = 1
"""Raised when a change alters the values this room returns, so that scores are made anew."""

__all__ = [
    "REVISION",
    "Gaussian",
    "Kernel",
    "covariance_root",
    "describe_rank",
    "frechet_distance",
    "kernel_distance",
    "kernel_distances",
]
