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
from fringe.metrics.influence import (
    FrechetInfluence,
    frechet_influence,
    influences,
    parts_by_class,
    ratio_error,
    variance_of_mean,
)
from fringe.metrics.kernel import (
    Kernel,
    kernel_distance,
    kernel_distances,
    kernel_distances_of_draws,
)
from fringe.metrics.manifolds import PrecisionRecall, precision_recall, precision_recalls
from fringe.metrics.relative_kernel import (
    KernelInfluence,
    RealKernel,
    kernel_influence,
    real_kernel,
)
from fringe.metrics.transport import Transport, optimal_transport, optimal_transports
from fringe.revisions import METRICS as REVISION

__all__ = [
    "REVISION",
    "Extrapolation",
    "FrechetInfluence",
    "Gaussian",
    "Kernel",
    "KernelInfluence",
    "PrecisionRecall",
    "RealKernel",
    "Transport",
    "covariance_root",
    "describe_rank",
    "extrapolate_frechet",
    "frechet_distance",
    "frechet_distance_infinity",
    "frechet_influence",
    "influences",
    "kernel_distance",
    "kernel_distances",
    "kernel_distances_of_draws",
    "kernel_influence",
    "merge_gaussians",
    "optimal_transport",
    "optimal_transports",
    "parts_by_class",
    "precision_recall",
    "precision_recalls",
    "principal_axes",
    "ratio_error",
    "real_kernel",
    "variance_of_mean",
]
