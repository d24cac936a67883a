"""Influence of images on a distance, compared with golden values, differences and simulations."""

import json
from pathlib import Path

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.metrics import (
    Gaussian,
    frechet_distance,
    frechet_influence,
    influences,
    kernel_distance,
    kernel_influence,
    parts_by_class,
    real_kernel,
    variance_of_mean,
)

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"
CASES = ("histogram", "quality", "both", "neither", "trade")


def gaussian_of(features: np.ndarray, weights: np.ndarray) -> Gaussian:
    """Return the weighted Gaussian with the divisor 1 - sum w^2, written out."""
    w = weights / weights.sum()
    mean = w @ features
    x = features - mean
    return Gaussian(mean, (w[:, None] * x).T @ x / (1 - w @ w))


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="needs the folder shared/golden")
@pytest.mark.parametrize("case", CASES)
def test_distances_and_errors_equal_the_golden_ones(case: str) -> None:
    arrays = np.load(GOLDEN / "compare.npz")
    golden = json.loads((GOLDEN / "compare.json").read_text())[case]
    a, b = (frechet_influence(arrays["real"], arrays[f"{case}_{side}"]) for side in "ab")
    assert a.distance == pytest.approx(golden["fd_a"], rel=1e-9)
    assert b.distance == pytest.approx(golden["fd_b"], rel=1e-9)
    assert a.standard_error() == pytest.approx(golden["se_a"], rel=1e-9)
    assert b.standard_error() == pytest.approx(golden["se_b"], rel=1e-9)
    variance = variance_of_mean(a.generated) + variance_of_mean(b.generated)
    variance += variance_of_mean(a.real - b.real)
    assert np.sqrt(variance) == pytest.approx(golden["se_difference"], rel=1e-9)


@pytest.mark.parametrize("side", ["real", "generated"])
def test_influence_is_the_derivative_with_respect_to_an_image_weight(side: str) -> None:
    rng = np.random.default_rng(1)
    real = rng.normal(size=(300, 6)) @ rng.normal(size=(6, 6))
    generated = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6)) + 0.5
    found = frechet_influence(real, generated)
    sets = {"real": real, "generated": generated}
    chosen = sets[side]

    def distance(of: Gaussian) -> float:
        other = Gaussian.from_features(sets["generated" if side == "real" else "real"])
        return frechet_distance(other, of)

    own = Gaussian.from_features(chosen)
    step = 1e-5
    for image in (0, 17):
        moved = []
        for share in (-step, step):
            x = chosen[image] - own.mean
            # The mixture (1 - share) own + share (this image).
            covariance = (1 - share) * own.covariance + share * (1 - share) * np.outer(x, x)
            moved.append(distance(Gaussian(own.mean + share * x, covariance)))
        slope = (moved[1] - moved[0]) / (2 * step)
        assert getattr(found, side)[image] == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_weighted_distance_and_error_equal_those_of_repeated_images() -> None:
    rng = np.random.default_rng(2)
    real, generated = rng.normal(size=(300, 5)), rng.normal(size=(100, 5)) + 0.3
    weights = rng.integers(0, 4, 100).astype(float)
    found = frechet_influence(real, generated, weights)
    slow = frechet_distance(Gaussian.from_features(real), gaussian_of(generated, weights))
    assert found.distance == pytest.approx(slow, rel=1e-10)
    equal = frechet_influence(real, generated, np.full(100, 7.0))
    plain = frechet_influence(real, generated)
    assert equal.distance == pytest.approx(plain.distance, rel=1e-12)
    assert equal.standard_error(np.full(100, 3.0)) == pytest.approx(plain.standard_error())


def test_error_equals_the_spread_of_a_simulation() -> None:
    """The spread of 300 new draws is accurate to 4 %; four times that is allowed."""
    rng = np.random.default_rng(3)
    mix = np.linalg.qr(rng.normal(size=(12, 12)))[0] * np.linspace(0.5, 2, 12)

    def draw() -> tuple[np.ndarray, np.ndarray]:
        return rng.normal(size=(600, 12)), rng.standard_t(8, size=(600, 12)) @ mix + 0.2

    found = [frechet_influence(*draw()) for _ in range(300)]
    spread = np.std([one.distance for one in found], ddof=1)
    estimated = np.mean([one.standard_error() for one in found])
    assert estimated == pytest.approx(spread, rel=0.17)


