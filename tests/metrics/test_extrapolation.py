"""FID of infinitely many images, compared with known distances and the released method."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
import torch

from fringe.errors import FringeError
from fringe.metrics import (
    Gaussian,
    covariance_root,
    extrapolate_frechet,
    frechet_distance,
    frechet_distance_infinity,
)
from fringe.metrics.extrapolation import Method
from fringe.seeds import random_stream

Draw = Callable[[int, np.random.Generator], np.ndarray]


def pair_of(dim: int, unlike: float = 0.3) -> tuple[Gaussian, Gaussian, Draw]:
    """Return a real Gaussian, the generator's true Gaussian, and a function that draws from it."""
    rng = np.random.default_rng(dim)
    scales = np.exp(-np.arange(dim) / (dim / 2))
    mixing = np.eye(dim) + unlike * rng.standard_normal((dim, dim)) / np.sqrt(dim)
    mixing *= scales[:, None]
    mean = 0.5 * unlike * scales * rng.standard_normal(dim)
    real = Gaussian(np.zeros(dim), np.diag(scales**2))

    def draw(count: int, rng: np.random.Generator) -> np.ndarray:
        return rng.standard_normal((count, dim)) @ mixing.T + mean

    return real, Gaussian(mean, mixing @ mixing.T), draw


def released(real: Gaussian, subsets: list[np.ndarray]) -> float:
    """Return the value of the released code, from matrix roots of copied rows and polyfit."""
    distances = []
    for rows in subsets:
        covariance = np.cov(rows.T)
        step = real.mean - rows.mean(axis=0)
        root = scipy.linalg.sqrtm(real.covariance @ covariance).real
        distances.append(step @ step + np.trace(real.covariance + covariance - 2 * root))
    return float(np.polyfit([1 / len(rows) for rows in subsets], distances, 1)[1])


def test_the_reference_method_equals_the_released_code() -> None:
    real, _, draw = pair_of(8)
    features = draw(700, np.random.default_rng(0))
    found = frechet_distance_infinity(real, features, method="reference", seed=5)
    assert found.sizes[[0, -1]].tolist() == [70, 700]
    assert len(found.sizes) == 15
    rng = random_stream(5, "fid infinity", "reference")
    subsets = [features[rng.permutation(700)[: int(size)]] for size in found.sizes]
    # The released root of an unsymmetric product keeps about nine digits.
    assert found.value == pytest.approx(released(real, subsets), rel=1e-8)


def test_sizes_of_the_reference_method_at_the_papers_count() -> None:
    asked: list[np.ndarray] = []

    def statistics(chosen: np.ndarray) -> Gaussian:
        asked.append(chosen)
        return Gaussian(np.zeros(1), np.ones((1, 1)))

    real = Gaussian(np.zeros(1), np.ones((1, 1)))
    found = extrapolate_frechet(real, 50_000, statistics, method="reference")
    assert [len(chosen) for chosen in asked] == found.sizes.tolist()
    assert found.sizes.tolist() == np.linspace(5000, 50_000, 15).astype(int).tolist()
    assert all((np.diff(chosen) > 0).all() for chosen in asked), "sorted, without duplicates"


@pytest.mark.parametrize("count", [400, 401, 402, 403])
def test_the_balanced_method_equals_its_distances_one_by_one(count: int) -> None:
    real, _, draw = pair_of(8)
    features = draw(count, np.random.default_rng(1))
    found = frechet_distance_infinity(real, features, seed=2)
    blocks = np.array_split(random_stream(2, "fid infinity", "balanced").permutation(count), 4)
    halves = [np.concatenate(blocks[:2]), np.concatenate(blocks[2:])]

    def mean(parts: list[np.ndarray]) -> float:
        values = [frechet_distance(real, Gaussian.from_features(features[p])) for p in parts]
        return float(np.average(values, weights=[len(part) for part in parts]))

    points = [mean(blocks), mean(halves), mean([np.arange(count)])]
    np.testing.assert_allclose(found.distances, points, rtol=1e-12)
    np.testing.assert_allclose(found.sizes, [count / 4, count / 2, count])
    slope, value = np.polyfit(1 / found.sizes, points, 1)
    assert found.value == pytest.approx(value, rel=1e-11)
    assert found.slope == pytest.approx(slope, rel=1e-11)
    # The line written out.
    assert found.value == pytest.approx(points[2] + (points[1] - points[0]) / 2, rel=1e-11)
    own = [frechet_distance(real, Gaussian.from_features(features[block])) for block in blocks]
    assert found.standard_error == pytest.approx(np.std(own, ddof=1) / 2, rel=1e-9)


