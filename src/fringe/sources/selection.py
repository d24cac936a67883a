"""Some images of a set: the first, a random subset, or those large enough to be cropped."""

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

LARGEST = 100_000_000  # images in random order, whose indices take 0.8 GB meanwhile


class Selection(Fingerprinted):
    """Some images of another source, numbered again.

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
        self.left_out = getattr(source, "left_out", "")

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


class Shuffled(Selection):
    """Images of files in an order of their own, such as a random one.

    Parameters
    ----------
    source : FileSource
        All the images.
    indices : int array (n,)
        Which of them, in that order, none twice.
    """

    source: FileSource

    def __init__(self, source: FileSource, indices: npt.NDArray[np.integer]) -> None:
        """Keep both."""
        super().__init__(source, indices)

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return that of just these images in their order: others do not count."""
        return self.source.fingerprint_at(self.indices[first:last])


def in_order_of_files(source: FileSource, count: int | None, cache: Path | None) -> ImageSource:
    """Return the first ``count`` images of ``source``, or all, without those too small for its fit.

    Parameters
    ----------
    source : FileSource
        Opened with all its images where its fit leaves some out, otherwise with the first
        ``count``.
    count : int, optional
        How many images; all by default.
    cache : Path, optional
        Where it is remembered which images are large enough, by path, size and times of the files.

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
    """Return ``count`` images of ``source``, or all; every prefix of them is a random subset.

    Images that are too small for the fit of ``source`` do not count. The order is random if
    ``count``, or ``least``, is less than all; it depends on ``seed`` and on how many images
    ``source`` holds, and on nothing else. If all images are used, it is that of the files.

    Parameters
    ----------
    source : FileSource
        Opened with all its images.
    count : int, optional
        How many images; all by default.
    least : int, optional
        The least number of these images, from the first on, that anything takes; all by default.
    seed : int
        Of the order.
    cache : Path, optional
        As for `in_order_of_files`.

    Raises
    ------
    FringeError
        As `in_order_of_files` does, and if there are fewer than ``count`` images, or more than
        LARGEST, as a damaged file may claim.
    """
    leaves_out, name = _leaves_out(source), source.name
    if len(source) > LARGEST:
        raise FringeError(
            f"{name}: holds {len(source):,} images, more than the {LARGEST:,} that can be put in "
            "random order; if the file holds fewer images, it is damaged: fetch or make it again; "
            "otherwise take the first ones (`order: file`)"
        )
    order = random_stream(seed, "order").permutation(len(source))
    if leaves_out:
        name = _name(source)
        if count is None:  # all headers are read, in the quickest order
            found = _large_enough(source, np.arange(len(source)), None, cache, "")
            order = order[np.isin(order, found)]
        else:  # one more image shows that these are not all
            order = _large_enough(source, order, count + 1, cache, f" in order {seed}")
    number = check_count(len(order), count, name)
    if min(number, number if least is None else least) < len(order):
        return Shuffled(source, order[:number])
    return Selection(source, np.sort(order)) if leaves_out else source


def _leaves_out(source: FileSource) -> bool:
    """Tell whether images can be too small for the fit of a source."""
    return source.fit is not None and source.fit.height is not None


def _name(source: FileSource) -> str:
    """Return what messages call the images that are large enough."""
    assert source.fit is not None
    return f"{source.name}: cropped to {source.fit.size} x {source.fit.height} pixels"


def _large_enough(
    source: FileSource,
    order: npt.NDArray[np.int64],
    most: int | None,
    cache: Path | None,
    what: str,
) -> npt.NDArray[np.int64]:
    """Return the indices of the images that the fit of ``source`` takes, in their ``order``.

    Headers are read in that order until ``most`` images are found. With a ``cache``, what they told
    is remembered, so it happens once; ``what`` tells one order from another there.

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
            f"{source.fit.size} x {source.fit.height} pixels; crop to a smaller size, or give "
            "larger images"
        )
    return order[: len(taken)][taken][:most]


def _scan(
    source: FileSource, fit: Fit, order: npt.NDArray[np.int64], missing: int | None
) -> npt.NDArray[np.bool_]:
    """Return whether images are taken, in their ``order``, until ``missing`` are found."""
    taken = np.zeros(len(order), bool)
    wanted = len(order) if missing is None else max(0, missing)
    seen = found = 0
    with activity(f"reading sizes of images in {source.name}", total=len(order), unit="images"):
        while seen < len(order) and found < wanted:
            # At least as many as are still wanted must be looked at: these in the order of the
            # files, which is the quick one.
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
    """Return what `_pack` was given; nothing if that cannot be, so that it is found again."""
    try:
        length, data = text.split()
        if not 0 <= int(length) <= limit:
            return np.zeros(0, bool)
        bits = np.frombuffer(unpack(data, limit // 8 + 1), np.uint8)
        return np.unpackbits(bits, count=int(length)).astype(bool)
    except ValueError:
        return np.zeros(0, bool)
