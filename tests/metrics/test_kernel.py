"""Kernel distances, compared with published codes and with the definition for each pair."""

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import (
    Kernel,
    kernel_distance,
    kernel_distances,
    kernel_distances_of_draws,
)
from fringe.metrics import kernel as module

EVERY = [Kernel(), Kernel("rbf"), Kernel("rbf", 0.4), Kernel("polynomial", 0.3)]
NAMES: tuple[Literal["polynomial", "rbf"], ...] = ("polynomial", "rbf")


@pytest.fixture(scope="module")
def golden(shared: Path) -> tuple[np.ndarray, np.ndarray, dict]:
    arrays = np.load(shared / "golden" / "metrics.npz")
    values = json.loads((shared / "golden" / "metrics.json").read_text())
    return arrays["real"].astype(np.float64), arrays["gen"].astype(np.float64), values


def sets(n: int = 60, m: int = 45, dim: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, dim)), rng.standard_normal((m, dim)) + 0.3


def by_pairs(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> float:
    """Return the unbiased estimate, computed one pair at a time."""
    gamma = kernel.gamma or 1 / x.shape[1]

    def k(a: np.ndarray, b: np.ndarray) -> float:
        if kernel.name == "rbf":
            return float(np.exp(-gamma * ((a - b) ** 2).sum()))
        return float((gamma * (a * b).sum() + 1) ** 3)

    xx = np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    yy = np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    return float(xx + yy - 2 * np.mean([k(a, b) for a in x for b in y]))


def similarities(x: np.ndarray, kernels: list[Kernel]) -> np.ndarray:
    """Return the mean similarity of two images for each kernel. MMD^2 is a difference of these."""
    norms, products = (x**2).sum(axis=1), x @ x.T
    distances = norms[:, None] + norms - 2 * products
    values = []
    for name, gamma in kernels:
        gamma = gamma or 1 / x.shape[1]
        rbf = name == "rbf"
        values.append(np.exp(-gamma * distances) if rbf else (gamma * products + 1) ** 3)
    return np.mean(values, axis=(1, 2))


def test_full_sets_equal_published_codes(golden: tuple[np.ndarray, np.ndarray, dict]) -> None:
    real, generated, values = golden
    equal = kernel_distance(real, generated[:1200])
    for key in ("kid_official_paper_full_1200v1200_f64", "mmd2_unbiased_closed_form_1200v1200_f64"):
        assert equal == pytest.approx(values[key], rel=1e-9)
    unequal = kernel_distance(real, generated)
    assert unequal == pytest.approx(values["mmd2_unbiased_closed_form_1200v1500_f64"], rel=1e-9)


def test_subsets_equal_published_codes(golden: tuple[np.ndarray, np.ndarray, dict]) -> None:
    real, generated, values = golden
    # Like Fringe, the released code draws generated, then real images from NumPy's old generator.
    released = kernel_distance(real, generated[:1200], subsets=100, seed=np.random.RandomState(0))
    assert released == pytest.approx(
        values["kid_official_paper_default_1200v1200_f64_npseed0"], rel=1e-9
    )
    # torch-fidelity draws its first set first, and the distance is symmetric.
    fidelity = kernel_distance(
        generated, real, subsets=20, subset_size=300, seed=np.random.RandomState(2020)
    )
    expected = values["kid_torch_fidelity_1200v1500_subset300x20_seed2020_f64"][0]
    assert fidelity == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "kernel", [Kernel(), Kernel("polynomial", 0.3), Kernel("rbf"), Kernel("rbf", 2.0)]
)
@pytest.mark.parametrize(("block", "strip"), [(7, 3), (7, 100), (1000, 4), (1000, 100)])
def test_distance_equals_its_definition(
    kernel: Kernel, block: int, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    monkeypatch.setattr(module, "STRIP", strip)
    x, y = sets()
    assert kernel_distance(x, y, *kernel) == pytest.approx(by_pairs(x, y, kernel), rel=1e-11)
    assert kernel_distance(y, x, *kernel) == pytest.approx(by_pairs(x, y, kernel), rel=1e-11)


def test_several_kernels_equal_separate_calls() -> None:
    x, y = sets()
    gammas = [0.05, 0.2, 1.6]
    separate = [kernel_distance(x, y, "rbf", gamma, subsets=3, subset_size=20) for gamma in gammas]
    together = kernel_distances(
        x, y, [Kernel("rbf", gamma) for gamma in gammas], subsets=3, subset_size=20
    )
    assert together == pytest.approx(separate, rel=1e-12)
    mixed = kernel_distances(x, y, [Kernel(), Kernel("rbf", 0.2)])
    expected = [kernel_distance(x, y), kernel_distance(x, y, "rbf", 0.2)]
    assert mixed == pytest.approx(expected, rel=1e-12)


def test_subsets_depend_only_on_the_seed_and_scatter_about_the_exact_value() -> None:
    x, y = sets(300, 200)
    values = [kernel_distance(x, y, subsets=20, subset_size=50, seed=s) for s in (1, 1, 2)]
    assert values[0] == values[1] != values[2]
    exact = kernel_distance(x, y)
    many = [kernel_distance(x, y, subsets=10, subset_size=50, seed=s) for s in range(40)]
    error = np.std(many) / np.sqrt(len(many))
    assert abs(np.mean(many) - exact) < 4 * error
    # A subset as large as both sets contains all images.
    assert kernel_distance(x[:200], y, subsets=1) == pytest.approx(
        kernel_distance(x[:200], y), rel=1e-11
    )


@pytest.mark.parametrize(("n", "subsets", "size"), [(60, 30, 40), (60, 2, 10)])
def test_subsets_equal_separate_subsets(n: int, subsets: int, size: int) -> None:
    # The first case computes all subsets in one pass over all pairs, the second does not.
    x, y = sets(n, n)
    rng, expected = np.random.default_rng(4), []
    for _ in range(subsets):
        of_y = rng.choice(n, size, replace=False)
        of_x = rng.choice(n, size, replace=False)
        expected.append([kernel_distance(x[of_x], y[of_y], name) for name in NAMES])
    kernels = [Kernel(name) for name in NAMES]
    values = kernel_distances(
        x, y, kernels, subsets=subsets, subset_size=size, seed=np.random.default_rng(4)
    )
    np.testing.assert_allclose(values, np.mean(expected, axis=0), rtol=1e-11)


@pytest.mark.parametrize(("block", "strip"), [(7, 3), (1000, 4), (1000, 100)])
@pytest.mark.parametrize("few", [True, False])
def test_draws_equal_repeated_rows(
    few: bool, block: int, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    monkeypatch.setattr(module, "STRIP", strip)
    x, y = sets()
    counts = np.random.default_rng(1).integers(0, 4, (len(y), 3))
    if few:  # few images per draw, so that a draw has fewer pairs than all draws together
        for draw in range(3):
            counts[np.arange(len(y)) % 3 != draw, draw] = 0
    counts[-1] = 0
    values = kernel_distances_of_draws(x, y, EVERY, counts)
    assert values.shape == (3, len(EVERY))
    for draw in range(3):
        repeated = np.repeat(y, counts[:, draw], axis=0)
        assert values[draw] == pytest.approx(kernel_distances(x, repeated, EVERY), rel=1e-11)
    # For each pair: two copies of one image are a pair like any other pair.
    assert values[2, 0] == pytest.approx(by_pairs(x, repeated, EVERY[0]), rel=1e-11)
    assert values[2, 1] == pytest.approx(by_pairs(x, repeated, EVERY[1]), rel=1e-11)


def test_doubled_gammas_use_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = sets()
    gammas = [0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6]
    kernels = [Kernel("rbf", gamma) for gamma in gammas]
    counted: list[int] = []
    exponential = np.exp
    monkeypatch.setattr(
        module.np, "exp", lambda v, out: (counted.append(1), exponential(v, out=out))[1]
    )
    together = kernel_distances(x, y, kernels)
    assert len(counted) == 3, "one exponential for each of the three blocks of pairs"
    separate = [kernel_distance(x, y, *kernel) for kernel in kernels]
    # Six squarings double a rounding error six times.
    assert together == pytest.approx(separate, rel=1e-12)


def test_sets_of_one_population_are_at_about_zero() -> None:
    x = np.random.default_rng(3).standard_normal((400, 8))
    for name in NAMES:
        near, far = (kernel_distance(x[:200], x[200:] + shift, name) for shift in (0, 1))
        assert abs(near) < 0.02 * far


def test_tensors_give_the_same_distance() -> None:
    x, y = sets()
    assert kernel_distance(torch.from_numpy(x), torch.from_numpy(y)) == kernel_distance(x, y)


def test_float32_is_more_exact_than_published_code(
    golden: tuple[np.ndarray, np.ndarray, dict],
) -> None:
    real, generated, values = golden
    exact, published = (
        values[f"kid_torch_fidelity_full_1200v1200_{dtype}"][0] for dtype in ("f64", "f32")
    )
    ours = kernel_distance(real.astype(np.float32), generated[:1200].astype(np.float32))
    assert 0 < abs(ours - exact) < abs(published - exact) / 3


def pooled(n: int, shift: float) -> np.ndarray:
    """Return float32 features like those of a pooling layer."""
    rng = np.random.default_rng(n)
    mixing = np.random.default_rng(5).standard_normal((20, 300)) / 8
    return np.maximum(rng.standard_normal((n, 20)) @ mixing + shift, 0).astype(np.float32)


SINGLE = [Kernel(), Kernel("rbf"), Kernel("rbf", 8 / 300)]


def rounding(x: np.ndarray, y: np.ndarray, **settings: Any) -> np.ndarray:
    """Return the changes by float32 features, relative to the mean similarity."""
    single, double = (
        np.array(kernel_distances(x.astype(t), y.astype(t), SINGLE, **settings))
        for t in (np.float32, np.float64)
    )
    return np.abs(single - double) / similarities(x.astype(float), SINGLE)


@pytest.mark.parametrize("offset", [0, 1000])
@pytest.mark.parametrize("settings", [{}, {"subsets": 3, "subset_size": 600}])
def test_float32_products_are_exact_enough(offset: float, settings: dict[str, int]) -> None:
    x, y = pooled(1500, 0.1) + np.float32(offset), pooled(1200, 0.12) + np.float32(offset)
    error = rounding(x, y, **settings)
    # A value has an error of about 1e-7, most of which cancels over the many pairs.
    assert error.any(), "float32 was not used"
    assert (error < 1e-8).all()
    mixed, double = (kernel_distances(a, y.astype(float), SINGLE) for a in (x, x.astype(float)))
    assert mixed == double, "one side in float64 makes the products float64"


def test_clusters_far_apart_are_exact_enough() -> None:
    # The worst case for float32: pairs near each other, and as far from any origin as is allowed.
    x, y = pooled(1500, 0.1) / 10, pooled(1200, 0.12) / 10
    side = np.float32(11.0)  # gamma |x - c|^2 is 8 / 300 * 300 * (side / 6)^2 in one cluster
    for features in (x, y):
        features[::2] += side / 6
    assert 0 < rounding(x, y).max() < 1e-8


@pytest.mark.parametrize(
    "spoil",
    [
        lambda x: x[:500],  # few images
        lambda x: 20 * x,  # far from each other
        lambda x: np.where(np.arange(300) == 7, np.float32(1e6), np.float32(1)) * x,
        lambda x: np.where(np.arange(len(x))[:, None] == 7, np.float32(1e14), x),  # an outlier
    ],
)
def test_float64_is_used_where_float32_is_not_exact_enough(spoil: Any) -> None:
    x, y = pooled(1500, 0.1), pooled(1200, 0.12)
    assert not rounding(spoil(x), y).any()
    assert not rounding(y, spoil(x)).any()
    tiny = np.float32(1e-22) * x  # products are denormal about an origin among them
    assert not rounding(tiny, y).any()
    counts = np.zeros((len(x), 1), dtype=int)
    counts[:400] = 3  # few different images
    single, double = (kernel_distances_of_draws(y, f, SINGLE, counts) for f in (x, x.astype(float)))
    assert (single == double).all()


@pytest.mark.parametrize("dtype", [float, np.float32])
@pytest.mark.parametrize("value", [1e4, 1e10])
def test_an_outlier_costs_no_digits(dtype: type, value: float) -> None:
    x, y = (a.astype(dtype) for a in sets())
    x[7, 3] = value
    expected = by_pairs(x.astype(float), y.astype(float), Kernel("rbf"))
    assert kernel_distance(x, y, "rbf") == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("dtype", ["float16", "uint8", "bool", "int32"])
def test_features_of_narrow_types(dtype: str) -> None:
    x, y = (4 * pooled(n, 0.1 * n / 600) for n in (600, 550))
    x, y = x.astype(dtype), y.astype(dtype)
    values = kernel_distances(x, y, SINGLE)
    assert values == pytest.approx(
        kernel_distances(x.astype(float), y.astype(float), SINGLE), abs=1e-7
    )


def test_large_float32_features_do_not_overflow() -> None:
    x, y = pooled(600, 0.1), pooled(550, 0.12)
    large = [np.float32(1e25) * features for features in (x, y)]
    for kernel in (Kernel("rbf", 1e-50 / 300), Kernel("polynomial", 1e-50 / 300)):
        expected = kernel_distance(x.astype(float), y.astype(float), kernel.name)
        assert kernel_distance(*large, *kernel) == pytest.approx(expected, rel=1e-5)


def test_bad_counts_are_refused() -> None:
    x, y = sets()
    for shape, value in (((45, 1), 1.0), ((3, 2), 1), ((45,), 1), ((45, 1), -1), ((45, 0), 1)):
        counts = np.full(shape, value)
        with pytest.raises(FringeError, match=r"counts: expected integers of shape \(45, draws\)"):
            kernel_distances_of_draws(x, y, [Kernel()], counts)
    with pytest.raises(FringeError, match="60 real and 1 generated"):
        kernel_distances_of_draws(x, y, [Kernel()], np.eye(len(y), 2, dtype=int))


def test_bad_input_is_refused() -> None:
    x, y = sets()
    broken = x.copy()
    broken[17, 2] = np.nan
    for arguments, message in (
        ((x, y[:, :3]), "5 and 3 dimensions"),
        ((broken, y), "real: row 17"),
        ((x, y[:1]), "at least two"),
        ((x, y, "linear"), "'linear'"),
        ((x, y, "rbf", -1.0), "gamma: got -1"),
        ((x, y, "rbf", None, 0), "0 subsets"),
    ):
        with pytest.raises(FringeError, match=message):
            kernel_distance(*arguments)  # type: ignore[arg-type]