def test_influence_of_images_outside_both_sets() -> None:
    rng = np.random.default_rng(4)
    real, generated = rng.normal(size=(300, 5)), rng.normal(size=(400, 5)) * 2
    found = frechet_influence(real, generated)
    of_real, own = Gaussian.from_features(real), Gaussian.from_features(generated)
    again = influences(generated[:50], own, of_real, found.to_real)
    np.testing.assert_allclose(again, found.generated[:50], rtol=1e-12)
    assert found.generated.mean() == pytest.approx(0, abs=0.1)


def test_influence_with_fewer_images_than_dimensions() -> None:
    rng = np.random.default_rng(5)
    real, generated = rng.normal(size=(30, 50)), rng.normal(size=(20, 50))
    found = frechet_influence(real, generated)
    slow = frechet_distance(*map(Gaussian.from_features, (real, generated)))
    assert found.distance == pytest.approx(slow, rel=1e-9)
    assert np.isfinite(found.standard_error())


def test_equal_sets_have_no_distance() -> None:
    real = np.random.default_rng(6).normal(size=(100, 4))
    found = frechet_influence(real, real)
    assert found.distance == pytest.approx(0, abs=1e-9)
    assert found.standard_error() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.full(10, -1.0), "none negative"),
        (np.ones(9), "one per image"),
        (np.zeros(10), "not all 0"),
        (np.eye(10)[0], "one image"),
    ],
)
def test_bad_weights_are_refused(weights: np.ndarray, message: str) -> None:
    with pytest.raises(FringeError, match=message):
        variance_of_mean(np.arange(10), weights)


def test_features_of_two_networks_are_refused() -> None:
    with pytest.raises(FringeError, match="different networks"):
        frechet_influence(np.eye(20, 3), np.eye(20, 4))


def by_pairs(x: np.ndarray, y: np.ndarray) -> float:
    """Return MMD^2 by its definition, from each pair."""

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    n, m = len(x), len(y)
    own = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    other = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return own + other - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


def test_kernel_distance_equals_its_definition_and_kid() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(30, 5)), rng.normal(size=(25, 5)) + 0.4
    found = kernel_influence(real_kernel(x), y)
    assert found.distance == pytest.approx(by_pairs(x, y), rel=1e-12)
    wide = rng.normal(size=(2100, 5)), rng.normal(size=(1500, 5)) + 0.4
    found = kernel_influence(real_kernel(wide[0]), wide[1])
    assert found.distance == pytest.approx(kernel_distance(*wide), rel=1e-9)


def test_relative_kernel_error_equals_the_spread_of_a_simulation() -> None:
    """The error is that of the difference of two models on the same real images, in 300 draws."""
    rng = np.random.default_rng(8)
    values, errors = [], []
    for _ in range(300):
        real = real_kernel(rng.normal(size=(300, 6)))
        a = kernel_influence(real, rng.normal(size=(300, 6)) + 0.3)
        b = kernel_influence(real, rng.normal(size=(300, 6)) * 1.2)
        values.append(b.distance - a.distance)
        variance = variance_of_mean(a.generated) + variance_of_mean(b.generated)
        errors.append(np.sqrt(variance + variance_of_mean(a.real - b.real)))
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.17)


@pytest.mark.parametrize("weighted", [False, True])
def test_parts_by_class_are_means_within_classes_times_shares(weighted: bool) -> None:
    rng = np.random.default_rng(5)
    values, classes = rng.normal(size=200), rng.integers(0, 7, 200)
    weights = rng.random(200) if weighted else np.ones(200)
    found = parts_by_class(values, classes, 9, weights if weighted else None)
    shares = weights / weights.sum()
    for number in range(9):
        inside = classes == number
        expected = 0.0
        if inside.any():
            expected = shares[inside].sum() * np.average(values[inside], weights=weights[inside])
        assert found[number] == pytest.approx(expected, abs=1e-15)
    assert found.sum() == pytest.approx(shares @ values, rel=1e-12)
