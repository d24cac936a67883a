"""Top-1 classes of images, from stored logits."""

import numpy as np

from fringe.features.joined import Features

__all__ = ["top1_classes"]


def top1_classes(file: Features, stop: int | None = None) -> np.ndarray:
    """Return the Top-1 classes (n,) of the first ``stop`` images, as integers."""
    return np.concatenate([block.argmax(axis=1) for _, block in file.blocks("logits", stop=stop)])
