"""A few images looked at closely: what FID looks at beside Grad-CAM (Figures 2, 3, 11, 13, 14)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fringe.errors import FringeError
from fringe.files.hdf5 import create_h5, open_h5
from fringe.metrics import Gaussian
from fringe.metrics.arrays import Floats
from fringe.metrics.transport import Transport, optimal_transport
from fringe.sensitivity.activation import class_activation_maps, mean_activation_maps
from fringe.sensitivity.closeup import Closeup
from fringe.sensitivity.explaining import explain, explain_classes
from fringe.sensitivity.gradient import fid_gradient

if TYPE_CHECKING:
    from fringe.networks import FeatureNetwork

__all__ = [
    "Examples",
    "example_maps",
    "explain_examples",
    "no_grad_cam",
    "read_examples",
    "write_examples",
]


@dataclass(frozen=True, eq=False)
class Examples:
    """k images and their maps.

    Attributes
    ----------
    images : array (k, H, W, 3), uint8
    maps : array (k, h, w), float64
        What FID looks at.
    activations : array (k, c + 1, h, w), float64, or None
        Grad-CAM of the c (3) most probable classes, and the mean over all classes weighted by their
        probabilities. None where the network is no classifier with one linear layer.
    predictions : list of k lists of (class name, probability), or None
        The same classes.
    closeup : Closeup, or None
        What lies between the first image and its map.
    """

    images: np.ndarray
    maps: np.ndarray
    activations: np.ndarray | None
    predictions: list[list[tuple[str, float]]] | None
    closeup: Closeup | None = None


def explain_examples(
    images: np.ndarray,
    network: FeatureNetwork,
    real: Gaussian,
    generated: Gaussian,
    n: int,
    *,
    included: bool,
    classifier: FeatureNetwork | None = None,
    called: Callable[[int], str] = "image {}".format,
) -> Examples:
    """Return the maps of a few images, each as one of n that FID is measured on.

    Parameters
    ----------
    images : array (k, H, W, 3), uint8
    network : FeatureNetwork
        With maps or a split.
    real, generated, n, included
        As `fringe.sensitivity.fid_gradient` takes them.
    classifier : FeatureNetwork, optional
        Whose classes and Grad-CAM there are beside the maps; ``network`` by default.
    called : callable
        How a message names the image at a place in ``images``.

    Raises
    ------
    FringeError
        If the network tells no places, or makes NaN or infinity of an image.
    """
    import torch

    def gradient(features: np.ndarray) -> np.ndarray:
        found: np.ndarray = fid_gradient(features, real, generated, n, included=included)
        return found

    pixels = torch.from_numpy(np.require(images, requirements=["C", "W"])).permute(0, 3, 1, 2)
    found = explain(network, pixels, gradient, called)
    if classifier is not None:
        found = found._replace(**explain_classes(classifier, pixels, called)._asdict())
    seeing = classifier or network
    predictions = activations = None
    if found.classes is not None and found.probabilities is not None and seeing.class_names:
        predictions = [
            [(seeing.class_names[number], float(p)) for number, p in zip(*top, strict=True)]
            for top in zip(found.classes, found.probabilities, strict=True)
        ]
    head = getattr(seeing, "classifier", None)
    if head is not None and found.classes is not None:
        seen = seeing(pixels)
        tops = class_activation_maps(seen.maps, head, found.classes, logits=seen.logits)
        mean = mean_activation_maps(seen.maps, head, seen.logits)
        activations = torch.cat([tops, mean[:, None]], 1).cpu().numpy()
    return Examples(images, found.maps, activations, predictions)


def example_maps(
    images: np.ndarray,
    network: FeatureNetwork,
    real: Gaussian,
    generated: Gaussian,
    n: int,
    *,
    batch_size: int,
    included: bool = True,
    transport: Transport | None = None,
    called: Callable[[int], str] = "image {}".format,
) -> Floats:
    """Return the map (k, h, w) of each of a few images, float64: what FID looks at in it.

    Parameters
    ----------
    images : array (k, H, W, 3), uint8
        Each of them one of the n images that FID is measured on.
    network : FeatureNetwork
        With maps or a split.
    real, generated, n, included
        As `fringe.sensitivity.fid_gradient` takes them.
    batch_size : int
        Images that pass through the network at a time.
    transport : Transport, optional
        ``optimal_transport(real, generated)``, where several calls share it.
    called : callable
        How a message names the image at a place in ``images``.

    Raises
    ------
    FringeError
        As `explain_examples` does.
    """
    import torch

    parts = transport or optimal_transport(real, generated)

    def gradient(features: np.ndarray) -> np.ndarray:
        found: np.ndarray = fid_gradient(
            features, real, generated, n, included=included, transport=parts
        )
        return found

    maps = []
    for first in range(0, len(images), batch_size):
        block = np.require(images[first : first + batch_size], requirements=["C", "W"])
        pixels = torch.from_numpy(block).permute(0, 3, 1, 2)
        name = partial(_called_from, called, first)
        maps.append(explain(network, pixels, gradient, name).maps)
    return np.concatenate(maps)


def _called_from(called: Callable[[int], str], first: int, place: int) -> str:
    return called(first + place)


def no_grad_cam(network: str) -> FringeError:
    """Return what is to be said of a classifier whose maps have no Grad-CAM beside them."""
    return FringeError(
        f"network {network} has no Grad-CAM to compare with: it states no `classifier`, the "
        "weights of the one linear layer behind its features; state it (see FeatureNetwork), or "
        "ask for no maps (`sensitivity: {datasets: []}`)"
    )


def write_examples(
    path: str | os.PathLike[str],
    found: Examples,
    provenance: Mapping[str, str | int | float],
) -> None:
    """Write a file that `read_examples` reads; it appears when it is whole."""
    about: dict[str, Any] = dict(provenance)
    if found.predictions is not None:
        about["predictions"] = json.dumps(found.predictions)
    with create_h5(path, about) as file:
        file.create_dataset("images", data=found.images, fletcher32=True)
        file.create_dataset("maps", data=found.maps, fletcher32=True)
        if found.activations is not None:
            file.create_dataset("activations", data=found.activations, fletcher32=True)
        if found.closeup is not None:
            steps = file.create_group("closeup")
            for each in fields(Closeup):
                value = getattr(found.closeup, each.name)
                if value is not None:
                    steps[each.name] = value


def read_examples(path: str | os.PathLike[str]) -> Examples:
    """Return what `write_examples` wrote.

    Raises
    ------
    FringeError
        If the file is missing, damaged or holds something else.
    """
    with open_h5(path) as file:
        if "images" not in file or "maps" not in file:
            raise FringeError(f"{path}: holds no examples; delete it and run again")
        predictions = None
        if "predictions" in file.attrs:
            predictions = [
                [(str(name), float(share)) for name, share in top]
                for top in json.loads(file.attrs["predictions"])
            ]
        return Examples(
            file["images"][()],
            file["maps"][()],
            file["activations"][()] if "activations" in file else None,
            predictions,
            _read_closeup(file["closeup"]) if "closeup" in file else None,
        )


def _read_closeup(steps: Mapping[str, Any]) -> Closeup:
    # `alpha` is there only of networks whose features are not the mean of maps.
    values = {each.name: steps[each.name][()] for each in fields(Closeup) if each.name in steps}
    return Closeup(**{**values, "fid": float(values["fid"]), "n": int(values["n"])})
