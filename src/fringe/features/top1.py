"""Top-1 classes of images by stored logits."""

import numpy as np

from fringe.features.joined import Features

__all__ = ["top1_classes"]


def top1_classes(file: Features, stop: int | None = None) -> np.ndarray:
    """Return the Top-1 class of each of the first ``stop`` images: int array (n,)."""
    return np.concatenate([block.argmax(axis=1) for _, block in file.blocks("logits", stop=stop)])
