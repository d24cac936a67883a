"""A batch on a CPU: one image at a time, and each on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fringe.devices.determinism import map_on_threads
from fringe.generators.base import Inputs

__all__ = ["image_by_image", "row"]


def image_by_image(
    forward: Callable[[Inputs], Tensor], device: torch.device
) -> Callable[[Inputs], Tensor]:
    """Return ``forward``, on a CPU made to compute one image at a time.

    The last bits of convolutions and matrix products depend on the size of the batch and on the
    number of threads inside them. Alone and on one thread, an image gives the same bits whatever
    batch it comes in; and its maps stay in the cache, so nothing is lost but at the lowest
    resolutions. Images, not the operations inside them, are shared among PyTorch's threads.
    """

    def divided(inputs: Inputs) -> Tensor:
        rows = [row(inputs, index) for index in range(len(inputs.latents))]
        return torch.cat(map_on_threads(forward, rows))

    return divided if device.type == "cpu" else forward


def row(inputs: Inputs, index: int) -> Inputs:
    """Return what one image of a batch is made of."""
    one = slice(index, index + 1)
    noise = inputs.noise
    return inputs._replace(
        latents=inputs.latents[one],
        labels=None if inputs.labels is None else inputs.labels[one],
        noise=tuple(layer[one] for layer in noise) if isinstance(noise, tuple) else noise,
    )
