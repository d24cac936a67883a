"""FID's gradient, compared with autograd, the released formula, dense formulas and differences."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import Gaussian, frechet_distance
from fringe.sensitivity import approximation_bound, fid_gradient, gradient, optimal_transport

of = Gaussian.from_features


def rows(n: int, dim: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """Return correlated features. The correlation depends only on ``dim``, not on the seed."""
    mixing = np.random.default_rng(dim).standard_normal((dim, dim)) + 2 * np.eye(dim)
    return np.random.default_rng(seed).standard_normal((n, dim)) @ mixing + shift


def released(features: np.ndarray, real: Gaussian, others: Gaussian, n: int) -> np.ndarray:
    """Return dFID/df of each row, by autograd through eigenvalues of the unsymmetric product."""
    m, R, mu, S = map(
        torch.from_numpy, (real.mean, real.covariance, others.mean, others.covariance)
    )
    found = []
    for row in features:
        f = torch.from_numpy(row.astype(np.float64)).requires_grad_()
        mean = (n - 1) / n * mu + f / n
        covariance = (n - 2) / (n - 1) * S + torch.outer(f - mu, f - mu) / n
        roots = torch.linalg.eigvals(R @ covariance).sqrt().real.sum()
        fid = (m - mean) @ (m - mean) + torch.trace(R + covariance) - 2 * roots
        found.append(torch.autograd.grad(fid, f)[0].numpy())
    return np.array(found)


def dense(features: np.ndarray, real: Gaussian, others: Gaussian, n: int) -> np.ndarray:
    """Return dFID/df of each row, from the transport map of the row's S' by an SVD of factors."""
    F, G = np.linalg.cholesky(real.covariance), np.linalg.cholesky(others.covariance)
    found = []
    for row in features:
        u = row - others.mean
        own = np.column_stack([np.sqrt((n - 2) / (n - 1)) * G, u / np.sqrt(n)])
        V, singular, _ = np.linalg.svd(F.T @ own, full_matrices=False)
        T = F @ V @ np.diag(1 / singular) @ V.T @ F.T
        found.append(2 / n * (others.mean + u / n - real.mean + u - T @ u))
    return np.array(found)


def differences(
    features: np.ndarray, real: Gaussian, others: Gaussian, n: int, h: float = 1e-5
) -> np.ndarray:
    """Return central differences of FID with respect to each component of each row."""

    def fid(f: np.ndarray) -> float:
        u = f - others.mean
        covariance = (n - 2) / (n - 1) * others.covariance + np.outer(u, u) / n
        return frechet_distance(real, Gaussian(others.mean + u / n, covariance))

    ends = [[(fid(f + h * e), fid(f - h * e)) for e in np.eye(len(f))] for f in features]
    return np.array([[(above - below) / (2 * h) for above, below in row] for row in ends])


def error(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest relative error of all rows."""
    return float(
        (np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)).max()
    )


@pytest.mark.parametrize(("dim", "count"), [(1, 30), (2, 3), (5, 40), (12, 30), (20, 400)])
def test_gradient_equals_autograd_through_the_released_formula(dim: int, count: int) -> None:
    """The gradients are equal for few images too, of which one changes the covariance a lot."""
    real, others = of(rows(200, dim, 1)), of(rows(count, dim, 2, shift=0.5))
    images = np.concatenate([rows(5, dim, 3), 10 * rows(2, dim, 4)])
    expected = released(images, real, others, count + 1)
    assert error(fid_gradient(images, real, others, count + 1), expected) < 1e-8


