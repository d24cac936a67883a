"""Sets of features compared: Fréchet (FID) and kernel distances (KID), precision and recall.

Knows arrays only. NumPy arrays and torch tensors are both welcome; torch is imported only where
precision and recall are computed.
"""

from fringe.metrics.extrapolation import (
    Extrapolation,
    extrapolate_frechet,
    frechet_distance_infinity,
)
from fringe.metrics.frechet import covariance_root, frechet_distance
from fringe.metrics.gaussian import Gaussian, describe_rank, merge_gaussians, principal_axes
from fringe.metrics.kernel import (
    Kernel,
    kernel_distance,
    kernel_distances,
    kernel_distances_of_draws,
)
from fringe.metrics.manifolds import PrecisionRecall, precision_recall, precision_recalls
from fringe.revisions import METRICS as REVISION

__all__ = [
    "REVISION",
    "Extrapolation",
    "Gaussian",
    "Kernel",
    "PrecisionRecall",
    "covariance_root",
    "describe_rank",
    "extrapolate_frechet",
    "frechet_distance",
    "frechet_distance_infinity",
    "kernel_distance",
    "kernel_distances",
    "kernel_distances_of_draws",
    "merge_gaussians",
    "precision_recall",
    "precision_recalls",
    "principal_axes",
]
