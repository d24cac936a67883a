"""Readers of the stored features of a comparison; files of the sampling weights of prices."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fringe.comparison.classes import Classes
from fringe.comparison.main_network import ModelImages
from fringe.comparison.price import ControlFeatures
from fringe.errors import FringeError
from fringe.features import open_features, top1_classes
from fringe.files.hdf5 import create_h5, open_h5
from fringe.metrics import Gaussian
from fringe.metrics.arrays import Array, Floats
from fringe.scores.comparison import NetworkDistances
from fringe.sources.class_labels import ClassLabels

__all__ = [
    "StoredClasses",
    "StoredSets",
    "load_weights",
    "save_weights",
    "stored_classes",
    "stored_controls",
    "stored_gaussian",
    "stored_sets",
]


class StoredSets(NamedTuple):
    """Features in one network, and classes if they are known.

    Attributes
    ----------
    real : array (n_real, D)
    models : dict of ModelImages
    held_out : array (n_held, D), or None
    real_classes : int array (n_real,), or None
    class_names : tuple of str, or None
        Names of the classes, if labels contain names.
    """

    real: Array
    models: dict[str, ModelImages]
    held_out: Array | None
    real_classes: Classes | None
    class_names: tuple[str, ...] | None = None


class StoredClasses(NamedTuple):
    """The classes of the images of a comparison, if they are known.

    Attributes
    ----------
    real : int array (n_real,), or None
    models : dict of lists of int arrays (n,)
        The classes of each training, by model; empty if classes are not known.
    names : tuple of str, or None
        Names of the classes, if labels contain names.
    """

    real: Classes | None
    models: dict[str, list[Classes]]
    names: tuple[str, ...] | None = None


def stored_sets(
    files: Any, about: Mapping[str, Any], labels: Mapping[str, ClassLabels] | None = None
) -> StoredSets:
    """Read the features and classes of a comparison from the files of `fringe.plan.inputs.compare`.

    Parameters
    ----------
    files : object
        Lists of paths. ``real``, ``held_out`` and ``models``: features in one network. Without
        ``labels``, if classes are known, ``real_logits`` and ``logits``: logits in the network
        whose Top-1 classes are used.
    about : mapping
        ``real``: the source of the real images. ``generators``: the sources of each model.
        ``n_real`` and ``n_generated``: how many images are read.
    labels : mapping of ClassLabels, optional
        The classes of the images of each source, which replace Top-1 classes.

    Raises
    ------
    FringeError
        If features cannot be read, or a class has a name that no class of real images has.

    Examples
    --------
    In a job of Snakemake, ``files`` is the ``input`` of the job.

    >>> from tempfile import TemporaryDirectory
    >>> from fringe.features import extract_shard
    >>> from fringe.networks import load_network
    >>> from fringe.sources import PhotoSource
    >>> network = load_network("untrained")
    >>> about = {"real": "photos", "generators": {"A": ["a"]}, "n_real": 6, "n_generated": 4}
    >>> class Files(dict):
    ...     __getattr__ = dict.__getitem__
    >>> with TemporaryDirectory() as folder:
    ...     files = Files(real=[f"{folder}/real.h5"], models=[f"{folder}/a.h5"])
    ...     extract_shard(PhotoSource(6, 32, 0), network, 0, 6, files.real[0])
    ...     extract_shard(PhotoSource(6, 32, 1), network, 0, 6, files.models[0])
    ...     found = stored_sets(files, about)
    >>> found.real.shape == (6, network.feature_dim)
    True
    >>> len(found.models["A"].features[0]), found.models["A"].classes
    (4, None)
    """
    n_real, n = about["n_real"], about["n_generated"]
    (real,) = files.real
    held_out = [open_features(path).read("features") for path in files.get("held_out", [])]
    features = iter([_first(path, n) for path in files.models])
    own = {name: [next(features) for _ in made] for name, made in about["generators"].items()}
    classes = stored_classes(files, about, labels)
    return StoredSets(
        _first(real, n_real),
        {name: ModelImages(own[name], classes.models.get(name)) for name in own},
        held_out[0] if held_out else None,
        classes.real,
        classes.names,
    )


def stored_classes(
    files: Any, about: Mapping[str, Any], labels: Mapping[str, ClassLabels] | None = None
) -> StoredClasses:
    """Return the classes of the images of a comparison, without reading features.

    Parameters
    ----------
    files, about, labels
        As in `stored_sets`. Only the files ``real_logits`` and ``logits`` are read.

    Raises
    ------
    FringeError
        As in `stored_sets`.

    Examples
    --------
    >>> import numpy as np
    >>> from fringe.sources.class_labels import ClassLabels
    >>> labels = {
    ...     "photos": ClassLabels(np.array([0, 1, 1]), ("cat", "dog"), False),
    ...     "a": ClassLabels(np.array([0, 0, 0]), ("dog",), False),
    ... }
    >>> about = {"real": "photos", "generators": {"A": ["a"]}, "n_real": 3, "n_generated": 2}
    >>> found = stored_classes(None, about, labels)
    >>> found.real.tolist(), found.models["A"][0].tolist(), found.names
    ([0, 1, 1], [1, 1], ('cat', 'dog'))
    """
    n_real, n = about["n_real"], about["n_generated"]
    if labels:
        names = labels[about["real"]].names
        classes = {
            name: [_numbered(labels[one], names, one)[:n] for one in made]
            for name, made in about["generators"].items()
        }
        return StoredClasses(labels[about["real"]].values[:n_real], classes, names)
    if files.get("real_logits"):
        (real_logits,) = files.real_logits
        seen = iter([top1_classes(open_features(path), stop=n) for path in files.logits])
        classes = {name: [next(seen) for _ in made] for name, made in about["generators"].items()}
        return StoredClasses(top1_classes(open_features(real_logits), stop=n_real), classes)
    return StoredClasses(None, {})


def _numbered(labels: ClassLabels, names: Sequence[str] | None, source: str) -> Classes:
    """Return classes as indices in ``names``; classes without names do not change."""
    if labels.names is None or names is None:
        return labels.values
    places = {name: place for place, name in enumerate(names)}
    present = {labels.names[number] for number in np.unique(labels.values)}
    if unknown := sorted(present - places.keys()):
        raise FringeError(
            f"{source}: class {unknown[0]} is not a class of the real images; rename the class"
        )
    return np.array([places.get(name, -1) for name in labels.names], np.int64)[labels.values]


def _first(path: str, n: int) -> Array:
    return open_features(path).read("features", stop=n)


def stored_gaussian(path: str | os.PathLike[str], n: int) -> Gaussian:
    """Return the mean and covariance of the first ``n`` rows of stored features.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from fringe.features import extract_shard
    >>> from fringe.networks import load_network
    >>> from fringe.sources import PhotoSource
    >>> network = load_network("untrained")
    >>> with TemporaryDirectory() as folder:
    ...     extract_shard(PhotoSource(6, 32, 0), network, 0, 6, f"{folder}/real.h5")
    ...     gaussian = stored_gaussian(f"{folder}/real.h5", 4)
    >>> gaussian.mean.shape == (network.feature_dim,)
    True
    """
    blocks = open_features(path).blocks(stop=n)
    return Gaussian.from_blocks((block, None) for _, block in blocks)


def save_weights(path: str | os.PathLike[str], weights: Mapping[str, Floats]) -> None:
    """Write the sampling weights (n,) of each model's price to HDF5, one data set for each model.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_weights(f"{folder}/weights.h5", {"B": np.array([0.25, 0.75])})
    ...     found = load_weights(f"{folder}/weights.h5")
    >>> found["B"].tolist()
    [0.25, 0.75]
    """
    with create_h5(path, {}) as file:
        for place, (model, own) in enumerate(weights.items()):
            stored = file.create_dataset(f"price{place}", data=own, fletcher32=True)
            stored.attrs["model"] = model


def load_weights(path: str | os.PathLike[str]) -> dict[str, Floats]:
    """Return the sampling weights (n,) that `save_weights` wrote, by model.

    Raises
    ------
    FringeError
        If the file is missing or damaged.

    Examples
    --------
    See `save_weights`.
    """
    with open_h5(path) as file:
        return {str(stored.attrs["model"]): stored[()] for stored in file.values()}


def stored_controls(
    controls: Sequence[NetworkDistances], real: Sequence[str], baseline: Sequence[str]
) -> Iterator[ControlFeatures]:
    """Yield each control with its stored features of the real images and of the baseline.

    Only the features of one control are in memory at a time.

    Parameters
    ----------
    controls : sequence of NetworkDistances
    real, baseline : sequence of str
        For each control, the paths of its features of the real images and of the baseline's first
        training.

    Examples
    --------
    >>> list(stored_controls([], [], []))
    []
    """
    for control, of_real, of_baseline in zip(controls, real, baseline, strict=True):
        first = next(iter(control.models.values()))
        gaussian = stored_gaussian(of_real, control.n_real)
        yield ControlFeatures(control, gaussian, _first(of_baseline, first.n))