@pytest.fixture(scope="module")
def golden(shared: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    with np.load(shared / "golden" / "metrics.npz") as arrays:
        yield arrays["real"], arrays["gen"]


def test_gradient_equals_the_released_formula_on_golden_features(
    golden: tuple[np.ndarray, np.ndarray],
) -> None:
    real, generated = of(golden[0]), of(golden[1][8:])
    n = len(golden[1]) - 7
    expected = released(golden[1][:8], real, generated, n)
    assert error(fid_gradient(golden[1][:8], real, generated, n), expected) < 1e-8
    assert error(fid_gradient(golden[1][:8], real, generated, n, exact=False), expected) > 1e-3


@pytest.mark.parametrize(("dim", "count"), [(1, 30), (6, 9), (30, 50), (60, 2000)])
def test_gradient_equals_the_dense_formula(dim: int, count: int) -> None:
    real, others = of(rows(200, dim, 1)), of(rows(count, dim, 2, shift=0.5))
    images = np.concatenate([rows(20, dim, 3), 10 * rows(3, dim, 4)])
    expected = dense(images, real, others, count + 1)
    assert error(fid_gradient(images, real, others, count + 1), expected) < 1e-11


@pytest.mark.parametrize(
    ("n_real", "n_others"),
    [(100, 2), (100, 6), (100, 8), (5, 100), (2, 100), (5, 6), (6, 5), (2, 2)],
)
def test_gradient_equals_differences_if_covariances_are_singular(
    n_real: int, n_others: int
) -> None:
    """In eight dimensions, the real, the generated or both covariances have null spaces."""
    real, others = of(rows(n_real, 8, 1)), of(rows(n_others, 8, 2, shift=0.5))
    images = rows(3, 8, 3)
    n = n_others + 1
    assert error(fid_gradient(images, real, others, n), differences(images, real, others, n)) < 1e-6


def test_only_directions_with_a_derivative_count() -> None:
    """FID has a ridge along a direction without generated variance; its mean slope is 0."""
    data, images = rows(40, 5, 2), rows(4, 5, 3)
    data[:, 1] = images[:, 1] = 0.25
    real, others = of(rows(100, 5, 1)), of(data)
    found = fid_gradient(images, real, others, 41)
    assert error(found, differences(images, real, others, 41, h=1e-4)) < 1e-4
    # On one side of the ridge the slope is different.
    aside = images.copy()
    aside[:, 1] += 1e-2
    steep = fid_gradient(aside, real, others, 41)
    assert error(steep, differences(aside, real, others, 41, h=1e-4)) < 1e-4
    assert np.linalg.norm(steep - found, axis=1).min() > 0.1 * np.linalg.norm(found, axis=1).min()


@pytest.mark.parametrize(("count", "n_real"), [(3, 50), (6, 50), (40, 50), (40, 5), (6, 5)])
def test_gradient_of_an_image_of_the_set(count: int, n_real: int) -> None:
    data, real = rows(count, 8, 2, shift=0.5), of(rows(n_real, 8, 1))
    found = fid_gradient(data, real, of(data), count, included=True)
    others = [of(np.delete(data, i, axis=0)) for i in range(count)]
    separate = [
        fid_gradient(data[i : i + 1], real, others[i], count, included=False)[0]
        for i in range(count)
    ]
    assert error(found, np.array(separate)) < 1e-10

    def fid(step: np.ndarray) -> float:
        return frechet_distance(real, of(np.concatenate([data[:1] + step, data[1:]])))

    steps = 1e-5 * np.eye(8)
    expected = [(fid(step) - fid(-step)) / 2e-5 for step in steps]
    assert error(found[:1], np.array([expected])) < 1e-6


@pytest.mark.parametrize(("dim", "count"), [(1, 50), (8, 200), (8, 2000), (40, 2000), (30, 20)])
def test_bound_of_the_approximation_is_valid_and_tight(dim: int, count: int) -> None:
    real, others = of(rows(4000, dim, 1)), of(rows(count, dim, 2, shift=0.5))
    images = np.concatenate([rows(300, dim, 3), 5 * rows(50, dim, 4), 1e3 * rows(5, dim, 5)])
    exact = fid_gradient(images, real, others, count + 1)
    plain = fid_gradient(images, real, others, count + 1, exact=False)
    wrong = np.linalg.norm(plain - exact, axis=1)
    bound = approximation_bound(images, real, others, count + 1)
    if count < dim:
        assert np.isinf(bound).all()
        return
    assert (wrong > 0).all()
    assert (wrong <= bound * (1 + 1e-9)).all()
    assert np.median(bound[:300] / wrong[:300]) < 3
    assert (bound[:350] < 20 * wrong[:350]).all()


def test_bound_of_an_image_like_the_others_is_finite() -> None:
    data = rows(40, 5, 2)
    data[:, 1] = 0.25
    bound = approximation_bound(data, of(rows(99, 5, 1)), of(data), 41)
    assert np.isfinite(bound).all()
    assert np.isinf(approximation_bound(data + 1, of(rows(99, 5, 1)), of(data), 41)).all()


@pytest.mark.parametrize("dim", [8, 30])
def test_error_of_the_approximation_is_about_dimensions_over_images(dim: int) -> None:
    found = []
    for count in (50 * dim, 500 * dim):
        real, others = of(rows(4000, dim, 1)), of(1.3 * rows(count, dim, 2))
        images = 1.3 * rows(200, dim, 3)
        exact, plain = (
            fid_gradient(images, real, others, count + 1, exact=kind) for kind in (True, False)
        )
        wrong = np.linalg.norm(plain - exact, axis=1) / np.linalg.norm(exact, axis=1)
        found.append(np.median(wrong) * count / dim)
    assert 0.3 < found[0] < 3
    assert found[1] == pytest.approx(found[0], rel=0.2)


@pytest.mark.parametrize("included", [False, True])
@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_scale_the_gradient(unit: float, included: bool) -> None:
    for count in (5, 40):
        real, others, images = rows(60, 8, 1), rows(count, 8, 2), rows(4, 8, 3)
        expected = fid_gradient(images, of(real), of(others), count + 1, included=included)
        found = fid_gradient(
            unit * images, of(unit * real), of(unit * others), count + 1, included=included
        )
        np.testing.assert_allclose(found, unit * expected, rtol=1e-9)


def test_gradient_of_features_in_very_unequal_units() -> None:
    """Independent features have closed forms: images that differ in one feature, and sets."""
    units = np.logspace(-3, 3, 7)
    real = Gaussian(np.zeros(7), np.diag(units**2))
    others = Gaussian(0.3 * units, np.diag(4 * units**2))
    n = 50
    u = 1.7 * units
    transported = 2 / n * (1 / np.sqrt(4 * (n - 2) / (n - 1) + 1.7**2 / n))
    expected = 2 / n * (0.3 * units + u / n + u) - transported * u
    found = fid_gradient(others.mean + np.diag(u), real, others, n)
    np.testing.assert_allclose(np.diag(found), expected, rtol=1e-10)
    all_of_set = fid_gradient((others.mean + u)[None], real, others, n, included=True)
    expected = 2 / n * (0.3 * units + n / (n - 1) * (u - u / 2))
    np.testing.assert_allclose(all_of_set[0], expected, rtol=1e-10)


def test_gradient_of_features_in_extremely_unequal_units() -> None:
    units = 10.0 ** np.arange(-6, 7, 2)
    real, others, images = rows(100, 7, 1), rows(90, 7, 2, shift=0.5), rows(9, 7, 3)
    # The digits lost from the smaller features are small compared with the row.
    found = fid_gradient(images * units, of(real * units), of(others * units), 91)
    assert error(found, dense(images * units, of(real * units), of(others * units), 91)) < 1e-6


@pytest.mark.parametrize("count", [5, 40])
def test_gradient_of_an_image_at_the_mean(count: int) -> None:
    """The covariance does not affect the gradient."""
    real, others = of(rows(60, 8, 1)), of(rows(count, 8, 2, shift=0.1))
    found = fid_gradient(others.mean[None], real, others, count + 1)
    np.testing.assert_allclose(found[0], 2 / (count + 1) * (others.mean - real.mean), rtol=1e-12)


@pytest.mark.parametrize("spread", [1.0, 1e-3])
def test_gradient_of_a_duplicate_image(spread: float) -> None:
    """The images vary in five of eight dimensions, and rounding must not add a sixth."""
    turned = np.linalg.qr(rows(8, 8, 9))[0][:5]
    data = rows(40, 5, 2) * np.geomspace(1, spread, 5) @ turned + 1
    real, others = of(rows(60, 8, 1)), of(data)
    found = fid_gradient(data[:6], real, others, 41)
    F = np.linalg.cholesky(real.covariance)
    expected = []
    for f in data[:6]:
        u = f - others.mean
        seen = turned @ (39 / 40 * others.covariance + np.outer(u, u) / 41) @ turned.T
        V, singular, _ = np.linalg.svd(F.T @ turned.T @ np.linalg.cholesky(seen), False)
        T = F @ V / singular @ V.T @ F.T
        expected.append(2 / 41 * (others.mean + u / 41 - real.mean + u - T @ u))
    assert error(found, np.array(expected)) < 1e-8


def test_gradient_of_sets_without_common_directions() -> None:
    turned = np.linalg.qr(rows(6, 6, 9))[0]
    real, others = of(rows(50, 3, 1) @ turned[:3]), of(rows(50, 3, 2) @ turned[3:])
    images = rows(4, 3, 3) @ turned[3:]
    u = images - others.mean
    expected = 2 / 51 * (others.mean + u / 51 - real.mean + u)
    assert error(fid_gradient(images, real, others, 51), expected) < 1e-12


@pytest.mark.parametrize("constant", [0.125, 0.1, 1e6 / 3])
def test_gradient_of_constant_features_is_right(constant: float) -> None:
    """The rounding of a mean must not count as variance: 0.125 is exact, the others are rounded."""
    real, others, images = rows(60, 8, 1), rows(1000, 8, 2), rows(4, 8, 3)
    exact = [part.copy() for part in (real, others, images)]
    for part, own in zip((real, others, images), exact, strict=True):
        part[:, 2] += constant
        own[:, 2] += 0.125
    others[:, 2] = images[:, 2] = constant
    exact[1][:, 2] = exact[2][:, 2] = 0.125
    expected = fid_gradient(exact[2], of(exact[0]), of(exact[1]), 1001)
    found = fid_gradient(images, of(real), of(others), 1001)
    assert error(found, expected) < 1e-8


@pytest.mark.parametrize("included", [False, True])
def test_gradient_of_identical_generated_images(included: bool) -> None:
    real, image = of(rows(60, 8, 1)), rows(1, 8, 2) / 3
    others = of(np.tile(image, (1000, 1)))
    expected = 2 / 1001 * (image - real.mean)
    found = fid_gradient(image, real, others, 1001, included=included)
    assert error(found, expected) < 1e-10
    if included:
        return
    new = rows(3, 8, 3)
    found, expected = (f(new, real, others, 1001) for f in (fid_gradient, differences))
    assert error(found, expected) < 1e-5


def test_gradient_with_identical_real_images() -> None:
    """There is no real covariance, so the variance of the images only raises FID."""
    real, others, images = of(np.ones((50, 8))), of(rows(40, 8, 2)), rows(4, 8, 3)
    u = images - others.mean
    expected = 2 / 41 * (others.mean + u / 41 - 1 + u)
    assert error(fid_gradient(images, real, others, 41), expected) < 1e-13
    np.testing.assert_array_equal(approximation_bound(images, real, others, 41), 0)


def test_gradient_of_an_image_far_from_all_others() -> None:
    real, others = of(rows(60, 8, 1)), of(rows(40, 8, 2))
    images = np.concatenate([rows(3, 8, 3), 1e12 * rows(1, 8, 4), rows(3, 8, 5)])
    found = fid_gradient(images, real, others, 41)
    assert np.isfinite(found).all()
    near = [0, 1, 2, 4, 5, 6]
    assert error(found[near], dense(images[near], real, others, 41)) < 1e-11


@pytest.mark.parametrize("count", [5, 40])
def test_a_batch_equals_its_rows(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real, others, images = of(rows(60, 8, 1)), of(rows(count, 8, 2)), rows(20, 8, 3)
    images[7] *= 1e4
    batch = fid_gradient(images, real, others, count + 1)
    bounds = approximation_bound(images, real, others, count + 1)
    singles = [fid_gradient(row[None], real, others, count + 1)[0] for row in images]
    assert error(np.array(singles), batch) < 1e-12
    transport = optimal_transport(real, others)
    monkeypatch.setattr(gradient, "ROWS", 6)
    parts = fid_gradient(images, real, others, count + 1, transport=transport)
    assert error(parts, batch) < 1e-12
    again = approximation_bound(images, real, others, count + 1, transport)
    np.testing.assert_allclose(again, bounds, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"included": True}, {"exact": False}])
