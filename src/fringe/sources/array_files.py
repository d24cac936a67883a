"""Images that a file holds as one array, among other arrays."""

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

BLOCK = 16 << 20  # bytes of pixels that are read at a time
_CHANNELS = (1, 3)  # gray and RGB
_NAMED = 10  # arrays that a message names


class Held(NamedTuple):
    """What a file says of one of its arrays."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def are_images(self) -> bool:
        """Whether these are images that can be read."""
        is_right = self.dtype == np.uint8 and len(self.shape) == 4 and self.shape[3] in _CHANNELS
        return is_right and min(self.shape[1:]) > 0

    def __str__(self) -> str:
        """Return type and shape."""
        return f"{self.dtype} and shape {self.shape}"


class ArraySource(FileSource):
    """Images that one file holds as a uint8 array (N, H, W, 3), RGB, or (N, H, W, 1), gray.

    Gray becomes RGB, which loses nothing.
    """

    def __init__(
        self,
        name: str,
        held: Held,
        fit: Fit | None,
        count: int | None,
        limits: Limits = LIMITS,
    ) -> None:
        """Check that an array holds images.

        Raises
        ------
        FringeError
            If it does not, if they are larger than ``limits`` allow, or if there are fewer than
            ``count`` images.
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
        """Return width and height of one image as it is stored."""
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
        """Yield the pixels of the images at ``indices``, which increase."""
        step = max(1, BLOCK // int(np.prod(self.shape[1:], dtype=np.int64)))
        for start in range(0, len(indices), step):
            yield from map(bytes, self._rows(indices[start : start + step]))

    def from_stored(self, indices: Indices, stored: Callable[[int], bytes]) -> Images:
        """Return what `read` does, of what ``stored`` returns for an index."""
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
    """An array that may be compressed as a whole, so that an image is read behind those before it.

    `fringe.sources.unpacked` unpacks it once, so that any image can be read at any time.

    Attributes
    ----------
    compressed : bool
        Whether it is.
    """

    compressed: bool

    @property
    @abstractmethod
    def identity(self) -> str:
        """SHA-256 of what the images depend on, used or not."""

    @property
    def size(self) -> int:
        """Bytes of all images of the array, used or not."""
        return math.prod(self.shape)

    @abstractmethod
    def stored(self, rows: int) -> Iterator[Images]:
        """Yield all images of the array, used or not, as they are stored, ``rows`` at a time.

        Raises
        ------
        FringeError
            If it is damaged.
        """

    @abstractmethod
    def read_unpacked(self, path: Path) -> None:
        """Read images from a file that `fringe.sources.unpacked.unpack` made, if of this array."""


def choose_array(name: str, arrays: Mapping[str, Held], usual: str) -> str:
    """Return which of a file's arrays holds its images.

    This is the array called ``usual``, or the only one that may hold images: others are numbers,
    vectors and matrices, such as labels and statistics. That it really holds images, `ArraySource`
    checks.

    Raises
    ------
    FringeError
        If there is no such array, or there are several to choose from.
    """
    possible = {key: held for key, held in arrays.items() if len(held.shape) > 2}
    # Names that NumPy gives say nothing of what an array holds.
    numbered = [key for key in possible if re.fullmatch(r"arr_\d+", key)]
    several = [key for key in numbered if possible[key].are_images]
    if usual in possible and len(several) < 2:
        return usual
    if len(possible) == 1:
        (only,) = possible
        return only
    named = [f"`{key}` of {held}" for key, held in islice((possible or arrays).items(), _NAMED)]
    told = ", ".join(named + ["..."] * (len(possible or arrays) > _NAMED))
    if possible:
        raise FringeError(
            f"{name}: holds several arrays that may be images ({told}); give those to be used a "
            f"file of their own, as `{usual}`"
        )
    if usual in arrays:
        return usual
    raise FringeError(
        f"{name}: holds no array of images, but {told or 'no array at all'}; give a file with one "
        f"of shape (N, height, width, 3), `{usual}`"
    )


def _remedy(held: Held) -> str:
    """Return how an array of something like images is made one of images."""
    shape, steps = held.shape, []
    if held.dtype.kind == "O":
        return "save pixels of one size (numpy.stack), or put encoded files into a ZIP or a folder"
    if len(shape) == 3:
        steps.append(
            "there is no axis of channels here; if the images are gray, take images[..., None], "
            "and if this is one image, images[None]"
        )
    elif len(shape) == 4 and shape[3] not in _CHANNELS and shape[1] in _CHANNELS:
        steps.append("the channels come first here; take images.transpose(0, 2, 3, 1).copy()")
    elif len(shape) == 4 and shape[3] == 4:
        steps.append(
            "these have a fourth channel; if it is opaque everywhere, take images[..., :3].copy()"
        )
    if held.dtype.kind == "f":
        steps.append(
            "bring the pixels to 0 to 255 and convert them, such as numpy.round(images * "
            "255).astype('uint8') where they are in 0 to 1"
        )
    elif held.dtype != np.uint8:
        steps.append("bring the pixels to 0 to 255 and convert them (astype('uint8'))")
    return "; ".join([*(steps or ["convert the array"]), "then save it again"])
