"""Open data sets of images in files, whatever their format."""

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

#: In which order images are taken.
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

        * a ``.zip`` of images, as StyleGAN's dataset tool or anybody writes it;
        * a folder of images, folders inside included;
        * an ``.npz`` (array ``arr_0``, as guided-diffusion writes it) or an ``.h5`` or ``.hdf5``
          (dataset ``images``), or the only array in one of these that may hold images; arrays are
          uint8 (N, H, W, 3), RGB, or (N, H, W, 1), gray;
        * the folder of an LMDB, whose values are encoded images (LSUN), or its ``.mdb`` file;
        * a ``.tar`` of images, or several (WebDataset): a folder of ``.tar`` files, or a pattern
          such as ``shard-{000000..000010}.tar`` or ``shard-*.tar``;
        * CIFAR-10 or CIFAR-100 in their authors' archive, the binary version (``.tar.gz``);
        * a ``.parquet`` file with a column of encoded images (Hugging Face), or several,
          likewise.
    resolution : int, optional
        Crop every image to its centred square and resize that with antialiasing to this height
        and width. It changes FID. None: images are used as they are and must have one size.
    count : int, optional
        Use only ``count`` images; ``order`` says which. With the wide crop, ``count`` images that
        are large enough (the dataset tool's ``--max-images`` counts the others too).
    cache : path-like, optional
        A folder that remembers what was learnt by reading files: hashes, for the fingerprints of
        all kinds but ZIP and NPZ, checksums of NPZs, members of tars, and which images are large
        enough for the wide crop. Several processes may use it at the same time.
    crop : str
        ``center``, or ``wide WxH`` (``wide 512x384`` is LSUN Car's): images are cropped to the
        proportions W : H, resized, and black bars fill up a square of W x W pixels; images that
        are too small are left out. `fringe.sources.fitting.Fit` has the exact rule.
    filter : {"lanczos", "box"}
        How pixels are averaged when an image is resized. Published FIDs on FFHQ at 256 pixels
        take ``box``.
    follow_links : bool
        Follow symbolic links that lead out of a folder of images. Those that stay inside it are
        followed anyway, and so is a link in place of any other file.
    order : {"random", "file"}
        ``random``: where fewer than all images are used, they are a random subset of all, in random
        order, so that every prefix is a random subset as well. Where all are used, they
        are in the order of the files. ``file``: always in the order of the files, which is sorted
        for a ZIP, a folder and an LMDB, and ``count`` takes the first. In many data sets files are
        sorted by class, and the first ones do not stand for the set.
    seed : int
        Of the random order. With equal seeds a larger ``count`` holds the same images and others.
    least : int, optional
        The least number of images, from the first on, that anything will take. If it is less than
        all, they are in random order.
    strict : bool
        Refuse images that their decoder warns of, which are counted otherwise: damaged JPEG data
        that can be decoded all the same (`fringe.sources.decoder_warnings`).
    select : str or sequence of str, optional
        Patterns of which one must fit the path of an image inside a folder, ZIP or tar, or its
        name, or its key in an LMDB (`fringe.sources.patterns.Choice`). It is needed where it is not
        plain which files are the images: masks beside them, or several splits. ``*`` takes all.
    ignore : str or sequence of str, optional
        Patterns of images that are left out likewise, such as ``*.heic``, which is not read.
    label_column : str, optional
        The column of Parquet that holds the class of each image, where it is not ``label``.
    limits : Limits
        How large may be what is decoded at once. They change no image.

    Returns
    -------
    ImageSource
        Images are read, and checked, when asked for.

    Raises
    ------
    FringeError
        If the path is missing, is of no known kind, or does not hold images, or an option is not
        one of those above.
    """
    fit = fit_from_options(str(path), resolution, crop, filter)
    choice = choice_from_options(str(path), select, ignore)
    if order not in ORDERS:
        raise FringeError(f"{path}: order is {order!r}; it must be one of {', '.join(ORDERS)}")
    if seed < 0:
        raise FringeError(f"{path}: seed is {seed}; it must be at least 0")
    is_ordered = order == "file" or (count is None and least is None)
    # A crop that leaves images out, and a random order, choose among all.
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
    if os.path.isdir(place):  # noqa: PTH112 - False where one may not look: opening it tells why
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
        raise FringeError(f"{path}: is no set of images; if it is a generator, say kind: generator")
    if suffix == ".npy":
        raise FringeError(
            f"{path}: is one array, which may not be images; save it as an NPZ, which says what it "
            "is: numpy.savez('images.npz', numpy.load('array.npy'))"
        )
    raise FringeError(
        f"{path}: no known kind of data set; give a folder of images, .zip, .npz, .h5, .hdf5, "
        "the folder of an LMDB, .tar, .parquet or CIFAR's .tar.gz"
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
    """Tell a folder of images from an LMDB and from a folder of shards by what lies in it."""
    with readable(path):
        names = sorted(entry.name for entry in place.iterdir())
    names = [name for name in names if not name.startswith(".")]
    held = {"an LMDB": [DATA_FILE] if DATA_FILE in names else []}
    held |= {f"{suffix} files": [n for n in names if suffix_of(n) == suffix] for suffix in _SHARDED}
    kinds = [kind for kind, files in held.items() if files]
    if kinds or not holds_images(place, follow_links):  # a download beside images does no harm
        for name in names:
            _refuse_compressed(place / name)
    if not kinds:
        return FolderSource(
            path, fit, count, cache, follow_links=follow_links, choice=choice, limits=limits
        )
    if holds_images(place, follow_links):
        kinds.append("images")
    if len(kinds) > 1:
        raise FringeError(
            f"{path}: holds {' and '.join(kinds)}; give each kind a folder of its own"
        )
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
            f"{source.name}: is not Parquet, and `label_column` ({column}) names a column of one; "
            "drop it"
        )
    source.label_column = column
    if not source.has_column(column):
        raise FringeError(
            f"{source.name}: has no column `{column}`, which `label_column` names; correct it, or "
            "drop it"
        )


def _refuse_choice(path: str | Path, suffix: str, choice: Choice) -> None:
    if choice != ALL:
        raise FringeError(
            f"{path}: `select` and `ignore` choose files by name, and images in a {suffix} have no "
            "names; drop both keys"
        )


def _refuse_twice(shards: Sequence[Path]) -> None:
    """Raise if two shards of a folder are the same file, one of them being a symbolic link."""
    seen: dict[Path, Path] = {}
    for shard in shards:
        before = seen.setdefault(shard.resolve(), shard)
        if before != shard:
            raise FringeError(
                f"{shard}: is the same file as {before}, by a symbolic link, and its images would "
                "count twice; remove the link"
            )


def _refuse_compressed(path: Path) -> None:
    if found := re.fullmatch(r"(cifar-100?)-python\.(tar\.gz|tgz)", path.name.lower()):
        raise FringeError(
            f"{path}: holds pickles, which are not read; give the binary version of the same "
            f"images, {found[1]}-binary.tar.gz (`published:cifar/{found[1].replace('-', '')}`)"
        )
    if path.name.lower().endswith(_GZIPPED) and path.is_file() and holds_records(path):
        raise FringeError(f"{path}: is an archive of CIFAR; give its path in place of its folder's")
    if re.search(r"\.(tar\.(gz|bz2|xz|zst|lz4)|tgz|tbz2|txz)$", path.name.lower()):
        raise FringeError(
            f"{path}: is a compressed tar, whose images cannot be read by index; unpack it to a "
            "plain .tar first (gunzip, bunzip2, unxz, unzstd)"
        )


def _shards(pattern: Path) -> list[Path]:
    """Return the files that a path with ``{0..9}``, ``{a,b}``, ``*``, ``?`` or ``[]`` stands for.

    Files of braces come in their order, those of a wildcard sorted. A file that is there under
    just this name stands for itself.
    """
    if os.path.exists(pattern):  # noqa: PTH110 - False where the pattern is too long for a name
        return [pattern]
    shards = []
    for name in _braces(str(pattern)):
        found = sorted(glob.glob(name)) if glob.has_magic(name) else [name]  # noqa: PTH207
        if not found:
            raise FringeError(f"{name}: matches no file; correct the pattern or put the data there")
        shards += [Path(one) for one in found]
    return shards


def is_there(path: str | Path) -> bool:
    """Tell whether anything is at a path; of a pattern's files, any one of them.

    What is there may still be damaged, incomplete or of no known kind: `open_source` tells.
    """
    place = as_path(path)
    try:
        return place.exists() or any(map(_finds, _braces(str(place))))
    except OSError:  # nobody may look there, which is a fault
        return True


def _finds(name: str) -> bool:
    return any(True for _ in glob.iglob(name)) if glob.has_magic(name) else Path(name).exists()  # noqa: PTH207


def _braces(pattern: str) -> list[str]:
    """Return the strings that the braces in ``pattern`` stand for."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        return [pattern]
    span = re.fullmatch(r"(\d+)\.\.(\d+)", match[1])
    if span is None:
        choices = match[1].split(",")
    else:
        first, last = int(span[1]), int(span[2])
        if not first <= last < first + 1_000_000:
            raise FringeError(f"{pattern}: {{{match[1]}}} is no range of files; correct it")
        choices = [f"{number:0{len(span[1])}}" for number in range(first, last + 1)]
    head, tail = pattern[: match.start()], pattern[match.end() :]
    return [f"{head}{choice}{end}" for choice in choices for end in _braces(tail)]
