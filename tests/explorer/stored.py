"""Feature files for tests, in one shard or several."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fringe.features import FeatureFile, link_shards, open_features
from fringe.files.hdf5 import create_h5


def stored(
    folder: Path, name: str, features: np.ndarray, logits: np.ndarray | None = None, size: int = 0
) -> FeatureFile:
    """Write features (n, D), and logits, in shards of ``size`` images, and open them."""
    n, shards = len(features), []
    for first in range(0, n, size or n):
        last = min(first + (size or n), n)
        path = folder / name / f"{first}-{last}.h5"
        with create_h5(path, {"first": first, "last": last, "network": "made"}) as file:
            for space, rows in (("features", features), ("logits", logits)):
                if rows is not None:
                    part = rows[first:last].astype(np.float32)
                    file.create_dataset(space, data=part, fletcher32=True)
        shards.append(path)
    link_shards(shards, folder / f"{name}.h5")
    return open_features(folder / f"{name}.h5")
