"""Scores that compare sets of features: Fréchet distance (FID), kernel distance (KID) and others.

The functions take arrays: NumPy arrays or torch tensors. torch is imported only by the functions
that need distances of all pairs or torch's random numbers. docs/metrics.md defines each score.
"""

from fringe.metrics.authentic import authenticity
from fringe.metrics.copying import memorization
from fringe.metrics.density import DensityCoverage, density_coverage, density_coverages
from fringe.metrics.embeddings import cmmd
from fringe.metrics.extrapolation import (
    Extrapolation,
    extrapolate_frechet,
    frechet_distance_infinity,
)
from fringe.metrics.frechet import covariance_root, frechet_distance
from fringe.metrics.gaussian import Gaussian, describe_rank, merge_gaussians, principal_axes
from fringe.metrics.inception import InceptionScore, inception_score
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
from fringe.metrics.kernel_tensors import kernel_distances_of_tensors
from fringe.metrics.manifolds import (
    PrecisionRecall,
    precision_recall,
    precision_recall_error,
    precision_recalls,
)
from fringe.metrics.relative_kernel import (
    KernelInfluence,
    RealKernel,
    kernel_influence,
    real_kernel,
)
from fringe.metrics.scored import Scored
from fringe.metrics.sliced import mind
from fringe.metrics.spectral import SpectralDifference, spectral_difference
from fringe.metrics.transport import Transport, optimal_transport, optimal_transports
from fringe.metrics.vendi import vendi_score
from fringe.revisions import METRICS as REVISION

__all__ = [
    "REVISION",
    "DensityCoverage",
    "Extrapolation",
    "FrechetInfluence",
    "Gaussian",
    "InceptionScore",
    "Kernel",
    "KernelInfluence",
    "PrecisionRecall",
    "RealKernel",
    "Scored",
    "SpectralDifference",
    "Transport",
    "authenticity",
    "cmmd",
    "covariance_root",
    "density_coverage",
    "density_coverages",
    "describe_rank",
    "extrapolate_frechet",
    "frechet_distance",
    "frechet_distance_infinity",
    "frechet_influence",
    "inception_score",
    "influences",
    "kernel_distance",
    "kernel_distances",
    "kernel_distances_of_draws",
    "kernel_distances_of_tensors",
    "kernel_influence",
    "memorization",
    "merge_gaussians",
    "mind",
    "optimal_transport",
    "optimal_transports",
    "parts_by_class",
    "precision_recall",
    "precision_recall_error",
    "precision_recalls",
    "principal_axes",
    "ratio_error",
    "real_kernel",
    "spectral_difference",
    "variance_of_mean",
    "vendi_score",
]
