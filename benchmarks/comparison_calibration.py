"""Error rates of comparisons of models with known truth.

    python benchmarks/comparison_calibration.py [--comparisons 300] [--dims 16 64] [--seed 0]

Features are simulated in three ways, and the distances of their populations are known in closed
form: `gaussian`; `heavy` (log-normal, like a pooling layer: not negative, correlated,
heavy-tailed); and `classes` (six classes with different centres, heavy-tailed within). Spectra
decay. In each comparison all images are new: real images, images of a model A and images of a model
B, in equal numbers. Each number is counted over all comparisons of a row:

null        A and B have the same distribution, which differs from that of the real images: how
            often is a difference reported, at a level of 5 %?
equal       the same, but the distribution is also that of the real images
covers      B is nearer than A: how often does the 95 % interval of the difference contain the
            difference of the populations?
infinity    the same for the extrapolated difference, with the same error
expected    how often the interval contains the mean difference of all comparisons of the row, which
            has the bias of n images: this shows whether the error is right
bias        bias of the difference, in its standard errors
SE single   mean standard error of A's distance, divided by the spread between comparisons
SE equal    the same if A has the distribution of the real images
SE diff     mean standard error of the difference, divided by its spread
comp, with  in `classes`: how often the intervals of composition and within contain the true values

These rates have a sampling error: 1.3 percentage points at 5 % with 300 comparisons. Exits with 1
if, with 10 D images or more, a difference is reported in more than 7 % of the comparisons of a row,
or the difference or a part of it is covered in less than 93 %.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fringe.comparison import ModelImages, measure_distances, measure_main_network
from fringe.metrics import Gaussian, frechet_distance
from fringe.metrics.arrays import Floats
from fringe.scores.comparison import Composition, Difference, Estimate
from fringe.seeds import random_stream

RATIOS = (0.5, 2, 10, 20)  # images over dimensions
ENOUGH = 10  # from this ratio on, numbers must be right
CALLED, COVERED = 0.07, 0.93
FAR, NEAR = 1.0, 0.85  # faults of A and B
FREEDOM = 8  # of Student's t within classes
CLASSES = 6
EVEN = np.full(CLASSES, 1 / CLASSES)
SKEWED = np.array([0.3, 0.22, 0.16, 0.12, 0.1, 0.1])


class Population(NamedTuple):
    """A distribution of features, with a function that draws images, its mean and its covariance.

    ``draw`` takes a number of images and a stream, and returns features (n, D) and classes (n,).
    """

    draw: Callable[[int, np.random.Generator], tuple[Floats, np.ndarray]]
    gaussian: Gaussian


def spectrum(dim: int, rng: np.random.Generator) -> Floats:
    """Return L (D, D), where L L^T has decaying eigenvalues, in random directions."""
    rotation = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
    return np.asarray(rotation * np.exp(-np.arange(dim) / (dim / 4)))


def gaussian(dim: int, fault: float) -> Population:
    """Return a normal distribution; a fault shifts it and lowers the variance of half of it."""
    rng = np.random.default_rng(1)
    root = spectrum(dim, rng)
    shift = 0.6 * fault * rng.standard_normal(dim) / np.sqrt(dim)
    root = root * np.where(np.arange(dim) % 2, 1, 1 - 0.2 * fault)

    def draw(n: int, rng: np.random.Generator) -> tuple[Floats, np.ndarray]:
        return shift + rng.standard_normal((n, dim)) @ root.T, np.zeros(n, np.int64)

    return Population(draw, Gaussian(shift, root @ root.T))


def heavy(dim: int, fault: float) -> Population:
    """Return exp of a normal distribution, whose moments are known."""
    rng = np.random.default_rng(2)
    root = 1.7 * spectrum(dim, rng)
    shift = 0.2 * fault * rng.standard_normal(dim)
    covariance = root @ root.T

    def draw(n: int, rng: np.random.Generator) -> tuple[Floats, np.ndarray]:
        rows = np.exp(shift + rng.standard_normal((n, dim)) @ root.T)
        return rows, np.zeros(n, np.int64)

    mean = np.exp(shift + np.diag(covariance) / 2)
    return Population(draw, Gaussian(mean, np.outer(mean, mean) * np.expm1(covariance)))


def classes(dim: int, fault: float, histogram: Floats = EVEN) -> Population:
    """Return classes with different centres; a fault shifts and narrows them."""
    rng = np.random.default_rng(3)
    centres = 1.5 * rng.standard_normal((CLASSES, dim)) / np.sqrt(dim)
    roots = np.stack([0.8 * spectrum(dim, rng) for _ in range(CLASSES)])
    roots *= 1 - 0.1 * fault
    centres = centres + 0.6 * fault * rng.standard_normal(dim) / np.sqrt(dim)

    def draw(n: int, rng: np.random.Generator) -> tuple[Floats, np.ndarray]:
        own = rng.choice(CLASSES, n, p=histogram)
        rows = rng.standard_normal((n, dim))
        rows *= np.sqrt(FREEDOM / rng.chisquare(FREEDOM, (n, 1)))
        for c in range(CLASSES):
            rows[own == c] = centres[c] + rows[own == c] @ roots[c].T
        return rows, own

    mean = histogram @ centres
    within = FREEDOM / (FREEDOM - 2) * np.einsum("c,cij,ckj->ik", histogram, roots, roots)
    between = (centres - mean).T @ (histogram[:, None] * (centres - mean))
    return Population(draw, Gaussian(mean, within + between))


KINDS: dict[str, Callable[[int, float], Population]] = {
    "gaussian": gaussian,
    "heavy": heavy,
    "classes": classes,
}


class Models(NamedTuple):
    """Real images and two models."""

    real: Population
    a: Population
    b: Population


class Row(NamedTuple):
    """The results of a row: shares of all comparisons, or ratios."""

    null: float
    equal: float
    covers: float
    infinity: float
    expected: float
    bias: float
    single: float
    single_equal: float
    difference: float


def measured(models: Models, n: int, rng: np.random.Generator) -> tuple[Difference, list[Estimate]]:
    """Return the difference of B and A from new images, A's distance, and both extrapolated."""
    real, a, b = (one.draw(n, rng)[0] for one in models)
    found = measure_distances("made", "made", real, {"A": [a], "B": [b]}).distances
    about = [found.models["A"].distance, *(found.models[name].infinity for name in "AB")]
    return found.difference("B", "A"), about


