"""Feature networks, which compute features, logits and maps of images.

Importing this package does not import PyTorch. Loading a network does.
"""

from fringe.networks.base import PRECISIONS, Activations, FeatureNetwork, NetworkInfo
from fringe.networks.registry import (
    family,
    fetch_weight_file,
    file_name,
    is_own_code,
    is_timm,
    load_network,
    network_classes,
    network_info,
    network_names,
    network_titles,
    network_weight_files,
    only_installed,
    stated_title,
    stated_training,
)
from fringe.networks.weight_files import WeightFile

__all__ = [
    "PRECISIONS",
    "Activations",
    "FeatureNetwork",
    "NetworkInfo",
    "WeightFile",
    "family",
    "fetch_weight_file",
    "file_name",
    "is_own_code",
    "is_timm",
    "load_network",
    "network_classes",
    "network_info",
    "network_names",
    "network_titles",
    "network_weight_files",
    "only_installed",
    "stated_title",
    "stated_training",
]
