"""Open data sets of images in files of any known format."""

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path

from fringe.errors import FringeError
from fringe.sources.base import FileSource, ImageSource, as_path, readable
from fringe.sources.cifar import CifarSource, holds_records
from fringe.sources.fitting import Fit, fit_from_options
from fringe.sources.folder import FolderSource, holds_images
from fringe.sources.hdf5 import Hdf5Source
from fringe.sources.limits import LIMITS, Limits
from fringe.sources.lmdb import DATA_FILE, LmdbSource
from fringe.sources.npz import NpzSource
from fringe.sources.parquet import ParquetSource
from fringe.sources.patterns import ALL, Choice, choice_from_options
from fringe.sources.selection import in_order_of_files, in_random_order
from fringe.sources.splits import refuse_merged_shards
from fringe.sources.suffixes import suffix_of
from fringe.sources.tar import TarSource
from fringe.sources.zip import ZipSource

__all__ = ["is_there", "open_source"]

#: Orders of images.
ORDERS = ("random", "file")

_SHARDED = (".tar", ".parquet")
_GZIPPED = (".tar.gz", ".tgz")


def open_source(
    path: str | Path,
    resolution: int | None = None,
    *,
    count: int | None = None,
    cache: Path | None = None,
    crop: str = "center",
    filter: str = "lanczos",
    follow_links: bool = False,
    order: str = "random",
    seed: int = 0,
    least: int | None = None,
    strict: bool = False,
    select: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    label_column: str | None = None,
    limits: Limits = LIMITS,
) -> ImageSource:
    """Open a data set of images.

    Parameters
    ----------
    path : path-like
        One of

        * a ``.zip`` of images, from StyleGAN's dataset tool or any other tool;
        * a folder of images, including its subfolders;
        * an ``.npz`` (array ``arr_0``, as guided-diffusion writes it) or an ``.h5`` or ``.hdf5``
          (dataset ``images``), or the only array in such a file that may contain images; arrays
          are uint8 (N, H, W, 3), RGB, or (N, H, W, 1), gray;
        * the folder of an LMDB, whose values are encoded images (LSUN), or its ``.mdb`` file;
        * a ``.tar`` of images, or several tars (WebDataset): a folder of ``.tar`` files, or a
          pattern such as ``shard-{000000..000010}.tar`` or ``shard-*.tar``;
        * CIFAR-10 or CIFAR-100 in their authors' archive, the binary version (``.tar.gz``);
        * a ``.parquet`` file with a column of encoded images (Hugging Face), or several
          files as for tars.
    resolution : int, optional
        Crop every image to a centred square and resize it with antialiasing to this height and
        width. This changes FID. None: images are used unchanged and must have the same size.
    count : int, optional
        Use only ``count`` images, which ``order`` selects. With the wide crop, only images that are
        large enough count (the dataset tool's ``--max-images`` counts the others too).
    cache : path-like, optional
        A folder that stores results of reading files: hashes for the fingerprints of all kinds
        except ZIP and NPZ, checksums of NPZs, members of tars, and which images are large
        enough for the wide crop. Several processes may use it at the same time.
    crop : str
        ``center``, or ``wide WxH`` (LSUN Car: ``wide 512x384``). With the wide crop, images are
        cropped to the proportions W : H and resized, and black bars are added to make a square of
        W x W pixels. Images that are too small are left out. `fringe.sources.fitting.Fit` has the
        exact rule.
    filter : {"lanczos", "box"}
        How pixels are averaged when an image is resized. Published FIDs on FFHQ at 256 pixels
        use ``box``.
    follow_links : bool
        Follow symbolic links that point outside a folder of images. Links that point to a file
        inside the folder are always followed, and so are links instead of other files.
    order : {"random", "file"}
        ``random``: if not all images are used, they are a random subset in random order, so that
        every prefix is a random subset as well. If all images are used, they are in the order of
        the files. ``file``: always the order of the files, which is sorted for a ZIP, a folder and
        an LMDB, and ``count`` selects the first images. In many data sets files are sorted by
        class, so that the first images do not represent the set.
    seed : int
        Seed of the random order. With equal seeds, a larger ``count`` selects the same images and
        more.
    least : int, optional
        The smallest number of images, from the first on, that any reader will use. If it is less
        than the number of images, the order is random.
    strict : bool
        Refuse images with a decoder warning, which are otherwise counted: damaged JPEG data
        that can still be decoded (`fringe.sources.decoder_warnings`).
    select : str or sequence of str, optional
        Patterns. One of them must fit the path of an image inside a folder, ZIP or tar, or its
        file name, or its key in an LMDB (`fringe.sources.patterns.Choice`). Required if it is not
        clear which files are the images: masks next to them, or several splits. ``*`` selects all.
    ignore : str or sequence of str, optional
        Patterns of images to leave out, such as ``*.heic``, which is not read.
    label_column : str, optional
        The Parquet column of the class labels, if it is not ``label``.
    limits : Limits
        Limits on the size of decoded data. They do not change images.

    Returns
    -------
    ImageSource
        The data set. Its images are read, and checked, only when they are requested.

    Raises
    ------
    FringeError
        If the path does not exist, is not of a known kind, or does not contain images, or if an
        option is invalid.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from fringe.sources import open_source
    >>> images = np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/samples.npz", arr_0=images)
    ...     source = open_source(f"{folder}/samples.npz", resolution=32, count=4)
    ...     print(len(source), source.resolution, source.read([0, 3]).shape)
    4 (32, 32) (2, 32, 32, 3)
    """
    fit = fit_from_options(str(path), resolution, crop, filter)
    choice = choice_from_options(str(path), select, ignore)
    if order not in ORDERS:
        raise FringeError(f"{path}: order is {order!r}; it must be one of {', '.join(ORDERS)}")
    if seed < 0:
        raise FringeError(f"{path}: seed is {seed}; it must be at least 0")
    is_ordered = order == "file" or (count is None and least is None)
    # A crop that leaves images out and a random order need all images.
    takes_first = is_ordered and (fit is None or fit.height is None)
    source = _open(path, fit, count if takes_first else None, cache, follow_links, choice, limits)
    source.strict = strict
    if label_column is not None:
        _name_label_column(source, label_column)
    if is_ordered:
        return in_order_of_files(source, count, cache)
    return in_random_order(source, count, least, seed, cache)


