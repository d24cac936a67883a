"""Fringe: what a Fréchet Inception Distance is really looking at."""

from typing import Any

__version__ = "0.2.0"

_PUBLIC = {"FrechetMeter": "fringe.comparison.meter", "compare_features": "fringe.comparison"}


def __getattr__(name: str) -> Any:
    """Import and return a name of `_PUBLIC` at its first use, because most commands need none."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PUBLIC[name]), name)
