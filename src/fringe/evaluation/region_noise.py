"""What proves sensitivity maps, as rows: FID with noise (Figure 10), and shares of a region."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fringe.errors import DamagedFileError, FringeError
from fringe.evaluation.rows import damaged, read_rows
from fringe.features import activations, decoded
from fringe.files import atomic_path
from fringe.metrics import Gaussian, covariance_root, frechet_distance
from fringe.progress import progress
from fringe.sensitivity.noise import REGIONS, NoisySource

if TYPE_CHECKING:
    from fringe.networks import FeatureNetwork
    from fringe.sources import ImageSource

__all__ = [
    "REGION_NOISE_COLUMNS",
    "REGION_SHARE_COLUMNS",
    "measure_region_noise",
    "read_region_noise",
    "read_region_shares",
    "write_region_noise",
    "write_region_shares",
]

REGION_NOISE_COLUMNS = (
    "dataset",
    "network",
    "region",
    "scale",
    "value",
    "n_real",
    "n_generated",
    "seed",
)
"""One row per region and scale: ``value`` is FID, ``scale`` the noise's standard deviation over 255
grey levels; rows of scale 0 hold the FID of the clean images."""

REGION_SHARE_COLUMNS = ("dataset", "network", "share", "low", "high", "area", "n")
"""One row per data set and network; from ``share`` on the fields of `RegionShare`."""

Row = dict[str, Any]


def measure_region_noise(
    source: ImageSource,
    maps: np.ndarray,
    network: FeatureNetwork,
    real: Gaussian,
    *,
    n_real: int,
    scale: float,
    n: int,
    seed: int,
    batch_size: int,
    workers: int = 0,
) -> list[Row]:
    """Return a row for each region: the FID of images that have noise there.

    Images pass through the network in the batches of `fringe.features.extract_shard`, so FID
    without noise is that of stored features but for rounding. Neither images nor features are
    kept: memory does not grow with n.

    Parameters
    ----------
    source : ImageSource
        Generated images, clean.
    maps : array (m, h, w)
        Sensitivity maps of its first m images, m at least n.
    network : FeatureNetwork
        In whose features FID is measured.
    real : Gaussian
        Of ``n_real`` real images in the same features.
    scale : float
        Standard deviation of the noise, see `fringe.sensitivity.noise.NoisySource`. Of 0, the
        images are read once and all regions get the same value.
    n : int
        The first so many images are used, at least two.
    seed : int
        Of the noise.
    batch_size, workers : int
        As `fringe.features.extract_shard` takes them.

    Returns
    -------
    list of dict
        Columns `REGION_NOISE_COLUMNS` but for the dataset.

    Raises
    ------
    FringeError
        If there are fewer than n images or maps, dimensions differ, an image cannot be read, or a
        feature is NaN or infinite.
    """
    if not 2 <= n <= min(len(source), len(maps)):
        raise FringeError(
            f"{source.name}: noise in {n} images asked for; there are {len(source)} with "
            f"{len(maps)} sensitivity maps: ask for two or more that have both"
        )
    if batch_size < 1:
        raise FringeError(f"batch size {batch_size} is below 1; give a positive number of images")
    if real.dim != network.feature_dim:
        raise FringeError(
            f"network {network.name!r} has {network.feature_dim} features, the real images' "
            f"statistics {real.dim}; give those of the same network"
        )
    root = covariance_root(real)
    values: dict[str, float] = {}
    for region in REGIONS if scale else REGIONS[-1:]:
        noisy = NoisySource(source, maps[:n], region, scale, seed)
        generated = Gaussian.from_blocks(
            (rows, None) for rows in _features(noisy, network, batch_size, workers)
        )
        values[region] = frechet_distance(real, generated, root=root)
    return [
        {
            "network": network.name,
            "region": region,
            "scale": float(scale),
            "value": values[region] if scale else values[REGIONS[-1]],
            "n_real": n_real,
            "n_generated": n,
            "seed": seed,
        }
        for region in REGIONS
    ]


def _features(
    source: NoisySource, network: FeatureNetwork, batch_size: int, workers: int
) -> Iterator[np.ndarray]:
    """Yield the features (b, D) of all images, one batch at a time."""
    import torch

    n = len(source)
    bounds = [(first, min(first + batch_size, n)) for first in range(0, n, batch_size)]
    # Each thread holds batches; more than a few would fill the memory and decode no faster.
    with closing(decoded(source, bounds, workers, min(torch.get_num_threads(), 8))) as reading:
        batches = progress(
            zip(bounds, reading, strict=True),
            f"{network.name} features of {source.name}",
            total=n,
            unit="images",
            step=batch_size,
        )
        for (first, _), images in batches:
            yield activations(source, network, images, first, batch_size)["features"]


def write_region_noise(path: str | os.PathLike[str], rows: Sequence[Row], dataset: str) -> None:
    """Write rows of one data set as CSV, columns `REGION_NOISE_COLUMNS`; values keep all digits."""
    _write(path, [{"dataset": dataset, **row} for row in rows], REGION_NOISE_COLUMNS)


def read_region_noise(paths: Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """Return the rows of several files that `write_region_noise` wrote, to the last digit.

    Raises
    ------
    DamagedFileError
        If a file is missing, is cut short or holds something else.
    """
    frames = []
    for path in paths:
        frame = _read(path, REGION_NOISE_COLUMNS[:3], REGION_NOISE_COLUMNS[3:])
        if not np.isfinite(frame[list(REGION_NOISE_COLUMNS[3:])].to_numpy(float)).all():
            raise damaged(path, "a number is not finite")
        if not frame["region"].isin(REGIONS).all():
            raise damaged(path, f"a region is none of {', '.join(REGIONS)}")
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def write_region_shares(path: str | os.PathLike[str], rows: Sequence[Row]) -> None:
    """Write rows as CSV, columns `REGION_SHARE_COLUMNS`; values keep all digits."""
    _write(path, rows, REGION_SHARE_COLUMNS)


def read_region_shares(paths: Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """Return the rows of several files that `write_region_shares` wrote, to the last digit.

    Raises
    ------
    DamagedFileError
        If a file is missing, is cut short or holds something else.
    """
    frames = []
    for path in paths:
        frame = _read(path, REGION_SHARE_COLUMNS[:2], REGION_SHARE_COLUMNS[2:])
        if not (frame["area"].between(0, 1) & (frame["n"] >= 0)).all():
            raise damaged(path, "an area or a count is out of range")
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _write(path: str | os.PathLike[str], rows: Sequence[Row], columns: Sequence[str]) -> None:
    frame = pd.DataFrame(list(rows))[list(columns)]
    with atomic_path(path) as partial:
        frame.to_csv(partial, index=False, float_format="%.17g")


def _read(
    path: str | os.PathLike[str], labels: Sequence[str], numbers: Sequence[str]
) -> pd.DataFrame:
    """Return the columns of text and of numbers of a CSV file; an empty number is NaN."""
    try:
        # As text: numbers then keep all their digits, and a data set may be called NA.
        frame = read_rows(path, dtype=str, keep_default_na=False)
        absent = [name for name in (*labels, *numbers) if name not in frame.columns]
        if absent:
            raise ValueError(f"column {', '.join(absent)} is missing")
        if frame.empty:
            raise ValueError("no row")
        values = {name: pd.Series([_number(text) for text in frame[name]]) for name in numbers}
    except DamagedFileError:
        raise
    except ValueError as error:
        raise damaged(path, error) from error
    return frame[[*labels, *numbers]].assign(**values)


def _number(text: object) -> int | float:
    """Return what the text of a cell says; a cell that is cut off is NaN itself."""
    digits = str(text)
    return int(digits) if digits.isdecimal() else float(digits or "nan")
