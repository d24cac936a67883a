"""Density and coverage, compared with the formula of Naeem et al. 2020 for each distance."""

from typing import Any

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import balls, density, density_coverage, density_coverages

from .sliced import Sliced
from .test_manifolds import SETS, gaussians


def by_prdc(real: np.ndarray, generated: np.ndarray, k: int) -> tuple[float, float]:
    """Return density and coverage as in `prdc.compute_prdc`, from differences in float64."""
    x, y = real.astype(np.float64), generated.astype(np.float64)
    own = np.array([np.square(row - x).sum(axis=1) for row in x])
    radii = np.partition(own, k, axis=1)[:, k]  # the image itself is one of the k + 1
    between = np.array([np.square(row - y).sum(axis=1) for row in x])
    dense = (between < radii[:, None]).sum(axis=0).mean() / k
    return float(dense), float((between.min(axis=1) < radii).mean())


def values(real: Any, generated: Any, k: int = 5, **options: Any) -> tuple[float, float]:
    found = density_coverage(real, generated, k, **options)
    return found.density.value, found.coverage.value


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("k", [1, 5])
def test_values_equal_their_definition(name: str, k: int) -> None:
    x, y = SETS[name]()
    expected = pytest.approx(by_prdc(x, y, k), rel=1e-14)
    assert values(x, y, k) == expected
    assert values(x, y, k, dtype="float64", block=64) == expected
    assert values(x, y, k, block=29) == expected
    assert values(y, x, k) == pytest.approx(by_prdc(y, x, k), rel=1e-14)


def test_products_in_float32_only_would_be_wrong() -> None:
    x, y = SETS["clusters"]()
    own, between = (torch.cdist(torch.from_numpy(x), torch.from_numpy(v)) for v in (x, y))
    inside = between < own.kthvalue(6).values[:, None]
    assert inside.double().mean() * len(x) / 5 != by_prdc(x, y, 5)[0]


def test_balls_are_open() -> None:
    """An image on the sphere is outside for density and coverage, inside for precision."""
    x = np.array([[0, 0], [3, 4], [100, 0], [140, 0]], np.float32)
    y = np.array([[-3, -4], [100, 40]], np.float32)
    assert values(x, y, 1) == (0, 0)
    assert values(x, np.nextafter(y, np.float32(0)), 1) == (1, 0.5)


def test_a_collapsed_set_covers_less() -> None:
    x, y = gaussians(300, 300)
    collapsed = np.repeat(y[:5], 60, axis=0) + np.float32(1e-3) * gaussians(300, 300)[1]
    assert values(x, collapsed)[1] < 0.5 * values(x, y)[1]
    assert values(x, x[:150])[1] > values(x, x[:15])[1]


def test_tensors_slices_and_several_sets_give_the_same_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y = gaussians()
    expected = density_coverage(x, y)
    assert density_coverage(torch.from_numpy(x), y) == expected
    assert density_coverage(Sliced(x), Sliced(y), block=40) == expected
    memorized = SETS["memorized"]()
    assert density_coverage(Sliced(memorized[0]), Sliced(memorized[1])) == density_coverage(
        *memorized
    )
    sets = [y, y[:100], SETS["clusters"]()[1]]
    calls = []

    def noted(*arguments: Any) -> Any:
        calls.append(arguments[0].what)
        return balls.balls_about(*arguments)

    monkeypatch.setattr(density, "balls_about", noted)
    assert list(density_coverages(x, sets)) == [density_coverage(x, other) for other in sets]
    assert calls.count("real") < 2 * len(sets) + 2


def test_no_matrix_of_all_distances_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []

    def noted(a: Any, b: Any, arithmetic: str) -> torch.Tensor:
        found = balls.distances_between(a, b, arithmetic)
        shapes.append(found.shape)
        return found

    monkeypatch.setattr(density, "distances_between", noted)
    x, y = gaussians(300, 280)
    density_coverage(x, y, block=32)
    assert max(map(max, shapes)) == 32
    assert sum(rows * columns for rows, columns in shapes) < 1.3 * 300 * 280


def test_copies_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def noted(*arguments: Any) -> np.ndarray:
        compared.append(len(arguments[1]))
        return balls.exact_pairs(*arguments)

    monkeypatch.setattr(density, "exact_pairs", noted)
    x, _ = gaussians(600)
    for real, generated in (
        (np.repeat(x[:4], 150, axis=0), x),
        (x, np.repeat(x[:1], 500, axis=0)),
        (np.repeat(x[:4], 150, axis=0), np.repeat(x[:1], 500, axis=0)),
    ):
        compared.clear()
        assert values(real, generated) == pytest.approx(by_prdc(real, generated, 5), rel=1e-14)
        assert sum(compared) < 4 * 1100  # 90,000 and more if each copy were compared separately


def test_errors_are_about_the_spread_between_sets() -> None:
    """In 60 repeats of 600 + 500 images, the mean error is 0.65 to 1.5 times the spread."""
    rng = np.random.default_rng(5)
    mixing = rng.standard_normal((5, 24))
    found = []
    for _ in range(60):
        x = np.maximum(rng.standard_normal((600, 5)) @ mixing, 0)
        y = np.maximum((0.9 * rng.standard_normal((500, 5)) + 0.2) @ mixing, 0)
        one = density_coverage(x, y)
        found.append([*one.density, *one.coverage])
    means, spread = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
    assert 0.65 < means[1] / spread[0] < 1.5
    assert 0.65 < means[3] / spread[2] < 1.5


def test_few_images_have_no_error() -> None:
    x, y = gaussians(300, 299)
    assert density_coverage(x, y).density.error is None
    assert density_coverage(x, x).coverage.error is not None


def test_bad_input_is_refused() -> None:
    x, y = gaussians()
    broken = x.copy()
    broken[17, 2] = np.nan
    for arguments, options, message in (
        ((x, y[:, :3]), {}, "real and generated features have 12 and 3 dimensions"),
        ((broken, y), {}, "real: row 17"),
        ((x, Sliced(broken)), {}, "generated: row 17"),
        ((x, Sliced(y[0])), {}, r"generated: expected numbers of shape \(images, dimensions\)"),
        ((x, y[:5]), {}, "generated: 5 images are too few for k = 5; give at least 6"),
        ((x, y, 0), {}, "k: got 0; give a whole number of at least 1"),
        ((x, y), {"block": 2.5}, "block: got 2.5"),
        ((x, y), {"dtype": "float16"}, "dtype: got 'float16'; give 'float32'"),
        ((x * np.float32(1e19), y), {}, "real: distances .* overflow float32"),
    ):
        with pytest.raises(FringeError, match=message):
            density_coverage(*arguments, **options)  # type: ignore[arg-type]
