"""The Vendi score, compared with its package and its formula."""

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import vendi, vendi_score

from .sliced import Sliced


def by_formula(features: np.ndarray) -> float:
    """Return exp(entropy) of the eigenvalues of the cosines divided by n, in float64."""
    x = features.astype(np.float64)
    x = x / np.sqrt((x**2).sum(axis=1, keepdims=True))
    shares = np.linalg.eigvalsh(x @ x.T / len(x))
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def features(n: int = 200, dim: int = 24, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, 6)) @ rng.standard_normal((6, dim)) + 0.5
    return (rows + 0.2 * rng.standard_normal((n, dim))).astype(np.float32)


@pytest.mark.parametrize(("n", "dim"), [(200, 24), (24, 200), (50, 50), (1, 7), (7, 1)])
@pytest.mark.parametrize("rows", [2048, 9])
def test_score_equals_its_definition(
    n: int, dim: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendi, "ROWS", rows)
    x = features(n, dim)
    assert vendi_score(x).value == pytest.approx(by_formula(x), rel=1e-9)


@pytest.mark.parametrize(("n", "dim"), [(200, 24), (24, 200)])
def test_score_equals_the_package_vendi_score(n: int, dim: int) -> None:
    package = pytest.importorskip("vendi_score.vendi", reason="vendi-score is not installed")
    x = features(n, dim).astype(np.float64)
    # `score_X` needs a type that SciPy no longer has; `score_dual` is the same score.
    assert vendi_score(x).value == pytest.approx(package.score_dual(x), rel=1e-9)


def test_scores_with_known_values() -> None:
    kinds = np.eye(8).repeat(25, axis=0)
    assert vendi_score(kinds).value == pytest.approx(8, rel=1e-12)
    assert vendi_score(kinds).error == pytest.approx(0, abs=1e-9)
    assert vendi_score(np.ones((30, 4))).value == pytest.approx(1, rel=1e-12)
    two_to_one = np.eye(2)[[0, 0, 1]]
    assert vendi_score(two_to_one).value == pytest.approx(3 / 2 ** (2 / 3), rel=1e-12)


def test_both_ways_give_the_same_score() -> None:
    x = features(60, 60)
    (one, parts), (other, same) = vendi._of_rows(x), vendi._of_dimensions(x)
    assert one == pytest.approx(other, rel=1e-12)
    assert parts.mean() == pytest.approx(one, rel=1e-12)
    np.testing.assert_allclose(parts, same, rtol=1e-7)


def test_error_of_many_images_is_estimated_on_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    x = features(2000)
    expected = vendi_score(x)
    monkeypatch.setattr(vendi, "SAMPLE", 500)
    found = vendi_score(Sliced(x))
    assert found.value == expected.value
    assert found.error == pytest.approx(expected.error, rel=0.15)
    assert found.error != expected.error


def test_a_collapsed_set_has_a_lower_score() -> None:
    x = features()
    collapsed = np.repeat(x[:4], 50, axis=0)
    assert vendi_score(collapsed).value < 0.75 * vendi_score(x).value
    assert vendi_score(collapsed).value <= 4


def test_tensors_and_slices_give_the_same_score() -> None:
    x = features()
    expected = vendi_score(x)
    assert vendi_score(torch.from_numpy(x)) == expected
    assert vendi_score(Sliced(x)) == expected
    lengths = np.random.default_rng(1).uniform(1e-3, 1e3, (len(x), 1))
    assert vendi_score(1e200 * lengths * x).value == pytest.approx(expected.value, rel=1e-9)


@pytest.mark.parametrize("n", [400, 40])
def test_error_equals_the_spread_between_sets(n: int) -> None:
    """The spread of 300 repeats is accurate to 4%, also for 40 images of 60 dimensions."""
    rng = np.random.default_rng(3)
    mixing = np.diag([1, 0.7, 0.4, 0.2]) @ rng.standard_normal((4, 60))
    found = np.array([vendi_score(rng.standard_normal((n, 4)) @ mixing + 0.3) for _ in range(300)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(ddof=1), rel=0.2)


def test_bad_input_is_refused() -> None:
    broken, zero = features(), features()
    broken[17, 2], zero[19] = np.inf, 0
    for values, message in (
        (broken, "features: row 17 holds NaN or infinity"),
        (zero, "features: row 19 is zero and has no direction"),
        (zero[0], r"features: expected numbers of shape \(images, dimensions\)"),
        (Sliced(broken), "features: row 17"),
    ):
        with pytest.raises(FringeError, match=message):
            vendi_score(values)
    assert vendi_score(features(1)).error is None
