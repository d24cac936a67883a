"""A batch on a CPU, a few images at a time and each few on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fringe.devices.determinism import map_on_threads
from fringe.networks.base import Activations

__all__ = ["by_parts"]


def by_parts(compute: Callable[[Tensor], Activations], images: Tensor, size: int) -> Activations:
    """Return ``compute(images)``; on a CPU from ``size`` images at a time.

    The maps of a few images stay in the cache, which makes a convolutional network about twice as
    fast as a large batch. Parts, not the operations inside them, are shared among the threads that
    PyTorch may use, and every part is full (filled up with its last image), so an image gives the
    same bits whatever the number of threads and whatever batch it comes in.
    """
    if images.device.type != "cpu":
        return compute(images)
    missing = -len(images) % size
    full = torch.cat([images, images[-1:].expand(missing, -1, -1, -1)]) if missing else images
    done = map_on_threads(compute, torch.split(full, size))
    return Activations(
        torch.cat([part.features for part in done])[: len(images)],
        _joined([part.logits for part in done], len(images)),
        _joined([part.maps for part in done], len(images)),
    )


def _joined(parts: list[Tensor | None], count: int) -> Tensor | None:
    present = [part for part in parts if part is not None]
    return torch.cat(present)[:count] if present else None
