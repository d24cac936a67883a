"""Simulated features with known differences between two models.

An image has a class, a fault that all networks see, and a fault that only FID's network sees. FID's
network separates the classes well, and the control separates them weakly.
"""

from typing import NamedTuple

import numpy as np

CLASSES, DIM, CONTROL_DIM = 6, 12, 10
EVEN = np.full(CLASSES, 1 / CLASSES)
SKEWED = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.04])

_rng = np.random.default_rng(99)
CENTRES = _rng.normal(size=(CLASSES, DIM)) * 2
CONTROL_CENTRES = _rng.normal(size=(CLASSES, CONTROL_DIM)) * 0.15
VISIBLE = _rng.normal(size=DIM) / np.sqrt(DIM)
CONTROL_VISIBLE = _rng.normal(size=CONTROL_DIM) / np.sqrt(CONTROL_DIM)
HIDDEN = _rng.normal(size=DIM) / np.sqrt(DIM)


class Made(NamedTuple):
    """Features in FID's network and in the control, and classes."""

    features: dict[str, np.ndarray]
    classes: np.ndarray


def made(
    seed: int, n: int = 2500, histogram: np.ndarray = EVEN, fault: float = 0.0, hidden: float = 0.0
) -> Made:
    """Return images with a class histogram, a fault for all networks, and a hidden fault."""
    rng = np.random.default_rng(seed)
    classes = rng.choice(CLASSES, n, p=histogram)
    main = CENTRES[classes] + rng.normal(size=(n, DIM)) + 2 * fault * VISIBLE + 2 * hidden * HIDDEN
    control = CONTROL_CENTRES[classes] + rng.normal(size=(n, CONTROL_DIM))
    control = control + 2 * fault * CONTROL_VISIBLE
    return Made({"inception": main, "clip": control}, classes)
