"""Features of images that another tool computed, used instead of images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.networks import NetworkInfo, file_name, network_info
from fringe.seeds import random_stream
from fringe.sources.base import Fingerprinted, Images, Indices, as_path, check_count, digest
from fringe.sources.feature_arrays import Contents, StoredArray, read_contents

__all__ = ["GivenFeatures", "holds_features"]

#: Part of every fingerprint: increase it when the same file gives other features.
REVISION = 1

_LABELS = ("labels", "classes")  # possible names of the array of labels


class _Spaces(NamedTuple):
    """The arrays of one network."""

    features: StoredArray
    logits: StoredArray | None


def holds_features(path: str | Path, networks: Sequence[str]) -> bool:
    """Return whether an NPZ or HDF5 file contains features, not images.

    It does if it contains a matrix named after one of ``networks``, or named ``features``.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from fringe.sources import holds_features
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/a.npz", clip=np.zeros((10, 512), np.float32))
    ...     np.savez(f"{folder}/b.npz", arr_0=np.zeros((10, 8, 8, 3), np.uint8))
    ...     holds_features(f"{folder}/a.npz", ["clip"]), holds_features(f"{folder}/b.npz", ["clip"])
    (True, False)

    Raises
    ------
    FringeError
        If the file cannot be read.
    """
    keys = [key for network in networks for key in _keys(network)]
    found = read_contents(path, [*keys, "features"])
    return any(len(array.shape) == 2 for array in found.arrays.values())


class GivenFeatures(Fingerprinted):
    """Features of images in an NPZ or HDF5 file, without the images.

    For each network, the file contains an array with its name, spelt as in the configuration or as
    in a file name (``clip``, or ``<network>/features`` in HDF5), or ``features``. The array
    ``features`` belongs to the network that the file states (``network``: an array of text in an
    NPZ, an attribute in HDF5), otherwise to the first network. The file may also contain a
    classifier's ``logits``, or ``<network>/logits``, and ``labels`` or ``classes``: one integer for
    each image. The files of a run (``features/<source>/<network>.h5``) and of
    ``fringe export features`` have this format.

    Parameters
    ----------
    path : path-like
        The file.
    networks : sequence of str
        Networks whose features are used; FID's network is the first.
    count : int, optional
        Number of images; all by default.
    order : {"random", "file"}
        As in `fringe.sources.open_source`: if not all images are used, a random subset in random
        order, or the first images. The order is the same as for an equal number of image files.
    seed : int
        Seed of the random order.
    least : int, optional
        As in `fringe.sources.open_source`.
    cache : path-like, optional
        Folder that stores results of reading the file.

    Raises
    ------
    FringeError
        If the file cannot be read, has no array for one of the networks or states another network,
        or an array does not match: its type, its shape, the network's features or classes, or the
        number of rows. Values are only checked when a fingerprint is requested.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from fringe.sources import GivenFeatures
    >>> features = np.random.default_rng(0).standard_normal((10, 512), np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/features.npz", clip=features)
    ...     source = GivenFeatures(f"{folder}/features.npz", ["clip"], count=4, order="file")
    ...     print(source.networks, source.features_in("clip")["features"].shape)
    ['clip'] (4, 512)
    """

    simulated = False
    left_out = ""
    #: Without images, there is no size.
    resolution = (0, 0)

    def __init__(
        self,
        path: str | Path,
        networks: Sequence[str],
        count: int | None = None,
        *,
        order: str = "random",
        seed: int = 0,
        least: int | None = None,
        cache: Path | None = None,
    ) -> None:
        """Check the arrays in the file, without reading their values."""
        self.name = str(path)
        self.path = as_path(path)
        self._cache = cache
        keys = [key for network in networks for key in _keys(network)]
        keys += ["features", "logits", *_LABELS]
        contents = read_contents(path, list(dict.fromkeys(keys)))
        self._spaces = _spaces(contents, networks, self.name)
        self.labels = _labels(contents, self.name)
        arrays = list(self._arrays())
        held = len(arrays[0])
        for array in arrays:
            if len(array) != held:
                raise FringeError(
                    f"{array.name}: has {len(array)} rows, but {arrays[0].name} has {held}; give "
                    "all arrays one row for each image"
                )
        self.count = check_count(held, count, self.name)
        self._rows = np.arange(self.count)
        self.drawn_from: int | None = None
        if order == "random" and min(self.count, least or self.count) < held:
            self._rows = random_stream(seed, "order").permutation(held)[: self.count]
            self.drawn_from = held

    @property
    def files(self) -> list[Path]:
        """The file."""
        return [self.path]

    @property
    def networks(self) -> list[str]:
        """The networks whose features the file contains."""
        return list(self._spaces)

    def __len__(self) -> int:
        """Return the number of images."""
        return self.count

    def has_logits(self, network: str) -> bool:
        """Return whether the file contains logits of a network."""
        return self._spaces[network].logits is not None

    def read(self, indices: Indices) -> Images:
        """Raise a `FringeError`: there are no images."""
        raise FringeError(f"{self.name}: contains features but no images; name a source of images")

    def features_in(self, network: str) -> dict[str, npt.NDArray[np.float32]]:
        """Return float32 ``features`` (n, D) and, if they exist, ``logits`` (n, C).

        Raises
        ------
        ChangedError
            If the values changed after `fingerprint_in` hashed them.
        FringeError
            If the file cannot be read.
        """
        features, logits = self._spaces[network]
        rows = {"features": features.read(self._rows, self._digests[features.key])}
        if logits is not None:
            rows["logits"] = logits.read(self._rows, self._digests[logits.key])
        return rows

    def classes(self) -> npt.NDArray[np.int64] | None:
        """Return the labels (n,); None if there are none. Raises as `features_in` does."""
        if self.labels is None:
            return None
        return self.labels.read(self._rows, self._digests[self.labels.key])

    def fingerprint_in(self, network: str) -> str:
        """Return a hex SHA-256 of the features in one network, the labels, and their order.

        Raises
        ------
        FringeError
            If a row holds NaN or infinity, or a negative label.
        """
        arrays = [*self._spaces[network], self.labels]
        return self._digest_of(array for array in arrays if array is not None)

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return a hex SHA-256 of all used arrays, for any images."""
        return self._digest_of(self._arrays())

    def _digest_of(self, arrays: Iterator[StoredArray]) -> str:
        found = [(array.key, self._digests[array.key]) for array in arrays]
        order = None if self.drawn_from is None else self._rows.tolist()
        return digest(["features", REVISION, found, digest([order])])

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {array.key: array.digest(self._cache) for array in self._arrays()}

    def _arrays(self) -> Iterator[StoredArray]:
        """Yield each array once."""
        pairs = [array for spaces in self._spaces.values() for array in spaces]
        yield from {a.key: a for a in [*pairs, self.labels] if a is not None}.values()


def _keys(network: str) -> list[str]:
    """Return the possible names of a network's arrays."""
    names = dict.fromkeys([network, file_name(network)])
    return [key for name in names for key in (name, f"{name}/features", f"{name}/logits")]


def _spaces(contents: Contents, networks: Sequence[str], name: str) -> dict[str, _Spaces]:
    """Return the arrays of each network, after checks of their types and shapes.

    Raises
    ------
    FringeError
        If a network has no array, or an array does not match the network.
    """
    plain = _network_of_plain(contents, networks)
    found, missing = {}, []
    for network in networks:
        names = list(dict.fromkeys([network, file_name(network)]))
        own = [key for alias in names for key in (alias, f"{alias}/features")]
        own_logits = [f"{alias}/logits" for alias in names]
        if network == plain:
            own, own_logits = [*own, "features"], [*own_logits, "logits"]
        features = _first(contents, own)
        if features is None:
            missing += [network] if _info(network) is not None else []
            continue
        found[network] = _Spaces(features, _first(contents, own_logits))
    if missing:
        states = f"; the file states that its features are of {contents.network}"
        raise FringeError(
            f"{name}: has no array of features in {' and '.join(missing)}, but {contents.others}"
            f"{states if contents.network else ''}; add an array named after each network, or "
            "request only networks that the file has (`--network`, `--controls`)"
        )
    for network, (features, logits) in found.items():
        info = _info(network)
        if info is None:
            continue
        features.require_rows(info.feature_dim, f"features of {network} have")
        if logits is not None and info.n_classes is None:
            raise FringeError(f"{logits.name}: {network} is not a classifier; remove the array")
        if logits is not None:
            logits.require_rows(info.n_classes, f"logits of {network} have")
    return found


def _info(network: str) -> NetworkInfo | None:
    """Return the info of a network; None for an unknown network, which is reported elsewhere."""
    try:
        return network_info(network)
    except FringeError:
        return None


def _network_of_plain(contents: Contents, networks: Sequence[str]) -> str | None:
    """Return the network of ``features`` and ``logits``; None if it is not in ``networks``."""
    if not contents.network:
        return networks[0]
    names = {key: network for network in networks for key in (network, file_name(network))}
    return names.get(contents.network)


def _first(contents: Contents, keys: Sequence[str]) -> StoredArray | None:
    return next((contents.arrays[key] for key in keys if key in contents.arrays), None)


def _labels(contents: Contents, name: str) -> StoredArray | None:
    found = [contents.arrays[key] for key in _LABELS if key in contents.arrays]
    if len(found) > 1:
        raise FringeError(f"{name}: holds both `labels` and `classes`; remove one of them")
    for array in found:
        array.require_labels()
    return found[0] if found else None
