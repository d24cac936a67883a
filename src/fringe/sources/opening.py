"""Find the right source for a path or a specification."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fringe.errors import FringeError
from fringe.sources.base import ImageSource, as_path
from fringe.sources.folder import FolderSource
from fringe.sources.hdf5 import Hdf5Source
from fringe.sources.imitation import ImitationSource
from fringe.sources.npz import NpzSource
from fringe.sources.photos import PhotoSource
from fringe.sources.zip import ZipSource

__all__ = ["open_source", "source_from_spec"]


def open_source(
    path: str | Path,
    resolution: int | None = None,
    *,
    count: int | None = None,
    cache: Path | None = None,
) -> ImageSource:
    """Open a data set of images.

    Parameters
    ----------
    path : path-like
        A ``.zip`` of images, a folder of images, an ``.npz`` (array ``arr_0``) or an ``.h5`` or
        ``.hdf5`` (dataset ``images``), arrays being uint8 (N, H, W, 3), RGB.
    resolution : int, optional
        Crop every image to its centred square and resize that with antialiasing to this height
        and width. It changes FID. None: images are used as they are and must have one size.
    count : int, optional
        Use only the first ``count`` images in sorted order, as the paper's released code does.
    cache : path-like, optional
        A JSON file that remembers hashes of files, for the fingerprints of folders and HDF5.

    Returns
    -------
    ImageSource
        Images are read, and checked, when asked for.

    Raises
    ------
    FringeError
        If the path is missing, is of no known kind, or does not hold images.
    """
    place = as_path(path)
    if resolution is not None and resolution < 1:
        raise FringeError(f"{path}: resolution is {resolution}; it must be at least 1 pixel")
    if place.is_dir():
        return FolderSource(path, resolution, count, cache)
    suffix = place.suffix.lower()
    if suffix == ".zip":
        return ZipSource(path, resolution, count)
    if suffix == ".npz":
        return NpzSource(path, resolution, count)
    if suffix in {".h5", ".hdf5"}:
        return Hdf5Source(path, resolution, count, cache)
    if not place.exists():
        raise FringeError(f"{path}: is not there; correct the path or put the data there")
    raise FringeError(
        f"{path}: no known kind of data set; give a folder of images, .zip, .npz, .h5 or .hdf5"
    )


# Keys of each kind of specification, and whether None will do.
_KEYS: dict[str, dict[str, tuple[type, bool]]] = {
    "files": {"path": (str, False), "count": (int, True), "resolution": (int, True)},
    "photos": {"count": (int, False), "resolution": (int, False), "seed": (int, False)},
    "imitation": {
        "count": (int, False),
        "resolution": (int, False),
        "seed": (int, False),
        "severity": (float, False),
    },
}


def source_from_spec(spec: Mapping[str, Any], cache: Path | None = None) -> ImageSource:
    """Open what a specification of builtin types describes.

    Parameters
    ----------
    spec : mapping
        ``{"kind": "files", "path", "count", "resolution"}`` (the last two may be None or left
        out), ``{"kind": "photos", "count", "resolution", "seed"}`` or
        ``{"kind": "imitation", "count", "resolution", "seed", "severity"}``.
    cache : path-like, optional
        See `open_source`.

    Raises
    ------
    FringeError
        If a key is missing, unknown or of the wrong type, or the source cannot be opened.
    """
    values = _checked(spec)
    if spec["kind"] == "files":
        return open_source(values["path"], values["resolution"], count=values["count"], cache=cache)
    if spec["kind"] == "photos":
        return PhotoSource(values["count"], values["resolution"], values["seed"])
    return ImitationSource(
        values["count"], values["resolution"], values["seed"], values["severity"]
    )


def _checked(spec: Mapping[str, Any]) -> dict[str, Any]:
    kind = spec.get("kind")
    if kind not in _KEYS:
        raise FringeError(f"source: kind is {kind!r}; it must be one of {', '.join(_KEYS)}")
    keys = _KEYS[kind]
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
        if value is not None and type(value) is not wanted:
            raise FringeError(
                f"source of kind {kind}: `{key}` is {value!r}; it must be of type {wanted.__name__}"
            )
        values[key] = value
    return values
