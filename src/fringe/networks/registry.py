"""The networks there are, and what is known of each without loading it.

A new network is one module with a loader and one line in ``NETWORKS``.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fringe.errors import FringeError
from fringe.networks.base import NetworkInfo

if TYPE_CHECKING:
    from fringe.networks.base import FeatureNetwork

__all__ = ["load_network", "network_info", "network_names"]

Loader = Callable[["Path | None", "torch.device"], "FeatureNetwork"]

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class _Entry:
    """``loader`` is "module:function"; the function takes (weights path or None, device)."""

    info: NetworkInfo
    loader: str


# Raise a revision when the same images would give other features.
NETWORKS = {
    "efficientnet-lite0": _Entry(
        NetworkInfo(feature_dim=1280, n_classes=1000, revision=1),
        "fringe.networks.efficientnet_lite0:load",
    ),
    "untrained": _Entry(
        NetworkInfo(feature_dim=102, n_classes=None, revision=1),
        "fringe.networks.untrained:load",
    ),
}


def network_names() -> tuple[str, ...]:
    """Return the names of the networks that come with Fringe."""
    return tuple(NETWORKS)


def network_info(name: str) -> NetworkInfo:
    """Return (feature_dim, n_classes or None, revision) of a network, without loading it.

    For a network of Fringe's own nothing is imported, PyTorch included; for "module:function"
    the module is, and the function's attribute ``info`` is returned.

    Raises
    ------
    FringeError
        If there is no such network.
    """
    return _entry(name).info


def load_network(
    name: str,
    weights: str | os.PathLike[str] | None = None,
    device: str | torch.device = "cpu",
) -> FeatureNetwork:
    """Return the network called ``name``, ready to compute on ``device``.

    Parameters
    ----------
    name : str
        One of ``network_names()``, or "module:function" for a network of your own: the function
        takes ``(weights: Path | None, device: torch.device)``, returns a ``FeatureNetwork``, and
        has an attribute ``info``: ``(feature_dim, n_classes or None, revision)``.
    weights : path, optional
        A local copy of the weights; by default the network knows where they are.
    device : str or torch.device
        "cpu", "cuda", "cuda:1", ...

    Raises
    ------
    FringeError
        If there is no such network or device, or its weights are missing or are not the
        registered ones.
    """
    import torch

    entry = _entry(name)
    path = None if weights is None else Path(weights)
    if path is not None and not path.is_file():
        raise FringeError(f"{path}: no such weights file for network {name!r}; correct the path")
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError) as error:
        raise FringeError(
            f"device {str(device)!r} is not there ({error}); name another, such as 'cpu'"
        ) from error
    network: FeatureNetwork = _function(entry.loader)(path, place)
    classes = None if network.class_names is None else len(network.class_names)
    if (network.feature_dim, classes) != entry.info[:2]:
        raise FringeError(
            f"network {name!r} has {network.feature_dim} features and {classes} classes, "
            f"but is registered with {entry.info[0]} and {entry.info[1]}; correct its `info`"
        )
    return network


def _entry(name: str) -> _Entry:
    if name in NETWORKS:
        return NETWORKS[name]
    if not re.fullmatch(r"[\w.]+:\w+", name):
        raise FringeError(
            f"unknown network {name!r}; the networks are {', '.join(NETWORKS)}, "
            'or "module:function" for one of your own'
        )
    try:
        info = NetworkInfo(*_function(name).info)
    except (AttributeError, TypeError) as error:
        raise FringeError(
            f"network {name!r}: its function needs an attribute "
            f"`info = (feature_dim, n_classes or None, revision)` ({error})"
        ) from error
    return _Entry(info, name)


def _function(reference: str) -> Any:
    module, _, function = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise FringeError(
            f"network {reference!r} cannot be imported ({error}); install the package it comes "
            "from, or put its folder on PYTHONPATH"
        ) from error
