"""Sets of features compared: Fréchet (FID) and kernel distances (KID), precision and recall.

Knows arrays only. NumPy arrays and torch tensors are both welcome; torch is imported only where
precision and recall are computed.
"""

from fringe.metrics.frechet import covariance_root, frechet_distance
from fringe.metrics.gaussian import Gaussian, describe_rank
from fringe.metrics.kernel import Kernel, kernel_distance, kernel_distances
from fringe.metrics.precision_recall import PrecisionRecall, precision_recall, precision_recalls

REVISION = 1
"""Raised when a change alters the values this room returns, so that scores are made anew."""

__all__ = [
    "REVISION",
    "Gaussian",
    "Kernel",
    "PrecisionRecall",
    "covariance_root",
    "describe_rank",
    "frechet_distance",
    "kernel_distance",
    "kernel_distances",
    "precision_recall",
    "precision_recalls",
]
