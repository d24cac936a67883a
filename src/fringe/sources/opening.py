"""Open the source that a specification in builtin types describes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fringe.errors import FringeError
from fringe.sources.base import ImageSource
from fringe.sources.kinds import KINDS

__all__ = ["fingerprint", "source_from_spec"]


def source_from_spec(
    spec: Mapping[str, Any], cache: Path | None = None, device: str = "cpu"
) -> ImageSource:
    """Open what a specification of builtin types describes.

    Parameters
    ----------
    spec : mapping
        ``"kind"``, which is one of `fringe.sources.kinds.KINDS`, and the keys of that kind. Those
        that may be left out may be None too. ``labels`` of a generator, for the label "dataset" and
        no other, specifies the real images whose labels it follows.
    cache : path-like, optional
        See `open_source`.
    device : str
        Where a generator computes.

    Raises
    ------
    FringeError
        If a key is missing, unknown or of the wrong type, or the source cannot be opened.
    """
    values = _checked(spec)
    return KINDS[spec["kind"]].open(values, cache, device)


def _checked(spec: Mapping[str, Any]) -> dict[str, Any]:
    kind = spec.get("kind")
    if kind not in KINDS:
        raise FringeError(f"source: kind is {kind!r}; it must be one of {', '.join(KINDS)}")
    keys = KINDS[kind].keys
    unknown = sorted(set(spec) - set(keys) - {"kind"})
    if unknown:
        raise FringeError(
            f"source of kind {kind}: unknown key {unknown[0]!r}; known are {', '.join(keys)}"
        )
    values: dict[str, Any] = {}
    for key, (wanted, optional) in keys.items():
        value = spec.get(key)
        if value is None and not optional:
            raise FringeError(f"source of kind {kind}: key `{key}` is missing; add it")
        if wanted is float and type(value) is int:
            value = float(value)
        types = wanted if isinstance(wanted, tuple) else (wanted,)
        if value is not None and type(value) not in types:
            raise FringeError(
                f"source of kind {kind}: `{key}` is {value!r}; it must be of type "
                f"{' or '.join(one.__name__ for one in types)}"
            )
        values[key] = value
    return values


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
    * diffusers: SHA-256 of the index and of all files of its components, and what it is asked for,
      with all prompts;
    * python: name and source code of the function, what its attribute ``fingerprint`` says, and
      what it is asked for;
    * features: SHA-256 of the rows of each array that is used, and the order of the images;
    * all other kinds: the specification and, of photographs, the SHA-256 of their files;

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
