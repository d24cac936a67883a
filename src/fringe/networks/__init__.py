"""Feature networks: images in, features, logits and maps out.

Importing this package does not import PyTorch; loading a network does.
"""

from fringe.networks.base import Activations, FeatureNetwork, NetworkInfo
from fringe.networks.registry import load_network, network_info, network_names

__all__ = [
    "Activations",
    "FeatureNetwork",
    "NetworkInfo",
    "load_network",
    "network_info",
    "network_names",
]
