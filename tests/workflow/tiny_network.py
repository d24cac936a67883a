"""Two networks that are fast enough for tests of the workflow: a classifier and a control."""

from pathlib import Path

import torch
from torch.nn import functional

from fringe.networks import Activations

DIM, CLASSES = 12, 10


class TinyNetwork:
    """Pools 12 features of a 32 x 32 image and maps them linearly to 10 classes."""

    feature_dim = DIM
    class_names = tuple(f"class {number}" for number in range(CLASSES))
    weights_sha256 = "0" * 64

    def __init__(self, name: str, seed: int, device: torch.device) -> None:
        self.name = name
        self.device = device
        stream = torch.Generator().manual_seed(seed)
        self.filters = torch.randn(DIM, 3, 3, 3, generator=stream, dtype=torch.float64)
        self.head = torch.randn(CLASSES, DIM, generator=stream, dtype=torch.float64)

    @torch.inference_mode()
    def __call__(self, images: torch.Tensor) -> Activations:
        scaled = images.to(self.device, torch.float64) / 127.5 - 1
        maps = functional.conv2d(scaled, self.filters, padding=1).relu()
        features = maps.mean((2, 3))
        logits = (features - features.mean(1, keepdim=True)) @ self.head.T
        return Activations(features.float(), logits.float(), maps.float())


def classifier(weights: Path | None, device: torch.device) -> TinyNetwork:
    return TinyNetwork("tiny_network:classifier", 0, device)


def control(weights: Path | None, device: torch.device) -> TinyNetwork:
    return TinyNetwork("tiny_network:control", 1, device)


classifier.info = (DIM, CLASSES, 1)
control.info = (DIM, CLASSES, 1)
