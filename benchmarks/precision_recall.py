"""Improved precision and recall against torch-fidelity's own code, on the same features.

    python benchmarks/precision_recall.py [--images 5000] [--dim 4096] [--repeats 3]

torch-fidelity (`metric_prc`) is timed as it runs by default, holding all distances at once, and
with `save_cpu_ram`, which like ours holds blocks of them. Each is run once to warm up, then the
runs alternate and the fastest of each counts. Exits with 1 if ours is not the fastest or one of
the numbers differs.
"""

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch_fidelity.metric_prc import (
    calculate_precision_recall_full,
    calculate_precision_recall_part,
)

from fringe.metrics import precision_recall


def features(rng: np.random.Generator, count: int, mixing: np.ndarray, noise: float) -> np.ndarray:
    """Return features like VGG's: not negative, many of them 0, of few true dimensions."""
    rows = rng.standard_normal((count, len(mixing))) @ mixing
    return np.maximum(rows + noise * rng.standard_normal(rows.shape), 0).astype(np.float32)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--dim", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((24, options.dim)) * np.exp(-np.arange(24) / 8)[:, None]
    real = features(rng, options.images, mixing, 0.15)
    generated = features(rng, options.images, 0.95 * mixing, 0.155)
    one, other = torch.from_numpy(generated), torch.from_numpy(real)

    runs: dict[str, Callable[[], tuple[float, float]]] = {
        "fringe": lambda: precision_recall(real, generated),
        "torch-fidelity": lambda: calculate_precision_recall_full(one, other),
        "torch-fidelity, save_cpu_ram": lambda: calculate_precision_recall_part(one, other),
    }
    found = {name: run() for name, run in runs.items()}
    seconds = dict.fromkeys(runs, float("inf"))
    for _ in range(options.repeats):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name] = min(seconds[name], time.perf_counter() - start)

    print(f"{options.images} + {options.images} images, D = {options.dim}, k = 3, ", end="")
    print(f"{torch.get_num_threads()} threads")
    ratios = {name: taken / seconds["fringe"] for name, taken in seconds.items()}
    for name, (precision, recall) in found.items():
        print(
            f"{name:29} {seconds[name]:7.2f} s  ratio {ratios[name]:4.2f}  "
            f"precision {precision:.4f}  recall {recall:.4f}"
        )
    # Theirs are means in float32: compare numbers of images.
    counts = {tuple(round(share * options.images) for share in pair) for pair in found.values()}
    return 0 if len(counts) == 1 and min(ratios.values()) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