def _open(
    path: str | Path,
    fit: Fit | None,
    count: int | None,
    cache: Path | None,
    follow_links: bool,
    choice: Choice,
    limits: Limits,
) -> FileSource:
    place = as_path(path)
    if os.path.isdir(place):  # noqa: PTH112 - False without permission: opening the path then says why
        return _open_folder(path, place, fit, count, cache, follow_links, choice, limits)
    suffix = place.suffix.lower()
    if suffix in _SHARDED:
        return _open_shards(path, suffix, _shards(place), fit, count, cache, choice, limits)
    if suffix == ".zip":
        return ZipSource(path, fit, count, choice, limits)
    if suffix in {".npz", ".h5", ".hdf5"}:
        _refuse_choice(path, suffix, choice)
    if suffix == ".npz":
        return NpzSource(path, fit, count, cache, limits)
    if suffix in {".h5", ".hdf5"}:
        return Hdf5Source(path, fit, count, cache, limits)
    if suffix == ".mdb":
        return LmdbSource(path, fit, count, cache, choice, limits)
    with readable(path):
        place.stat()
    if place.name.lower().endswith(_GZIPPED) and holds_records(place):
        return CifarSource(path, fit, count, cache, choice, limits)
    _refuse_compressed(place)
    if suffix in {".pkl", ".pt", ".safetensors"}:
        raise FringeError(
            f"{path}: is not a set of images; if it is a generator, set `kind: generator`"
        )
    if suffix == ".npy":
        raise FringeError(
            f"{path}: is a single array, which may not be images; save it as an NPZ, whose format "
            "is known: numpy.savez('images.npz', numpy.load('array.npy'))"
        )
    raise FringeError(
        f"{path}: is not a known kind of data set; give a folder of images, .zip, .npz, .h5, "
        ".hdf5, the folder of an LMDB, .tar, .parquet or CIFAR's .tar.gz"
    )


def _open_folder(
    path: str | Path,
    place: Path,
    fit: Fit | None,
    count: int | None,
    cache: Path | None,
    follow_links: bool,
    choice: Choice,
    limits: Limits,
) -> FileSource:
    """Open a folder of images, an LMDB or a folder of shards, depending on its content."""
    with readable(path):
        names = sorted(entry.name for entry in place.iterdir())
    names = [name for name in names if not name.startswith(".")]
    held = {"an LMDB": [DATA_FILE] if DATA_FILE in names else []}
    held |= {f"{suffix} files": [n for n in names if suffix_of(n) == suffix] for suffix in _SHARDED}
    kinds = [kind for kind, files in held.items() if files]
    if kinds or not holds_images(place, follow_links):  # ignore downloads next to images
        for name in names:
            _refuse_compressed(place / name)
    if not kinds:
        return FolderSource(
            path, fit, count, cache, follow_links=follow_links, choice=choice, limits=limits
        )
    if holds_images(place, follow_links):
        kinds.append("images")
    if len(kinds) > 1:
        raise FringeError(f"{path}: holds {' and '.join(kinds)}; move each kind to its own folder")
    if held["an LMDB"]:
        return LmdbSource(path, fit, count, cache, choice, limits)
    suffix = next(suffix for suffix in _SHARDED if held[f"{suffix} files"])
    shards = [place / name for name in held[f"{suffix} files"]]
    _refuse_twice(shards)
    return _open_shards(path, suffix, shards, fit, count, cache, choice, limits)


