"""The identity of a source's images, computed without decoding any."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fringe.sources.opening import source_from_spec

__all__ = ["fingerprint"]


def fingerprint(spec: Mapping[str, Any], cache: Path | None = None) -> str:
    """Return the fingerprint of the source that ``spec`` describes (see `source_from_spec`).

    It changes when an image that the source uses does, and not when a file is touched or a data
    set moved. It hashes, by kind:

    * ZIP: names, sizes and CRCs of the images used, from the central directory;
    * NPZ: size and CRC of the array, likewise;
    * folder: relative names and SHA-256 of the images used;
    * LMDB, tar, Parquet: SHA-256 of the images used, encoded as they are;
    * HDF5: SHA-256 of the pixels of the images used;
    * generator: SHA-256 of the file, and what it is asked for;
    * photos, imitation: the specification and the SHA-256 of the photographs;

    and with each the count (of the images, where files hold images), the resizing, and the REVISION
    of the code that makes the pixels. Images in random order are hashed in that order, and of an
    NPZ the order itself, too. `select` and `ignore` change it only through the images that
    they leave.

    Parameters
    ----------
    spec : mapping
        The source, in builtin types.
    cache : path-like, optional
        A folder where SHA-256 are remembered, by path, size and times of the files; several
        processes may use it at the same time.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    FringeError
        If the source cannot be opened or read.
    """
    return source_from_spec(spec, cache).fingerprint
