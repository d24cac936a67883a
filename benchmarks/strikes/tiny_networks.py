"""Networks of a run that is struck: made in no time, and one of them from a file of weights.

PyTorch is imported when a network is made, not while the DAG is built.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fringe.networks import Activations

if TYPE_CHECKING:
    import torch

DIM, CLASSES = 8, 6
FILTERS, HEAD = (DIM, 3, 3, 3), (CLASSES, DIM)


class TinyNetwork:
    """The means of 8 filtered images, and 6 classes that are linear functions of these means."""

    feature_dim = DIM
    weight_file_sha256 = "0" * 64
    class_names = tuple(f"class {number}" for number in range(CLASSES))

    def __init__(
        self, name: str, parameters: dict[str, torch.Tensor], device: torch.device
    ) -> None:
        self.name = name
        self.device = device
        self.filters = parameters["filters"].to(device)
        head = parameters["head"].to(device)
        self.classifier = head - head.mean(1, keepdim=True)

    def __call__(self, images: torch.Tensor) -> Activations:
        import torch
        from torch.nn import functional

        with torch.inference_mode():
            scaled = images.to(self.device, torch.float64) / 127.5 - 1
            maps = functional.conv2d(scaled, self.filters, padding=1).relu()
            features = maps.mean((2, 3))
            logits = features @ self.classifier.T
            return Activations(features.float(), logits.float(), maps.float())


def draw(seed: int) -> dict[str, torch.Tensor]:
    """Return filters and a head."""
    import torch

    stream = torch.Generator().manual_seed(seed)
    return {
        "filters": torch.randn(*FILTERS, generator=stream, dtype=torch.float64),
        "head": torch.randn(*HEAD, generator=stream, dtype=torch.float64),
    }


def network(name: str, seed: int | None) -> Callable[..., TinyNetwork]:
    """Return a loader of a network, with weights from ``seed`` or from the given file."""

    def load(weights: Path | None, device: torch.device) -> TinyNetwork:
        import torch

        if seed is None:
            assert weights is not None
            parameters = torch.load(weights, weights_only=True)
        else:
            parameters = draw(seed)
        return TinyNetwork(f"tiny_networks:{name}", parameters, device)

    load.info = (DIM, CLASSES, 1, True, "random weights")  # type: ignore[attr-defined]
    load.class_names = TinyNetwork.class_names  # type: ignore[attr-defined]
    return load


judged = network("judged", None)
control = network("control", 1)
