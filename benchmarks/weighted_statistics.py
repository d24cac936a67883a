"""FID of a draw with replacement, from features to number: counts against copied rows.

    python benchmarks/weighted_statistics.py [--images 50000] [--candidates 50000] [--dim 2048]

The released code copies the drawn rows, calls ``numpy.cov``, which copies them twice more in
float64, and computes ``scipy.linalg.sqrtm`` of the product of covariances. Fringe weights the
candidates by their counts, and shares the factor of the real covariance between draws. The factor
is timed, and a tenth of its time counts, because the paper makes ten draws. Both get the same
float32 features. Peak memory is the memory that the statistics allocate in addition to the
features, as reported by NumPy. The lower limit of the statistics is half the products of the
distinct rows, in one call: no exact code is faster. Each time is the smallest of three, taken in
turn, because other work on the machine can only increase it.

Exits with 1 if the covariances differ by more than 1e-12 of the largest variance, or the distances
by more than 1e-6 relatively.
"""

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import scipy.linalg
from frechet_distance import released

from fringe.metrics import Gaussian, covariance_root, frechet_distance

DRAWS = 10  # draws that share the real images, as in the paper's tables
ROUNDS = 3
T = TypeVar("T")


def copied(features: np.ndarray, drawn: np.ndarray) -> Gaussian:
    rows = features[drawn]
    return Gaussian(rows.mean(axis=0, dtype=np.float64), np.cov(rows, rowvar=False))


def counted(features: np.ndarray, drawn: np.ndarray) -> Gaussian:
    counts = np.bincount(drawn, minlength=len(features))
    return Gaussian.from_features(features, counts)


def timed(call: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def peak_of(call: Callable[[], object]) -> float:
    """Return NumPy's peak memory during a call, minus the memory before, in MiB."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return peak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--candidates", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=2048)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((options.dim, options.dim), dtype=np.float32)
    mixing *= np.exp(-np.arange(options.dim, dtype=np.float32) / (options.dim / 4))[:, None]
    mixing /= np.float32(options.dim**0.5)

    def pooled(count: int, shift: float) -> np.ndarray:
        rows = rng.standard_normal((count, options.dim), dtype=np.float32) @ mixing
        rows += np.float32(shift)
        return np.maximum(rows, 0, out=rows)

    features = pooled(options.candidates, 0.12)
    real = Gaussian.from_features(pooled(options.images // 4, 0.1))
    shared, root = timed(lambda: covariance_root(real))
    print(f"{options.images:,} images drawn of {options.candidates:,}, D = {options.dim}")
    print(f"factor of the real covariance, once for {DRAWS} draws: {shared:.2f} s")
    worst = apart = 0.0
    for spread in (0, 2):  # spread of log weights: all equal, and as unequal as optimized weights
        weights = np.exp(spread * rng.standard_normal(options.candidates))
        drawn = rng.choice(options.candidates, options.images, p=weights / weights.sum())
        distinct = np.unique(drawn)
        rows = features[distinct].astype(np.float64)
        rounds = []
        for _ in range(ROUNDS):
            own, gaussian = timed(lambda drawn=drawn: counted(features, drawn))
            own_distance, value = timed(lambda g=gaussian: frechet_distance(real, g, root))
            theirs, rival = timed(lambda drawn=drawn: copied(features, drawn))
            their_distance, expected = timed(lambda g=rival: released(real, g))
            floor, _ = timed(lambda rows=rows: scipy.linalg.blas.dsyrk(1, rows.T))
            rounds.append((own, own_distance, theirs, their_distance, floor))
        own, own_distance, theirs, their_distance, floor = np.min(rounds, axis=0)
        peaks = [peak_of(lambda f=f, drawn=drawn: f(features, drawn)) for f in (counted, copied)]
        print(f"{'unequal' if spread else 'equal'} weights, {len(distinct):,} distinct")
        print(
            f"  statistics: fringe {own:.2f} s, {peaks[0]:.0f} MiB (floor {floor:.2f} s);", end=""
        )
        print(f" copies, numpy.cov {theirs:.2f} s, {peaks[1]:.0f} MiB: ratio {theirs / own:.2f}")
        print(f"  distance: fringe {own_distance:.2f} s; sqrtm {their_distance:.2f} s")
        whole = own + own_distance + shared / DRAWS
        total = theirs + their_distance
        print(f"  a draw's FID: {whole:.2f} s against {total:.2f} s, ratio {total / whole:.2f}")
        for ours, copy in (
            (gaussian.covariance, rival.covariance),
            (gaussian.mean, rival.mean),
        ):
            worst = max(worst, np.abs(ours - copy).max() / np.abs(copy).max())
        apart = max(apart, abs(value / expected - 1))
    print(f"largest difference {worst:.1e} of the largest variance or mean; of FID {apart:.1e}")
    return 0 if worst < 1e-12 and apart < 1e-6 else 1


if __name__ == "__main__":
    sys.exit(main())
