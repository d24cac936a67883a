"""Kernel distances, compared with torch-fidelity's code on the same features and subsets.

    python benchmarks/kernel_distance.py [--images 10000] [--dim 2048] [--subsets 100]
                                         [--reference-subsets 5] [--exact-images 6000]

Subsets: KID and RBF-KID at the seven gammas of the paper (Appendix D), each the mean over subsets
of 1,000 images. torch-fidelity computes one kernel at a time and copies the subsets for each
kernel; it is timed over a few subsets and scaled to all of them. Features are float32, as in the
output of networks, and float64.

All pairs: KID of ten draws with weights, as in the paper's tables. torch-fidelity gets copies of
the repeated rows and stores all kernel values at once; one draw is timed and scaled to all. Fringe
reads the distinct rows of all draws with their counts, in blocks. Both are timed at the given size,
and grow with its square.

The lower limit is the time of only the products, in each precision. Each time is the smallest of
three, taken in turn, because other work on the machine can only increase it. Differences are from
torch-fidelity's values in float64, as shares of the mean similarity; a distance is a difference of
such similarities. Exits with 1 if Fringe's values in float64 differ by more than 1e-9, or those of
float32 features by more than 1e-8.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from torch_fidelity.metric_kid import kernel_mmd, kid_features_to_metric

from fringe.metrics import Kernel, kernel_distances, kernel_distances_of_draws

DRAWS = 10
ROUNDS = 3
FACTORS = (0.125, 0.25, 0.5, 1, 2, 4, 8)
POLYNOMIAL = {
    "kid_kernel": "poly",
    "kid_kernel_poly_degree": 3,
    "kid_kernel_poly_gamma": None,
    "kid_kernel_poly_coef0": 1,
}
T = TypeVar("T")


def features(rng: np.random.Generator, count: int, mixing: np.ndarray, shift: float) -> np.ndarray:
    """Return features like a pooling layer's: not negative, correlated, about 0.4 on average."""
    rows = rng.standard_normal((count, len(mixing)), dtype=np.float32) @ mixing
    return np.maximum(rows + np.float32(shift), 0)


