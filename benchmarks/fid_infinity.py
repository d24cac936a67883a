"""FID of infinitely many images, compared with its released code (Chong and Forsyth 2020).

    python benchmarks/fid_infinity.py [--images 50000] [--dim 2048]

The released code takes 15 random subsets, with sizes evenly from 5,000 to all images. For each
subset it copies the rows and calls ``numpy.cov`` and ``scipy.linalg.sqrtm``. It is timed at the
mean size and scaled to 15: the time of ``numpy.cov`` grows with the size, and that of ``sqrtm``
does not depend on it. The two methods of Fringe are timed completely: `reference` measures the same
15 subsets, and `balanced` measures four blocks, their pairs, and all images. All methods get the
statistics of the real images. Exits with 1 if `balanced` is not ten times faster, or if a distance
differs from the released code's by more than 1e-6 relatively.
"""

import argparse
import sys
import time

import numpy as np
import scipy.linalg

from fringe.metrics import Gaussian, frechet_distance, frechet_distance_infinity
from fringe.metrics.extrapolation import Method


def features(rng: np.random.Generator, count: int, mixing: np.ndarray, shift: float) -> np.ndarray:
    """Return features like a pooling layer's: not negative, correlated, of very unequal scales."""
    rows = rng.standard_normal((count, len(mixing)), dtype=np.float32) @ mixing
    return np.maximum(rows + np.float32(shift), 0)


def released(real: Gaussian, rows: np.ndarray) -> float:
    covariance = np.cov(rows, rowvar=False)
    difference = real.mean - rows.mean(axis=0, dtype=np.float64)
    root = scipy.linalg.sqrtm(real.covariance @ covariance)
    total = np.trace(real.covariance + covariance - 2 * root)
    return float(np.real(difference @ difference + total))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=2048)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((options.dim, options.dim), dtype=np.float32)
    mixing *= np.exp(-np.arange(options.dim) / (options.dim / 4)).astype(np.float32)[:, None]
    mixing /= np.float32(options.dim**0.5)
    real = Gaussian.from_features(features(rng, 3 * options.dim, mixing, 0.1))
    generated = features(rng, options.images, mixing, 0.12)

    methods: tuple[Method, ...] = ("balanced", "reference")
    seconds = {}
    found = {}
    for method in methods:
        start = time.perf_counter()
        found[method] = frechet_distance_infinity(real, generated, method=method)
        seconds[method] = time.perf_counter() - start
    size = round(found["reference"].sizes.mean())
    start = time.perf_counter()
    subset = generated[np.sort(rng.permutation(options.images)[:size])]
    expected = released(real, subset)
    their_seconds = 15 * (time.perf_counter() - start)
    difference = abs(frechet_distance(real, Gaussian.from_features(subset)) / expected - 1)

    print(f"{options.images:,} images, D = {options.dim}")
    print(f"numpy.cov, scipy sqrtm  {their_seconds:8.2f} s (one of {size:,} timed, scaled to 15)")
    for method in methods:
        print(
            f"fringe, {method:15} {seconds[method]:8.2f} s  "
            f"ratio {their_seconds / seconds[method]:5.1f}  "
            f"value {found[method].value:.4f} ± {found[method].standard_error:.4f}"
        )
    print(f"plain FID of all images {found['balanced'].distances[-1]:.4f}")
    print(f"relative difference at {size:,} images {difference:.1e}")
    return 0 if their_seconds >= 10 * seconds["balanced"] and difference < 1e-6 else 1


if __name__ == "__main__":
    sys.exit(main())
