"""Download of source files from the addresses in a configuration."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable
from glob import escape
from pathlib import Path, PurePosixPath
from secrets import token_hex

import h5py

from fringe.checkpoints import kind_of
from fringe.config.sources import FileSource, Statistics
from fringe.errors import FringeError
from fringe.files import tarfiles
from fringe.files.atomic import atomic_path
from fringe.files.downloading import LARGEST, download, sha256_of
from fringe.files.reasons import unwritable
from fringe.files.regular import LARGEST_CHECKPOINT, open_regular, read_text
from fringe.files.stand_ins import stand_in_at
from fringe.files.tarfiles import Members
from fringe.files.zipfiles import DAMAGE, Archive, open_member, refuse_unreadable
from fringe.progress import progress
from fringe.sources import as_path
from fringe.texts import printable

__all__ = ["fetch_source", "fetch_statistics"]

ARCHIVE = "the ZIP archive"
# First bytes of files, by kind.
PARQUET = b"PAR1"
GZIP = b"\x1f\x8b"


def fetch_source(name: str, source: FileSource) -> str:
    """Download the file of a source, or the archive whose folder it is, to the source's ``path``.

    Parameters
    ----------
    name : str
        Name of the source, for messages.
    source : FileSource
        The source. Its keys ``path``, ``url``, ``sha256``, ``unpack`` and ``note`` are read.

    Returns
    -------
    str
        The hex SHA-256 of the downloaded file. If the configuration has no ``sha256``, the SHA-256
        is written to ``<path>.sha256`` in the format of ``sha256sum``. A later download of a
        different file is then refused.

    Raises
    ------
    FringeError
        If there is no address, no address delivers the file, or the downloaded file is of another
        kind or differs from the file of the first download.
    """
    path = as_path(source.path)
    folder = source.unpack
    target = path if folder is None else path.with_name(f"{path.name}.zip")
    most = LARGEST_CHECKPOINT if source.is_trained else LARGEST
    check = _kind_check(target, folder, is_trained=source.is_trained)
    found = _fetch(f"sources/{name}", f"source {name!r}", source, target, check, most)
    if folder is not None:
        _unpack(target, folder, path)
        target.unlink()
    return found


def fetch_statistics(key: str, given: Statistics) -> str:
    """Download a file of published statistics to its ``path``, and return its hex SHA-256.

    ``key`` is the key of the file in the configuration, for messages.

    Raises
    ------
    FringeError
        As in `fetch_source`.
    """
    path = as_path(given.path)
    check = _kind_check(path, None, is_trained=False)
    return _fetch(key, key, given, path, check, LARGEST)


def _fetch(
    key: str,
    what: str,
    about: FileSource | Statistics,
    target: Path,
    check: Callable[[Path], None],
    most: int,
) -> str:
    """Download a file to ``target`` unless ``target`` exists, and return the file's digest.

    Messages name the file by ``key`` and ``what``.
    """
    path, known, note = as_path(about.path), about.sha256, about.note or ""
    urls = [about.url] if isinstance(about.url, str) else about.url or []
    if not urls:
        raise FringeError(f"{key}: has no `url` from which to fetch {path}. {note}".rstrip())
    record = path.with_name(f"{path.name}.sha256")
    before = None if known else _recorded(record)

    def checked(arrived: Path) -> None:
        check(arrived)
        if before is not None and (other := sha256_of(arrived)) != before:
            raise FringeError(
                f"sends a different file than before: SHA-256 {other}, but {before} the first time "
                f"({record}); if the new file is right, delete {record} and fetch the file again"
            )

    try:
        if not target.exists():
            download(urls, target, known, checked, most)
        elif known and sha256_of(target) != known.lower():  # left by an interrupted unpacking
            raise FringeError(f"  {target}: its SHA-256 is not the `sha256` given; delete the file")
    except FringeError as error:
        advice = f"\n{note}" if note else ""
        raise FringeError(
            f"{path}: {what} could not be fetched.\n{error}\nWithout a network, download "
            f"{urls[0]} on another machine and copy the file to {target}.{advice}"
        ) from None
    found = known.lower() if known else sha256_of(target)
    if not known:
        with atomic_path(record) as partial:
            partial.write_text(f"{found}  {target.name}\n", "utf-8")
    return found


def _recorded(path: Path) -> str | None:
    """Return the digest that an earlier download recorded, or None."""
    try:
        text = read_text(path, "replace")
    except (FringeError, OSError):
        return None
    found = re.match(r"[0-9a-f]{64}\b", text)
    return found[0] if found else None


def _kind_check(path: Path, unpack: str | None, *, is_trained: bool) -> Callable[[Path], None]:
    """Return a function that raises if a file is not of the kind that the suffix of ``path`` says.

    Faults inside the file are found later, when the file is read as a source.
    """
    what, is_right = _KINDS[".zip"]
    if unpack is None:
        what, is_right = _KINDS.get(path.suffix.lower(), ("a file with content", _has_content))
        if is_trained:
            what, is_right = "the generator", _is_generator

    def check(arrived: Path) -> None:
        if not is_right(arrived):
            if instead := stand_in_at(arrived):
                raise FringeError(f"the downloaded file {instead}")
            raise FringeError(
                f"the downloaded file is not {what} that {path.name} should be, or is truncated"
            )

    return check


def _has_content(path: Path) -> bool:
    return path.stat().st_size > 0


def _is_generator(path: Path) -> bool:
    try:
        return kind_of(path) in ("pickle", "torch", "torchscript", "safetensors")
    except FringeError:  # a truncated ZIP file
        return False


def _is_parquet(path: Path) -> bool:
    with open_regular(path) as file:
        return file.read(len(PARQUET)) == PARQUET


def _is_gzip(path: Path) -> bool:
    with open_regular(path) as file:
        return file.read(len(GZIP)) == GZIP


def _is_pickle(path: Path) -> bool:
    try:
        return kind_of(path) == "pickle"
    except FringeError:
        return False


def _is_tar(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            next(iter(Members(file)), None)
    except tarfiles.DAMAGE:
        return False
    return True


_KINDS: dict[str, tuple[str, Callable[[Path], bool]]] = {
    **dict.fromkeys((".zip", ".npz"), (ARCHIVE, zipfile.is_zipfile)),
    **dict.fromkeys((".h5", ".hdf5"), ("the HDF5 file", h5py.is_hdf5)),
    ".tar": ("the tar archive", _is_tar),
    **dict.fromkeys((".gz", ".tgz"), ("the compressed file", _is_gzip)),
    ".pkl": ("the pickle", _is_pickle),
    ".parquet": ("the Parquet file", _is_parquet),
}


def _unpack(archive: Path, folder: str, path: Path) -> None:
    """Write the files below ``folder`` of a ZIP to the folder ``path``, all of them or none."""
    inside = PurePosixPath(folder)
    for left in path.parent.glob(f".{escape(path.name)}~*.unpacking"):  # left by a killed run
        shutil.rmtree(left, ignore_errors=True)
    making = path.with_name(f".{path.name}~{token_hex(8)}.unpacking")
    try:
        making.mkdir()  # fails if the path exists, for example as a link
        with Archive(archive) as opened:
            members = {
                info: PurePosixPath(info.filename).relative_to(inside)
                for info in opened.infolist()
                if not info.is_dir() and PurePosixPath(info.filename).is_relative_to(inside)
            }
            if not members:
                tops = sorted({PurePosixPath(one, ".").parts[:1] for one in opened.namelist()})
                raise FringeError(
                    f"{archive}: has no folder {folder!r}, which `unpack` names; it contains "
                    f"{', '.join(printable(top) for (top,) in filter(None, tops[:10]))}"
                )
            for info in members:
                refuse_unreadable(info, str(archive))
            needed, free = sum(info.file_size for info in members), shutil.disk_usage(making).free
            if needed > free:
                raise FringeError(
                    f"{archive}: unpacks to {needed / 1e9:.1f} GB, but only {free / 1e9:.1f} GB "
                    f"are free in {path.parent}; free some space, then run again"
                )
            for info, place in progress(members.items(), path.name, total=len(members)):
                if ".." in place.parts:
                    raise FringeError(
                        f"{archive}: {printable(info.filename)} leads out of its folder"
                    )
                target = making / place
                target.parent.mkdir(parents=True, exist_ok=True)
                with open_member(opened, info) as held, target.open("wb") as out:
                    shutil.copyfileobj(held, out, 1 << 20)
        making.rename(path)
    except FringeError:
        raise
    except (OSError, *DAMAGE) as error:
        if found := unwritable(error):
            reason, advice = found
            raise FringeError(
                f"{path}: cannot unpack to this folder ({reason}); {advice}, then run again"
            ) from error
        raise FringeError(f"{archive}: cannot be unpacked ({error}); delete the file") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