def timed(call: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, value


def in_turn(*calls: Callable[[], Any]) -> list[tuple[float, Any]]:
    """Return the smallest seconds of each call in `ROUNDS` rounds, and its result."""
    rounds = [[timed(call) for call in calls] for _ in range(ROUNDS)]
    return [min(of_call, key=lambda each: each[0]) for of_call in zip(*rounds, strict=True)]


def by_torch_fidelity(generated: np.ndarray, real: np.ndarray, subsets: int) -> list[float]:
    """Return its distance for each kernel; it draws generated, then real images, like Fringe."""
    common = {"kid_subsets": subsets, "kid_subset_size": 1000, "verbose": False, "rng_seed": 0}
    # exp(-|x - y|^2 / (2 sigma^2)) has gamma = 1 / (2 sigma^2).
    sigmas = [(real.shape[1] / (2 * factor)) ** 0.5 for factor in FACTORS]
    kernels = [POLYNOMIAL] + [{"kid_kernel": "rbf", "kid_kernel_rbf_sigma": s} for s in sigmas]
    one, other = torch.from_numpy(generated), torch.from_numpy(real)
    return [
        kid_features_to_metric(one, other, **common, **kernel)["kernel_inception_distance_mean"]
        for kernel in kernels
    ]


def similarity(features: np.ndarray, kernel: Kernel) -> float:
    """Return the mean kernel value of two images."""
    x = features.astype(np.float64)
    inner, norms = x @ x.T, (x**2).sum(axis=1)
    gamma = kernel.gamma or 1 / x.shape[1]
    if kernel.name == "polynomial":
        return float(((gamma * inner + 1) ** 3).mean())
    return float(np.exp(-gamma * (norms[:, None] + norms - 2 * inner)).mean())


def products(subsets: int, dim: int, dtype: type) -> None:
    """Compute the products that any code needs: two symmetric ones of a subset and one other."""
    one, other = np.full((1000, dim), 0.5, dtype), np.full((1000, dim), 0.25, dtype)
    for _ in range(subsets):
        one @ one.T, other @ other.T, one @ other.T


def compare_subsets(real: np.ndarray, generated: np.ndarray, subsets: int, few: int) -> bool:
    kernels = [Kernel(), *(Kernel("rbf", factor / real.shape[1]) for factor in FACTORS)]

    def ours(x: np.ndarray, y: np.ndarray, number: int) -> list[float]:
        seed = np.random.RandomState(0)
        return kernel_distances(x, y, kernels, subsets=number, seed=seed)

    n = min(len(real), len(generated))
    print(f"subsets: {subsets} of 1,000 + 1,000 of {n:,}, D = {real.shape[1]}, KID and 7 gammas")
    scale = subsets / few
    found, published = {}, {}
    for dtype in (np.float32, np.float64):
        x, y, name = real.astype(dtype), generated.astype(dtype), dtype.__name__
        (own, _), (theirs, published[name]), (floor, _) = in_turn(
            lambda x=x, y=y: ours(x, y, subsets),
            lambda x=x, y=y: by_torch_fidelity(y, x, few),
            lambda dtype=dtype: products(few, real.shape[1], dtype),
        )
        found[name] = ours(x, y, few)
        print(f"  {name}: fringe {own:.2f} s; torch-fidelity {scale * theirs:.2f} s ", end="")
        print(f"({few} timed, scaled), ratio {scale * theirs / own:.2f}; only products ", end="")
        print(f"{scale * floor:.2f} s, ratio {theirs / floor:.1f}")
    kid, _ = timed(lambda: kernel_distances(real, generated, kernels[:1], subsets=subsets))
    print(f"  only KID, float32: fringe {kid:.2f} s")
    exact = np.array(published["float64"])
    sizes = [similarity(real[:1000], kernel) for kernel in kernels]

    def error(values: list[float]) -> float:
        return float(np.max(np.abs(values - exact) / sizes))

    print(f"  error of torch-fidelity in float32: {error(published['float32']):.1e}")
    print(f"  error of fringe: float32 {error(found['float32']):.1e}", end="")
    print(f", float64 {error(found['float64']):.1e}")
    return error(found["float64"]) < 1e-9 and error(found["float32"]) < 1e-8


def compare_exact(real: np.ndarray, candidates: np.ndarray, rng: np.random.Generator) -> bool:
    n, kernels = len(real), [Kernel()]
    weights = np.exp(2 * rng.standard_normal(len(candidates)))
    draws = rng.choice(len(candidates), (DRAWS, n), p=weights / weights.sum())
    counts = np.stack([np.bincount(row, minlength=len(candidates)) for row in draws], axis=1)
    first = candidates[draws[0]]
    one, other = first.astype(np.float64), real.astype(np.float64)
    (own, values), (single, rounded), (double, exact) = in_turn(
        lambda: kernel_distances_of_draws(real, candidates, kernels, counts),
        lambda: float(kernel_mmd(first, real, **POLYNOMIAL)),
        lambda: float(kernel_mmd(one, other, **POLYNOMIAL)),
    )
    print(
        f"all pairs: {n:,} real, {DRAWS} draws of {n:,} by weights of {len(candidates):,}", end=""
    )
    print(f" ({len(np.unique(draws[0])):,} distinct in one, {len(np.unique(draws)):,} in all), KID")
    print(f"  fringe                  {own:8.2f} s")
    for name, seconds in (("float32", single), ("float64", double)):
        print(f"  torch-fidelity, {name} {DRAWS * seconds:8.2f} s (one timed, scaled)", end="")
        print(f"  ratio {DRAWS * seconds / own:.2f}")
    print(f"  at 50,000 torch-fidelity would hold {3 * 50_000**2 * 4 / 2**30:.0f} GiB")
    size = similarity(real, kernels[0])
    print(f"  error of torch-fidelity in float32: {abs(rounded - exact) / size:.1e}", end="")
    difference = abs(values[0, 0] - exact) / size
    print(f", of fringe: {difference:.1e} of the mean similarity")
    return bool(difference < 1e-8)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--subsets", type=int, default=100)
    parser.add_argument("--reference-subsets", type=int, default=5)
    parser.add_argument("--exact-images", type=int, default=6000)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((64, options.dim), dtype=np.float32) / 8
    real = features(rng, options.images, mixing, 0.1)
    generated = features(rng, 3 * options.images, 1.02 * mixing, 0.12)
    alike = compare_subsets(
        real, generated[: options.images], options.subsets, options.reference_subsets
    )
    few = options.exact_images
    alike &= compare_exact(real[:few], generated[: 5 * few], rng)
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
