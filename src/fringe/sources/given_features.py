"""Features that another tool has made of images, in place of the images."""

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

#: Part of every fingerprint: raise it when the same file gives other features.
REVISION = 1

_LABELS = ("labels", "classes")  # either name is that of the labels


class _Spaces(NamedTuple):
    """The arrays of one network."""

    features: StoredArray
    logits: StoredArray | None


def holds_features(path: str | Path, networks: Sequence[str]) -> bool:
    """Tell whether an NPZ or HDF5 file holds features, and not images.

    It does if it has a matrix of the name of one of ``networks``, or ``features``.

    Raises
    ------
    FringeError
        If the file cannot be read.
    """
    keys = [key for network in networks for key in _keys(network)]
    found = read_contents(path, [*keys, "features"])
    return any(len(array.shape) == 2 for array in found.arrays.values())


class GivenFeatures(Fingerprinted):
    """Features of images in an NPZ or HDF5 file; the images are not there.

    The file holds for each network an array named by it, as the configuration or a file name spells
    the name (``clip``, or ``<network>/features`` in HDF5), or ``features``, which are those of the
    network that the file states (``network``: an array of text in an NPZ, an attribute in HDF5),
    otherwise of the first network. A classifier's ``logits``, or ``<network>/logits``, may be
    there, and ``labels`` or ``classes``: one whole number for each image. What a run writes
    (``features/<source>/<network>.h5``) and what ``fringe export features`` writes is such a file.

    Parameters
    ----------
    path : path-like
        The file.
    networks : sequence of str
        Those whose features are asked for, that of FID first.
    count : int, optional
        How many images; all by default.
    order : {"random", "file"}
        As of `fringe.sources.open_source`: where fewer than all are used, a random subset in random
        order, or the first ones. The order is the one that as many images in files would have.
    seed : int
        Of the random order.
    least : int, optional
        As of `fringe.sources.open_source`.
    cache : path-like, optional
        Where it is remembered what was found by reading the file.

    Raises
    ------
    FringeError
        If the file cannot be read, has no array for one of the networks or states another network,
        or an array does not fit: its type, its shape, the network's features or classes, the number
        of rows. Values are looked at when a fingerprint is asked for.
    """

    simulated = False
    left_out = ""
    #: There are no images.
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
        """Look at what the file holds; values are not read."""
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
        """The networks whose features are there."""
        return list(self._spaces)

    def __len__(self) -> int:
        """Return the number of images."""
        return self.count

    def has_logits(self, network: str) -> bool:
        """Tell whether there are logits of a network."""
        return self._spaces[network].logits is not None

    def read(self, indices: Indices) -> Images:
        """Raise a `FringeError`: there are no images."""
        raise FringeError(f"{self.name}: holds features and no images; name a source of images")

    def features_in(self, network: str) -> dict[str, npt.NDArray[np.float32]]:
        """Return float32 ``features`` (n, D) and, where they are there, ``logits`` (n, C).

        Raises
        ------
        ChangedError
            If they are not those of which `fingerprint_in` told.
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
        """Return a hex SHA-256 of all arrays that are used, whichever images are asked about."""
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
    """Return the names that a network's arrays may have."""
    names = dict.fromkeys([network, file_name(network)])
    return [key for name in names for key in (name, f"{name}/features", f"{name}/logits")]


def _spaces(contents: Contents, networks: Sequence[str], name: str) -> dict[str, _Spaces]:
    """Return the arrays of each network, checked by what they say of themselves.

    Raises
    ------
    FringeError
        If a network has none, or they do not fit it.
    """
    plain = _network_of_plain(contents, networks)
    found, missing = {}, []
    for network in networks:
        names = list(dict.fromkeys([network, file_name(network)]))
        own = [key for one in names for key in (one, f"{one}/features")]
        own_logits = [f"{one}/logits" for one in names]
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
            f"{states if contents.network else ''}; add an array of each network, named by it, or "
            "ask only for networks that it has (`--network`, `--controls`)"
        )
    for network, (features, logits) in found.items():
        info = _info(network)
        if info is None:
            continue
        features.require_rows(info.feature_dim, f"features of {network} have")
        if logits is not None and info.n_classes is None:
            raise FringeError(f"{logits.name}: {network} is not a classifier; leave the array out")
        if logits is not None:
            logits.require_rows(info.n_classes, f"logits of {network} have")
    return found


def _info(network: str) -> NetworkInfo | None:
    """Return what is known of a network; None of an unknown one, which is a fault of its own."""
    try:
        return network_info(network)
    except FringeError:
        return None


def _network_of_plain(contents: Contents, networks: Sequence[str]) -> str | None:
    """Return the network that ``features`` and ``logits`` are of; None if nobody asks for it."""
    if not contents.network:
        return networks[0]
    names = {key: one for one in networks for key in (one, file_name(one))}
    return names.get(contents.network)


def _first(contents: Contents, keys: Sequence[str]) -> StoredArray | None:
    return next((contents.arrays[key] for key in keys if key in contents.arrays), None)


def _labels(contents: Contents, name: str) -> StoredArray | None:
    found = [contents.arrays[key] for key in _LABELS if key in contents.arrays]
    if len(found) > 1:
        raise FringeError(f"{name}: holds both `labels` and `classes`; leave one of the two out")
    for array in found:
        array.require_labels()
    return found[0] if found else None
