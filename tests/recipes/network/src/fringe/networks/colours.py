"""Mean colours of the cells of a 4 x 4 grid, as features.

The weights are three gains, one for each channel, as a list in JSON.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from fringe.files.regular import read_regular
from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.weight_files import sha256_of

__all__ = ["load"]

NAME = "colours"
FIELDS = 4
LARGEST = 1000  # bytes of a file with weights


def load(weights: Path, device: torch.device) -> FeatureNetwork:
    """Return the network; see ``fringe.networks.load_network``."""
    gains = torch.tensor(json.loads(read_regular(weights, LARGEST)), device=device)

    def forward(images: Tensor) -> Activations:
        means = functional.adaptive_avg_pool2d(images.float() / 255, FIELDS)
        return Activations((means * gains[:, None, None]).flatten(1))

    digest = sha256_of(weights, NAME)
    return FeatureNetwork(NAME, 3 * FIELDS**2, None, digest, device, forward)
