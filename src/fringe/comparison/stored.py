"""The stored features that a comparison takes, and the weights behind its prices."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fringe.comparison.classes import Classes
from fringe.comparison.main_network import ModelImages
from fringe.comparison.price import reaction
from fringe.features import given_labels, open_features, top1_classes
from fringe.files.hdf5 import create_h5, open_h5
from fringe.metrics import Gaussian
from fringe.metrics.arrays import Array, Floats
from fringe.scores.comparison import NetworkDistances, Price

__all__ = ["StoredSets", "load_weights", "reactions", "save_weights", "stored_sets"]


class StoredSets(NamedTuple):
    """Features in one network, and classes where they are known.

    Attributes
    ----------
    real : array (n_real, D)
    models : dict of ModelImages
    held_out : array (n_held, D), or None
    real_classes : int array (n_real,), or None
    """

    real: Array
    models: dict[str, ModelImages]
    held_out: Array | None
    real_classes: Classes | None


def stored_sets(files: Any, about: Mapping[str, Any]) -> StoredSets:
    """Return what `fringe.plan.inputs.compare` names, as far as ``about`` says how much of it.

    Parameters
    ----------
    files : object
        Lists of paths: ``real``, ``held_out`` and their ``models`` in one network, and
        ``real_logits`` and ``logits`` in the network whose Top-1 classes are taken (empty where it
        has no classes), or with the labels.
    about : mapping
        ``generators``: the sources of each model; ``n_real``, ``n_generated``; and ``labels``, if
        classes are labels.
    """
    n_real, n = about["n_real"], about["n_generated"]
    told = given_labels if about.get("labels") else top1_classes

    def classes_in(path: str, count: int) -> Classes:
        return told(open_features(path), stop=count)

    features = iter([_first(path, n) for path in files.models])
    classes = iter([classes_in(path, n) for path in files.get("logits", [])])
    models = {}
    for name, trainings in about["generators"].items():
        own = [next(features) for _ in trainings]
        known = [next(classes) for _ in trainings] if files.get("logits") else None
        models[name] = ModelImages(own, known)
    (real,) = files.real
    of_real = [classes_in(path, n_real) for path in files.get("real_logits", [])]
    held_out = [open_features(path).read("features") for path in files.get("held_out", [])]
    return StoredSets(
        _first(real, n_real),
        models,
        held_out[0] if held_out else None,
        of_real[0] if of_real else None,
    )


def _first(path: str, n: int) -> Array:
    return open_features(path).read("features", stop=n)


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


def reactions(
    prices: Sequence[Price],
    weights: Mapping[str, Floats],
    controls: Sequence[NetworkDistances],
    real: Sequence[str],
    baseline: Sequence[str],
    n_real: int,
) -> list[Price]:
    """Return prices with what each control does when the baseline's images are reweighted.

    Parameters
    ----------
    prices : sequence of Price
    weights : dict of array (n,)
        Of each price, by model.
    controls : sequence of NetworkDistances
    real, baseline : sequence of path
        The features of the real images and of the baseline in each control; read only if there is a
        price.
    n_real : int
    """
    if not prices:
        return []
    told: dict[str, list[Any]] = {price.model: [] for price in prices}
    for control, of_real, of_baseline in zip(controls, real, baseline, strict=True):
        gaussian = Gaussian.from_blocks(
            (block, None) for _, block in open_features(of_real).blocks(stop=n_real)
        )
        for price in prices:
            features = _first(of_baseline, price.n)
            found = reaction(
                control.title, gaussian, features, weights[price.model], control, price
            )
            told[price.model].append(found)
    return [price.model_copy(update={"reactions": told[price.model]}) for price in prices]
