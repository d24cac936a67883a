"""Subsets of a set of images: the first, a random subset, or those large enough for a crop."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.progress import activity, advance
from fringe.seeds import random_stream
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

__all__ = ["Selection", "Shuffled", "in_order_of_files", "in_random_order"]

LARGEST = 100_000_000  # images in random order, whose indices take 0.8 GB


class Selection(Fingerprinted):
    """Some images of another source, renumbered from 0.

    Parameters
    ----------
    source : ImageSource
        The other source.
    indices : int array (n,)
        Indices of the images to use, in increasing order.
    Examples
    --------
    >>> import numpy as np
    >>> from fringe.sources import PhotoSource, Selection
    >>> photos = PhotoSource(10, 32, seed=0)
    >>> chosen = Selection(photos, np.array([2, 5, 7]))
    >>> len(chosen), bool((chosen.read([1]) == photos.read([5])).all())
    (3, True)
    """

    def __init__(self, source: ImageSource, indices: npt.NDArray[np.integer]) -> None:
        """Store the arguments."""
        self.source = source
        self.simulated = source.simulated
        self.indices = indices
        self.name = source.name
        self.left_out = getattr(source, "left_out", "")

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width."""
        return self.source.resolution

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.indices)

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the fingerprint of the source's images from the first to the last used one."""
        return self.source.fingerprint_of(int(self.indices[first]), int(self.indices[last - 1]) + 1)

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` as uint8 RGB, shape (n, H, W, 3).

        Raises
        ------
        FringeError
            If the source raises one, or an index is out of range.
        """
        return self.source.read(self.indices[check_indices(indices, len(self), self.name)])


class Shuffled(Selection):
    """Images of files in a given order, for example a random order.

    Parameters
    ----------
    source : FileSource
        The images, in the order of the files.
    indices : int array (n,)
        Indices of the images to use, in the new order, without duplicates.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from fringe.sources import NpzSource, Shuffled
    >>> images = np.arange(4, dtype=np.uint8).repeat(32 * 32 * 3).reshape(4, 32, 32, 3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/images.npz", arr_0=images)
    ...     shuffled = Shuffled(NpzSource(f"{folder}/images.npz"), np.array([3, 0]))
    ...     print(shuffled.read([0, 1])[:, 0, 0, 0])
    [3 0]
    """

    source: FileSource

    def __init__(self, source: FileSource, indices: npt.NDArray[np.integer]) -> None:
        """Store the arguments."""
        super().__init__(source, indices)

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the fingerprint of only these images, in their order."""
        return self.source.fingerprint_at(self.indices[first:last])


def in_order_of_files(source: FileSource, count: int | None, cache: Path | None) -> ImageSource:
    """Return the first ``count`` images of ``source``, or all, that are large enough for its fit.

    Parameters
    ----------
    source : FileSource
        Opened with all its images if its fit leaves some out, otherwise with the first ``count``
        images.
    count : int, optional
        How many images; all by default.
    cache : Path, optional
        Folder that stores which images are large enough, by path, size and times of the files.

    Raises
    ------
    FringeError
        If a header cannot be read, or too few images are large enough.
    """
    if not _leaves_out(source):
        return source
    found = _large_enough(source, np.arange(len(source)), count, cache, "")
    return Selection(source, found[: check_count(len(found), count, _name(source))])


def in_random_order(
    source: FileSource, count: int | None, least: int | None, seed: int, cache: Path | None
) -> ImageSource:
    """Return ``count`` images of ``source``, or all, so that every prefix is a random subset.

    Images that are too small for the fit of ``source`` do not count. The order is random if
    ``count`` or ``least`` is less than the number of images; it depends only on ``seed`` and on
    the number of images in ``source``. If all images are used, they are in the order of the files.

    Parameters
    ----------
    source : FileSource
        Opened with all its images.
    count : int, optional
        How many images; all by default.
    least : int, optional
        The smallest number of these images, from the first on, that any reader uses; all by
        default.
    seed : int
        Seed of the order.
    cache : Path, optional
        As for `in_order_of_files`.

    Raises
    ------
    FringeError
        As `in_order_of_files` does. Also if there are fewer than ``count`` images, or more than
        LARGEST, which a damaged file may claim.
    """
    leaves_out, name = _leaves_out(source), source.name
    if len(source) > LARGEST:
        raise FringeError(
            f"{name}: holds {len(source):,} images, but at most {LARGEST:,} can be put in "
            "random order; if it should contain fewer, the file is damaged: fetch or make it "
            "again; otherwise use the first images (`order: file`)"
        )
    order = random_stream(seed, "order").permutation(len(source))
    if leaves_out:
        name = _name(source)
        if count is None:  # read all headers, in the fastest order
            found = _large_enough(source, np.arange(len(source)), None, cache, "")
            order = order[np.isin(order, found)]
        else:  # one more image shows that there are others
            order = _large_enough(source, order, count + 1, cache, f" in order {seed}")
    number = check_count(len(order), count, name)
    if min(number, number if least is None else least) < len(order):
        return Shuffled(source, order[:number])
    return Selection(source, np.sort(order)) if leaves_out else source


def _leaves_out(source: FileSource) -> bool:
    """Return whether images can be too small for the fit of a source."""
    return source.fit is not None and source.fit.height is not None


def _name(source: FileSource) -> str:
    """Return the name of the large enough images in messages."""
    assert source.fit is not None
    return f"{source.name}: cropped to {source.fit.size} x {source.fit.height} pixels"


def _large_enough(
    source: FileSource,
    order: npt.NDArray[np.int64],
    most: int | None,
    cache: Path | None,
    what: str,
) -> npt.NDArray[np.int64]:
    """Return the indices of the images that the fit of ``source`` accepts, in their ``order``.

    Headers are read in that order until ``most`` images are found. A ``cache`` stores the result,
    so that this happens once; ``what`` distinguishes the orders in the cache.

    Raises
    ------
    FringeError
        If a header cannot be read, or no image is large enough.
    """
    assert source.fit is not None
    taken: npt.NDArray[np.bool_] = np.zeros(0, bool)
    group, key = f"sizes of {source.name}", f"{source.fit.size}x{source.fit.height}{what}"
    if cache is not None:
        state = state_of(source.files)
        found_in, _, known = Memory(cache).read(group).get(key, "").partition(" ")
        taken = _unpack(known if found_in == state else "", len(order))
    missing = None if most is None else most - int(np.count_nonzero(taken))
    found = _scan(source, source.fit, order[len(taken) :], missing)
    taken = np.concatenate([taken, found])
    if cache is not None and len(found):
        Memory(cache).add(group, {key: f"{state} {_pack(taken)}"})
    if not taken.any():
        raise FringeError(
            f"{source.name}: none of its {len(source)} images is large enough for the crop to "
            f"{source.fit.size} x {source.fit.height} pixels; crop to a smaller size, or use "
            "larger images"
        )
    return order[: len(taken)][taken][:most]


def _scan(
    source: FileSource, fit: Fit, order: npt.NDArray[np.int64], missing: int | None
) -> npt.NDArray[np.bool_]:
    """Return whether each image is accepted, in ``order``, until ``missing`` are found."""
    taken = np.zeros(len(order), bool)
    wanted = len(order) if missing is None else max(0, missing)
    seen = found = 0
    with activity(f"reading sizes of images in {source.name}", total=len(order), unit="images"):
        while seen < len(order) and found < wanted:
            # At least as many images as are still missing must be checked. Check them in the
            # order of the files, which is fastest.
            block = order[seen : seen + wanted - found]
            for place in np.argsort(block).tolist():
                taken[seen + place] = fit.takes(*source.image_size(int(block[place])))
                advance(1)
            found += int(np.count_nonzero(taken[seen : seen + len(block)]))
            seen += len(block)
    return taken[:seen]


def _pack(taken: npt.NDArray[np.bool_]) -> str:
    return f"{len(taken)} {pack(np.packbits(taken).tobytes())}"


def _unpack(text: str, limit: int) -> npt.NDArray[np.bool_]:
    """Undo `_pack`. Return an empty array for invalid text; then the images are checked again."""
    try:
        length, data = text.split()
        if not 0 <= int(length) <= limit:
            return np.zeros(0, bool)
        bits = np.frombuffer(unpack(data, limit // 8 + 1), np.uint8)
        return np.unpackbits(bits, count=int(length)).astype(bool)
    except ValueError:
        return np.zeros(0, bool)
