"""Feature networks: images in, features, logits and maps out.

Importing this package does not import PyTorch; loading a network does.
"""

from fringe.networks.base import PRECISIONS, Activations, FeatureNetwork, NetworkInfo
from fringe.networks.registry import (
    fetch_weights,
    file_name,
    load_network,
    network_classes,
    network_info,
    network_names,
    network_titles,
    network_weights,
    only_installed,
)
from fringe.networks.weight_files import WeightsFile

__all__ = [
    "PRECISIONS",
    "Activations",
    "FeatureNetwork",
    "NetworkInfo",
    "WeightsFile",
    "fetch_weights",
    "file_name",
    "load_network",
    "network_classes",
    "network_info",
    "network_names",
    "network_titles",
    "network_weights",
    "only_installed",
]
