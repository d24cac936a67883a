"""Where networks and generators compute, and how: on which device, with what settings and threads.

Importing this module does not import PyTorch; its functions do.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from fringe.errors import FringeError
from fringe.gpus import claim
from fringe.utilization import watch

if TYPE_CHECKING:
    import torch

__all__ = ["choose_device", "describe_device", "deterministic", "map_on_threads", "open_device"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def choose_device(device: str) -> str:
    """Return a PyTorch device for the configured ``device``, and set PyTorch up for it.

    ``auto`` takes a GPU where there is one, else the CPU, and says so. Of several GPUs each process
    takes another one (`fringe.gpus`). Which it is stands in the log, and at the end of a job how
    busy it was (`fringe.utilization`). On the CPU one thread is used: the last bits of a
    convolution depend on the number of threads, and results must not depend on the machine's cores.

    Raises
    ------
    FringeError
        If ``device`` is a GPU and there is none.
    """
    import torch

    if device == "auto" and not torch.cuda.is_available():
        print("warning: no GPU is available, so networks run on the CPU", file=sys.stderr)
        device = "cpu"
    if device == "cpu":
        torch.set_num_threads(1)
        return device
    if not torch.cuda.is_available():
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
        raise FringeError(
            f"device: {device} demands a GPU, and PyTorch finds none on {platform.node()} "
            f"(CUDA_VISIBLE_DEVICES: {seen}); let the profile give the job one (resource `gpu`), "
            "or set `device: auto`"
        )
    place = _own_gpu() if device in ("auto", "cuda") else torch.device(device)
    print(f"computing on {torch.cuda.get_device_name(place)} ({place})", file=sys.stderr)
    watch(_uuid(place.index))
    return str(place)


def _own_gpu() -> torch.device:
    """Return a GPU that no other process of this user's has taken."""
    import torch

    names = [_uuid(index) for index in range(torch.cuda.device_count())]
    index = claim(names) if len(names) > 1 else 0
    if index is None:
        print(
            f"warning: other processes have taken all {len(names)} GPUs, so this one shares the "
            f"first; start with --resources gpu={len(names)} at most",
            file=sys.stderr,
        )
    return torch.device("cuda", index or 0)


def _uuid(index: int) -> str:
    import torch

    return str(torch.cuda.get_device_properties(index).uuid)


def describe_device(device: str | torch.device) -> tuple[str, int]:
    """Return what times depend on: "cpu" or the GPU's name, and PyTorch's threads on the CPU."""
    import torch

    place = open_device(device)
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else place.type
    return name, torch.get_num_threads()


def open_device(device: str | torch.device) -> torch.device:
    """Return the device of that name, which is there.

    Raises
    ------
    FringeError
        If it is not.
    """
    import torch

    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError) as error:
        raise FringeError(
            f"device {str(device)!r} is not there ({error}); name another, such as 'cpu'"
        ) from error
    return place


# PyTorch's settings belong to the process, and a generator may compute beside a network: the first
# in changes them, the last out puts them back, and who wants others waits.
_turn = threading.Condition()
_inside: list[bool] = []
_settings = ExitStack()


@contextmanager
def deterministic(*, tf32: bool = False) -> Iterator[None]:
    """Let PyTorch compute deterministically within the block, in any number of threads.

    With ``tf32``, GPUs that can round what convolutions and matrix products take to 10 bits;
    without it they do not, and compute in float32. A block for one value within a block for the
    other would wait for itself: do not nest them.
    """
    with _turn:
        _turn.wait_for(lambda: not _inside or _inside[0] == tf32)
        if not _inside:
            _settings.enter_context(_set(tf32))
        _inside.append(tf32)
    try:
        yield
    finally:
        with _turn:
            _inside.pop()
            if not _inside:
                _settings.close()
                _turn.notify_all()


@contextmanager
def _set(tf32: bool) -> Iterator[None]:
    import torch

    products = torch.backends.cuda.matmul
    before, products.allow_tf32 = products.allow_tf32, tf32
    try:
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=tf32
        ):
            yield
    finally:
        products.allow_tf32 = before


def map_on_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return ``function(item)`` of each of ``items``, in their order, computed on the CPU.

    Items, not the operations inside them, are shared among as many threads as PyTorch may use in
    the caller's. Each operation has one thread, so the bits of a result depend neither on that
    number nor on the other items. Inference mode and autocast are the caller's.
    """
    import torch

    threads = torch.get_num_threads()
    if threads == 1 or not items:
        return [function(item) for item in items]
    # These belong to a thread, so each needs to enter them.
    inference = torch.is_inference_mode_enabled()
    reduced, dtype = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def computed(item: Item) -> Result:
        with torch.inference_mode(inference), torch.autocast("cpu", dtype, enabled=reduced):
            return function(item)

    try:
        with ThreadPoolExecutor(min(threads, len(items)), initializer=_use_one_thread) as pool:
            return list(pool.map(computed, items))
    finally:
        # Setting the number in one thread sets it for threads that are made later, too.
        torch.set_num_threads(threads)


def _use_one_thread() -> None:
    import torch

    # A thread takes over the process's number when PyTorch first needs one; asking makes that now,
    # so that no other caller's number can replace the 1 later.
    torch.get_num_threads()
    torch.set_num_threads(1)
