"""The judge of sampling weights: FID of images drawn with them."""

from fringe.features import FeatureFile
from fringe.metrics import Gaussian
from fringe.resampling import SampledDistance

__all__ = ["sampled_fid"]


def sampled_fid(
    real: Gaussian,
    candidates: FeatureFile,
    n: int,
    seed: int,
    *,
    device: str = "cpu",
    memory_limit: int | None = None,
) -> SampledDistance:
    """Return what :func:`fringe.resampling.optimize_weights` takes as ``judge``.

    Weights are judged in FID's features whatever space they are optimized in, as released.

    Parameters
    ----------
    real : Gaussian
        Of real images in these features.
    candidates : FeatureFile
        Of N candidates.
    n : int
        Images that are drawn, with replacement.
    seed, device, memory_limit
        As of `SampledDistance` and `optimize_weights`.
    """
    from fringe.resampling.objective import Objective  # imports PyTorch, which takes seconds

    objective = Objective(real, candidates.matrix("features"), device, memory_limit)
    return SampledDistance(objective, n, seed)
