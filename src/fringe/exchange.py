"""Statistics and features in the files of other tools.

What pytorch-fid, clean-fid, TTUR and EDM call statistics is an NPZ with ``mu`` (D,) and ``sigma``
(D, D); the reference batches of guided-diffusion have them beside their images. They say nothing of
the network, the resizing and the divisor behind them. Most divide the scatter by N - 1, as
`numpy.cov` and Fringe do; the ``FeatureStats`` of StyleGAN2-ADA, StyleGAN3 and Projected GAN divide
by N, which makes their covariances smaller by a factor of 1 - 1/N.
"""

import os
import zipfile
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.files import atomic_path
from fringe.metrics import Gaussian
from fringe.metrics.arrays import as_numpy, require_finite
from fringe.regular import LARGEST_CHECKPOINT, open_regular
from fringe.sources.base import readable
from fringe.stand_ins import refuse_stand_in

__all__ = ["read_statistics", "write_features", "write_statistics"]

_ROUNDING = 1e-6  # of the largest value: what is stored may have been computed in float32


def read_statistics(path: str | os.PathLike[str], dim: int | None = None) -> Gaussian:
    """Read a mean and a covariance from an NPZ file with ``mu`` and ``sigma``.

    Parameters
    ----------
    path : path-like
        A file as pytorch-fid, clean-fid and EDM exchange them; guided-diffusion's reference
        batches too, whose other arrays are not read. Nothing is unpickled.
    dim : int, optional
        Number of features of the network that the statistics must be of. Files of another number
        are refused before their values are read.

    Returns
    -------
    Gaussian
        float64, the covariance symmetric to the last bit.

    Raises
    ------
    FringeError
        If the file is missing, damaged or has no such arrays, or they are not a mean (D,) and a
        covariance (D, D): numbers, finite, symmetric and positive semidefinite, all within 1e-6
        of the largest value, since some tools compute in float32. Or if D is not ``dim``.
    """
    refuse_stand_in(path)
    damage = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError)
    with readable(path, *damage), ExitStack() as opened:
        file = opened.enter_context(open_regular(path, LARGEST_CHECKPOINT))
        if file.read(2) != b"PK":  # numpy would take a lone array, or a pickle, for an NPZ
            raise FringeError(f"{path}: is damaged or no NPZ file; fetch or make it again")
        file.seek(0)
        arrays = opened.enter_context(np.load(file, allow_pickle=False))
        missing = [name for name in ("mu", "sigma") if name not in arrays.files]
        if missing:
            raise FringeError(
                f"{path}: has no array `{missing[0]}`, but {arrays.files}; give a file of "
                "statistics, with `mu` and `sigma`"
            )
        _check_headers(path, _header(arrays, "mu"), _header(arrays, "sigma"), dim)
        mean, covariance = arrays["mu"], arrays["sigma"]
    for name, array in (("mu", mean), ("sigma", covariance)):
        if not np.isfinite(array).all():
            raise FringeError(f"{path}: `{name}` holds NaN or infinity; make the file again")
    mean, covariance = mean.astype(np.float64), covariance.astype(np.float64)
    largest = np.abs(covariance).max()
    skew = np.abs(covariance - covariance.T).max()
    if skew > _ROUNDING * largest:
        raise FringeError(
            f"{path}: `sigma` is not symmetric (by up to {skew:.3g}, its largest value is "
            f"{largest:.3g}); a covariance is: make the file again"
        )
    covariance = (covariance + covariance.T) / 2
    eigenvalues = np.linalg.eigvalsh(covariance)
    if eigenvalues[0] < -_ROUNDING * max(eigenvalues[-1], 0.0):
        raise FringeError(
            f"{path}: `sigma` is not a covariance: its lowest eigenvalue is "
            f"{eigenvalues[0]:.3g}, its largest {eigenvalues[-1]:.3g}; make the file again"
        )
    return Gaussian(mean, covariance)


Header = tuple[tuple[int, ...], np.dtype[Any]]  # shape and type of an array


def _header(arrays: Any, name: str) -> Header:
    """Return what an array of an opened NPZ says of itself, before its values are read."""
    held = arrays.zip.namelist()
    with arrays.zip.open(f"{name}.npy" if f"{name}.npy" in held else name) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        shape, _, kind = (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(file)
    return shape, kind


def _check_headers(
    path: str | os.PathLike[str], mean: Header, covariance: Header, dim: int | None
) -> None:
    """Raise unless two arrays may be a mean and a covariance of ``dim`` features."""
    for name, (_, kind) in (("mu", mean), ("sigma", covariance)):
        if kind.kind not in "fiu":
            raise FringeError(f"{path}: `{name}` is of type {kind}; it must hold numbers")
    (shape, _), (square, _) = mean, covariance
    if len(shape) != 1 or not shape[0] or square != 2 * shape:
        raise FringeError(
            f"{path}: `mu` has shape {shape} and `sigma` {square}; they must be (D,) and (D, D): "
            "fetch or make the file again"
        )
    if dim is not None and shape[0] != dim:
        raise FringeError(
            f"{path}: holds statistics of {shape[0]} features, but the network has {dim}; name "
            "statistics of that network"
        )


def write_statistics(path: str | os.PathLike[str], gaussian: Gaussian) -> None:
    """Write ``mu`` (D,) and ``sigma`` (D, D), float64, to an NPZ file that pytorch-fid reads.

    Raises
    ------
    FringeError
        If the name does not end in ``.npz``, or the file cannot be written.
    """
    mean, covariance = as_numpy(gaussian.mean), as_numpy(gaussian.covariance)
    _write(path, mu=mean.astype(np.float64), sigma=covariance.astype(np.float64))


def write_features(path: str | os.PathLike[str], features: Any, logits: Any = None) -> None:
    """Write ``features`` (n, D) and, where there are any, ``logits`` (n, C) to an NPZ file.

    Parameters
    ----------
    path : path-like
        Ends in ``.npz``; appears when it is whole.
    features, logits : array
        Written as they are; those of a `fringe.features.FeatureFile` are float32.

    Raises
    ------
    FringeError
        If they are not matrices with equal numbers of rows, a row holds NaN or infinity, or the
        file cannot be written.
    """
    arrays = {"features": as_numpy(features)}
    if logits is not None:
        arrays["logits"] = as_numpy(logits)
    shapes = {name: array.shape for name, array in arrays.items()}
    if (
        any(array.ndim != 2 for array in arrays.values())
        or len({len(a) for a in arrays.values()}) > 1
    ):
        raise FringeError(f"{path}: expected matrices with one row per image, got {shapes}")
    for name, array in arrays.items():
        require_finite(array, f"{path}: {name}")
    _write(path, **arrays)


def _write(path: str | os.PathLike[str], **arrays: npt.NDArray[Any]) -> None:
    if Path(path).suffix != ".npz":
        raise FringeError(f"{path}: must end in .npz, by which others know the format; rename it")
    with atomic_path(path) as partial:
        np.savez(partial, **arrays)  # type: ignore[arg-type]  # no array is named allow_pickle
