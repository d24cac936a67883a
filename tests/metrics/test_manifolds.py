"""Precision and recall, compared with published values and the definition for each distance."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import (
    balls,
    manifolds,
    precision_recall,
    precision_recall_error,
    precision_recalls,
)
from fringe.metrics.balls import (
    Features,
    balls_about,
    distances_between,
    exact_distances,
    load,
)

Sets = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def golden(shared: Path) -> tuple[np.ndarray, np.ndarray, dict]:
    arrays = np.load(shared / "golden" / "metrics.npz")
    values = json.loads((shared / "golden" / "metrics.json").read_text())
    return arrays["real"], arrays["gen"], values


def by_definition(real: np.ndarray, generated: np.ndarray, k: int) -> tuple[float, float]:
    """Return precision and recall from all differences in float64."""
    x, y = real.astype(np.float64), generated.astype(np.float64)

    def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.array([np.square(row - b).sum(axis=1) for row in a])

    def share_inside(probes: np.ndarray, manifold: np.ndarray) -> float:
        radii = np.sort(distances(manifold, manifold), axis=1)[:, k]
        return float((distances(probes, manifold) <= radii).any(axis=1).mean())

    return share_inside(y, x), share_inside(x, y)


def gaussians(n: int = 150, m: int = 130, dim: int = 12) -> Sets:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n, dim)), 0.8 * rng.standard_normal((m, dim)) + 0.2
    return x.astype(np.float32), y.astype(np.float32)


def far() -> Sets:
    x, y = gaussians()
    return x + np.float32(1e3), y + np.float32(1e3)


def copies() -> Sets:
    """Return sets with copies within and between them: radii and distances are 0 or equal."""
    x, y = gaussians()
    x[20:40], x[40:60], x[60:80] = x[0:20], x[0:20], x[0:20]
    y[:30], y[30:50] = x[10:40], y[80:100]
    return x, y


def collapsed() -> Sets:
    """Return a generated set that consists of copies of one real image."""
    x, _ = gaussians()
    return x, np.repeat(x[7:8], 130, axis=0)


def memorized() -> Sets:
    """Return sets that share many copies of each of 5 images, with near-copies and other images."""
    x, y = gaussians()
    x[:80], y[30:110] = np.repeat(x[:5], 16, axis=0), np.tile(x[:5], (16, 1))
    y[110:115] = np.nextafter(x[0], np.float32(9))
    return x, y


def ties() -> Sets:
    rng = np.random.default_rng(1)
    return tuple(rng.integers(0, 3, (n, 6)).astype(np.float32) for n in (140, 160))  # type: ignore[return-value]


def line() -> Sets:
    rng = np.random.default_rng(2)
    return tuple(rng.standard_normal((n, 1)).astype(np.float32) for n in (90, 110))  # type: ignore[return-value]


def clusters() -> Sets:
    """Return sets whose neighbours are too close for float32 products to distinguish."""
    x, y = gaussians()
    for side in (x, y):
        side *= 1e-2
        side[::2] += 1e3
    return x, y


def tiny() -> Sets:
    """Return sets whose squares underflow in float32."""
    x, y = gaussians()
    return x * np.float32(1e-25), y * np.float32(1e-25)


def wide() -> Sets:
    """Return sets of positive values with more dimensions than are summed at a time."""
    rng = np.random.default_rng(3)
    base = rng.standard_normal((4, 1300))
    return tuple(  # type: ignore[return-value]
        np.abs(rng.standard_normal((n, 4)) @ base + 0.1 * rng.standard_normal((n, 1300))).astype(
            np.float32
        )
        for n in (100, 80)
    )


SETS: dict[str, Callable[[], Sets]] = {
    f.__name__: f
    for f in (gaussians, far, copies, collapsed, memorized, ties, line, clusters, tiny, wide)
}


@pytest.mark.parametrize("k", [1, 3, 5])
def test_values_equal_published_codes(golden: tuple[np.ndarray, np.ndarray, dict], k: int) -> None:
    real, generated, values = golden
    expected = [
        round(v * n) for v, n in zip(values[f"pr_nvidia_k{k}_float64"], (1500, 1200), strict=True)
    ]
    for found in (
        precision_recall(real, generated, k),
        precision_recall(real, generated, k, dtype="float64"),
        precision_recall(real.astype(np.float64), generated.astype(np.float64), k, dtype="float64"),
    ):
        assert [found.precision * 1500, found.recall * 1200] == pytest.approx(expected, abs=1e-9)


def test_half_precision_equals_published_code(golden: tuple[np.ndarray, np.ndarray, dict]) -> None:
    real, generated, values = golden
    released = values["pr_nvidia_k3_float16_as_published"]
    exact = values["pr_nvidia_k3_float32"]
    for block in (1024, 333):
        found = precision_recall(real, generated, 3, dtype="float16", block=block)
        assert tuple(map(np.float32, found)) == tuple(map(np.float32, released))
    assert released != exact


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("k", [1, 3])
def test_values_equal_their_definition(name: str, k: int) -> None:
    x, y = SETS[name]()
    expected = by_definition(x, y, k)
    assert precision_recall(x, y, k) == expected
    assert precision_recall(x, y, k, dtype="float64", block=64) == expected
    assert precision_recall(y, x, k, block=7) == expected[::-1]


def test_products_in_float32_only_would_be_wrong() -> None:
    x, y = clusters()
    distances, own = (torch.cdist(torch.from_numpy(a), torch.from_numpy(x)) for a in (y, x))
    inside = distances <= own.kthvalue(4).values
    assert inside.any(dim=1).double().mean() != by_definition(x, y, 3)[0]


def test_smallest_possible_sets() -> None:
    x, y = gaussians(5, 4, 3)
    assert precision_recall(x[:4], y, 3) == by_definition(x[:4], y, 3)
    assert precision_recall(x, x, 3) == (1, 1)
    with pytest.raises(FringeError, match=r"generated: 4 images are too few for k = 4; .* 5"):
        precision_recall(x, y, 4)
    with pytest.raises(FringeError, match="real: 3 images"):
        precision_recall(x[:3], y, 3)


def test_a_ball_contains_its_surface() -> None:
    """An exact copy of the k-th neighbour is on the sphere; a slightly farther image is outside."""
    x = np.array([[0.1, 0.2], [0.4, 0.3], [7.7, 0.3], [9.1, 0.5]], np.float32)
    edge = x[1] + (x[1] - x[0]) * np.float32(1e-6)
    y = np.stack([x[1], edge, [50, 50], [80, 80]]).astype(np.float32)
    assert not np.array_equal(x[1], edge)
    assert precision_recall(x[:2], y[:2], 1).precision == 1  # the balls are about both images
    four = np.array([[0, 0], [3, 4], [100, 0], [140, 0]], np.float32)
    on, off = [[-3, -4], [-300, 0]], [[-3, -4.000001], [-300, 0]]
    assert precision_recall(four, np.array(on, np.float32), 1).precision == 0.5
    assert precision_recall(four, np.array(off, np.float32), 1).precision == 0


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("arithmetic", ["float32", "float64"])
def test_errors_are_within_their_bounds(name: str, arithmetic: str) -> None:
    x, _ = SETS[name]()
    features = Features(x, "real", "float32", "cpu")
    a = load(features, slice(0, None), features.centre, arithmetic)
    high = distances_between(a, a, arithmetic)
    low = high - 2 * (a.errors + a.errors[:, None])
    exact = np.array([np.square(row - x.astype(float)).sum(axis=1) for row in x.astype(float)])
    assert (low.double().numpy() <= exact).all()
    assert (exact <= high.double().numpy()).all()
    about = balls_about(features, 3, 50, arithmetic)
    radii = np.sort(exact, axis=1)[:, 3]
    assert (about.low.double().numpy() <= radii).all()
    assert (radii <= about.high.double().numpy()).all()


def test_tensors_other_types_and_any_block() -> None:
    x, y = gaussians(60, 50)
    expected = precision_recall(x, y)
    assert expected == by_definition(x, y, 3)
    assert precision_recall(torch.from_numpy(x), y) == expected
    assert precision_recall(x.astype(np.float64), torch.from_numpy(y).double()) == expected
    assert precision_recall(np.asfortranarray(x), y.astype(">f4"), block=1) == expected
    half = x.astype(np.float16)
    assert precision_recall(half, y) == precision_recall(half.astype(np.float32), y)
    whole = np.random.default_rng(0).integers(0, 5, (50, 3))
    assert precision_recall(whole, whole[::-1]) == (1, 1)


def test_several_sets_are_measured_one_by_one() -> None:
    x, y = gaussians()
    found = list(precision_recalls(x, [y, y[:100], clusters()[1]], k=2))
    assert found == [precision_recall(x, other, 2) for other in (y, y[:100], clusters()[1])]


@pytest.mark.parametrize("precision", ["medium", "high"])
def test_reduced_precision_of_the_process_is_not_used(precision: str) -> None:
    x, y = wide()
    expected = by_definition(x, y, 3)
    torch.set_float32_matmul_precision(precision)
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert precision_recall(x, y) == expected
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision("highest")


def test_no_matrix_of_all_distances_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []

    def noted(a: object, b: object, arithmetic: str) -> torch.Tensor:
        distances = distances_between(a, b, arithmetic)  # type: ignore[arg-type]
        shapes.append(distances.shape)
        return distances

    for module in (balls, manifolds):
        monkeypatch.setattr(module, "distances_between", noted)
    x, y = gaussians(300, 280)
    precision_recall(x, y, block=32)
    assert max(map(max, shapes)) == 32
    pairs = sum(rows * columns for rows, columns in shapes)
    assert pairs < 1.15 * (300**2 / 2 + 280**2 / 2 + 300 * 280)  # each pair once


@pytest.mark.parametrize("block", [1024, 50])
def test_copies_are_compared_once(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    compared = []

    def noted(*arguments: Any) -> np.ndarray:
        compared.append(int(arguments[-1].sum()))
        return exact_distances(*arguments)

    for module in (balls, manifolds):
        monkeypatch.setattr(module, "exact_distances", noted)
    x, _ = gaussians(600)
    for mine, theirs in ((x, np.repeat(x[:1], 500, axis=0)), (np.repeat(x[:4], 150, axis=0), x)):
        compared.clear()
        assert precision_recall(mine, theirs, block=block) == by_definition(mine, theirs, 3)
        assert 0 < sum(compared) < 4 * 1100  # with each copy for itself: 90,000 and more


def test_bad_input_is_refused() -> None:
    x, y = gaussians()
    broken = x.copy()
    broken[17, 2] = np.nan
    for arguments, options, message in (
        ((x, y[:, :3]), {}, "12 and 3 dimensions"),
        ((broken, y), {}, "real: row 17"),
        ((x, torch.from_numpy(broken)), {}, "generated: row 17"),
        ((x, y[0]), {}, r"generated: expected numbers of shape \(images, dimensions\)"),
        ((torch.from_numpy(x)[0], y), {}, r"real: expected numbers of shape"),
        ((x, y, 0), {}, "k: got 0; give a whole number of at least 1"),
        ((x, y, 2.5), {}, "k: got 2.5"),
        ((x, y), {"block": 0}, "block: got 0"),
        ((x, y), {"dtype": "bfloat16"}, "dtype: got 'bfloat16'; give 'float16'"),
        ((x * np.float32(1e19), y), {}, "real: distances .* overflow float32"),
        ((x, y.astype(float) * 1e200), {}, "generated: distances .* overflow float32"),
        (
            (x, y * np.float32(100)),
            {"dtype": "float16"},
            "generated: distances .* overflow float16",
        ),
    ):
        with pytest.raises(FringeError, match=message):
            precision_recall(*arguments, **options)  # type: ignore[arg-type]
    x, y = x * np.float64(1e100), y * np.float64(1e100)
    assert precision_recall(x, y, dtype="float64") == by_definition(x, y, 3)


def test_errors_equal_the_spread_given_the_other_side() -> None:
    """The spread of 200 repeats of 80 images of one side is accurate to 5%."""
    rng = np.random.default_rng(0)
    fixed = rng.standard_normal((150, 4))
    found = []
    for _ in range(200):
        other = 1.3 * rng.standard_normal((80, 4))
        precision = precision_recall(fixed, other)
        recall = precision_recall(other, fixed)
        found.append(
            [
                precision.precision,
                recall.recall,
                precision_recall_error(precision, real=150, generated=80).precision,
                precision_recall_error(recall, real=80, generated=150).recall,
            ]
        )
    means, spread = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
    assert means[2:] == pytest.approx(spread[:2], rel=0.2)
    with pytest.raises(FringeError, match="generated: got 0; give a whole number of at least 1"):
        precision_recall_error(precision, real=150, generated=0)
