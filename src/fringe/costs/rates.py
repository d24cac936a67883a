"""Speeds of common machines, the defaults of an estimate."""

from __future__ import annotations

from fringe.costs.jobs import Device

__all__ = [
    "COMPRESSED",
    "FREQUENT",
    "MACHINES",
    "MAP_BYTES",
    "RATES",
    "RELEASED_EVALUATIONS",
    "SHORT_PLACES",
    "START",
    "UNKNOWN_GIGA_MACS",
]

# The machines to which the defaults below apply.
MACHINES: dict[Device, str] = {"cpu": "CPU", "cuda": "H100"}

# Seconds that every job takes: the start of Python and of the libraries. Median of the demo's jobs
# with almost no work (measure_statistics); less than half of it is their own computing.
START = 4.0

# Defaults: units per second of one CPU core and of one NVIDIA H100, from benchmarks/README.md.
# `fringe.sources.kinds` has the speeds of making images of each kind.
RATES: dict[str, dict[Device, float]] = {
    # Multiply-adds of a network: EfficientNet-Lite0, 71.8 images/s on two cores. On the GPU this
    # is assumed, not measured: two fifths of its float32 peak.
    "network": {"cpu": 1.4e10, "cuda": 1.3e13},
    # Multiply-adds in float64: weighted_statistics.py on one core; an evaluation of
    # weight_optimization.py on the GPU.
    "products": {"cpu": 1e10, "cuda": 8e12},
    # Bytes of unpacked images of a compressed array, for photographs, which compress badly.
    "unpacking": {"cpu": 1.0e8, "cuda": 1.0e8},
    # Pixels of kept images that are read in any order: 2,248 images of the demo per second.
    "reading": {"cpu": 3.7e7, "cuda": 3.7e7},
    # Pixels of distorted images, the mean of all distortions at 128, 256 and 1,024 pixels a side.
    "distorting": {"cpu": 5.6e6, "cuda": 5.6e6},
}

# The share of the most frequent classes among images that have maps: 45 % in the demo. The share is
# unknown before the run, because it depends on the predicted classes.
FREQUENT = 0.5

# The share of the places of a Top-1 histogram that the candidates do not fill: 21 % in the demo.
SHORT_PLACES = 0.25

# Evaluations before blocks of merged steps reach their full size. Runs with short steps need about
# this number. Runs whose step size is near its limit need more.
RELEASED_EVALUATIONS = 300

# 10^9 multiply-adds for one image of a network that does not state them (`NetworkInfo.giga_macs`).
UNKNOWN_GIGA_MACS = 5.0

# Bytes in a file for each byte of pixels, in the demo.
COMPRESSED = 0.75

# Bytes in a file for each map with its Grad-CAM and classes, in the demo.
MAP_BYTES = 1100
