"""Some images of a set, such as those that are large enough to be cropped."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.progress import activity, advance
from fringe.sources.base import (
    FileSource,
    Fingerprinted,
    Images,
    ImageSource,
    Indices,
    check_count,
    check_indices,
)
from fringe.sources.digests import pack, state_of, unpack
from fringe.sources.fitting import Fit
from fringe.sources.memory import Memory

__all__ = ["Selection", "large_enough"]


class Selection(Fingerprinted):
    """Some images of another source, numbered anew.

    Parameters
    ----------
    source : ImageSource
        All the images.
    indices : int array (n,)
        Which of them, increasing.
    """

    def __init__(self, source: ImageSource, indices: npt.NDArray[np.integer]) -> None:
        """Keep both."""
        self.source = source
        self.simulated = source.simulated
        self.indices = indices
        self.name = source.name

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width."""
        return self.source.resolution

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.indices)

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return that of all images of the source from the first to the last one used."""
        return self.source.fingerprint_of(int(self.indices[first]), int(self.indices[last - 1]) + 1)

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` as uint8 RGB, shape (n, H, W, 3).

        Raises
        ------
        FringeError
            As the source does, and if an index is out of range.
        """
        return self.source.read(self.indices[check_indices(indices, len(self), self.name)])


def large_enough(source: FileSource, fit: Fit, count: int | None, cache: Path | None) -> Selection:
    """Return the images of ``source`` that ``fit`` takes, the first ``count`` of them or all.

    Headers are read in order, until ``count`` images are found. With a ``cache``, what they told
    is remembered by path, size and times of the files, so it happens once.

    Raises
    ------
    FringeError
        If a header cannot be read, or too few images are large enough.
    """
    taken: npt.NDArray[np.bool_] = np.zeros(0, bool)
    group, key = f"sizes of {source.name}", f"{fit.size}x{fit.height}"
    if cache is not None:
        state = state_of(source.files)
        found_in, _, known = Memory(cache).read(group).get(key, "").partition(" ")
        taken = _unpack(known if found_in == state else "", len(source))
    missing = None if count is None else count - int(np.count_nonzero(taken))
    found = _scan(source, fit, len(taken), missing)
    taken = np.concatenate([taken, found])
    if cache is not None and len(found):
        Memory(cache).add(group, {key: f"{state} {_pack(taken)}"})
    indices = np.flatnonzero(taken)
    if not len(indices):
        raise FringeError(
            f"{source.name}: none of its {len(source)} images is large enough for the crop to "
            f"{fit.size} x {fit.height} pixels; crop to a smaller size, or give larger images"
        )
    name = f"{source.name}: cropped to {fit.size} x {fit.height} pixels"
    return Selection(source, indices[: check_count(len(indices), count, name)])


def _scan(source: FileSource, fit: Fit, start: int, missing: int | None) -> npt.NDArray[np.bool_]:
    """Tell of images ``start`` and on whether they are taken, until ``missing`` are found."""
    taken = []
    total = 0
    if missing is None or missing > 0:
        title = f"reading sizes of images in {source.name}"
        with activity(title, total=len(source) - start, unit="images"):
            for index in range(start, len(source)):
                taken.append(fit.takes(*source.image_size(index)))
                advance(1)
                total += taken[-1]
                if total == missing:
                    break
    return np.array(taken, bool)


def _pack(taken: npt.NDArray[np.bool_]) -> str:
    return f"{len(taken)} {pack(np.packbits(taken).tobytes())}"


def _unpack(text: str, limit: int) -> npt.NDArray[np.bool_]:
    """Return what `_pack` was given; nothing if that cannot be, so that it is found anew."""
    try:
        length, data = text.split()
        bits = np.frombuffer(unpack(data), np.uint8)
        taken = np.unpackbits(bits, count=int(length)).astype(bool)
    except ValueError:
        return np.zeros(0, bool)
    return taken if len(taken) <= limit else np.zeros(0, bool)
