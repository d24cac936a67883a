"""Images in each space of a classifier, compared with plain formulas."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from fringe.evaluation import MeasuredImages, frechet_error, gaussian_of, overview_of
from fringe.features import FeatureFile
from fringe.metrics import frechet_distance

DIM, CLASSES = 6, 5


def stored(path: Path, rows: int, seed: int) -> FeatureFile:
    stream = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        for space, width in (("features", DIM), ("logits", CLASSES)):
            file[space] = stream.standard_normal((rows, width)).astype(np.float32) * (seed + 1)
    names = json.dumps([f"class {number}" for number in range(CLASSES)])
    dims = {"features": DIM, "logits": CLASSES}
    return FeatureFile(path, rows, dims, {"class_names": names})


def test_an_overview_describes_the_first_images(tmp_path: Path) -> None:
    files = stored(tmp_path / "real.h5", 500, 0), stored(tmp_path / "fake.h5", 90, 1)
    stops = 400, 80
    measured: dict[str, tuple[MeasuredImages, MeasuredImages]] = {}
    for space in ("features", "logits"):
        one, other = (
            MeasuredImages(gaussian_of(f, space, stop=s), f, space, stop=s)
            for f, s in zip(files, stops, strict=True)
        )
        measured[space] = one, other
    found = overview_of(files, measured, stops, (1000, 80))
    assert found.counts == (1000, 80)
    assert found.class_names == tuple(f"class {number}" for number in range(CLASSES))
    for space, seen in found.spaces.items():
        real, generated = (file.read(space).astype(float) for file in files)
        gaussians = (each.gaussian for each in measured[space])
        assert seen.distance == pytest.approx(frechet_distance(*gaussians))
        assert (seen.standard_error, seen.real_error) == frechet_error(*measured[space])
        np.testing.assert_array_equal(seen.vectors, np.stack([real[0], generated[0]]))
        # At most 300 of the measured images of each side are points.
        assert [len(points) for points in seen.points] == [300, 80]
        vectors = np.linalg.eigh(np.cov(real[:400].T))[1][:, :-3:-1]  # the two largest variances
        for rows, mean, covariance, points in zip(
            (real[:400], generated[:80]), seen.means, seen.covariances, seen.points, strict=True
        ):
            along = rows @ vectors
            signs = np.sign(along[0] / points[0])
            np.testing.assert_allclose(points * signs, along[: len(points)], rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(mean * signs, along.mean(0), rtol=1e-5, atol=1e-6)
            expected = np.cov((along * signs).T)
            np.testing.assert_allclose(covariance, expected, rtol=1e-5, atol=1e-6)
    for file, stop, shares in zip(files, stops, found.shares, strict=True):
        counts = np.bincount(file.read("logits")[:stop].argmax(1), minlength=CLASSES)
        np.testing.assert_allclose(shares, counts / stop)


def test_logits_may_come_from_another_network(tmp_path: Path) -> None:
    files = stored(tmp_path / "real.h5", 60, 0), stored(tmp_path / "fake.h5", 50, 1)
    others = stored(tmp_path / "real2.h5", 60, 2), stored(tmp_path / "fake2.h5", 50, 3)
    measured = {}
    for space, pair in (("features", files), ("logits", others)):
        one, other = (MeasuredImages(gaussian_of(f, space), f, space) for f in pair)
        measured[space] = one, other
    found = overview_of(files, measured, (60, 50), (60, 50), classified=others)
    for space, pair in (("features", files), ("logits", others)):
        rows = np.stack([file.read(space, stop=1)[0] for file in pair])
        np.testing.assert_array_equal(found.spaces[space].vectors, rows)
    counts = np.bincount(others[0].read("logits").argmax(1), minlength=CLASSES)
    np.testing.assert_allclose(found.shares[0], counts / 60)
