"""A source of distorted images: some images of another source with all distortions."""

from itertools import product

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.sources.base import (
    Fingerprinted,
    Images,
    ImageSource,
    Indices,
    check_indices,
    digest,
)
from fringe.sources.distortions import DISTORTIONS, DOSES, REVISION, distorted

__all__ = ["VARIANTS", "DistortedSource"]

VARIANTS = tuple(product(DISTORTIONS, DOSES))
"""Each kind of distortion at each dose."""


class DistortedSource(Fingerprinted):
    """Some images of another source, each in all `VARIANTS`.

    Image k of this source shows image ``indices[k // V]`` with the distortion ``VARIANTS[k % V]``,
    where V is the number of variants. A reader of all images therefore reads each image of the
    other source only once.

    Parameters
    ----------
    source : ImageSource
    indices : int array (n,)
        Indices of the images of ``source`` to use.
    seed : int
        Seed of noise and warps, not negative.

    Raises
    ------
    FringeError
        If the seed is negative, or an index is out of range.
    """

    def __init__(self, source: ImageSource, indices: npt.NDArray[np.integer], seed: int) -> None:
        """Store the arguments."""
        if seed < 0:
            raise FringeError(f"distortion: seed is {seed}; give 0 or a positive integer")
        self.source = source
        self.indices = check_indices(indices, len(source), source.name)
        self.seed = int(seed)

    @property
    def name(self) -> str:
        """Name in messages."""
        return f"{self.source.name}, distorted"

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width."""
        return self.source.resolution

    @property
    def simulated(self) -> bool:
        """Whether the clean images simulate those of a generator."""
        return self.source.simulated

    def __len__(self) -> int:
        """Return the number of distorted images."""
        return len(self.indices) * len(VARIANTS)

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the SHA-256 of the clean images, their indices, and the distortions."""
        taken = self.indices[first // len(VARIANTS) : -(-last // len(VARIANTS))]
        clean = self.source.fingerprint_of(min(taken), max(taken) + 1)
        return digest(["distorted", REVISION, DISTORTIONS, self.seed, first, last, taken, clean])

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices``, uint8 RGB, shape (n, H, W, 3).

        Raises
        ------
        FringeError
            If the source raises one, or an index is out of range.
        """
        wanted = np.array(check_indices(indices, len(self), self.name), np.int64)
        numbers, variants = wanted // len(VARIANTS), wanted % len(VARIANTS)
        shown, places = np.unique(numbers, return_inverse=True)
        clean = self.source.read([self.indices[number] for number in shown])
        images = np.empty((len(wanted), *clean.shape[1:]), np.uint8)
        for row, (number, variant, place) in enumerate(zip(numbers, variants, places, strict=True)):
            kind, dose = VARIANTS[variant]
            index = self.indices[number]
            images[row] = distorted(clean[place], kind, dose, index=index, seed=self.seed)
        return images