@pytest.mark.parametrize(("method", "left"), [("balanced", 0.3), ("reference", 0.45)])
def test_a_known_distance_is_found(method: Method, left: float) -> None:
    """The sets are alike, as for good generators, so that most of FID's error is its bias."""
    real, generator, draw = pair_of(32, unlike=0.05)
    true = frechet_distance(real, generator)
    errors, plain, within = [], [], 0
    for seed in range(8):
        features = draw(1500, np.random.default_rng(seed))
        value = frechet_distance(real, Gaussian.from_features(features))
        found = frechet_distance_infinity(real, features, method=method)
        assert found.distances[-1] == pytest.approx(value, rel=1e-10)
        errors.append(found.value - true)
        plain.append(value - true)
        within += abs(errors[-1]) < found.standard_error
    assert np.linalg.norm(errors) < left * np.linalg.norm(plain)
    if method == "balanced":
        assert within >= 4, "two thirds are expected"


def test_the_balanced_method_is_more_accurate_and_its_error_is_right() -> None:
    real, generator, draw = pair_of(24)
    true = frechet_distance(real, generator)
    root = covariance_root(real)
    rng = np.random.default_rng(4)
    errors: dict[str, list[float]] = {"plain": [], "balanced": [], "reference": []}
    stated: dict[str, list[float]] = {"balanced": [], "reference": []}
    methods: tuple[Method, ...] = ("balanced", "reference")
    for _ in range(60):
        features = draw(600, rng)
        for method in methods:
            found = frechet_distance_infinity(real, features, method=method, root=root)
            errors[method].append(found.value - true)
            stated[method].append(found.standard_error)
        errors["plain"].append(found.distances[-1] - true)
    size = {name: np.sqrt(np.mean(np.square(values))) for name, values in errors.items()}
    scatter = {name: np.std(values) for name, values in errors.items()}
    # From 60 sets, each of these numbers is accurate to about a tenth.
    assert size["balanced"] < 0.9 * size["reference"] < 0.9 * size["plain"]
    assert scatter["balanced"] < 1.1 * scatter["plain"]
    rms = {name: np.sqrt(np.mean(np.square(values))) for name, values in stated.items()}
    assert 0.8 < rms["balanced"] / scatter["balanced"] < 1.5
    assert rms["reference"] < 0.6 * scatter["reference"], "the documented factor"


def test_equal_seeds_give_equal_values_and_a_shared_root_changes_nothing() -> None:
    real, _, draw = pair_of(8)
    features = draw(300, np.random.default_rng(5))
    one = frechet_distance_infinity(real, features, seed=1)
    again = frechet_distance_infinity(real, features, seed=1, root=covariance_root(real))
    assert one.value == again.value
    assert one.value != frechet_distance_infinity(real, features, seed=2).value
    tensor = frechet_distance_infinity(real, torch.from_numpy(features), seed=1)
    assert tensor.value == one.value


def test_bad_input_is_refused() -> None:
    real, _, draw = pair_of(8)
    features = draw(50, np.random.default_rng(6))
    broken = features.copy()
    broken[17, 2] = np.nan
    with pytest.raises(FringeError, match="got 7 generated images; give at least 8"):
        frechet_distance_infinity(real, features[:7])
    assert np.isfinite(frechet_distance_infinity(real, features[:8]).value)
    with pytest.raises(FringeError, match="'nested'; give 'balanced'"):
        frechet_distance_infinity(real, features, method="nested")  # type: ignore[arg-type]
    with pytest.raises(FringeError, match="row 17 holds NaN"):
        frechet_distance_infinity(real, broken)
    with pytest.raises(FringeError, match="8 and 5 dimensions"):
        frechet_distance_infinity(real, features[:, :5])
