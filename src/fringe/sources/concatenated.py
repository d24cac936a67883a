"""Detect several files in a row in one file (``cat a b > c``): readers would see only one of them.

Several tars in a row are all read (`fringe.sources.tar`). `fringe.files.zipfiles` checks ZIPs.
"""

from pathlib import Path

from fringe.errors import FringeError
from fringe.files.regular import open_regular

__all__ = ["refuse_hdf5", "refuse_lmdb", "refuse_parquet"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
# Offset of the end of the file in a superblock, by version (HDF5 specification, II.A).
_HDF5_END = {0: 40, 1: 44, 2: 28, 3: 28}
_LMDB = (0xBEEFC0DE).to_bytes(4, "little")
_LMDB_MAGIC = 16  # offset in the first page
_PARQUET = b"PAR1"
_INDEX = 1 << 20  # most bytes of indices between data and footer


def refuse_hdf5(path: Path) -> None:
    """Raise if another HDF5 file begins where the one at ``path`` ends.

    Raises
    ------
    FringeError
        If another file begins there.
    OSError
        If the file cannot be read.
    """
    with open_regular(path) as file:
        head = file.read(64)
        place = _HDF5_END.get(head[8]) if head.startswith(_HDF5) and len(head) == 64 else None
        if place is not None:
            file.seek(int.from_bytes(head[place : place + 8], "little") % (1 << 63))
            if file.read(len(_HDF5)) == _HDF5:
                raise _several(path, "HDF5 files")


def refuse_lmdb(path: Path, end: int) -> None:
    """Raise if another environment begins at byte ``end``, where the one at ``path`` ends.

    Raises
    ------
    FringeError
        If another environment begins there.
    OSError
        If the file cannot be read.
    """
    with open_regular(path) as file:
        file.seek(end + _LMDB_MAGIC)
        if file.read(len(_LMDB)) == _LMDB:
            raise _several(path, "LMDB files")


def refuse_parquet(path: Path, data_end: int) -> None:
    """Raise if another Parquet file precedes the one whose footer ends the file at ``path``.

    Parameters
    ----------
    path : Path
        The file.
    data_end : int
        End of the data according to the footer, which counts from the start of the last file.

    Raises
    ------
    FringeError
        If there is another file.
    OSError
        If the file cannot be read.
    """
    with open_regular(path) as file:
        tail = file.seek(-8, 2)
        footer = tail - int.from_bytes(file.read(4), "little")
        before = footer - data_end  # bytes of the other file, and of indices
        if before > 0:
            first = max(0, before - _INDEX)
            file.seek(first)
            if _PARQUET * 2 in file.read(before - first + len(_PARQUET)):
                raise _several(path, "Parquet files")


def _several(path: Path, what: str) -> FringeError:
    return FringeError(
        f"{path}: holds several {what} in a row, of which only one would be read; save each as a "
        "separate file"
    )
