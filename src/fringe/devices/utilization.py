"""Measure with nvidia-smi how busy the GPU is while a job computes on it."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

__all__ = ["INTERVAL", "describe", "parse", "reported", "watch"]

LOGGER = logging.getLogger(__name__)

INTERVAL = 5.0  # seconds between samples, and before the first sample

# Percentage of time in which the GPU computed, and MiB of its memory in use.
Sample = tuple[float, float]

# Event of the current block `reported`; None outside such a block.
_ended: threading.Event | None = None
_samples: dict[str, list[Sample]] = {}


@contextmanager
def reported() -> Iterator[None]:
    """Log at the end of the block how busy the GPU was that was watched in the block.

    No line is logged if the block fails, if no GPU was watched, or if nvidia-smi gave no samples.
    """
    global _ended
    _ended = threading.Event()
    try:
        yield
        for samples in _samples.values():
            if samples:
                LOGGER.info("%s", describe(samples))
    finally:
        # The thread is not joined: nvidia-smi can be slow, and its last sample does not matter.
        _ended.set()
        _ended = None
        _samples.clear()


def watch(uuid: str) -> None:
    """Sample in the background how busy a GPU is, until the block `reported` ends.

    Outside such a block, and without nvidia-smi, nothing is sampled. If a call of nvidia-smi fails,
    the sample is left out.

    Parameters
    ----------
    uuid : str
        As PyTorch returns it, without the prefix "GPU-" of nvidia-smi.
    """
    if _ended is None or uuid in _samples or shutil.which("nvidia-smi") is None:
        return
    samples = _samples[uuid] = []
    threading.Thread(target=_ask, args=(uuid, samples, _ended), daemon=True).start()


def _ask(uuid: str, samples: list[Sample], ended: threading.Event) -> None:
    command = [
        *("nvidia-smi", "--query-gpu=utilization.gpu,memory.used"),
        *("--format=csv,noheader,nounits", "-i", f"GPU-{uuid}"),
    ]
    while not ended.wait(INTERVAL):
        # nvidia-smi prints "[N/A]" for a value that it cannot measure.
        with suppress(OSError, subprocess.SubprocessError, ValueError):
            run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
            busy, used = map(float, run.stdout.split(","))
            samples.append((busy, used))


def describe(samples: Sequence[Sample]) -> str:
    """Return the line for a job's log that `parse` reads."""
    mean = sum(busy for busy, _ in samples) / len(samples)
    most = max(used for _, used in samples)
    number = f"{len(samples)} sample{'s' * (len(samples) > 1)}"
    return f"GPU utilization: {mean:.0f} % in the mean of {number}; at most {most:,.0f} MiB"


def parse(log: str) -> tuple[float, int] | None:
    """Return the mean utilization, in percent, and the number of samples from a job's log."""
    found = re.findall(
        r"^GPU utilization: (\d+) % in the mean of (\d+) samples?;", log, re.MULTILINE
    )
    return (float(found[-1][0]), int(found[-1][1])) if found else None
