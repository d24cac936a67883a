"""Noise in the important half of each image according to its sensitivity map, or in the other half.

Appendix C of the paper ("Validation of FID sensitivity heatmaps", Figure 10): if the maps are
right, noise in pixels with high values raises FID more than noise in the other pixels. Both halves
of an image have the same number of pixels.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, as_numpy, require_finite
from fringe.seeds import random_stream
from fringe.sensitivity.maps import upsampled
from fringe.sources.base import (
    Fingerprinted,
    Images,
    ImageSource,
    Indices,
    check_indices,
    digest,
)
from fringe.sources.distortions import with_noise

__all__ = ["REGIONS", "NoisySource", "Region", "check_maps", "important_half"]

#: Part of every fingerprint of noisy images. Raise it if the same seed gives different pixels.
REVISION = 1

Region: TypeAlias = Literal["important", "unimportant", "everywhere"]
REGIONS: tuple[Region, ...] = get_args(Region)


def check_maps(maps: Any) -> Array:
    """Return sensitivity maps (n, h, w) as a NumPy array of the same type.

    Raises
    ------
    FringeError
        If the maps have another shape, or contain NaN or infinity.
    """
    array = as_numpy(maps)
    if array.ndim != 3 or 0 in array.shape or array.dtype.kind not in "fiub":
        raise FringeError(
            f"sensitivity maps: expected numbers of shape (images, height, width), got shape "
            f"{array.shape} of {array.dtype}"
        )
    require_finite(array, "sensitivity maps")
    return array


def important_half(maps: Any, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return, for each image, the half of its pixels with the highest values in its map [1]_.

    Parameters
    ----------
    maps : array (n, h, w)
        Sensitivity maps. They are enlarged to the size of the images by `upsampled`.
    size : (int, int)
        Height H and width W of the images.

    Returns
    -------
    bool array (n, H, W)
        Exactly H W // 2 pixels of each image. If pixels are equally important, the first pixels,
        row by row, are marked: the upper half if a map is the same everywhere.

    Raises
    ------
    FringeError
        If the maps have another shape or are not finite.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023, Appendix C and Figure 10.

    Examples
    --------
    >>> important_half(np.array([[[0.0, 1.0], [2.0, 3.0]]]), (2, 2))
    array([[[False, False],
            [ True,  True]]])
    """
    array = check_maps(maps)
    half = np.zeros((len(array), size[0] * size[1]), dtype=bool)
    wanted = half.shape[1] // 2
    # One image at a time, because maps at full size in float64 would fill the memory.
    for row, one in enumerate(array if wanted else ()):
        values = upsampled(one[None], size).ravel()
        # The smallest value that is marked. Sorting all values would take ten times as long.
        level = np.partition(values, -wanted)[-wanted]
        np.greater(values, level, out=half[row])
        level_with = np.flatnonzero(values == level)
        half[row, level_with[: wanted - np.count_nonzero(half[row])]] = True
    return half.reshape(len(array), *size)


class NoisySource(Fingerprinted):
    """The images of another source, with Gaussian noise in one part of each image [1]_.

    The noise of an image depends only on the seed and the image's index. All regions have the same
    noise, and the scale only multiplies it, so regions do not differ by chance.

    Parameters
    ----------
    source : ImageSource
        The clean images.
    maps : array (n, h, w)
        Sensitivity maps of the first n images of ``source``, which are the images of this source.
    region : {"important", "unimportant", "everywhere"}
        The pixels that get noise. "important" is `important_half`, and "unimportant" is the rest.
    scale : float
        Standard deviation of the noise in each channel of each pixel, divided by 255. Noisy pixels
        are rounded and clipped to 0 to 255 once. 0 changes nothing.
    seed : int
        Not negative.

    Raises
    ------
    FringeError
        If the maps have another shape, are not finite or are more than the images, or ``region``,
        ``scale`` or ``seed`` is not allowed.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023, Appendix C and Figure 10.

    Examples
    --------
    >>> from fringe.sources import PhotoSource
    >>> source = PhotoSource(3, 32, 1)
    >>> noisy = NoisySource(source, np.ones((3, 8, 8)), "important", scale=0.1, seed=0)
    >>> noisy.name, len(noisy)
    ('photos (seed 1) with noise 0.1 (important)', 3)
    >>> changed = (noisy.read([0]) != source.read([0])).any(axis=(0, 2, 3))
    >>> changed.tolist() == [True] * 16 + [False] * 16  # the upper half: the map is constant
    True
    """

    def __init__(
        self, source: ImageSource, maps: Any, region: Region, scale: float, seed: int
    ) -> None:
        """Check and keep the arguments. No noise is drawn yet."""
        if region not in REGIONS:
            raise FringeError(f"region noise: got region {region!r}; give {', '.join(REGIONS)}")
        if not (math.isfinite(scale) and scale >= 0):
            raise FringeError(f"region noise: scale is {scale}; give 0 or a positive number")
        if seed < 0:
            raise FringeError(f"region noise: seed is {seed}; give 0 or a positive integer")
        self.maps = check_maps(maps)
        if len(self.maps) > len(source):
            raise FringeError(
                f"{source.name}: {len(self.maps)} sensitivity maps for {len(source)} images; give "
                "the maps of the same images"
            )
        self.source = source
        self.region = region
        self.scale = float(scale)
        self.seed = int(seed)

    @property
    def name(self) -> str:
        """The name of the source in messages."""
        return f"{self.source.name} with noise {self.scale:g} ({self.region})"

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width."""
        return self.source.resolution

    @property
    def simulated(self) -> bool:
        """Whether the clean images simulate the images of a generator."""
        return self.source.simulated

    def __len__(self) -> int:
        """Return the number of images that have maps."""
        return len(self.maps)

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the SHA-256 of the images, the noise settings and, if they are used, the maps."""
        noise = (REVISION, self.region, self.scale, self.seed)
        parts: list[object] = ["region noise", *noise, self.source.fingerprint_of(first, last)]
        if self.region != "everywhere":
            maps = self.maps[first:last]
            parts += [maps.shape, maps.dtype.str, hashlib.sha256(maps.tobytes()).hexdigest()]
        return digest(parts)

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` with their noise, uint8 RGB, shape (n, H, W, 3).

        Raises
        ------
        FringeError
            If the source raises it, or an index has no map.
        """
        wanted = check_indices(indices, len(self), self.name)
        clean = self.source.read(wanted)
        if self.scale == 0:
            return clean
        noisy = np.empty_like(clean)
        for row, index in enumerate(wanted):
            noisy[row] = self._noisy(clean[row], index)
        return noisy

    def _noisy(self, image: Images, index: int) -> Images:
        stream = random_stream(self.seed, "region noise", index)
        noisy = with_noise(image, 255 * self.scale, stream)
        if self.region == "everywhere":
            return noisy
        inside = important_half(self.maps[index : index + 1], self.resolution)[0]
        if self.region == "unimportant":
            inside = ~inside
        return np.where(inside[..., None], noisy, image)
