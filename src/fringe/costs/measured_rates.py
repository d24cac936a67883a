"""Measured speeds of a machine, which replace the defaults of an estimate."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fringe.costs.jobs import Device
from fringe.costs.rates import RATES
from fringe.errors import FringeError
from fringe.files.parsing import parse_json
from fringe.files.reasons import unreadable
from fringe.files.regular import read_text
from fringe.sources.kinds import KINDS

__all__ = ["MeasuredRates", "default_rates", "read_rates"]


@dataclass(frozen=True)
class MeasuredRates:
    """Units per second of one machine, by name, for all names of `default_rates`.

    ``device`` is the measured device, one GPU or one CPU core. ``machine`` is the machine's name.
    """

    device: Device
    machine: str
    values: Mapping[str, float]


def default_rates(device: Device) -> dict[str, float]:
    """Return all rates that an estimate uses for a device, by name, in units per second.

    These are `fringe.costs.rates.RATES`, and the pixels per second of each kind of generated source
    with the same speed for all sources.

    Examples
    --------
    >>> sorted(default_rates("cuda"))
    ['distorting', 'generator', 'imitation', 'network', 'products', 'reading', 'unpacking']
    """
    made = {name: one.pixels_per_second for name, one in KINDS.items() if one.has_one_speed}
    pixels = {name: speed[device] for name, speed in made.items() if speed is not None}
    return {name: speed[device] for name, speed in RATES.items()} | pixels


def read_rates(path: str | os.PathLike[str]) -> MeasuredRates:
    """Return the rates in a file that `benchmarks/gpu.sh` wrote.

    The file is JSON: ``device`` ("cpu" or "cuda"), ``machine`` (a name), and ``rates``, a number
    above 0 for each name of `default_rates`.

    Raises
    ------
    FringeError
        If the file cannot be read, lacks a rate, or has a rate that is not a number above 0.
    """
    path = Path(path)
    try:
        content = parse_json(read_text(path))
    except OSError as error:
        why = unreadable(error) or f"cannot be read ({error.strerror}); correct the path"
        raise FringeError(f"{path}: the file of rates {why}") from error
    except ValueError as error:
        raise FringeError(f"{path}: not JSON ({error}); {AGAIN}") from error
    about = content if isinstance(content, dict) else {}
    places: dict[Any, Device] = {"cpu": "cpu", "cuda": "cuda"}
    device = places.get(str(about.get("device")))
    machine, rates = about.get("machine"), about.get("rates")
    if device is None or not isinstance(machine, str) or not isinstance(rates, dict):
        raise FringeError(
            f"{path}: must have `device` ('cpu' or 'cuda'), `machine` and `rates`; {AGAIN}"
        )
    names = default_rates(device)
    for name in sorted({*names, *rates}):
        if name not in names:
            raise FringeError(
                f"{path}: `rates` has the unknown name {name!r}; known names are "
                f"{', '.join(sorted(names))}"
            )
        if not _is_rate(rates.get(name)):
            found = f"is {rates[name]!r}, not a number above 0" if name in rates else "is missing"
            raise FringeError(f"{path}: the rate {name!r} {found}; {AGAIN}")
    return MeasuredRates(device, machine, {name: float(rates[name]) for name in names})


AGAIN = "measure again with benchmarks/gpu.sh"


def _is_rate(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < float("inf")
