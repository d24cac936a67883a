"""The machine of the measurements."""

import os
import platform
import shutil
import subprocess
from typing import Any

import torch

__all__ = ["describe", "headline", "set_up", "wait"]


def describe() -> dict[str, Any]:
    """Return the device ("cuda" or "cpu"), its name, and the versions that figures depend on."""
    on_gpu = torch.cuda.is_available()
    cores = f"{platform.machine()}, {os.cpu_count()} cores"
    return {
        "device": "cuda" if on_gpu else "cpu",
        "machine": torch.cuda.get_device_name() if on_gpu else f"CPU ({_processor()})",
        "host": cores,
        "driver": _driver() if on_gpu else "none",
        "torch": torch.__version__,
        "cuda": torch.version.cuda or "none",
        "cudnn": str(torch.backends.cudnn.version() or "none"),
        "python": platform.python_version(),
    }


def headline(about: dict[str, Any], form: str) -> str:
    """Return the first line of the output and of the table."""
    if about["device"] == "cpu":
        where = f"no GPU is here: the small form on one thread of the {about['machine']}"
    else:
        where = f"{about['machine']}, {form} form"
    return (
        f"{where}; {about['host']}; driver {about['driver']}, CUDA {about['cuda']}, cuDNN "
        f"{about['cudnn']}, torch {about['torch']}, Python {about['python']}"
    )


def set_up(device: str) -> None:
    """Let PyTorch use one thread on a CPU, like jobs of a run, and all threads with a GPU."""
    torch.set_num_threads(1 if device == "cpu" else os.cpu_count() or 1)


def wait(device: str) -> None:
    """Wait until a GPU has finished its work."""
    if device != "cpu":
        torch.cuda.synchronize()


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123 - no regular file
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def _driver() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return "unknown"
    command = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return said.strip().splitlines()[0] if said.strip() else "unknown"
