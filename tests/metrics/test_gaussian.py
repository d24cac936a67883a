"""Gaussian statistics, compared with numpy.cov and with repeated rows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import Gaussian, describe_rank, merge_gaussians, principal_axes
from fringe.metrics import gaussian as module


def rows(n: int = 700, dim: int = 9, offset: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(n + dim)
    return rng.standard_normal((n, dim)) @ rng.standard_normal((dim, dim)) + offset


def test_statistics_equal_the_golden_ones(shared: Path) -> None:
    golden = np.load(shared / "golden" / "metrics.npz")
    for name, key in (("real", "real"), ("gen", "gen")):
        gaussian = Gaussian.from_features(golden[name])
        np.testing.assert_allclose(gaussian.mean, golden[f"mean_{key}"], rtol=1e-12)
        np.testing.assert_allclose(gaussian.covariance, golden[f"cov_{key}"], atol=1e-13)


def test_equals_numpy_far_from_zero() -> None:
    near, far = rows(), rows(offset=1e7)
    np.testing.assert_allclose(
        Gaussian.from_features(near).covariance, np.cov(near.T), rtol=1e-12, atol=1e-12
    )
    # The offset rounds the rows to 1e-9; no further digits may be lost.
    np.testing.assert_allclose(
        Gaussian.from_features(far).covariance, np.cov(near.T), rtol=1e-7, atol=1e-7
    )


@pytest.mark.parametrize("size", [1, 7, 350, 10_000])
def test_result_does_not_depend_on_blocks(size: int) -> None:
    features = rows().astype(np.float32)
    counts = np.random.default_rng(1).integers(0, 4, len(features))
    blocks = ((features[i : i + size], counts[i : i + size]) for i in range(0, 700, size))
    streamed, whole = Gaussian.from_blocks(blocks), Gaussian.from_features(features, counts)
    np.testing.assert_allclose(streamed.mean, whole.mean, rtol=1e-13, atol=1e-14)
    scale = np.abs(whole.covariance).max()
    np.testing.assert_allclose(streamed.covariance, whole.covariance, atol=1e-14 * scale)


def test_counts_equal_repeated_rows() -> None:
    features = rows()
    counts = np.random.default_rng(2).integers(0, 5, len(features))
    counted = Gaussian.from_features(features, counts)
    repeated = np.repeat(features, counts, axis=0)
    np.testing.assert_allclose(counted.mean, repeated.mean(axis=0), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(counted.covariance, np.cov(repeated.T), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("rows_at_a_time", [1, 8, 4096])
def test_few_drawn_images_of_many(rows_at_a_time: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most blocks contain no drawn image or one, and the drawn images are joined."""
    monkeypatch.setattr(module, "ROWS", rows_at_a_time)
    features = rows()
    drawn = np.random.default_rng(4).integers(0, len(features), 60)
    counts = np.bincount(drawn, minlength=len(features))
    blocks = ((features[i : i + 10], counts[i : i + 10]) for i in range(0, len(features), 10))
    gaussian = Gaussian.from_blocks(blocks)
    np.testing.assert_allclose(gaussian.mean, features[drawn].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(gaussian.covariance, np.cov(features[drawn].T), atol=1e-12)


def test_merged_gaussians_equal_those_of_all_rows() -> None:
    features = rows(offset=1e3)
    for cuts in ([2], [100, 350], [], [5, 7, 600]):
        parts = [(Gaussian.from_features(part), len(part)) for part in np.split(features, cuts)]
        merged = merge_gaussians(parts)
        np.testing.assert_allclose(merged.mean, features.mean(axis=0), rtol=1e-13)
        # Means near 1000 are rounded at 1e-13, and their squared differences at 1e-10.
        np.testing.assert_allclose(merged.covariance, np.cov(features.T), rtol=0, atol=1e-10)
    for empty in ([], [(Gaussian.from_features(features), 1)]):
        with pytest.raises(FringeError, match="two images or more"):
            merge_gaussians(empty)


def test_blocks_with_and_without_weights_are_refused() -> None:
    features = rows(20)
    blocks = [(features[:10], None), (features[10:], np.ones(10, int))]
    with pytest.raises(FringeError, match="some blocks have weights, some have none"):
        Gaussian.from_blocks(blocks)


def test_float_weights_are_relative() -> None:
    features = rows()
    weights = np.random.default_rng(3).random(len(features))
    expected = np.cov(features.T, aweights=weights, ddof=0)
    for scale in (1.0, 1e-6, 1 / weights.sum()):
        gaussian = Gaussian.from_features(features, weights * scale)
        np.testing.assert_allclose(gaussian.covariance, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("unit", [1e-170, 1e160])
def test_result_does_not_depend_on_the_unit_of_weights(
    unit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS", 100)  # several blocks, merged
    features = rows()
    weights = np.random.default_rng(0).random(len(features))
    scaled = Gaussian.from_features(features, unit * weights)
    plain = Gaussian.from_features(features, weights)
    np.testing.assert_allclose(scaled.covariance, plain.covariance, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32])
def test_weights_of_narrow_types_cost_no_digits(dtype: type) -> None:
    features = rows()
    weights = np.random.default_rng(0).integers(0, 9, len(features)).astype(dtype)
    gaussian = Gaussian.from_features(features, weights, ddof=0)
    wide = Gaussian.from_features(features, weights.astype(np.float64))
    np.testing.assert_allclose(gaussian.covariance, wide.covariance, rtol=1e-13, atol=1e-14)


def test_explicit_divisor_is_used() -> None:
    features = rows()
    gaussian = Gaussian.from_features(features, ddof=0)
    np.testing.assert_allclose(gaussian.covariance, np.cov(features.T, ddof=0), rtol=1e-11)


def test_constant_features_have_variance_zero() -> None:
    features = rows()
    features[:, 4] = 0.1
    gaussian = Gaussian.from_features(features)
    assert gaussian.covariance[4, 4] <= 1e-30
    assert gaussian.mean[4] == pytest.approx(0.1, rel=1e-15)


def test_tensors_give_tensors() -> None:
    features = rows().astype(np.float32)
    gaussian = Gaussian.from_features(torch.from_numpy(features))
    assert isinstance(gaussian.mean, torch.Tensor)
    assert gaussian.covariance.dtype == torch.float64
    assert np.array_equal(gaussian.covariance.numpy(), Gaussian.from_features(features).covariance)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_message_names_the_row_with_nan(bad: float) -> None:
    features = rows(9000)
    features[8765, 3] = bad
    with pytest.raises(FringeError, match="row 8765 holds NaN"):
        Gaussian.from_features(features)


@pytest.mark.parametrize(
    ("features", "weights", "message"),
    [
        (np.ones((1, 3)), None, "too few"),
        (np.ones((4, 3)), np.zeros(4, int), "no rows"),
        (np.ones((4, 3)), np.array([1.0, -1, 1, 1]), "row 1 is -1"),
        (np.ones((4, 3)), np.ones(3), "one per row"),
        (np.ones(4), None, "shape"),
        (np.array([["a", "b"]]), None, "numbers"),
    ],
)
def test_bad_input_is_refused(
    features: np.ndarray, weights: np.ndarray | None, message: str
) -> None:
    with pytest.raises(FringeError, match=message):
        Gaussian.from_features(features, weights)


def test_shapes_and_values_of_given_statistics_are_checked() -> None:
    with pytest.raises(FringeError, match="shape"):
        Gaussian(np.zeros(3), np.eye(4))
    with pytest.raises(FringeError, match="NaN"):
        Gaussian(np.zeros(3), np.full((3, 3), np.nan))


def test_rank_is_described_only_for_few_images() -> None:
    assert describe_rank(1281, 1280) is None
    sentence = describe_rank(1280, 1280)
    assert sentence is not None
    assert "rank at most 1279" in sentence


def test_principal_axes_are_those_of_the_largest_variances() -> None:
    gaussian = Gaussian.from_features(rows())
    axes = principal_axes(gaussian, 3)
    variances, vectors = np.linalg.eigh(gaussian.covariance)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.abs(axes @ vectors[:, -3:][:, ::-1]), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(
        np.diag(axes @ gaussian.covariance @ axes.T), variances[-3:][::-1], rtol=1e-9
    )
    assert (axes.max(1) >= -axes.min(1)).all()
    with pytest.raises(FringeError, match="10 of 9 dimensions"):
        principal_axes(gaussian, 10)
