"""Images whose colour changes from the left to the right."""

from dataclasses import dataclass

import numpy as np

from fringe.seeds import random_stream
from fringe.sources.base import Fingerprinted, Images, Indices, check_indices, digest
from fringe.sources.photos import check_numbers

__all__ = ["REVISION", "GradientSource"]

#: Part of every fingerprint: raise it when the same seed gives other pixels.
REVISION = 1


@dataclass(frozen=True)
class GradientSource(Fingerprinted):
    """Seeded gradients: ``count`` images of ``size`` x ``size`` pixels.

    ``contrast``, 0 to 1, is the part of all differences of colours that is kept.
    """

    count: int
    size: int
    seed: int
    contrast: float
    simulated = True

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_numbers(self.name, self.count, self.size, self.seed)

    @property
    def name(self) -> str:
        """The name of the source in messages."""
        return f"gradients (seed {self.seed})"

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width."""
        return self.size, self.size

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return SHA-256 of the parameters and the revision."""
        return digest(["gradients", REVISION, self.size, self.seed, self.contrast])

    def __len__(self) -> int:
        """Return the number of images."""
        return self.count

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` as uint8 RGB, shape (n, H, W, 3)."""
        wanted = check_indices(indices, self.count, self.name)
        images = np.empty((len(wanted), *self.resolution, 3), np.uint8)
        ramp = np.linspace(0, 1, self.size)[:, None]
        for row, index in enumerate(wanted):
            left, right = random_stream(self.seed, "gradients", index).random((2, 3))
            colours = 0.5 + self.contrast * (left + ramp * (right - left) - 0.5)
            images[row] = np.rint(255 * colours)
        return images
