"""Images in tar archives, such as the shards of WebDataset."""

import errno
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np

from fringe.errors import FringeError
from fringe.files.parsing import parse_json
from fringe.files.regular import open_regular
from fringe.files.tarfiles import DAMAGE, Members
from fringe.sources.base import EncodedSource, Indices, check_count, readable, refuse_escape
from fringe.sources.digests import ImageDigests, most_remembered, pack, remembered, unpack
from fringe.sources.fitting import Fit
from fringe.sources.limits import LIMITS, Limits
from fringe.sources.members import chosen, left_out, no_images, refuse_merged
from fringe.sources.patterns import ALL, Choice
from fringe.sources.samples import refuse_companions
from fringe.sources.suffixes import is_picture_name, printable

__all__ = ["TarSource"]

INDEX = "pictures in all of "  # key of `_index` in the cache
CLASSES = "classes of samples in all of "  # key of `_class_index` in the cache
Archive = list[tuple[str, int, int]]  # for each image: name, first byte, number of bytes
Found = TypeVar("Found")
_BLOCK = 512
_CLASS = 16  # bytes of a ``.cls`` to read
_ZEROS = 1 << 20  # bytes to read at a time after an end mark
_COMPRESSED = {
    b"\x1f\x8b": "gunzip",
    b"BZh": "bunzip2",
    b"\xfd7zXZ\0": "unxz",
    b"\x28\xb5\x2f\xfd": "unzstd",
}