def test_more_rows_than_are_processed_at_a_time(options: dict[str, bool]) -> None:
    real, others, images = of(rows(60, 3, 1)), of(rows(40, 3, 2)), rows(2500, 3, 3)
    batch = fid_gradient(images, real, others, 41, **options)
    for at in (0, 1023, 1024, 2047, 2048, 2499):
        single = fid_gradient(images[at : at + 1], real, others, 41, **options)
        assert error(single, batch[at : at + 1]) < 1e-12


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_arrays_and_tensors_give_the_same(dtype: str) -> None:
    real, others = of(rows(60, 8, 1)), of(rows(40, 8, 2))
    images = rows(4, 8, 3).astype(dtype)
    expected = fid_gradient(images.astype(np.float64), real, others, 41)
    array = fid_gradient(images, real, others, 41)
    assert type(array) is np.ndarray
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, expected)
    tensors = Gaussian(*(torch.from_numpy(v) for v in (others.mean, others.covariance)))
    for f, values in ((fid_gradient, expected), (approximation_bound, None)):
        tensor = f(torch.from_numpy(images).requires_grad_(), real, tensors, 41)
        assert isinstance(tensor, torch.Tensor)
        assert tensor.dtype == torch.float64
        if values is not None:
            np.testing.assert_array_equal(tensor.numpy(), values)


def test_bad_input_is_refused() -> None:
    real, others, images = of(rows(60, 8, 1)), of(rows(40, 8, 2)), rows(4, 8, 3)
    small = of(rows(60, 7, 1))
    with pytest.raises(FringeError, match="features: 7 dimensions, but the Gaussians have 8"):
        fid_gradient(rows(4, 7, 3), real, others, 41)
    with pytest.raises(FringeError, match="features: 8 dimensions, but the Gaussians have 7 and 8"):
        fid_gradient(images, small, others, 41)
    with pytest.raises(FringeError, match="8 and 7 dimensions"):
        optimal_transport(real, small)
    one = of(rows(60, 1, 1))  # NumPy would broadcast it to all dimensions
    with pytest.raises(FringeError, match="have 1 and 8"):
        approximation_bound(images, real, others, 41, optimal_transport(one, one))
    for f in (fid_gradient, approximation_bound):
        with pytest.raises(FringeError, match="n is 2: "):
            f(images, real, others, 2)
        with pytest.raises(FringeError, match="features: expected numbers of shape"):
            f(images[0], real, others, 41)
        broken = images.copy()
        broken[2, 5] = np.nan
        with pytest.raises(FringeError, match="row 2 holds NaN"):
            f(broken, real, others, 41)
