"""Results that are equal bit for bit with any number of threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TypeVar

__all__ = ["deterministic", "map_on_threads"]

Item = TypeVar("Item")
Result = TypeVar("Result")

# PyTorch's settings belong to the process, and a generator may compute next to a network. The first
# thread that enters applies its settings, and the last one that leaves restores the old ones. A
# thread that needs other settings waits.
_turn = threading.Condition()
_inside: list[bool] = []
_settings = ExitStack()


@contextmanager
def deterministic(*, tf32: bool = False) -> Iterator[None]:
    """Let PyTorch compute deterministically within the block, in any number of threads.

    With ``tf32``, GPUs that support TF32 round the inputs of convolutions and matrix products to 10
    bits. Without it, they compute in float32. Do not nest blocks with different values of ``tf32``:
    the inner block would wait forever for the outer one.
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
    """Return ``function(item)`` for each of ``items``, in their order, computed on the CPU.

    The items are distributed over the number of threads that PyTorch uses in the calling thread.
    Each operation uses one thread, so the bits of a result depend neither on the number of threads
    nor on the other items. Inference mode and autocast are as in the calling thread.
    """
    import torch

    threads = torch.get_num_threads()
    if threads == 1 or not items:
        return [function(item) for item in items]
    # Inference mode and autocast are settings of a thread, so each thread enters them.
    inference = torch.is_inference_mode_enabled()
    reduced, dtype = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def computed(item: Item) -> Result:
        with torch.inference_mode(inference), torch.autocast("cpu", dtype, enabled=reduced):
            return function(item)

    try:
        with ThreadPoolExecutor(min(threads, len(items)), initializer=_use_one_thread) as pool:
            return list(pool.map(computed, items))
    finally:
        # Setting the number in one thread also sets it for threads that are made later.
        torch.set_num_threads(threads)


def _use_one_thread() -> None:
    import torch

    # A thread takes the number of the process when PyTorch first needs it. The call makes PyTorch
    # take it now, so that the number of the process cannot replace the 1 later.
    torch.get_num_threads()
    torch.set_num_threads(1)
