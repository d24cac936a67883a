"""Statistics and features in the files of other tools.

The statistics of pytorch-fid, clean-fid, TTUR and EDM are an NPZ file with ``mu`` (D,) and
``sigma`` (D, D). The reference batches of guided-diffusion contain the same arrays in addition to
images. The files do not state the network, the resizing and the divisor. Most tools divide the
scatter by N - 1, as `numpy.cov` and Fringe do. The ``FeatureStats`` of StyleGAN2-ADA, StyleGAN3 and
Projected GAN divide by N, which makes the covariances smaller by a factor of 1 - 1/N.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipInfo

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.files.npy import Header, read_header
from fringe.files.regular import open_regular
from fringe.files.stand_ins import refuse_stand_in
from fringe.files.zipfiles import (
    DAMAGE,
    PLAIN,
    Archive,
    open_member,
    open_zip,
    read_member,
    refuse_unreadable,
)
from fringe.metrics import Gaussian
from fringe.metrics.arrays import as_numpy, require_finite
from fringe.sources.base import as_path, readable

__all__ = ["read_statistics", "write_features", "write_statistics"]

MOST_FEATURES = 1 << 14  # the largest covariance has 2 GiB
_PICKLE = b"\x80"  # first byte of a pickle of protocol 2 or later
_NAMED = 10  # number of arrays that a message names
_LARGEST = 1e150  # the square of a larger number may overflow
_ROUNDING = 1e-6  # relative to the largest value: the numbers may have been computed in float32


def read_statistics(path: str | os.PathLike[str], dim: int | None = None) -> Gaussian:
    """Read a mean and a covariance from an NPZ file with ``mu`` and ``sigma``.

    Parameters
    ----------
    path : path-like
        A file of pytorch-fid, clean-fid or EDM, or a reference batch of guided-diffusion, whose
        other arrays are not read. Or a pickle of EDM2, with ``mu`` and ``sigma`` of several
        networks (``{"fid": {...}, "fd_dinov2": {...}}``). A restricted reader extracts the numbers
        from a pickle and executes nothing (`fringe.checkpoints.read_pickle`).
    dim : int, optional
        Number of features of the network. Files with another number are refused before their values
        are read. From a pickle, the statistics with this number are read. From a batch of
        guided-diffusion, the statistics for sFID (``mu_s`` and ``sigma_s``) are read if they have
        this number.

    Returns
    -------
    Gaussian
        float64, with an exactly symmetric covariance.

    Raises
    ------
    FringeError
        If the file is missing, damaged or has no such arrays. If the arrays are not a mean (D,) and
        a covariance (D, D): finite numbers, and a matrix that is symmetric and positive
        semidefinite within 1e-6 of the largest value, because some tools compute in float32. Or if
        D is not ``dim``.
    """
    refuse_stand_in(path)
    if _is_pickle(path):
        mean, covariance = _pickled(path, dim)
        return _checked(path, mean, covariance)
    with readable(path, *DAMAGE), open_zip(as_path(path)) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        missing = [name for name in ("mu", "sigma") if name not in members]
        if missing:
            raise FringeError(
                f"{path}: has no array `{missing[0]}`, only {[*members][:_NAMED]}; give a file of "
                "statistics, with `mu` and `sigma`"
            )
        places, headers = _places(archive, members, ("mu", "sigma"), path)
        if dim is not None and headers[0].shape != (dim,) and {"mu_s", "sigma_s"} <= set(members):
            others = _places(archive, members, ("mu_s", "sigma_s"), path)
            if others[1][0].shape == (dim,):
                places, headers = others
        _check_headers(path, headers[0], headers[1], dim)
        mean, covariance = (
            _values(read_member(archive, info), header)
            for info, header in zip(places, headers, strict=True)
        )
    return _checked(path, mean, covariance)


def _places(
    archive: Archive, members: Mapping[str, ZipInfo], names: Sequence[str], path: Any
) -> tuple[list[ZipInfo], list[Header]]:
    """Return the members with the given names, and the headers of their arrays."""
    places = [members[name] for name in names]
    for info in places:
        refuse_unreadable(info, str(path), PLAIN)
    return places, [_header(archive, info) for info in places]


def _is_pickle(path: str | os.PathLike[str]) -> bool:
    """Return whether a file starts with the first byte of a pickle. No ZIP archive does."""
    with readable(path), open_regular(as_path(path)) as file:
        return file.read(1) == _PICKLE


def _pickled(
    path: str | os.PathLike[str], dim: int | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the mean and the covariance in a pickle of EDM2."""
    from fringe.checkpoints import Record, read_pickle

    def values(part: Any, name: str) -> Any:
        array = part.get(name) if isinstance(part, Mapping) else None
        return array.state.get("values") if isinstance(array, Record) else None

    tree = read_pickle(as_path(path))
    parts = tree if isinstance(tree, Mapping) else {}
    found = {
        str(key)[:80]: (values(part, "mu"), values(part, "sigma"))
        for key, part in {"": tree, **parts}.items()
        if values(part, "mu") is not None and values(part, "sigma") is not None
    }
    headers = {
        key: [Header(tuple(array.shape), False, array.numpy().dtype) for array in pair]
        for key, pair in found.items()
    }
    fitting = [key for key, (mean, _) in headers.items() if dim is None or mean.shape == (dim,)]
    if len(found) == 1:
        fitting = [*found]  # a fault of the only statistics is reported below
    if not found:
        raise FringeError(f"{path}: holds no `mu` and `sigma`; name a file of statistics")
    if len(fitting) != 1:
        names = ", ".join(f"`{key}` of {mean.shape}" for key, (mean, _) in headers.items())
        wanted = "only one" if dim is None else f"exactly one with {dim} features"
        raise FringeError(
            f"{path}: holds statistics {names}, but {wanted} is needed; name statistics of that "
            "network"
        )
    of_mean, of_covariance = headers[fitting[0]]
    _check_headers(path, of_mean, of_covariance, dim)
    mean, covariance = (array.numpy().astype(np.float64) for array in found[fitting[0]])
    return mean, covariance