def _open_shards(
    path: str | Path,
    suffix: str,
    shards: list[Path],
    fit: Fit | None,
    count: int | None,
    cache: Path | None,
    choice: Choice,
    limits: Limits,
) -> FileSource:
    if not choice.everything:
        refuse_merged_shards(shards, str(path))
    if suffix == ".tar":
        return TarSource(path, shards, fit, count, cache, choice, limits)
    _refuse_choice(path, suffix, choice)
    return ParquetSource(path, shards, fit, count, cache, limits)


def _name_label_column(source: FileSource, column: str) -> None:
    if not isinstance(source, ParquetSource):
        raise FringeError(
            f"{source.name}: is not Parquet, but `label_column` ({column}) is a column of Parquet; "
            "remove the option"
        )
    source.label_column = column
    if not source.has_column(column):
        raise FringeError(
            f"{source.name}: has no column `{column}` (`label_column`); correct the name or "
            "remove the option"
        )


def _refuse_choice(path: str | Path, suffix: str, choice: Choice) -> None:
    if choice != ALL:
        raise FringeError(
            f"{path}: `select` and `ignore` select files by name, but images in a {suffix} have no "
            "names; remove both keys"
        )


def _refuse_twice(shards: Sequence[Path]) -> None:
    """Raise if two shards of a folder are the same file, one of them being a symbolic link."""
    seen: dict[Path, Path] = {}
    for shard in shards:
        before = seen.setdefault(shard.resolve(), shard)
        if before != shard:
            raise FringeError(
                f"{shard}: is the same file as {before}, by a symbolic link, so its images would "
                "count twice; remove the link"
            )


def _refuse_compressed(path: Path) -> None:
    if found := re.fullmatch(r"(cifar-100?)-python\.(tar\.gz|tgz)", path.name.lower()):
        raise FringeError(
            f"{path}: holds pickles, which are not read; use the binary version of the same "
            f"images, {found[1]}-binary.tar.gz (`published:cifar/{found[1].replace('-', '')}`)"
        )
    if path.name.lower().endswith(_GZIPPED) and path.is_file() and holds_records(path):
        raise FringeError(f"{path}: is a CIFAR archive; give its path instead of its folder's path")
    if re.search(r"\.(tar\.(gz|bz2|xz|zst|lz4)|tgz|tbz2|txz)$", path.name.lower()):
        raise FringeError(
            f"{path}: is a compressed tar, whose images cannot be read by index; unpack it to a "
            "plain .tar first (gunzip, bunzip2, unxz, unzstd)"
        )


def _shards(pattern: Path) -> list[Path]:
    """Return the files that match a path with ``{0..9}``, ``{a,b}``, ``*``, ``?`` or ``[]``.

    Files of braces are in the order of the braces, files of a wildcard are sorted. If a file has
    exactly this name, only that file is returned.
    """
    if os.path.exists(pattern):  # noqa: PTH110 - False if the pattern is too long for a name
        return [pattern]
    shards = []
    for name in _braces(str(pattern)):
        found = sorted(glob.glob(name)) if glob.has_magic(name) else [name]  # noqa: PTH207
        if not found:
            raise FringeError(f"{name}: matches no file; correct the pattern or put the data there")
        shards += [Path(file) for file in found]
    return shards


def is_there(path: str | Path) -> bool:
    """Return whether a path exists; for a pattern, whether any of its files exists.

    An existing file may still be damaged, incomplete or of an unknown kind: `open_source` checks
    that.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fringe.sources import is_there
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "shard-01.tar").touch()
    ...     is_there(f"{folder}/shard-{{00..03}}.tar"), is_there(f"{folder}/images.zip")
    (True, False)
    """
    place = as_path(path)
    try:
        return place.exists() or any(map(_finds, _braces(str(place))))
    except OSError:  # no permission to look: opening the path reports that
        return True


def _finds(name: str) -> bool:
    return any(True for _ in glob.iglob(name)) if glob.has_magic(name) else Path(name).exists()  # noqa: PTH207


def _braces(pattern: str) -> list[str]:
    """Return the strings that ``pattern`` expands to."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        return [pattern]
    span = re.fullmatch(r"(\d+)\.\.(\d+)", match[1])
    if span is None:
        choices = match[1].split(",")
    else:
        first, last = int(span[1]), int(span[2])
        if not first <= last < first + 1_000_000:
            raise FringeError(f"{pattern}: {{{match[1]}}} is not a range of files; correct it")
        choices = [f"{number:0{len(span[1])}}" for number in range(first, last + 1)]
    head, tail = pattern[: match.start()], pattern[match.end() :]
    return [f"{head}{choice}{end}" for choice in choices for end in _braces(tail)]
