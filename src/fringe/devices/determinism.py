"""Results that are equal to the bit, whatever the number of threads."""

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
