"""Sensitivity maps of example images, with Grad-CAM to compare (Figures 2, 3, 11, 13, 14)."""

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
        Sensitivity maps.
    activations : array (k, c + 1, h, w), float64, or None
        Grad-CAM of the c (3) most probable classes, and the mean over all classes weighted by their
        probabilities. None if the network is not a classifier with one linear layer.
    predictions : list of k lists of (class name, probability), or None
        The names and probabilities of the same classes.
    closeup : Closeup, or None
        The steps from the first image to its map.
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
    """Return the sensitivity maps [1]_, classes and Grad-CAM of a few generated images.

    Parameters
    ----------
    images : array (k, H, W, 3), uint8
        Each of them is one of the n images that FID is measured on.
    network : FeatureNetwork
        A network with maps or a split.
    real, generated, n, included
        See `fringe.sensitivity.fid_gradient`.
    classifier : FeatureNetwork, optional
        The network for classes and Grad-CAM. Default: ``network``.
    called : callable
        Returns the name, for messages, of the image at an index of ``images``.

    Returns
    -------
    Examples

    Raises
    ------
    FringeError
        If the network has neither maps nor a split, or returns NaN or infinity for an image.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023, Section 2 and Figure 3.

    Examples
    --------
    >>> import torch
    >>> from fringe.networks import FeatureNetwork
    >>> from fringe.networks.base import Activations
    >>> from fringe.sources import PhotoSource
    >>> def forward(images):  # features are mean colours
    ...     maps = torch.nn.functional.avg_pool2d(images.float(), 8)
    ...     return Activations(maps.mean((2, 3)), None, maps)
    >>> network = FeatureNetwork("colours", 3, None, "", torch.device("cpu"), forward)
    >>> images = [PhotoSource(20, 32, seed).read(range(20)) for seed in (1, 2)]
    >>> real, generated = (Gaussian.from_features(i.mean((1, 2))) for i in images)
    >>> found = explain_examples(images[1][:2], network, real, generated, n=20, included=True)
    >>> found.maps.shape, found.predictions
    ((2, 4, 4), None)
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
    """Return the sensitivity maps [1]_ of a few generated images.

    Parameters
    ----------
    images : array (k, H, W, 3), uint8
        Each of them is one of the n images that FID is measured on.
    network : FeatureNetwork
        A network with maps or a split.
    real, generated, n, included
        See `fringe.sensitivity.fid_gradient`.
    batch_size : int
        Number of images that pass through the network at a time.
    transport : Transport, optional
        The result of ``optimal_transport(real, generated)``. Give it if several calls share it.
    called : callable
        Returns the name, for messages, of the image at an index of ``images``.

    Returns
    -------
    float64 array (k, h, w)

    Raises
    ------
    FringeError
        For the reasons given in `explain_examples`.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023, Section 2.

    Examples
    --------
    >>> import torch
    >>> from fringe.networks import FeatureNetwork
    >>> from fringe.networks.base import Activations
    >>> from fringe.sources import PhotoSource
    >>> def forward(images):  # features are mean colours
    ...     maps = torch.nn.functional.avg_pool2d(images.float(), 8)
    ...     return Activations(maps.mean((2, 3)), None, maps)
    >>> network = FeatureNetwork("colours", 3, None, "", torch.device("cpu"), forward)
    >>> images = [PhotoSource(20, 32, seed).read(range(20)) for seed in (1, 2)]
    >>> real, generated = (Gaussian.from_features(i.mean((1, 2))) for i in images)
    >>> example_maps(images[1][:3], network, real, generated, n=20, batch_size=2).shape
    (3, 4, 4)
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
    """Return the exception for a classifier without the weights that Grad-CAM needs."""
    return FringeError(
        f"network {network} has no Grad-CAM to compare with: it states no `classifier`, the "
        "weights of the linear layer behind its features; state `classifier` (see FeatureNetwork), "
        "or make no maps (`sensitivity: {datasets: []}`)"
    )


def write_examples(
    path: str | os.PathLike[str],
    found: Examples,
    provenance: Mapping[str, str | int | float],
) -> None:
    """Write a file for `read_examples`. The file appears when it is complete.

    Parameters
    ----------
    path : path
    found : Examples
    provenance : mapping
        Attributes of the file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> images = np.zeros((2, 32, 32, 3), np.uint8)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "examples.h5"
    ...     write_examples(path, Examples(images, np.ones((2, 4, 4)), None, None), {"seed": 1})
    ...     read_examples(path).maps.shape
    (2, 4, 4)
    """
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
    """Return the examples in a file of `write_examples`.

    Parameters
    ----------
    path : path

    Returns
    -------
    Examples

    Raises
    ------
    FringeError
        If the file is missing, damaged or contains other data.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> images, maps = np.zeros((2, 32, 32, 3), np.uint8), np.ones((2, 4, 4))
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "examples.h5"
    ...     write_examples(path, Examples(images, maps, None, [[("cat", 0.75)]] * 2), {})
    ...     found = read_examples(path)
    >>> found.predictions
    [[('cat', 0.75)], [('cat', 0.75)]]
    """
    with open_h5(path) as file:
        if "images" not in file or "maps" not in file:
            raise FringeError(f"{path}: contains no examples; delete the file and run again")
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
    # `alpha` exists only for networks whose features are not the mean of maps.
    values = {each.name: steps[each.name][()] for each in fields(Closeup) if each.name in steps}
    return Closeup(**{**values, "fid": float(values["fid"]), "n": int(values["n"])})
