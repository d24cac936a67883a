"""The stored features that a comparison takes, and the weights behind its prices."""

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
    """Features in one network, and classes where they are known.

    Attributes
    ----------
    real : array (n_real, D)
    models : dict of ModelImages
    held_out : array (n_held, D), or None
    real_classes : int array (n_real,), or None
    class_names : tuple of str, or None
        Of the classes, where labels tell them.
    """

    real: Array
    models: dict[str, ModelImages]
    held_out: Array | None
    real_classes: Classes | None
    class_names: tuple[str, ...] | None = None


class StoredClasses(NamedTuple):
    """The classes of the images of a comparison, where they are known.

    Attributes
    ----------
    real : int array (n_real,), or None
    models : dict of lists of int arrays (n,)
        By model, of each training; empty where classes are not known.
    names : tuple of str, or None
        Of the classes, where labels tell them.
    """

    real: Classes | None
    models: dict[str, list[Classes]]
    names: tuple[str, ...] | None = None


def stored_sets(
    files: Any, about: Mapping[str, Any], labels: Mapping[str, ClassLabels] | None = None
) -> StoredSets:
    """Return what `fringe.plan.inputs.compare` names, as far as ``about`` says how much of it.

    Parameters
    ----------
    files : object
        Lists of paths: ``real``, ``held_out`` and their ``models`` in one network; and, without
        ``labels``, ``real_logits`` and ``logits`` in the network whose Top-1 classes are taken,
        if classes are known.
    about : mapping
        ``real``: the source of real images; ``generators``: the sources of each model; ``n_real``
        and ``n_generated``.
    labels : mapping of ClassLabels, optional
        By source: the classes of its images, in place of Top-1 classes.

    Raises
    ------
    FringeError
        If features cannot be read, or a class has a name that no class of real images has.
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
    """Return the classes of the images that `stored_sets` returns, and no features.

    Parameters
    ----------
    files, about, labels
        As of `stored_sets`; of the files only ``real_logits`` and ``logits`` are read.

    Raises
    ------
    FringeError
        As `stored_sets`.
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
    """Return classes as their places in ``names``; those without names stay as they are."""
    if labels.names is None or names is None:
        return labels.values
    places = {name: place for place, name in enumerate(names)}
    present = {labels.names[number] for number in np.unique(labels.values)}
    if unknown := sorted(present - places.keys()):
        raise FringeError(f"{source}: its class {unknown[0]} is no class of real images; rename it")
    return np.array([places.get(name, -1) for name in labels.names], np.int64)[labels.values]


def _first(path: str, n: int) -> Array:
    return open_features(path).read("features", stop=n)


def stored_gaussian(path: str | os.PathLike[str], n: int) -> Gaussian:
    """Return mean and covariance of the first ``n`` rows of stored features."""
    blocks = open_features(path).blocks(stop=n)
    return Gaussian.from_blocks((block, None) for _, block in blocks)


def save_weights(path: str | os.PathLike[str], weights: Mapping[str, Floats]) -> None:
    """Write the weights (n,) behind the price of each model to HDF5, a data set for each."""
    with create_h5(path, {}) as file:
        for place, (model, own) in enumerate(weights.items()):
            stored = file.create_dataset(f"price{place}", data=own, fletcher32=True)
            stored.attrs["model"] = model


def load_weights(path: str | os.PathLike[str]) -> dict[str, Floats]:
    """Return what `save_weights` wrote.

    Raises
    ------
    FringeError
        If the file is missing or damaged.
    """
    with open_h5(path) as file:
        return {str(stored.attrs["model"]): stored[()] for stored in file.values()}


def stored_controls(
    controls: Sequence[NetworkDistances], real: Sequence[str], baseline: Sequence[str]
) -> Iterator[ControlFeatures]:
    """Yield controls with stored features of the real images and of the baseline, by their paths.

    One control's features at a time are in memory.
    """
    for control, of_real, of_baseline in zip(controls, real, baseline, strict=True):
        first = next(iter(control.models.values()))
        gaussian = stored_gaussian(of_real, control.n_real)
        yield ControlFeatures(control, gaussian, _first(of_baseline, first.n))
