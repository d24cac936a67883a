"""Choose the device, the settings and the number of threads for networks and generators.

Importing this module does not import PyTorch. Its functions do.
"""

from __future__ import annotations

import logging
import os
import platform
from typing import TYPE_CHECKING

from fringe.devices.claims import claim
from fringe.devices.utilization import watch
from fringe.errors import FringeError

if TYPE_CHECKING:
    import torch

__all__ = ["choose_device", "describe_device", "open_device"]

LOGGER = logging.getLogger(__name__)


def choose_device(device: str) -> str:
    """Return a PyTorch device for the configured ``device``, and set PyTorch up for it.

    ``auto`` means a GPU if the machine has one, and otherwise the CPU, with a warning. On a machine
    with several GPUs, each process takes a different one (`fringe.devices.claims`). The log names
    the GPU, and ends with the utilization of the GPU (`fringe.devices.utilization`). On the CPU,
    PyTorch uses one thread, because the last bits of a convolution depend on the number of threads,
    and results must not depend on the cores of the machine.

    Raises
    ------
    FringeError
        If ``device`` is a GPU and the machine has none.
    """
    import torch

    if device == "auto" and not torch.cuda.is_available():
        LOGGER.warning("no GPU is available, so networks run on the CPU")
        device = "cpu"
    if device == "cpu":
        torch.set_num_threads(1)
        return device
    if not torch.cuda.is_available():
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
        raise FringeError(
            f"device: {device} needs a GPU, and PyTorch finds none on {platform.node()} "
            f"(CUDA_VISIBLE_DEVICES: {seen}); let the profile give the job a GPU (resource `gpu`), "
            "or set `device: auto`"
        )
    place = _own_gpu() if device in ("auto", "cuda") else torch.device(device)
    LOGGER.info("computing on %s (%s)", torch.cuda.get_device_name(place), place)
    watch(_uuid(place.index))
    return str(place)


def _own_gpu() -> torch.device:
    """Return a GPU that no other process of this user has taken."""
    import torch

    names = [_uuid(index) for index in range(torch.cuda.device_count())]
    index = claim(names) if len(names) > 1 else 0
    if index is None:
        LOGGER.warning(
            "other processes have taken all %d GPUs, so this process shares the first GPU; start "
            "with --resources gpu=%d at most",
            *(len(names), len(names)),
        )
    return torch.device("cuda", index or 0)


def _uuid(index: int) -> str:
    import torch

    return str(torch.cuda.get_device_properties(index).uuid)


def describe_device(device: str | torch.device) -> tuple[str, int]:
    """Return the name of the GPU, or "cpu", and the number of PyTorch's threads on the CPU."""
    import torch

    place = open_device(device)
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else place.type
    return name, torch.get_num_threads()


def open_device(device: str | torch.device) -> torch.device:
    """Return the device with this name.

    Raises
    ------
    FringeError
        If the device does not exist.
    """
    import torch

    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError) as error:
        raise FringeError(
            f"device {str(device)!r} does not exist ({error}); name another device, such as 'cpu'"
        ) from error
    return place
