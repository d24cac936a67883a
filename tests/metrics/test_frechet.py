"""The Fréchet distance, compared with published codes, POT and the definition."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch

from fringe.errors import FringeError
from fringe.metrics import Gaussian, covariance_root, frechet_distance

of = Gaussian.from_features


def rows(n: int, dim: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, dim)) @ rng.standard_normal((dim, dim)) + rng.random(dim)


def from_data(real: np.ndarray, generated: np.ndarray) -> float:
    """Return the distance from singular values of the data, which is exact for few images too."""
    a = (real - real.mean(axis=0)) / np.sqrt(len(real) - 1)
    b = (generated - generated.mean(axis=0)) / np.sqrt(len(generated) - 1)
    step = real.mean(axis=0) - generated.mean(axis=0)
    norm = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(step @ step + np.square(a).sum() + np.square(b).sum() - 2 * norm)


@pytest.fixture(scope="module")
def golden(shared: Path) -> tuple[np.ndarray, np.ndarray, dict]:
    arrays = np.load(shared / "golden" / "metrics.npz")
    values = json.loads((shared / "golden" / "metrics.json").read_text())
    return arrays["real"], arrays["gen"], values


def test_distance_equals_published_codes(golden: tuple[np.ndarray, np.ndarray, dict]) -> None:
    real, generated, values = golden
    equal = frechet_distance(of(real), of(generated[:1200]))
    assert equal == pytest.approx(values["fid_official_paper_float64_input_1200v1200"], rel=1e-9)
    unequal = frechet_distance(of(real), of(generated))
    assert unequal == pytest.approx(values["fid_pytorch_fid_float64_input_1200v1500"], rel=1e-9)


def test_fewer_images_than_dimensions_are_exact(
    golden: tuple[np.ndarray, np.ndarray, dict],
) -> None:
    real, generated, values = golden
    few_real, few = real[:50].astype(float), generated[:50].astype(float)
    value = frechet_distance(of(few_real), of(few))
    assert value == pytest.approx(values["fid_pytorch_fid_float64_first50_vs_first50"], rel=1e-6)
    # The published values contain noise of their null spaces; factors of the data do not.
    assert value == pytest.approx(from_data(few_real, few), rel=1e-12)


def test_identical_sets_are_at_distance_zero(golden: tuple[np.ndarray, np.ndarray, dict]) -> None:
    real, _, _ = golden
    for features in (real, real[:50], real[:2]):
        assert 0 <= frechet_distance(of(features), of(features)) < 1e-9


def test_distance_equals_pot() -> None:
    import ot  # imported here because it takes a second

    real, generated = of(rows(300, 20, 1)), of(rows(200, 20, 2))
    judge = ot.gaussian.bures_wasserstein_distance(
        real.mean, generated.mean, real.covariance, generated.covariance
    )
    assert frechet_distance(real, generated) == pytest.approx(judge**2, rel=1e-10)


@pytest.mark.parametrize(("n_real", "n_generated"), [(15, 12), (15, 300), (300, 15), (2, 2)])
def test_any_rank_of_either_side_is_exact(n_real: int, n_generated: int) -> None:
    a, b = rows(n_real, 40, 3), rows(n_generated, 40, 4)
    expected = from_data(a, b)
    assert frechet_distance(of(a), of(b)) == pytest.approx(expected, rel=1e-11)
    assert frechet_distance(of(b), of(a)) == pytest.approx(expected, rel=1e-11)


def test_shared_root_changes_nothing() -> None:
    for n in (100, 20):
        real, generated = of(rows(n, 30, 5)), of(rows(90, 30, 6))
        root = covariance_root(real)
        assert root.shape == (30, min(n - 1, 30))
        np.testing.assert_allclose(root @ root.T, real.covariance, atol=1e-12)
        assert frechet_distance(real, generated, root) == frechet_distance(real, generated)


def test_another_root_gives_the_same() -> None:
    real, generated = of(rows(100, 30, 5)), of(rows(90, 30, 6))
    symmetric = scipy.linalg.sqrtm(real.covariance)
    value = frechet_distance(real, generated, symmetric)
    assert value == pytest.approx(frechet_distance(real, generated), rel=1e-10)


def test_ill_conditioned_spectrum_is_exact() -> None:
    # Diagonal covariances have a closed form: sum of (sqrt r - sqrt s)^2.
    r, s = np.logspace(0, -14, 60), np.logspace(-1, -12, 60)
    rotation = np.linalg.qr(rows(60, 60, 7))[0]
    real = Gaussian(np.zeros(60), rotation @ np.diag(r) @ rotation.T)
    generated = Gaussian(np.zeros(60), rotation @ np.diag(s) @ rotation.T)
    expected = np.square(np.sqrt(r) - np.sqrt(s)).sum()
    assert frechet_distance(real, generated) == pytest.approx(expected, rel=1e-6)


def test_units_scale_the_distance() -> None:
    a, b = rows(100, 10, 8), rows(120, 10, 9)
    for unit in (1e-12, 1e12):
        value = frechet_distance(of(unit * a), of(unit * b))
        assert value == pytest.approx(unit**2 * frechet_distance(of(a), of(b)), rel=1e-10)


def test_one_feature_in_a_far_larger_unit_is_exact() -> None:
    units = np.ones(10)
    units[3] = 1e9
    a, b = rows(100, 10, 8), rows(120, 10, 9)
    assert covariance_root(of(a * units)).shape == (10, 10)
    assert frechet_distance(of(a * units), of(b * units)) == pytest.approx(
        from_data(a * units, b * units), rel=1e-9
    )


def test_constant_and_disjoint_features_are_exact() -> None:
    a, b = np.zeros((50, 4)), np.zeros((60, 4))
    a[:, 0], b[:, 1] = rows(50, 1, 1)[:, 0], rows(60, 1, 2)[:, 0]
    step = a.mean(axis=0) - b.mean(axis=0)
    expected = step @ step + a[:, 0].var(ddof=1) + b[:, 1].var(ddof=1)
    assert frechet_distance(of(a), of(b)) == pytest.approx(expected, rel=1e-12)
    zero = of(np.zeros((5, 4)))
    assert frechet_distance(zero, of(b)) == pytest.approx(
        np.square(b.mean(axis=0)).sum() + b[:, 1].var(ddof=1), rel=1e-12
    )
    assert frechet_distance(zero, zero) == 0


def test_tensors_give_the_same_distance() -> None:
    a, b = rows(100, 10, 8), rows(120, 10, 9)
    value = frechet_distance(of(torch.from_numpy(a)), of(torch.from_numpy(b)))
    assert value == frechet_distance(of(a), of(b))


def test_dimensions_that_differ_are_refused() -> None:
    with pytest.raises(FringeError, match="10 and 11 dimensions"):
        frechet_distance(of(rows(20, 10, 1)), of(rows(20, 11, 1)))
    with pytest.raises(FringeError, match="root"):
        frechet_distance(of(rows(20, 10, 1)), of(rows(20, 10, 1)), np.eye(4))