def _checked(
    path: str | os.PathLike[str],
    mean: npt.NDArray[np.float64],
    covariance: npt.NDArray[np.float64],
) -> Gaussian:
    """Return a Gaussian if the arrays are a valid mean and covariance."""
    for name, array in (("mu", mean), ("sigma", covariance)):
        if not np.isfinite(array).all():
            raise FringeError(f"{path}: `{name}` holds NaN or infinity; make the file again")
    largest = np.abs(covariance).max()
    skew = np.abs(covariance - covariance.T).max()
    if skew > _ROUNDING * largest:
        raise FringeError(
            f"{path}: `sigma` is not symmetric (by up to {skew:.3g}, its largest value is "
            f"{largest:.3g}); a covariance must be symmetric: make the file again"
        )
    if largest > _LARGEST:
        raise FringeError(
            f"{path}: `sigma` has values up to {largest:.3g}, which are too large for features; "
            "make the file again"
        )
    covariance = (covariance + covariance.T) / 2
    eigenvalues = np.linalg.eigvalsh(covariance)
    if eigenvalues[0] < -_ROUNDING * max(eigenvalues[-1], 0.0):
        raise FringeError(
            f"{path}: `sigma` is not a covariance: its lowest eigenvalue is "
            f"{eigenvalues[0]:.3g}, its largest {eigenvalues[-1]:.3g}; make the file again"
        )
    return Gaussian(mean, covariance)


def _header(archive: Archive, info: ZipInfo) -> Header:
    with open_member(archive, info) as stream:
        return read_header(stream)


def _values(data: bytes, header: Header) -> npt.NDArray[np.float64]:
    """Return the array in the bytes of a file in NumPy's format."""
    count = math.prod(header.shape)
    start = len(data) - header.size
    if start < 0:
        raise ValueError(f"{len(data)} bytes for an array of shape {header.shape}")
    values = np.frombuffer(data, header.dtype, count, start).astype(np.float64)
    return values.reshape(header.shape, order="F" if header.fortran_order else "C")


def _check_headers(
    path: str | os.PathLike[str], mean: Header, covariance: Header, dim: int | None
) -> None:
    """Raise FringeError unless two arrays may be a mean and a covariance of ``dim`` features."""
    for name, header in (("mu", mean), ("sigma", covariance)):
        if header.dtype.kind not in "fiu":
            kind = str(header.dtype)[:80]
            raise FringeError(f"{path}: `{name}` is of type {kind}; it must hold numbers")
    shape, square = mean.shape, covariance.shape
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
    if shape[0] > MOST_FEATURES:
        raise FringeError(
            f"{path}: holds statistics of {shape[0]} features, more than {MOST_FEATURES}, whose "
            "covariance cannot be held in memory; give statistics of another network"
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


def write_features(
    path: str | os.PathLike[str], features: Any, logits: Any = None, network: str = ""
) -> None:
    """Write ``features`` (n, D) and, if given, ``logits`` (n, C) to an NPZ file.

    A source of kind ``features`` reads it (`fringe.sources.GivenFeatures`).

    Parameters
    ----------
    path : path-like
        Must end in ``.npz``. The file appears when it is complete.
    features, logits : array
        Written in their own type. Arrays of a `fringe.features.FeatureFile` are float32.
    network : str, optional
        The network of the features, which is written to the array ``network``.

    Raises
    ------
    FringeError
        If the arrays are not matrices with equal numbers of rows, a row contains NaN or infinity,
        or the file cannot be written.
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
    if network:
        arrays["network"] = np.array(network)
    _write(path, **arrays)


def _write(path: str | os.PathLike[str], **arrays: npt.NDArray[Any]) -> None:
    if Path(path).suffix != ".npz":
        raise FringeError(f"{path}: must end in .npz, so that other tools can read it; rename it")
    with atomic_path(path) as partial:
        np.savez(partial, **arrays)  # type: ignore[arg-type]  # no array is named allow_pickle
