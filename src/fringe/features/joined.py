"""Features of the candidates and of images beyond the candidates, read like one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from fringe.errors import FringeError
from fringe.features.store import FeatureFile

__all__ = ["Features", "JoinedFeatures"]


@dataclass(frozen=True)
class JoinedFeatures:
    """The rows of ``candidates`` followed by the rows of ``others``, read like a `FeatureFile`.

    Parameters
    ----------
    candidates : FeatureFile
        Features of images 0 to N - 1 of a source.
    others : FeatureFile
        Features of k further images of the same source, in the same network.
    indices : int array (k,)
        Indices of the further images: increasing, each at least N.

    Raises
    ------
    FringeError
        If the features come from two networks, or their numbers do not fit.
    """

    candidates: FeatureFile
    others: FeatureFile
    indices: np.ndarray

    def __post_init__(self) -> None:
        """Check that the parts belong together."""
        names = [part.attributes.get("network") for part in (self.candidates, self.others)]
        if names[0] != names[1] or self.candidates.dims != self.others.dims:
            raise FringeError(
                f"{self.others.path}: holds features of {names[1]}, but {self.candidates.path} "
                f"holds features of {names[0]}; delete the first file and run again"
            )
        if len(self.others) != len(self.indices) or self.indices[0] < len(self.candidates):
            raise FringeError(
                f"{self.others.path}: holds {len(self.others)} images beyond the "
                f"{len(self.candidates)} candidates, but {len(self.indices)} images from image "
                f"{self.indices[0]} on are needed; delete the file and run again"
            )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.candidates) + len(self.others)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Provenance of the candidates' features."""
        return self.candidates.attributes

    def rows(self, images: np.ndarray) -> np.ndarray:
        """Return the rows of ``images``, which are indices of the source, in the same shape.

        Raises
        ------
        FringeError
            If an image has no features.
        """
        count = len(self.candidates)
        beyond = images >= count
        places = np.searchsorted(self.indices, images[beyond])
        found = self.indices[np.minimum(places, len(self.indices) - 1)]
        if (found != images[beyond]).any():
            lost = images[beyond][found != images[beyond]][0]
            raise FringeError(
                f"{self.others.path}: has no features of image {lost}; delete it and run again"
            )
        rows = images.copy()
        rows[beyond] = count + places
        return rows

    def blocks(
        self, space: str = "features", stop: int | None = None, rows: int = 4096
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (first row, float32 block (at most ``rows``, D)), as in `FeatureFile.blocks`."""
        count = len(self.candidates)
        end = len(self) if stop is None else stop
        yield from self.candidates.blocks(space, min(end, count), rows)
        for first, block in self.others.blocks(space, max(0, end - count), rows):
            yield count + first, block

    def read(self, space: str = "features", indices: ArrayLike | None = None) -> np.ndarray:
        """Return the float32 rows at ``indices`` (k,), or all rows, as in `FeatureFile.read`."""
        wanted = np.arange(len(self)) if indices is None else np.asarray(indices, np.int64)
        count = len(self.candidates)
        beyond = wanted >= count
        found = np.empty((len(wanted), self.candidates.dim(space)), np.float32)
        found[~beyond] = self.candidates.read(space, wanted[~beyond])
        found[beyond] = self.others.read(space, wanted[beyond] - count)
        return found


# The types of features that scores are computed from.
Features: TypeAlias = FeatureFile | JoinedFeatures
