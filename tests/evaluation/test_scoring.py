"""Tidy rows of distances, compared with distances of repeated rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.evaluation import (
    gaussian_of,
    load_gaussian,
    save_gaussian,
    score_draws,
    score_kernels,
    score_precision_recall,
    score_sizes,
    score_snapshots,
)
from fringe.features import FeatureFile, open_features, top1_classes
from fringe.files.hdf5 import create_h5
from fringe.metrics import (
    Gaussian,
    frechet_distance,
    frechet_distance_infinity,
    kernel_distance,
    precision_recall,
)
from fringe.metrics.extrapolation import Method
from fringe.seeds import random_stream

D, CLASSES = 6, 4


def feature_file(path: Path, count: int, shift: float) -> FeatureFile:
    """Write features and logits of ``count`` images."""
    rng = np.random.default_rng(count)
    with create_h5(path, {"first": 0, "last": count, "network": "tiny"}) as file:
        for space, width in (("features", D), ("logits", CLASSES)):
            data = rng.standard_normal((count, width)) + shift
            file.create_dataset(space, data=data.astype("f4"), fletcher32=True)
    return open_features(path)


@pytest.fixture
def real(tmp_path: Path) -> FeatureFile:
    return feature_file(tmp_path / "real.h5", 5000, 0)


@pytest.fixture
def generated(tmp_path: Path) -> FeatureFile:
    return feature_file(tmp_path / "generated.h5", 4500, 0.5)


def test_a_gaussian_is_computed_in_blocks(real: FeatureFile) -> None:
    """5,000 rows are more than one block."""
    for space in ("features", "logits"):
        for stop in (None, 100, 4096, 4097):
            found = gaussian_of(real, space, stop=stop)
            rows = real.read(space).astype(np.float64)[:stop]
            np.testing.assert_allclose(found.mean, rows.mean(0), rtol=0, atol=1e-12)
            np.testing.assert_allclose(found.covariance, np.cov(rows.T), rtol=0, atol=1e-12)


def test_counts_equal_repeated_rows(generated: FeatureFile) -> None:
    rng = np.random.default_rng(0)
    indices = rng.integers(0, len(generated), 2000)
    found = gaussian_of(generated, counts=np.bincount(indices, minlength=len(generated)))
    rows = generated.read("features", indices).astype(np.float64)
    np.testing.assert_allclose(found.mean, rows.mean(0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(rows.T), rtol=0, atol=1e-12)


def test_a_gaussian_is_read_as_written(tmp_path: Path, real: FeatureFile) -> None:
    gaussian = gaussian_of(real)
    save_gaussian(tmp_path / "g.h5", gaussian, 5000, {"network": "tiny"})
    found, n = load_gaussian(tmp_path / "g.h5")
    assert n == 5000
    assert np.array_equal(found.mean, gaussian.mean)
    assert np.array_equal(found.covariance, gaussian.covariance)
    (tmp_path / "g.h5").write_bytes(b"")
    with pytest.raises(FringeError, match=r"g\.h5: missing or damaged"):
        load_gaussian(tmp_path / "g.h5")


def test_top1_classes_have_the_largest_logits(real: FeatureFile) -> None:
    assert np.array_equal(top1_classes(real), real.read("logits").argmax(1))
    assert len(top1_classes(real, stop=17)) == 17


def test_fid_of_draws_equals_that_of_repeated_rows(
    real: FeatureFile, generated: FeatureFile
) -> None:
    rng = np.random.default_rng(1)
    draws = rng.integers(0, len(generated), (3, 800))
    reference = gaussian_of(real)
    rows = score_draws(draws, generated, reference, 5000)
    assert [row["repeat"] for row in rows] == [0, 1, 2]
    for row, indices in zip(rows, draws, strict=True):
        drawn = Gaussian.from_features(generated.read("features", indices).astype(np.float64))
        assert row["value"] == pytest.approx(frechet_distance(reference, drawn), rel=1e-9)
        assert (row["metric"], row["n_real"], row["n_generated"]) == ("fid", 5000, 800)


def test_kernel_distances_of_draws_equal_those_of_repeated_rows(
    real: FeatureFile, generated: FeatureFile
) -> None:
    # Draws with replacement from few images, so that images are drawn several times.
    draws = np.random.default_rng(2).integers(0, 90, (2, 300))
    rows = score_kernels(
        draws,
        generated,
        real.read("features", stop=400),
        seed=0,
        subsets=4,
        subset_size=100,
        exact=True,
        gamma_factors=[0.125, 1],
    )
    metrics = ["kid", "rbf_kid@0.125", "rbf_kid@1", "kid_exact"]
    assert [(row["metric"], row["repeat"]) for row in rows] == [
        (metric, repeat) for repeat in (0, 1) for metric in metrics
    ]
    exact = kernel_distance(
        real.read("features", stop=400), generated.read("features", draws[1]), subsets=None
    )
    assert rows[-1]["value"] == pytest.approx(exact, rel=1e-9)
    assert all((row["n_real"], row["n_generated"]) == (400, 300) for row in rows)
    without = score_kernels(
        draws, generated, real.read("features", stop=400), seed=0, subsets=4, subset_size=100,
        exact=False, gamma_factors=[1],
    )  # fmt: skip
    assert [row["metric"] for row in without] == ["kid", "rbf_kid@1"] * 2
    assert [row["value"] for row in without] == [
        row["value"] for row in rows if row["metric"] in ("kid", "rbf_kid@1")
    ], "further gammas change nothing"


def test_precision_and_recall_of_draws_equal_those_of_repeated_rows(
    real: FeatureFile, generated: FeatureFile
) -> None:
    rng = np.random.default_rng(3)
    draws = np.stack([rng.permutation(len(generated))[:200] for _ in range(2)])
    features = real.read("features", stop=300)
    rows = score_precision_recall(draws, generated, features, 2)
    assert [(row["metric"], row["repeat"]) for row in rows] == [
        (metric, repeat) for repeat in (0, 1) for metric in ("precision", "recall")
    ]
    assert all((row["n_real"], row["n_generated"]) == (300, 200) for row in rows)
    for repeat, drawn in enumerate(draws):
        found = precision_recall(features, generated.read("features", drawn), 2)
        assert [row["value"] for row in rows if row["repeat"] == repeat] == list(found)
    # A draw repeats one image k + 1 times. Its balls are points, which contain no real image.
    repeated = np.zeros((1, 3), dtype=int)
    assert score_precision_recall(repeated, generated, features, 2)[1]["value"] == 0


def test_fid_at_several_sizes_uses_new_draws(tmp_path: Path, real: FeatureFile) -> None:
    generated = feature_file(tmp_path / "alike.h5", 4500, 0)
    rows = score_sizes(real, generated, [(5000, 4500), (200, 300)], 3, seed=0)
    assert [(r["metric"], r["repeat"], r["n_real"], r["n_generated"]) for r in rows] == [
        (metric, repeat, *pair)
        for metric, pair in (
            ("fid", (5000, 4500)), ("fid", (200, 300)), ("fid_infinity", (5000, 4500))
        )
        for repeat in range(3)
    ]  # fmt: skip
    whole, part, limit = (np.array([row["value"] for row in rows[i : i + 3]]) for i in (0, 3, 6))
    expected = frechet_distance(gaussian_of(real), gaussian_of(generated))
    np.testing.assert_allclose(whole, expected, rtol=1e-9)
    assert len(set(part)) == 3
    assert part.min() > expected, "FID of fewer images is biased upward"
    assert limit.max() < expected, "of infinitely many it is not"
    assert score_sizes(real, generated, [], 3, seed=0) == []


def test_fid_of_infinitely_many_images_equals_that_of_arrays(
    real: FeatureFile, generated: FeatureFile
) -> None:
    """The images are those of the FID with the same repeat."""
    methods: tuple[Method, ...] = ("balanced", "reference")
    for method in methods:
        rows = score_sizes(real, generated, [(90, 200), (100, 200)], 2, seed=1, method=method)
        for repeat in range(2):
            counts = [
                np.sort(random_stream(1, "size", side, n, repeat).choice(total, n, replace=False))
                for side, n, total in (("real", 100, 5000), ("generated", 200, 4500))
            ]
            one, other = real.read("features", counts[0]), generated.read("features", counts[1])
            reference = Gaussian.from_features(one)
            plain = frechet_distance(reference, Gaussian.from_features(other))
            assert rows[2 + repeat]["value"] == pytest.approx(plain, rel=1e-9)
            seed = int(random_stream(1, "fid infinity", repeat).integers(2**31))
            found = frechet_distance_infinity(reference, other, method=method, seed=seed)
            assert rows[4 + repeat]["value"] == pytest.approx(found.value, rel=1e-9)
            assert (rows[4 + repeat]["n_real"], rows[4 + repeat]["n_generated"]) == (100, 200)
    with pytest.raises(FringeError, match="got 5 generated images"):
        score_sizes(real, generated, [(90, 5)], 1, seed=1)


def test_snapshots_have_rows_of_fid(real: FeatureFile, generated: FeatureFile) -> None:
    gaussians = {"early": (gaussian_of(generated), 4500), "late": (gaussian_of(real), 5000)}
    rows = list(score_snapshots(gaussians, gaussian_of(real), 5000))
    assert [(row["snapshot"], row["n_generated"]) for row in rows] == [
        ("early", 4500),
        ("late", 5000),
    ]
    assert rows[0]["value"] > 1
    assert rows[1]["value"] == pytest.approx(0, abs=1e-6)
