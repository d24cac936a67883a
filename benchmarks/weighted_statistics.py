"""Mean and covariance of a draw with replacement: counts against copied rows and ``numpy.cov``.

    python benchmarks/weighted_statistics.py [--images 50000] [--candidates 50000] [--dim 2048]

The released way copies the rows drawn and calls ``numpy.cov``, which copies them twice more in
float64. Ours weights the candidates by how often each was drawn. Both get the same float32
features. Peak memory is what each allocates beside the features, as NumPy reports it. Exits with 1
if the covariances differ by more than 1e-12 of the largest variance.
"""

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from fringe.metrics import Gaussian


def released(features: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = features[drawn]
    return rows.mean(axis=0, dtype=np.float64), np.cov(rows, rowvar=False)


def counted(features: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    counts = np.bincount(drawn, minlength=len(features))
    gaussian = Gaussian.from_features(features, counts)
    return gaussian.mean, gaussian.covariance


def measure(
    call: Callable[[], tuple[np.ndarray, np.ndarray]],
) -> tuple[float, float, tuple[np.ndarray, np.ndarray]]:
    """Return seconds, peak MiB, and the result."""
    tracemalloc.start()
    start = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return seconds, peak, result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--candidates", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=2048)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((64, options.dim), dtype=np.float32) / 8
    features = rng.standard_normal((options.candidates, 64), dtype=np.float32) @ mixing
    features += np.float32(0.1)
    np.maximum(features, 0, out=features)
    print(f"{options.images:,} images drawn of {options.candidates:,}, D = {options.dim}")
    worst = 0.0
    for spread in (0, 2):  # of log weights: all equal, and as unequal as optimized ones
        weights = np.exp(spread * rng.standard_normal(options.candidates))
        drawn = rng.choice(options.candidates, options.images, p=weights / weights.sum())
        own, own_peak, (mean, covariance) = measure(lambda drawn=drawn: counted(features, drawn))
        theirs, peak, (expected_mean, expected) = measure(
            lambda drawn=drawn: released(features, drawn)
        )
        kind = "unequal" if spread else "equal"
        print(f"{kind} weights, {len(np.unique(drawn)):,} distinct")
        print(f"  fringe              {own:8.2f} s {own_peak:8.0f} MiB")
        print(f"  copies, numpy.cov   {theirs:8.2f} s {peak:8.0f} MiB", end="")
        print(f"  ratio {theirs / own:.2f} in time, {peak / own_peak:.1f} in memory")
        worst = max(worst, np.abs(covariance - expected).max() / np.diag(expected).max())
        worst = max(worst, np.abs(mean - expected_mean).max() / np.abs(expected_mean).max())
    print(f"largest difference {worst:.1e}, relative to the largest variance or mean")
    return 0 if worst < 1e-12 else 1


if __name__ == "__main__":
    sys.exit(main())