def covered(estimates: list[Estimate], truth: float) -> float:
    """Return the share of intervals that contain the truth."""
    return float(np.mean([one.low <= truth <= one.high for one in estimates]))  # type: ignore


def row(kind: str, dim: int, n: int, comparisons: int, seed: int) -> Row:
    """Measure all comparisons of a kind, in D dimensions, from n images each."""
    real, far, near = (KINDS[kind](dim, fault) for fault in (0.0, FAR, NEAR))
    cases = {
        "null": Models(real, far, far),
        "equal": Models(real, real, real),
        "gain": Models(real, far, near),
    }
    found = {
        case: [
            measured(models, n, random_stream(seed, case, kind, dim, n, k))
            for k in range(comparisons)
        ]
        for case, models in cases.items()
    }
    gains = [difference.distance for difference, _ in found["gain"]]
    truth = frechet_distance(real.gaussian, near.gaussian)
    truth -= frechet_distance(real.gaussian, far.gaussian)
    values = np.array([one.value for one in gains])
    extrapolated = [
        moved(one, b.value - a.value - one.value)
        for one, (_, (_, a, b)) in zip(gains, found["gain"], strict=True)
    ]
    return Row(
        null=np.mean([one.distance.sign != 0 for one, _ in found["null"]]),
        equal=np.mean([one.distance.sign != 0 for one, _ in found["equal"]]),
        covers=covered(gains, truth),
        infinity=covered(extrapolated, truth),
        expected=covered(gains, values.mean()),
        bias=(values.mean() - truth) / values.std(ddof=1),
        single=error_ratio([a for _, (a, *_) in found["gain"]]),
        single_equal=error_ratio([a for _, (a, *_) in found["equal"]]),
        difference=error_ratio(gains),
    )