class TarSource(EncodedSource):
    """The images of one or several tars, in the order of the archives.

    A sample of WebDataset with two images (``0001.jpg``, ``0001.mask.png``) is refused unless
    ``choice`` selects one of them. Hidden files and files that are not images are ignored. Files
    inside are never extracted. Headers are read once, when the source is opened; with a ``cache``,
    they are read only once for all runs. Each image is then one read at a known offset. Archives
    after the first ``count`` images are not read. A file of several archives in a row (``cat a.tar
    b.tar``) is read to its end, like ``tar --ignore-zeros``.

    Parameters
    ----------
    path : path-like
        Name of the set in messages.
    shards : sequence of path-like
        The uncompressed archives, in order.
    fit : Fit, optional
        How every image is cropped and resized; None: all must have the same size.
    count : int, optional
        Use only the first ``count`` images.
    cache : path-like, optional
        Folder that stores offsets of members, and hashes for the fingerprint (`remembered`).
    choice : Choice
        Selects the files that count.
    limits : Limits
        Limits on the size of decoded data.

    Raises
    ------
    FringeError
        If an archive is missing, unreadable, compressed, truncated or damaged; if it contains a
        name that escapes its folder, a duplicate name, a link or sparse file as an image, or other
        data after its end; if it is ambiguous which files are the images
        (`fringe.sources.members`); if there are no images, or fewer than ``count``.

    Examples
    --------
    >>> import io
    >>> import tarfile
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from PIL import Image
    >>> from fringe.sources import TarSource
    >>> file = io.BytesIO()
    >>> Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file, "PNG")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     shard = Path(folder, "shard-000000.tar")
    ...     with tarfile.open(shard, "w") as archive:
    ...         info = tarfile.TarInfo("0001.png")
    ...         info.size = len(file.getvalue())
    ...         archive.addfile(info, io.BytesIO(file.getvalue()))
    ...     source = TarSource("shards", [shard])
    ...     print(source.members, source.read([0]).shape)
    ['0001.png'] (1, 8, 8, 3)
    """

    def __init__(
        self,
        path: str | Path,
        shards: Sequence[Path],
        fit: Fit | None = None,
        count: int | None = None,
        cache: Path | None = None,
        choice: Choice = ALL,
        limits: Limits = LIMITS,
    ) -> None:
        """Find the offset of each image."""
        self.cache = cache
        name = str(path)
        every: list[str] = []
        members: list[str] = []
        places: list[
            tuple[int, int, int]
        ] = []  # for each image: shard, first byte, number of bytes
        number, step = 0, len(shards) if count is None else 1
        while number < len(shards) and (count is None or len(members) < max(count, 1)):
            some = shards[number : number + step]
            for shard, text in zip(some, remembered(some, cache, INDEX, _index), strict=True):
                for archive in _archives(text, shard):
                    names = [member for member, *_ in archive]
                    taken = chosen(names, str(shard), choice)
                    if not choice.everything:
                        refuse_companions(taken, str(shard), webdataset=True)
                    every += names
                    members += taken
                    if len(taken) < len(archive):
                        counts = set(taken)
                        archive = [entry for entry in archive if entry[0] in counts]
                    places += [(number, at, size) for _, at, size in archive]
                number += 1
            step *= 2  # double the number of shards, so that few steps find `count` images
        if number == len(shards):
            choice.refuse_idle(every, name)
        if not members:
            raise no_images(name, every, packed=True)
        refuse_merged(members, name, choice)
        self.left_out = left_out(every, members)
        count = check_count(len(members), count, name)
        self.members = members[:count]
        self._places = np.array(places[:count], np.int64)
        # The first image of each archive, and the end of the last archive.
        self._starts = np.searchsorted(self._places[:, 0], range(len(shards) + 1)).tolist()
        self.shards = list(shards[: int(self._places[-1, 0]) + 1])
        super().__init__(name, count, fit, limits)

    @property
    def files(self) -> list[Path]:
        """The archives that contain used images."""
        return self.shards

    @cached_property
    def _contents(self) -> ImageDigests:
        return ImageDigests(self.shards, self._starts, "", self.cache)

    def fingerprint_at(self, indices: Indices) -> str:
        """Return the SHA-256 of the encoded images in that order, and of the resizing.

        Names and other members do not count. The distribution of images among archives does not
        count either.
        """
        return self._digest("tar", self._contents.of(indices, self._checked))

    def _is_other(self, index: int, data: bytes | memoryview) -> bool:
        return self._contents.differs(index, data)

    def stored_classes(self) -> np.ndarray | None:
        """Return the class of each image from its sample's ``.cls``; None if no sample has one.

        Raises
        ------
        FringeError
            If an archive cannot be read, a sample has no ``.cls`` but others do, or one contains
            anything other than an integer of at least 0.
        """
        texts = remembered(self.shards, self.cache, CLASSES, _class_index)
        stated = [_class_texts(text, shard) for text, shard in zip(texts, self.shards, strict=True)]
        if not any(stated):
            return None
        found = [stated[number].get(at) for number, at, _ in self._places.tolist()]
        for index, text in enumerate(found):
            if text is None:
                raise FringeError(
                    f"{self._label(index)}: its sample has no `.cls`, but others have one; add it, "
                    "or leave the image out (`ignore`)"
                )
            if re.fullmatch(r"\s*\d{1,6}\s*", text, re.ASCII) is None:
                raise FringeError(
                    f"{self._label(index)}: the `.cls` of its sample holds "
                    f"{printable(text)!r}; a class must be an integer of at least 0"
                )
        return np.array([int(text) for text in found if text is not None], np.int64)

    def _stored(self, indices: Sequence[int]) -> Iterator[bytes]:
        places = self._places[np.asarray(indices, np.int64)].tolist()
        for number, of_shard in groupby(places, key=itemgetter(0)):
            shard = self.shards[number]
            with readable(shard), open_regular(shard) as file:
                for _, start, size in of_shard:
                    self.limits.check_bytes(str(shard), size, f"the image at byte {start}")
                    file.seek(start)
                    yield file.read(size)

    def _label(self, index: int) -> str:
        return printable(f"{self.shards[self._places[index, 0]]}!{self.members[index]}")

    def _bytes(self, index: int) -> bytes:
        number, start, size = self._places[index].tolist()
        self.limits.check_bytes(self._label(index), size)
        with readable(self.shards[number]), open_regular(self.shards[number]) as file:
            file.seek(start)
            data: bytes = file.read(size)
        return data


def _index(path: Path) -> str:
    """Return the images in a file's archives (`_found`) as text for the cache."""
    return pack(json.dumps(_found(path, _read_archive)).encode())


def _class_index(path: Path) -> str:
    """Return, as text, first byte and class of all images whose sample has a ``.cls``."""
    return pack(json.dumps(_found(path, _read_classes)).encode())


def _found(
    path: Path, read: Callable[[BinaryIO, Path], tuple[list[Found], int]]
) -> list[list[Found]]:
    """Return the result of ``read`` for each of a file's archives."""
    archives = []
    with readable(path, *DAMAGE), open_regular(path) as file:
        _refuse_compressed(file.read(_BLOCK), path)
        begin: int | None = 0
        while begin is not None:
            file.seek(begin)
            archive, end = read(file, path)
            if end == begin > 0:
                raise FringeError(
                    f"{path}: its archive ends, but data that is not an archive follows at "
                    f"byte {begin}; the file is damaged: fetch or make it again"
                )
            archives.append(archive)
            begin = _next_archive(file, path, end)
    return archives


