"""Kernel distances against torch-fidelity's own code, on the same features and subsets.

    python benchmarks/kernel_distance.py [--images 10000] [--dim 2048] [--subsets 100]
                                         [--reference-subsets 5] [--exact-images 6000]

Subsets: KID and RBF-KID at the seven gammas of the paper (Appendix D), each the mean over subsets
of 1,000 images. torch-fidelity takes one kernel at a time and copies the subsets for each; it is
timed over a few subsets, in float32 as it runs and in float64, and scaled to all of them.

All pairs: KID of a draw by weights. torch-fidelity has the repeated rows copied and holds all
kernel values at once; ours takes the distinct ones with their counts, in blocks, and measures the
real images once for all draws. Both are timed at the size given, and grow with its square.

The floor is the float64 products alone: no exact code can be faster. Exits with 1 if a value
differs from torch-fidelity's in float64 by more than 1e-9 of the similarities that it is the
difference of.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch_fidelity.metric_kid import kernel_mmd, kid_features_to_metric

from fringe.metrics import Kernel, kernel_distances, self_similarity

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


def by_torch_fidelity(generated: np.ndarray, real: np.ndarray, subsets: int) -> list[float]:
    """Return its distance for each kernel; it draws generated, then real, as ours does."""
    common = {"kid_subsets": subsets, "kid_subset_size": 1000, "verbose": False, "rng_seed": 0}
    # exp(-|x - y|^2 / (2 sigma^2)) has gamma = 1 / (2 sigma^2).
    sigmas = [(real.shape[1] / (2 * factor)) ** 0.5 for factor in FACTORS]
    kernels = [POLYNOMIAL] + [{"kid_kernel": "rbf", "kid_kernel_rbf_sigma": s} for s in sigmas]
    one, other = torch.from_numpy(generated), torch.from_numpy(real)
    return [
        kid_features_to_metric(one, other, **common, **kernel)["kernel_inception_distance_mean"]
        for kernel in kernels
    ]


def products(subsets: int, dim: int) -> None:
    """Do what any float64 code must: two symmetric products of a subset and one that is not."""
    one, other = np.full((1000, dim), 0.5), np.full((1000, dim), 0.25)
    for _ in range(subsets):
        one @ one.T, other @ other.T, one @ other.T


def compare_subsets(real: np.ndarray, generated: np.ndarray, subsets: int, few: int) -> bool:
    kernels = [Kernel(), *(Kernel("rbf", factor / real.shape[1]) for factor in FACTORS)]

    def ours(number: int) -> list[float]:
        seed = np.random.RandomState(0)
        return kernel_distances(real, generated, kernels, subsets=number, seed=seed)

    own, _ = timed(lambda: ours(subsets))
    kid, _ = timed(lambda: kernel_distances(real, generated, kernels[:1], subsets=few))
    floor, _ = timed(lambda: products(few, real.shape[1]))
    single, rounded = timed(lambda: by_torch_fidelity(generated, real, few))
    one, other = generated.astype(np.float64), real.astype(np.float64)
    double, exact = timed(lambda: by_torch_fidelity(one, other, few))
    scale = subsets / few
    found = np.array(ours(few))
    # A distance is the difference of means of kernel values of about this size.
    sizes = self_similarity(real[:1000], kernels)
    print(f"subsets: {subsets} of 1,000 + 1,000, D = {real.shape[1]}, KID and 7 gammas")
    print(f"  fringe                    {own:8.2f} s")
    for name, seconds in (("float32", single), ("float64", double)):
        print(
            f"  torch-fidelity, {name}   {scale * seconds:8.2f} s ({few} timed, scaled)"
            f"  ratio {scale * seconds / own:5.2f}"
        )
    print(
        f"  float64 products alone    {scale * floor:8.2f} s ({few} timed, scaled): "
        f"no exact code has a ratio above {double / floor:.1f}"
    )
    print(f"  KID alone, fringe         {scale * kid:8.2f} s ({few} timed, scaled)")
    differences = {
        name: np.max(np.abs(found - theirs) / sizes)
        for name, theirs in (("float32", rounded), ("float64", exact))
    }
    for name, difference in differences.items():
        print(f"  largest difference from {name}: {difference:.1e} of the mean similarity")
    return bool(differences["float64"] < 1e-9)


def compare_exact(real: np.ndarray, candidates: np.ndarray, rng: np.random.Generator) -> bool:
    n = len(real)
    weights = np.exp(2 * rng.standard_normal(len(candidates)))
    drawn = rng.choice(len(candidates), n, p=weights / weights.sum())
    distinct, counts = np.unique(drawn, return_counts=True)
    kernels = [Kernel()]
    shared, similarity = timed(lambda: self_similarity(real, kernels))
    rows = candidates[distinct]
    own, value = timed(
        lambda: kernel_distances(real, rows, kernels, counts=counts, similarity=similarity)[0]
    )
    one, other = candidates[drawn].astype(np.float64), real.astype(np.float64)
    theirs, expected = timed(lambda: float(kernel_mmd(one, other, **POLYNOMIAL)))
    print(f"all pairs: {n:,} real, {n:,} drawn by weights of {len(candidates):,}", end="")
    print(f" ({len(distinct):,} distinct), KID")
    print(f"  fringe, a draw            {own:8.2f} s, and once for the real images {shared:.2f} s")
    print(
        f"  torch-fidelity, float64   {theirs:8.2f} s  ratio {theirs / (own + shared):5.2f}", end=""
    )
    print(f" for one draw, {10 * theirs / (10 * own + shared):.2f} for ten")
    times = (50_000 / n) ** 2
    print(
        f"  at 50,000 {times:.0f} times as long, not measured: {times * own:,.0f} s a draw and "
        f"{times * shared:,.0f} s; torch-fidelity would hold {3 * 50_000**2 * 8 / 2**30:.0f} GiB"
    )
    difference = abs(value - expected) / float(similarity[0])
    print(f"  difference {difference:.1e} of the mean similarity")
    return difference < 1e-9


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
    alike &= compare_exact(real[: options.exact_images], generated, rng)
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
