"""Times of calls that take turns."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from gpu_parts.machine import wait

__all__ = ["best_of", "seconds_of"]


def seconds_of(call: Callable[[], Any], device: str) -> float:
    """Return the seconds of one call, including its work on a GPU."""
    wait(device)
    start = time.perf_counter()
    call()
    wait(device)
    return time.perf_counter() - start


def best_of(calls: Mapping[str, Callable[[], Any]], turns: int, device: str) -> dict[str, float]:
    """Return the smallest seconds of each call; the calls take turns, without a warm-up.

    The smallest time counts, because other work on a machine can only make a turn slower.
    """
    best = dict.fromkeys(calls, math.inf)
    for _ in range(turns):
        for name, call in calls.items():
            best[name] = min(best[name], seconds_of(call, device))
    return best
