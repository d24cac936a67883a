"""The spread of sampled FID and KID for several ways of drawing, with the same weights.

    python benchmarks/sampling_variance.py [--dim 64] [--draws 100] [--evaluations 25]

2,000 real images and 10,000 candidates have features like pool3's: not negative, heavy-tailed,
correlated. The weights are optimized over a few evaluations, and 2,000 images are drawn with them
many times, in each of the three ways. "Above the objective" is the mean sampled FID minus the FID
of the weighted candidates, which no finite draw reaches. The KID of the weighted candidates (exact,
over all pairs) is printed next to the sampled KID. A draw's effective sample size is n^2 / sum of
its squared counts. Ratios are to drawing with replacement, as in the paper. Exits with 1 if
systematic draws do not lower both the variance of FID and its excess above the objective.
"""

import argparse
import sys
import time
from typing import get_args

import numpy as np

from fringe.errors import FringeError
from fringe.metrics import Gaussian, covariance_root, frechet_distance, kernel_distance
from fringe.resampling import draw, effective_sample_size, optimize_weights
from fringe.resampling.drawing import Sampling
from fringe.seeds import random_stream

REAL, CANDIDATES, DRAWN = 2000, 10000, 2000


def features(rng: np.random.Generator, count: int, mixing: np.ndarray, shift: float) -> np.ndarray:
    """Return features like a pooling layer's: not negative, heavy-tailed, correlated."""
    rows = rng.standard_normal((count, len(mixing))) @ mixing
    return 0.4 * np.exp(0.6 * rows + shift * np.linspace(-1, 1, len(mixing)))


def weighted_kernel_distance(real: np.ndarray, candidates: np.ndarray, p: np.ndarray) -> float:
    """Return the polynomial MMD^2 of the real images (unbiased) to the weighted candidates."""

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)

    used = np.flatnonzero(p)
    y, q = candidates[used], p[used] / p.sum()
    n = len(real)
    own = kernel(real, real)
    within = (own.sum() - np.trace(own)) / (n * (n - 1))
    blocks = [slice(first, first + 1000) for first in range(0, len(y), 1000)]
    across = sum(float((kernel(real, y[at]) @ q[at]).mean()) for at in blocks)
    return float(within + sum(q[at] @ kernel(y[at], y) @ q for at in blocks) - 2 * across)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--evaluations", type=int, default=25)
    options = parser.parse_args()
    start = time.perf_counter()
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((options.dim, options.dim)) / np.sqrt(options.dim)
    mixing *= np.exp(-np.arange(options.dim) / (options.dim / 4))[:, None] * 2
    real = features(rng, REAL, mixing, 0)
    candidates = features(rng, CANDIDATES, mixing, 0.1)
    gaussian = Gaussian.from_features(real)
    root = covariance_root(gaussian)
    weights = optimize_weights(gaussian, candidates, max_evaluations=options.evaluations)
    p = weights.probabilities
    before = frechet_distance(gaussian, Gaussian.from_features(candidates), root)
    expected = DRAWN * p
    print(f"D = {options.dim}, {REAL} real, {CANDIDATES} candidates, {DRAWN} drawn", end=", ")
    print(f"{options.draws} draws of each kind")
    print(f"all candidates      FID {before:.4f}, KID {kernel_distance(real, candidates):.5f}")
    print(
        f"weighted            FID {weights.objective:.4f} (the objective), "
        f"KID {weighted_kernel_distance(real, candidates, p):.5f}, "
        f"effective sample size {effective_sample_size(p):.0f}, "
        f"{(expected > 1).sum()} images expected more than once"
    )

    spread, above = {}, {}
    for sampling in get_args(Sampling):
        rows = []
        try:
            for number in range(options.draws):
                indices = draw(p, DRAWN, random_stream(0, sampling, number), sampling)
                counts = np.bincount(indices)
                chosen = candidates[indices]
                fid = frechet_distance(gaussian, Gaussian.from_features(chosen), root)
                kid = kernel_distance(real, chosen)
                rows.append((fid, kid, effective_sample_size(counts), (counts > 0).sum()))
        except FringeError as error:
            print(error)
            continue
        (fid, kid, size, distinct), (fids, kids, _, _) = np.mean(rows, 0), np.std(rows, 0, ddof=1)
        spread[sampling] = np.array([fids**2, kids**2])
        above[sampling] = fid - weights.objective
        print(
            f"{sampling:19} FID {fid:.4f} ± {fids:.4f}, above the objective {above[sampling]:.4f}; "
            f"KID {kid:.5f} ± {kids:.5f}; "
            f"effective sample size {size:.0f}, distinct images {distinct:.0f}"
        )
    published, ours = "with_replacement", "systematic"
    for sampling in spread:
        variance = spread[sampling] / spread[published]
        print(
            f"{sampling:19} variance of FID {variance[0]:.3f}, of KID {variance[1]:.3f}, "
            f"FID above the objective {above[sampling] / above[published]:.3f} (ratios)"
        )
    print(f"{time.perf_counter() - start:.0f} s")
    return 0 if spread[ours][0] < spread[published][0] and above[ours] < above[published] else 1


if __name__ == "__main__":
    sys.exit(main())
