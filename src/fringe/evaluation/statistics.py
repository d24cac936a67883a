"""Mean and covariance of stored features, computed in blocks, and their files."""

import os
from collections.abc import Iterator, Mapping

import numpy as np

from fringe.features import FeatureFile, Features
from fringe.files.hdf5 import create_h5, open_h5
from fringe.metrics import Gaussian
from fringe.resampling import SampledDistance

__all__ = ["gaussian_of", "load_gaussian", "sampled_fid", "save_gaussian"]


def gaussian_of(
    file: Features,
    space: str = "features",
    *,
    counts: np.ndarray | None = None,
    stop: int | None = None,
) -> Gaussian:
    """Return the Gaussian of stored features, read in blocks.

    Parameters
    ----------
    file : FeatureFile or JoinedFeatures
        Features of N images.
    space : {"features", "logits"}
    counts : int array (N,), optional
        The number of times that each image was drawn. The result is that of the repeated rows, but
        no rows are copied.
    stop : int, optional
        Use only the first ``stop`` images.
    """

    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        for first, block in file.blocks(space, stop=stop):
            yield block, None if counts is None else counts[first : first + len(block)]

    return Gaussian.from_blocks(blocks())


def save_gaussian(
    path: str | os.PathLike[str], gaussian: Gaussian, n: int, provenance: Mapping[str, str | int]
) -> None:
    """Write ``mean`` (D,) and ``covariance`` (D, D) of ``n`` images, float64, to HDF5."""
    with create_h5(path, {**provenance, "n": n}) as file:
        file.create_dataset("mean", data=gaussian.mean, fletcher32=True)
        file.create_dataset("covariance", data=gaussian.covariance, fletcher32=True)


def load_gaussian(path: str | os.PathLike[str]) -> tuple[Gaussian, int]:
    """Return the Gaussian that `save_gaussian` wrote, and its number of images.

    Raises
    ------
    FringeError
        If the file is missing or damaged.
    """
    with open_h5(path) as file:
        return Gaussian(file["mean"][()], file["covariance"][()]), int(file.attrs["n"])


def sampled_fid(
    real: Gaussian,
    candidates: FeatureFile,
    n: int,
    seed: int,
    *,
    device: str = "cpu",
    memory_limit: int | None = None,
) -> SampledDistance:
    """Return a ``judge`` for :func:`fringe.resampling.optimize_weights`.

    As in the released code, weights are always judged in the features of FID, even if they are
    optimized in another space.

    Parameters
    ----------
    real : Gaussian
        Statistics of real images in these features.
    candidates : FeatureFile
        Features of N candidates.
    n : int
        Number of images that are drawn, with replacement.
    seed, device, memory_limit
        See `SampledDistance` and `optimize_weights`.
    """
    from fringe.resampling.objective import Objective  # imports PyTorch, which takes seconds

    objective = Objective(real, candidates.matrix("features"), device, memory_limit)
    return SampledDistance(objective, n, seed)
