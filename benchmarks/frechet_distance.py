"""Repeats of the Fréchet distance, compared with ``scipy.linalg.sqrtm`` as in the released code.

    python benchmarks/frechet_distance.py [--dim 2048] [--repeats 10] [--reference-repeats 2]

Both get the same covariances in the same process. Fringe computes the square root of the real
covariance once and shares it, and this time counts. The reference, |m - n|^2 + tr(R + S - 2
sqrtm(S R)), is slow, so it is timed over a few repeats and its mean is scaled to all repeats.
Exits with 1 if the reference is not ten times slower, or if the values differ by more than 1e-6
relatively.
"""

import argparse
import sys
import time

import numpy as np
import scipy.linalg

from fringe.metrics import Gaussian, covariance_root, frechet_distance


def released(real: Gaussian, generated: Gaussian) -> float:
    difference = real.mean - generated.mean
    root = scipy.linalg.sqrtm(generated.covariance @ real.covariance)
    total = np.trace(real.covariance + generated.covariance - 2 * root)
    return float(np.real(difference @ difference + total))


def features(rng: np.random.Generator, count: int, mixing: np.ndarray, shift: float) -> np.ndarray:
    """Return features like a pooling layer's: not negative, correlated, of very unequal scales."""
    rows = rng.standard_normal((count, len(mixing))) @ mixing
    return np.maximum(rows + shift, 0).astype(np.float32)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--reference-repeats", type=int, default=2)
    options = parser.parse_args()
    dim, repeats, timed = options.dim, options.repeats, options.reference_repeats
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((dim, dim)) / np.sqrt(dim)
    mixing *= np.exp(-np.arange(dim) / (dim / 4))[:, None]
    count = 2 * dim + 1000
    real = Gaussian.from_features(features(rng, count, mixing, 0.1))
    sets = [Gaussian.from_features(features(rng, count, mixing, 0.12)) for _ in range(repeats)]

    start = time.perf_counter()
    root = covariance_root(real)
    ours = [frechet_distance(real, generated, root) for generated in sets]
    ours_seconds = time.perf_counter() - start

    start = time.perf_counter()
    theirs = [released(real, generated) for generated in sets[:timed]]
    their_seconds = (time.perf_counter() - start) * repeats / timed

    difference = max(abs(a / b - 1) for a, b in zip(ours, theirs, strict=False))
    ratio = their_seconds / ours_seconds
    print(f"D = {dim}, {repeats} repeats, real covariance shared")
    print(f"fringe            {ours_seconds:8.2f} s")
    print(f"scipy sqrtm       {their_seconds:8.2f} s (mean of {timed} scaled to {repeats})")
    print(f"ratio             {ratio:8.1f}")
    print(f"largest relative difference {difference:.1e}")
    return 0 if ratio >= 10 and difference < 1e-6 else 1


if __name__ == "__main__":
    sys.exit(main())