def moved(estimate: Estimate, by: float) -> Estimate:
    """Return an estimate and its interval, shifted to another value."""
    low, high = float(estimate.low or 0) + by, float(estimate.high or 0) + by
    return estimate.model_copy(update={"value": estimate.value + by, "low": low, "high": high})


def error_ratio(estimates: list[Estimate]) -> float:
    """Return the mean standard error, divided by the spread of the values."""
    spread = np.std([one.value for one in estimates], ddof=1)
    return float(np.mean([one.error for one in estimates]) / spread)


def parts(dim: int, n: int, comparisons: int, seed: int) -> tuple[list[Composition], Floats]:
    """Return composition and within of new images in each comparison, and the true values."""
    real, a, b = classes(dim, 0.0), classes(dim, FAR, SKEWED), classes(dim, NEAR)
    a_as_b, b_as_a = classes(dim, FAR), classes(dim, NEAR, SKEWED)
    of_a, of_b, of_a_as_b, of_b_as_a = (
        frechet_distance(real.gaussian, one.gaussian) for one in (a, b, a_as_b, b_as_a)
    )
    truth = np.array([of_b - of_b_as_a + of_a_as_b - of_a, of_b_as_a - of_a + of_b - of_a_as_b]) / 2
    found = []
    for k in range(comparisons):
        rng = random_stream(seed, "parts", dim, n, k)
        (reals, of_reals), *models = (one.draw(n, rng) for one in (real, a, b))
        images = {
            name: ModelImages([features], [own])
            for name, (features, own) in zip("AB", models, strict=True)
        }
        (composition,) = measure_main_network(
            "made", "made", reals, images, real_classes=of_reals, given=True, prices=False, seed=k
        ).result.compositions
        found.append(composition)
    return found, truth


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comparisons", type=int, default=300)
    parser.add_argument("--dims", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = time.perf_counter()
    right = True
    print(
        "features      D    n | null  equal | covers infinity expected bias/SE | "
        "SE single  equal  diff"
    )
    for kind in KINDS:
        for dim in options.dims:
            for ratio in RATIOS:
                n = int(ratio * dim)
                found = row(kind, dim, n, options.comparisons, options.seed)
                print(
                    f"{kind:10} {dim:4} {n:4} | {found.null:5.1%} {found.equal:5.1%} | "
                    f"{found.covers:6.1%} {found.infinity:6.1%}   {found.expected:6.1%} "
                    f"{found.bias:+7.2f} | {found.single:7.2f} {found.single_equal:8.2f} "
                    f"{found.difference:6.2f}",
                    flush=True,
                )
                if ratio >= ENOUGH:
                    right &= max(found.null, found.equal) <= CALLED and found.covers >= COVERED
    print("classes: D    n | comp  SE | with  SE  (coverage, mean SE over spread)")
    for dim in options.dims:
        for ratio in RATIOS:
            n = int(ratio * dim)
            if n < 10 * CLASSES:
                continue  # too few images of each class
            compositions, truth = parts(dim, n, options.comparisons, options.seed)
            both = [[one.composition for one in compositions], [one.within for one in compositions]]
            shares = [covered(each, true) for each, true in zip(both, truth, strict=True)]
            columns = " | ".join(
                f"{share:6.1%} {error_ratio(each):4.2f}"
                for share, each in zip(shares, both, strict=True)
            )
            print(f"      {dim:4} {n:4} | {columns}", flush=True)
            if ratio >= ENOUGH:
                right &= min(shares) >= COVERED
    print(f"{options.comparisons} comparisons in each row, seed {options.seed}", end="; ")
    print(f"{time.perf_counter() - start:.0f} s")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
