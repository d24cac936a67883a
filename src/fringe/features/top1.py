"""Classes of images: Top-1 classes by stored logits, or labels that came with features."""

import numpy as np

from fringe.errors import FringeError
from fringe.features.store import FeatureFile

__all__ = ["given_labels", "top1_classes"]


def top1_classes(file: FeatureFile, stop: int | None = None) -> np.ndarray:
    """Return the Top-1 class of each of the first ``stop`` images: int array (n,)."""
    return np.concatenate([block.argmax(axis=1) for _, block in file.blocks("logits", stop=stop)])


def given_labels(file: FeatureFile, stop: int | None = None) -> np.ndarray:
    """Return the label of each of the first ``stop`` images: int array (n,).

    Raises
    ------
    FringeError
        If no labels came with the features.
    """
    labels = file.labels()
    if labels is None:
        raise FringeError(f"{file.path}: holds no labels; delete it and run again")
    return labels[:stop]
