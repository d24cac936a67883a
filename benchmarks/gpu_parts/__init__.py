"""The parts of benchmarks/gpu.py: their modules and their budgets of seconds."""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

__all__ = ["PARTS", "Part"]


class Part(NamedTuple):
    """``module`` has a function ``measure(sizes, device, report, weights)``."""

    module: str
    seconds: float

    @property
    def measure(self) -> Callable[..., None]:
        """Load the part and return its function."""
        found: Callable[..., None] = import_module(f"gpu_parts.{self.module}").measure
        return found


# The parts run in this order. Their seconds are shares of the total, which is 570 by default.
PARTS = {
    "generator": Part("generator", 190),
    "extraction": Part("extraction", 120),
    "solver": Part("solver", 80),
    "rates": Part("rates", 80),
    "kernels": Part("kernels", 100),
}
