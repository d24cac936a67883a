"""Images stored as one array in a file, which may contain other arrays."""

import math
import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from fringe.errors import FringeError
from fringe.sources.base import FileSource, Images, Indices, check_count, check_indices
from fringe.sources.fitting import Fit
from fringe.sources.limits import LIMITS, Limits

__all__ = ["ArraySource", "CompressedArray", "Held", "choose_array"]

BLOCK = 16 << 20  # bytes of pixels to read at a time
_CHANNELS = (1, 3)  # gray and RGB
_NAMED = 10  # arrays that a message names


class Held(NamedTuple):
    """Shape and type of an array in a file."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def are_images(self) -> bool:
        """Whether the array contains images that can be read."""
        is_right = self.dtype == np.uint8 and len(self.shape) == 4 and self.shape[3] in _CHANNELS
        return is_right and min(self.shape[1:]) > 0

    def __str__(self) -> str:
        """Return type and shape."""
        return f"{self.dtype} and shape {self.shape}"


class ArraySource(FileSource):
    """Images in a file as a uint8 array (N, H, W, 3), RGB, or (N, H, W, 1), gray.

    Gray becomes RGB without loss.
    """

    def __init__(
        self,
        name: str,
        held: Held,
        fit: Fit | None,
        count: int | None,
        limits: Limits = LIMITS,
    ) -> None:
        """Check that an array contains images.

        Raises
        ------
        FringeError
            If the array does not contain images, if they exceed ``limits``, or if there are fewer
            than ``count`` images.
        """
        if not held.are_images:
            raise FringeError(
                f"{name}: an array of {held}; images must be uint8 RGB of shape (N, height, width, "
                f"3): {_remedy(held)}"
            )
        self.shape = held.shape
        limits.check_pixels(name, self.shape[2], self.shape[1])
        super().__init__(name, check_count(held.shape[0], count, name), fit, limits)

    @abstractmethod
    def _rows(self, indices: Sequence[int]) -> Images:
        """Return the stored images at ``indices``, in that order."""

    def _label(self, index: int) -> str:
        return f"{self.name}: image {index}"

    def image_size(self, index: int) -> tuple[int, int]:
        """Return width and height of one stored image."""
        return self.shape[2], self.shape[1]

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` as uint8 RGB, shape (n, H, W, 3).

        Raises
        ------
        FringeError
            If an index is out of range or the file cannot be read.
        """
        wanted = check_indices(indices, len(self), self.name)
        rows = self._rows(wanted)
        for index, row in zip(wanted, rows, strict=True):
            self._refuse_other(index, row.data)
        return self._fitted(rows)

    def _stored(self, indices: Sequence[int]) -> Iterator[bytes]:
        """Yield the pixels of the images at ``indices``, which must increase."""
        step = max(1, BLOCK // int(np.prod(self.shape[1:], dtype=np.int64)))
        for start in range(0, len(indices), step):
            yield from map(bytes, self._rows(indices[start : start + step]))

    def from_stored(self, indices: Indices, stored: Callable[[int], bytes]) -> Images:
        """Return the images at ``indices``, made from the bytes that ``stored(index)`` returns."""
        wanted = check_indices(indices, len(self), self.name)
        rows = np.empty((len(wanted), *self.shape[1:]), np.uint8)
        for row, index in enumerate(wanted):
            data = stored(index)
            self._refuse_other(index, data)
            rows[row] = np.frombuffer(data, np.uint8).reshape(self.shape[1:])
        return self._fitted(rows)

    def _fitted(self, rows: Images) -> Images:
        """Return stored images as RGB, cropped and resized."""
        if self.shape[3] == 1:
            rows = np.repeat(rows, 3, axis=3)
        if self.fit is None:
            return rows
        images = np.empty((len(rows), *self.resolution, 3), np.uint8)
        for row, image in enumerate(rows):
            images[row] = np.asarray(self.fit(Image.fromarray(image)))
        return images


class CompressedArray(ArraySource):
    """An array that may be compressed as a whole: reading an image reads all images before it.

    `fringe.sources.unpacked` unpacks it once, so that every image can be read directly.

    Attributes
    ----------
    compressed : bool
        Whether it is compressed.
    """

    compressed: bool

    @property
    @abstractmethod
    def identity(self) -> str:
        """SHA-256 of all that determines the images, whether they are used or not."""

    @property
    def size(self) -> int:
        """Bytes of all images of the array, whether they are used or not."""
        return math.prod(self.shape)

    @abstractmethod
    def stored(self, rows: int) -> Iterator[Images]:
        """Yield all stored images of the array, used or not, ``rows`` at a time.

        Raises
        ------
        FringeError
            If the array is damaged.
        """

    @abstractmethod
    def read_unpacked(self, path: Path) -> None:
        """Read images from a file of `fringe.sources.unpacked.unpack`, if it is of this array."""


def choose_array(name: str, arrays: Mapping[str, Held], usual: str) -> str:
    """Return the name of the array that contains a file's images.

    This is the array ``usual``, or the only array that may contain images. Other arrays are
    numbers, vectors and matrices, such as labels and statistics. `ArraySource` checks that the
    array really contains images.

    Raises
    ------
    FringeError
        If there is no such array, or there are several.
    """
    possible = {key: held for key, held in arrays.items() if len(held.shape) > 2}
    # Default names of NumPy do not describe an array's content.
    numbered = [key for key in possible if re.fullmatch(r"arr_\d+", key)]
    several = [key for key in numbered if possible[key].are_images]
    if usual in possible and len(several) < 2:
        return usual
    if len(possible) == 1:
        (only,) = possible
        return only
    named = [f"`{key}` of {held}" for key, held in islice((possible or arrays).items(), _NAMED)]
    listed = ", ".join(named + ["..."] * (len(possible or arrays) > _NAMED))
    if possible:
        raise FringeError(
            f"{name}: holds several arrays that may be images ({listed}); save the one to use in a "
            f"separate file, as `{usual}`"
        )
    if usual in arrays:
        return usual
    raise FringeError(
        f"{name}: holds no array of images, but {listed or 'no arrays at all'}; give a file with "
        f"one of shape (N, height, width, 3), `{usual}`"
    )


def _remedy(held: Held) -> str:
    """Return how to convert an array that resembles images to an array of images."""
    shape, steps = held.shape, []
    if held.dtype.kind == "O":
        return "save pixels of one size (numpy.stack), or put encoded files into a ZIP or a folder"
    if len(shape) == 3:
        steps.append(
            "the array has no axis of channels; if the images are gray, use images[..., None], "
            "and if it is one image, images[None]"
        )
    elif len(shape) == 4 and shape[3] not in _CHANNELS and shape[1] in _CHANNELS:
        steps.append("the channels come first; use images.transpose(0, 2, 3, 1).copy()")
    elif len(shape) == 4 and shape[3] == 4:
        steps.append(
            "the images have a fourth channel; if it is opaque everywhere, use images[..., "
            ":3].copy()"
        )
    if held.dtype.kind == "f":
        steps.append(
            "scale the pixels to 0 ... 255 and convert them, for example numpy.round(images * "
            "255).astype('uint8') if they are in 0 ... 1"
        )
    elif held.dtype != np.uint8:
        steps.append("scale the pixels to 0 ... 255 and convert them (astype('uint8'))")
    return "; ".join([*(steps or ["convert the array"]), "then save it again"])