def _read_archive(file: BinaryIO, path: Path) -> tuple[Archive, int]:
    """Return the images of the archive that begins here, and the offset of its end mark.

    If no archive begins here, that offset is the current one.
    """
    entries: dict[str, tuple[int, int]] = {}
    members = Members(file)
    for member in members:
        name = member.name.removeprefix("./")
        refuse_escape(name, str(path))
        if member.isdir() or not is_picture_name(name):
            continue
        if not member.isreg() or member.issparse():
            raise FringeError(
                f"{path}!{printable(name)}: is not stored as a plain file; make the archive again "
                "with plain files (tar --dereference --hard-dereference)"
            )
        if name in entries:
            raise FringeError(f"{path}!{printable(name)}: occurs twice; make the archive again")
        entries[name] = member.offset_data, member.size
    return [(name, *place) for name, place in entries.items()], members.end


def _read_classes(file: BinaryIO, path: Path) -> tuple[list[tuple[int, str]], int]:
    """Return first byte and class of images whose sample has a class, and the end mark's offset."""
    images: list[tuple[str, int]] = []
    places: dict[str, tuple[int, int]] = {}
    members = Members(file)
    for member in members:
        sample, _, suffix = _divided(member.name.removeprefix("./"))
        if suffix == "cls" and member.isreg():
            places[sample] = member.offset_data, member.size
        elif is_picture_name(member.name.removeprefix("./")):
            images.append((sample, member.offset_data))
    classes = {}
    for sample, (at, size) in places.items():
        file.seek(at)
        classes[sample] = file.read(min(size, _CLASS)).decode("ascii", "replace")
    return [(at, classes[sample]) for sample, at in images if sample in classes], members.end


def _divided(name: str) -> tuple[str, str, str]:
    """Split a member's name like WebDataset: into sample, dot, and suffix.

    >>> _divided("a.b/0001.mask.png")
    ('a.b/0001', '.', 'mask.png')
    """
    folder, slash, file = name.rpartition("/")
    sample, dot, suffix = file.partition(".")
    return f"{folder}{slash}{sample}", dot, suffix


def _next_archive(file: BinaryIO, path: Path, end: int) -> int | None:
    """Return the offset of data after an end mark and zeros; None if there are none."""
    # A damaged header in the middle looks like the end of the archive to tarfile.
    file.seek(end)
    mark = file.read(_BLOCK)
    if len(mark) < _BLOCK or any(mark) or path.stat().st_size % _BLOCK:
        raise FringeError(
            f"{path}: is damaged (no end mark after {end} bytes); fetch or make it again"
        )
    at = _after_hole(file, end + _BLOCK)
    while block := file.read(_ZEROS):
        rest = block.lstrip(b"\0")
        if rest:
            return (at + len(block) - len(rest)) // _BLOCK * _BLOCK
        at = _after_hole(file, at + len(block))
    return None


def _after_hole(file: BinaryIO, at: int) -> int:
    """Seek the next stored byte from ``at`` on, so that skipping a hole of 64 GiB takes no time."""
    try:
        return file.seek(at, os.SEEK_DATA)
    except OSError as error:
        # The rest of the file is a hole, or the file system does not support the request.
        return file.seek(0, os.SEEK_END) if error.errno == errno.ENXIO else file.seek(at)


def _archives(text: str, shard: Path) -> list[Archive]:
    """Return the archives in the text of `_index`."""
    end = shard.stat().st_size
    try:
        found = parse_json(unpack(text, most_remembered(end)))
        archives = [[(str(name), int(at), int(size)) for name, at, size in one] for one in found]
        if all(0 <= at <= at + size <= end for one in archives for _, at, size in one):
            return archives
    except (OverflowError, TypeError, ValueError):
        pass
    return _found(shard, _read_archive)  # the cache was edited


def _class_texts(text: str, shard: Path) -> dict[int, str]:
    """Return the classes in the text of `_class_index`, by the first byte of an image."""
    try:
        found = parse_json(unpack(text, most_remembered(shard.stat().st_size)))
        return {int(at): str(stated) for one in found for at, stated in one}
    except (OverflowError, TypeError, ValueError):
        return dict(chain.from_iterable(_found(shard, _read_classes)))  # the cache was edited


def _refuse_compressed(head: bytes, path: Path) -> None:
    for magic, tool in _COMPRESSED.items():
        if head.startswith(magic):
            raise FringeError(
                f"{path}: is a compressed tar, whose images cannot be read by index; unpack it "
                f"first ({tool}) and give the plain .tar"
            )
