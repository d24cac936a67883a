"""Networks that are fast enough for tests of the workflow, and some that wait for a fault.

PyTorch is imported when a network is made, not while the DAG is built.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fringe.networks import Activations

if TYPE_CHECKING:
    import torch

DIM, CLASSES = 12, 10


class TinyNetwork:
    """Pools 12 features of an image and maps the features linearly to 10 classes."""

    feature_dim = DIM
    class_names = tuple(f"class {number}" for number in range(CLASSES))
    weight_file_sha256 = "0" * 64

    def __init__(self, name: str, seed: int, device: torch.device) -> None:
        import torch

        self.name = name
        self.device = device
        stream = torch.Generator().manual_seed(seed)
        self.filters = torch.randn(DIM, 3, 3, 3, generator=stream, dtype=torch.float64)
        self.head = torch.randn(CLASSES, DIM, generator=stream, dtype=torch.float64)
        # logits = head (f - mean of f) = classifier f
        self.classifier = self.head - self.head.mean(1, keepdim=True)

    def __call__(self, images: torch.Tensor) -> Activations:
        import torch
        from torch.nn import functional

        with torch.inference_mode():
            scaled = images.to(self.device, torch.float64) / 127.5 - 1
            maps = functional.conv2d(scaled, self.filters, padding=1).relu()
            features = maps.mean((2, 3))
            logits = (features - features.mean(1, keepdim=True)) @ self.head.T
            return Activations(features.float(), logits.float(), maps.float())


class BlindNetwork(TinyNetwork):
    """The same network without logits, so it is not a classifier."""

    class_names = None
    classifier = None

    def __init__(self, name: str, seed: int, device: torch.device) -> None:
        super().__init__(name, seed, device)
        self.classifier = None

    def __call__(self, images: torch.Tensor) -> Activations:
        features, _, maps = super().__call__(images)
        return Activations(features, None, maps)


class SlowNetwork(TinyNetwork):
    """The same network, slow enough to be killed."""

    def __call__(self, images: torch.Tensor) -> Activations:
        time.sleep(1)
        return super().__call__(images)


class HeldNetwork(TinyNetwork):
    """The same network, which writes `computing` and waits until the file `hold` is removed."""

    def __call__(self, images: torch.Tensor) -> Activations:
        Path("computing").touch()
        while Path("hold").exists():
            time.sleep(0.05)
        return super().__call__(images)


class HungryNetwork(TinyNetwork):
    """The same network, which uses 2.4 GB of memory for a while."""

    def __call__(self, images: torch.Tensor) -> Activations:
        memory = bytearray(2_400_000_000)
        memory[::4096] = b"x" * len(memory[::4096])
        time.sleep(4)
        return super().__call__(images)


class LingeringNetwork(TinyNetwork):
    """The same network, which is fast only at the second attempt."""

    def __call__(self, images: torch.Tensor) -> Activations:
        if not Path("lingered").exists():
            Path("lingered").touch()
            time.sleep(600)
        return super().__call__(images)


def loader(
    name: str,
    seed: int,
    kind: type[TinyNetwork] = TinyNetwork,
    *,
    maps: bool = False,
    trained_on: str = "random weights",
) -> Callable[..., object]:
    """Return the function that loads a network in Fringe, with the ``info`` of the network."""

    def load(weights: Path | None, device: torch.device) -> TinyNetwork:
        return kind(f"tiny_network:{name}", seed, device)

    load.info = (DIM, CLASSES if kind.class_names else None, 1, maps, trained_on)
    load.class_names = kind.class_names
    return load


classifier = loader("classifier", 0)
control = loader("control", 1)
other = loader("other", 2)
# A network that states the training labels of FID's network.
labelled = loader("labelled", 2, trained_on="ImageNet-1k labels")
slow = loader("slow", 0, SlowNetwork)
held = loader("held", 0, HeldNetwork)
hungry = loader("hungry", 0, HungryNetwork)
lingering = loader("lingering", 0, LingeringNetwork)
# Networks with maps.
seeing = loader("seeing", 0, maps=True)
seeing_control = loader("seeing_control", 1, maps=True)
# A network without classes.
blind = loader("blind", 3, BlindNetwork, maps=True)
