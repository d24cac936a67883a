"""Compute a batch on a CPU image by image, each image on one thread."""

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
    """Return ``forward``; on a CPU, return a function that computes one image at a time.

    The last bits of convolutions and matrix products depend on the size of the batch and on the
    number of threads of an operation. When each image is computed separately on one thread, its
    bits do not depend on the batch. The maps of one image also stay in the cache, so this is slower
    only at the lowest resolutions. The images are distributed over PyTorch's threads.
    """

    def divided(inputs: Inputs) -> Tensor:
        rows = [row(inputs, index) for index in range(len(inputs.latents))]
        return torch.cat(map_on_threads(forward, rows))

    return divided if device.type == "cpu" else forward


def row(inputs: Inputs, index: int) -> Inputs:
    """Return the inputs of one image of a batch."""
    part = slice(index, index + 1)
    noise = inputs.noise
    return inputs._replace(
        latents=inputs.latents[part],
        labels=None if inputs.labels is None else inputs.labels[part],
        noise=tuple(layer[part] for layer in noise) if isinstance(noise, tuple) else noise,
    )
