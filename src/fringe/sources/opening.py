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
    """Open the image source that a specification of builtin types describes.

    Parameters
    ----------
    spec : mapping
        ``"kind"``, one of `fringe.sources.kinds.KINDS`, and the keys of that kind. Optional keys
        may also be None. ``labels`` of a generator is the specification of the real images whose
        class labels the generator follows. It is only allowed with the label "dataset".
    cache : path-like, optional
        See `open_source`.
    device : str
        The device on which a generator runs.

    Returns
    -------
    ImageSource

    Raises
    ------
    FringeError
        If a key is missing, unknown or of the wrong type, or the source cannot be opened.

    Examples
    --------
    >>> from fringe.sources import source_from_spec
    >>> spec = {"kind": "photos", "count": 4, "resolution": 64, "seed": 0}
    >>> source = source_from_spec(spec)
    >>> source.name, source.read([0, 3]).shape
    ('photos (seed 0)', (2, 64, 64, 3))
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
            f"source of kind {kind}: unknown key {unknown[0]!r}; known keys are {', '.join(keys)}"
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
                f"{' or '.join(known.__name__ for known in types)}"
            )
        values[key] = value
    return values


def fingerprint(spec: Mapping[str, Any], cache: Path | None = None) -> str:
    """Return the fingerprint of the source that ``spec`` describes (see `source_from_spec`).

    The fingerprint changes when an image that the source uses changes. It does not change when a
    file is touched or a data set is moved. By kind, it is a hash of:

    * ZIP: names, sizes and CRCs of the used images, from the central directory;
    * NPZ: size and CRC of the array, from the central directory;
    * folder: relative names and SHA-256 of the used images;
    * LMDB, tar, Parquet: SHA-256 of the encoded images that are used;
    * HDF5: SHA-256 of the pixels of the used images;
    * generator: SHA-256 of the file, and all options;
    * diffusers: SHA-256 of the index and of all files of its components, and all options with all
      prompts;
    * python: name and source code of the function, the value of its attribute ``fingerprint``, and
      all options;
    * features: SHA-256 of the used rows of each array, and the order of the images;
    * all other kinds: the specification and, for photographs, the SHA-256 of their files.

    Each hash also covers the count (for files: of the images), the resizing, and the REVISION of
    the code that makes the pixels. Images in random order are hashed in that order; for an NPZ, the
    order itself is hashed too. `select` and `ignore` only have an effect through the images that
    remain.

    Parameters
    ----------
    spec : mapping
        The source, in builtin types.
    cache : path-like, optional
        A folder where SHA-256 hashes are stored by path, size and times of the files. Several
        processes may use it at the same time.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    FringeError
        If the source cannot be opened or read.

    Examples
    --------
    >>> from fringe.sources import fingerprint
    >>> spec = {"kind": "photos", "count": 4, "resolution": 64, "seed": 0}
    >>> len(fingerprint(spec))
    64
    >>> fingerprint(spec) == fingerprint(spec | {"seed": 1})
    False
    """
    return source_from_spec(spec, cache).fingerprint
